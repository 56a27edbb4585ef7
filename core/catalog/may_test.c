// may_test.c - who may do what, row by row, and that lists in SQL say the same.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

enum who {
    NOBODY,
    STRANGER,
    OWNER,
    MODERATOR,
    ADMIN,
    REMOTE,
    SYSTEM,
    WHO_COUNT
};

static struct shoal_viewer viewer_of(enum who who)
{
    switch (who) {
    case STRANGER:
        return (struct shoal_viewer){
            .kind = SHOAL_VIEWER_USER, .role = SHOAL_ROLE_USER, .user_id = 9, .account_id = 9};
    case OWNER:
        return (struct shoal_viewer){
            .kind = SHOAL_VIEWER_USER, .role = SHOAL_ROLE_USER, .user_id = 3, .account_id = 3};
    case MODERATOR:
        return (struct shoal_viewer){
            .kind = SHOAL_VIEWER_USER, .role = SHOAL_ROLE_MODERATOR, .user_id = 2, .account_id = 2};
    case ADMIN:
        return (struct shoal_viewer){
            .kind = SHOAL_VIEWER_USER, .role = SHOAL_ROLE_ADMIN, .user_id = 1, .account_id = 1};
    case REMOTE:
        return (struct shoal_viewer){.kind = SHOAL_VIEWER_ACTOR, .role = SHOAL_ROLE_USER};
    case SYSTEM:
        return catalog_viewer_system();
    default:
        return (struct shoal_viewer){.kind = SHOAL_VIEWER_ANONYMOUS, .role = SHOAL_ROLE_USER};
    }
}

#define A SHOAL_EAUTH
#define F SHOAL_EFORBIDDEN

struct row {
    const char *what;
    struct catalog_subject subject;
    enum shoal_verb verb;
    int expected[WHO_COUNT]; // nobody, stranger, owner, moderator, admin, remote, system
};

#define OPEN                                                                                       \
    .is_open = true, .is_local = true, .is_downloadable = true, .owner_account_id = 3,             \
    .state = SHOAL_STATE_PUBLISHED

// Its owner is elsewhere: account 3 here is somebody else.
#define FAR                                                                                        \
    .is_open = true, .is_downloadable = true, .owner_account_id = 3,                               \
    .privacy = SHOAL_PRIVACY_PUBLIC, .state = SHOAL_STATE_PUBLISHED

static const struct row rows[] = {
    {"public", {OPEN, .privacy = SHOAL_PRIVACY_PUBLIC}, SHOAL_MAY_SEE, {0, 0, 0, 0, 0, 0, 0}},
    {"public listed", {OPEN, .privacy = SHOAL_PRIVACY_PUBLIC}, SHOAL_MAY_LIST,
        {0, 0, 0, 0, 0, 0, 0}},
    {"unlisted by uuid", {OPEN, .privacy = SHOAL_PRIVACY_UNLISTED}, SHOAL_MAY_SEE,
        {0, 0, 0, 0, 0, 0, 0}},
    {"unlisted by number", {OPEN, .privacy = SHOAL_PRIVACY_UNLISTED, .by_number = true},
        SHOAL_MAY_SEE, {A, F, 0, 0, 0, F, 0}},
    {"unlisted in lists", {OPEN, .privacy = SHOAL_PRIVACY_UNLISTED}, SHOAL_MAY_LIST,
        {A, F, 0, 0, 0, F, 0}},
    {"private", {OPEN, .privacy = SHOAL_PRIVACY_PRIVATE}, SHOAL_MAY_SEE, {A, F, 0, 0, 0, F, 0}},
    {"private media", {OPEN, .privacy = SHOAL_PRIVACY_PRIVATE}, SHOAL_MAY_WATCH,
        {A, F, 0, 0, 0, F, 0}},
    {"internal", {OPEN, .privacy = SHOAL_PRIVACY_INTERNAL}, SHOAL_MAY_SEE, {A, 0, 0, 0, 0, F, 0}},
    {"internal listed", {OPEN, .privacy = SHOAL_PRIVACY_INTERNAL}, SHOAL_MAY_LIST,
        {A, 0, 0, 0, 0, F, 0}},
    {"password missing", {OPEN, .privacy = SHOAL_PRIVACY_PASSWORD}, SHOAL_MAY_WATCH,
        {A, F, 0, 0, 0, F, 0}},
    {"password wrong", {OPEN, .privacy = SHOAL_PRIVACY_PASSWORD, .has_password = true},
        SHOAL_MAY_WATCH, {F, F, 0, 0, 0, F, 0}},
    {"password right",
        {OPEN, .privacy = SHOAL_PRIVACY_PASSWORD, .has_password = true, .has_password_right = true},
        SHOAL_MAY_WATCH, {0, 0, 0, 0, 0, 0, 0}},
    {"not out yet",
        {.is_local = true,
            .privacy = SHOAL_PRIVACY_PUBLIC,
            .owner_account_id = 3,
            .state = SHOAL_STATE_TO_TRANSCODE},
        SHOAL_MAY_SEE, {A, F, 0, 0, 0, F, 0}},
    {"blocked", {OPEN, .privacy = SHOAL_PRIVACY_PUBLIC, .is_blocked = true}, SHOAL_MAY_SEE,
        {A, F, 0, 0, 0, F, 0}},
    {"no downloads",
        {.is_open = true,
            .is_local = true,
            .privacy = SHOAL_PRIVACY_PUBLIC,
            .owner_account_id = 3,
            .state = SHOAL_STATE_PUBLISHED},
        SHOAL_MAY_DOWNLOAD, {F, F, 0, 0, 0, F, 0}},
    {"download", {OPEN, .privacy = SHOAL_PRIVACY_PUBLIC}, SHOAL_MAY_DOWNLOAD,
        {0, 0, 0, 0, 0, 0, 0}},
    {"update", {OPEN, .privacy = SHOAL_PRIVACY_PUBLIC}, SHOAL_MAY_UPDATE, {A, F, 0, 0, 0, F, 0}},
    {"delete", {OPEN, .privacy = SHOAL_PRIVACY_PUBLIC}, SHOAL_MAY_DELETE, {A, F, 0, 0, 0, F, 0}},
    {"moderate", {OPEN, .privacy = SHOAL_PRIVACY_PUBLIC}, SHOAL_MAY_MODERATE,
        {A, F, F, 0, 0, F, 0}},
    {"update of a far one",
        {.is_open = true,
            .privacy = SHOAL_PRIVACY_PUBLIC,
            .owner_account_id = 3,
            .state = SHOAL_STATE_PUBLISHED},
        SHOAL_MAY_UPDATE, {A, F, F, F, F, F, 0}},
    {"a far one that is followed", {FAR, .is_followed = true}, SHOAL_MAY_SEE,
        {0, 0, 0, 0, 0, 0, 0}},
    {"a far one that is followed, in lists", {FAR, .is_followed = true}, SHOAL_MAY_LIST,
        {0, 0, 0, 0, 0, 0, 0}},
    {"a far one that nobody follows", {FAR}, SHOAL_MAY_SEE, {F, 0, 0, 0, 0, 0, 0}},
    {"a far one that nobody follows, in lists", {FAR}, SHOAL_MAY_LIST, {A, F, F, 0, 0, F, 0}},
    {"a far one whose server is hidden", {FAR, .is_hidden = true}, SHOAL_MAY_SEE,
        {F, F, F, 0, 0, F, 0}},
    {"media of one whose server is hidden", {FAR, .is_hidden = true}, SHOAL_MAY_WATCH,
        {F, F, F, 0, 0, F, 0}},
    {"a far one whose server is hidden, in lists", {FAR, .is_hidden = true}, SHOAL_MAY_LIST,
        {A, F, F, 0, 0, F, 0}},
    {"failed in lists",
        {.is_open = true,
            .is_local = true,
            .privacy = SHOAL_PRIVACY_PUBLIC,
            .owner_account_id = 3,
            .state = SHOAL_STATE_TRANSCODING_FAILED},
        SHOAL_MAY_LIST, {A, F, 0, 0, 0, F, 0}},
};

static void every_row_answers_every_viewer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int who = 0; who < WHO_COUNT; who++) {
            struct shoal_viewer viewer = viewer_of((enum who)who);
            struct shoal_err err = {0};
            int got = shoal_may(&viewer, rows[i].verb, &rows[i].subject, &err);
            if (got != rows[i].expected[who]) {
                fail_msg("%s, viewer %d: %s instead of %s", rows[i].what, who,
                    shoal_error_name(got), shoal_error_name(rows[i].expected[who]));
            }
            assert_int_equal(err.code, got);
        }
    }
}

static void passwords_have_their_own_words(void **state)
{
    (void)state;
    struct shoal_viewer nobody = viewer_of(NOBODY);
    struct catalog_subject subject = {OPEN, .privacy = SHOAL_PRIVACY_PASSWORD};
    struct shoal_err err = {0};
    shoal_may(&nobody, SHOAL_MAY_SEE, &subject, &err);
    assert_string_equal(err.api_code, "video_requires_password");
    subject.has_password = true;
    err = (struct shoal_err){0};
    shoal_may(&nobody, SHOAL_MAY_SEE, &subject, &err);
    assert_string_equal(err.api_code, "incorrect_video_password");
}

static bool listed(struct shoal_call *call, int64_t id, bool mine)
{
    struct shoal_err err = {0};
    json_t *query = json_pack("{s:i, s:b}", "count", 100, "mine", mine);
    json_t *list = shoal_video_list(call, query, &err);
    json_decref(query);
    assert_non_null(list);
    bool found = false;
    for (size_t i = 0; i < json_array_size(json_object_get(list, "data")); i++) {
        const json_t *video = json_array_get(json_object_get(list, "data"), i);
        found = found || shoal_integer(video, "id", 0) == id;
    }
    json_decref(list);
    return found;
}

static void lists_in_sql_say_what_may_says(void **state)
{
    (void)state;
    struct shoal_kit *kit = shoal_kit_new(NULL);
    struct shoal_call *system = shoal_kit_system(kit);
    struct shoal_call *nobody = shoal_kit_anonymous(kit);
    struct shoal_call *owner = shoal_kit_user(kit, "owner");
    struct shoal_call *other = shoal_kit_user(kit, "other");
    int64_t channel_id = test_channel_of(owner);
    static struct test_video made[5 * 12 * 4];
    size_t count = 0;
    // One privacy at a time, so that one page of a list holds all.
    for (int privacy = 1; privacy <= 5; privacy++) {
        size_t first = count;
        for (int number = 1; number <= 12; number++) {
            for (int bits = 0; bits < 4; bits++) {
                made[count] = (struct test_video){.name = "matrix",
                    .channel_id = channel_id,
                    .privacy = (enum shoal_privacy)privacy,
                    .state = (enum shoal_video_state)number,
                    .is_open = (bits & 1) != 0,
                    .is_blocked = (bits & 2) != 0,
                    .published_ms = 1000};
                test_video_make(system, &made[count++]);
            }
        }
        for (size_t i = first; i < count; i++) {
            const struct catalog_subject subject = {.privacy = made[i].privacy,
                .state = made[i].state,
                .is_open = made[i].is_open,
                .is_blocked = made[i].is_blocked,
                .is_local = true,
                .owner_account_id = owner->viewer.account_id};
            assert_int_equal(listed(nobody, made[i].id, false),
                shoal_may(&nobody->viewer, SHOAL_MAY_LIST, &subject, NULL) == 0);
            assert_int_equal(listed(other, made[i].id, false),
                shoal_may(&other->viewer, SHOAL_MAY_LIST, &subject, NULL) == 0);
        }
        struct shoal_err err = {0};
        assert_true(listed(owner, made[first].id, true));
        assert_false(listed(other, made[first].id, true));
        for (size_t i = first; i < count; i++) {
            assert_int_equal(shoal_video_delete(system, made[i].uuid, &err), 0);
        }
    }
    shoal_kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_answers_every_viewer),
        cmocka_unit_test(passwords_have_their_own_words),
        cmocka_unit_test(lists_in_sql_say_what_may_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
