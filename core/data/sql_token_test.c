// sql_token_test.c - where tokens of SQL end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/sql_token.h"

static void each_token_has_its_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } rows[] = {
        {"SELECT x", 6},
        {"my_table2.x", 9},
        {"$12,", 3},
        {"42)", 2},
        {"\xC3\xA9t\xC3\xA9 x", 5}, // letters beyond ASCII belong to a word
        {"'it''s' x", 7},
        {"'' x", 2},
        {"\"a\"\"b\" x", 6},
        {"`a``b` x", 6},
        {"[a]]", 3}, // a bracket is not doubled
        {"[a'b\"] x", 6},
        {"-- a ' quote\nx", 12},
        {"-- to the end", 13},
        {"/* a -- b */x", 12},
        {"/**/x", 4},
        {"-1", 1},
        {"/2", 1},
        {"(x", 1},
        {";", 1},
        {" x", 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (sql_token(rows[i].text) != rows[i].length) {
            fail_msg("%s: %zu", rows[i].text, sql_token(rows[i].text));
        }
    }
}

static void what_never_ends_has_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"'a", "'a''", "\"a", "`a", "[a", "/* a", "/*/", "/* a *"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (sql_token(texts[i]) != 0) {
            fail_msg("%s: %zu", texts[i], sql_token(texts[i]));
        }
    }
}

static void comments_are_space_and_quotes_are_not(void **state)
{
    (void)state;
    static const char *const spaces[] = {" ", "\t", "\r", "\n", "\f", "\v", "-- x", "/* x */"};
    static const char *const others[] = {"x", "'", "-1", "/2", ";", "\xC2\xA0"};
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        assert_true(sql_is_space(spaces[i]));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(sql_is_space(others[i]));
    }
}

/// Whatever the text, tokens follow each other to its end and never leave it.
static void tokens_cover_a_text(void **state)
{
    (void)state;
    static const char text[] =
        "WITH a AS (SELECT '--', \"/*\" /* ' */ FROM [b]) -- \"\n SELECT $1;";
    size_t at = 0;
    size_t count = 0;
    while (text[at]) {
        size_t length = sql_token(text + at);
        assert_in_range(length, 1, sizeof(text) - 1 - at);
        at += length;
        count++;
    }
    assert_int_equal(at, sizeof(text) - 1);
    assert_int_equal(count, 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_token_has_its_length),
        cmocka_unit_test(what_never_ends_has_none),
        cmocka_unit_test(comments_are_space_and_quotes_are_not),
        cmocka_unit_test(tokens_cover_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
