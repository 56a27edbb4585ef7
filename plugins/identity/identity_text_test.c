// identity_text_test.c - text that is written piece by piece is what a tree of it would be written as.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "identity_text.h"

static void has_the_bytes_of_a_tree(void **state)
{
    (void)state;
    struct shoal_buf out = {0};
    who_text_open(&out, NULL, '{');
    who_text_open(&out, "none", '{');
    who_text_close(&out, '}');
    who_text_open(&out, "list", '[');
    who_text_string(&out, NULL, "a");
    who_text_open(&out, NULL, '{');
    who_text_integer(&out, "n", -9007199254740993LL);
    who_text_close(&out, '}');
    who_text_open(&out, NULL, '[');
    who_text_close(&out, ']');
    who_text_close(&out, ']');
    who_text_true(&out, "yes");
    who_text_string(&out, "nothing", NULL);
    who_text_key(&out, "given");
    shoal_buf_puts(&out, "[1]");
    who_text_string(&out, "end", "");
    who_text_close(&out, '}');
    assert_string_equal(out.data, "{\"none\":{},\"list\":[\"a\",{\"n\":-9007199254740993},[]],\"yes\":true,"
                                  "\"nothing\":null,\"given\":[1],\"end\":\"\"}");
    shoal_buf_fini(&out);
}

// Each byte alone, at the start, in the middle and at the end; where it is no text, there is none.
static void escapes_what_a_tree_escapes(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        char value[] = {(char)byte, 'a', (char)byte, (char)byte, 'b', (char)byte, '\0'};
        struct shoal_buf out = {0};
        who_text_string(&out, NULL, value);
        json_t *tree = byte < 0x80 ? json_string(value) : json_string("");
        char *wanted = json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_string_equal(out.data, wanted);
        free(wanted);
        json_decref(tree);
        shoal_buf_fini(&out);
    }
}

static void leaves_letters_of_all_languages(void **state)
{
    (void)state;
    struct shoal_buf out = {0};
    who_text_string(&out, NULL, "Käfer \"鯨\"\n\xf0\x9f\x90\x8b\x7f/");
    assert_string_equal(out.data, "\"Käfer \\\"鯨\\\"\\n\xf0\x9f\x90\x8b\x7f/\"");
    shoal_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_bytes_of_a_tree),
        cmocka_unit_test(escapes_what_a_tree_escapes),
        cmocka_unit_test(leaves_letters_of_all_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
