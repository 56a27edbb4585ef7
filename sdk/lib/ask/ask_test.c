// ask_test.c - a service that is there, away, or of an earlier version, and in whose name it is called.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <testkit.h>

#include "ask.h"

struct shoal_svc_oracle {
    size_t size;
    int (*answer)(
        struct shoal_call *call, void *arg, const char *question, struct shoal_err *err);
    void (*hear)(struct shoal_call *call, void *arg, int *heard);
    int (*follow)(void *arg, int *followers, struct shoal_err *err);
    int (*later)(struct shoal_call *call, void *arg); // of a version that the provider does not know
};

static struct shoal_kit *kit;
static struct shoal_call *call;

static int answer(
    struct shoal_call *running, void *arg, const char *question, struct shoal_err *err)
{
    assert_string_equal(shoal_plugin_name(shoal_call_plugin(running)), "provider");
    assert_int_equal(*(int *)arg, 42);
    assert_non_null(err);
    return strcmp(question, "what") == 0 ? *(int *)arg : shoal_fail(err, SHOAL_EINVAL, "ask what");
}

static void hear(struct shoal_call *running, void *arg, int *heard)
{
    assert_string_equal(shoal_plugin_name(shoal_call_plugin(running)), "provider");
    *heard = *(int *)arg;
}

static int follow(void *arg, int *followers, struct shoal_err *err)
{
    (void)arg;
    return ++*followers > 1 ? shoal_fail(err, SHOAL_ECONFLICT, "one is enough") : 0;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static int number = 42;
    static const struct shoal_svc_oracle table = {.size = offsetof(struct shoal_svc_oracle, later),
        .answer = answer,
        .hear = hear,
        .follow = follow};
    return shoal_provide(self, "oracle", &table, &number, err);
}

static const struct shoal_plugin_descriptor provider = {.size = sizeof provider,
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "provider",
    .start = start};

static int begin(void **state)
{
    (void)state;
    kit = shoal_kit_new(NULL);
    call = shoal_kit_system(kit);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_kit_free(kit);
    return 0;
}

static void provider_load(void)
{
    struct shoal_err err = {0};
    if (shoal_kit_load_text(kit, &provider,
            "{\"name\": \"provider\", \"version\": \"1.0.0\", \"summary\": \"provides\", \"licence\": \"MIT\","
            " \"sdk\": \"^1.0.0\", \"language\": \"c\", \"provides\": [\"oracle\"]}",
            NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void one_that_is_there_is_called_in_its_name(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    int heard = 0, followers = 0;
    provider_load();
    assert_true(ask_is_there("oracle"));
    assert_int_equal(ASK(call, oracle, &err, -1, answer, "what", ask.err), 42);
    assert_int_equal(ASK(call, oracle, &err, -1, answer, "who", ask.err), SHOAL_EINVAL);
    assert_string_equal(err.text, "ask what");
    assert_int_equal(ASK(call, oracle, NULL, -1, answer, "who", ask.err), SHOAL_EINVAL);
    ASK_TO(call, oracle, hear, &heard);
    assert_int_equal(heard, 42);
    assert_int_equal(ASK_START(oracle, &err, follow, &followers), 0);
    assert_int_equal(ASK_START(oracle, &err, follow, &followers), SHOAL_ECONFLICT);
    assert_null(shoal_call_plugin(call)); // each was left
}

static void one_that_is_away_says_so(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    int heard = 7, followers = 0;
    assert_false(ask_is_there("oracle"));
    assert_int_equal(ASK(call, oracle, &err, -1, answer, "what", ask.err), -1);
    assert_int_equal(err.code, SHOAL_EBUSY);
    assert_string_equal(err.text, "nobody provides oracle now");
    assert_int_equal(ASK(call, oracle, NULL, -1, answer, "what", ask.err), -1);
    ASK_TO(call, oracle, hear, &heard);
    assert_int_equal(heard, 7);
    assert_int_equal(ASK_START(oracle, &err, follow, &followers), SHOAL_ENOTFOUND);
    assert_null(shoal_call_plugin(call));
}

static void of_an_earlier_version_what_it_lacks_is_away(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    provider_load();
    assert_int_equal(ASK(call, oracle, &err, -1, later), -1);
    assert_int_equal(err.code, SHOAL_EBUSY);
    assert_null(shoal_call_plugin(call));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(one_that_is_there_is_called_in_its_name),
        CASE(one_that_is_away_says_so),
        CASE(of_an_earlier_version_what_it_lacks_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
