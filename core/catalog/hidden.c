// hidden.c - servers of which nothing is shown here: their actors and videos are marked, and stay.
//
// A mark on the actor hides its comments and pages, and one on its videos (followed.c) what lists show;
// what comes in later is marked as it comes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/follows_priv.h"
#include "catalog/remote_priv.h"
#include "host/permissions.h"

#define HOST_MAX 260

SHOAL_SQL(hidden_add, "INSERT INTO catalog_hidden_host (host, created) VALUES ($1, $2) "
                      "ON CONFLICT (host) DO NOTHING");
SHOAL_SQL(hidden_remove, "DELETE FROM catalog_hidden_host WHERE host = $1");
// What was hidden by another name as well stays hidden.
SHOAL_SQL(hidden_actors,
    "UPDATE catalog_actor SET is_hidden = " CATALOG_HIDDEN_SQL("catalog_actor.host")
    " WHERE host <> '' AND " CATALOG_HOST_IN_SQL("host", "CAST($1 AS TEXT)"));
SHOAL_SQL(hidden_is, "SELECT CASE WHEN is_hidden = TRUE THEN 1 ELSE 0 END, id, needed "
                     "FROM catalog_actor WHERE name = $1 AND host = $2");

int shoal_host_hide(struct shoal_call *call, struct shoal_db *tx, const char *host, bool hides,
    struct shoal_err *err)
{
    int64_t changed = 0;
    int code = shoal_permission_call(call, "federation", NULL, err);
    size_t length = host == NULL ? 0 : strnlen(host, HOST_MAX + 1);
    if (code == 0 && (length == 0 || length > HOST_MAX || strpbrk(host, "%_\\/ ") != NULL)) {
        code = shoal_fail_field(err, "host", "a server is named like example.org");
    }
    if (code != 0) {
        return code;
    }
    struct shoal_value name = SHOAL_TEXT(catalog_fold(call->arena, host));
    code = hides ? shoal_db_exec(tx, &hidden_add,
                       SHOAL_ARGS(name, SHOAL_TIME(shoal_now_ms())), &changed, err)
                 : shoal_db_exec(tx, &hidden_remove, SHOAL_ARGS(name), &changed, err);
    if (code != 0 || changed == 0) {
        return code;
    }
    code = shoal_db_exec(tx, &hidden_actors, SHOAL_ARGS(name), NULL, err);
    code = code == 0
               ? catalog_followed_look_host(call, tx, catalog_fold(call->arena, host), err)
               : code;
    if (code == 0 && shoal_hook_heard("host.hidden")) {
        json_t *event = json_pack("{s:s, s:b}", "host", catalog_fold(call->arena, host), "is_hidden", hides);
        code = shoal_fire_durable(tx, "host.hidden", event, err);
        json_decref(event);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

int catalog_actor_may(
    struct shoal_call *call, const char *handle, const char *sentence, struct shoal_err *err)
{
    const char *name = NULL;
    const char *host = NULL;
    int code = catalog_handle_split(call, handle, &name, &host, err);
    if (code != 0 || host[0] == '\0') {
        return code != 0 && catalog_is_staff(&call->viewer) ? 0 : code;
    }
    bool is_hidden = false;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &hidden_is,
        SHOAL_ARGS(SHOAL_TEXT(name), SHOAL_TEXT(host)), err);
    if (rows != NULL && shoal_rows_next(rows)) {
        is_hidden = shoal_col_i64(rows, 0) != 0;
        catalog_actor_asked(shoal_col_i64(rows, 1), shoal_col_i64(rows, 2));
    }
    code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    return code != 0 || !is_hidden || catalog_is_staff(&call->viewer)
               ? code
               : shoal_fail(err, SHOAL_ENOTFOUND, "%s", sentence);
}
