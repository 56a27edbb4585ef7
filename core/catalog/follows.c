// follows.c - one follow: made, moved from state to state, ended; both sides are counted.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "base/sized.h"
#include "catalog/follows_priv.h"
#include "host/permissions.h"

SHOAL_SQL(follow_find,
    "SELECT id, state, url, score, last_error, created, updated, follower_id, target_id "
    "FROM catalog_follow WHERE follower_id = $1 AND target_id = $2");
SHOAL_SQL(follow_by_id,
    "SELECT id, state, url, score, last_error, created, updated, follower_id, target_id "
    "FROM catalog_follow WHERE id = $1");
SHOAL_SQL(follow_add,
    "INSERT INTO catalog_follow (follower_id, target_id, state, url, created, updated) "
    "VALUES ($1, $2, $3, $4, $5, $5) RETURNING id");
SHOAL_SQL(follow_set, "UPDATE catalog_follow SET state = $2, "
                      "url = COALESCE(CAST($3 AS TEXT), url), updated = $4 WHERE id = $1");
SHOAL_SQL(follow_drop, "DELETE FROM catalog_follow WHERE id = $1");
// How many an actor of another server has in all its own server says; we add what we know of.
SHOAL_SQL(follow_count_followers, "UPDATE catalog_actor SET followers = CASE WHEN followers + $2 < 0 "
                                  "THEN 0 ELSE followers + $2 END WHERE id = $1");
SHOAL_SQL(follow_count_following, "UPDATE catalog_actor SET following = CASE WHEN following + $2 < 0 "
                                  "THEN 0 ELSE following + $2 END WHERE id = $1");
SHOAL_SQL(follow_score_followers,
    "UPDATE catalog_follow SET score = $2, last_error = $3 WHERE follower_id IN "
    "(SELECT x.id FROM catalog_actor x WHERE x.host = $1)");
SHOAL_SQL(follow_score_targets,
    "UPDATE catalog_follow SET score = $2, last_error = $3 WHERE target_id IN "
    "(SELECT x.id FROM catalog_actor x WHERE x.host = $1)");
SHOAL_SQL(follows_of_one,
    "SELECT id FROM catalog_follow WHERE follower_id = $1 OR target_id = $1 LIMIT 200");
SHOAL_SQL(follow_actor_next,
    "SELECT x.id FROM catalog_actor x WHERE x.id > $3 AND (x.id IN (SELECT c.actor_id "
    "FROM catalog_channel c WHERE c.account_id = $1 OR c.id = $2) OR x.id IN (SELECT a.actor_id "
    "FROM catalog_account a WHERE a.id = $1)) ORDER BY x.id LIMIT 1");

#define LOT 200 // follows of follows_of_one

const char *catalog_follow_state_name(enum shoal_follow_state state)
{
    return state == SHOAL_FOLLOW_ACCEPTED   ? "accepted"
           : state == SHOAL_FOLLOW_REJECTED ? "rejected"
                                            : "pending";
}

static int follow_read(struct shoal_call *call, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, struct shoal_follow *out, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), sql, args, count, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        *out = (struct shoal_follow){
            .id = shoal_col_i64(rows, 0),
            .state = (enum shoal_follow_state)shoal_col_i64(rows, 1),
            .url = catalog_col_text(call, rows, 2),
            .score = shoal_col_i64(rows, 3),
            .last_error = catalog_col_text(call, rows, 4),
            .created_ms = shoal_col_i64(rows, 5),
            .updated_ms = shoal_col_i64(rows, 6),
            .follower_id = shoal_col_i64(rows, 7),
            .target_id = shoal_col_i64(rows, 8),
        };
        out->before = out->state;
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "Follow not found");
}

static json_t *side_json(struct shoal_call *call, const struct catalog_actor *actor)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:b}", "id", (json_int_t)actor->id, "type",
        actor->kind, "name", actor->name, "host", actor->is_local ? catalog_host(call) : actor->host,
        "url", catalog_actor_url(call, actor), "isLocal", actor->is_local);
}

// Whoever answers it, or takes it back: it is held no more.
static int unhold(
    struct shoal_call *call, struct shoal_db *tx, int64_t follow_id, struct shoal_err *err)
{
    return shoal_held_remove(tx, "follow.request",
        shoal_arena_printf(call->arena, "follow:%lld", (long long)follow_id), err);
}

struct change {
    struct shoal_follow *follow;
    struct catalog_actor follower, target;
};

static int tell(struct shoal_call *call, struct shoal_db *tx, const struct change *change,
    const char *what, struct shoal_err *err)
{
    const struct shoal_follow *follow = change->follow;
    const struct shoal_viewer *viewer = &call->viewer;
    if (!shoal_hook_heard("follow.changed")) {
        return 0;
    }
    json_t *event = json_pack("{s:I, s:o, s:o, s:s, s:s, s:s?, s:b, s:s?}", "id",
        (json_int_t)follow->id, "follower", side_json(call, &change->follower), "target",
        side_json(call, &change->target), "what", what, "before",
        follow->before == SHOAL_FOLLOW_NONE ? "none" : catalog_follow_state_name(follow->before), "url",
        follow->url, "by_peer", follow->by_peer, "by",
        viewer->username != NULL ? viewer->username : viewer->actor_url);
    int code = shoal_fire_durable(tx, "follow.changed", event, err);
    json_decref(event);
    return code;
}

// What follows from a follow that became accepted or is so no more.
static int count(struct shoal_call *call, struct shoal_db *tx, const struct change *change,
    enum shoal_follow_state now, struct shoal_err *err)
{
    int delta = (now == SHOAL_FOLLOW_ACCEPTED) - (change->follow->before == SHOAL_FOLLOW_ACCEPTED);
    int code = 0;
    if (delta != 0) {
        code = shoal_db_exec(tx, &follow_count_followers,
            SHOAL_ARGS(SHOAL_I64(change->target.id), SHOAL_I64(delta)), NULL, err);
    }
    if (code == 0 && delta != 0) {
        code = shoal_db_exec(tx, &follow_count_following,
            SHOAL_ARGS(SHOAL_I64(change->follower.id), SHOAL_I64(delta)), NULL, err);
    }
    if (code != 0 || !change->follower.is_local) {
        return code; // ten thousand followers from elsewhere are no reason to make answers anew
    }
    if (delta != 0) {
        code = catalog_followed_look(call, tx, change->target.id, err);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

static int sides_read(struct shoal_call *call, struct change *change, struct shoal_err *err)
{
    const struct shoal_follow *follow = change->follow;
    int code = catalog_actor_by_id(call, follow->follower_id, &change->follower, err);
    if (code == 0) {
        code = catalog_actor_by_id(call, follow->target_id, &change->target, err);
    }
    if (code == 0 && follow->follower_id == follow->target_id) {
        code = shoal_fail(err, SHOAL_EINVAL, "nobody follows themselves");
    }
    if (code == 0 && !change->follower.is_local && !change->target.is_local) {
        code = shoal_fail(err, SHOAL_EINVAL, "neither side of this follow is of this server");
    }
    return code;
}

static int put_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct change *change = arg;
    struct shoal_follow *follow = change->follow;
    struct shoal_follow old = {.score = 10000};
    struct shoal_err none = {0};
    int64_t now_ms = shoal_now_ms();
    int code = sides_read(call, change, err);
    if (code != 0) {
        return code;
    }
    code = follow_read(call, &follow_find,
        SHOAL_ARGS(SHOAL_I64(follow->follower_id), SHOAL_I64(follow->target_id)), &old, &none);
    if (code != 0 && code != SHOAL_ENOTFOUND) {
        return shoal_fail(err, code, "%s", none.text);
    }
    bool is_new = code == SHOAL_ENOTFOUND;
    follow->id = old.id;
    follow->before = old.state;
    follow->score = old.score;
    follow->last_error = old.last_error;
    follow->created_ms = is_new ? now_ms : old.created_ms;
    follow->updated_ms = now_ms;
    code = is_new ? shoal_db_i64(tx, &follow_add,
                        SHOAL_ARGS(SHOAL_I64(follow->follower_id), SHOAL_I64(follow->target_id),
                            SHOAL_I64(follow->state), SHOAL_TEXT(follow->url), SHOAL_I64(now_ms)),
                        &follow->id, err)
                  : shoal_db_exec(tx, &follow_set,
                        SHOAL_ARGS(SHOAL_I64(old.id), SHOAL_I64(follow->state),
                            SHOAL_TEXT(follow->url), SHOAL_I64(now_ms)),
                        NULL, err);
    follow->url = follow->url != NULL ? follow->url : old.url;
    if (code != 0 || follow->before == follow->state) {
        return code;
    }
    code = follow->before == SHOAL_FOLLOW_PENDING ? unhold(call, tx, follow->id, err) : 0;
    code = code == 0 ? count(call, tx, change, follow->state, err) : code;
    return code != 0 ? code
                     : tell(call, tx, change,
                           follow->state == SHOAL_FOLLOW_PENDING
                               ? "asked"
                               : catalog_follow_state_name(follow->state),
                           err);
}

static int put(struct shoal_call *call, struct shoal_follow *follow, struct shoal_err *err)
{
    if (follow->state < SHOAL_FOLLOW_PENDING || follow->state > SHOAL_FOLLOW_REJECTED) {
        return shoal_fail(err, SHOAL_EINVAL, "a follow has no state %d", (int)follow->state);
    }
    struct change change = {.follow = follow};
    return shoal_tx(call, put_tx, &change, err);
}

int shoal_follow_put_sized(struct shoal_call *call, struct shoal_follow *follow,
    size_t follow_bytes, struct shoal_err *err)
{
    struct shoal_follow mine;
    shoal_sized_copy(&mine, sizeof mine, follow, follow_bytes);
    int code = shoal_permission_call(call, "write", "follows", err);
    code = code == 0 ? put(call, &mine, err) : code;
    if (code == 0) {
        shoal_sized_copy(follow, follow_bytes, &mine, sizeof mine);
    }
    return code;
}

int shoal_follow_get_sized(struct shoal_call *call, int64_t follower_id, int64_t target_id,
    struct shoal_follow *follow, size_t follow_bytes, struct shoal_err *err)
{
    struct shoal_follow mine;
    int code = shoal_permission_call(call, "read", "follows", err);
    if (code == 0) {
        code = follow_read(call, &follow_find,
            SHOAL_ARGS(SHOAL_I64(follower_id), SHOAL_I64(target_id)), &mine, err);
    }
    if (code == 0) {
        shoal_sized_copy(follow, follow_bytes, &mine, sizeof mine);
    }
    return code;
}

static int remove_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct change *change = arg;
    bool by_peer = change->follow->by_peer;
    int code = follow_read(call, &follow_find,
        SHOAL_ARGS(
            SHOAL_I64(change->follow->follower_id), SHOAL_I64(change->follow->target_id)),
        change->follow, err);
    change->follow->by_peer = by_peer;
    if (code == 0) {
        code = sides_read(call, change, err);
    }
    if (code == 0) {
        code = shoal_db_exec(
            tx, &follow_drop, SHOAL_ARGS(SHOAL_I64(change->follow->id)), NULL, err);
    }
    if (code == 0) {
        code = unhold(call, tx, change->follow->id, err);
    }
    if (code == 0) {
        code = count(call, tx, change, SHOAL_FOLLOW_NONE, err);
    }
    return code == 0 ? tell(call, tx, change, "removed", err) : code;
}

int shoal_follow_remove(struct shoal_call *call, int64_t follower_id, int64_t target_id,
    bool by_peer, struct shoal_err *err)
{
    struct shoal_follow follow = {
        .follower_id = follower_id, .target_id = target_id, .by_peer = by_peer};
    struct change change = {.follow = &follow};
    int code = shoal_permission_call(call, "write", "follows", err);
    return code == 0 ? shoal_tx(call, remove_tx, &change, err) : code;
}

struct score {
    const char *host, *why;
    int64_t score;
};

static int score_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct score *score = arg;
    const struct shoal_value args[] = {
        SHOAL_TEXT(score->host), SHOAL_I64(score->score), SHOAL_TEXT(score->why)};
    int code = shoal_db_exec(tx, &follow_score_followers, args, 3, NULL, err);
    return code == 0 ? shoal_db_exec(tx, &follow_score_targets, args, 3, NULL, err) : code;
}

int shoal_follow_score(struct shoal_call *call, const char *host, int64_t score, const char *why,
    struct shoal_err *err)
{
    struct score change = {.host = catalog_fold(call->arena, host),
        .why = why == NULL ? NULL : shoal_arena_strndup(call->arena, why, strnlen(why, 500)),
        .score = score < 0 ? 0 : score > 10000 ? 10000 : score};
    int code = shoal_permission_call(call, "write", "follows", err);
    if (code == 0 && change.host[0] == '\0') {
        code = shoal_fail_field(err, "host", "the host of another server is missing");
    }
    return code == 0 ? shoal_tx(call, score_tx, &change, err) : code;
}

// Ends one follow of an actor that goes. Its own followers hear of its end, not of each follow's.
static int forget_one(struct shoal_call *call, struct shoal_db *tx, int64_t id, int64_t actor_id,
    struct shoal_err *err)
{
    struct shoal_follow follow = {0};
    struct change change = {.follow = &follow};
    int code = follow_read(call, &follow_by_id, SHOAL_ARGS(SHOAL_I64(id)), &follow, err);
    code = code == 0 ? sides_read(call, &change, err) : code;
    code = code == 0 ? shoal_db_exec(tx, &follow_drop, SHOAL_ARGS(SHOAL_I64(id)), NULL, err) : code;
    code = code == 0 ? unhold(call, tx, id, err) : code;
    code = code == 0 ? count(call, tx, &change, SHOAL_FOLLOW_NONE, err) : code;
    bool is_heard = follow.follower_id == actor_id && !change.target.is_local;
    return code == 0 && is_heard ? tell(call, tx, &change, "removed", err) : code;
}

static int forget_actor(
    struct shoal_call *call, struct shoal_db *tx, int64_t actor_id, struct shoal_err *err)
{
    for (;;) {
        int64_t ids[LOT];
        size_t count = 0;
        int code = catalog_ids_read(
            tx, &follows_of_one, SHOAL_ARGS(SHOAL_I64(actor_id)), ids, LOT, &count, err);
        for (size_t i = 0; i < count && code == 0; i++) {
            code = forget_one(call, tx, ids[i], actor_id, err);
        }
        if (code != 0 || count < LOT) {
            return code;
        }
    }
}

int catalog_follows_forget(struct shoal_call *call, struct shoal_db *tx, int64_t account_id,
    int64_t channel_id, struct shoal_err *err)
{
    for (int64_t last = 0;;) {
        int64_t actor_id = 0;
        int code = shoal_db_i64(tx, &follow_actor_next,
            SHOAL_ARGS(SHOAL_I64(account_id), SHOAL_I64(channel_id), SHOAL_I64(last)), &actor_id,
            err);
        if (code == SHOAL_ENOTFOUND) {
            return 0;
        }
        code = code == 0 ? forget_actor(call, tx, actor_id, err) : code;
        if (code != 0) {
            return code;
        }
        last = actor_id;
    }
}

int catalog_follow_resume(struct shoal_call *call, const char *hook, const char *subject,
    bool released, const char *sentence, void *arg, struct shoal_err *err)
{
    (void)hook;
    (void)sentence;
    (void)arg;
    struct shoal_follow follow = {0};
    int64_t id = strncmp(subject, "follow:", 7) == 0 ? strtoll(subject + 7, NULL, 10) : 0;
    int code = follow_read(call, &follow_by_id, SHOAL_ARGS(SHOAL_I64(id)), &follow, err);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code; // taken back meanwhile
    }
    follow.state = released ? SHOAL_FOLLOW_ACCEPTED : SHOAL_FOLLOW_REJECTED;
    return put(call, &follow, err);
}
