// api_oembed_test.c - which addresses are watch pages of this site.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "api_config_tree.h"
#include "api_oembed.h"

#define SITE "https://example.org/"

static void finds_the_video_of_its_own_pages(void **state)
{
    (void)state;
    static const char *const urls[] = {"https://example.org/w/kkGMgK9ZtnKfYAgnEtQxbv",
        "https://example.org/videos/watch/kkGMgK9ZtnKfYAgnEtQxbv?start=1m",
        "http://EXAMPLE.org/w/kkGMgK9ZtnKfYAgnEtQxbv;threadId=3",
        "https://example.org/videos/embed/kkGMgK9ZtnKfYAgnEtQxbv#top"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char id[API_OEMBED_ID_MAX];
        assert_true(api_oembed_id(urls[i], SITE, id));
        assert_string_equal(id, "kkGMgK9ZtnKfYAgnEtQxbv");
    }
}

static void refuses_other_sites_and_pages(void **state)
{
    (void)state;
    static const char *const urls[] = {"", "x", "https://example.com/w/abc",
        "https://example.org.evil.net/w/abc", "https://example.org@evil.net/w/abc",
        "https://example.org:8443/w/abc", "ftp://example.org/w/abc", "https://example.org/w/",
        "https://example.org/w/a/b", "https://example.org/w/..%2f", "https://example.org/about",
        "javascript://example.org/w/abc",
        "https://example.org/w/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char id[API_OEMBED_ID_MAX];
        assert_false(api_oembed_id(urls[i], SITE, id));
    }
}

static void hands_on_what_the_player_knows_and_nothing_else(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    assert_string_equal(
        api_oembed_options(arena, "https://example.org/w/a?start=1m&stop=2m&evil=1&loop=1#x"),
        "?start=1m&amp;stop=2m&amp;loop=1");
    assert_string_equal(api_oembed_options(arena, "https://example.org/w/a?start=\"onload=x"), "");
    assert_string_equal(api_oembed_options(arena, "https://example.org/w/a"), "");
    shoal_arena_free(arena);
}

static void has_a_config_tree_that_parses(void **state)
{
    (void)state;
    json_t *tree = json_loads(api_config_tree, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(tree);
    assert_true(json_is_array(shoal_get(tree, "webrtc.stunServers")));
    assert_true(json_is_object(shoal_get(tree, "views.videos.watchingInterval")) ||
                json_is_object(shoal_get(tree, "views.videos")));
    json_decref(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_video_of_its_own_pages),
        cmocka_unit_test(refuses_other_sites_and_pages),
        cmocka_unit_test(hands_on_what_the_player_knows_and_nothing_else),
        cmocka_unit_test(has_a_config_tree_that_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
