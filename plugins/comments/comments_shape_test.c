// comments_shape_test.c - what different servers send as a Note reads as what was said.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "comments.h"

static void reads(const char *note, const char *text)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    json_t *document = json_loads(note, 0, NULL);
    assert_non_null(document);
    const char *out = comments_shape_text(arena, document);
    if (text == NULL) {
        assert_null(out);
    } else {
        assert_non_null(out);
        assert_string_equal(out, text);
    }
    json_decref(document);
    shoal_arena_free(arena);
}

static void markdown_stays_and_html_becomes_text(void **state)
{
    (void)state;
    reads("{\"content\":\"a *b* <i>\",\"mediaType\":\"text/markdown\"}", "a *b* <i>");
    reads("{\"content\":\"<p>a <b>b</b></p>\"}", "a b");
    reads("{\"content\":\"<p>a</p>\",\"mediaType\":\"text/html\"}", "a");
    reads("{\"content\":17}", NULL);
    reads("{\"content\":\" \"}", NULL);
    reads("{}", NULL);
}

static void one_of_several_languages_is_read(void **state)
{
    (void)state;
    reads("{\"contentMap\":{\"de\":\"<p>Flut</p>\",\"en\":\"<p>tide</p>\"}}", "Flut");
    reads("{\"content\":\"<p>tide</p>\",\"contentMap\":{\"de\":\"<p>Flut</p>\"}}", "tide");
    reads("{\"content\":null,\"contentMap\":{\"de\":7,\"en\":\"<p>tide</p>\"}}", "tide");
    reads("{\"contentMap\":[\"x\"]}", NULL);
}

static void a_warning_stands_before_the_text(void **state)
{
    (void)state;
    reads("{\"content\":\"<p>He dies.</p>\",\"summary\":\"spoilers &amp; more\",\"sensitive\":true}",
        "spoilers & more\n\nHe dies.");
    reads("{\"content\":\"<p>x</p>\",\"summary\":null}", "x");
    reads("{\"content\":\"<p>x</p>\",\"summary\":\"\"}", "x");
}

static void what_is_attached_is_a_link(void **state)
{
    (void)state;
    reads("{\"content\":\"\",\"attachment\":[{\"type\":\"Document\",\"mediaType\":\"image/png\","
          "\"url\":\"https://m.example/a/b.png\",\"name\":\"A [big]\\nwave\"},"
          "{\"type\":\"Image\",\"url\":[{\"type\":\"Link\",\"href\":\"https://m.example/c.png\"}]}]}",
        "[A \\[big\\] wave](https://m.example/a/b.png)\n\n[c.png](https://m.example/c.png)");
    reads("{\"content\":\"<p>x</p>\",\"attachment\":{\"url\":\"https://m.example/\"}}",
        "x\n\n[https://m.example/](https://m.example/)");
    reads("{\"content\":\"<p>x</p>\",\"attachment\":[{\"url\":\"javascript:alert(1)\"},"
          "{\"url\":\"https://m.example/a)b\"},{\"type\":\"PropertyValue\",\"name\":\"y\"},7,null]}",
        "x");
}

static void lists_have_an_end(void **state)
{
    (void)state;
    char note[4096] = "{\"content\":\"x\",\"attachment\":[";
    for (int i = 0; i < 40; i++) {
        snprintf(note + strlen(note), sizeof note - strlen(note),
            "%s{\"url\":\"https://m.example/%d\"}", i > 0 ? "," : "", i);
    }
    snprintf(note + strlen(note), sizeof note - strlen(note), "]}");
    struct shoal_arena *arena = shoal_arena_new(0);
    json_t *document = json_loads(note, 0, NULL);
    const char *text = comments_shape_text(arena, document);
    assert_non_null(strstr(text, "https://m.example/7)"));
    assert_null(strstr(text, "https://m.example/8)"));
    json_decref(document);
    shoal_arena_free(arena);
}

// A Note whose text is the same markup again and again.
static void is_cut(const char *id, const char *url, size_t bytes, const char *markup, const char *end)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    char *text = calloc(1, bytes + 1);
    for (size_t at = 0; at + strlen(markup) < bytes; at += strlen(markup)) {
        memcpy(text + at, markup, strlen(markup));
    }
    json_t *note = json_pack("{s:s, s:s?, s:s, s:s, s:[{s:s}]}", "id", id, "url", url, "content", text, "summary",
        "<p>Long</p>", "attachment", "url", "https://m.example/b.png");
    const char *out = comments_shape_text(arena, note);
    assert_non_null(out);
    assert_memory_equal(out, "Long\n\n", 6);
    assert_string_equal(out + strlen(out) - strlen(end), end);
    assert_string_equal(comments_text_clean(arena, out), out); // it fits
    json_decref(note);
    free(text);
    shoal_arena_free(arena);
}

static void what_is_too_long_leads_to_where_it_was_written(void **state)
{
    (void)state;
    is_cut("https://m.example/7", NULL, 30000, "word ", "word …\n\n<https://m.example/7>");
    is_cut("https://m.example/7", "https://m.example/@me/7", 30000, "word ", "word …\n\n<https://m.example/@me/7>");
    // An address of another server is not believed, nor one that is none.
    is_cut("https://m.example/7", "https://m.example.org/7", 30000, "word ", "<https://m.example/7>");
    is_cut("https://m.example/7", "https://m.example/a)b", 30000, "word ", "word …");
    // More markup than is read, with little text in it.
    is_cut("https://m.example/7", NULL, COMMENTS_HTML_MAX + 5000, "<b></b>", "b.png) …\n\n<https://m.example/7>");
    is_cut("https://m.example/7", NULL, 2 * COMMENTS_HTML_MAX, "<p>word</p>", "word …\n\n<https://m.example/7>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markdown_stays_and_html_becomes_text),
        cmocka_unit_test(one_of_several_languages_is_read),
        cmocka_unit_test(a_warning_stands_before_the_text),
        cmocka_unit_test(what_is_attached_is_a_link),
        cmocka_unit_test(lists_have_an_end),
        cmocka_unit_test(what_is_too_long_leads_to_where_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
