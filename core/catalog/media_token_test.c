// media_token_test.c - tokens for media are for one video, one secret and one while.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <unistd.h>

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *nobody, *admin, *user, *other;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.admin = shoal_kit_admin(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    scene.other = shoal_kit_user(scene.kit, "bob");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static const char *token_of(struct shoal_call *call, const char *video)
{
    struct shoal_err err = {0};
    json_t *made = shoal_media_token(call, video, NULL, "watch", &err);
    if (made == NULL) {
        fail_msg("%s", err.text);
    }
    const char *token = shoal_arena_strdup(call->arena, shoal_text(made, "token", ""));
    json_decref(made);
    return token;
}

static void a_token_is_for_its_video_alone(void **state)
{
    (void)state;
    struct test_video one = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    struct test_video other = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    const char *token = token_of(scene.user, one.uuid);
    assert_int_equal(shoal_media_token_check(token, one.uuid), 0);
    assert_int_equal(shoal_media_token_check(token, other.uuid), SHOAL_EFORBIDDEN);
}

static void a_token_that_was_changed_is_refused(void **state)
{
    (void)state;
    struct test_video video = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    const char *token = token_of(scene.user, video.uuid);
    size_t length = strlen(token);
    for (size_t i = 0; i < length; i++) {
        char changed[200];
        memcpy(changed, token, length + 1);
        changed[i] = changed[i] == 'A' ? 'Q' : 'A';
        assert_int_equal(shoal_media_token_check(changed, video.uuid), SHOAL_EFORBIDDEN);
    }
}

static void what_is_no_token_is_refused(void **state)
{
    (void)state;
    struct test_video video = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    const char *token = token_of(scene.user, video.uuid);
    char longer[400];
    snprintf(longer, sizeof longer, "%sAAAA", token);
    const char *const wrong[] = {NULL, "", "x", "====", "\xff\xff", longer, token + 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(shoal_media_token_check(wrong[i], video.uuid), SHOAL_EFORBIDDEN);
    }
    memset(longer, 'A', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(shoal_media_token_check(longer, video.uuid), SHOAL_EFORBIDDEN);
    const char *const uuids[] = {NULL, "", "x", "00000000-0000-0000-0000-00000000000g",
        "00000000-0000-0000-0000-0000000000000"};
    for (size_t i = 0; i < sizeof uuids / sizeof uuids[0]; i++) {
        assert_int_equal(shoal_media_token_check(token, uuids[i]), SHOAL_EFORBIDDEN);
    }
}

static void a_revocation_ends_what_was_made_before_it(void **state)
{
    (void)state;
    struct test_video video = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    char video_subject[44], user_subject[44];
    snprintf(video_subject, sizeof video_subject, "v:%s", video.uuid);
    snprintf(user_subject, sizeof user_subject, "u:%lld", (long long)scene.admin->viewer.user_id);
    const char *token = token_of(scene.user, video.uuid);
    const char *admins = token_of(scene.admin, video.uuid);
    catalog_media_revoke(user_subject, shoal_now_ms() + 1000);
    assert_int_equal(shoal_media_token_check(admins, video.uuid), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_media_token_check(token, video.uuid), 0);
    catalog_media_revoke(video_subject, 1000); // of long ago
    assert_int_equal(shoal_media_token_check(token, video.uuid), 0);
    catalog_media_revoke(video_subject, shoal_now_ms() + 1000);
    assert_int_equal(shoal_media_token_check(token, video.uuid), SHOAL_EFORBIDDEN);
    catalog_media_revoke(video_subject, 1000); // an older one does not undo it
    assert_int_equal(shoal_media_token_check(token, video.uuid), SHOAL_EFORBIDDEN);
}

static void the_newest_revocations_are_kept_when_there_are_too_many(void **state)
{
    (void)state;
    struct test_video video = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    char subject[44];
    const char *token = token_of(scene.user, video.uuid);
    for (int i = 0; i < 5000; i++) { // older than the one below: they make room
        snprintf(subject, sizeof subject, "u:%d", 100000 + i);
        catalog_media_revoke(subject, 1000 + i);
    }
    snprintf(subject, sizeof subject, "v:%s", video.uuid);
    catalog_media_revoke(subject, shoal_now_ms() + 1000);
    for (int i = 0; i < 100; i++) {
        snprintf(subject, sizeof subject, "u:%d", 200000 + i);
        catalog_media_revoke(subject, 500000 + i);
    }
    assert_int_equal(shoal_media_token_check(token, video.uuid), SHOAL_EFORBIDDEN);
}

// What a process that starts now knows of it.
static void restart(void)
{
    struct shoal_err err = {0};
    catalog_media_stop();
    catalog_media_secret_set(catalog_key_get(scene.system, "secret", &err));
    assert_int_equal(catalog_media_load(scene.system, &err), 0);
}

static void what_ended_with_its_user_stays_so_after_a_restart(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_INTERNAL);
    int64_t bob = scene.other->viewer.user_id;
    static const char *const how[] = {
        "{\"password\": \"another one\"}", "{\"role\": 1}", NULL}; // NULL: removed
    for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
        const char *kept = token_of(scene.user, video.uuid);
        const char *token = token_of(scene.other, video.uuid);
        restart();
        assert_int_equal(shoal_media_token_check(token, video.uuid), 0);
        usleep(5000); // a token of this very millisecond came after the change
        json_t *fields = how[i] == NULL ? NULL : shoal_json_parse(how[i], strlen(how[i]), NULL);
        int code = fields == NULL ? shoal_user_delete(scene.admin, bob, &err)
                                  : shoal_user_update(scene.admin, bob, fields, &err);
        json_decref(fields);
        assert_int_equal(code, 0);
        assert_int_equal(shoal_media_token_check(token, video.uuid), SHOAL_EFORBIDDEN);
        restart();
        assert_int_equal(shoal_media_token_check(token, video.uuid), SHOAL_EFORBIDDEN);
        assert_int_equal(shoal_media_token_check(kept, video.uuid), 0);
        usleep(5000);
    }
}

static void another_secret_ends_all(void **state)
{
    (void)state;
    struct test_video video = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    const char *token = token_of(scene.user, video.uuid);
    catalog_media_secret_set("00ff");
    assert_int_equal(shoal_media_token_check(token, video.uuid), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_media_token_check(token_of(scene.user, video.uuid), video.uuid), 0);
}

static void who_may_not_watch_gets_none(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct test_video video = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    assert_null(shoal_media_token(scene.nobody, video.uuid, NULL, "watch", &err));
    assert_null(shoal_media_token(scene.other, video.uuid, NULL, "download", &err));
    assert_null(shoal_media_token(scene.user, "no-such-video", NULL, "watch", &err));
    assert_int_equal(err.code, SHOAL_ENOTFOUND);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_token_is_for_its_video_alone),
        CASE(a_token_that_was_changed_is_refused),
        CASE(what_is_no_token_is_refused),
        CASE(a_revocation_ends_what_was_made_before_it),
        CASE(the_newest_revocations_are_kept_when_there_are_too_many),
        CASE(what_ended_with_its_user_stays_so_after_a_restart),
        CASE(another_secret_ends_all),
        CASE(who_may_not_watch_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
