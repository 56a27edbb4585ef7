// publish_test.c - what a moderator says of a held video.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *user;
} scene;

// --- a plugin that is asked, and things that happen meanwhile ---

static struct {
    enum shoal_verdict verdict;
    int asked, privacy;           // how often, and about which privacy last
    struct shoal_call *meanwhile; // whose change comes while it is asked; NULL: nobody's
    int64_t passes; // video that passes the gate while another change of it is read; 0: none
} gate;

static int widen(struct shoal_call *call, const char *uuid, struct shoal_err *err)
{
    json_t *fields = json_pack("{s:i}", "privacy", SHOAL_PRIVACY_PUBLIC);
    int code = shoal_video_update(call, uuid, fields, err);
    json_decref(fields);
    return code;
}

static enum shoal_verdict on_publish(struct shoal_call *call, json_t *event, void *arg)
{
    (void)arg;
    gate.asked++;
    gate.privacy = (int)shoal_integer(event, "video.privacy.id", 0);
    if (gate.meanwhile != NULL) {
        assert_int_equal(widen(gate.meanwhile, shoal_text(event, "video.uuid", ""), NULL), 0);
        gate.meanwhile = NULL;
    }
    return gate.verdict == SHOAL_REFUSE ? shoal_refuse(call, "not here") : SHOAL_PASS;
}

static int on_fill(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)value;
    (void)arg;
    int64_t id = gate.passes;
    gate.passes = 0;
    return id == 0 ? 0 : catalog_publish_ask(call, id, false, err);
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    int code = shoal_decide(self, "video.publish", on_publish, NULL);
    return code == 0 ? shoal_filter(self, "video.fill", on_fill, NULL) : code;
}

static const struct shoal_plugin_descriptor descriptor = {.size = sizeof(descriptor),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "gate",
    .start = start};
static const char manifest[] =
    "{\"name\": \"gate\", \"version\": \"1.0.0\", \"summary\": \"Is asked.\", "
    "\"licence\": \"MIT\", \"sdk\": \"^1.0.0\", \"language\": \"c\", "
    "\"permissions\": [\"read:videos\", \"read:users\"], "
    "\"hooks\": [\"video.publish\", \"video.fill\"]}";

static int setup(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    scene.kit = shoal_kit_new(NULL);
    if (shoal_kit_load_text(scene.kit, &descriptor, manifest, NULL, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    scene.system = shoal_kit_system(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static int resume(const char *subject, bool released, const char *sentence)
{
    return catalog_publish_resume(
        scene.system, "video.publish", subject, released, sentence, NULL, NULL);
}

static struct catalog_video now(const struct test_video *video)
{
    struct catalog_video found;
    assert_int_equal(catalog_video_by_number(scene.system, video->id, &found, NULL), 0);
    return found;
}

static struct test_video closed_video(enum shoal_privacy privacy)
{
    struct test_video video = {.name = "held",
        .channel_id = test_channel_of(scene.user),
        .privacy = privacy,
        .state = SHOAL_STATE_PUBLISHED,
        .published_ms = 1};
    test_video_make(scene.system, &video);
    return video;
}

static const char *subject_of(const struct test_video *video)
{
    static char subject[64];
    snprintf(subject, sizeof subject, "video:%s", video->uuid);
    return subject;
}

static void what_is_released_opens(void **state)
{
    (void)state;
    struct test_video video = closed_video(SHOAL_PRIVACY_PUBLIC);
    assert_false(now(&video).is_open);
    assert_int_equal(resume(subject_of(&video), true, NULL), 0);
    assert_int_equal(now(&video).verdict, CATALOG_PASSED);
    assert_true(now(&video).is_open);
    assert_null(now(&video).blocked_reason);
}

static void what_is_refused_stays_shut_with_its_sentence(void **state)
{
    (void)state;
    struct test_video video = closed_video(SHOAL_PRIVACY_PUBLIC);
    assert_int_equal(resume(subject_of(&video), false, "not about fish"), 0);
    assert_int_equal(now(&video).verdict, CATALOG_REFUSED);
    assert_false(now(&video).is_open);
    assert_string_equal(now(&video).blocked_reason, "not about fish");
}

static void a_sentence_is_cut_and_not_overrun(void **state)
{
    (void)state;
    struct test_video video = closed_video(SHOAL_PRIVACY_PUBLIC);
    char longer[4000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(resume(subject_of(&video), false, longer), 0);
    size_t length = strlen(now(&video).blocked_reason);
    assert_true(length > 100 && length < sizeof longer - 1);
}

static void a_video_that_is_gone_is_no_failure(void **state)
{
    (void)state;
    static const char *const subjects[] = {
        "video:00000000-0000-4000-8000-000000000000", "video:", "user:7", ""};
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        assert_int_equal(resume(subjects[i], true, NULL), 0);
        assert_int_equal(resume(subjects[i], false, "x"), 0);
    }
}

static void nobody_is_asked_about_a_private_video(void **state)
{
    (void)state;
    struct test_video video = closed_video(SHOAL_PRIVACY_PRIVATE);
    assert_int_equal(catalog_publish_ask(scene.system, video.id, false, NULL), 0);
    assert_int_equal(now(&video).verdict, CATALOG_PASSED);
    assert_int_equal(catalog_publish_ask(scene.system, 999999, false, NULL), SHOAL_ENOTFOUND);
}

static void what_is_widened_while_it_is_asked_is_asked_again(void **state)
{
    (void)state;
    struct test_video video = closed_video(SHOAL_PRIVACY_UNLISTED);
    gate.asked = 0;
    gate.meanwhile = scene.user;
    assert_int_equal(catalog_publish_ask(scene.system, video.id, false, NULL), 0);
    assert_int_equal(gate.asked, 2);
    assert_int_equal(gate.privacy, SHOAL_PRIVACY_PUBLIC);
    assert_true(now(&video).is_open);
}

static void a_private_video_that_passes_unasked_is_not_widened_by_it(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct test_video video = closed_video(SHOAL_PRIVACY_PRIVATE);
    gate.asked = 0;
    gate.verdict = SHOAL_REFUSE;
    gate.passes = video.id;
    assert_int_equal(widen(scene.user, video.uuid, &err), SHOAL_EBUSY);
    assert_int_equal(now(&video).verdict, CATALOG_PASSED);
    assert_int_equal(widen(scene.user, video.uuid, &err), SHOAL_EFORBIDDEN);
    assert_int_equal(gate.asked, 1);
    assert_int_equal(now(&video).privacy, SHOAL_PRIVACY_PRIVATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_released_opens),
        cmocka_unit_test(what_is_refused_stays_shut_with_its_sentence),
        cmocka_unit_test(a_sentence_is_cut_and_not_overrun),
        cmocka_unit_test(a_video_that_is_gone_is_no_failure),
        cmocka_unit_test(nobody_is_asked_about_a_private_video),
        cmocka_unit_test(what_is_widened_while_it_is_asked_is_asked_again),
        cmocka_unit_test(a_private_video_that_passes_unasked_is_not_widened_by_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
