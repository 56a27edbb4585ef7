// hidden_test.c - of a server that is hidden nobody sees anything but the staff, and nothing is lost.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/remote.h>

#include "catalog/follows_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *nobody, *alice, *admin;
    int64_t instance;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.alice = shoal_kit_user(scene.kit, "alice");
    scene.admin = shoal_kit_admin(scene.kit);
    scene.instance = test_actor(scene.system, "peertube", "");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

struct hiding {
    const char *host;
    bool hides;
};

static int hide_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct hiding *hiding = arg;
    return shoal_host_hide(call, tx, hiding->host, hiding->hides, err);
}

static int hide(const char *host, bool hides)
{
    struct hiding hiding = {host, hides};
    struct shoal_err err = {0};
    return shoal_tx(scene.system, hide_tx, &hiding, &err);
}

static int64_t found(struct shoal_call *call, json_t *query)
{
    struct shoal_err err = {0};
    json_t *list = shoal_video_list(call, query, &err);
    json_decref(query);
    if (list == NULL) {
        fail_msg("%s", err.text);
    }
    int64_t total = shoal_integer(list, "total", -1);
    assert_int_equal(json_array_size(json_object_get(list, "data")), total);
    json_decref(list);
    return total;
}

static int seen(struct shoal_call *call, const struct test_far *far)
{
    struct shoal_err err = {0};
    json_t *video = shoal_video_get(call, far->uuid, NULL, &err);
    json_decref(video);
    assert_true(err.code == 0 || strcmp(err.api_code, "server_is_blocked") == 0);
    return err.code;
}

static bool has_channel(struct shoal_call *call, const char *handle)
{
    json_t *channel = shoal_channel_get(call, handle, NULL);
    json_t *account = shoal_account_get(
        call, shoal_arena_printf(call->arena, "%.*s_owner%s", (int)strcspn(handle, "@"), handle,
                  strchr(handle, '@')),
        NULL);
    bool has_one = channel != NULL;
    assert_true(has_one == (account != NULL)); // both or none
    json_decref(channel);
    json_decref(account);
    return has_one;
}

static int64_t channels(const char *search)
{
    json_t *query = json_pack("{s:s}", "search", search);
    json_t *list = shoal_channel_list(scene.nobody, query, NULL);
    int64_t total = shoal_integer(list, "total", -1);
    json_decref(list);
    json_decref(query);
    return total;
}

static void everybody_but_the_staff_sees_nothing_until_it_is_shown(void **state)
{
    (void)state;
    struct test_far far = {.name = "murk", .host = "murk.example"};
    test_far_video_make(scene.system, &far);
    test_follow(scene.system, scene.instance, far.actor_id, SHOAL_FOLLOW_ACCEPTED);
    const char *handle = "murk@murk.example";
    for (int i = 0; i < 2; i++) {
        assert_int_equal(found(scene.nobody, json_pack("{s:s}", "host", far.host)), 1);
        assert_int_equal(seen(scene.nobody, &far), 0);
        assert_true(has_channel(scene.nobody, handle));
        assert_int_equal(channels("far channel"), 1);
        assert_int_equal(hide("Murk.example", true), 0);
        assert_int_equal(hide("murk.example", true), 0); // once is enough
        struct shoal_call *others[] = {scene.nobody, scene.alice};
        for (int k = 0; k < 2; k++) {
            assert_int_equal(found(others[k], json_pack("{s:s}", "host", far.host)), 0);
            assert_int_equal(found(others[k], json_pack("{s:s}", "search", "far")), 0);
            assert_int_equal(found(others[k], json_pack("{s:s}", "channel", handle)), 0);
            assert_int_equal(seen(others[k], &far), SHOAL_EFORBIDDEN);
            assert_false(has_channel(others[k], handle));
        }
        assert_int_equal(channels("far channel"), 0);
        // The staff sees what it is about, and lists have it where it is asked for.
        assert_int_equal(seen(scene.admin, &far), 0);
        assert_true(has_channel(scene.admin, handle));
        assert_int_equal(found(scene.admin, json_pack("{s:s}", "host", far.host)), 0);
        assert_int_equal(found(scene.admin, json_pack("{s:s, s:i}", "host", far.host, "include", 1)), 0);
        assert_int_equal(found(scene.admin, json_pack("{s:s, s:i}", "host", far.host, "include", 4)), 1);
        assert_int_equal(hide("murk.example", false), 0);
    }
}

static void who_subscribes_sees_nothing_either_and_can_leave(void **state)
{
    (void)state;
    struct test_far far = {.name = "bog", .host = "bog.example"};
    struct shoal_err err = {0};
    test_far_video_make(scene.system, &far);
    test_follow(scene.system, test_actor(scene.system, "alice", ""), far.actor_id, SHOAL_FOLLOW_ACCEPTED);
    assert_int_equal(found(scene.alice, json_pack("{s:b}", "subscribed", 1)), 1);
    assert_int_equal(hide("bog.example", true), 0);
    assert_int_equal(found(scene.alice, json_pack("{s:b}", "subscribed", 1)), 0);
    assert_int_equal(shoal_subscription_add(scene.alice, "bog@bog.example", &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_subscription_remove(scene.alice, "bog@bog.example", &err), 0);
    assert_int_equal(hide("bog.example", false), 0);
}

static void a_name_hides_what_lies_below_it_and_nothing_beside_it(void **state)
{
    (void)state;
    struct test_far below = {.name = "below", .host = "www.reef.example"};
    struct test_far beside = {.name = "beside", .host = "coralreef.example"};
    struct test_far port = {.name = "port", .host = "reef.example:8443"};
    test_far_video_make(scene.system, &below);
    test_far_video_make(scene.system, &beside);
    test_far_video_make(scene.system, &port);
    assert_int_equal(hide("reef.example", true), 0);
    assert_int_equal(seen(scene.alice, &below), SHOAL_EFORBIDDEN);
    assert_int_equal(seen(scene.alice, &beside), 0);
    assert_int_equal(seen(scene.alice, &port), SHOAL_EFORBIDDEN);
    // Of two names that hide it one is left.
    assert_int_equal(hide("www.reef.example", true), 0);
    assert_int_equal(hide("reef.example", false), 0);
    assert_int_equal(seen(scene.alice, &below), SHOAL_EFORBIDDEN);
    assert_int_equal(hide("www.reef.example", false), 0);
    assert_int_equal(seen(scene.alice, &below), 0);
    // With its port it is one server alone.
    assert_int_equal(hide("reef.example:8443", true), 0);
    assert_int_equal(seen(scene.alice, &below), 0);
    assert_int_equal(seen(scene.alice, &port), SHOAL_EFORBIDDEN);
    assert_int_equal(hide("reef.example:8443", false), 0);
}

static void what_comes_later_is_hidden_as_it_comes(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    int64_t id = 0;
    struct test_far known = {.name = "silt", .host = "silt.example"};
    assert_int_equal(hide("silt.example", true), 0);
    struct shoal_actor later = {.kind = "Person", .name = "later", .host = "www.silt.example",
        .url = "https://www.silt.example/later", .inbox_url = "https://www.silt.example/later/inbox"};
    assert_int_equal(shoal_actor_put(scene.system, &later, NULL, &id, &err), 0);
    assert_null(shoal_account_get(scene.alice, "later@www.silt.example", &err));
    assert_int_equal(err.code, SHOAL_ENOTFOUND);
    assert_int_equal(hide("silt.example", false), 0);
    json_t *shown = shoal_account_get(scene.alice, "later@www.silt.example", &err);
    assert_non_null(shown);
    json_decref(shown);
    // A follow that comes meanwhile does not show it.
    test_far_video_make(scene.system, &known);
    assert_int_equal(hide("silt.example", true), 0);
    test_follow(scene.system, scene.instance, known.actor_id, SHOAL_FOLLOW_ACCEPTED);
    assert_int_equal(shoal_video_listed(scene.system, known.video_id, &err), 0);
    assert_int_equal(test_number(scene.system, &test_followed, known.video_id), CATALOG_HIDDEN);
    assert_int_equal(hide("silt.example", false), 0);
    assert_int_equal(test_number(scene.system, &test_followed, known.video_id), CATALOG_BY_INSTANCE);
}

static void only_names_of_servers_are_taken(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a%b", "a_b", "a b", "https://x.example/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(hide(bad[i], true), SHOAL_EINVAL);
    }
    assert_int_equal(hide(NULL, true), SHOAL_EINVAL);
    assert_int_equal(hide("[2001:db8::1]:8443", true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_but_the_staff_sees_nothing_until_it_is_shown),
        cmocka_unit_test(who_subscribes_sees_nothing_either_and_can_leave),
        cmocka_unit_test(a_name_hides_what_lies_below_it_and_nothing_beside_it),
        cmocka_unit_test(what_comes_later_is_hidden_as_it_comes),
        cmocka_unit_test(only_names_of_servers_are_taken),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
