// follows_list.c - lists of follows, as the API and as followers collections show them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/follows_priv.h"
#include "host/permissions.h"

// f: the follow; o: its other side. $1: the actor whose list it is. $2: followers of its channels too.
#define FOLLOWERS_SQL                                                                              \
    "FROM catalog_follow f JOIN catalog_actor o ON o.id = f.follower_id "                          \
    "WHERE f.target_id IN (SELECT CAST($1 AS BIGINT) UNION ALL SELECT c.actor_id "                 \
    "FROM catalog_channel c JOIN catalog_account a ON a.id = c.account_id "                        \
    "WHERE a.actor_id = CAST($1 AS BIGINT) AND CAST($2 AS BOOLEAN) = TRUE) "
#define FOLLOWING_SQL                                                                              \
    "FROM catalog_follow f JOIN catalog_actor o ON o.id = f.target_id "                            \
    "WHERE f.follower_id = CAST($1 AS BIGINT) AND CAST($2 AS BOOLEAN) = FALSE "
#define FILTER_SQL                                                                                 \
    "AND (CAST($3 AS BIGINT) IS NULL OR f.state = CAST($3 AS BIGINT)) "                            \
    "AND (CAST($4 AS TEXT) IS NULL OR o.kind = CAST($4 AS TEXT)) "                                 \
    "AND (CAST($5 AS TEXT) IS NULL OR o.host = CAST($5 AS TEXT)) "                                 \
    "AND (CAST($6 AS TEXT) IS NULL OR LOWER(o.name || '@' || CASE WHEN o.host = '' "               \
    "THEN CAST($7 AS TEXT) ELSE o.host END) LIKE CAST($6 AS TEXT) ESCAPE '\\') "
#define FILTERS 7
#define PAGE_SQL " LIMIT CAST($8 AS BIGINT) OFFSET CAST($9 AS BIGINT)"
#define LIST_SQL(id, by)                                                                           \
    SHOAL_SQL(followers_##id, "SELECT f.id " FOLLOWERS_SQL FILTER_SQL "ORDER BY " by PAGE_SQL);    \
    SHOAL_SQL(following_##id, "SELECT f.id " FOLLOWING_SQL FILTER_SQL "ORDER BY " by PAGE_SQL)
LIST_SQL(created, "f.created, f.id");
LIST_SQL(created_down, "f.created DESC, f.id DESC");
LIST_SQL(state, "f.state, f.id");
LIST_SQL(state_down, "f.state DESC, f.id DESC");
LIST_SQL(score, "f.score, f.id");
LIST_SQL(score_down, "f.score DESC, f.id DESC");
SHOAL_SQL(followers_count, "SELECT COUNT(*) " FOLLOWERS_SQL FILTER_SQL);
SHOAL_SQL(following_count, "SELECT COUNT(*) " FOLLOWING_SQL FILTER_SQL);
SHOAL_SQL(follow_show, "SELECT follower_id, target_id, state, score, created, updated "
                       "FROM catalog_follow WHERE id = $1");
SHOAL_SQL(follow_side, "SELECT followers, following, created FROM catalog_actor WHERE id = $1");
SHOAL_SQL(follow_owner,
    "SELECT c.account_id FROM catalog_channel c WHERE c.actor_id = $1 "
    "UNION ALL SELECT a.id FROM catalog_account a WHERE a.actor_id = $1");
SHOAL_SQL(follow_urls_followers,
    "SELECT f.follower_id FROM catalog_follow f WHERE f.target_id = $1 AND f.state = 2 "
    "ORDER BY f.id DESC LIMIT CAST($2 AS BIGINT) OFFSET CAST($3 AS BIGINT)");
SHOAL_SQL(follow_urls_following,
    "SELECT f.target_id FROM catalog_follow f WHERE f.follower_id = $1 AND f.state = 2 "
    "ORDER BY f.id DESC LIMIT CAST($2 AS BIGINT) OFFSET CAST($3 AS BIGINT)");
SHOAL_SQL(follow_urls_followers_count,
    "SELECT COUNT(*) FROM catalog_follow WHERE target_id = $1 AND state = 2");
SHOAL_SQL(follow_urls_following_count,
    "SELECT COUNT(*) FROM catalog_follow WHERE follower_id = $1 AND state = 2");

// Redundancy is nobody's here: that order is the one of the numbers.
static const char *const sorts[] = {"createdAt", "state", "score", "redundancyAllowed", NULL};
static const struct shoal_sql *const lists[2][4][2] = {
    {{&followers_created, &followers_created_down}, {&followers_state, &followers_state_down},
        {&followers_score, &followers_score_down}, {&followers_created, &followers_created_down}},
    {{&following_created, &following_created_down}, {&following_state, &following_state_down},
        {&following_score, &following_score_down}, {&following_created, &following_created_down}},
};

// An actor as PeerTube shows it in a follow.
static json_t *side_json(struct shoal_call *call, int64_t actor_id, struct shoal_err *err)
{
    struct catalog_actor actor;
    if (catalog_actor_by_id(call, actor_id, &actor, err) != 0) {
        return NULL;
    }
    json_t *out = json_pack("{s:I, s:s, s:s, s:s, s:b}", "id", (json_int_t)actor.id, "url",
        catalog_actor_url(call, &actor), "name", actor.name, "host",
        actor.is_local ? catalog_host(call) : actor.host, "hostRedundancyAllowed", 0);
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &follow_side, SHOAL_ARGS(SHOAL_I64(actor_id)), err);
    if (rows != NULL && shoal_rows_next(rows)) {
        json_object_set_new(out, "followersCount", json_integer(shoal_col_i64(rows, 0)));
        json_object_set_new(out, "followingCount", json_integer(shoal_col_i64(rows, 1)));
        json_object_set_new(out, "createdAt", catalog_time(shoal_col_i64(rows, 2)));
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    if (code == 0) {
        code = catalog_actor_images_add(call, out, actor_id, CATALOG_AVATAR, err);
    }
    if (code != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

// NULL without an error: it is gone.
static json_t *follow_json(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &follow_show, SHOAL_ARGS(SHOAL_I64(id)), err);
    json_t *out = NULL;
    int64_t follower_id = 0;
    int64_t target_id = 0;
    if (rows != NULL && shoal_rows_next(rows)) {
        follower_id = shoal_col_i64(rows, 0);
        target_id = shoal_col_i64(rows, 1);
        out = json_pack("{s:I, s:I, s:s, s:o, s:o}", "id", (json_int_t)id, "score",
            (json_int_t)shoal_col_i64(rows, 3), "state",
            catalog_follow_state_name((enum shoal_follow_state)shoal_col_i64(rows, 2)), "createdAt",
            catalog_time(shoal_col_i64(rows, 4)), "updatedAt",
            catalog_time(shoal_col_i64(rows, 5)));
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0 || out == NULL) {
        json_decref(out);
        return NULL;
    }
    json_t *follower = side_json(call, follower_id, err);
    json_t *target = follower == NULL ? NULL : side_json(call, target_id, err);
    if (target == NULL) {
        json_decref(follower);
        json_decref(out);
        return NULL;
    }
    json_object_set_new(out, "follower", follower);
    json_object_set_new(out, "following", target);
    return out;
}

// Who follows a channel is for those who may change it; the instance's follows are everybody's.
static int may_see(
    struct shoal_call *call, const struct catalog_actor *actor, struct shoal_err *err)
{
    int64_t account_id = 0;
    if (strcmp(actor->kind, "Application") == 0 || call->viewer.kind == SHOAL_VIEWER_SYSTEM) {
        return 0;
    }
    int code = catalog_need_user(&call->viewer, err);
    if (code == 0 && !catalog_is_staff(&call->viewer)) {
        code = shoal_db_i64(shoal_call_db(call), &follow_owner, SHOAL_ARGS(SHOAL_I64(actor->id)),
            &account_id, err);
    }
    if (code != 0 || catalog_is_staff(&call->viewer)) {
        return code;
    }
    return actor->is_local && account_id == call->viewer.account_id
               ? 0
               : shoal_fail(err, SHOAL_EFORBIDDEN, "these are the followers of somebody else");
}

static int state_read(const json_t *query, struct shoal_value *out, struct shoal_err *err)
{
    const char *name = shoal_text(query, "state", NULL);
    if (name == NULL) {
        return 0;
    }
    for (int state = SHOAL_FOLLOW_PENDING; state <= SHOAL_FOLLOW_REJECTED; state++) {
        if (strcmp(name, catalog_follow_state_name((enum shoal_follow_state)state)) == 0) {
            *out = SHOAL_I64(state);
            return 0;
        }
    }
    return shoal_fail_field(err, "state", "Should have a valid state (pending, accepted, rejected)");
}

static int kind_read(const json_t *query, struct shoal_value *out, struct shoal_err *err)
{
    static const char *const kinds[] = {
        "Person", "Application", "Group", "Service", "Organization"};
    const char *kind = shoal_text(query, "actorType", NULL);
    for (size_t i = 0; kind != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kind, kinds[i]) == 0) {
            *out = SHOAL_TEXT(kinds[i]);
            return 0;
        }
    }
    return kind == NULL ? 0
                        : shoal_fail_field(err, "actorType", "Should have a valid actorType");
}

static int filters_read(struct shoal_call *call, const json_t *query,
    struct shoal_value args[FILTERS], struct shoal_err *err)
{
    const char *search = shoal_text(query, "search", NULL);
    const char *host = shoal_text(query, "host", NULL);
    args[1] = SHOAL_BOOL(shoal_flag(query, "withChannels", false));
    args[6] = SHOAL_TEXT(catalog_host(call));
    if (search != NULL && search[0] != '\0') {
        args[5] = SHOAL_TEXT(catalog_like(call->arena, search));
    }
    if (host != NULL) {
        args[4] = SHOAL_TEXT(
            strcmp(host, catalog_host(call)) == 0 ? "" : catalog_fold(call->arena, host));
    }
    int code = state_read(query, &args[2], err);
    return code == 0 ? kind_read(query, &args[3], err) : code;
}

json_t *shoal_follow_list(struct shoal_call *call, const json_t *query, struct shoal_err *err)
{
    const char *target = shoal_text(query, "target", NULL);
    const char *follower = shoal_text(query, "follower", NULL);
    struct catalog_actor actor;
    struct catalog_page page;
    struct shoal_value args[FILTERS + 2] = {0};
    int64_t ids[100];
    size_t count = 0;
    int64_t total = 0;
    if (shoal_permission_call(call, "read", "follows", err) != 0) {
        return NULL;
    }
    if ((target == NULL) == (follower == NULL)) {
        shoal_fail_field(err, "target", "a list of follows is of one target or of one follower");
        return NULL;
    }
    int side = target == NULL; // 0: followers, 1: following
    if (catalog_page_read(query, sorts, "-createdAt", &page, err) != 0 ||
        filters_read(call, query, args, err) != 0 ||
        catalog_actor_by_handle(call, side == 0 ? target : follower, &actor, err) != 0 ||
        may_see(call, &actor, err) != 0) {
        return NULL;
    }
    args[0] = SHOAL_I64(actor.id);
    args[FILTERS] = SHOAL_I64(page.count);
    args[FILTERS + 1] = SHOAL_I64(page.start);
    if (shoal_db_i64(shoal_call_db(call), side == 0 ? &followers_count : &following_count, args,
            FILTERS, &total, err) != 0 ||
        catalog_ids_read(shoal_call_db(call), lists[side][page.sort][page.is_down], args, FILTERS + 2, ids, 100, &count,
            err) != 0) {
        return NULL;
    }
    json_t *data = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *follow = follow_json(call, ids[i], NULL);
        if (follow != NULL) {
            json_array_append_new(data, follow);
        }
    }
    return json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data);
}

json_t *shoal_follow_urls(struct shoal_call *call, int64_t actor_id, bool followers, int64_t start,
    int64_t count, struct shoal_err *err)
{
    int64_t total = 0;
    size_t found = 0;
    int64_t *ids = shoal_arena_alloc(call->arena, 1000 * sizeof *ids);
    const struct shoal_value args[] = {SHOAL_I64(actor_id), SHOAL_I64(catalog_page_size(count)),
        SHOAL_I64(start < 0 ? 0 : start)};
    if (shoal_permission_call(call, "read", "follows", err) != 0 ||
        shoal_db_i64(shoal_call_db(call),
            followers ? &follow_urls_followers_count : &follow_urls_following_count, args, 1, &total,
            err) != 0 ||
        catalog_ids_read(shoal_call_db(call), followers ? &follow_urls_followers : &follow_urls_following, args, 3, ids,
            1000, &found, err) != 0) {
        return NULL;
    }
    json_t *data = json_array();
    for (size_t i = 0; i < found; i++) {
        struct catalog_actor actor;
        if (catalog_actor_by_id(call, ids[i], &actor, NULL) == 0) {
            json_array_append_new(data, json_string(catalog_actor_url(call, &actor)));
        }
    }
    return json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data);
}
