// token_viewer_test.c - whose a credential is; what is none is refused in the same words.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *nobody, *user;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

SHOAL_SQL(test_token_add,
    "INSERT INTO catalog_token (user_id, access_hash, is_session, access_expires, created) "
    "VALUES ($1, $2, $3, $4, $5) RETURNING id");

struct adding {
    const char *token;
    int64_t expires_ms, id;
    bool is_session;
};

static int adding_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct adding *adding = arg;
    char hash[65];
    catalog_token_hash(adding->token, hash);
    return shoal_db_i64(tx, &test_token_add,
        SHOAL_ARGS(SHOAL_I64(scene.user->viewer.user_id), SHOAL_TEXT(hash),
            SHOAL_BOOL(adding->is_session), SHOAL_I64(adding->expires_ms),
            SHOAL_I64(shoal_now_ms())),
        &adding->id, err);
}

static int64_t token_make(const char *token, bool is_session, int64_t expires_ms)
{
    struct adding adding = {.token = token, .is_session = is_session, .expires_ms = expires_ms};
    struct shoal_err err = {0};
    if (shoal_tx(scene.system, adding_tx, &adding, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return adding.id;
}

static int who(const char *token, bool by_cookie, struct shoal_viewer *viewer)
{
    struct shoal_viewer unused;
    struct shoal_err err = {0};
    int code =
        catalog_token_viewer(scene.nobody, token, by_cookie, viewer ? viewer : &unused, &err);
    if (code != 0) {
        assert_string_equal(err.api_code, "invalid_token");
    }
    return code;
}

static void a_token_is_its_users(void **state)
{
    (void)state;
    struct shoal_viewer viewer = {0};
    int64_t id = token_make("api-one", false, shoal_now_ms() + CATALOG_DAY_MS);
    for (int i = 0; i < 2; i++) { // from the table, then from memory
        assert_int_equal(who("api-one", false, &viewer), 0);
        assert_int_equal(viewer.kind, SHOAL_VIEWER_USER);
        assert_int_equal(viewer.role, SHOAL_ROLE_USER);
        assert_int_equal(viewer.user_id, scene.user->viewer.user_id);
        assert_int_equal(viewer.account_id, scene.user->viewer.account_id);
        assert_int_equal(viewer.token_id, id);
        assert_false(viewer.by_cookie);
        assert_string_equal(viewer.username, "alice");
    }
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    char longer[130];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *const bad[] = {NULL, "", "unknown", longer, "api-one ", "\xff\xfe"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(who(bad[i], false, NULL), SHOAL_EAUTH);
        assert_int_equal(who(bad[i], true, NULL), SHOAL_EAUTH);
    }
    longer[128] = '\0'; // as long as a token may be
    token_make(longer, false, shoal_now_ms() + CATALOG_DAY_MS);
    assert_int_equal(who(longer, false, NULL), 0);
}

static void one_that_has_ended_is_refused(void **state)
{
    (void)state;
    token_make("ended", false, shoal_now_ms() - 1);
    assert_int_equal(who("ended", false, NULL), SHOAL_EAUTH);
    assert_int_equal(who("ended", false, NULL), SHOAL_EAUTH);
    token_make("ended-session", true, shoal_now_ms() - 1);
    assert_int_equal(who("ended-session", true, NULL), SHOAL_EAUTH); // and is not prolonged
}

static void a_cookie_holds_a_session_alone(void **state)
{
    (void)state;
    struct shoal_viewer viewer = {0};
    token_make("api-two", false, shoal_now_ms() + CATALOG_DAY_MS);
    token_make("session", true, shoal_now_ms() + CATALOG_DAY_MS);
    assert_int_equal(who("api-two", true, NULL), SHOAL_EAUTH);
    assert_int_equal(who("session", true, &viewer), 0);
    assert_true(viewer.by_cookie);
    assert_int_equal(who("session", false, &viewer), 0);
    assert_false(viewer.by_cookie);
}

SHOAL_SQL(test_token_ends, "SELECT access_expires FROM catalog_token WHERE id = $1");

static int64_t ends_ms(int64_t id)
{
    int64_t at_ms = 0;
    assert_int_equal(shoal_db_i64(shoal_call_db(scene.system), &test_token_ends,
                         SHOAL_ARGS(SHOAL_I64(id)), &at_ms, NULL),
        0);
    return at_ms;
}

static void a_session_is_prolonged_once_a_day(void **state)
{
    (void)state;
    int64_t soon = shoal_now_ms() + CATALOG_DAY_MS;
    int64_t late = shoal_now_ms() + 30 * CATALOG_DAY_MS - CATALOG_DAY_MS / 2;
    int64_t old = token_make("old-session", true, soon);
    int64_t fresh = token_make("fresh-session", true, late);
    int64_t api = token_make("api-three", false, soon);
    assert_int_equal(who("old-session", true, NULL), 0);
    assert_int_equal(who("fresh-session", true, NULL), 0);
    assert_int_equal(who("api-three", false, NULL), 0);
    assert_true(ends_ms(old) > soon + 28 * CATALOG_DAY_MS);
    assert_int_equal(ends_ms(fresh), late);
    assert_int_equal(ends_ms(api), soon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_its_users),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(one_that_has_ended_is_refused),
        cmocka_unit_test(a_cookie_holds_a_session_alone),
        cmocka_unit_test(a_session_is_prolonged_once_a_day),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
