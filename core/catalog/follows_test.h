// follows_test.h - what the tests about follows share: actors, channels and videos of other servers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_FOLLOWS_TEST_H
#define SHOAL_CORE_CATALOG_FOLLOWS_TEST_H
#include "catalog/catalog_test.h"
#include "catalog/follows_priv.h"

SHOAL_SQL(test_far_actor_add,
    "INSERT INTO catalog_actor (kind, name, host, url, inbox_url, shared_inbox_url, created, updated) "
    "VALUES ($1, $2, $3, $4, $5, $6, 1, 1) RETURNING id");
SHOAL_SQL(test_far_account_add,
    "INSERT INTO catalog_account (actor_id, display_name) VALUES ($1, 'Far account') RETURNING id");
SHOAL_SQL(test_far_channel_add, "INSERT INTO catalog_channel (actor_id, account_id, display_name) "
                                "VALUES ($1, $2, 'Far channel') RETURNING id");
SHOAL_SQL(test_far_video_add,
    "INSERT INTO catalog_video (uuid, channel_id, origin_host, url, name, privacy, state, verdict, "
    "is_open, waits, created, updated, published) VALUES ($1, $2, $3, $4, 'far', 1, 1, 1, TRUE, "
    "FALSE, $5, $5, $5) RETURNING id");
SHOAL_SQL(test_followed, "SELECT followed FROM catalog_video WHERE id = $1");
SHOAL_SQL(test_actor_named, "SELECT id FROM catalog_actor WHERE name = $1 AND host = $2");
SHOAL_SQL(test_actor_counts, "SELECT followers * 1000 + following FROM catalog_actor WHERE id = $1");

/// An actor of another server; shared: whether it has a shared inbox.
struct test_far {
    const char *kind, *name, *host;
    bool shared;
    int64_t actor_id, account_id, channel_id, video_id; // out
    char uuid[37];                                      // out, of the video
};

static inline int test_far_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct test_far *far = arg;
    const char *url = shoal_arena_printf(call->arena, "https://%s/%s", far->host, far->name);
    return shoal_db_i64(tx, &test_far_actor_add,
        SHOAL_ARGS(SHOAL_TEXT(far->kind), SHOAL_TEXT(far->name), SHOAL_TEXT(far->host),
            SHOAL_TEXT(url), SHOAL_TEXT(shoal_arena_printf(call->arena, "%s/inbox", url)),
            SHOAL_TEXT(far->shared
                           ? shoal_arena_printf(call->arena, "https://%s/inbox", far->host)
                           : NULL)),
        &far->actor_id, err);
}

static inline void test_far_make(struct shoal_call *call, struct test_far *far)
{
    struct shoal_err err = {0};
    if (shoal_tx(call, test_far_tx, far, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static inline int test_far_video_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct test_far *far = arg;
    struct test_far account = {
        .kind = "Person", .name = shoal_arena_printf(call->arena, "%s_owner", far->name),
        .host = far->host};
    int code = test_far_tx(call, tx, far, err);
    code = code == 0 ? test_far_tx(call, tx, &account, err) : code;
    if (code == 0) {
        code = shoal_db_i64(tx, &test_far_account_add, SHOAL_ARGS(SHOAL_I64(account.actor_id)),
            &far->account_id, err);
    }
    if (code == 0) {
        code = shoal_db_i64(tx, &test_far_channel_add,
            SHOAL_ARGS(SHOAL_I64(far->actor_id), SHOAL_I64(far->account_id)), &far->channel_id,
            err);
    }
    shoal_uuid_new(far->uuid);
    return code != 0 ? code
                     : shoal_db_i64(tx, &test_far_video_add,
                           SHOAL_ARGS(SHOAL_TEXT(far->uuid), SHOAL_I64(far->channel_id),
                               SHOAL_TEXT(far->host),
                               SHOAL_TEXT(shoal_arena_printf(
                                   call->arena, "https://%s/w/%s", far->host, far->uuid)),
                               SHOAL_I64(shoal_now_ms())),
                           &far->video_id, err);
}

/// A channel of another server with its account (NAME_owner) and one public video.
static inline void test_far_video_make(struct shoal_call *call, struct test_far *far)
{
    struct shoal_err err = {0};
    far->kind = "Group";
    if (shoal_tx(call, test_far_video_tx, far, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static inline int64_t test_number(
    struct shoal_call *call, const struct shoal_sql *sql, int64_t key)
{
    int64_t out = -1;
    struct shoal_err err = {0};
    if (shoal_db_i64(shoal_call_db(call), sql, SHOAL_ARGS(SHOAL_I64(key)), &out, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return out;
}

static inline int64_t test_actor(struct shoal_call *call, const char *name, const char *host)
{
    int64_t out = 0;
    struct shoal_err err = {0};
    if (shoal_db_i64(shoal_call_db(call), &test_actor_named,
            SHOAL_ARGS(SHOAL_TEXT(name), SHOAL_TEXT(host)), &out, &err) != 0) {
        fail_msg("%s@%s: %s", name, host, err.text);
    }
    return out;
}

/// Puts a follow and fails the test where that is not possible.
static inline struct shoal_follow test_follow(struct shoal_call *call, int64_t follower_id,
    int64_t target_id, enum shoal_follow_state state)
{
    struct shoal_err err = {0};
    struct shoal_follow follow = {
        .follower_id = follower_id, .target_id = target_id, .state = state};
    if (shoal_follow_put(call, &follow, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return follow;
}

#endif
