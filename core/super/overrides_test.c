// overrides_test.c - which words of a command line say something over the configuration file.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "super/super.h"

#define WORDS_MAX 300

static size_t read_words(const char *const *words, const char *out[SHOAL_OVERRIDES_MAX])
{
    const char *argv[WORDS_MAX];
    int argc = 0;
    while (words[argc] != NULL) {
        argv[argc] = words[argc];
        argc++;
    }
    return shoal_super_overrides(argc, (char **)(uintptr_t)argv, out);
}

static void each_spelling_of_an_override_is_taken(void **unused)
{
    (void)unused;
    static const struct {
        const char *words[6];
        const char *wanted; ///< NULL: none
    } rows[] = {
        {{"shoal", "serve", "--set", "a=1", NULL}, "a=1"},
        {{"shoal", "serve", "--set=a=1", NULL}, "a=1"},
        {{"shoal", "serve", "--listen", "127.0.0.1:1", NULL}, "listen=127.0.0.1:1"},
        {{"shoal", "serve", "--listen=[::1]:2", NULL}, "listen=[::1]:2"},
        {{"shoal", "serve", "DIR", NULL}, NULL},
        {{"shoal", "serve", "--set", NULL}, NULL}, // its value is missing
        {{"shoal", "serve", "--listen", NULL}, NULL},
        {{"shoal", "serve", "--settle=x", NULL}, NULL}, // another option
        {{"shoal", "serve", "set", "a=1", NULL}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *out[SHOAL_OVERRIDES_MAX];
        size_t count = read_words(rows[i].words, out);
        assert_int_equal(count, rows[i].wanted == NULL ? 0 : 1);
        if (rows[i].wanted != NULL) {
            assert_string_equal(out[0], rows[i].wanted);
        }
    }
}

static void the_programs_own_name_is_no_override(void **unused)
{
    (void)unused;
    const char *out[SHOAL_OVERRIDES_MAX];
    const char *words[] = {"--set=a=1", "--set", "b=2", NULL};
    assert_int_equal(read_words(words, out), 1);
    assert_string_equal(out[0], "b=2");
}

static void they_keep_their_order(void **unused)
{
    (void)unused;
    const char *out[SHOAL_OVERRIDES_MAX];
    const char *words[] = {
        "shoal", "serve", "--set", "a=1", "DIR", "--listen", "x:1", "--set=a=2", NULL};
    assert_int_equal(read_words(words, out), 3);
    assert_string_equal(out[0], "a=1");
    assert_string_equal(out[1], "listen=x:1");
    assert_string_equal(out[2], "a=2");
}

static void a_value_may_look_like_an_option(void **unused)
{
    (void)unused;
    const char *out[SHOAL_OVERRIDES_MAX];
    const char *words[] = {"shoal", "--set", "--listen", "x:1", NULL};
    assert_int_equal(read_words(words, out), 1);
    assert_string_equal(out[0], "--listen");
}

static void more_than_there_is_room_for_are_left_out(void **unused)
{
    (void)unused;
    const char *out[SHOAL_OVERRIDES_MAX + 1];
    const char *words[WORDS_MAX];
    for (int i = 0; i + 1 < WORDS_MAX; i++) {
        words[i] = "--set=a=1";
    }
    words[WORDS_MAX - 1] = NULL;
    out[SHOAL_OVERRIDES_MAX] = NULL;
    assert_int_equal(read_words(words, out), SHOAL_OVERRIDES_MAX);
    assert_null(out[SHOAL_OVERRIDES_MAX]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_spelling_of_an_override_is_taken),
        cmocka_unit_test(the_programs_own_name_is_no_override),
        cmocka_unit_test(they_keep_their_order),
        cmocka_unit_test(a_value_may_look_like_an_option),
        cmocka_unit_test(more_than_there_is_room_for_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
