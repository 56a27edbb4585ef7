// follows_test.c - follows move between their states, both sides are counted, lists show who may see.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/follows_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *nobody, *admin, *alice, *bob;
    int64_t instance, alice_channel, alice_account;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.admin = shoal_kit_admin(scene.kit);
    scene.alice = shoal_kit_user(scene.kit, "alice");
    scene.bob = shoal_kit_user(scene.kit, "bob");
    scene.instance = test_actor(scene.system, "peertube", "");
    scene.alice_channel = test_actor(scene.system, "alice_channel", "");
    scene.alice_account = test_actor(scene.system, "alice", "");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static int64_t counts(int64_t actor_id)
{
    return test_number(scene.system, &test_actor_counts, actor_id);
}

static json_t *list(struct shoal_call *call, json_t *query)
{
    struct shoal_err err = {0};
    json_t *out = shoal_follow_list(call, query, &err);
    json_decref(query);
    if (out == NULL) {
        fail_msg("%s", err.text);
    }
    return out;
}

static void accepted_follows_alone_are_counted(void **state)
{
    (void)state;
    struct test_far far = {.kind = "Person", .name = "carl", .host = "far.example"};
    struct shoal_err err = {0};
    test_far_make(scene.system, &far);
    struct shoal_follow follow =
        test_follow(scene.system, far.actor_id, scene.alice_channel, SHOAL_FOLLOW_PENDING);
    assert_int_equal(follow.before, SHOAL_FOLLOW_NONE);
    assert_int_equal(counts(scene.alice_channel), 0);
    static const struct {
        enum shoal_follow_state to;
        int count;
    } steps[] = {{SHOAL_FOLLOW_ACCEPTED, 1}, {SHOAL_FOLLOW_ACCEPTED, 1}, {SHOAL_FOLLOW_REJECTED, 0},
        {SHOAL_FOLLOW_ACCEPTED, 1}, {SHOAL_FOLLOW_PENDING, 0}, {SHOAL_FOLLOW_ACCEPTED, 1}};
    enum shoal_follow_state before = SHOAL_FOLLOW_PENDING;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        follow = test_follow(scene.system, far.actor_id, scene.alice_channel, steps[i].to);
        assert_int_equal(follow.before, before);
        assert_int_equal(counts(scene.alice_channel), steps[i].count * 1000);
        assert_int_equal(counts(far.actor_id), steps[i].count);
        before = steps[i].to;
    }
    assert_int_equal(
        shoal_follow_remove(scene.system, far.actor_id, scene.alice_channel, true, &err), 0);
    assert_int_equal(counts(scene.alice_channel), 0);
    assert_int_equal(counts(far.actor_id), 0);
    assert_int_equal(
        shoal_follow_remove(scene.system, far.actor_id, scene.alice_channel, true, &err),
        SHOAL_ENOTFOUND);
}

static void an_address_stays_where_none_is_said(void **state)
{
    (void)state;
    struct test_far far = {.kind = "Person", .name = "dora", .host = "far.example"};
    struct shoal_err err = {0};
    test_far_make(scene.system, &far);
    struct shoal_follow follow = {.follower_id = far.actor_id,
        .target_id = scene.instance,
        .state = SHOAL_FOLLOW_PENDING,
        .url = "https://far.example/follows/1"};
    assert_int_equal(shoal_follow_put(scene.system, &follow, &err), 0);
    follow.url = NULL;
    follow.state = SHOAL_FOLLOW_ACCEPTED;
    assert_int_equal(shoal_follow_put(scene.system, &follow, &err), 0);
    struct shoal_follow found = {0};
    assert_int_equal(
        shoal_follow_get(scene.system, far.actor_id, scene.instance, &found, &err), 0);
    assert_string_equal(found.url, "https://far.example/follows/1");
    assert_int_equal(found.state, SHOAL_FOLLOW_ACCEPTED);
    assert_int_equal(found.score, 10000);
    assert_null(found.last_error);

    assert_int_equal(shoal_follow_score(scene.system, "FAR.example", 250, "no answer", &err), 0);
    assert_int_equal(
        shoal_follow_get(scene.system, far.actor_id, scene.instance, &found, &err), 0);
    assert_int_equal(found.score, 250);
    assert_string_equal(found.last_error, "no answer");
    assert_int_equal(shoal_follow_score(scene.system, "", 0, NULL, &err), SHOAL_EINVAL);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct test_far one = {.kind = "Person", .name = "one", .host = "far.example"};
    struct test_far two = {.kind = "Person", .name = "two", .host = "other.example"};
    test_far_make(scene.system, &one);
    test_far_make(scene.system, &two);
    const struct {
        int64_t follower, target;
        int state, code;
    } rows[] = {
        {one.actor_id, two.actor_id, SHOAL_FOLLOW_ACCEPTED, SHOAL_EINVAL},
        {scene.alice_channel, scene.alice_channel, SHOAL_FOLLOW_ACCEPTED, SHOAL_EINVAL},
        {one.actor_id, 999999, SHOAL_FOLLOW_ACCEPTED, SHOAL_ENOTFOUND},
        {999999, scene.alice_channel, SHOAL_FOLLOW_ACCEPTED, SHOAL_ENOTFOUND},
        {one.actor_id, scene.alice_channel, 0, SHOAL_EINVAL},
        {one.actor_id, scene.alice_channel, 4, SHOAL_EINVAL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_err err = {0};
        struct shoal_follow follow = {.follower_id = rows[i].follower,
            .target_id = rows[i].target,
            .state = (enum shoal_follow_state)rows[i].state};
        assert_int_equal(shoal_follow_put(scene.system, &follow, &err), rows[i].code);
        assert_int_equal(err.code, rows[i].code);
    }
}

static void lists_have_the_shape_of_the_api(void **state)
{
    (void)state;
    struct test_far server = {.kind = "Application", .name = "peertube", .host = "tube.example"};
    test_far_make(scene.system, &server);
    test_follow(scene.system, scene.instance, server.actor_id, SHOAL_FOLLOW_PENDING);
    json_t *found = list(scene.nobody, json_pack("{s:s}", "follower", "peertube"));
    assert_int_equal(shoal_integer(found, "total", -1), 1);
    const json_t *follow = shoal_get(found, "data.0");
    assert_string_equal(shoal_text(follow, "state", ""), "pending");
    assert_int_equal(shoal_integer(follow, "score", 0), 10000);
    assert_string_equal(shoal_text(follow, "following.host", ""), "tube.example");
    assert_string_equal(shoal_text(follow, "following.name", ""), "peertube");
    assert_string_equal(shoal_text(follow, "following.url", ""), "https://tube.example/peertube");
    assert_non_null(strstr(shoal_text(follow, "follower.url", ""), "/accounts/peertube"));
    static const char *const keys[] = {"id", "url", "name", "host", "hostRedundancyAllowed",
        "followingCount", "followersCount", "createdAt", "avatars"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_non_null(json_object_get(json_object_get(follow, "follower"), keys[i]));
        assert_non_null(json_object_get(json_object_get(follow, "following"), keys[i]));
    }
    json_decref(found);

    static const struct {
        const char *key, *value;
        int total;
    } filters[] = {{"state", "pending", 1}, {"state", "accepted", 0}, {"actorType", "Application", 1},
        {"actorType", "Person", 0}, {"host", "TUBE.example", 1}, {"host", "far.example", 0},
        {"search", "tube@tube", 1}, {"search", "nobody", 0}, {"sort", "-score", 1},
        {"sort", "redundancyAllowed", 1}};
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        found = list(scene.nobody, json_pack("{s:s, s:s}", "follower", "peertube", filters[i].key,
                                       filters[i].value));
        assert_int_equal(shoal_integer(found, "total", -1), filters[i].total);
        assert_int_equal(json_array_size(json_object_get(found, "data")), filters[i].total);
        json_decref(found);
    }
    static const char *const bad[][2] = {
        {"state", "odd"}, {"actorType", "Cat"}, {"sort", "password"}, {"target", "alice"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct shoal_err err = {0};
        json_t *query = json_pack("{s:s, s:s}", "follower", "peertube", bad[i][0], bad[i][1]);
        assert_null(shoal_follow_list(scene.nobody, query, &err));
        assert_int_equal(err.code, SHOAL_EINVAL);
        assert_string_equal(err.field, bad[i][0]);
        json_decref(query);
    }
}

static void who_follows_a_person_is_their_own_business(void **state)
{
    (void)state;
    struct test_far far = {.kind = "Person", .name = "emil", .host = "far.example"};
    test_far_make(scene.system, &far);
    test_follow(scene.system, far.actor_id, scene.alice_channel, SHOAL_FOLLOW_ACCEPTED);
    const struct {
        struct shoal_call *call;
        const char *target;
        int code;
    } rows[] = {{scene.alice, "alice_channel", 0}, {scene.alice, "alice", 0},
        {scene.admin, "alice_channel", 0}, {scene.system, "alice_channel", 0},
        {scene.bob, "alice_channel", SHOAL_EFORBIDDEN}, {scene.bob, "alice", SHOAL_EFORBIDDEN},
        {scene.nobody, "alice_channel", SHOAL_EAUTH}, {scene.nobody, "peertube", 0},
        {scene.alice, "nobody", SHOAL_ENOTFOUND}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_err err = {0};
        json_t *query = json_pack("{s:s}", "target", rows[i].target);
        json_t *found = shoal_follow_list(rows[i].call, query, &err);
        assert_int_equal(err.code, rows[i].code);
        assert_true((found != NULL) == (rows[i].code == 0));
        json_decref(found);
        json_decref(query);
    }
    json_t *account =
        list(scene.alice, json_pack("{s:s, s:b}", "target", "alice", "withChannels", 1));
    json_t *alone = list(scene.alice, json_pack("{s:s}", "target", "alice"));
    assert_int_equal(shoal_integer(account, "total", -1), 1);
    assert_int_equal(shoal_integer(alone, "total", -1), 0);
    json_decref(account);
    json_decref(alone);
}

static void collections_are_addresses(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *urls = shoal_follow_urls(scene.system, scene.alice_channel, true, 0, 10, &err);
    assert_int_equal(shoal_integer(urls, "total", -1), 1);
    assert_string_equal(shoal_text(urls, "data.0", ""), "https://far.example/emil");
    json_decref(urls);
    urls = shoal_follow_urls(scene.system, scene.alice_channel, true, 1, 10, &err);
    assert_int_equal(json_array_size(json_object_get(urls, "data")), 0);
    json_decref(urls);
    test_follow(scene.system, scene.alice_account, test_actor(scene.system, "bob_channel", ""),
        SHOAL_FOLLOW_ACCEPTED);
    urls = shoal_follow_urls(scene.system, scene.alice_account, false, 0, 10, &err);
    assert_non_null(strstr(shoal_text(urls, "data.0", ""), "/video-channels/bob_channel"));
    json_decref(urls);
}

struct seen {
    int count, hosts;
    char last[300];
};

static int see(struct shoal_call *call, const char *inbox, const char *host, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)err;
    struct seen *seen = arg;
    assert_true(strcmp(seen->last, inbox) < 0); // in order, so none twice
    snprintf(seen->last, sizeof seen->last, "%s", inbox);
    assert_non_null(strstr(inbox, host));
    seen->count++;
    return 0;
}

static void inboxes_come_once_and_in_pages(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    int64_t channel = test_actor(scene.system, "bob_channel", "");
    int64_t account = test_actor(scene.system, "bob", "");
    // Forty followers on twenty hosts, whose shared inbox is theirs together; three without one.
    for (int i = 0; i < 43; i++) {
        struct test_far far = {.kind = "Person", .shared = i < 40};
        far.name = shoal_arena_printf(scene.system->arena, "fan%d", i);
        far.host = shoal_arena_printf(scene.system->arena, "host%02d.example", i % 20);
        test_far_make(scene.system, &far);
        test_follow(scene.system, far.actor_id, channel, SHOAL_FOLLOW_ACCEPTED);
        if (i % 2 == 0) {
            test_follow(scene.system, far.actor_id, account, SHOAL_FOLLOW_ACCEPTED);
        }
    }
    struct test_far waiting = {.kind = "Person", .name = "waiting", .host = "waiting.example"};
    test_far_make(scene.system, &waiting);
    test_follow(scene.system, waiting.actor_id, channel, SHOAL_FOLLOW_PENDING);
    const int64_t actors[] = {channel, account};
    struct seen seen = {0};
    int got = 0;
    int pages = 0;
    do {
        char after[300];
        snprintf(after, sizeof after, "%s", seen.last);
        got = shoal_follow_inboxes(scene.system, actors, 2, after, 7, see, &seen, &err);
        assert_true(got >= 0);
        pages++;
    } while (got == 7);
    assert_int_equal(seen.count, 23);
    assert_int_equal(pages, 4);
    assert_int_equal(shoal_follow_inboxes(scene.system, actors, 9, "", 7, see, &seen, &err),
        SHOAL_EINVAL);
    assert_int_equal(shoal_follow_inboxes(scene.system, actors, 2, "", 1001, see, &seen, &err),
        SHOAL_EINVAL);
}

static void a_channel_that_goes_takes_its_follows_along(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *fields = json_pack("{s:s, s:s}", "name", "brief", "displayName", "Brief");
    json_decref(shoal_channel_create(scene.bob, fields, &err));
    json_decref(fields);
    struct test_far far = {.kind = "Person", .name = "fred", .host = "far.example"};
    test_far_make(scene.system, &far);
    int64_t brief = test_actor(scene.system, "brief", "");
    int64_t before = counts(scene.alice_account);
    test_follow(scene.system, far.actor_id, brief, SHOAL_FOLLOW_ACCEPTED);
    test_follow(scene.system, scene.alice_account, brief, SHOAL_FOLLOW_ACCEPTED);
    assert_int_equal(counts(scene.alice_account), before + 1);
    assert_int_equal(shoal_channel_delete(scene.bob, "brief", &err), 0);
    assert_int_equal(counts(scene.alice_account), before);
    assert_int_equal(counts(far.actor_id), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_follows_alone_are_counted),
        cmocka_unit_test(an_address_stays_where_none_is_said),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(lists_have_the_shape_of_the_api),
        cmocka_unit_test(who_follows_a_person_is_their_own_business),
        cmocka_unit_test(collections_are_addresses),
        cmocka_unit_test(inboxes_come_once_and_in_pages),
        cmocka_unit_test(a_channel_that_goes_takes_its_follows_along),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
