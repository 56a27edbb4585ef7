// api_fields_test.c - bodies: known fields come through with their types, others never do.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "api_fields.h"

static const struct api_field table[] = {
    {"name", API_FIELD_TEXT, false},
    {"category", API_FIELD_INT, true},
    {"nsfw", API_FIELD_BOOL, false},
    {"tags", API_FIELD_TEXTS, true},
};

static json_t *take(const char *text, struct shoal_err *err)
{
    json_t *body = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(body);
    json_t *fields = api_fields_take(body, table, sizeof table / sizeof *table, err);
    json_decref(body);
    return fields;
}

static void leaves_unknown_keys_behind(void **state)
{
    (void)state;
    json_t *fields = take("{\"name\":\"x\",\"isPendingEmail\":true,\"role\":0,\"id\":1}", NULL);
    assert_non_null(fields);
    assert_int_equal(json_object_size(fields), 1);
    assert_string_equal(shoal_text(fields, "name", ""), "x");
    json_decref(fields);
}

static void reads_the_texts_of_forms(void **state)
{
    (void)state;
    json_t *fields = take("{\"category\":\"15\",\"nsfw\":\"false\",\"tags\":\"one\"}", NULL);
    assert_non_null(fields);
    assert_int_equal(shoal_integer(fields, "category", 0), 15);
    assert_true(json_is_false(json_object_get(fields, "nsfw")));
    assert_string_equal(shoal_text(fields, "tags.0", ""), "one");
    json_decref(fields);
}

static void clears_with_null_where_that_means_something(void **state)
{
    (void)state;
    json_t *fields = take("{\"category\":null,\"tags\":null}", NULL);
    assert_non_null(fields);
    assert_true(json_is_null(json_object_get(fields, "category")));
    assert_true(json_is_null(json_object_get(fields, "tags")));
    json_decref(fields);
    struct shoal_err err = {0};
    assert_null(take("{\"name\":null}", &err));
    assert_string_equal(err.field, "name");
}

static void names_the_field_with_a_wrong_type(void **state)
{
    (void)state;
    static const struct {
        const char *body, *field;
    } wrong[] = {
        {"{\"name\":7}", "name"},
        {"{\"category\":\"x\"}", "category"},
        {"{\"category\":1.5}", "category"},
        {"{\"category\":{\"$gt\":0}}", "category"},
        {"{\"nsfw\":\"maybe\"}", "nsfw"},
        {"{\"nsfw\":2}", "nsfw"},
        {"{\"tags\":[1]}", "tags"},
        {"{\"tags\":{}}", "tags"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct shoal_err err = {0};
        assert_null(take(wrong[i].body, &err));
        assert_int_equal(err.code, SHOAL_EINVAL);
        assert_string_equal(err.field, wrong[i].field);
    }
}

static void refuses_bodies_that_are_no_object(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_null(take("[]", &err));
    assert_int_equal(err.code, SHOAL_EINVAL);
    assert_null(take("\"x\"", &err));
}

static void turns_the_old_comments_switch_into_the_policy(void **state)
{
    (void)state;
    json_t *body = json_loads("{\"channelId\":1,\"commentsEnabled\":false}", 0, NULL);
    json_t *fields = api_fields_video(body, true, NULL);
    assert_int_equal(shoal_integer(fields, "commentsPolicy", 0), 2);
    assert_null(json_object_get(fields, "commentsEnabled"));
    json_decref(fields);
    json_decref(body);
}

static void needs_a_channel_for_a_new_video(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *body = json_loads("{\"name\":\"abc\"}", 0, NULL);
    assert_null(api_fields_video(body, true, &err));
    assert_string_equal(err.field, "channelId");
    json_t *fields = api_fields_video(body, false, NULL);
    assert_non_null(fields);
    json_decref(fields);
    json_decref(body);
}

static void checks_a_schedule(void **state)
{
    (void)state;
    json_t *body = json_loads(
        "{\"scheduleUpdate\":{\"updateAt\":\"2030-01-01T00:00:00.000Z\",\"privacy\":1,\"x\":1}}", 0,
        NULL);
    json_t *fields = api_fields_video(body, false, NULL);
    assert_non_null(fields);
    assert_int_equal(json_object_size(json_object_get(fields, "scheduleUpdate")), 2);
    json_decref(fields);
    json_decref(body);
    struct shoal_err err = {0};
    body = json_loads("{\"scheduleUpdate\":{\"updateAt\":\"soon\"}}", 0, NULL);
    assert_null(api_fields_video(body, false, &err));
    assert_string_equal(err.field, "scheduleUpdate");
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_unknown_keys_behind),
        cmocka_unit_test(reads_the_texts_of_forms),
        cmocka_unit_test(clears_with_null_where_that_means_something),
        cmocka_unit_test(names_the_field_with_a_wrong_type),
        cmocka_unit_test(refuses_bodies_that_are_no_object),
        cmocka_unit_test(turns_the_old_comments_switch_into_the_policy),
        cmocka_unit_test(needs_a_channel_for_a_new_video),
        cmocka_unit_test(checks_a_schedule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
