// follows_inboxes.c - where to send what followers on other servers should hear, a page at a time.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/follows_priv.h"
#include "host/permissions.h"

#define INBOXES_MAX 1000

SHOAL_SQL(follow_inboxes,
    "SELECT q.inbox, MIN(q.host) FROM (SELECT CASE WHEN COALESCE(x.shared_inbox_url, '') <> '' "
    "THEN x.shared_inbox_url ELSE COALESCE(x.inbox_url, '') END AS inbox, x.host AS host "
    "FROM catalog_follow f JOIN catalog_actor x ON x.id = f.follower_id "
    "WHERE f.state = 2 AND x.host <> '' AND f.target_id IN ($1, $2, $3, $4, $5, $6, $7, $8)) q "
    "WHERE q.inbox > CAST($9 AS TEXT) GROUP BY q.inbox ORDER BY q.inbox LIMIT CAST($10 AS BIGINT)");

struct place {
    const char *inbox, *host;
};

// The whole page first: what is done with one may write into the tables that this reads.
static int page_read(struct shoal_call *call, struct shoal_arena *arena,
    const struct shoal_value *args, size_t count, struct place *places, int *found,
    struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &follow_inboxes, args, count, err);
    while (rows != NULL && *found < INBOXES_MAX && shoal_rows_next(rows)) {
        places[(*found)++] =
            (struct place){.inbox = shoal_arena_strdup(arena, shoal_col_text(rows, 0)),
                .host = shoal_arena_strdup(arena, shoal_col_text(rows, 1))};
    }
    return rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
}

int shoal_follow_inboxes(struct shoal_call *call, const int64_t *actors, size_t count,
    const char *after, int limit, shoal_inbox_fn *fn, void *arg, struct shoal_err *err)
{
    struct shoal_value args[SHOAL_AUDIENCE_MAX + 2];
    if (count > SHOAL_AUDIENCE_MAX || limit < 1 || limit > INBOXES_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "inboxes of at most %d actors, at most %d at once",
            SHOAL_AUDIENCE_MAX, INBOXES_MAX);
    }
    for (size_t i = 0; i < SHOAL_AUDIENCE_MAX; i++) {
        args[i] = SHOAL_I64(i < count ? actors[i] : 0);
    }
    args[SHOAL_AUDIENCE_MAX] = SHOAL_TEXT(after == NULL ? "" : after);
    args[SHOAL_AUDIENCE_MAX + 1] = SHOAL_I64(limit);
    struct shoal_arena *arena = shoal_arena_new(0);
    struct place *places = shoal_arena_alloc(arena, (size_t)limit * sizeof *places);
    int found = 0;
    int code = shoal_permission_call(call, "read", "follows", err);
    if (code == 0) {
        code = page_read(call, arena, args, SHOAL_AUDIENCE_MAX + 2, places, &found, err);
    }
    for (int i = 0; i < found && code == 0; i++) {
        code = fn(call, places[i].inbox, places[i].host, arg, err);
    }
    shoal_arena_free(arena);
    return code == 0 ? found : code;
}
