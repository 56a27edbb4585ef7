// comments_html_test.c - markup of other servers becomes text, and nothing of it stays.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "comments.h"

static void becomes(const char *html, const char *text)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    assert_string_equal(comments_html_text(arena, html), text);
    shoal_arena_free(arena);
}

static void paragraphs_lines_and_lists_are_kept(void **state)
{
    (void)state;
    becomes("<p>One &amp; two</p><p>three<br>four<br/>  five</p>", "One & two\n\nthree\nfour\nfive");
    becomes("<div>a</div><div>b</div>", "a\nb");
    becomes("<ul><li>one</li><li><p>two</p></li></ul>end", "- one\n- two\n\nend");
    becomes("<pre>a\n  b</pre>", "a\n b");
    becomes("a<br><br><br><br>b", "a\n\nb");
    becomes("  plain   text ", "plain text");
    becomes("", "");
}

static void what_mastodon_sends_reads_well(void **state)
{
    (void)state;
    becomes("<p><span class=\"h-card\" translate=\"no\"><a href=\"https://video.example/accounts/ann\" "
            "class=\"u-url mention\">@<span>ann</span></a></span> nice!</p>",
        "@ann@video.example nice!");
    becomes("<a href=\"https://m.example/tags/tide\" class=\"mention hashtag\" rel=\"tag\">#<span>tide</span></a>",
        "#tide");
    becomes("<a href=\"https://example.org/a/long/way?x=1&amp;y=2\"><span class=\"invisible\">https://</span>"
            "<span class=\"ellipsis\">example.org/a/long</span><span class=\"invisible\">/way?x=1&amp;y=2</span></a>",
        "https://example.org/a/long/way?x=1&y=2");
    becomes("see <a href='https://example.org/x'>this page</a>.", "see [this page](https://example.org/x).");
    becomes("<a href=\"https://m.example/@bob\" class=\"mention\">@bob@m.example</a>", "@bob@m.example");
}

static void no_link_says_that_it_leads_elsewhere(void **state)
{
    (void)state;
    becomes("<a href='https://evil.example/'>https://bank.example</a>",
        "https://bank.example (https://evil.example/)");
    becomes("<a href='https://evil.example/'>bank.example</a>", "bank.example (https://evil.example/)");
    becomes("<a href='https://evil.example/'>go to http://bank.example now</a>",
        "go to http://bank.example now (https://evil.example/)");
    becomes("<a href='https://bank.example.evil.example/'>https://bank.example</a>",
        "https://bank.example.evil.example/");
    becomes("<a href='https://a.example/'>more... words</a>", "[more... words](https://a.example/)");
    becomes("<a href='https://a.example/'>more...</a>", "[more...](https://a.example/)");
}

static void entities_are_letters(void **state)
{
    (void)state;
    becomes("&lt;b&gt; &#39;x&#x27; &quot; &nbsp; &hellip; &#128031;", "<b> 'x' \" … 🐟");
    becomes("&unknown; &#; &#99999999999; &", "&unknown; &#; &#99999999999; &");
    becomes("&#0;&#xd800;&#x110000;", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

static void what_is_no_text_goes(void **state)
{
    (void)state;
    becomes("a<script>alert('</p>')</script>b<style>*{}</style>c<!-- <p>d</p> -->e", "abce");
    becomes("<img src=x onerror=alert(1)>a<svg><text>b</text></svg>c", "ac");
    becomes("<SCRIPT>x", "");
    becomes("a<!-- never", "a");
    becomes("<iframe src=//evil.example>x</iframe >y", "y");
}

static void links_lead_to_the_web_alone(void **state)
{
    (void)state;
    becomes("<a href=\"javascript:alert(1)\">x</a>", "x");
    becomes("<a href=\"data:text/html,x\">x</a>", "x");
    becomes("<a href=\"//evil.example\">x</a>", "x");
    becomes("<a href=\"https://x.example/)[y](javascript:z\">x</a>", "x");
    becomes("<a href=\"https://x.example/\">a](javascript:b)[</a>", "a](javascript:b)[ (https://x.example/)");
    becomes("<a href=\"https://x.example/\"></a>", "");
    becomes("<a href=\"https://a.example/\">one<a href=\"https://b.example/\">two", "[one](https://a.example/)[two](https://b.example/)");
}

static void broken_markup_is_survived(void **state)
{
    (void)state;
    becomes("a < b > c <3 <", "a < b > c <3 <");
    becomes("</p></a></li></pre>x", "x");
    becomes("<p title=\"never ends>x", "");
    becomes("<a href==\"x\" = / class>y</a>", "y");
    becomes("<averyveryverylongnameofatag>x", "x");
    size_t length = 250000;
    char *deep = malloc(length + 1);
    for (size_t i = 0; i < length; i++) {
        deep[i] = "<b a>"[i % 5];
    }
    deep[length] = '\0';
    becomes(deep, "");
    free(deep);
}

static void of_what_is_too_long_the_beginning_is_read(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    char *long_text = malloc(300001);
    memset(long_text, 'x', 300000);
    long_text[300000] = '\0';
    assert_int_equal(strlen(comments_html_text(arena, long_text)), COMMENTS_HTML_MAX);
    memcpy(long_text + COMMENTS_HTML_MAX - 1, "ä", 2); // not half a letter
    assert_int_equal(strlen(comments_html_text(arena, long_text)), COMMENTS_HTML_MAX - 1);
    for (size_t half = 1; half < 4; half++) {
        memset(long_text + COMMENTS_HTML_MAX - 4, 'x', 8);
        memcpy(long_text + COMMENTS_HTML_MAX - half, "\xf0\x9f\x90\x9f", 4);
        assert_int_equal(strlen(comments_html_text(arena, long_text)), COMMENTS_HTML_MAX - half);
    }
    free(long_text);
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paragraphs_lines_and_lists_are_kept),
        cmocka_unit_test(what_mastodon_sends_reads_well),
        cmocka_unit_test(no_link_says_that_it_leads_elsewhere),
        cmocka_unit_test(entities_are_letters),
        cmocka_unit_test(what_is_no_text_goes),
        cmocka_unit_test(links_lead_to_the_web_alone),
        cmocka_unit_test(broken_markup_is_survived),
        cmocka_unit_test(of_what_is_too_long_the_beginning_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
