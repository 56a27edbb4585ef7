// sqlite_test.c - connections as we want them, and SQLite's errors as ours.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <stdatomic.h>

#include "data/db_priv.h"

static struct shoal_db *db;

static int open_one(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_folder_make();
    db = calloc(1, sizeof(*db));
    assert_non_null(db);
    assert_int_equal(db_open(db, kit_path("one.sqlite3"), true, &err), 0);
    return 0;
}

static int close_one(void **state)
{
    (void)state;
    db_close(db);
    free(db);
    return shoal_tree_remove(kit_folder, NULL);
}

static void each_error_has_its_code(void **state)
{
    (void)state;
    static const struct {
        int sqlite, ours;
    } rows[] = {
        {SQLITE_FULL, SHOAL_EFULL},
        {SQLITE_CONSTRAINT_UNIQUE, SHOAL_ECONFLICT},
        {SQLITE_BUSY_SNAPSHOT, SHOAL_EBUSY},
        {SQLITE_LOCKED, SHOAL_EBUSY},
        {SQLITE_CORRUPT_INDEX, SHOAL_ECORRUPT},
        {SQLITE_NOTADB, SHOAL_ECORRUPT},
        {SQLITE_AUTH, SHOAL_EFORBIDDEN},
        {SQLITE_TOOBIG, SHOAL_ETOOLARGE},
        {SQLITE_INTERRUPT, SHOAL_ECANCELLED},
        {SQLITE_IOERR_FSYNC, SHOAL_EIO},
        {SQLITE_CANTOPEN, SHOAL_EIO},
        {SQLITE_NOMEM, SHOAL_EBUSY},
        {SQLITE_PERM, SHOAL_EIO},
        {SQLITE_NOLFS, SHOAL_EIO},
        {SQLITE_PROTOCOL, SHOAL_EIO},
        {SQLITE_ERROR, SHOAL_EINTERNAL},
        {SQLITE_MISUSE, SHOAL_EINTERNAL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_err err = {0};
        if (db_fail(db, rows[i].sqlite, "here", &err) != rows[i].ours) {
            fail_msg("%d became %d", rows[i].sqlite, err.code);
        }
        assert_int_equal(strncmp(err.text, "here: ", 6), 0);
        assert_null(strstr(err.text, "not an error")); // the connection's own state is well
    }
}

static void an_interrupt_is_the_end_of_time_or_a_wish(void **state)
{
    (void)state;
    struct shoal_call call;
    atomic_bool cancel = false;
    shoal_call_init(&call);
    call.cancel = &cancel;
    db->call = &call;
    assert_int_equal(db_fail(db, SQLITE_INTERRUPT, "x", NULL), SHOAL_ETIMEOUT);
    cancel = true;
    assert_int_equal(db_fail(db, SQLITE_INTERRUPT, "x", NULL), SHOAL_ECANCELLED);
    db->call = NULL;
    shoal_call_fini(&call);
}

static void a_plugin_reads_what_it_lacks(void **state)
{
    (void)state;
    struct shoal_plugin_id chat = {.name = "chat", .table_prefix = "chat_"};
    struct shoal_err err = {0};
    db->guard = &chat;
    snprintf(db->denied, sizeof(db->denied), "v1_video");
    assert_int_equal(db_fail(db, SQLITE_AUTH, "list", &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "plugin chat may not use v1_video"));
    assert_non_null(strstr(err.text, "\"read:videos\""));
    snprintf(db->denied, sizeof(db->denied), "secret");
    db_fail(db, SQLITE_AUTH, "list", &err);
    assert_non_null(strstr(err.text, "may not use secret; its own tables begin with chat_"));
    db->denied[0] = 0;
    chat.table_prefix = NULL;
    db_fail(db, SQLITE_AUTH, "list", &err);
    assert_non_null(strstr(err.text, "may not use this"));
    db->guard = NULL;
}

static int64_t pragma(struct shoal_db *of, const char *text)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(of->handle, text, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static void connections_are_durable_bounded_and_defended(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(pragma(db, "PRAGMA synchronous"), 2);
    assert_int_equal(pragma(db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(pragma(db, "PRAGMA mmap_size"), 0);
    assert_int_equal(pragma(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(pragma(db, "PRAGMA trusted_schema"), 0);
    assert_true(db_run(db, "ATTACH ':memory:' AS other", &err) < 0);
    assert_true(db_run(db, "SELECT zeroblob(67108865)", &err) < 0);
    assert_int_equal(err.code, SHOAL_ETOOLARGE);
    assert_true(db_run(db, "SELECT \"no such column\"", &err) < 0); // no text in double quotes
    assert_true(db_run(db, "PRAGMA writable_schema=ON; DELETE FROM sqlite_master", &err) < 0);
}

static void a_reader_makes_nothing(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_db *reader = calloc(1, sizeof(*reader));
    assert_non_null(reader);
    assert_int_equal(db_open(reader, kit_path("none.sqlite3"), false, &err), SHOAL_EIO);
    assert_null(reader->handle);
    err = (struct shoal_err){0};
    assert_int_equal(db_fail(reader, SQLITE_OK, "list", &err), SHOAL_EIO); // says why, each time
    assert_non_null(strstr(err.text, "list: the database cannot be opened: "));
    assert_int_equal(db_run(db, "CREATE TABLE fish (id INTEGER)", &err), 0);
    assert_int_equal(db_open(reader, kit_path("one.sqlite3"), false, &err), 0);
    err = (struct shoal_err){0};
    assert_true(db_run(reader, "INSERT INTO fish VALUES (1)", &err) < 0);
    assert_non_null(strstr(err.text, "not inside a transaction"));
    db_close(reader);
    free(reader);
}

static void what_is_no_database_is_corrupt(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_db *other = calloc(1, sizeof(*other));
    char text[4096];
    assert_non_null(other);
    memset(text, 'x', sizeof(text));
    assert_int_equal(
        shoal_file_write_whole(kit_path("not.sqlite3"), text, sizeof(text), 0600, NULL), 0);
    assert_int_equal(db_open(other, kit_path("not.sqlite3"), true, &err), SHOAL_ECORRUPT);
    assert_null(other->handle);
    db_close(other); // one that was never opened may be closed
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_one, close_one)
        CASE(each_error_has_its_code),
        CASE(an_interrupt_is_the_end_of_time_or_a_wish),
        CASE(a_plugin_reads_what_it_lacks),
        CASE(connections_are_durable_bounded_and_defended),
        CASE(a_reader_makes_nothing),
        CASE(what_is_no_database_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
