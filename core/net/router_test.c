// router_test.c - which handler is found for which path.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/router_priv.h"

static int handler(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)request;
    (void)arg;
    (void)err;
    return 0;
}

static int add(struct shoal_router *router, const char *method, const char *path,
    const char *produces, struct shoal_plugin *owner)
{
    struct shoal_route route = {
        .method = method, .path = path, .produces = produces, .handler = handler};
    return shoal_router_add(router, &route, owner, NULL);
}

static struct shoal_match match;

static const char *find(struct shoal_router *router, const char *method, const char *path,
    const char *accept)
{
    enum shoal_matched result = shoal_router_match(router, shoal_span(method), shoal_span(path),
        shoal_span(accept), &match);
    return result == SHOAL_MATCHED             ? match.entry->route.path
        : result == SHOAL_MATCHED_NO_METHOD    ? "method"
        : result == SHOAL_MATCHED_BAD_PATH     ? "bad"
                                               : "none";
}

static const char *value(size_t index)
{
    assert_true(index < match.value_count);
    return match.text + match.values[index];
}

static int set_up(void **state)
{
    struct shoal_router *router = shoal_router_new();
    assert_int_equal(add(router, "GET", "/", NULL, NULL), 0);
    assert_int_equal(add(router, "GET", "/videos", NULL, NULL), 0);
    assert_int_equal(add(router, "GET", "/videos/{id}", NULL, NULL), 0);
    assert_int_equal(add(router, "PUT", "/videos/{video}", NULL, NULL), 0);
    assert_int_equal(add(router, "GET", "/videos/categories", NULL, NULL), 0);
    assert_int_equal(add(router, "GET", "/videos/{id}/description", NULL, NULL), 0);
    assert_int_equal(add(router, "POST", "/videos/live", NULL, NULL), 0);
    assert_int_equal(add(router, "GET", "/static/{path...}", NULL, NULL), 0);
    assert_int_equal(add(router, "GET", "/w/{id}", "text/html", NULL), 0);
    assert_int_equal(add(router, "GET", "/w/{id}", "application/activity+json", NULL), 0);
    *state = router;
    return 0;
}

static int tear_down(void **state)
{
    shoal_router_free(*state);
    return 0;
}

static void prefers_literals_to_parameters(void **state)
{
    assert_string_equal(find(*state, "GET", "/videos/categories", NULL), "/videos/categories");
    assert_string_equal(find(*state, "GET", "/videos/12", NULL), "/videos/{id}");
    assert_string_equal(value(0), "12");
    assert_string_equal(match.entry->names[0], "id");
}

static void leaves_a_literal_that_leads_nowhere(void **state)
{
    assert_string_equal(find(*state, "GET", "/videos/categories/description", NULL),
        "/videos/{id}/description");
    assert_string_equal(value(0), "categories");
    assert_string_equal(find(*state, "GET", "/videos/live", NULL), "/videos/{id}");
}

static void names_parameters_as_each_route_does(void **state)
{
    assert_string_equal(find(*state, "PUT", "/videos/7", NULL), "/videos/{video}");
    assert_string_equal(match.entry->names[0], "video");
}

static void gives_the_rest_of_a_path(void **state)
{
    assert_string_equal(find(*state, "GET", "/static/a/b%20c/d.mp4", NULL), "/static/{path...}");
    assert_string_equal(value(0), "a/b c/d.mp4");
    assert_string_equal(find(*state, "GET", "/static", NULL), "none");
}

static void answers_head_by_get_and_ignores_a_slash_at_the_end(void **state)
{
    assert_string_equal(find(*state, "HEAD", "/videos", NULL), "/videos");
    assert_string_equal(find(*state, "GET", "/videos/", NULL), "/videos");
    assert_string_equal(find(*state, "GET", "/", NULL), "/");
}

static void tells_a_wrong_method_from_a_wrong_path(void **state)
{
    assert_string_equal(find(*state, "DELETE", "/videos/7", NULL), "method");
    assert_string_equal(match.allow, "GET, HEAD, PUT");
    assert_string_equal(find(*state, "GET", "/nothing", NULL), "none");
    assert_string_equal(find(*state, "GET", "/videos//7", NULL), "none");
}

static void refuses_paths_that_hide_structure(void **state)
{
    static const char *const bad[] = {"/static/../x", "/static/%2e%2E/x", "/static/a%2fb",
        "/static/a%5cb", "/static/a\\b", "/static/%00", "/static/./x", "/static/%zz", "/static/%4",
        "/static/%ff", "/static/%c0%af", "/static/%ed%a0%80", "/static/%0a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_string_equal(find(*state, "GET", bad[i], NULL), "bad");
    }
    assert_string_equal(find(*state, "GET", "/static/%e2%82%ac", NULL), "/static/{path...}");
    assert_string_equal(value(0), "\xe2\x82\xac");
}

static void chooses_by_accept(void **state)
{
    find(*state, "GET", "/w/1", "application/activity+json");
    assert_string_equal(match.entry->route.produces, "application/activity+json");
    assert_true(match.is_negotiated);
    find(*state, "GET", "/w/1", "text/html,application/xhtml+xml,*/*;q=0.8");
    assert_string_equal(match.entry->route.produces, "text/html");
    find(*state, "GET", "/w/1", "image/png");
    assert_string_equal(match.entry->route.produces, "text/html");
}

static void a_route_for_those_who_name_its_type(void **state)
{
    struct shoal_route document = {.method = "GET",
        .path = "/a/{name}",
        .produces = "application/activity+json",
        .handler = handler,
        .named_only = true};
    assert_int_equal(shoal_router_add(*state, &document, NULL, NULL), 0);
    find(*state, "GET", "/a/fish", "*/*"); // alone it is better than nothing
    assert_string_equal(match.entry->route.produces, "application/activity+json");
    assert_int_equal(add(*state, "GET", "/a/{name}", NULL, NULL), 0);
    static const char *const pages[] = {NULL, "*/*", "application/*", "text/html", "application/json",
        "application/activity+json;q=0, */*"};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        find(*state, "GET", "/a/fish", pages[i]);
        assert_null(match.entry->route.produces);
        assert_true(match.is_negotiated);
    }
    find(*state, "GET", "/a/fish", "text/html;q=0.9, application/activity+json");
    assert_string_equal(match.entry->route.produces, "application/activity+json");
}

static void a_page_and_a_document_are_weighed(void **state)
{
    static const char *const documents[] = {"application/activity+json", "application/ld+json"};
    assert_int_equal(add(*state, "GET", "/c/{name}", "text/html", NULL), 0);
    for (size_t i = 0; i < 2; i++) {
        struct shoal_route route = {.method = "GET",
            .path = "/c/{name}",
            .produces = documents[i],
            .handler = handler,
            .named_only = true};
        assert_int_equal(shoal_router_add(*state, &route, NULL, NULL), 0);
    }
    static const struct {
        const char *accept;
        bool is_page;
    } rows[] = {
        // browsers
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true},
        // PeerTube, Mastodon now and before, GoToSocial
        {"application/activity+json, application/ld+json", false},
        {"application/activity+json, application/ld+json; "
         "profile=\"https://www.w3.org/ns/activitystreams\", text/html;q=0.1",
            false},
        {"application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"", false},
        // weights, whatever their order
        {"text/html;q=0.5, application/activity+json", false},
        {"application/activity+json, text/html;q=0.999", false},
        {"text/html, application/activity+json;q=0.9", true},
        {"application/activity+json;q=0.1, application/ld+json;q=0.2, text/html;q=0.3", true},
        {"application/ld+json;q=0.1, application/ld+json; profile=\"x\";q=0.4, text/html;q=0.3", false},
        {"application/activity+json;q=0.5, */*", true},
        {"application/activity+json, */*;q=0.5", false},
        {"text/html;q=0, application/activity+json;q=0.001", false},
        {"application/activity+json;q=x, text/html;q=0.1", true},
        // as much: who names a document knows what it is
        {"text/html, application/activity+json", false},
        {"application/ld+json;q=0.5, text/html;q=0.5", false},
        {"*/*, application/ld+json", false},
        // neither
        {"application/json, text/plain, */*", true},
        {"image/png", true},
        {"", true},
        {NULL, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        find(*state, "GET", "/c/fish", rows[i].accept);
        bool is_page = strcmp(match.entry->route.produces, "text/html") == 0;
        if (is_page != rows[i].is_page) {
            fail_msg("%s gets %s", rows[i].accept, match.entry->route.produces);
        }
        assert_true(match.is_negotiated);
    }
}

static void finds_a_parameter_behind_a_prefix(void **state)
{
    assert_int_equal(add(*state, "GET", "/p/@{name}", NULL, NULL), 0);
    assert_int_equal(add(*state, "GET", "/p/{name}", NULL, NULL), 0);
    assert_string_equal(find(*state, "GET", "/p/@fish", NULL), "/p/@{name}");
    assert_string_equal(match.text + match.values[0], "fish");
    assert_string_equal(find(*state, "GET", "/p/fish", NULL), "/p/{name}");
    assert_string_equal(find(*state, "GET", "/p/@", NULL), "/p/{name}");
}

static void refuses_a_route_twice_and_broken_patterns(void **state)
{
    assert_int_equal(add(*state, "GET", "/videos/{other}", NULL, NULL), SHOAL_ECONFLICT);
    assert_int_equal(add(*state, "GET", "videos", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(add(*state, "GET", "/a/{}", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(add(*state, "GET", "/a/{x", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(add(*state, "GET", "/a/{x}b", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(add(*state, "GET", "/a/b{x", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(add(*state, "GET", "/a//b", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(add(*state, "GET", "/a/{x...}/b", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(add(*state, "", "/a", NULL, NULL), SHOAL_EINVAL);
}

static void forgets_the_routes_of_an_owner(void **state)
{
    struct shoal_plugin *owner = (struct shoal_plugin *)(uintptr_t)&match;
    assert_int_equal(add(*state, "GET", "/mine", NULL, owner), 0);
    assert_string_equal(find(*state, "GET", "/mine", NULL), "/mine");
    const struct shoal_entry *entry = match.entry;
    shoal_router_remove_owner(*state, owner);
    assert_string_equal(find(*state, "GET", "/mine", NULL), "none");
    assert_string_equal(entry->route.path, "/mine"); // requests under way still read it
    assert_string_equal(find(*state, "GET", "/videos", NULL), "/videos");
}

static void count_route(const struct shoal_route *route, struct shoal_plugin *owner, void *user)
{
    (void)owner;
    assert_non_null(route->path);
    ++*(int *)user;
}

static void lists_all_routes(void **state)
{
    int count = 0;
    shoal_router_each(*state, count_route, &count);
    assert_int_equal(count, 10);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(prefers_literals_to_parameters),
        CASE(leaves_a_literal_that_leads_nowhere),
        CASE(names_parameters_as_each_route_does),
        CASE(gives_the_rest_of_a_path),
        CASE(answers_head_by_get_and_ignores_a_slash_at_the_end),
        CASE(tells_a_wrong_method_from_a_wrong_path),
        CASE(refuses_paths_that_hide_structure),
        CASE(chooses_by_accept),
        CASE(a_route_for_those_who_name_its_type),
        CASE(a_page_and_a_document_are_weighed),
        CASE(finds_a_parameter_behind_a_prefix),
        CASE(refuses_a_route_twice_and_broken_patterns),
        CASE(forgets_the_routes_of_an_owner),
        CASE(lists_all_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
