// fields_test.c - text fields of a multipart body: in pieces, without NULs, bounded together.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/sink_priv.h"

static struct shoal_fields fields;
static struct shoal_err err;

static int set_up(void **state)
{
    (void)state;
    fields = (struct shoal_fields){.arena = shoal_arena_new(0)};
    err = (struct shoal_err){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shoal_fields_fini(&fields);
    assert_null(fields.form.items);
    shoal_arena_free(fields.arena);
    return 0;
}

static void begin(const char *name)
{
    struct shoal_part part = {0};
    snprintf(part.name, sizeof part.name, "%s", name);
    assert_int_equal(shoal_field_ops.begin(&fields, &part, &err), 0);
}

static int add(const char *data, size_t length)
{
    return shoal_field_ops.data(&fields, data, length, &err);
}

static void puts_pieces_together_in_order(void **state)
{
    (void)state;
    begin("first");
    assert_int_equal(add("a", 1), 0);
    assert_int_equal(add("", 0), 0);
    assert_int_equal(add("bc", 2), 0);
    assert_int_equal(shoal_field_ops.end(&fields, &err), 0);
    begin("empty"); // nothing is left of the one before
    assert_int_equal(shoal_field_ops.end(&fields, &err), 0);
    assert_int_equal(fields.form.count, 2);
    assert_string_equal(fields.form.items[0].name, "first");
    assert_string_equal(fields.form.items[0].value, "abc");
    assert_string_equal(fields.form.items[1].name, "empty");
    assert_string_equal(fields.form.items[1].value, "");
}

static void keeps_many_fields(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        begin(text);
        assert_int_equal(add(text, strlen(text)), 0);
        assert_int_equal(shoal_field_ops.end(&fields, &err), 0);
    }
    assert_int_equal(fields.form.count, 100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(strtol(fields.form.items[i].name, NULL, 10), i);
        assert_int_equal(strtol(fields.form.items[i].value, NULL, 10), i);
    }
}

static void refuses_text_with_a_nul(void **state)
{
    (void)state;
    begin("odd");
    assert_int_equal(add("a\0b", 3), 0);
    assert_int_equal(shoal_field_ops.end(&fields, &err), SHOAL_EINVAL);
    assert_string_equal(err.field, "odd");
    assert_int_equal(fields.form.count, 0);
}

static void bounds_all_fields_together(void **state)
{
    (void)state;
    char *half = calloc(1, SHOAL_FIELDS_BYTES / 2);
    memset(half, 'x', SHOAL_FIELDS_BYTES / 2);
    for (int i = 0; i < 2; i++) {
        begin("half");
        assert_int_equal(add(half, SHOAL_FIELDS_BYTES / 2), 0);
        assert_int_equal(shoal_field_ops.end(&fields, &err), 0);
    }
    begin("one more");
    assert_int_equal(add("x", 1), SHOAL_ETOOLARGE);
    free(half);
}

static void refuses_files_but_not_a_field_that_was_left_empty(void **state)
{
    (void)state;
    struct shoal_part part = {.name = "file", .filename = "a.mp4", .is_file = true};
    assert_int_equal(shoal_field_ops.begin(&fields, &part, &err), SHOAL_ETYPE);
    part.filename[0] = 0;
    assert_int_equal(shoal_field_ops.begin(&fields, &part, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(puts_pieces_together_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_many_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_text_with_a_nul, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bounds_all_fields_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            refuses_files_but_not_a_field_that_was_left_empty, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
