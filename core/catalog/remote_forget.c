// remote_forget.c - actors of other servers that nobody needs any more go, a few at a time.
//
// Needed is who follows or is followed, shared a video, or has channels or videos here; who was asked for in
// thirty days; and of whom a plugin says so (actor.forget). The row says when that was last known: each hour
// the oldest of these are looked at, and who is needed comes again after thirty days. Being asked for is
// noted in memory, once a day for each actor, since reading must not write.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <string.h>

#include "catalog/remote_priv.h"

#define UNUSED_MS (30 * CATALOG_DAY_MS)
#define LOT       200
#define LOTS      10   // each hour
#define ASKED_MAX 4096 // noted; beyond, nobody is forgotten this time
#define SLOTS     (2 * ASKED_MAX)

#define NEEDED_SQL                                                                                 \
    "CASE WHEN EXISTS (SELECT 1 FROM catalog_follow f WHERE f.follower_id = x.id) "                \
    "OR EXISTS (SELECT 1 FROM catalog_follow f WHERE f.target_id = x.id) "                         \
    "OR EXISTS (SELECT 1 FROM catalog_share s WHERE s.actor_id = x.id) "                           \
    "OR EXISTS (SELECT 1 FROM catalog_account a JOIN catalog_channel c ON c.account_id = a.id "    \
    "WHERE a.actor_id = x.id) "                                                                    \
    "OR EXISTS (SELECT 1 FROM catalog_channel c JOIN catalog_video v ON v.channel_id = c.id "      \
    "WHERE c.actor_id = x.id) THEN 1 ELSE 0 END "
SHOAL_SQL(unused_list, "SELECT x.id, x.name, x.host, " NEEDED_SQL ", "
                       "COALESCE((SELECT a.id FROM catalog_account a WHERE a.actor_id = x.id), 0), "
                       "COALESCE((SELECT c.id FROM catalog_channel c WHERE c.actor_id = x.id), 0) "
                       "FROM catalog_actor x WHERE x.host <> '' AND x.needed < $1 "
                       "ORDER BY x.needed, x.id LIMIT CAST($2 AS BIGINT)");
SHOAL_SQL(unused_still,
    "SELECT " NEEDED_SQL "FROM catalog_actor x WHERE x.id = $1 AND x.host <> '' AND x.needed < $2");
SHOAL_SQL(needed_set, "UPDATE catalog_actor SET needed = $2 WHERE id = $1");

struct unused {
    int64_t id, account_id, channel_id;
    const char *name, *host;
    bool is_needed;
};

static struct {
    pthread_mutex_t lock;
    int64_t ids[SLOTS]; // 0: free
    size_t count;
} asked = {.lock = PTHREAD_MUTEX_INITIALIZER};

static size_t slot_of(int64_t id)
{
    size_t at = (size_t)id % SLOTS;
    while (asked.ids[at] != 0 && asked.ids[at] != id) {
        at = (at + 1) % SLOTS;
    }
    return at;
}

void catalog_actor_asked(int64_t id, int64_t needed_ms)
{
    if (id <= 0 || shoal_now_ms() - needed_ms < CATALOG_DAY_MS) {
        return;
    }
    pthread_mutex_lock(&asked.lock);
    if (asked.count < ASKED_MAX) {
        size_t at = slot_of(id);
        asked.count += asked.ids[at] == 0 ? 1 : 0;
        asked.ids[at] = id;
    }
    pthread_mutex_unlock(&asked.lock);
}

// Whether somebody asked for an actor since the notes were written down.
static bool was_asked(int64_t id)
{
    pthread_mutex_lock(&asked.lock);
    bool was = asked.count >= ASKED_MAX || asked.ids[slot_of(id)] == id;
    pthread_mutex_unlock(&asked.lock);
    return was;
}

struct marks {
    const int64_t *ids;
    size_t count;
};

static int marks_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct marks *marks = arg;
    int code = 0;
    for (size_t i = 0; i < marks->count && code == 0; i++) {
        code = shoal_db_exec(tx, &needed_set,
            SHOAL_ARGS(SHOAL_I64(marks->ids[i]), SHOAL_TIME(shoal_now_ms())), NULL, err);
    }
    return code;
}

static int mark_all(
    struct shoal_call *call, const int64_t *ids, size_t count, struct shoal_err *err)
{
    int code = 0;
    for (size_t at = 0; at < count && code == 0; at += LOT) {
        struct marks lot = {ids + at, count - at < LOT ? count - at : LOT};
        code = shoal_tx(call, marks_tx, &lot, err);
    }
    return code;
}

static int asked_write(struct shoal_call *call, bool *is_full, struct shoal_err *err)
{
    int64_t *ids = shoal_arena_alloc(call->arena, ASKED_MAX * sizeof *ids);
    size_t count = 0;
    pthread_mutex_lock(&asked.lock);
    for (size_t i = 0; i < SLOTS; i++) {
        if (asked.ids[i] != 0) {
            ids[count++] = asked.ids[i];
        }
    }
    memset(asked.ids, 0, sizeof asked.ids);
    asked.count = 0;
    pthread_mutex_unlock(&asked.lock);
    *is_full = count >= ASKED_MAX;
    return mark_all(call, ids, count, err);
}

static int list(struct shoal_call *call, int64_t before_ms, struct unused *out, size_t *count,
    struct shoal_err *err)
{
    *count = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &unused_list,
        SHOAL_ARGS(SHOAL_TIME(before_ms), SHOAL_I64(LOT)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (*count < LOT && shoal_rows_next(rows)) {
        out[(*count)++] = (struct unused){.id = shoal_col_i64(rows, 0),
            .name = catalog_col_text(call, rows, 1),
            .host = catalog_col_text(call, rows, 2),
            .is_needed = shoal_col_i64(rows, 3) != 0,
            .account_id = shoal_col_i64(rows, 4),
            .channel_id = shoal_col_i64(rows, 5)};
    }
    return shoal_rows_close(rows, err);
}

static bool plugins_need(struct shoal_call *call, const struct unused *actor)
{
    struct shoal_decision decision = {0};
    if (!shoal_hook_heard("actor.forget")) {
        return false;
    }
    json_t *event = json_pack("{s:{s:I, s:I, s:I, s:s, s:s}}", "actor", "id", (json_int_t)actor->id,
        "accountId", (json_int_t)actor->account_id, "channelId", (json_int_t)actor->channel_id, "name",
        actor->name, "host", actor->host);
    enum shoal_verdict verdict = shoal_fire_decide(call, "actor.forget", event, &decision);
    json_decref(event);
    return verdict != SHOAL_PASS;
}

// Looked at once more by the one writer: somebody may have asked for it, or begun to need it.
static int forget_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct unused *actor = arg;
    int64_t is_needed = 0;
    int code = shoal_db_i64(tx, &unused_still,
        SHOAL_ARGS(SHOAL_I64(actor->id), SHOAL_TIME(shoal_now_ms() - UNUSED_MS)), &is_needed, err);
    bool stays = code == SHOAL_ENOTFOUND || (code == 0 && (is_needed != 0 || was_asked(actor->id)));
    return stays ? 0 : code == 0 ? catalog_remote_actor_drop(call, tx, actor->id, err) : code;
}

int catalog_remote_forget(struct shoal_call *call, struct shoal_err *err)
{
    struct unused *all = shoal_arena_alloc(call->arena, LOT * sizeof *all);
    int64_t needed[LOT];
    bool is_full = false;
    size_t count = LOT;
    size_t gone = 0;
    int code = asked_write(call, &is_full, err);
    for (int i = 0; i < LOTS && count == LOT && code == 0 && !is_full; i++) {
        size_t kept = 0;
        code = list(call, shoal_now_ms() - UNUSED_MS, all, &count, err);
        for (size_t k = 0; k < count && code == 0 && !shoal_call_cancelled(call); k++) {
            if (all[k].is_needed || plugins_need(call, &all[k])) {
                needed[kept++] = all[k].id;
            } else {
                code = shoal_tx(call, forget_tx, &all[k], err);
                gone++;
            }
        }
        code = code == 0 ? mark_all(call, needed, kept, err) : code;
    }
    if (gone > 0) {
        shoal_info("looked after %zu actors of other servers that nobody needed", gone);
    }
    return code;
}
