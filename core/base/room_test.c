// room_test.c - what is left on a disk, in bytes and in files.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/room.h"

static struct statvfs disk;
static int number;

static int ask(const char *path, struct statvfs *out)
{
    (void)path;
    *out = disk;
    errno = number;
    return number == 0 ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    static struct shoal_file_calls calls;
    calls = *shoal_file_system();
    calls.statvfs = ask;
    shoal_file_set(&calls);
    number = 0;
    disk = (struct statvfs){.f_frsize = 4096, .f_bavail = 10, .f_bfree = 20, .f_files = 100,
        .f_favail = 5};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_file_set(NULL);
    return 0;
}

static void counts_what_is_ours_to_write(void **state)
{
    (void)state;
    assert_int_equal(shoal_room_bytes("/"), 40960); // not what is kept for root
    disk.f_bavail = UINT64_MAX / 2;
    assert_true(shoal_room_bytes("/") == INT64_MAX);
}

static void without_a_file_to_make_there_is_no_room(void **state)
{
    (void)state;
    disk.f_favail = 0;
    assert_int_equal(shoal_room_bytes("/"), 0);
    disk.f_files = 0; // a disk that does not count them
    assert_int_equal(shoal_room_bytes("/"), 40960);
}

static void a_disk_that_says_nothing_is_not_full(void **state)
{
    (void)state;
    number = ENOSYS;
    assert_int_equal(shoal_room_bytes("/"), -1);
    shoal_file_set(NULL);
    assert_true(shoal_room_bytes("/") >= 0);
    assert_int_equal(shoal_room_bytes("/nowhere/at/all"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_what_is_ours_to_write, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_file_to_make_there_is_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_says_nothing_is_not_full, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
