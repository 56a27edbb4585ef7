// form_test.c - form fields as JSON: nested names, lists, and names that contradict each other.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/body_priv.h"

/// Reads "name=value" lines. Returns: compact JSON to free, or NULL when it was refused.
static char *read_form(const char *const *lines, bool has_null_text, struct shoal_err *err)
{
    struct shoal_pair pairs[16];
    char texts[16][512];
    size_t count = 0;
    for (; lines[count]; count++) {
        snprintf(texts[count], sizeof texts[count], "%s", lines[count]);
        char *equals = strrchr(texts[count], '=');
        *equals = 0;
        pairs[count] = (struct shoal_pair){texts[count], equals + 1};
    }
    json_t *json = shoal_form_to_json(pairs, count, has_null_text, err);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

struct row {
    const char *lines[8];
    const char *json; // NULL: refused
};

static void check(const struct row *row)
{
    struct shoal_err err = {0};
    char *text = read_form(row->lines, false, &err);
    if (row->json) {
        assert_non_null(text);
        assert_string_equal(text, row->json);
    } else {
        assert_null(text);
        assert_int_equal(err.code, SHOAL_EINVAL);
        assert_true(err.field[0] != 0);
    }
    free(text);
}

static void puts_names_together(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{NULL}, "{}"}, {{"a=1", "b="}, "{\"a\":\"1\",\"b\":\"\"}"},
        {{"a=1", "a=2", "a=3"}, "{\"a\":[\"1\",\"2\",\"3\"]}"}, {{"a[]=1"}, "{\"a\":[\"1\"]}"},
        {{"a[]=1", "a[]=2"}, "{\"a\":[\"1\",\"2\"]}"}, {{"a[]=1", "a=2"}, "{\"a\":[\"1\",\"2\"]}"},
        {{"a[0]=x", "a[1]=y", "a[0]=z"}, "{\"a\":[\"z\",\"y\"]}"},
        {{"a[b]=1", "a[c]=2"}, "{\"a\":{\"b\":\"1\",\"c\":\"2\"}}"},
        {{"a[b][c][]=1", "a[b][c][]=2"}, "{\"a\":{\"b\":{\"c\":[\"1\",\"2\"]}}}"},
        {{"a[0][t]=1", "a[0][u]=2", "a[1][t]=3"},
            "{\"a\":[{\"t\":\"1\",\"u\":\"2\"},{\"t\":\"3\"}]}"},
        {{"a[b]=1", "a[0]=2"}, "{\"a\":{\"b\":\"1\",\"0\":\"2\"}}"},
        {{"a[12345]=1"}, "{\"a\":{\"12345\":\"1\"}}"}, // too long for an index: a key
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i]);
    }
}

static void takes_odd_names_as_they_are(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{"[a]=1"}, "{\"[a]\":\"1\"}"},
        {{"a[b=1"}, "{\"a[b\":\"1\"}"},
        {{"a]b=1"}, "{\"a]b\":\"1\"}"},
        {{"a[b]c=1"}, "{\"a[b]c\":\"1\"}"},
        {{"a[b]c[d]=1"}, "{\"a[b]c[d]\":\"1\"}"},
        {{"a[1][2][3][4][5][6][7][8]=1"}, "{\"a[1][2][3][4][5][6][7][8]\":\"1\"}"}, // too deep
        {{"=1"}, "{\"\":\"1\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i]);
    }
}

static void refuses_names_that_contradict_each_other(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{"a=1", "a[b]=2"}, NULL},
        {{"a=1", "a[]=2"}, NULL},
        {{"a[b]=1", "a=2"}, NULL},
        {{"a[]=1", "a[b]=2"}, NULL},
        {{"a[]=1", "a[0][b]=2"}, NULL},
        {{"a[][b]=1", "a[0]=2", "a[0][b]=2"}, NULL},
        {{"a[1]=x"}, NULL},      // nothing is at 0
        {{"a[999][b]=x"}, NULL}, // nor does a number make room
        {{"a=\xff"}, NULL},
        {{"\xff=a"}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i]);
    }
}

static void the_text_null_is_null_only_where_forms_have_no_other(void **state)
{
    (void)state;
    static const char *const lines[] = {"a=null", "b=Null", "c[]=null", NULL};
    char *text = read_form(lines, true, NULL);
    assert_string_equal(text, "{\"a\":null,\"b\":\"Null\",\"c\":[null]}");
    free(text);
    text = read_form(lines, false, NULL);
    assert_string_equal(text, "{\"a\":\"null\",\"b\":\"Null\",\"c\":[\"null\"]}");
    free(text);
}

static void a_list_has_an_end(void **state)
{
    (void)state;
    enum {
        MOST = 1000
    };
    struct shoal_pair *pairs = calloc(MOST + 1, sizeof *pairs);
    for (size_t i = 0; i <= MOST; i++) {
        pairs[i] = (struct shoal_pair){"a[]", "x"};
    }
    json_t *json = shoal_form_to_json(pairs, MOST, false, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "a")), MOST);
    json_decref(json);
    struct shoal_err err = {0};
    assert_null(shoal_form_to_json(pairs, MOST + 1, false, &err));
    assert_string_equal(err.field, "a[]");
    free(pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_names_together),
        cmocka_unit_test(takes_odd_names_as_they_are),
        cmocka_unit_test(refuses_names_that_contradict_each_other),
        cmocka_unit_test(the_text_null_is_null_only_where_forms_have_no_other),
        cmocka_unit_test(a_list_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
