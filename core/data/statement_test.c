// statement_test.c - prepared statements that are kept, and arguments by number.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/db_priv.h"

static struct shoal_call call;
static struct shoal_db *db;

static int open_call(void **state)
{
    kit_open(state);
    shoal_call_init(&call);
    db = shoal_call_db(&call);
    return 0;
}

static int close_call(void **state)
{
    shoal_call_fini(&call);
    return kit_close(state);
}

static int take(const struct shoal_sql *sql, sqlite3_stmt **statement, struct db_slot **slot)
{
    return db_statement_take(db, sql, NULL, statement, slot, NULL);
}

static void what_is_given_back_is_taken_again(void **state)
{
    (void)state;
    static const struct shoal_sql sql = {"one", "SELECT $1"};
    sqlite3_stmt *first, *second, *third;
    struct db_slot *slot, *other;
    assert_int_equal(take(&sql, &first, &slot), 0);
    assert_non_null(slot);
    assert_int_equal(take(&sql, &second, &other), 0); // while it runs: another one
    assert_ptr_not_equal(first, second);
    assert_int_equal(sqlite3_bind_int(first, 1, 7), SQLITE_OK);
    assert_int_equal(sqlite3_step(first), SQLITE_ROW);
    db_statement_give(slot, first);
    assert_int_equal(take(&sql, &third, &slot), 0);
    assert_ptr_equal(third, first);
    assert_int_equal(sqlite3_step(third), SQLITE_ROW);
    assert_int_equal(sqlite3_column_type(third, 0), SQLITE_NULL); // nothing of the last run stays
    db_statement_give(slot, third);
    db_statement_give(other, second);
}

static void one_more_than_the_places_is_not_kept(void **state)
{
    (void)state;
    static const struct shoal_sql sql = {"one", "SELECT 1"};
    sqlite3_stmt *statements[DB_WAYS + 1];
    struct db_slot *slots[DB_WAYS + 1];
    for (size_t i = 0; i <= DB_WAYS; i++) {
        assert_int_equal(take(&sql, &statements[i], &slots[i]), 0);
    }
    assert_non_null(slots[DB_WAYS - 1]);
    assert_null(slots[DB_WAYS]);
    for (size_t i = 0; i <= DB_WAYS; i++) {
        assert_int_equal(sqlite3_step(statements[i]), SQLITE_ROW);
        db_statement_give(slots[i], statements[i]);
    }
}

static void another_text_or_owner_has_another_statement(void **state)
{
    (void)state;
    static const struct shoal_plugin_id chat = {.name = "chat", .table_prefix = "chat_"};
    struct shoal_sql sql = {"one", "SELECT 1"};
    sqlite3_stmt *core, *reloaded, *theirs;
    struct db_slot *slot;
    assert_int_equal(take(&sql, &core, &slot), 0);
    db_statement_give(slot, core);
    sql.text = "SELECT 2"; // a reloaded script's constant lies where another one lay
    assert_int_equal(take(&sql, &reloaded, &slot), 0);
    assert_string_equal(sqlite3_sql(reloaded), "SELECT 2");
    db_statement_give(slot, reloaded);
    assert_int_equal(db_statement_take(db, &sql, &chat, &theirs, &slot, NULL), 0);
    assert_ptr_not_equal(theirs, reloaded);
    assert_ptr_equal(slot->guard, &chat);
    db_statement_give(slot, theirs);
}

static void it_is_one_statement(void **state)
{
    (void)state;
    static const char *const bad[] = {"", ";", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1; x",
        "SELEC 1", "SELECT 1 FROM none"};
    sqlite3_stmt *statement;
    struct db_slot *slot;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct shoal_sql sql = {"bad", bad[i]};
        if (take(&sql, &statement, &slot) != SHOAL_EINTERNAL || statement) {
            fail_msg("%s was taken", bad[i]);
        }
    }
    struct shoal_sql good = {"good", "SELECT 1 ; \n;"};
    assert_int_equal(take(&good, &statement, &slot), 0);
    db_statement_give(slot, statement);
}

static void parameters_are_numbers_that_all_have_arguments(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
        int code;
    } rows[] = {
        {"SELECT 1", 0, 0},
        {"SELECT $2, $1, $2", 2, 0},
        {"SELECT $1", 0, SHOAL_EINTERNAL},
        {"SELECT $1", 2, SHOAL_EINTERNAL},
        {"SELECT $2", 2, 0}, // a number may be left out
        {"SELECT $3", 2, SHOAL_EINTERNAL},
        {"SELECT $0", 1, SHOAL_EINTERNAL},
        {"SELECT $a", 1, SHOAL_EINTERNAL},
        {"SELECT $1a", 1, SHOAL_EINTERNAL},
        {"SELECT :x", 1, SHOAL_EINTERNAL},
        {"SELECT ?", 1, SHOAL_EINTERNAL},
        {"SELECT $99999999999999999999", 1, SHOAL_EINTERNAL},
    };
    static const struct shoal_value args[] = {{.type = SHOAL_TYPE_I64}, {.type = SHOAL_TYPE_I64}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_sql sql = {"bind", rows[i].text};
        struct shoal_err err = {0};
        sqlite3_stmt *statement;
        struct db_slot *slot;
        assert_int_equal(take(&sql, &statement, &slot), 0);
        if (db_bind(db, statement, &sql, args, rows[i].count, true, &err) != rows[i].code) {
            fail_msg("%s with %zu: %s", rows[i].text, rows[i].count, err.text);
        }
        db_statement_give(slot, statement);
    }
}

static void each_type_arrives_as_itself(void **state)
{
    (void)state;
    static const struct shoal_sql sql = {"types",
        "SELECT typeof($1) || ' ' || typeof($2) || ' ' || typeof($3) || ' ' || typeof($4) || ' ' ||"
        " typeof($5) || ' ' || typeof($6) || ' ' || typeof($7) || ' ' || length($8)"};
    struct shoal_rows *rows = shoal_db_query(db, &sql,
        SHOAL_ARGS(SHOAL_I64(1), SHOAL_BOOL(true), SHOAL_REAL(1), SHOAL_TEXT("1"), SHOAL_TEXT(NULL),
            SHOAL_NULL, SHOAL_BYTES("", 0), SHOAL_BYTES("\x00\x01", 2)),
        NULL);
    assert_true(shoal_rows_next(rows));
    assert_string_equal(shoal_col_text(rows, 0), "integer integer real text null null blob 2");
    shoal_rows_close(rows, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)
        CASE(what_is_given_back_is_taken_again),
        CASE(one_more_than_the_places_is_not_kept),
        CASE(another_text_or_owner_has_another_statement),
        CASE(it_is_one_statement),
        CASE(parameters_are_numbers_that_all_have_arguments),
        CASE(each_type_arrives_as_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
