// remote_missing.c - what its own server says is not there: removed when that was said long enough.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/remote_priv.h"
#include "host/permissions.h"

#define TIMES   3
#define APART_MS (INT64_C(3600) * 1000) ///< what is said again sooner says nothing more
#define LONG_MS CATALOG_DAY_MS

// $2: now.
#define COUNT_SQL                                                                                  \
    " SET missing = missing + 1, missing_last = $2, "                                              \
    "missing_since = CASE WHEN missing = 0 THEN CAST($2 AS BIGINT) ELSE missing_since END "
#define DUE_SQL " AND (missing = 0 OR missing_last <= CAST($2 AS BIGINT) - CAST($3 AS BIGINT))"
SHOAL_SQL(missing_actor, "UPDATE catalog_actor" COUNT_SQL "WHERE id = $1 AND host <> ''" DUE_SQL);
SHOAL_SQL(missing_video, "UPDATE catalog_video_origin" COUNT_SQL "WHERE video_id = $1" DUE_SQL);
// 1: long enough; 0: not yet.
#define ENOUGH_SQL                                                                                 \
    "SELECT CASE WHEN missing >= CAST($2 AS BIGINT) AND missing_last - missing_since >= "          \
    "CAST($3 AS BIGINT) THEN 1 ELSE 0 END FROM "
SHOAL_SQL(missing_actor_enough, ENOUGH_SQL "catalog_actor WHERE id = $1");
SHOAL_SQL(missing_video_enough, ENOUGH_SQL "catalog_video_origin WHERE video_id = $1");

struct missing {
    const struct shoal_sql *count, *enough;
    int64_t id, is_enough;
};

static int count_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct missing *missing = arg;
    struct shoal_value id = SHOAL_I64(missing->id);
    int code = shoal_db_exec(tx, missing->count,
        SHOAL_ARGS(id, SHOAL_TIME(shoal_now_ms()), SHOAL_I64(APART_MS)), NULL, err);
    return code == 0
               ? shoal_db_i64(tx, missing->enough,
                     SHOAL_ARGS(id, SHOAL_I64(TIMES), SHOAL_I64(LONG_MS)), &missing->is_enough, err)
               : code;
}

int shoal_actor_missing(struct shoal_call *call, int64_t id, bool *is_gone, struct shoal_err *err)
{
    struct missing missing = {&missing_actor, &missing_actor_enough, id, 0};
    struct shoal_actor actor;
    *is_gone = false;
    int code = shoal_permission_call(call, "federation", NULL, err);
    code = code == 0 ? catalog_actor_read(call, id, &actor, err) : code;
    if (code == 0 && actor.host[0] == '\0') {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "an actor of this server is not missing");
    }
    code = code == 0 ? shoal_tx(call, count_tx, &missing, err) : code;
    if (code == 0 && missing.is_enough != 0) {
        *is_gone = true;
        code = shoal_actor_remove(call, id, err);
    }
    return code;
}

int shoal_video_missing(struct shoal_call *call, int64_t id, bool *is_gone, struct shoal_err *err)
{
    struct missing missing = {&missing_video, &missing_video_enough, id, 0};
    *is_gone = false;
    int code = shoal_permission_call(call, "federation", NULL, err);
    code = code == 0 ? shoal_tx(call, count_tx, &missing, err) : code;
    if (code == 0 && missing.is_enough != 0) {
        *is_gone = true;
        code = catalog_remote_video_remove(call, id, err);
    }
    return code;
}
