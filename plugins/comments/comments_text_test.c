// comments_text_test.c - what is kept of a text, and what is shown of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "comments.h"

static void cleans(const char *text, const char *clean)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    const char *out = comments_text_clean(arena, text);
    if (clean == NULL) {
        assert_null(out);
    } else {
        assert_non_null(out);
        assert_string_equal(out, clean);
    }
    shoal_arena_free(arena);
}

static void shows(const char *text, const char *shown)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    assert_string_equal(comments_text_shown(arena, text), shown);
    shoal_arena_free(arena);
}

static void space_around_and_control_characters_go(void **state)
{
    (void)state;
    cleans("  a\r\n b \n\n", "a\n b");
    cleans("a\rb\tc", "a\nb\tc");
    cleans("a\x01\x1b[31m\x7f!", "a[31m!");
    cleans("", NULL);
    cleans(" \n\t\r ", NULL);
    cleans("\x01\x02", NULL);
}

static void characters_are_counted_not_bytes(void **state)
{
    (void)state;
    char *text = calloc(1, 4 * COMMENTS_TEXT_MAX + 8);
    for (size_t i = 0; i < COMMENTS_TEXT_MAX; i++) {
        memcpy(text + 4 * i, "🐟", 4);
    }
    cleans(text, text);
    text[4 * COMMENTS_TEXT_MAX] = 'x';
    cleans(text, NULL);
    free(text);
}

static void what_is_too_long_ends_with_where_the_whole_is(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    char *text = calloc(1, 6 * COMMENTS_TEXT_MAX + 8);
    for (size_t i = 0; i < COMMENTS_TEXT_MAX; i++) {
        memcpy(text + 6 * i, i % 50 == 49 ? "lastt " : "first ", 6);
    }
    const char *out = comments_text_cut(arena, text, "https://m.example/7", false);
    assert_in_range(strlen(out), COMMENTS_TEXT_MAX - 10, COMMENTS_TEXT_MAX + 2); // "…" has three bytes
    assert_non_null(strstr(out, "t …\n\n<https://m.example/7>"));
    assert_string_equal(comments_text_clean(arena, out), out); // it fits
    out = comments_text_cut(arena, text, "javascript:alert(1)", false);
    assert_string_equal(out + strlen(out) - 5, "t …");
    assert_null(strstr(out, "javascript"));
    for (size_t i = 0; i < COMMENTS_TEXT_MAX; i++) {
        memcpy(text + 4 * i, "🐟", 4); // one word, never cut within a character
    }
    memcpy(text + 4 * COMMENTS_TEXT_MAX, "x", 2);
    out = comments_text_cut(arena, text, "https://m.example/7", false);
    assert_non_null(strstr(out, "🐟 …\n\n<https://m.example/7>"));
    assert_int_equal((strstr(out, " …") - out) % 4, 0);
    text[4 * COMMENTS_TEXT_MAX] = '\0'; // just as much as fits
    assert_string_equal(comments_text_cut(arena, text, "https://m.example/7", false), text);
    assert_string_equal(comments_text_cut(arena, " a\x01 b ", "https://m.example/7", false), "a b");
    assert_string_equal(
        comments_text_cut(arena, "a", "https://m.example/7", true), "a …\n\n<https://m.example/7>");
    assert_null(comments_text_cut(arena, " ", "https://m.example/7", false));
    free(text);
    shoal_arena_free(arena);
}

static void headings_are_plain_text(void **state)
{
    (void)state;
    shows("# one\n## two\n#three\n####### seven", "\\# one\n\\## two\n#three\n####### seven");
    shows("a\n===\nb\n---\nc", "a\n\\===\nb\n\\---\nc");
    shows("  # one\n#", "  \\# one\n\\#");
    shows("- a\n- b\n= c", "- a\n- b\n= c");
}

static void markup_is_shown_and_not_obeyed(void **state)
{
    (void)state;
    shows("<b>x</b> 1 < 2 <!-- c --> <?x?> <3", "\\<b>x\\</b> 1 < 2 \\<!-- c --> \\<?x?> <3");
    shows("<https://example.org/> <mailto:a@b.example>", "<https://example.org/> <mailto:a@b.example>");
    shows("`<b>` and ``a ` <i>`` and ` <u>", "`<b>` and ``a ` <i>`` and ` \\<u>");
    shows("```\n<b>\n# x\n```\n<i>", "```\n<b>\n# x\n```\n\\<i>");
    shows("~~~\n<b>", "~~~\n<b>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(space_around_and_control_characters_go),
        cmocka_unit_test(characters_are_counted_not_bytes),
        cmocka_unit_test(what_is_too_long_ends_with_where_the_whole_is),
        cmocka_unit_test(headings_are_plain_text),
        cmocka_unit_test(markup_is_shown_and_not_obeyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
