// migrate_files_test.c - the numbered migrations of a folder: their names, their order, their gaps.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/migrate_priv.h"

static struct shoal_arena *arena;
static const struct shoal_migration *list;
static size_t count;

static int begin(void **state)
{
    (void)state;
    kit_folder_make();
    arena = shoal_arena_new(0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_arena_free(arena);
    return shoal_tree_remove(kit_folder, NULL);
}

static void put(const char *name, const char *text, size_t length)
{
    assert_int_equal(shoal_file_write_whole(kit_path(name), text, length, 0600, NULL), 0);
}

static int read_it(struct shoal_err *err)
{
    *err = (struct shoal_err){0};
    return migrate_read_folder(arena, kit_folder, &list, &count, err);
}

static void files_come_in_the_order_of_their_numbers(void **state)
{
    (void)state;
    struct shoal_err err;
    put("002_add_2_tags.sql", "two", 3);
    put("001_start.sql", "one", 3);
    put("003_c.sql", "", 0);
    put("README.md", "x", 1);
    put(".004_hidden.sql", "x", 1);
    assert_int_equal(read_it(&err), 0);
    assert_int_equal(count, 3);
    assert_int_equal(list[0].number, 1);
    assert_string_equal(list[0].name, "start");
    assert_string_equal(list[0].sql, "one");
    assert_string_equal(list[1].name, "add_2_tags");
    assert_string_equal(list[2].sql, "");
}

static void a_folder_that_is_not_there_has_none(void **state)
{
    (void)state;
    struct shoal_err err;
    assert_int_equal(read_it(&err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(migrate_read_folder(arena, "/no/such/folder", &list, &count, &err), 0);
    assert_int_equal(count, 0);
    put("file", "x", 1);
    assert_true(migrate_read_folder(arena, kit_path("file"), &list, &count, &err) < 0);
}

static void names_of_another_form_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"1_a.sql", "01_a.sql", "0001_a.sql", "000_zero.sql",
        "001a.sql", "001_.sql", "001_A.sql", "001_a-b.sql", "001_a b.sql", "001_a.b.sql", "a.sql",
        "00x_a.sql"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct shoal_err err;
        put(bad[i], "x", 1);
        if (read_it(&err) != SHOAL_EINVAL || !strstr(err.text, bad[i])) {
            fail_msg("%s: %s", bad[i], err.text);
        }
        assert_int_equal(unlink(kit_path(bad[i])), 0);
    }
}

static void there_is_no_gap_and_no_number_twice(void **state)
{
    (void)state;
    struct shoal_err err;
    put("001_a.sql", "x", 1);
    put("003_c.sql", "x", 1);
    assert_int_equal(read_it(&err), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "lacks the migration 002"));
    put("002_b.sql", "x", 1);
    put("002_other.sql", "x", 1);
    assert_int_equal(read_it(&err), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "two migrations with the number 002"));
}

static void what_is_no_text_or_too_much_is_refused(void **state)
{
    (void)state;
    struct shoal_err err;
    size_t most = 1 << 20;
    put("001_a.sql", "a\0b", 3);
    assert_int_equal(read_it(&err), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "zero byte"));
    char *text = malloc(most + 1);
    assert_non_null(text);
    memset(text, 'x', most + 1);
    put("001_a.sql", text, most);
    assert_int_equal(read_it(&err), 0);
    put("001_a.sql", text, most + 1);
    assert_true(read_it(&err) < 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(files_come_in_the_order_of_their_numbers),
        CASE(a_folder_that_is_not_there_has_none),
        CASE(names_of_another_form_are_refused),
        CASE(there_is_no_gap_and_no_number_twice),
        CASE(what_is_no_text_or_too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
