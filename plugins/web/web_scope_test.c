// web_scope_test.c - places of theme.json: what is filled in, how it is encoded, where forms may lead.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "web_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct place {
    const char *text, *expected;
};

static json_t *example(void)
{
    return json_pack("{s:{s:s, s:s}, s:{s:s}, s:{s:s, s:s, s:s}, s:{s:{s:I, s:b}}}", "path", "id",
        "kelp forest", "name", "a/b?c#d", "query", "search", "", "form", "next", "/my/videos?page=2",
        "far", "//evil.example", "empty", "", "answer", "video", "id", (json_int_t)42, "isNew", 1);
}

static void fills_places_in(void **state)
{
    (void)state;
    static const struct place places[] = {
        {"/about", "/about"},
        {"", ""},
        {"/api/v1/videos/{path.id}", "/api/v1/videos/kelp%20forest"},
        {"/c/{path.name}/x", "/c/a%2Fb%3Fc%23d/x"},
        {"?a={answer.video.id}&b={answer.video.isNew}", "?a=42&b=true"},
        {"{query.search|everything}", "everything"},
        {"?s={query.search|-publishedAt}", "?s=-publishedAt"},
        {"{form.empty|/}", "/"},
        {"{form.none.at.all|/}", "/"},
        {"/w/{form.none}", "/w/"},
        {"{form}", ""},
        {"open {path.id", "open kelp%20forest"},
        {"}{", "}"},
    };
    struct shoal_arena *arena = shoal_arena_new(0);
    json_t *scope = example();
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_string_equal(web_expand(arena, places[i].text, scope), places[i].expected);
    }
    json_decref(scope);
    shoal_arena_free(arena);
}

static void a_value_that_is_the_whole_text_stays_as_it_is(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    json_t *scope = example();
    assert_string_equal(web_expand(arena, "{form.next|/}", scope), "/my/videos?page=2");
    assert_string_equal(web_expand(arena, "{path.id}{path.id}", scope), "kelp%20forestkelp%20forest");
    json_decref(scope);
    shoal_arena_free(arena);
}

static void a_call_leaves_empty_parameters_out(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {{"/videos", "/videos"}, {"/videos?", "/videos"}, {"/videos?a={query.none}", "/videos"},
        {"/videos?a={query.none}&b=2", "/videos?b=2"}, {"/videos?b=2&a={query.none}", "/videos?b=2"},
        {"/videos?a=1&b={query.none}&c=3&d={query.none}&e=5", "/videos?a=1&c=3&e=5"},
        {"/videos/{path.id}?a={path.id}", "/videos/kelp%20forest?a=kelp%20forest"},
        {"/videos?a={query.none|7}", "/videos?a=7"}};
    struct shoal_arena *arena = shoal_arena_new(0);
    json_t *scope = example();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(web_expand_call(arena, rows[i].text, scope), rows[i].expected);
    }
    json_decref(scope);
    shoal_arena_free(arena);
}

static void allows_what_one_of_the_conditions_holds_for(void **state)
{
    (void)state;
    static const struct {
        const char *page;
        bool expected;
    } cases[] = {
        {"{}", true},
        {"{\"allow\": []}", false},
        {"{\"allow\": [\"{answer.video.id}=42\"]}", true},
        {"{\"allow\": [\"{answer.video.id}=4\"]}", false},
        {"{\"allow\": [\"{answer.video.id}=421\"]}", false},
        {"{\"allow\": [\"{path.id}=x\", \"{path.id}={path.id}\"]}", true},
        {"{\"allow\": [\"{user.id}={video.id}\"]}", false}, // two that are absent are not the same
        {"{\"allow\": [\"{answer.video.id}\", 7]}", false},
    };
    struct shoal_arena *arena = shoal_arena_new(0);
    json_t *scope = example();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *page = json_loads(cases[i].page, 0, NULL);
        assert_int_equal(web_allows(arena, page, scope), cases[i].expected);
        json_decref(page);
    }
    json_decref(scope);
    shoal_arena_free(arena);
}

static void leads_to_this_site_alone(void **state)
{
    (void)state;
    static const char *const local[] = {"/", "/my/videos?uploaded=1", "/w/a#b", "/login?next=%2F%2Fx"};
    static const char *const foreign[] = {"", "x", "//evil.example", "/\\evil.example",
        "https://evil.example/", "javascript:alert(1)", "/a\\b", "/a\tb", "/a\r\nSet-Cookie: x=1",
        "/\t/evil.example", " /", "\\\\evil.example"};
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        assert_true(web_is_local_path(local[i]));
    }
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        assert_false(web_is_local_path(foreign[i]));
    }
    char endless[3000];
    memset(endless, 'a', sizeof endless);
    endless[0] = '/';
    endless[sizeof endless - 1] = '\0';
    assert_false(web_is_local_path(endless));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_places_in),
        cmocka_unit_test(a_value_that_is_the_whole_text_stays_as_it_is),
        cmocka_unit_test(a_call_leaves_empty_parameters_out),
        cmocka_unit_test(allows_what_one_of_the_conditions_holds_for),
        cmocka_unit_test(leads_to_this_site_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
