// discovery_text_test.c - words, addresses and handles are told apart, and what is remembered is forgotten.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "discovery.h"

static void tells_apart_what_was_typed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum discovery_kind kind;
    } rows[] = {
        {NULL, DISCOVERY_WORDS},
        {"", DISCOVERY_WORDS},
        {"kelp", DISCOVERY_WORDS},
        {"kelp forest", DISCOVERY_WORDS},
        {"@kelp", DISCOVERY_WORDS},
        {"kelp@", DISCOVERY_WORDS},
        {"@@", DISCOVERY_WORDS},
        {"a@b@c", DISCOVERY_WORDS},
        {"me at name@example.org", DISCOVERY_WORDS},
        {"name@example.org/x", DISCOVERY_WORDS},
        {"http://", DISCOVERY_WORDS},
        {"https:///path", DISCOVERY_WORDS},
        {"https://example.org/w/a and more", DISCOVERY_WORDS},
        {"ftp://example.org", DISCOVERY_WORDS},
        {"https://example.org", DISCOVERY_URL},
        {"HTTPS://example.org/w/abc?start=1", DISCOVERY_URL},
        {"http://127.0.0.1:9000/c/kelp@example.org", DISCOVERY_URL},
        {"name@example.org", DISCOVERY_HANDLE},
        {"@name@example.org:8443", DISCOVERY_HANDLE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(discovery_kind(rows[i].text), rows[i].kind);
    }
}

static void remembers_for_a_while_and_not_without_end(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    struct discovery_memory *memory = discovery_memory_new(arena);
    assert_false(discovery_memory_has(memory, "one", 1000));
    discovery_memory_add(memory, "one", 2000);
    assert_true(discovery_memory_has(memory, "one", 1999));
    assert_false(discovery_memory_has(memory, "two", 1999));
    assert_false(discovery_memory_has(memory, "one", 2000));
    for (int i = 0; i < DISCOVERY_MEMORY_MAX; i++) {
        char text[32];
        snprintf(text, sizeof text, "text %d", i);
        discovery_memory_add(memory, text, 5000);
    }
    assert_false(discovery_memory_has(memory, "one", 1000));
    assert_true(discovery_memory_has(memory, "text 0", 1000));
    discovery_memory_add(memory, "one more", 5000);
    assert_false(discovery_memory_has(memory, "text 0", 1000));
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_apart_what_was_typed),
        cmocka_unit_test(remembers_for_a_while_and_not_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
