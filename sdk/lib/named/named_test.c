// named_test.c - which addresses of this site lead to a video, a channel or an account.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <testkit.h>

#include "named.h"

static void reads_addresses_of_this_site(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    const char *site = "https://here.example";
    struct named_place place;
    assert_true(named_place(arena, site, "https://here.example/w/abc?start=9", &place));
    assert_string_equal(place.video, "abc");
    assert_null(place.handle);
    assert_true(named_place(arena, site, "https://here.example/c/kelp@far.example/videos", &place));
    assert_string_equal(place.handle, "kelp@far.example");
    assert_null(place.video);
    assert_true(named_place(arena, site, "https://here.example/@anna", &place));
    assert_string_equal(place.handle, "anna");
    static const char *const others[] = {"https://here.example", "https://here.example/about",
        "https://here.example/w/", "https://here.example.org/w/abc", "https://far.example/w/abc",
        "http://here.example/w/abc"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(named_place(arena, site, others[i], &place));
    }
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_addresses_of_this_site)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
