// query_test.c - queries, and forms as JSON.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/body_priv.h"

static struct shoal_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = shoal_arena_new(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shoal_arena_free(arena);
    return 0;
}

static void decodes_names_and_values(void **state)
{
    (void)state;
    struct shoal_pairs pairs;
    assert_int_equal(
        shoal_query_parse(arena, shoal_span("a=1&&b+c=%C3%A9+x&d&=e&f=g=h"), 10, &pairs, NULL), 0);
    assert_int_equal(pairs.count, 5);
    assert_string_equal(pairs.items[1].name, "b c");
    assert_string_equal(pairs.items[1].value, "\xc3\xa9 x");
    assert_string_equal(pairs.items[2].value, "");
    assert_string_equal(pairs.items[3].name, "");
    assert_string_equal(pairs.items[4].value, "g=h");
}

static void refuses_broken_escapes_and_too_many(void **state)
{
    (void)state;
    struct shoal_pairs pairs;
    struct shoal_err err = {0};
    static const char *const bad[] = {"a=%", "a=%4", "a=%zz", "a=%00", "a=%ff", "%80=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(shoal_query_parse(arena, shoal_span(bad[i]), 10, &pairs, &err),
            SHOAL_EINVAL);
    }
    assert_int_equal(shoal_query_parse(arena, shoal_span("a&a&a&a"), 3, &pairs, &err), SHOAL_EINVAL);
}

static void sorts_by_name_and_keeps_the_order_of_values(void **state)
{
    (void)state;
    char out[64];
    long length = shoal_query_sort(shoal_span("b=2&a=9&ab=3&a=1"), out, sizeof out);
    assert_int_equal(length, 17);
    assert_memory_equal(out, "a=9&a=1&ab=3&b=2&", 17);
    assert_int_equal(shoal_query_sort(shoal_span("a=1&%61=2"), out, sizeof out), -1);
    assert_int_equal(shoal_query_sort(shoal_span("a=1"), out, 3), -1);
    assert_int_equal(shoal_query_sort(shoal_span(""), out, sizeof out), 0);
}

static void check_form(const char *query, const char *expected)
{
    struct shoal_pairs pairs;
    struct shoal_err err = {0};
    assert_int_equal(shoal_query_parse(arena, shoal_span(query), 100, &pairs, NULL), 0);
    json_t *json = shoal_form_to_json(pairs.items, pairs.count, true, &err);
    if (!expected) {
        assert_null(json);
        assert_int_equal(err.code, SHOAL_EINVAL);
        return;
    }
    assert_non_null(json);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
}

static void puts_form_fields_together(void **state)
{
    (void)state;
    check_form("a=1&b=x", "{\"a\":\"1\",\"b\":\"x\"}");
    check_form("tags[0]=x&tags[1]=y", "{\"tags\":[\"x\",\"y\"]}");
    check_form("tags[]=x&tags[]=y", "{\"tags\":[\"x\",\"y\"]}");
    check_form("tags=x&tags=y&tags=z", "{\"tags\":[\"x\",\"y\",\"z\"]}");
    check_form("s[updateAt]=t&s[privacy]=1", "{\"s\":{\"privacy\":\"1\",\"updateAt\":\"t\"}}");
    check_form("a[0][b]=1&a[1][b]=2", "{\"a\":[{\"b\":\"1\"},{\"b\":\"2\"}]}");
    check_form("a=null", "{\"a\":null}");
    check_form("a[=1&[b]=2&c[d=3", "{\"[b]\":\"2\",\"a[\":\"1\",\"c[d\":\"3\"}");
}

static void refuses_form_fields_that_contradict(void **state)
{
    (void)state;
    check_form("a=1&a[b]=2", NULL);
    check_form("a[b]=1&a=2", NULL);
    check_form("a[5]=1", NULL);
    check_form("a[0]=1&a[x]=1", NULL);
    check_form("a[9999]=1", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_names_and_values),
        cmocka_unit_test(refuses_broken_escapes_and_too_many),
        cmocka_unit_test(sorts_by_name_and_keeps_the_order_of_values),
        cmocka_unit_test(puts_form_fields_together),
        cmocka_unit_test(refuses_form_fields_that_contradict),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
