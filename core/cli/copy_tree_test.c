// copy_tree_test.c - copies onto older copies.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/copy_tree.h"

static char root[PATH_MAX], from[PATH_MAX + 8], to[PATH_MAX + 8];

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(shoal_file_write_whole(path, text, strlen(text), 0640, NULL), 0);
}

static bool reads(const char *folder, const char *name, const char *text)
{
    char path[2 * PATH_MAX];
    struct shoal_buf got = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    bool same = shoal_file_read_whole(path, 1 << 20, &got, NULL) == 0 &&
                strcmp(got.data != NULL ? got.data : "", text) == 0;
    shoal_buf_fini(&got);
    return same;
}

static struct shoal_copied copy(bool removes)
{
    struct shoal_copied copied = {0};
    assert_int_equal(shoal_copy_tree(from, to, removes, &copied, NULL), 0);
    return copied;
}

static void everything_is_copied_once(void **unused)
{
    (void)unused;
    write_text(from, "a", "one");
    write_text(from, "deep/b", "two");
    struct shoal_copied first = copy(true);
    assert_int_equal(first.files, 2);
    assert_int_equal(first.bytes, 6);
    assert_true(reads(to, "deep/b", "two"));
    struct shoal_copied second = copy(true);
    assert_int_equal(second.files, 0);
    assert_int_equal(second.same, 2);
}

static void what_changed_is_copied_and_what_went_is_removed(void **unused)
{
    (void)unused;
    write_text(from, "a", "one");
    write_text(from, "deep/b", "two");
    copy(true);
    write_text(from, "a", "uno!");
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/deep/b", from);
    unlink(path);
    struct shoal_copied again = copy(true);
    assert_int_equal(again.files, 1);
    assert_int_equal(again.removed, 1);
    assert_true(reads(to, "a", "uno!"));
    assert_false(reads(to, "deep/b", "two"));
}

static void nothing_is_removed_unless_asked(void **unused)
{
    (void)unused;
    write_text(to, "old", "here");
    write_text(from, "a", "one");
    copy(false);
    assert_true(reads(to, "old", "here"));
}

static void links_are_left_out(void **unused)
{
    (void)unused;
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/link", from);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    struct shoal_copied copied = copy(true);
    assert_int_equal(copied.files, 0);
}

static int setup(void **unused)
{
    (void)unused;
    snprintf(root, sizeof root, "%s/tests/copy-XXXXXX", SHOAL_BUILD_DIR);
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    char deep[PATH_MAX + 32];
    snprintf(from, sizeof from, "%s/from", root);
    snprintf(to, sizeof to, "%s/to", root);
    snprintf(deep, sizeof deep, "%s/deep", from);
    return shoal_folder_make(deep, 0750, NULL) == 0 && shoal_folder_make(to, 0750, NULL) == 0 ? 0
                                                                                              : -1;
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(root, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_is_copied_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_changed_is_copied_and_what_went_is_removed, setup,
            teardown),
        cmocka_unit_test_setup_teardown(nothing_is_removed_unless_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(links_are_left_out, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
