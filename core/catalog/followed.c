// followed.c - whether lists show a video of another server: when where it comes from is followed.
//
// A follow of its channel, its account, its server or somebody who shared it counts; of a server that
// is hidden nothing does. The answer stands in catalog_video.followed, so that a list reads it with the
// row, and is looked at anew where one of these changes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/follows_priv.h"
#include "catalog/remote_priv.h"
#include "host/permissions.h"

#define PAGE 500 // videos of one transaction

#define LEVEL_SQL                                                                                  \
    "CASE WHEN EXISTS (SELECT 1 FROM catalog_channel c JOIN catalog_actor h ON h.id = c.actor_id " \
    "WHERE c.id = catalog_video.channel_id AND h.is_hidden = TRUE) THEN -1 ELSE "                  \
    "(SELECT COALESCE(MAX(CASE WHEN w.kind = 'Application' THEN 2 ELSE 1 END), 0) "                \
    "FROM catalog_follow f JOIN catalog_actor w ON w.id = f.follower_id AND w.host = '' "          \
    "WHERE f.state = 2 AND f.target_id IN ("                                                       \
    "SELECT c.actor_id FROM catalog_channel c WHERE c.id = catalog_video.channel_id "              \
    "UNION ALL SELECT a.actor_id FROM catalog_channel c JOIN catalog_account a "                   \
    "ON a.id = c.account_id WHERE c.id = catalog_video.channel_id "                                \
    "UNION ALL SELECT s.actor_id FROM catalog_share s WHERE s.video_id = catalog_video.id "        \
    "UNION ALL SELECT x.id FROM catalog_actor x WHERE x.host = catalog_video.origin_host "         \
    "AND x.kind = 'Application')) END "
SHOAL_SQL(followed_set, "UPDATE catalog_video SET followed = " LEVEL_SQL
                        "WHERE id = $1 AND origin_host <> '' AND followed <> " LEVEL_SQL);
// What an actor brings: its channel's or account's videos, those it shared, and, where it is a server,
// all of that server.
SHOAL_SQL(followed_of,
    "SELECT q.id FROM ("
    "SELECT v.id AS id FROM catalog_video v WHERE v.id > $2 AND v.origin_host <> '' "
    "AND v.channel_id IN (SELECT c.id FROM catalog_channel c WHERE c.actor_id = $1 "
    "UNION ALL SELECT c.id FROM catalog_channel c JOIN catalog_account a ON a.id = c.account_id "
    "WHERE a.actor_id = $1) "
    "UNION SELECT s.video_id FROM catalog_share s WHERE s.actor_id = $1 AND s.video_id > $2 "
    "UNION SELECT v.id FROM catalog_video v WHERE v.id > $2 AND v.origin_host <> '' "
    "AND v.origin_host = (SELECT x.host FROM catalog_actor x WHERE x.id = $1 "
    "AND x.kind = 'Application')) q ORDER BY q.id LIMIT 500");
SHOAL_SQL(followed_on,
    "SELECT v.id FROM catalog_video v WHERE v.id > $2 AND v.origin_host <> '' AND v.origin_host IN "
    "(SELECT x.host FROM catalog_actor x WHERE " CATALOG_HOST_IN_SQL("x.host", "CAST($1 AS TEXT)")
    ") ORDER BY v.id LIMIT 500");

enum catalog_followed catalog_followed_least(void)
{
    return catalog_setting_bool("video.list_subscribed", true) ? CATALOG_BY_USER
                                                                : CATALOG_BY_INSTANCE;
}

int catalog_followed_one(struct shoal_db *tx, int64_t video_id, bool *changed, struct shoal_err *err)
{
    int64_t count = 0;
    int code = shoal_db_exec(tx, &followed_set, SHOAL_ARGS(SHOAL_I64(video_id)), &count, err);
    *changed = *changed || count > 0;
    return code;
}

struct look {
    const char *host; // NULL: what the actor brings
    int64_t actor_id, after;
    size_t count;
};

static int page_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct look *look = arg;
    int64_t ids[PAGE];
    bool changed = false;
    struct shoal_value of =
        look->host != NULL ? SHOAL_TEXT(look->host) : SHOAL_I64(look->actor_id);
    int code = catalog_ids_read(tx, look->host != NULL ? &followed_on : &followed_of,
        SHOAL_ARGS(of, SHOAL_I64(look->after)), ids, PAGE, &look->count, err);
    for (size_t i = 0; i < look->count && code == 0; i++) {
        code = catalog_followed_one(tx, ids[i], &changed, err);
    }
    if (code == 0 && look->count > 0) {
        look->after = ids[look->count - 1];
    }
    return code == 0 && changed ? shoal_touch(call, tx, "catalog", err) : code;
}

// The first page at once, the rest in a job.
static int look_begin(
    struct shoal_call *call, struct shoal_db *tx, struct look *look, struct shoal_err *err)
{
    int code = page_tx(call, tx, look, err);
    if (code != 0 || look->count < PAGE) {
        return code;
    }
    json_t *payload = json_pack("{s:I, s:s?, s:I}", "actor_id", (json_int_t)look->actor_id, "host",
        look->host, "after", (json_int_t)look->after);
    struct shoal_job_options options = {0};
    code = shoal_job_add(NULL, tx, "followed", payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

int catalog_followed_look(
    struct shoal_call *call, struct shoal_db *tx, int64_t actor_id, struct shoal_err *err)
{
    struct look look = {.actor_id = actor_id};
    return look_begin(call, tx, &look, err);
}

int catalog_followed_look_host(
    struct shoal_call *call, struct shoal_db *tx, const char *host, struct shoal_err *err)
{
    struct look look = {.host = host};
    return look_begin(call, tx, &look, err);
}

int catalog_followed_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct look look = {.host = shoal_text(job->payload, "host", NULL),
        .actor_id = shoal_integer(job->payload, "actor_id", 0),
        .after = shoal_integer(job->payload, "after", 0)};
    int code = 0;
    do {
        if (shoal_call_cancelled(call)) {
            return SHOAL_ECANCELLED;
        }
        code = shoal_tx(call, page_tx, &look, err);
        code = code == 0 ? shoal_job_progress(call, job, 50) : code;
    } while (code == 0 && look.count == PAGE);
    return code;
}

static int listed_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    bool changed = false;
    int code = catalog_followed_one(tx, *(const int64_t *)arg, &changed, err);
    return code == 0 && changed ? shoal_touch(call, tx, "catalog", err) : code;
}

int shoal_video_listed(struct shoal_call *call, int64_t video_id, struct shoal_err *err)
{
    int code = shoal_permission_call(call, "write", "videos", err);
    return code == 0 ? shoal_tx(call, listed_tx, &video_id, err) : code;
}
