// disks_test.c - a disk that becomes full is said once, and so is the one that has room again.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/test_kit.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/statvfs.h>

#include "base/room.h"
#include "host/disks.h"

#define MIB (INT64_C(1024) * 1024)

static struct kit kit;
static struct shoal_file_calls calls;
static _Atomic int64_t left;
static int log_file;

static int ask(const char *path, struct statvfs *out)
{
    (void)path;
    *out = (struct statvfs){.f_frsize = 1, .f_bavail = (fsblkcnt_t)atomic_load(&left)};
    return 0;
}

static int setup(void **state)
{
    (void)state;
    setenv("SHOAL_DRILL_ROOM", "1000", 1);
    kit_open(&kit, "");
    kit_start(&kit, false);
    char path[] = "/tmp/shoal-disks-XXXXXX";
    log_file = mkstemp(path);
    unlink(path);
    shoal_log_set_fd(log_file);
    shoal_log_set_level(SHOAL_LOG_INFO);
    calls = *shoal_file_system();
    calls.statvfs = ask;
    shoal_file_set(&calls);
    atomic_store(&left, 1000 * MIB);
    shoal_disks_add("the instance", kit.folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_timers_owner_remove(NULL);
    shoal_file_set(NULL);
    shoal_log_set_fd(STDERR_FILENO);
    close(log_file);
    kit_close(&kit);
    return 0;
}

static int count_in_log(const char *text)
{
    static char all[65536];
    ssize_t length = pread(log_file, all, sizeof all - 1, 0);
    int count = 0;
    all[length > 0 ? length : 0] = '\0';
    for (const char *at = all; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

static void wait_for(const char *text, int count)
{
    for (int i = 0; i < 1000 && count_in_log(text) < count; i++) {
        usleep(10000);
    }
    assert_int_equal(count_in_log(text), count);
}

static size_t told(void)
{
    json_t *sentences = json_array();
    shoal_disks_tell(sentences);
    size_t count = json_array_size(sentences);
    if (count > 0) {
        assert_string_equal(json_string_value(json_array_get(sentences, 0)),
            "the disk of the instance is full: 63 MiB are left");
    }
    json_decref(sentences);
    return count;
}

static void full_is_less_than_what_is_spared(void **state)
{
    (void)state;
    assert_false(shoal_disks_full());
    atomic_store(&left, SHOAL_ROOM_SPARE_BYTES);
    assert_false(shoal_disks_full());
    atomic_store(&left, SHOAL_ROOM_SPARE_BYTES - 1);
    assert_true(shoal_disks_full());
    assert_int_equal(told(), 1);
    shoal_disks_add("the same", kit.folder);
    assert_int_equal(told(), 1);
    shoal_disks_stop();
    assert_false(shoal_disks_full());
}

static void each_change_is_one_line(void **state)
{
    (void)state;
    assert_int_equal(shoal_disks_start(), 0);
    atomic_store(&left, 3 * MIB);
    wait_for("the disk of the instance is full (3 MiB are left", 1);
    atomic_store(&left, 2 * MIB);
    usleep(1300000);
    assert_int_equal(count_in_log("is full"), 1);
    atomic_store(&left, SHOAL_ROOM_SPARE_BYTES); // at the border it stays what it was
    assert_true(shoal_disks_full());
    atomic_store(&left, 100 * MIB);
    wait_for("the disk of the instance has room again", 1);
    assert_false(shoal_disks_full());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_is_less_than_what_is_spared, setup, teardown),
        cmocka_unit_test_setup_teardown(each_change_is_one_line, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
