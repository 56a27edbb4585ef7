// storage_far_test.c - the far storage keeps what it said it kept, and fails when it should.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <testkit.h>

#include <shoal/svc/storage.h>

extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

static struct shoal_kit *kit;
static struct shoal_service service;
static const struct shoal_svc_storage *storage;

static int begin(void **state)
{
    (void)state;
    kit = shoal_kit_new(NULL);
    struct shoal_err err = {0};
    int rc = shoal_kit_load(kit, &shoal_plugin_descriptor,
        SHOAL_SOURCE_DIR "/sdk/testkit/storage_far",
        json_pack("{s:i s:i}", "delay", 1, "fail_one_in", 7), &err);
    if (rc != 0 || !shoal_service_find("storage", "storage_far", &service)) {
        print_message("%s\n", err.text);
        return -1;
    }
    storage = service.table;
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_kit_free(kit);
    return 0;
}

/// Tries until the call is not lost; counts the losses.
static int lost;
#define INSIST(result, what)                                                                       \
    do {                                                                                           \
        struct shoal_err err = {0};                                                                \
        (result) = what;                                                                           \
        lost += (result) == SHOAL_EUPSTREAM ? 1 : 0;                                               \
    } while ((result) == SHOAL_EUPSTREAM)

static int put_once(const char *key, const char *text, struct shoal_err *err)
{
    struct shoal_call *call = shoal_kit_system(kit);
    void *put = NULL;
    int rc = storage->put_begin(call, service.arg, key, "", -1, &put, err);
    if (rc != 0) {
        return rc;
    }
    rc = storage->put_write(call, put, text, strlen(text), err);
    if (rc != 0) {
        storage->put_abort(call, put);
        return rc;
    }
    return storage->put_commit(call, put, err);
}

static bool count_one(const char *key, int64_t size_bytes, void *user)
{
    assert_true(strncmp(key, "a/", 2) == 0 && size_bytes == 4);
    (*(int *)user)++;
    return true;
}

static void it_keeps_what_it_took(void **state)
{
    (void)state;
    struct shoal_call *call = shoal_kit_system(kit);
    int64_t rc = 0;
    char out[8] = {0};
    INSIST(rc, put_once("a/one.mp4", "1234", &err));
    assert_int_equal(rc, 0);
    INSIST(rc, storage->copy(call, service.arg, "a/one.mp4", "a/b/two", &err));
    assert_int_equal(rc, 0);
    INSIST(rc, put_once("c", "5", &err));
    INSIST(rc, storage->read(call, service.arg, "a/b/two", 1, out, sizeof(out), &err));
    assert_int_equal(rc, 3);
    assert_string_equal(out, "234");
    int count = 0;
    INSIST(rc, storage->list(call, service.arg, "a/", count_one, &count, &err));
    assert_int_equal(count, 2);
    INSIST(rc, storage->remove(call, service.arg, "a/b/two", &err));
    INSIST(rc, storage->stat(call, service.arg, "a/b/two", &err));
    assert_int_equal(rc, SHOAL_ENOTFOUND);
    INSIST(rc, put_once("a/../b", "", &err));
    assert_int_equal(rc, SHOAL_EINVAL);
    assert_true(lost > 0);
}

static void one_call_in_seven_fails(void **state)
{
    (void)state;
    int failed = 0;
    for (int i = 0; i < 70; i++) {
        struct shoal_err err = {0};
        int64_t rc = storage->stat(shoal_kit_system(kit), service.arg, "a/one.mp4", &err);
        failed += rc == SHOAL_EUPSTREAM ? 1 : 0;
    }
    assert_int_equal(failed, 10);
}

static void it_has_no_paths(void **state)
{
    (void)state;
    assert_null(storage->local_path);
    assert_null(storage->put_file);
    assert_null(storage->url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_keeps_what_it_took),
        cmocka_unit_test(one_call_in_seven_fails),
        cmocka_unit_test(it_has_no_paths),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
