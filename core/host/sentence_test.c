// sentence_test.c - text is cut between letters, and what is no text becomes some.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/sentence.h"

#include "host/test_kit.h"

static void whole_letters_are_copied_as_far_as_they_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *copy;
    } rows[] = {
        {"", 1, ""},
        {"abc", 4, "abc"},
        {"abc", 3, "ab"},
        {"abc", 1, ""},
        {"a\xC3\xA9", 4, "a\xC3\xA9"}, // two bytes
        {"a\xC3\xA9", 3, "a"},
        {"\xE2\x82\xAC", 4, "\xE2\x82\xAC"}, // three
        {"\xE2\x82\xAC", 3, ""},
        {"\xF0\x9F\x90\x9F!", 6, "\xF0\x9F\x90\x9F!"}, // four
        {"\xF0\x9F\x90\x9F!", 5, "\xF0\x9F\x90\x9F"},
        {"\xF0\x9F\x90\x9F!", 4, ""},
        {"a\xFF"
         "b\xFE",
            8, "a?b?"},
        {"\xC3", 8, "?"},                // cut before it came here
        {"\xE2\x82", 8, "??"},           // so is this
        {"\xC3(", 8, "?("},              // what follows stays
        {"\xC0\xAF", 8, "??"},           // a slash in two bytes
        {"\xED\xA0\x80", 8, "???"},      // half of a pair
        {"\xF5\x80\x80\x80", 8, "????"}, // beyond the last letter
        {"\xA9\xC3\xA9", 8, "?\xC3\xA9"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[16];
        memset(out, 'x', sizeof(out));
        shoal_sentence_copy(out, rows[i].size, rows[i].text);
        assert_string_equal(out, rows[i].copy);
        assert_int_equal(out[rows[i].size], 'x');
    }
}

/// Whatever the bytes: JSON takes what comes out.
static void json_takes_every_copy(void **state)
{
    (void)state;
    char text[4] = "";
    char out[8];
    for (unsigned first = 1; first < 256; first++) {
        for (unsigned second = 1; second < 256; second++) {
            text[0] = (char)first;
            text[1] = (char)second;
            text[2] = (char)0x80;
            shoal_sentence_copy(out, sizeof(out), text);
            json_t *value = json_string(out);
            assert_non_null(value);
            json_decref(value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_letters_are_copied_as_far_as_they_fit),
        cmocka_unit_test(json_takes_every_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
