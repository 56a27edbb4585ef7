// tokens_test.c - log in, refresh, revoke, sessions; who may come in and who no longer.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <time.h>

#include "base/clock.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *nobody, *admin, *user;
} scene;

static _Atomic int64_t ahead_ms;

static int64_t clock_now(void *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + ahead_ms;
}

static int64_t clock_tick(void *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + ahead_ms;
}

static void clock_sleep(void *self, int64_t ms)
{
    (void)self;
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static const struct shoal_clock test_clock = {clock_now, clock_tick, clock_sleep, NULL};

static int setup(void **state)
{
    (void)state;
    ahead_ms = 0;
    shoal_clock_set(&test_clock);
    scene.kit = shoal_kit_new(NULL);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.admin = shoal_kit_admin(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    shoal_clock_set(NULL);
    return 0;
}

static json_t *grant(const char *name, const char *password, bool session, struct shoal_err *err)
{
    json_t *meta = json_pack("{s:b, s:s}", "session", session, "device", "test");
    json_t *out = shoal_token_grant(scene.nobody, name, password, meta, err);
    json_decref(meta);
    return out;
}

static int who(const char *token, bool by_cookie, struct shoal_viewer *viewer)
{
    return catalog_token_viewer(scene.nobody, token, by_cookie, viewer, NULL);
}

static void a_right_password_gives_tokens_that_work(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_viewer viewer;
    json_t *given = grant("alice", "password of the kit", false, &err);
    const char *token = shoal_text(given, "access_token", "");
    assert_int_equal(strlen(token), 40);
    assert_int_equal(strlen(shoal_text(given, "refresh_token", "")), 40);
    assert_int_equal(shoal_integer(given, "expires_in", 0), 86399);
    assert_string_equal(shoal_text(given, "token_type", ""), "Bearer");
    assert_int_equal(who(token, false, &viewer), 0);
    assert_string_equal(viewer.username, "alice");
    assert_int_equal(viewer.role, SHOAL_ROLE_USER);
    assert_int_equal(who(shoal_text(given, "refresh_token", ""), false, &viewer), SHOAL_EAUTH);
    json_decref(given);
    given = grant("Alice@Example.org", "password of the kit", false, &err);
    assert_non_null(given);
    json_decref(given);
}

static void wrong_credentials_are_one_error(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"alice", "wrong"}, {"nobody", "password of the kit"},
        {"", "x"}, {"alice", ""}, {"peertube", "x"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct shoal_err err = {0};
        assert_null(grant(pairs[i][0], pairs[i][1], false, &err));
        assert_int_equal(err.code, SHOAL_EINVAL);
        assert_string_equal(err.api_code, "invalid_grant");
    }
}

static void a_refresh_ends_the_old_pair(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_viewer viewer;
    json_t *first = grant("alice", "password of the kit", false, &err);
    const char *access = shoal_text(first, "access_token", "");
    const char *refresh = shoal_text(first, "refresh_token", "");
    assert_int_equal(who(access, false, &viewer), 0);
    json_t *second = shoal_token_refresh(scene.nobody, refresh, NULL, &err);
    assert_non_null(second);
    assert_int_equal(who(access, false, &viewer), SHOAL_EAUTH);
    assert_int_equal(who(shoal_text(second, "access_token", ""), false, &viewer), 0);
    assert_null(shoal_token_refresh(scene.nobody, refresh, NULL, &err));
    assert_string_equal(err.api_code, "invalid_grant");
    json_decref(second);
    json_decref(first);
}

static void what_was_read_before_a_revocation_is_not_remembered(void **state)
{
    (void)state;
    static const char hash[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const struct catalog_cached what = {.token_id = 7, .user_id = 9, .role = SHOAL_ROLE_ADMIN};
    struct catalog_cached found;
    uint64_t before = catalog_token_cache_epoch();
    catalog_token_cache_forget(9, 0); // between its read and its put
    catalog_token_cache_put(hash, &what, before);
    assert_false(catalog_token_cache_get(hash, &found));
    catalog_token_cache_put(hash, &what, catalog_token_cache_epoch());
    assert_true(catalog_token_cache_get(hash, &found));
    assert_int_equal(found.user_id, 9);
    catalog_token_cache_forget(9, 0);
    assert_false(catalog_token_cache_get(hash, &found));
}

static void tokens_end_by_the_clock(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_viewer viewer;
    json_t *given = grant("alice", "password of the kit", false, &err);
    const char *access = shoal_text(given, "access_token", "");
    const char *refresh = shoal_text(given, "refresh_token", "");
    assert_int_equal(who(access, false, &viewer), 0);
    ahead_ms = CATALOG_DAY_MS + 1000;
    assert_int_equal(who(access, false, &viewer), SHOAL_EAUTH);
    ahead_ms = 29 * CATALOG_DAY_MS;
    assert_null(shoal_token_refresh(scene.nobody, refresh, NULL, &err));
    json_decref(given);
}

static void a_session_lives_while_it_is_used(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_viewer viewer;
    json_t *given = grant("alice", "password of the kit", true, &err);
    const char *access = shoal_text(given, "access_token", "");
    assert_true(json_is_null(json_object_get(given, "refresh_token")));
    for (int day = 0; day < 90; day += 20) {
        ahead_ms = day * CATALOG_DAY_MS;
        assert_int_equal(who(access, true, &viewer), 0);
        assert_true(viewer.by_cookie);
    }
    ahead_ms += 31 * CATALOG_DAY_MS;
    assert_int_equal(who(access, true, &viewer), SHOAL_EAUTH);
    json_decref(given);
}

static void an_api_token_is_no_cookie(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_viewer viewer;
    json_t *given = grant("alice", "password of the kit", false, &err);
    assert_int_equal(who(shoal_text(given, "access_token", ""), true, &viewer), SHOAL_EAUTH);
    json_decref(given);
}

static void a_revoked_token_stops_at_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_viewer viewer;
    json_t *given = grant("alice", "password of the kit", false, &err);
    const char *access = shoal_text(given, "access_token", "");
    assert_int_equal(who(access, false, &viewer), 0);
    struct shoal_viewer old = catalog_viewer_swap(scene.nobody, viewer);
    assert_int_equal(shoal_token_revoke(scene.nobody, &err), 0);
    catalog_viewer_swap(scene.nobody, old);
    assert_int_equal(who(access, false, &viewer), SHOAL_EAUTH);
    assert_int_equal(shoal_token_revoke(scene.nobody, &err), SHOAL_EAUTH);
    json_decref(given);
}

static void a_blocked_user_is_out_at_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_viewer viewer;
    json_t *given = grant("alice", "password of the kit", false, &err);
    const char *access = shoal_text(given, "access_token", "");
    assert_int_equal(who(access, false, &viewer), 0);
    assert_int_equal(shoal_user_block(scene.admin, viewer.user_id, true, "spam", &err), 0);
    assert_int_equal(who(access, false, &viewer), SHOAL_EAUTH);
    assert_null(grant("alice", "password of the kit", false, &err));
    assert_string_equal(err.api_code, "account_blocked");
    assert_null(
        shoal_token_refresh(scene.nobody, shoal_text(given, "refresh_token", ""), NULL, &err));
    assert_int_equal(
        shoal_user_block(scene.admin, scene.user->viewer.user_id, false, NULL, &err), 0);
    json_decref(given);
    given = grant("alice", "password of the kit", false, &err);
    assert_non_null(given);
    json_decref(given);
}

static void a_new_password_ends_other_tokens(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_viewer viewer;
    json_t *given = grant("alice", "password of the kit", false, &err);
    const char *access = shoal_text(given, "access_token", "");
    json_t *fields = json_pack("{s:s, s:s}", "password", "another one", "currentPassword", "no");
    int64_t id = scene.user->viewer.user_id;
    assert_int_equal(shoal_user_update(scene.user, id, fields, &err), SHOAL_EAUTH);
    json_object_set_new(fields, "currentPassword", json_string("password of the kit"));
    assert_int_equal(shoal_user_update(scene.user, id, fields, &err), 0);
    assert_int_equal(who(access, false, &viewer), SHOAL_EAUTH);
    json_decref(fields);
    json_decref(given);
    given = grant("alice", "another one", false, &err);
    assert_non_null(given);
    json_decref(given);
}

static int64_t changes; // whose password changes while a log-in is looked at

static enum shoal_verdict on_login(struct shoal_call *call, json_t *event, void *arg)
{
    (void)call;
    (void)event;
    (void)arg;
    struct shoal_err err = {0};
    json_t *fields = json_pack("{s:s}", "password", "another one");
    assert_int_equal(shoal_user_update(scene.admin, changes, fields, &err), 0);
    json_decref(fields);
    return SHOAL_PASS;
}

static int late_start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    return shoal_decide(self, "user.login", on_login, NULL);
}

static void a_log_in_by_a_password_that_just_changed_is_none(void **state)
{
    (void)state;
    static const struct shoal_plugin_descriptor late = {.size = sizeof(late),
        .abi_major = SHOAL_ABI_MAJOR,
        .abi_minor = SHOAL_ABI_MINOR,
        .name = "late",
        .start = late_start};
    static const char manifest[] =
        "{\"name\": \"late\", \"version\": \"1.0.0\", \"summary\": \"Is late.\", "
        "\"licence\": \"MIT\", \"sdk\": \"^1.0.0\", \"language\": \"c\", "
        "\"permissions\": [\"read:users\"], \"hooks\": [\"user.login\"]}";
    struct shoal_err err = {0};
    if (shoal_kit_load_text(scene.kit, &late, manifest, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
    changes = scene.user->viewer.user_id;
    assert_null(grant("alice", "password of the kit", false, &err));
    assert_string_equal(err.api_code, "invalid_grant");
}

static void the_client_has_32_characters(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *client = shoal_oauth_client(scene.nobody, &err);
    assert_int_equal(strlen(shoal_text(client, "client_id", "")), 32);
    assert_int_equal(strlen(shoal_text(client, "client_secret", "")), 32);
    json_decref(client);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_right_password_gives_tokens_that_work),
        CASE(wrong_credentials_are_one_error),
        CASE(a_refresh_ends_the_old_pair),
        CASE(what_was_read_before_a_revocation_is_not_remembered),
        CASE(tokens_end_by_the_clock),
        CASE(a_session_lives_while_it_is_used),
        CASE(an_api_token_is_no_cookie),
        CASE(a_revoked_token_stops_at_once),
        CASE(a_blocked_user_is_out_at_once),
        CASE(a_new_password_ends_other_tokens),
        CASE(a_log_in_by_a_password_that_just_changed_is_none),
        CASE(the_client_has_32_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
