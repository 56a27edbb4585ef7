// migrate_test.c - order, copies, and databases that are newer than the program.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <errno.h>
#include <sqlite3.h>

#include "data/migrate_priv.h"

static const struct shoal_migration three[] = {
    {1, "start", "CREATE TABLE fish (id ID, name TEXT);"},
    {2, "more", "ALTER TABLE fish ADD COLUMN weight I64; INSERT INTO fish (name) VALUES ('cod');"},
    {3, "last", "CREATE TABLE net (id ID);"},
};

static void applies_each_once_and_in_order(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char copied[PATH_MAX];
    assert_int_equal(shoal_migrate_builtin("core", three, 2, copied, &err), 0);
    assert_string_equal(copied, "");
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM fish"), 1);
    assert_int_equal(shoal_migrate_builtin("core", three, 3, copied, &err), 0);
    assert_int_equal(shoal_migrate_builtin("core", three, 3, copied, &err), 0);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM fish"), 1);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM migration WHERE owner = 'core'"), 3);
}

static void a_failing_one_leaves_nothing_and_can_be_repeated(void **state)
{
    (void)state;
    static const struct shoal_migration bad[] = {
        {1, "start", "CREATE TABLE fish (id ID, name TEXT);"},
        {2, "more", "INSERT INTO fish (name) VALUES ('cod'); INSERT INTO nowhere VALUES (1);"},
    };
    struct shoal_err err = {0};
    assert_true(shoal_migrate_builtin("core", bad, 2, NULL, &err) < 0);
    assert_non_null(strstr(err.text, "002_more of core"));
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM fish"), 0);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM migration WHERE owner = 'core'"), 1);
    assert_int_equal(shoal_migrate_builtin("core", three, 3, NULL, &err), 0);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM fish"), 1);
}

static void a_changed_one_is_refused(void **state)
{
    (void)state;
    static const struct shoal_migration changed[] = {{1, "start", "CREATE TABLE bird (id ID);"}};
    struct shoal_err err = {0};
    assert_int_equal(shoal_migrate_builtin("core", three, 1, NULL, &err), 0);
    assert_int_equal(shoal_migrate_builtin("core", changed, 1, NULL, &err), SHOAL_ECONFLICT);
    assert_non_null(strstr(err.text, "changed"));
}

static int64_t count_in_copy(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

static void copies_a_database_that_is_in_use_first(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char copied[PATH_MAX];
    assert_int_equal(shoal_migrate_builtin("core", three, 1, copied, &err), 0);
    kit_run("INSERT INTO fish (name) VALUES ('eel')");
    kit_reopen();
    assert_int_equal(shoal_migrate_builtin("core", three, 3, copied, &err), 0);
    assert_non_null(strstr(copied, "/backups/shoal-before-core-002-"));
    assert_int_equal(count_in_copy(copied, "SELECT COUNT(*) FROM fish"), 1);
    assert_int_equal(
        count_in_copy(copied, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'net'"), 0);
}

static void a_newer_database_is_refused_and_the_copy_named(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char copied[PATH_MAX];
    assert_int_equal(shoal_migrate_builtin("core", three, 2, NULL, &err), 0);
    kit_reopen();
    assert_int_equal(shoal_migrate_builtin("core", three, 3, copied, &err), 0);
    kit_reopen();
    assert_int_equal(shoal_migrate_builtin("core", three, 2, NULL, &err), SHOAL_ECONFLICT);
    assert_non_null(strstr(err.text, "newer"));
    assert_non_null(strstr(err.text, copied));
    shoal_file()->unlink(copied);
    assert_int_equal(shoal_migrate_builtin("core", three, 2, NULL, &err), SHOAL_ECONFLICT);
    assert_non_null(strstr(err.text, "no copy"));
}

static int fsync_fails(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

static void without_a_copy_nothing_is_migrated(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(shoal_migrate_builtin("core", three, 1, NULL, &err), 0);
    kit_reopen();
    struct shoal_file_calls calls = *shoal_file_system();
    calls.fsync = fsync_fails;
    shoal_file_set(&calls);
    int code = shoal_migrate_builtin("core", three, 3, NULL, &err);
    shoal_file_set(NULL);
    assert_int_equal(code, SHOAL_EIO);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM migration WHERE owner = 'core'"), 1);
}

static void write_file(const char *name, const char *text)
{
    struct shoal_err err = {0};
    assert_int_equal(shoal_file_write_whole(kit_path(name), text, strlen(text), 0600, &err), 0);
}

static void reads_the_migrations_of_a_folder(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char folder[PATH_MAX * 2];
    snprintf(folder, sizeof(folder), "%s", kit_path("m"));
    assert_int_equal(shoal_migrate("chat", folder, NULL, &err), 0);
    shoal_folder_make(folder, 0700, &err);
    write_file("m/002_b.sql", "CREATE TABLE chat_b (id ID);");
    assert_int_equal(shoal_migrate("chat", folder, NULL, &err), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "lacks the migration 001"));
    write_file("m/001_a.sql", "CREATE TABLE chat_a (id ID); -- done\n");
    write_file("m/README.md", "not one");
    assert_int_equal(shoal_migrations_pending("chat", folder, &err), 2);
    assert_int_equal(shoal_migrate("chat", folder, NULL, &err), 0);
    assert_int_equal(shoal_migrations_pending("chat", folder, &err), 0);
    const struct shoal_migration first = {1, "a", ""};
    assert_int_equal(
        shoal_migrations_pending_builtin("chat", &first, 0, &err), SHOAL_ECONFLICT); // newer
    assert_int_equal(shoal_migrations_pending_builtin("another", &first, 1, &err), 1);
    assert_int_equal(
        kit_i64("SELECT COUNT(*) FROM sqlite_master WHERE name IN ('chat_a', 'chat_b')"), 2);
    write_file("m/002_c.sql", "");
    assert_int_equal(shoal_migrate("chat", folder, NULL, &err), SHOAL_EINVAL);
    shoal_file()->unlink(kit_path("m/002_c.sql"));
    write_file("m/3_d.sql", "");
    assert_int_equal(shoal_migrate("chat", folder, NULL, &err), SHOAL_EINVAL);
}

static void a_backup_is_whole_while_others_write(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_run("CREATE TABLE fish (id INTEGER PRIMARY KEY, name TEXT)");
    for (int i = 0; i < 50; i++) {
        kit_run("INSERT INTO fish (name) VALUES (hex(randomblob(500)))");
    }
    assert_int_equal(shoal_data_backup(kit_path("copy.sqlite3"), &err), 0);
    kit_run("DELETE FROM fish");
    assert_int_equal(count_in_copy(kit_path("copy.sqlite3"), "SELECT COUNT(*) FROM fish"), 50);
    assert_true(shoal_data_backup(kit_path("no/such/folder.sqlite3"), &err) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)
        CASE(applies_each_once_and_in_order),
        CASE(a_failing_one_leaves_nothing_and_can_be_repeated),
        CASE(a_changed_one_is_refused),
        CASE(copies_a_database_that_is_in_use_first),
        CASE(a_newer_database_is_refused_and_the_copy_named),
        CASE(without_a_copy_nothing_is_migrated),
        CASE(reads_the_migrations_of_a_folder),
        CASE(a_backup_is_whole_while_others_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
