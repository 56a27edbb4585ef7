// copies_test.c - copies of the database: which one is found, which one is used again.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <sys/stat.h>

#include "data/db_priv.h"
#include "data/migrate_priv.h"

#define NOON 1767268800000 // 2026-01-01T12:00:00.000Z

static void put(const char *name)
{
    assert_int_equal(shoal_folder_make(kit_path("backups"), 0700, NULL), 0);
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "backups/%s", name);
    assert_int_equal(shoal_file_write_whole(kit_path(path), "x", 1, 0600, NULL), 0);
}

static void finds_the_newest_that_is_not_too_young(void **state)
{
    (void)state;
    static const char *const names[] = {
        "shoal-before-core-001-20251231T000000000Z.sqlite3",
        "shoal-before-my-chat-002-20260101T115959999Z.sqlite3", // dashes of an owner are no stamp
        "shoal-before-core-003-20260101T120000001Z.sqlite3",
        "shoal-before-core-004-20260101T115959999Z.sqlite3.new",
        "before-core-005-20260101T115959999Z.sqlite3",
        "shoal-before-",
        "notes.txt",
    };
    char path[PATH_MAX];
    copies_find(NOON, path); // no folder of copies at all
    assert_string_equal(path, "");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        put(names[i]);
    }
    copies_find(NOON, path);
    assert_non_null(strstr(path, "/backups/shoal-before-my-chat-002-20260101T115959999Z.sqlite3"));
    copies_find(NOON + 1, path);
    assert_non_null(strstr(path, "-003-"));
    copies_find(0, path);
    assert_string_equal(path, "");
}

static void migrations_that_follow_each_other_share_a_copy(void **state)
{
    (void)state;
    char first[PATH_MAX];
    char second[PATH_MAX];
    char third[PATH_MAX];
    struct shoal_err err = {0};
    struct stat info;
    assert_int_equal(copies_make("core", 7, first, &err), 0);
    assert_non_null(strstr(first, "/backups/shoal-before-core-007-"));
    assert_int_equal(stat(first, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600); // accounts are in it
    assert_int_equal(copies_make("chat", 1, second, &err), 0);
    assert_string_equal(second, first);
    copies_forget();
    assert_int_equal(copies_make("chat", 1, third, &err), 0);
    assert_non_null(strstr(third, "/backups/shoal-before-chat-001-"));
}

static void a_copy_replaces_what_was_there_or_leaves_it(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_buf text = {0};
    struct stat info;
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", kit_path("copy.sqlite3"));
    assert_int_equal(shoal_file_write_whole(path, "old", 3, 0600, NULL), 0);
    // What an earlier one left half done is no obstacle; a folder in its place is.
    assert_int_equal(shoal_file_write_whole(kit_path("copy.sqlite3.new"), "?", 1, 0600, NULL), 0);
    assert_int_equal(shoal_data_backup(path, &err), 0);
    assert_int_equal(shoal_file_read_whole(path, 4 << 20, &text, &err), 0);
    assert_memory_equal(text.data, "SQLite format 3", 15);
    shoal_buf_fini(&text);
    assert_int_not_equal(stat(kit_path("copy.sqlite3.new"), &info), 0);
    assert_int_equal(shoal_folder_make(kit_path("other.sqlite3/in"), 0700, NULL), 0);
    assert_true(shoal_data_backup(kit_path("other.sqlite3"), &err) < 0);
    assert_int_not_equal(stat(kit_path("other.sqlite3.new"), &info), 0); // nothing stays behind
    assert_int_equal(stat(kit_path("other.sqlite3/in"), &info), 0);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char path[PATH_MAX];
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = 0;
    assert_int_equal(shoal_data_backup(path, &err), SHOAL_EINVAL);
}

static void a_closed_database_cannot_be_copied(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct stat info;
    shoal_data_close();
    assert_int_equal(shoal_data_backup(kit_path("copy.sqlite3"), &err), SHOAL_EIO);
    assert_non_null(strstr(err.text, "closed"));
    assert_int_not_equal(stat(kit_path("copy.sqlite3"), &info), 0);
    assert_int_not_equal(stat(kit_path("copy.sqlite3.new"), &info), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)
        CASE(finds_the_newest_that_is_not_too_young),
        CASE(migrations_that_follow_each_other_share_a_copy),
        CASE(a_copy_replaces_what_was_there_or_leaves_it),
        CASE(a_path_that_is_too_long_is_refused),
        CASE(a_closed_database_cannot_be_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
