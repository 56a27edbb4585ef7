// config_keys_test.c - the table of the instance's settings holds together.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/config_keys.h"
#include "host/test_kit.h"

static void every_default_fits_its_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < shoal_config_key_count; i++) {
        const struct shoal_setting_row *row = &shoal_config_keys[i];
        json_t *value = json_loads(row->otherwise, JSON_DECODE_ANY, NULL);
        struct shoal_err err = {0};
        assert_non_null(value);
        json_t *out = shoal_setting_normal(row, value, &err);
        if (!out) {
            fail_msg("%s: %s", row->name, err.text);
        }
        assert_true(row->help[0] != 0);
        json_decref(out);
        json_decref(value);
    }
}

static void every_name_is_found_and_stands_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < shoal_config_key_count; i++) {
        const char *name = shoal_config_keys[i].name;
        assert_ptr_equal(shoal_config_key_find(name), &shoal_config_keys[i]);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_."), strlen(name));
        // A key cannot be a value and a table at once.
        for (size_t j = 0; j < shoal_config_key_count; j++) {
            const char *other = shoal_config_keys[j].name;
            size_t length = strlen(name);
            if (strncmp(other, name, length) == 0 && other[length] == '.') {
                fail_msg("%s lies below %s", other, name);
            }
        }
    }
    assert_null(shoal_config_key_find("instance"));
    assert_null(shoal_config_key_find("instance.nam"));
    assert_null(shoal_config_key_find(""));
}

static void choices_are_closed(void **state)
{
    (void)state;
    size_t seen = 0;
    for (size_t i = 0; i < shoal_config_key_count; i++) {
        struct shoal_setting_row row = shoal_config_keys[i];
        struct shoal_err err = {0};
        if (!row.choices) {
            continue;
        }
        json_t *wrong = json_string("no_such_choice");
        assert_null(shoal_setting_normal(&row, wrong, &err));
        assert_string_equal(err.field, row.name);
        json_decref(wrong);
        seen++;
    }
    assert_true(seen > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_fits_its_row),
        cmocka_unit_test(every_name_is_found_and_stands_once),
        cmocka_unit_test(choices_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
