// settings_test.c - stored settings: what is kept, what is refused, what a reader sees.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/db_priv.h"

static struct shoal_call call;

static int open_call(void **state)
{
    kit_open(state);
    shoal_call_init(&call);
    return 0;
}

static int close_call(void **state)
{
    shoal_call_fini(&call);
    return kit_close(state);
}

static int set(const char *owner, const char *key, json_t *value, struct shoal_err *err)
{
    *err = (struct shoal_err){0};
    int code = shoal_store_set(&call, NULL, owner, key, value, err);
    json_decref(value);
    return code;
}

static void owners_have_keys_of_their_own(void **state)
{
    (void)state;
    struct shoal_err err;
    assert_int_equal(set("", "max", json_integer(1), &err), 0);
    assert_int_equal(set("chat", "max", json_pack("{s:[b]}", "a", 1), &err), 0);
    assert_int_equal(set("chat", "max", json_pack("{s:[i]}", "a", 2), &err), 0);
    json_t *mine = shoal_store_get("", "max");
    json_t *theirs = shoal_store_get("chat", "max");
    assert_int_equal(json_integer_value(mine), 1);
    assert_int_equal(shoal_integer(theirs, "a.0", 0), 2);
    assert_null(shoal_store_get("chat", "min"));
    assert_null(shoal_store_get("blog", "max"));
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM setting"), 2);
    json_object_clear(theirs); // it is a copy
    json_decref(theirs);
    theirs = shoal_store_get("chat", "max");
    assert_int_equal(shoal_integer(theirs, "a.0", 0), 2);
    json_decref(mine);
    json_decref(theirs);
    assert_int_equal(set("chat", "max", NULL, &err), 0);
    assert_int_equal(set("chat", "max", NULL, &err), 0); // what is not there may be removed
    assert_null(shoal_store_get("chat", "max"));
}

static void names_and_values_are_bounded(void **state)
{
    (void)state;
    struct shoal_err err;
    char name[130];
    memset(name, 'a', 129);
    name[129] = 0;
    assert_int_equal(set("", name, json_true(), &err), SHOAL_EINVAL);
    assert_int_equal(set(name, "key", json_true(), &err), SHOAL_EINVAL);
    assert_int_equal(set("", "", json_true(), &err), SHOAL_EINVAL);
    name[128] = 0;
    assert_int_equal(set(name, name, json_true(), &err), 0);
    size_t most = 256 << 10;
    char *text = malloc(most + 1);
    assert_non_null(text);
    memset(text, 'x', most);
    assert_int_equal(set("", "big", json_stringn(text, most - 2), &err), 0); // with its quotes
    assert_int_equal(set("", "bigger", json_stringn(text, most - 1), &err), SHOAL_EINVAL);
    assert_string_equal(err.field, "bigger");
    assert_null(shoal_store_get("", "bigger"));
    free(text);
}

static int set_and_fail(
    struct shoal_call *within, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    assert_int_equal(shoal_store_set(within, tx, "", "name", json_true(), err), 0);
    return arg ? shoal_fail(err, SHOAL_EINVAL, "taken back") : 0;
}

static void what_is_taken_back_was_never_there(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(shoal_tx(&call, set_and_fail, &call, &err), SHOAL_EINVAL);
    assert_null(shoal_store_get("", "name"));
    assert_int_equal(shoal_tx(&call, set_and_fail, NULL, &err), 0);
    json_t *value = shoal_store_get("", "name");
    assert_true(json_is_true(value));
    json_decref(value);
}

static void a_damaged_row_is_passed_over(void **state)
{
    (void)state;
    struct shoal_err err;
    assert_int_equal(set("", "good", json_string("yes"), &err), 0);
    kit_run("INSERT INTO setting (owner, key, value, updated_ms) VALUES ('', 'bad', '{\"a', 1)");
    kit_run("INSERT INTO setting (owner, key, value, updated_ms) VALUES ('', 'last', '3', 1)");
    db_settings_load(shoal_call_db(&call));
    json_t *good = shoal_store_get("", "good");
    json_t *last = shoal_store_get("", "last");
    assert_string_equal(json_string_value(good), "yes");
    assert_int_equal(json_integer_value(last), 3);
    assert_null(shoal_store_get("", "bad"));
    json_decref(good);
    json_decref(last);
}

static void a_table_that_cannot_be_read_leaves_what_was_known(void **state)
{
    (void)state;
    struct shoal_err err;
    assert_int_equal(set("", "good", json_string("yes"), &err), 0);
    kit_run("DROP TABLE setting");
    db_settings_load(shoal_call_db(&call));
    json_t *good = shoal_store_get("", "good");
    assert_string_equal(json_string_value(good), "yes");
    json_decref(good);
    db_settings_drop();
    assert_null(shoal_store_get("", "good"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)
        CASE(owners_have_keys_of_their_own),
        CASE(names_and_values_are_bounded),
        CASE(what_is_taken_back_was_never_there),
        CASE(a_damaged_row_is_passed_over),
        CASE(a_table_that_cannot_be_read_leaves_what_was_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
