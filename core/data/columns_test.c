// columns_test.c - columns of a row as C types and as JSON, whatever SQLite keeps in them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

static struct shoal_call call;

static int open_call(void **state)
{
    kit_open(state);
    shoal_call_init(&call);
    return 0;
}

static int close_call(void **state)
{
    shoal_call_fini(&call);
    return kit_close(state);
}

static struct shoal_rows *first_row(const char *text)
{
    static struct shoal_sql sql;
    struct shoal_err err = {0};
    sql = (struct shoal_sql){"columns", text};
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(&call), &sql, SHOAL_NOARGS, &err);
    if (!rows || !shoal_rows_next(rows)) {
        fail_msg("%s: %s", text, err.text);
    }
    return rows;
}

static void each_type_is_json_of_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *select, *json;
    } rows[] = {
        {"SELECT 9007199254740993 AS x", "{\"x\":9007199254740993}"},
        {"SELECT -1.5 AS x", "{\"x\":-1.5}"}, {"SELECT NULL AS x", "{\"x\":null}"},
        {"SELECT 'a\"b' AS x", "{\"x\":\"a\\\"b\"}"}, {"SELECT '' AS x", "{\"x\":\"\"}"},
        {"SELECT x'' AS x", "{\"x\":\"\"}"}, {"SELECT x'00FFa0' AS x", "{\"x\":\"00ffa0\"}"},
        {"SELECT CAST(x'61FF' AS TEXT) AS x", "{\"x\":null}"},            // not UTF-8
        {"SELECT CAST(x'610062' AS TEXT) AS x", "{\"x\":\"a\\u0000b\"}"}, // whole, with its zero
        {"SELECT 1 AS x, 2 AS y, 3 AS x", "{\"x\":3,\"y\":2}"}, // the last of a name counts
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_rows *found = first_row(rows[i].select);
        json_t *row = shoal_row_json(found);
        char *text = json_dumps(row, JSON_COMPACT);
        assert_string_equal(text, rows[i].json);
        free(text);
        json_decref(row);
        shoal_rows_close(found, NULL);
    }
}

static void only_declared_booleans_are_true_and_false(void **state)
{
    (void)state;
    kit_run("CREATE TABLE flag (a BOOLEAN, b boolean, c INTEGER, d BOOLEAN)");
    kit_run("INSERT INTO flag VALUES (1, 0, 1, NULL)");
    struct shoal_rows *rows = first_row("SELECT a, b, c, d, a + 0 AS e FROM flag");
    json_t *row = shoal_row_json(rows);
    char *text = json_dumps(row, JSON_COMPACT);
    assert_string_equal(text, "{\"a\":true,\"b\":false,\"c\":1,\"d\":null,\"e\":1}");
    free(text);
    json_decref(row);
    shoal_rows_close(rows, NULL);
}

static void no_bytes_are_not_null(void **state)
{
    (void)state;
    size_t length = 7;
    struct shoal_rows *rows = first_row("SELECT x'', NULL, 'ab'");
    assert_non_null(shoal_col_bytes(rows, 0, &length));
    assert_int_equal(length, 0);
    assert_false(shoal_col_null(rows, 0));
    length = 7;
    assert_null(shoal_col_bytes(rows, 1, &length));
    assert_int_equal(length, 0);
    assert_true(shoal_col_null(rows, 1));
    assert_memory_equal(shoal_col_bytes(rows, 2, &length), "ab", 2);
    assert_int_equal(length, 2);
    shoal_rows_close(rows, NULL);
}

/// Beside the row, and behind the last one: nothing, and no reading of what is not there.
static void outside_of_a_row_is_nothing(void **state)
{
    (void)state;
    size_t length = 7;
    struct shoal_rows *rows = first_row("SELECT 5 AS a, 'x' AS b");
    for (int step = 0; step < 2; step++) {
        const int columns[] = {-1, step == 0 ? 2 : 0, 99};
        for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
            assert_int_equal(shoal_col_i64(rows, columns[i]), 0);
            assert_true(shoal_col_real(rows, columns[i]) == 0);
            assert_false(shoal_col_bool(rows, columns[i]));
            assert_null(shoal_col_text(rows, columns[i]));
            assert_null(shoal_col_bytes(rows, columns[i], &length));
            assert_true(shoal_col_null(rows, columns[i]));
        }
        assert_false(shoal_rows_next(rows));
    }
    assert_int_equal(shoal_rows_columns(rows), 2); // the names stay until it is closed
    assert_string_equal(shoal_col_name(rows, 1), "b");
    assert_null(shoal_col_name(rows, 2));
    assert_null(shoal_col_name(rows, -1));
    json_t *row = shoal_row_json(rows);
    assert_int_equal(json_object_size(row), 0);
    json_decref(row);
    shoal_rows_close(rows, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)
        CASE(each_type_is_json_of_its_own),
        CASE(only_declared_booleans_are_true_and_false),
        CASE(no_bytes_are_not_null),
        CASE(outside_of_a_row_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
