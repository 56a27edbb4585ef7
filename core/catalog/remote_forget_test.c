// remote_forget_test.c - actors of other servers go when nobody needs them, and not before.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/follows_test.h"
#include "catalog/remote_priv.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *user;
    int64_t alice;
} scene;

SHOAL_SQL(test_needed_set, "UPDATE catalog_actor SET needed = $2 WHERE id = $1");
SHOAL_SQL(test_needed_get, "SELECT needed FROM catalog_actor WHERE id = $1");
SHOAL_SQL(test_picture_add,
    "INSERT INTO catalog_actor_image (actor_id, kind, name, mime, storage, storage_key, size_bytes, "
    "width, height, created, origin_url) VALUES ($1, 1, 'far.jpg', 'image/jpeg', 'storage_fs', "
    "'avatars/far.jpg', 5, 48, 48, 1, 'https://far.example/a.jpg')");
SHOAL_SQL(test_pictures, "SELECT COUNT(*) FROM catalog_actor_image WHERE actor_id = $1");
SHOAL_SQL(test_removals, "SELECT COUNT(*) FROM job WHERE kind = 'core.remove' "
                         "AND payload LIKE '%avatars/far.jpg%'");

static int setup(void **state)
{
    (void)state;
    struct shoal_actor alice;
    scene.kit = shoal_kit_new("url = \"https://ours.example\"\n");
    scene.system = shoal_kit_system(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    assert_int_equal(shoal_actor_named(scene.system, "alice", "", &alice, NULL), 0);
    scene.alice = alice.id;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static int64_t number(const struct shoal_sql *sql, int64_t id)
{
    int64_t out = -1;
    struct shoal_err err = {0};
    int code = shoal_db_i64(shoal_call_db(scene.system), sql, SHOAL_ARGS(SHOAL_I64(id)), &out, &err);
    return code == 0 ? out : -1;
}

struct write {
    const struct shoal_sql *sql;
    int64_t id, value;
    size_t args;
};

static int write_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct write *write = arg;
    const struct shoal_value values[] = {SHOAL_I64(write->id), SHOAL_I64(write->value)};
    return shoal_db_exec(tx, write->sql, values, write->args, NULL, err);
}

static void write_row(const struct shoal_sql *sql, int64_t id, int64_t value, size_t args)
{
    struct write write = {sql, id, value, args};
    struct shoal_err err = {0};
    if (shoal_tx(scene.system, write_tx, &write, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/// An actor that was needed last when time began.
static int64_t person(const char *name)
{
    struct test_far far = {.kind = "Person", .name = name, .host = "far.example"};
    test_far_make(scene.system, &far);
    return far.actor_id;
}

static bool is_here(int64_t id)
{
    return number(&test_needed_get, id) >= 0;
}

static void forget(void)
{
    struct shoal_err err = {0};
    if (catalog_remote_forget(scene.system, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void whom_nothing_refers_to_goes_with_its_picture(void **state)
{
    (void)state;
    int64_t old = 0;
    const struct shoal_actor actor = {.kind = "Person",
        .name = "old",
        .host = "far.example",
        .url = "https://far.example/old",
        .inbox_url = "https://far.example/old/inbox"};
    assert_int_equal(shoal_actor_put(scene.system, &actor, NULL, &old, NULL), 0);
    forget();
    assert_true(is_here(old)); // it has just come
    write_row(&test_needed_set, old, 1, 2);
    int64_t young = person("young");
    write_row(&test_picture_add, old, 0, 1);
    write_row(&test_needed_set, young, shoal_now_ms() - 29 * CATALOG_DAY_MS, 2);
    forget();
    assert_false(is_here(old));
    assert_int_equal(number(&test_pictures, old), 0);
    int64_t removals = 0;
    assert_int_equal(shoal_db_i64(shoal_call_db(scene.system), &test_removals, SHOAL_NOARGS,
                         &removals, NULL),
        0);
    assert_int_equal(removals, 1); // its object follows
    assert_true(is_here(young));
    assert_true(is_here(scene.alice)); // nobody of this server is forgotten
}

static void who_is_referred_to_stays(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct test_far owner = {.name = "films", .host = "far.example"};
    test_far_video_make(scene.system, &owner);
    int64_t follower = person("follower");
    int64_t followed = person("followed");
    int64_t sharer = person("sharer");
    test_follow(scene.system, follower, scene.alice, SHOAL_FOLLOW_PENDING);
    test_follow(scene.system, scene.alice, followed, SHOAL_FOLLOW_ACCEPTED);
    assert_int_equal(
        shoal_share_put(scene.system, owner.video_id, sharer, "https://far.example/s", &err), 0);
    int64_t account = test_actor(scene.system, "films_owner", "far.example");
    const int64_t kept[] = {follower, followed, sharer, owner.actor_id, account};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        write_row(&test_needed_set, kept[i], 1, 2);
    }
    forget();
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        assert_true(is_here(kept[i]));
        assert_true(number(&test_needed_get, kept[i]) > 1); // and is looked at again in a month
    }
    // A channel without videos goes, and what it kept with it the next time.
    assert_int_equal(catalog_remote_video_remove(scene.system, owner.video_id, &err), 0);
    write_row(&test_needed_set, owner.actor_id, 1, 2);
    write_row(&test_needed_set, account, 1, 2);
    forget();
    assert_false(is_here(owner.actor_id));
    write_row(&test_needed_set, account, 1, 2);
    forget();
    assert_false(is_here(account));
    assert_int_equal(shoal_follow_remove(scene.system, follower, scene.alice, true, &err), 0);
    write_row(&test_needed_set, follower, 1, 2);
    forget();
    assert_false(is_here(follower));
}

static void who_was_asked_for_stays(void **state)
{
    (void)state;
    struct shoal_actor actor;
    struct shoal_err err = {0};
    int64_t by_url = person("by_url");
    int64_t by_name = person("by_name");
    int64_t by_page = person("by_page");
    int64_t by_nobody = person("by_nobody");
    assert_int_equal(
        shoal_actor_find(scene.system, "https://far.example/by_url", &actor, &err), 0);
    assert_int_equal(shoal_actor_named(scene.system, "by_name", "far.example", &actor, &err), 0);
    assert_int_equal(
        catalog_actor_may(scene.user, "by_page@far.example", "Account not found", &err), 0);
    forget();
    assert_true(is_here(by_url) && is_here(by_name) && is_here(by_page));
    assert_false(is_here(by_nobody));
    forget(); // the notes are in the rows now
    assert_true(is_here(by_url) && is_here(by_name) && is_here(by_page));
}

static void many_go_in_lots(void **state)
{
    (void)state;
    int64_t ids[450];
    for (int i = 0; i < 450; i++) {
        ids[i] = person(shoal_arena_printf(scene.system->arena, "many%d", i));
    }
    forget();
    for (int i = 0; i < 450; i++) {
        assert_false(is_here(ids[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whom_nothing_refers_to_goes_with_its_picture),
        cmocka_unit_test(who_is_referred_to_stays),
        cmocka_unit_test(who_was_asked_for_stays),
        cmocka_unit_test(many_go_in_lots),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
