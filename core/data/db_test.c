// db_test.c - statements, arguments, rows and columns.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <stdatomic.h>

SHOAL_SQL(sql_all, "SELECT id, name, data, is_good, weight, missing FROM thing ORDER BY id");
SHOAL_SQL(sql_add,
    "INSERT INTO thing (name, data, is_good, weight) VALUES ($1, $2, $3, $4) RETURNING id");
SHOAL_SQL(sql_twice, "SELECT $2 || $1 || $2");
SHOAL_SQL(sql_write, "INSERT INTO thing (name) VALUES ('x')");
SHOAL_SQL(sql_endless,
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n");

static int open_with_table(void **state)
{
    kit_open(state);
    kit_run("CREATE TABLE thing (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, data BLOB,"
            " is_good BOOLEAN, weight REAL, missing TEXT)");
    return 0;
}

static int add_rows(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    int64_t id;
    int code = shoal_db_i64(tx, &sql_add,
        SHOAL_ARGS(
            SHOAL_TEXT("fin"), SHOAL_BYTES("\x00\xFF", 2), SHOAL_BOOL(true), SHOAL_REAL(2.5)),
        &id, err);
    assert_int_equal(id, 1);
    return code;
}

static void binds_and_reads_every_type(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, add_rows, NULL, &err), 0);
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(&call), &sql_all, SHOAL_NOARGS, &err);
    assert_non_null(rows);
    assert_true(shoal_rows_next(rows));
    assert_int_equal(shoal_rows_columns(rows), 6);
    assert_string_equal(shoal_col_name(rows, 1), "name");
    assert_null(shoal_col_name(rows, 6));
    assert_int_equal(shoal_col_i64(rows, 0), 1);
    assert_string_equal(shoal_col_text(rows, 1), "fin");
    size_t length;
    assert_memory_equal(shoal_col_bytes(rows, 2, &length), "\x00\xFF", 2);
    assert_int_equal(length, 2);
    assert_true(shoal_col_bool(rows, 3));
    assert_true(shoal_col_real(rows, 4) == 2.5);
    assert_true(shoal_col_null(rows, 5));
    assert_null(shoal_col_text(rows, 5));
    assert_null(shoal_col_bytes(rows, 5, &length));
    assert_int_equal(shoal_col_i64(rows, 99), 0);
    json_t *row = shoal_row_json(rows);
    char *text = json_dumps(row, JSON_COMPACT);
    assert_string_equal(text, "{\"id\":1,\"name\":\"fin\",\"data\":\"00ff\",\"is_good\":true,"
                              "\"weight\":2.5,\"missing\":null}");
    free(text);
    json_decref(row);
    assert_false(shoal_rows_next(rows));
    assert_int_equal(shoal_col_i64(rows, 0), 0);
    assert_int_equal(shoal_rows_close(rows, &err), 0);
    shoal_call_fini(&call);
}

static void binds_parameters_by_their_number(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    struct shoal_db *db = shoal_call_db(&call);
    struct shoal_rows *rows =
        shoal_db_query(db, &sql_twice, SHOAL_ARGS(SHOAL_TEXT("a"), SHOAL_TEXT("b")), &err);
    assert_true(shoal_rows_next(rows));
    assert_string_equal(shoal_col_text(rows, 0), "bab");
    shoal_rows_close(rows, NULL);
    assert_null(shoal_db_query(db, &sql_twice, SHOAL_ARGS(SHOAL_TEXT("a")), &err));
    assert_int_equal(err.code, SHOAL_EINTERNAL);
    assert_null(shoal_db_query(
        db, &sql_twice, SHOAL_ARGS(SHOAL_TEXT("a"), SHOAL_TEXT("b"), SHOAL_NULL), &err));
    assert_int_equal(err.code, SHOAL_EINTERNAL);
    struct shoal_sql named = {"named", "SELECT :name"};
    assert_null(shoal_db_query(db, &named, SHOAL_ARGS(SHOAL_TEXT("a")), &err));
    struct shoal_sql two = {"two", "SELECT 1; SELECT 2"};
    assert_null(shoal_db_query(db, &two, SHOAL_NOARGS, &err));
    assert_int_equal(err.code, SHOAL_EINTERNAL);
    shoal_call_fini(&call);
}

static void hostile_text_stays_text(void **state)
{
    (void)state;
    static const char hostile[] = "'); DROP TABLE thing; --";
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(&call), &sql_twice, SHOAL_ARGS(SHOAL_TEXT(hostile), SHOAL_TEXT("")), NULL);
    assert_true(shoal_rows_next(rows));
    assert_string_equal(shoal_col_text(rows, 0), hostile);
    shoal_rows_close(rows, NULL);
    shoal_call_fini(&call);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM thing"), 0);
}

static void a_reader_refuses_to_write(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    assert_true(shoal_db_exec(shoal_call_db(&call), &sql_write, SHOAL_NOARGS, NULL, &err) < 0);
    assert_non_null(strstr(err.text, "transaction"));
    shoal_call_fini(&call);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM thing"), 0);
}

static int write_twice(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    int64_t changed = 0;
    assert_int_equal(shoal_db_exec(tx, &sql_write, SHOAL_NOARGS, &changed, err), 0);
    assert_int_equal(changed, 1);
    return shoal_db_exec(tx, &sql_write, SHOAL_NOARGS, &changed, err);
}

static void a_broken_constraint_is_a_conflict(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, write_twice, NULL, &err), SHOAL_ECONFLICT);
    assert_non_null(strstr(err.text, "sql_write"));
    shoal_call_fini(&call);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM thing"), 0);
}

static void a_statement_ends_with_its_call(void **state)
{
    (void)state;
    atomic_bool cancel = true;
    struct shoal_call call;
    struct shoal_err err = {0};
    int64_t value;
    shoal_call_init(&call);
    call.deadline_ms = shoal_tick_ms() + 50;
    assert_int_equal(shoal_db_i64(shoal_call_db(&call), &sql_endless, SHOAL_NOARGS, &value, &err),
        SHOAL_ETIMEOUT);
    call.deadline_ms = 0;
    call.cancel = &cancel;
    assert_int_equal(shoal_db_i64(shoal_call_db(&call), &sql_endless, SHOAL_NOARGS, &value, &err),
        SHOAL_ECANCELLED);
    shoal_call_fini(&call);
}

static void keeps_more_statements_than_it_has_places(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    struct shoal_sql *sql = calloc(600, sizeof(*sql));
    char(*texts)[32] = calloc(600, sizeof(*texts));
    assert_non_null(sql);
    assert_non_null(texts);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 600; i++) {
            snprintf(texts[i], sizeof(texts[i]), "SELECT %d", i + round);
            sql[i] = (struct shoal_sql){"many", texts[i]};
            int64_t value = -1;
            assert_int_equal(
                shoal_db_i64(shoal_call_db(&call), &sql[i], SHOAL_NOARGS, &value, &err), 0);
            assert_int_equal(value, i + round);
        }
    }
    shoal_call_fini(&call);
    free(sql);
    free(texts);
}

static void one_statement_runs_within_itself(void **state)
{
    (void)state;
    kit_run("INSERT INTO thing (name) VALUES ('a'), ('b'), ('c')");
    struct shoal_call call;
    shoal_call_init(&call);
    int pairs = 0;
    struct shoal_rows *outer = shoal_db_query(shoal_call_db(&call), &sql_all, SHOAL_NOARGS, NULL);
    while (shoal_rows_next(outer)) {
        struct shoal_rows *inner =
            shoal_db_query(shoal_call_db(&call), &sql_all, SHOAL_NOARGS, NULL);
        while (shoal_rows_next(inner)) {
            pairs++;
        }
        shoal_rows_close(inner, NULL);
    }
    shoal_rows_close(outer, NULL);
    assert_int_equal(pairs, 9);
    shoal_call_fini(&call);
}

static void rows_left_open_hold_nobody_up(void **state)
{
    (void)state;
    kit_run("INSERT INTO thing (name) VALUES ('a'), ('b')");
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(&call), &sql_all, SHOAL_NOARGS, NULL);
    assert_true(shoal_rows_next(rows));
    shoal_call_fini(&call);
    kit_run("DELETE FROM thing");
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM thing"), 0);
}

static void missing_rows_are_not_found(void **state)
{
    (void)state;
    assert_int_equal(kit_i64("SELECT id FROM thing WHERE id = 5"), -404);
    assert_int_equal(shoal_value_text(NULL).type, SHOAL_TYPE_NULL);
    assert_int_equal(shoal_value_time(0).type, SHOAL_TYPE_NULL);
    assert_int_equal(shoal_value_time(5).i64, 5);
}

static int count_one(const struct shoal_sql *sql, void *user)
{
    assert_non_null(sql->name);
    assert_non_null(sql->text);
    (*(int *)user)++;
    return 0;
}

static void statements_of_the_core_can_be_listed(void **state)
{
    (void)state;
    static const struct shoal_sql *const list[] = {&sql_all, NULL, &sql_add};
    int count = 0;
    shoal_sql_each(list, list + 3, count_one, &count);
    assert_int_equal(count, 2);
    FILE *out = tmpfile();
    assert_non_null(out);
    assert_int_equal(shoal_sql_print(out), 0);
    assert_true(ftell(out) > 2000);
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_with_table, kit_close)
        CASE(binds_and_reads_every_type),
        CASE(binds_parameters_by_their_number),
        CASE(hostile_text_stays_text),
        CASE(a_reader_refuses_to_write),
        CASE(a_broken_constraint_is_a_conflict),
        CASE(a_statement_ends_with_its_call),
        CASE(keeps_more_statements_than_it_has_places),
        CASE(one_statement_runs_within_itself),
        CASE(rows_left_open_hold_nobody_up),
        CASE(missing_rows_are_not_found),
        CASE(statements_of_the_core_can_be_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
