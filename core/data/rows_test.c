// rows_test.c - running statements: counts, first rows, errors half way, and what is used again.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/db_priv.h"

static struct shoal_call call;

static int open_call(void **state)
{
    kit_open(state);
    shoal_call_init(&call);
    kit_run("CREATE TABLE fish (id INTEGER PRIMARY KEY, name TEXT UNIQUE)");
    kit_run("INSERT INTO fish VALUES (1, 'cod'), (2, 'eel'), (3, 'ray')");
    return 0;
}

static int close_call(void **state)
{
    shoal_call_fini(&call);
    return kit_close(state);
}

/// What the closure does, and what it found out.
struct work {
    const char *text;
    int64_t changed, first;
    int code;
};

static int run(struct shoal_call *within, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct work *work = arg;
    struct shoal_sql sql = {"work", work->text};
    (void)within;
    work->code = work->first ? shoal_db_i64(tx, &sql, SHOAL_NOARGS, &work->first, err)
                             : shoal_db_exec(tx, &sql, SHOAL_NOARGS, &work->changed, err);
    return 0;
}

static struct work write_it(const char *text, bool wants_first)
{
    struct work work = {.text = text, .changed = -1, .first = wants_first ? -1 : 0};
    assert_int_equal(shoal_tx(&call, run, &work, NULL), 0);
    return work;
}

static void changes_are_counted_where_something_writes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t changed;
    } rows[] = {
        {"UPDATE fish SET name = upper(name) WHERE id < 3", 2},
        {"UPDATE fish SET name = 'x' WHERE id = 9", 0},
        {"SELECT * FROM fish", 0}, // not what the statement before it changed
        {"DELETE FROM fish WHERE id = 3 RETURNING id", 1},
        {"INSERT INTO fish (name) VALUES ('COD') ON CONFLICT DO NOTHING", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct work work = write_it(rows[i].text, false);
        assert_int_equal(work.code, 0);
        assert_int_equal(work.changed, rows[i].changed);
    }
}

static void a_first_row_does_not_end_the_work(void **state)
{
    (void)state;
    struct work work = write_it("UPDATE fish SET name = name || '!' RETURNING id", true);
    assert_int_equal(work.code, 0);
    assert_int_equal(work.first, 1);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM fish WHERE name LIKE '%!'"), 3);
    work = write_it("DELETE FROM fish WHERE id = 9 RETURNING id", true);
    assert_int_equal(work.code, SHOAL_ENOTFOUND);
    assert_int_equal(work.first, -1); // left as it was
}

static void an_error_half_way_ends_the_rows_and_is_told_at_their_end(void **state)
{
    (void)state;
    static const struct shoal_sql sql = {"half",
        "SELECT CASE WHEN id = 2 THEN json_extract('{', '$') ELSE id END FROM fish ORDER BY id"};
    struct shoal_err err = {0};
    int64_t value = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(&call), &sql, SHOAL_NOARGS, &err);
    assert_true(shoal_rows_next(rows));
    assert_int_equal(shoal_col_i64(rows, 0), 1);
    assert_false(shoal_rows_next(rows));
    assert_false(shoal_rows_next(rows));
    assert_int_equal(err.code, 0);
    assert_true(shoal_rows_close(rows, &err) < 0);
    assert_non_null(strstr(err.text, "half: "));
    assert_true(shoal_db_i64(shoal_call_db(&call), &sql, SHOAL_NOARGS, &value, &err) < 0);
    assert_true(shoal_db_exec(shoal_call_db(&call), &sql, SHOAL_NOARGS, NULL, &err) < 0);
}

static void rows_close_in_any_order_and_are_used_again(void **state)
{
    (void)state;
    static const struct shoal_sql sql = {"all", "SELECT id FROM fish"};
    struct shoal_db *db = shoal_call_db(&call);
    struct shoal_rows *rows[3];
    for (int i = 0; i < 3; i++) {
        rows[i] = shoal_db_query(db, &sql, SHOAL_NOARGS, NULL);
        assert_true(shoal_rows_next(rows[i]));
    }
    assert_int_equal(shoal_rows_close(rows[1], NULL), 0); // the middle, the first, the last
    assert_int_equal(shoal_rows_close(rows[2], NULL), 0);
    assert_ptr_equal(db->open, rows[0]);
    assert_true(shoal_rows_next(rows[0]));
    assert_int_equal(shoal_rows_close(rows[0], NULL), 0);
    assert_null(db->open);
    struct shoal_rows *again = shoal_db_query(db, &sql, SHOAL_NOARGS, NULL);
    assert_ptr_equal(again, rows[0]);
    assert_true(shoal_rows_next(again));
    shoal_rows_close(again, NULL);
    assert_int_equal(shoal_rows_close(NULL, NULL), 0);
}

static void a_query_copies_its_arguments(void **state)
{
    (void)state;
    static const struct shoal_sql sql = {"copy", "SELECT $1 || $2"};
    char text[] = "cod";
    char bytes[] = "eel";
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(&call), &sql, SHOAL_ARGS(SHOAL_TEXT(text), SHOAL_BYTES(bytes, 3)), NULL);
    memset(text, 'x', 3); // before the first step
    memset(bytes, 'x', 3);
    assert_true(shoal_rows_next(rows));
    assert_string_equal(shoal_col_text(rows, 0), "codeel");
    shoal_rows_close(rows, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)
        CASE(changes_are_counted_where_something_writes),
        CASE(a_first_row_does_not_end_the_work),
        CASE(an_error_half_way_ends_the_rows_and_is_told_at_their_end),
        CASE(rows_close_in_any_order_and_are_used_again),
        CASE(a_query_copies_its_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
