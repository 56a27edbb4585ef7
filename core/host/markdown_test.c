// markdown_test.c - what Markdown becomes, and what never gets through it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/pages.h>

#include "host/test_kit.h"

static void becomes(const char *text, const char *html)
{
    struct shoal_buf out = {0};
    assert_int_equal(shoal_markdown(&out, text), 0);
    assert_string_equal(out.data ? out.data : "", html);
    shoal_buf_fini(&out);
}

static void lacks(const char *text, const char *part)
{
    struct shoal_buf out = {0};
    assert_int_equal(shoal_markdown(&out, text), 0);
    if (out.data && strcasestr(out.data, part)) {
        fail_msg("%s lets \"%s\" through: %s", text, part, out.data);
    }
    shoal_buf_fini(&out);
}

static void plain_markdown_works(void **state)
{
    (void)state;
    becomes("**bold** & <3", "<p><strong>bold</strong> &amp; &lt;3</p>\n");
    becomes("a\nb", "<p>a<br>\nb</p>\n");
    becomes("- one", "<ul>\n<li>one</li>\n</ul>\n");
}

static void addresses_become_links(void **state)
{
    (void)state;
    becomes("see https://example.org/a?b=1.",
        "<p>see <a href=\"https://example.org/a?b=1\" rel=\"nofollow noopener noreferrer ugc\">"
        "https://example.org/a?b=1</a>.</p>\n");
    becomes("`https://example.org`", "<p><code>https://example.org</code></p>\n");
}

static void nothing_runs(void **state)
{
    (void)state;
    lacks("<script>alert(1)</script>", "<script");
    lacks("[x](javascript:alert(1))", "javascript:");
    lacks("[x](data:text/html,x)", "data:");
    lacks("[x](//evil.example)", "href");
    lacks("<img src=x onerror=alert(1)>", "<img");
    lacks("![x](https://track.example/p.png)", "<img");
    lacks("<a href=\"https://x\" onclick=\"y\">z</a>", "onclick");
    lacks("[a](https://x.example/\"onmouseover=\"y)", "\"onmouseover");
}

static void deep_nesting_is_flattened(void **state)
{
    (void)state;
    size_t length = 60000;
    char *text = malloc(length + 1);
    memset(text, '>', length);
    text[length] = 0;
    struct shoal_buf out = {0};
    assert_int_equal(shoal_markdown(&out, text), 0);
    assert_null(strstr(out.data, "<blockquote>"));
    shoal_buf_fini(&out);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_markdown_works),
        cmocka_unit_test(addresses_become_links),
        cmocka_unit_test(nothing_runs),
        cmocka_unit_test(deep_nesting_is_flattened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
