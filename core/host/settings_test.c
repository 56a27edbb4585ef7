// settings_test.c - which layer a setting comes from, and what may be written.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/settings_priv.h"

#include "host/test_kit.h"

static const struct shoal_setting_row rows[] = {
    {.name = "size",
        .type = SHOAL_SETTING_SIZE,
        .otherwise = "\"2M\"",
        .min = 1,
        .max = 1e9,
        .unit = "bytes",
        .help = "most",
        .is_reloadable = true},
    {.name = "title",
        .type = SHOAL_SETTING_TEXT,
        .otherwise = "null",
        .choices = "red green",
        .unit = "",
        .help = "a title"},
    {.name = "token",
        .type = SHOAL_SETTING_TEXT,
        .otherwise = "null",
        .unit = "",
        .help = "secret",
        .is_secret = true},
    {.name = "place",
        .type = SHOAL_SETTING_PATH,
        .otherwise = "\"media\"",
        .unit = "",
        .help = "where"},
    {.name = "broken", .type = SHOAL_SETTING_INT, .otherwise = "\"x\"", .unit = "", .help = "bad"},
};
#define COUNT (sizeof(rows) / sizeof(rows[0]))

static struct kit kit;
static struct shoal_settings *settings;

static void reopen(json_t *fixed)
{
    shoal_settings_free(settings);
    settings = shoal_settings_new("reef", rows, COUNT, fixed);
}

static int begin(void **state)
{
    (void)state;
    kit_open(&kit, "");
    kit_start(&kit, false);
    reopen(json_object());
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_settings_free(settings);
    settings = NULL;
    kit_close(&kit);
    return 0;
}

static int set(const char *name, json_t *value, struct shoal_err *err)
{
    *err = (struct shoal_err){0};
    int code = shoal_settings_set(settings, &kit.call, name, value, err);
    json_decref(value);
    return code;
}

/// The value as JSON text, "none" for an undeclared name.
static const char *get(const char *name)
{
    static char text[256];
    json_t *value = shoal_settings_get(settings, name);
    char *dumped = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(text, sizeof(text), "%s", dumped ? dumped : "none");
    free(dumped);
    json_decref(value);
    return text;
}

static void the_file_wins_then_the_database_then_the_default(void **state)
{
    (void)state;
    struct shoal_err err;
    assert_string_equal(get("size"), "2097152");
    assert_string_equal(get("title"), "null");
    assert_string_equal(get("broken"), "null"); // a default that does not fit its row is none
    assert_string_equal(get("nothing"), "none");
    assert_int_equal(set("size", json_string("3M"), &err), 0);
    assert_string_equal(get("size"), "3145728"); // kept as bytes
    reopen(json_pack("{s:i}", "size", 5));
    assert_string_equal(get("size"), "5");
    assert_int_equal(set("size", json_integer(6), &err), SHOAL_ELOCKED);
    reopen(json_object());
    assert_string_equal(get("size"), "3145728"); // it was kept meanwhile
    assert_int_equal(set("size", json_null(), &err), 0);
    assert_string_equal(get("size"), "2097152");
    assert_null(shoal_store_get("reef", "size"));
}

static void what_does_not_fit_is_refused_and_named(void **state)
{
    (void)state;
    struct shoal_err err;
    assert_int_equal(set("nothing", json_true(), &err), SHOAL_EINVAL);
    assert_string_equal(err.field, "nothing");
    assert_int_equal(set("size", json_integer(0), &err), SHOAL_EINVAL);
    assert_string_equal(err.field, "size");
    assert_int_equal(set("title", json_string("blue"), &err), SHOAL_EINVAL);
    assert_int_equal(set("place", json_string("/etc"), &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "shoal.lua alone"));
    assert_string_equal(get("size"), "2097152");
    assert_string_equal(get("place"), "\"media\"");
}

static int store_bad(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    return shoal_store_set(call, tx, "reef", "size", arg, err);
}

static void a_stored_value_of_another_version_is_passed_over(void **state)
{
    (void)state;
    json_t *bad = json_string("many");
    assert_int_equal(shoal_tx(&kit.call, store_bad, bad, NULL), 0);
    json_decref(bad);
    reopen(json_object());
    assert_string_equal(get("size"), "2097152");
}

static void a_list_shows_all_but_secrets(void **state)
{
    (void)state;
    struct shoal_err err;
    json_t *list = shoal_settings_list(settings);
    assert_int_equal(json_array_size(list), COUNT);
    assert_true(json_is_null(shoal_get(list, "2.value"))); // that there is none may be seen
    assert_string_equal(shoal_text(list, "0.source", ""), "default");
    json_decref(list);
    assert_int_equal(set("token", json_string("sesame"), &err), 0);
    reopen(json_pack("{s:s}", "title", "red"));
    list = shoal_settings_list(settings);
    assert_string_equal(shoal_text(list, "2.value", ""), "********");
    assert_string_equal(shoal_text(list, "2.source", ""), "database");
    assert_true(shoal_flag(list, "2.secret", false));
    assert_true(shoal_flag(list, "1.locked", false));
    assert_false(shoal_flag(list, "2.locked", true));
    assert_string_equal(shoal_text(list, "1.choices", ""), "red green");
    assert_string_equal(shoal_text(list, "0.type", ""), "size");
    assert_int_equal(shoal_integer(list, "0.default", 0), 2097152);
    assert_true(shoal_flag(list, "0.reloadable", false));
    assert_non_null(shoal_get(list, "0.max"));
    assert_null(shoal_get(list, "1.max")); // no bounds, no words about them
    json_decref(list);
}

static void who_gets_a_value_may_change_it(void **state)
{
    (void)state;
    reopen(json_pack("{s:[s]}", "title", "a"));
    json_t *value = shoal_settings_get(settings, "title");
    json_array_clear(value);
    json_decref(value);
    assert_string_equal(get("title"), "[\"a\"]");
}

static void a_value_that_cannot_be_written_does_not_count(void **state)
{
    (void)state;
    struct shoal_err err;
    atomic_bool cancel = true;
    kit.call.cancel = &cancel;
    assert_true(set("size", json_integer(7), &err) < 0);
    kit.call.cancel = NULL;
    assert_string_equal(get("size"), "2097152");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(the_file_wins_then_the_database_then_the_default),
        CASE(what_does_not_fit_is_refused_and_named),
        CASE(a_stored_value_of_another_version_is_passed_over),
        CASE(a_list_shows_all_but_secrets),
        CASE(who_gets_a_value_may_change_it),
        CASE(a_value_that_cannot_be_written_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
