// config_lex_test.c - the line of each key of shoal.lua, whatever stands around it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/config_priv.h"
#include "host/test_kit.h"

static void lines_are(const char *text, const char *wanted)
{
    json_t *lines = shoal_config_lex(text, strlen(text));
    char *found = json_dumps(lines, JSON_COMPACT | JSON_SORT_KEYS);
    if (strcmp(found, wanted) != 0) {
        fail_msg("%s\ngave %s\nnot  %s", text, found, wanted);
    }
    free(found);
    json_decref(lines);
}

static void keys_have_their_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text, *lines;
    } rows[] = {
        {"", "{}"},
        {"a = 1", "{\"a\":1}"},
        {"\n\na = 1\nb = 2", "{\"a\":3,\"b\":4}"},
        {"a = 1 b = 2", "{\"a\":1,\"b\":1}"},
        {"a.b = 1\na.c.d = 2", "{\"a.b\":1,\"a.c.d\":2}"},
        {"a = {\nb = 1,\nc = { d = 2 } }", "{\"a\":1,\"a.b\":2,\"a.c\":3,\"a.c.d\":3}"},
        {"a = { 1,\n\"x\";\n{ 2 } }", "{\"a\":1,\"a.1\":1,\"a.2\":2,\"a.3\":3,\"a.3.1\":3}"},
        {"a = {\n[\"b c\"] = 1 }", "{\"a\":1,\"a.b c\":2}"},
        {"a = 1\na = 2", "{\"a\":1}"},                                // where it stands first
        {"a =\nfile(\"x\",\n{ b = 1 })\nc = 2", "{\"a\":1,\"c\":4}"}, // arguments are no keys
        {"a = b == c\nd = 1", "{\"a\":1,\"d\":2}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        lines_are(rows[i].text, rows[i].lines);
    }
}

static void texts_and_comments_are_no_keys(void **state)
{
    (void)state;
    static const struct {
        const char *text, *lines;
    } rows[] = {
        {"-- a = 1\nb = 2", "{\"b\":2}"},
        {"--[[ a = 1\nb = 2 ]] c = 3", "{\"c\":2}"},
        {"--[==[ ]] ]=]\n]==] c = 3", "{\"c\":2}"},
        {"a = \"b = 1\"\nc = 2", "{\"a\":1,\"c\":2}"},
        {"a = 'it\\'s b = 1'\nc = 2", "{\"a\":1,\"c\":2}"},
        {"a = [[\nb = 1\n]]\nc = 2", "{\"a\":1,\"c\":4}"},
        {"a = [=[ ]] ]=]\nc = 2", "{\"a\":1,\"c\":2}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        lines_are(rows[i].text, rows[i].lines);
    }
}

/// Every beginning of a file ends, and within it: the reader never goes past what it was given.
static void a_file_may_end_anywhere(void **state)
{
    (void)state;
    static const char text[] = "--[==[ x ]==] a = { 1, [\"b\"] = 'c\\'', d = [[e]] } f.g = h(\"i\")"
                               " -- j\nk = { { { } } }";
    for (size_t length = 0; length < sizeof(text); length++) {
        char *part = malloc(length ? length : 1); // so that the sanitizer sees its end
        assert_non_null(part);
        memcpy(part, text, length);
        json_t *lines = shoal_config_lex(part, length);
        assert_true(json_is_object(lines));
        json_decref(lines);
        free(part);
    }
}

static void what_is_too_deep_or_too_long_ends(void **state)
{
    (void)state;
    char text[4096] = "a = ";
    memset(text + 4, '{', 2000);
    text[2004] = 0;
    json_t *lines = shoal_config_lex(text, strlen(text));
    assert_in_range(json_object_size(lines), 1, 2000);
    json_decref(lines);
    memset(text, 'a', 3000);
    snprintf(text + 3000, 16, " = 1\nb = 2");
    lines = shoal_config_lex(text, strlen(text));
    assert_int_equal(shoal_integer(lines, "b", 0), 2);
    json_decref(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_their_lines),
        cmocka_unit_test(texts_and_comments_are_no_keys),
        cmocka_unit_test(a_file_may_end_anywhere),
        cmocka_unit_test(what_is_too_deep_or_too_long_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
