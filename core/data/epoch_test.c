// epoch_test.c - names of epochs, and the one number that stands for them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/db_priv.h"

static const struct shoal_plugin_id chat = {.name = "chat"};

static int touch(const char *name, const struct shoal_plugin_id *plugin)
{
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    if (plugin) {
        shoal_call_enter(&call, (struct shoal_plugin *)(uintptr_t)plugin);
    }
    int code = shoal_touch(&call, NULL, name, &err);
    if (plugin) {
        shoal_call_leave(&call);
    }
    shoal_call_fini(&call);
    return code;
}

static void a_name_is_short_and_plain(void **state)
{
    (void)state;
    char name[65];
    static const char *const bad[] = {"", "A", "a-b", "a b", "a/b", "\xC3\xA9"};
    uint64_t before = shoal_epoch();
    memset(name, 'a', sizeof(name) - 1);
    name[64] = 0;
    assert_int_equal(touch(name, NULL), SHOAL_EINVAL);
    assert_int_equal(touch(NULL, NULL), SHOAL_EINVAL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(touch(bad[i], NULL), SHOAL_EINVAL);
    }
    assert_int_equal(shoal_epoch(), before);
    name[63] = 0;
    assert_int_equal(touch(name, NULL), 0);
    assert_int_equal(touch("a_1.b", NULL), 0);
    assert_int_equal(shoal_epoch(), before + 2);
}

static void a_plugin_moves_its_own(void **state)
{
    (void)state;
    assert_int_equal(touch("rooms", &chat), 0);
    assert_int_equal(touch("rooms", NULL), 0);
    assert_int_equal(touch("rooms", &chat), 0);
    assert_int_equal(kit_i64("SELECT value FROM epoch WHERE name = 'chat.rooms'"), 2);
    assert_int_equal(kit_i64("SELECT value FROM epoch WHERE name = 'rooms'"), 1);
}

static int touch_thrice(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    uint64_t before = shoal_epoch();
    (void)arg;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(shoal_touch(call, tx, "catalog", err), 0);
    }
    assert_int_equal(shoal_epoch(), before); // nobody sees it before the commit
    return 0;
}

static void one_commit_moves_it_by_all_of_its_touches(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    uint64_t before = shoal_epoch();
    assert_int_equal(shoal_tx(&call, touch_thrice, NULL, &err), 0);
    assert_int_equal(shoal_epoch(), before + 3);
    shoal_call_fini(&call);
}

static void it_never_goes_back(void **state)
{
    (void)state;
    struct shoal_call call;
    assert_int_equal(touch("catalog", NULL), 0);
    uint64_t before = shoal_epoch();
    kit_reopen();
    assert_true(shoal_epoch() >= before);
    kit_run("DROP TABLE epoch"); // a sum that cannot be read counts as one more, not as none
    shoal_call_init(&call);
    assert_int_equal(db_epoch_read(shoal_call_db(&call)), (int64_t)shoal_epoch() + 1);
    shoal_call_fini(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)
        CASE(a_name_is_short_and_plain),
        CASE(a_plugin_moves_its_own),
        CASE(one_commit_moves_it_by_all_of_its_touches),
        CASE(it_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
