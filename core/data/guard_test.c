// guard_test.c - what a plugin's statements may not do.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

static const char *const views[] = {"v1_video", NULL};
static const struct shoal_plugin_id chat = {
    .name = "chat", .table_prefix = "chat_", .views = views};

SHOAL_SQL(sql_core_secret, "SELECT COUNT(*) FROM secret");

static int open_with_tables(void **state)
{
    kit_open(state);
    kit_run("CREATE TABLE secret (id INTEGER PRIMARY KEY, password TEXT)");
    kit_run("CREATE TABLE video (id INTEGER PRIMARY KEY, name TEXT)");
    kit_run("CREATE VIEW v1_video AS SELECT id, name FROM video");
    kit_run("CREATE VIEW v1_other AS SELECT password FROM secret");
    kit_run("CREATE TABLE chat_line (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT)");
    kit_run("INSERT INTO video (name) VALUES ('film')");
    kit_run("INSERT INTO secret (password) VALUES ('hunter2')");
    return 0;
}

static int run_writing(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_db_exec(tx, arg, SHOAL_NOARGS, NULL, err);
}

/// Runs a statement as the plugin: outside of a transaction, or as the writer.
static int as_plugin(const char *text, bool is_writing)
{
    struct shoal_call call;
    struct shoal_err err = {0};
    struct shoal_sql sql = {"plugin", text};
    shoal_call_init(&call);
    shoal_call_enter(&call, (struct shoal_plugin *)(uintptr_t)&chat);
    int code = is_writing ? shoal_tx(&call, run_writing, &sql, &err)
                          : shoal_db_exec(shoal_call_db(&call), &sql, SHOAL_NOARGS, NULL, &err);
    shoal_call_leave(&call);
    shoal_call_fini(&call);
    return code;
}

static void a_plugin_uses_its_own_tables_and_the_published_views(void **state)
{
    (void)state;
    assert_int_equal(as_plugin("INSERT INTO chat_line (text) VALUES ('hi')", true), 0);
    assert_int_equal(as_plugin("UPDATE chat_line SET text = upper(text)", true), 0);
    assert_int_equal(as_plugin("SELECT text FROM chat_line", false), 0);
    assert_int_equal(as_plugin("SELECT name FROM v1_video", false), 0);
    assert_int_equal(as_plugin("SELECT COUNT(*) FROM v1_video", false), 0);
    assert_int_equal(as_plugin("SELECT v.id FROM v1_video AS v", false), 0);
    assert_int_equal(as_plugin("WITH x AS (SELECT id FROM v1_video) SELECT id FROM x", false), 0);
    assert_int_equal(
        as_plugin("SELECT v.name FROM v1_video v JOIN chat_line c ON c.id = v.id", false), 0);
    assert_int_equal(as_plugin("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                               " WHERE i < 5) SELECT MAX(i) FROM n",
                         false),
        0);
    assert_int_equal(as_plugin("INSERT INTO chat_line (text) SELECT name FROM v1_video", true), 0);
    assert_int_equal(as_plugin("DELETE FROM chat_line", true), 0);
}

static void a_plugin_reads_nothing_else(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT password FROM secret",
        "SELECT COUNT(*) FROM secret",
        "SELECT 1 FROM secret",
        "SELECT password FROM v1_other",
        "SELECT name FROM video",
        "SELECT sql FROM sqlite_master",
        "SELECT value FROM setting",
        "SELECT id FROM chat_line WHERE text = (SELECT password FROM secret)",
        "SELECT name FROM v1_video WHERE EXISTS (SELECT 1 FROM secret)",
        "WITH x AS (SELECT password FROM secret) SELECT * FROM x",
        "WITH v1_video AS (SELECT password FROM secret) SELECT * FROM v1_video",
        "WITH \"V1_Video\" AS (SELECT password FROM secret) SELECT * FROM v1_video",
        "WITH 'v1_video' /* x */ AS -- y\n (SELECT password FROM secret) SELECT * FROM v1_video",
        "WITH [v1_video] (name) AS (SELECT password FROM secret) SELECT * FROM v1_video",
        ("WITH a AS (SELECT 1), `v1_video` AS NOT MATERIALIZED (SELECT password FROM secret)"
         " SELECT * FROM v1_video"),
        "SELECT id FROM v1_video UNION ALL SELECT COUNT(*) FROM secret",
        "SELECT COUNT(*) FROM v1_video, secret",
        "SELECT video.rowid FROM video, v1_video",
        "SELECT load_extension('x')",
        "SELECT * FROM pragma_table_info('secret')",
        "PRAGMA table_info(secret)",
        "EXPLAIN SELECT password FROM secret",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int code = as_plugin(texts[i], false);
        bool is_function = strstr(texts[i], "load_extension") || strstr(texts[i], "pragma_");
        if (code != SHOAL_EFORBIDDEN && !(is_function && code == SHOAL_EINTERNAL)) {
            fail_msg("%s: %d", texts[i], code);
        }
    }
}

static void a_plugin_changes_nothing_else(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "INSERT INTO secret (password) VALUES ('x')",
        "UPDATE secret SET password = 'x'",
        "DELETE FROM secret",
        "DELETE FROM video",
        "INSERT INTO chat_line (text) SELECT password FROM secret",
        "UPDATE chat_line SET text = (SELECT password FROM secret)",
        "CREATE TABLE chat_more (id INTEGER)",
        "DROP TABLE chat_line",
        "CREATE TEMP TABLE chat_temp (id INTEGER)",
        "CREATE TRIGGER chat_t AFTER INSERT ON chat_line BEGIN DELETE FROM secret; END",
        "ALTER TABLE chat_line ADD COLUMN x",
        "ATTACH ':memory:' AS other",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA writable_schema = ON",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT x",
        "VACUUM",
        "REINDEX job_due",
        "ANALYZE",
        "UPDATE sqlite_sequence SET seq = 0",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int code = as_plugin(texts[i], true);
        if (code != SHOAL_EFORBIDDEN && !(strcmp(texts[i], "VACUUM") == 0 && code < 0)) {
            fail_msg("%s: %d", texts[i], code);
        }
    }
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM secret WHERE password = 'hunter2'"), 1);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'chat%'"), 1);
}

static void a_statement_of_the_core_is_free_whoever_asks(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    int64_t count = 0;
    shoal_call_init(&call);
    shoal_call_enter(&call, (struct shoal_plugin *)(uintptr_t)&chat);
    assert_int_equal(
        shoal_db_i64(shoal_call_db(&call), &sql_core_secret, SHOAL_NOARGS, &count, &err), 0);
    assert_int_equal(count, 1);
    struct shoal_sql copy = sql_core_secret;
    assert_int_equal(
        shoal_db_i64(shoal_call_db(&call), &copy, SHOAL_NOARGS, &count, &err), SHOAL_EFORBIDDEN);
    shoal_call_leave(&call);
    shoal_call_fini(&call);
}

static void a_statement_that_the_core_prepared_is_checked_again_for_a_plugin(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    int64_t count = 0;
    struct shoal_sql sql = {"shared", "SELECT COUNT(*) FROM secret"};
    shoal_call_init(&call);
    assert_int_equal(shoal_db_i64(shoal_call_db(&call), &sql, SHOAL_NOARGS, &count, &err), 0);
    shoal_call_enter(&call, (struct shoal_plugin *)(uintptr_t)&chat);
    assert_int_equal(
        shoal_db_i64(shoal_call_db(&call), &sql, SHOAL_NOARGS, &count, &err), SHOAL_EFORBIDDEN);
    shoal_call_leave(&call);
    shoal_call_fini(&call);
}

static int migrate(const char *sql)
{
    static int number;
    struct shoal_err err = {0};
    char folder[PATH_MAX * 2], file[PATH_MAX * 3];
    snprintf(folder, sizeof(folder), "%s/m%d", kit_folder, number);
    number++;
    shoal_folder_make(folder, 0700, &err);
    snprintf(file, sizeof(file), "%s/001_start.sql", folder);
    shoal_file_write_whole(file, sql, strlen(sql), 0600, &err);
    char owner[32];
    snprintf(owner, sizeof(owner), "plugin%d", number);
    int code = shoal_migrate(owner, folder, NULL, &err);
    return code;
}

static void migrations_of_a_plugin_make_its_own_tables_alone(void **state)
{
    (void)state;
    assert_int_equal(migrate("CREATE TABLE plugin1_a (id ID, at TIME, text TEXT UNIQUE);"
                             "CREATE INDEX plugin1_i ON plugin1_a (at);"
                             "INSERT INTO plugin1_a (at) VALUES (1);"
                             "ALTER TABLE plugin1_a ADD COLUMN more TEXT;"
                             "ALTER TABLE plugin1_a RENAME COLUMN more TO less;"
                             "CREATE TRIGGER plugin1_t AFTER DELETE ON plugin1_a BEGIN"
                             " DELETE FROM plugin1_a WHERE at = old.at; END;"
                             "CREATE VIEW plugin1_v AS SELECT id FROM plugin1_a;"),
        0);
    static const char *const texts[] = {
        "CREATE TABLE other (id ID);",
        "CREATE TABLE plugin1_b (id ID);",
        "DROP TABLE secret;",
        "ALTER TABLE secret ADD COLUMN x TEXT;",
        "CREATE INDEX i ON secret (password);",
        "INSERT INTO secret (password) VALUES ('x');",
        "PRAGMA foreign_keys = OFF;",
        "COMMIT;",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int code = migrate(texts[i]);
        if (code != SHOAL_EFORBIDDEN) {
            fail_msg("%s: %d", texts[i], code);
        }
    }
}

static void a_trigger_cannot_borrow_the_name_of_a_view(void **state)
{
    (void)state;
    assert_true(migrate("CREATE TABLE plugin10_a (text TEXT);"
                        "CREATE TRIGGER v1_video AFTER INSERT ON plugin10_a BEGIN"
                        " UPDATE plugin10_a SET text = (SELECT password FROM secret); END;") < 0);
}

static void a_migration_cannot_hide_a_table_behind_the_name_of_a_view(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_call call;
    char file[PATH_MAX * 2];
    const char *sql = "CREATE VIEW chat_v AS WITH v1_video AS (SELECT password FROM secret)"
                      " SELECT * FROM v1_video;";
    shoal_folder_make(kit_path("shadow"), 0700, &err);
    snprintf(file, sizeof(file), "%s", kit_path("shadow/001_start.sql"));
    shoal_file_write_whole(file, sql, strlen(sql), 0600, &err);
    shoal_call_init(&call);
    shoal_call_enter(&call, (struct shoal_plugin *)(uintptr_t)&chat);
    int code = shoal_migrate("chat", kit_path("shadow"), NULL, &err);
    shoal_call_leave(&call);
    shoal_call_fini(&call);
    assert_int_equal(code, SHOAL_EFORBIDDEN);
}

static void a_view_of_its_own_opens_no_other_table(void **state)
{
    (void)state;
    kit_run("CREATE VIEW chat_peek AS SELECT password FROM secret");
    assert_int_equal(as_plugin("SELECT password FROM chat_peek", false), SHOAL_EFORBIDDEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_with_tables, kit_close)
        CASE(migrations_of_a_plugin_make_its_own_tables_alone),
        CASE(a_trigger_cannot_borrow_the_name_of_a_view),
        CASE(a_plugin_uses_its_own_tables_and_the_published_views),
        CASE(a_plugin_reads_nothing_else),
        CASE(a_plugin_changes_nothing_else),
        CASE(a_statement_of_the_core_is_free_whoever_asks),
        CASE(a_statement_that_the_core_prepared_is_checked_again_for_a_plugin),
        CASE(a_migration_cannot_hide_a_table_behind_the_name_of_a_view),
        CASE(a_view_of_its_own_opens_no_other_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
