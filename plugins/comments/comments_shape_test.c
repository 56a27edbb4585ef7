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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markdown_stays_and_html_becomes_text),
        cmocka_unit_test(one_of_several_languages_is_read),
        cmocka_unit_test(a_warning_stands_before_the_text),
        cmocka_unit_test(what_is_attached_is_a_link),
        cmocka_unit_test(lists_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
