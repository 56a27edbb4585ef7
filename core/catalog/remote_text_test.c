// remote_text_test.c - what counts as a URL of which host, and what is left of hostile text.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"
#include "catalog/remote_priv.h"

static void a_url_has_one_host(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    static const struct {
        const char *url, *host;
    } rows[] = {{"https://example.org/a", "example.org"}, {"https://EXAMPLE.org", "example.org"},
        {"https://example.org:443/a?b#c", "example.org"}, {"http://example.org:80", "example.org"},
        {"https://example.org:8443/", "example.org:8443"},
        {"http://127.0.0.1:9000/x", "127.0.0.1:9000"}, {"http://[::1]:9000/x", "[::1]:9000"},
        {"https://example.org?x", "example.org"}, {"https://user@example.org/", NULL},
        {"https://a:b@example.org/", NULL}, {"ftp://example.org/", NULL},
        {"javascript:alert(1)", NULL}, {"//example.org/", NULL}, {"https://", NULL},
        {"https:///x", NULL}, {"https://.example.org/", NULL}, {"https://example.org:/", NULL},
        {"https://example.org:123456/", NULL}, {"https://example.org:8a/", NULL},
        {"https://exa mple.org/", NULL}, {"https://example.org/a\"b", NULL},
        {"https://example.org/a\\b", NULL}, {"https://example.org\\@x.org/", NULL},
        {"https://ex\xc3\xa4mple.org/", NULL}, {"https://example.org/a\nb", NULL},
        {"https://[::1/x", NULL}, {"", NULL}, {NULL, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *host = catalog_url_host(arena, rows[i].url);
        if (rows[i].host == NULL) {
            assert_null(host);
        } else {
            assert_non_null(host);
            assert_string_equal(host, rows[i].host);
        }
    }
    char longer[CATALOG_URL_MAX + 2];
    memset(longer, 'x', sizeof longer - 1);
    memcpy(longer, "https://a.b/", 12);
    longer[sizeof longer - 1] = '\0';
    assert_null(catalog_url_host(arena, longer));
    longer[CATALOG_URL_MAX] = '\0';
    assert_string_equal(catalog_url_host(arena, longer), "a.b");
    assert_true(catalog_url_on(arena, "https://a.b/x", "a.b"));
    assert_false(catalog_url_on(arena, "https://a.b.c/x", "a.b"));
    assert_false(catalog_url_on(arena, NULL, "a.b"));
    shoal_arena_free(arena);
}

static void t31_text_is_cut_and_cleaned(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    static const struct {
        const char *text;
        size_t most;
        bool is_line;
        const char *out;
    } rows[] = {{"plain", 10, true, "plain"}, {"  a\nb\tc  ", 20, true, "a b c"},
        {"a\nb", 20, false, "a\nb"}, {"\xc3\xa4\xc3\xb6\xc3\xbc", 2, true, "\xc3\xa4\xc3\xb6"},
        {"a\x01\x1b[31mb\x7f", 20, true, "a[31mb"},
        {"\xe2\x80\xae"
         "evil\xe2\x81\xa6",
            20, true, "evil"},
        {"\xc2\x85"
         "c1",
            20, true, "c1"},
        {"\xe2\x80\x9cquoted\xe2\x80\x9d", 20, true, "\xe2\x80\x9cquoted\xe2\x80\x9d"},
        {"\xff\xfe", 20, true, NULL}, {"   ", 20, true, NULL}, {"", 20, false, NULL},
        {NULL, 20, false, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *out = catalog_remote_text(arena, rows[i].text, rows[i].most, rows[i].is_line);
        if (rows[i].out == NULL) {
            assert_null(out);
        } else {
            assert_non_null(out);
            assert_string_equal(out, rows[i].out);
        }
    }
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_has_one_host),
        cmocka_unit_test(t31_text_is_cut_and_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
