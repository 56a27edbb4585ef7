// given_test.c - what is given once: kept whole, refused twice, called in the name of who gave it.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <testkit.h>

#include "given.h"

struct words {
    size_t size;
    const char *plugin;
    int (*count)(struct shoal_call *call, const char *text, void *arg);
    void *arg;
};

static struct shoal_kit *kit;
static struct words kept;
static struct given given = {"words", &kept, sizeof kept};

static int count(struct shoal_call *call, const char *text, void *arg)
{
    assert_string_equal(shoal_plugin_name(shoal_call_plugin(call)), "giver");
    return (int)strlen(text) + *(int *)arg;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)self;
    (void)err;
    return 0;
}

static const struct shoal_plugin_descriptor giver = {.size = sizeof giver,
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "giver",
    .start = start};

static int begin(void **state)
{
    (void)state;
    kit = shoal_kit_new(NULL);
    return shoal_kit_load_text(kit, &giver,
        "{\"name\": \"giver\", \"version\": \"1.0.0\", \"summary\": \"gives\", \"licence\": \"MIT\","
        " \"sdk\": \"^1.0.0\", \"language\": \"c\"}",
        NULL, NULL);
}

static int end(void **state)
{
    (void)state;
    given_forget(&given);
    shoal_kit_free(kit);
    return 0;
}

static void is_called_in_the_name_of_who_gave_it(void **state)
{
    (void)state;
    struct shoal_call *call = shoal_kit_system(kit);
    int more = 2;
    const struct words words = {sizeof words, "giver", count, &more};
    assert_int_equal(GIVEN_ASK(call, &given, &kept, -1, count, "four", kept.arg), -1);
    assert_int_equal(given_set(&given, &words, NULL), 0);
    assert_int_equal(GIVEN_ASK(call, &given, &kept, -1, count, "four", kept.arg), 6);
    assert_null(shoal_call_plugin(call)); // it was left
    given_forget(&given);
    assert_int_equal(GIVEN_ASK(call, &given, &kept, -1, count, "four", kept.arg), -1);
}

static void is_whole_and_given_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    const struct words short_one = {offsetof(struct words, arg), "giver", count, NULL};
    const struct words nobodys = {sizeof nobodys, NULL, count, NULL};
    struct {
        struct words words;
        void *later;
    } newer = {{sizeof newer, "giver", count, NULL}, NULL};
    assert_int_equal(given_set(&given, &short_one, &err), SHOAL_EINVAL);
    assert_int_equal(given_set(&given, &nobodys, &err), SHOAL_EINVAL);
    assert_int_equal(given_set(&given, &newer, &err), 0);
    assert_int_equal(given_set(&given, &newer, &err), SHOAL_ECONFLICT);
    assert_string_equal(err.text, "there are words of plugin giver already");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(is_called_in_the_name_of_who_gave_it),
        CASE(is_whole_and_given_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
