// data_test.c - where the database lies, whose it is, and when one may be opened.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <sys/stat.h>

#include "data/migrate_priv.h"

static int folder_open(void **state)
{
    (void)state;
    kit_folder_make();
    return 0;
}

static int opened(const char *path)
{
    struct shoal_err err = {0};
    return shoal_data_open(path, &err);
}

static void a_folder_gets_its_file_and_a_file_is_taken_as_it_is(void **state)
{
    (void)state;
    assert_int_equal(opened(kit_folder), 0);
    assert_string_equal(data_path(), kit_path("shoal.sqlite3"));
    shoal_data_close();
    assert_int_equal(opened(kit_path("other.db")), 0);
    assert_string_equal(data_path(), kit_path("other.db"));
    assert_int_equal(access(kit_path("other.db"), F_OK), 0);
}

static void the_file_and_its_logs_are_the_owners_alone(void **state)
{
    (void)state;
    mode_t before = umask(0);
    int code = opened(kit_folder);
    umask(before);
    assert_int_equal(code, 0);
    static const char *const names[] = {"shoal.sqlite3", "shoal.sqlite3-wal", "shoal.sqlite3-shm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct stat info;
        assert_int_equal(stat(kit_path(names[i]), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
    }
}

static void only_a_new_database_was_empty(void **state)
{
    (void)state;
    assert_int_equal(opened(kit_folder), 0);
    assert_true(data_was_empty());
    kit_reopen();
    assert_false(data_was_empty());
}

static void a_second_one_is_refused_and_the_first_goes_on(void **state)
{
    (void)state;
    assert_int_equal(opened(kit_folder), 0);
    assert_int_equal(opened(kit_path("second.db")), SHOAL_ECONFLICT);
    assert_int_equal(access(kit_path("second.db"), F_OK), -1);
    assert_true(kit_i64("SELECT COUNT(*) FROM migration") > 0);
    shoal_data_close();
    shoal_data_close(); // the second time is nothing
    assert_int_equal(opened(kit_path("second.db")), 0);
}

static void what_cannot_be_opened_leaves_room_for_another(void **state)
{
    (void)state;
    char longer[PATH_MAX + 16];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(opened(longer), SHOAL_EINVAL);
    assert_true(opened(kit_path("no/such/folder.db")) < 0);
    FILE *file = fopen(kit_path("words.db"), "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) {
        fputs("this is no database. ", file);
    }
    fclose(file);
    assert_true(opened(kit_path("words.db")) < 0);
    assert_int_equal(opened(kit_folder), 0);
}

static void every_statement_is_printed_on_a_line_with_its_name(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_int_equal(shoal_sql_print(out), 0);
    fclose(out);
    assert_non_null(strstr(text, "sql_migration_count\tSELECT COUNT(*) FROM migration\n"));
    free(text);
    FILE *full = fopen("/dev/full", "w");
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(shoal_sql_print(full), SHOAL_EIO);
    fclose(full);
}

static int stop_at_two(const struct shoal_sql *sql, void *user)
{
    assert_non_null(sql->name);
    return ++*(int *)user == 2;
}

static void the_walk_skips_gaps_and_ends_when_told(void **state)
{
    (void)state;
    static const struct shoal_sql one = {"one", "SELECT 1"}, two = {"two", "SELECT 2"},
                                  three = {"three", "SELECT 3"};
    const struct shoal_sql *const list[] = {&one, NULL, &two, &three};
    int seen = 0;
    shoal_sql_each(list, list + 4, stop_at_two, &seen);
    assert_int_equal(seen, 2);
    seen = 0;
    shoal_sql_each(list, list + 2, stop_at_two, &seen);
    assert_int_equal(seen, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, folder_open, kit_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_folder_gets_its_file_and_a_file_is_taken_as_it_is),
        CASE(the_file_and_its_logs_are_the_owners_alone),
        CASE(only_a_new_database_was_empty),
        CASE(a_second_one_is_refused_and_the_first_goes_on),
        CASE(what_cannot_be_opened_leaves_room_for_another),
        cmocka_unit_test(every_statement_is_printed_on_a_line_with_its_name),
        cmocka_unit_test(the_walk_skips_gaps_and_ends_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
