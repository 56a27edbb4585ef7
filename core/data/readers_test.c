// readers_test.c - reading connections: one a call, kept for the next, none when it is closed.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/db_priv.h"

SHOAL_SQL(sql_one, "SELECT 1");
SHOAL_SQL(sql_count, "SELECT COUNT(*) FROM setting");

static void a_call_keeps_its_connection_and_the_next_gets_it(void **state)
{
    (void)state;
    struct shoal_call first;
    struct shoal_call second;
    shoal_call_init(&first);
    struct shoal_db *db = shoal_call_db(&first);
    assert_ptr_equal(shoal_call_db(&first), db);
    assert_ptr_equal(db->call, &first);
    shoal_call_init(&second);
    assert_ptr_not_equal(shoal_call_db(&second), db); // at the same time: another one
    shoal_call_fini(&second);
    shoal_call_fini(&first);
    shoal_call_init(&second);
    assert_ptr_equal(shoal_call_db(&second), db);
    assert_ptr_equal(db->call, &second);
    shoal_call_fini(&second);
}

static void more_than_a_handful_are_not_kept(void **state)
{
    (void)state;
    struct shoal_db *taken[20];
    struct shoal_db *again[20];
    for (int i = 0; i < 20; i++) {
        taken[i] = db_reader_take(NULL);
        assert_non_null(taken[i]->handle);
    }
    for (int i = 0; i < 20; i++) {
        db_reader_give(taken[i]);
    }
    for (int i = 0; i < 20; i++) {
        again[i] = db_reader_take(NULL);
        for (int j = 0; j < i; j++) {
            assert_ptr_not_equal(again[i], again[j]); // nobody shares one
        }
    }
    for (int i = 0; i < 16; i++) {
        assert_ptr_equal(again[i], taken[15 - i]);
    }
    for (int i = 0; i < 20; i++) {
        db_reader_give(again[i]);
    }
}

static int writer_of(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)err;
    *(struct shoal_db **)arg = tx;
    return 0;
}

static int pages_of(const struct shoal_db *db)
{
    int now = 0, most = 0;
    sqlite3_db_status(db->handle, SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0);
    return now;
}

static void one_that_nobody_uses_gives_its_pages_back(void **state)
{
    (void)state;
    int64_t count = 0;
    struct shoal_err err = {0};
    struct shoal_db *db = db_reader_take(NULL);
    assert_int_equal(shoal_db_i64(db, &sql_count, SHOAL_NOARGS, &count, &err), 0);
    int before = pages_of(db);
    db_reader_give(db);
    assert_false(db_readers_rest(shoal_tick_ms()));
    assert_int_equal(pages_of(db), before);
    assert_true(db_readers_rest(shoal_tick_ms() + 60000));
    assert_true(pages_of(db) < before);
    assert_false(db_readers_rest(shoal_tick_ms() + 60000)); // once
    db = db_reader_take(NULL);
    assert_int_equal(shoal_db_i64(db, &sql_count, SHOAL_NOARGS, &count, &err), 0);
    db_reader_give(db);
    assert_true(db_readers_rest(shoal_tick_ms() + 60000)); // and again after it was used
}

SHOAL_SQL(sql_read, "SELECT SUM(LENGTH(text)) FROM large");

/// What is kept of a table of 8 MiB once it was read.
static int pages_after(struct shoal_call *call, struct shoal_request *request)
{
    int64_t sum = 0;
    struct shoal_err err = {0};
    shoal_call_init(call);
    call->request = request;
    assert_int_equal(shoal_db_i64(shoal_call_db(call), &sql_read, SHOAL_NOARGS, &sum, &err), 0);
    assert_int_equal(sum, 4096 * 2048);
    int pages = pages_of(call->db);
    shoal_call_fini(call);
    return pages;
}

static void what_is_kept_is_bounded_however_much_there_is(void **state)
{
    (void)state;
    struct shoal_call call, request;
    char marker;
    kit_run("CREATE TABLE large (id INTEGER PRIMARY KEY, text TEXT)");
    kit_run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4096)"
            " INSERT INTO large SELECT i, printf('%.*c', 2048, 'x') FROM n");
    int work = pages_after(&call, NULL);
    int asked = pages_after(&request, (struct shoal_request *)&marker);
    assert_true(work > 400 * 1024 && work < 640 * 1024);
    assert_true(asked > 1800 * 1024 && asked < 2560 * 1024);
    assert_true(pages_after(&call, NULL) < 640 * 1024); // the same connection
    struct shoal_db *writer = NULL;
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, writer_of, &writer, NULL), 0);
    int written = pages_of(writer); // it rests between two closures
    shoal_call_fini(&call);
    assert_true(written > 0 && written < 2560 * 1024);
}

static void rows_that_are_left_open_go_with_the_call(void **state)
{
    (void)state;
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_db *db = shoal_call_db(&call);
    struct shoal_rows *rows = shoal_db_query(db, &sql_one, SHOAL_NOARGS, NULL);
    assert_true(shoal_rows_next(rows));
    assert_ptr_equal(db->open, rows);
    shoal_call_fini(&call);
    assert_null(db->open);
    assert_null(db->call);
    assert_ptr_equal(db->lost, rows); // its memory stays: somebody may still point at it
    assert_false(shoal_rows_next(rows));
}

static void one_that_is_held_over_the_end_is_closed_when_it_comes_back(void **state)
{
    (void)state;
    struct shoal_call late;
    struct shoal_err err = {0};
    int64_t value = 0;
    struct shoal_db *held = db_reader_take(NULL);
    shoal_data_close();
    shoal_call_init(&late);
    assert_int_equal(
        shoal_db_i64(shoal_call_db(&late), &sql_one, SHOAL_NOARGS, &value, &err), SHOAL_EIO);
    assert_non_null(strstr(err.text, "it is closed"));
    shoal_call_fini(&late);
    db_reader_give(held);
    kit_reopen();
    shoal_call_init(&late);
    assert_int_equal(shoal_db_i64(shoal_call_db(&late), &sql_count, SHOAL_NOARGS, &value, &err), 0);
    shoal_call_fini(&late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)
        CASE(a_call_keeps_its_connection_and_the_next_gets_it),
        CASE(more_than_a_handful_are_not_kept),
        CASE(one_that_nobody_uses_gives_its_pages_back),
        CASE(what_is_kept_is_bounded_however_much_there_is),
        CASE(rows_that_are_left_open_go_with_the_call),
        CASE(one_that_is_held_over_the_end_is_closed_when_it_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
