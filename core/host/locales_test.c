// locales_test.c - the languages of pages: which are taken, and what the server is told of them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/test_kit.h"

#include <shoal/pages.h>

static struct kit kit;

static int start_site(struct shoal_plugin *self, struct shoal_err *err)
{
    static const char *const bad[] = {"", "e", "en us", "en\n", "../en", "a-tag-that-is-far-too-long"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(shoal_locale_add(self, bad[i], err), SHOAL_EINVAL);
    }
    assert_int_equal(shoal_locale_add(self, "en", err), 0);
    assert_int_equal(shoal_locale_add(self, "pt-BR", err), 0);
    return shoal_locale_add(self, "en", err);
}

static int start_other(struct shoal_plugin *self, struct shoal_err *err)
{
    return shoal_locale_add(self, "xx", err);
}

static void the_first_comes_first_and_none_comes_twice(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    const char *locales[4];
    kit_open(&kit, "");
    kit_start(&kit, false);
    assert_int_equal(shoal_host_locales("fr", locales, 4), 1);
    assert_null(locales[1]);
    assert_int_equal(kit_load("site", start_site, "\"permissions\": [\"pages\"]", NULL, &err), 0);
    assert_int_equal(shoal_host_locales("fr", locales, 4), 3);
    assert_string_equal(locales[0], "fr");
    assert_string_equal(locales[1], "en");
    assert_string_equal(locales[2], "pt-BR");
    assert_null(locales[3]);
    assert_int_equal(shoal_host_locales("pt-BR", locales, 4), 2);
    assert_string_equal(locales[0], "pt-BR");
    assert_string_equal(locales[1], "en");
    assert_int_equal(shoal_host_locales("fr", locales, 3), 2); // no room for all
    assert_null(locales[2]);
    kit_close(&kit);
}

static void pages_are_needed_to_add_one(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    const char *locales[8];
    kit_open(&kit, "");
    kit_start(&kit, false);
    assert_true(kit_load("other", start_other, "\"permissions\": []", NULL, &err) < 0);
    size_t count = shoal_host_locales("fr", locales, 8);
    for (size_t i = 0; i < count; i++) {
        assert_string_not_equal(locales[i], "xx");
    }
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_comes_first_and_none_comes_twice),
        cmocka_unit_test(pages_are_needed_to_add_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
