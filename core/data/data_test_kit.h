// data_test_kit.h - a database in a folder of its own for each test of this room.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_DATA_DATA_TEST_KIT_H
#define SHOAL_CORE_DATA_DATA_TEST_KIT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>

#include "base/clock.h"
#include "base/file.h"
#include "data/data.h"

static char kit_folder[PATH_MAX];

__attribute__((unused)) static void kit_folder_make(void)
{
    snprintf(kit_folder, sizeof(kit_folder), "/tmp/shoal-data-XXXXXX");
    assert_non_null(mkdtemp(kit_folder));
}

__attribute__((unused)) static const char *kit_path(const char *name)
{
    static char path[PATH_MAX * 2];
    snprintf(path, sizeof(path), "%s/%s", kit_folder, name);
    return path;
}

__attribute__((unused)) static void kit_reopen(void)
{
    struct shoal_err err = {0};
    shoal_data_close();
    if (shoal_data_open(kit_folder, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

__attribute__((unused)) static int kit_open(void **state)
{
    (void)state;
    kit_folder_make();
    kit_reopen();
    return 0;
}

__attribute__((unused)) static int kit_close(void **state)
{
    (void)state;
    shoal_data_close();
    return shoal_tree_remove(kit_folder, NULL);
}

/// Runs one statement of a test as the core.
__attribute__((unused)) static int kit_run_closure(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct shoal_sql sql = {.name = "test", .text = arg};
    return shoal_db_exec(tx, &sql, SHOAL_NOARGS, NULL, err);
}

__attribute__((unused)) static void kit_run(const char *text)
{
    struct shoal_call call;
    struct shoal_err err = {0};
    char copy[2048];
    snprintf(copy, sizeof(copy), "%s", text);
    shoal_call_init(&call);
    int code = shoal_tx(&call, kit_run_closure, copy, &err);
    shoal_call_fini(&call);
    if (code < 0) {
        fail_msg("%s", err.text);
    }
}

__attribute__((unused)) static int64_t kit_i64(const char *text)
{
    struct shoal_call call;
    struct shoal_err err = {0};
    struct shoal_sql sql = {.name = "test", .text = text};
    int64_t value = -1;
    shoal_call_init(&call);
    int code = shoal_db_i64(shoal_call_db(&call), &sql, SHOAL_NOARGS, &value, &err);
    shoal_call_fini(&call);
    if (code < 0 && code != SHOAL_ENOTFOUND) {
        fail_msg("%s", err.text);
    }
    return code == SHOAL_ENOTFOUND ? -404 : value;
}

/// Waits until a statement gives a number, for at most ten seconds.
__attribute__((unused)) static void kit_wait(const char *text, int64_t expected)
{
    for (int i = 0; i < 1000; i++) {
        if (kit_i64(text) == expected) {
            return;
        }
        usleep(10000);
    }
    assert_int_equal(kit_i64(text), expected);
}

#endif
