// urlhost_test.c - what has a host, as handles have it, and where a Location leads.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "urlhost.h"

static struct shoal_arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = shoal_arena_new(0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_arena_free(arena);
    return 0;
}

static void host_is(const char *url, bool is_private, const char *host)
{
    const char *found = urlhost_of(arena, url, is_private);
    if (host == NULL ? found != NULL : found == NULL || strcmp(found, host) != 0) {
        fail_msg("%s is on %s", url, found == NULL ? "nothing" : found);
    }
}

static void only_public_names_are_hosts(void **state)
{
    (void)state;
    host_is("https://example.org/x", false, "example.org");
    host_is("HTTPS://Example.ORG:443?x", false, "example.org");
    host_is("https://example.org:8443#x", false, "example.org:8443");
    host_is("https://xn--bcher-kva.example/", false, "xn--bcher-kva.example");
    static const char *const none[] = {"http://example.org/", "https://", "https:///x", "https://localhost/",
        "https://example.org.", "https://.example.org/", "https://ex..ample.org/", "https://-a.example/",
        "https://a-.example/", "https://user@example.org/", "https://user:pass@example.org/",
        "https://example.org:/", "https://example.org:0/", "https://example.org:65536/",
        "https://example.org:123456/", "https://example.org:8x/", "https://[::1]/", "https://[::1/",
        "https://example.org/a b", "https://example.org/\n", "https://example.org/\"", "https://example.org/<",
        "https://example.org\\@evil.example/", "https://ex%61mple.org/", "https://b\303\274cher.example/",
        "ftp://example.org/", "//example.org/", "example.org", "javascript:alert(1)", "", "file:///etc/passwd"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        host_is(none[i], false, NULL);
    }
    host_is(NULL, false, NULL);
    char *large = shoal_arena_alloc(arena, 2100);
    memset(large, 'a', 2050);
    memcpy(large, "https://example.org/", 20);
    host_is(large, false, NULL);
    large[2000] = '\0';
    host_is(large, false, "example.org");
}

static void private_networks_have_more_of_them(void **state)
{
    (void)state;
    host_is("http://127.0.0.1:9001/x", true, "127.0.0.1:9001");
    host_is("http://localhost:80/", true, "localhost");
    host_is("http://[::1]:9001/", true, "[::1]:9001");
    host_is("https://[::1]x/", true, NULL);
    host_is("https://[::g]/", true, NULL);
}

static void names_are_asked_as_this_server_is(void **state)
{
    (void)state;
    assert_string_equal(urlhost_scheme("https://a.example/", false), "https");
    assert_string_equal(urlhost_scheme("http://a.example/", false), "https");
    assert_string_equal(urlhost_scheme("https://a.example/", true), "https");
    assert_string_equal(urlhost_scheme("http://127.0.0.1:9000/", true), "http");
}

static void a_location_is_joined_where_it_leads(void **state)
{
    (void)state;
    const char *base = "https://a.example/x/y?z";
    assert_string_equal(urlhost_join(arena, base, "/new?q#part"), "https://a.example/new?q");
    assert_string_equal(urlhost_join(arena, base, "https://b.example/#x"), "https://b.example/");
    assert_string_equal(urlhost_join(arena, "https://a.example", "/x"), "https://a.example/x");
    static const char *const none[] = {"//b.example/x", "x/y", "", "?x", "file:///x", "data:,x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_null(urlhost_join(arena, base, none[i]));
    }
}

static void parts_are_taken_as_they_are(void **state)
{
    (void)state;
    assert_string_equal(urlhost_bare(arena, "https://a.example/x?y#z"), "https://a.example/x?y");
    assert_string_equal(urlhost_target("https://a.example/x?y"), "/x?y");
    assert_string_equal(urlhost_target("https://a.example"), "");
    assert_string_equal(urlhost_target("https://a.example?y"), "?y");
    assert_string_equal(urlhost_read(arena, "Example.org:8443/x", "443", false), "example.org:8443");
    assert_string_equal(urlhost_read(arena, "example.org:80", "80", false), "example.org");
}

static void hosts_are_compared_whole(void **state)
{
    (void)state;
    assert_true(urlhost_same(arena, "https://a.example/x/1", "https://A.example:443/y"));
    assert_true(urlhost_same(arena, "https://a.example", "https://a.example?z"));
    assert_true(urlhost_same(arena, "http://127.0.0.1:9000/x", "http://127.0.0.1:9000/"));
    static const char *const others[] = {"https://a.example.org/y", "http://a.example/y",
        "https://b.example/y", "https://a.example:8443/", "https://a.example@b.example/", "a.example", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(urlhost_same(arena, "https://a.example/x", others[i]));
    }
    assert_false(urlhost_same(arena, "nothing", "nothing"));
    assert_false(urlhost_same(arena, NULL, "https://a.example/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_public_names_are_hosts),
        cmocka_unit_test(private_networks_have_more_of_them),
        cmocka_unit_test(names_are_asked_as_this_server_is),
        cmocka_unit_test(a_location_is_joined_where_it_leads),
        cmocka_unit_test(parts_are_taken_as_they_are),
        cmocka_unit_test(hosts_are_compared_whole),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
