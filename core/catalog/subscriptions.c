// subscriptions.c - what users subscribe to: channels and accounts that their account follows.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/follows_priv.h"
#include "host/permissions.h"

#define SUBSCRIPTIONS_MAX 10000 // of one user

SHOAL_SQL(subscriber, "SELECT actor_id FROM catalog_account WHERE id = $1");
SHOAL_SQL(subscriptions_many, "SELECT COUNT(*) FROM catalog_follow WHERE follower_id = $1");
SHOAL_SQL(subscription_one,
    "SELECT f.state, f.created, c.id, a.id FROM catalog_follow f "
    "LEFT JOIN catalog_channel c ON c.actor_id = f.target_id "
    "LEFT JOIN catalog_account a ON a.actor_id = f.target_id "
    "WHERE f.follower_id = $1 AND f.target_id = $2 AND f.state <> 3");

SHOAL_SQL(subscription_state,
    "SELECT x.followers, COALESCE((SELECT f.state FROM catalog_follow f WHERE f.target_id = x.id "
    "AND f.follower_id = (SELECT a.actor_id FROM catalog_account a WHERE a.id = $2)), 0) "
    "FROM catalog_actor x WHERE x.id = $1");

#define FILTER_SQL(noun)                                                                           \
    "FROM catalog_follow f JOIN " noun " n ON n.actor_id = f.target_id "                           \
    "JOIN catalog_actor x ON x.id = f.target_id WHERE f.follower_id = $1 AND f.state <> 3 "        \
    "AND (CAST($2 AS TEXT) IS NULL OR LOWER(n.display_name) LIKE CAST($2 AS TEXT) ESCAPE '\\' "    \
    "OR LOWER(x.name) LIKE CAST($2 AS TEXT) ESCAPE '\\') "
#define PAGE_SQL " LIMIT CAST($3 AS BIGINT) OFFSET CAST($4 AS BIGINT)"
#define LIST_SQL(id, noun, by)                                                                     \
    SHOAL_SQL(id, "SELECT f.target_id " FILTER_SQL(noun) "ORDER BY " by ", f.id" PAGE_SQL);        \
    SHOAL_SQL(                                                                                     \
        id##_down, "SELECT f.target_id " FILTER_SQL(noun) "ORDER BY " by " DESC, f.id DESC" PAGE_SQL)
// A channel is as new as what it published last.
#define NEWEST_SQL(channels)                                                                       \
    "(SELECT COALESCE(MAX(v.published), 0) FROM catalog_video v WHERE v.is_open = TRUE "           \
    "AND v.channel_id " channels ")"
LIST_SQL(subscribed_channels, "catalog_channel", "f.created");
LIST_SQL(subscribed_accounts, "catalog_account", "f.created");
LIST_SQL(subscribed_channels_new, "catalog_channel", NEWEST_SQL("= n.id"));
LIST_SQL(subscribed_accounts_new, "catalog_account",
    NEWEST_SQL("IN (SELECT c.id FROM catalog_channel c WHERE c.account_id = n.id)"));
SHOAL_SQL(subscribed_channels_count, "SELECT COUNT(*) " FILTER_SQL("catalog_channel"));
SHOAL_SQL(subscribed_accounts_count, "SELECT COUNT(*) " FILTER_SQL("catalog_account"));

int catalog_subscriber(struct shoal_call *call, int64_t *actor_id, struct shoal_err *err)
{
    int code = catalog_need_user(&call->viewer, err);
    return code == 0 ? shoal_db_i64(shoal_call_db(call), &subscriber,
                           SHOAL_ARGS(SHOAL_I64(call->viewer.account_id)), actor_id, err)
                     : code;
}

// The user's actor, and whom a handle names.
static int sides_find(struct shoal_call *call, const char *permission, const char *handle,
    int64_t *actor_id, struct catalog_actor *target, struct shoal_err *err)
{
    int code = shoal_permission_call(call, permission, "follows", err);
    if (code == 0) {
        code = catalog_subscriber(call, actor_id, err);
    }
    if (code == 0) {
        code = catalog_actor_by_handle(call, handle, target, err);
    }
    if (code == 0 && strcmp(target->kind, "Application") == 0) {
        code = SHOAL_ENOTFOUND;
    }
    return code == SHOAL_ENOTFOUND ? shoal_fail(err, code, "no channel here has that name") : code;
}

struct subscribe {
    struct shoal_follow follow;
    const struct shoal_decision *held; // or NULL
};

static int subscribe_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct subscribe *subscribe = arg;
    struct shoal_follow old = {0};
    struct shoal_err none = {0};
    int64_t many = 0;
    int code = shoal_follow_get(
        call, subscribe->follow.follower_id, subscribe->follow.target_id, &old, &none);
    if (code == 0 && old.state != SHOAL_FOLLOW_REJECTED) {
        return 0; // accepted, or still asked
    }
    code = shoal_db_i64(tx, &subscriptions_many,
        SHOAL_ARGS(SHOAL_I64(subscribe->follow.follower_id)), &many, err);
    if (code == 0 && many >= SUBSCRIPTIONS_MAX) {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "You cannot subscribe to more than %d channels",
            SUBSCRIPTIONS_MAX);
    }
    code = code == 0 ? shoal_follow_put(call, &subscribe->follow, err) : code;
    if (code == 0 && subscribe->held != NULL) {
        const char *subject = shoal_arena_printf(
            call->arena, "follow:%lld", (long long)subscribe->follow.id);
        code = shoal_held_add(tx, "follow.request", subject, subscribe->held, err);
    }
    return code;
}

// A channel of this server is asked for it here, as the federation asks for those of others.
static int ask(struct shoal_call *call, const struct catalog_actor *target,
    struct shoal_decision *decision, struct shoal_err *err)
{
    if (!target->is_local || !shoal_hook_heard("follow.request")) {
        return 0;
    }
    json_t *payload = json_pack("{s:{s:s, s:s, s:b}, s:{s:I, s:s, s:s, s:b}, s:s}", "follower", "name",
        call->viewer.username, "host", catalog_host(call), "isLocal", 1, "target", "id",
        (json_int_t)target->id, "name", target->name, "type", target->kind, "isLocal", 1, "host",
        catalog_host(call));
    enum shoal_verdict verdict = shoal_fire_decide(call, "follow.request", payload, decision);
    json_decref(payload);
    if (verdict != SHOAL_REFUSE) {
        return 0;
    }
    return shoal_fail(err, decision->failed ? SHOAL_EBUSY : SHOAL_EFORBIDDEN, "%s",
        decision->sentence[0] != '\0' ? decision->sentence : "this channel is not open to you");
}

int shoal_subscription_add(struct shoal_call *call, const char *handle, struct shoal_err *err)
{
    struct catalog_actor target;
    struct shoal_decision decision = {0};
    struct subscribe subscribe = {0};
    int code = sides_find(call, "write", handle, &subscribe.follow.follower_id, &target, err);
    code = code == 0 ? catalog_actor_may(call, handle, "no channel here has that name", err) : code;
    if (code == 0 && target.id == subscribe.follow.follower_id) {
        code = shoal_fail_field(err, "uri", "that is your own account");
    }
    if (code == 0) {
        code = ask(call, &target, &decision, err);
    }
    if (code != 0) {
        return code;
    }
    bool is_held = decision.verdict == SHOAL_HOLD;
    subscribe.follow.target_id = target.id;
    subscribe.follow.state =
        target.is_local && !is_held ? SHOAL_FOLLOW_ACCEPTED : SHOAL_FOLLOW_PENDING;
    subscribe.held = is_held ? &decision : NULL;
    return shoal_tx(call, subscribe_tx, &subscribe, err);
}

int shoal_subscription_remove(struct shoal_call *call, const char *handle, struct shoal_err *err)
{
    struct catalog_actor target;
    int64_t actor_id = 0;
    int code = sides_find(call, "write", handle, &actor_id, &target, err);
    code = code == 0 ? shoal_follow_remove(call, actor_id, target.id, false, err) : code;
    return code == SHOAL_ENOTFOUND ? shoal_fail(err, code, "Subscription not found") : code;
}

int shoal_subscription_state(struct shoal_call *call, const char *handle,
    enum shoal_follow_state *state, int64_t *followers, struct shoal_err *err)
{
    struct catalog_actor target;
    bool is_user = call->viewer.kind == SHOAL_VIEWER_USER;
    *state = SHOAL_FOLLOW_NONE;
    int code = shoal_permission_call(call, "read", "follows", err);
    code = code == 0 ? catalog_actor_by_handle(call, handle, &target, err) : code;
    if (code != 0) {
        return code;
    }
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &subscription_state,
        SHOAL_ARGS(
            SHOAL_I64(target.id), SHOAL_I64(is_user ? call->viewer.account_id : 0)), err);
    if (rows != NULL && shoal_rows_next(rows)) {
        *followers = shoal_col_i64(rows, 0);
        *state = (enum shoal_follow_state)shoal_col_i64(rows, 1);
    }
    return rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
}

static json_t *subscription_json(
    struct shoal_call *call, int64_t actor_id, int64_t target_id, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &subscription_one,
        SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_I64(target_id)), err);
    bool found = rows != NULL && shoal_rows_next(rows);
    enum shoal_follow_state state = SHOAL_FOLLOW_NONE;
    int64_t created_ms = 0, channel_id = 0, account_id = 0;
    if (found) {
        state = (enum shoal_follow_state)shoal_col_i64(rows, 0);
        created_ms = shoal_col_i64(rows, 1);
        channel_id = shoal_col_i64(rows, 2);
        account_id = shoal_col_i64(rows, 3);
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0) {
        return NULL;
    }
    if (channel_id == 0 && account_id == 0) {
        shoal_fail(err, SHOAL_ENOTFOUND, "Subscription not found");
        return NULL;
    }
    json_t *out = channel_id != 0 ? catalog_channel_json(call, channel_id, false, err)
                                  : catalog_account_json(call, account_id, false, err);
    if (out != NULL) {
        json_object_set_new(out, "subscription",
            json_pack("{s:s, s:o}", "state", catalog_follow_state_name(state), "createdAt",
                catalog_time(created_ms)));
    }
    return out;
}

json_t *shoal_subscription_get(struct shoal_call *call, const char *handle, struct shoal_err *err)
{
    struct catalog_actor target;
    int64_t actor_id = 0;
    return sides_find(call, "read", handle, &actor_id, &target, err) == 0
               ? subscription_json(call, actor_id, target.id, err)
               : NULL;
}

json_t *shoal_subscription_list(
    struct shoal_call *call, const json_t *query, struct shoal_err *err)
{
    // The number of a subscription grows with its time.
    static const char *const sorts[] = {"createdAt", "channelUpdatedAt", "id", NULL};
    static const struct shoal_sql *const lists[2][2][2] = {
        {{&subscribed_channels, &subscribed_channels_down},
            {&subscribed_channels_new, &subscribed_channels_new_down}},
        {{&subscribed_accounts, &subscribed_accounts_down},
            {&subscribed_accounts_new, &subscribed_accounts_new_down}}};
    bool accounts = shoal_flag(query, "accounts", false);
    const char *search = shoal_text(query, "search", NULL);
    struct catalog_page page;
    int64_t actor_id = 0, total = 0;
    int64_t ids[100];
    size_t count = 0;
    struct shoal_db *db = shoal_call_db(call);
    if (shoal_permission_call(call, "read", "follows", err) != 0 ||
        catalog_page_read(query, sorts, "-createdAt", &page, err) != 0 ||
        catalog_subscriber(call, &actor_id, err) != 0) {
        return NULL;
    }
    const struct shoal_value args[] = {SHOAL_I64(actor_id),
        SHOAL_TEXT(search == NULL || search[0] == '\0' ? NULL : catalog_like(call->arena, search)),
        SHOAL_I64(page.count), SHOAL_I64(page.start)};
    if (shoal_db_i64(db, accounts ? &subscribed_accounts_count : &subscribed_channels_count, args, 2,
            &total, err) != 0) {
        return NULL;
    }
    if (catalog_ids_read(db, lists[accounts][page.sort == 1][page.is_down], args, 4, ids, 100,
            &count, err) != 0) {
        return NULL;
    }
    json_t *data = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *one = subscription_json(call, actor_id, ids[i], NULL);
        if (one != NULL) {
            json_array_append_new(data, one);
        }
    }
    return json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data);
}
