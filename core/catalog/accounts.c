// accounts.c - accounts: who stands behind videos, here or on another server.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"
#include "host/permissions.h"

SHOAL_SQL(account_get, "SELECT " CATALOG_ACTOR_COLUMNS("a") ", a.user_id FROM catalog_account a "
                       "JOIN catalog_actor x ON x.id = a.actor_id WHERE a.id = $1");
// Who waits for a moderator is not there yet; the instance's own account is not a person.
#define ACCOUNT_SEEN_SQL                                                                           \
    "(x.kind <> 'Application' AND x.is_hidden = FALSE AND NOT EXISTS (SELECT 1 FROM catalog_user u "                       \
    "WHERE u.id = a.user_id AND u.is_waiting = TRUE))"
SHOAL_SQL(account_find,
    "SELECT a.id FROM catalog_account a JOIN catalog_actor x ON x.id = a.actor_id "
    "WHERE x.name = $1 AND x.host = $2");
#define LIST_SQL(id, order)                                                                        \
    SHOAL_SQL(id, "SELECT a.id FROM catalog_account a JOIN catalog_actor x ON x.id = a.actor_id "  \
                  "WHERE " ACCOUNT_SEEN_SQL " ORDER BY " order                                     \
                  " LIMIT CAST($1 AS BIGINT) OFFSET CAST($2 AS BIGINT)")
LIST_SQL(accounts_created, "x.created, a.id");
LIST_SQL(accounts_created_down, "x.created DESC, a.id DESC");
SHOAL_SQL(accounts_count,
    "SELECT COUNT(*) FROM catalog_account a JOIN catalog_actor x ON x.id = a.actor_id "
    "WHERE " ACCOUNT_SEEN_SQL);

json_t *catalog_account_json(
    struct shoal_call *call, int64_t id, bool summary, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &account_get, SHOAL_ARGS(SHOAL_I64(id)), err);
    if (rows == NULL) {
        return NULL;
    }
    json_t *out = NULL;
    int64_t actor_id = 0;
    if (shoal_rows_next(rows)) {
        out = catalog_actor_pack(call, rows, "accounts", summary, &actor_id);
        if (!summary && !shoal_col_null(rows, CATALOG_ACTOR_WIDTH)) {
            json_object_set_new(
                out, "userId", json_integer(shoal_col_i64(rows, CATALOG_ACTOR_WIDTH)));
        }
    }
    int code = shoal_rows_close(rows, err);
    if (code == 0 && out == NULL) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "Account not found");
    }
    if (code == 0) {
        code = catalog_actor_images_add(call, out, actor_id, CATALOG_AVATAR, err);
    }
    if (code != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

json_t *shoal_account_get(struct shoal_call *call, const char *handle, struct shoal_err *err)
{
    return shoal_permission_call(call, "read", "accounts", err) == 0 &&
                   catalog_actor_may(call, handle, "Account not found", err) == 0
               ? catalog_account_get(call, handle, err)
               : NULL;
}

json_t *catalog_account_get(struct shoal_call *call, const char *handle, struct shoal_err *err)
{
    const char *name = NULL;
    const char *host = NULL;
    int64_t id = 0;
    if (catalog_handle_split(call, handle, &name, &host, err) != 0) {
        return NULL;
    }
    int code = shoal_db_i64(shoal_call_db(call), &account_find,
        SHOAL_ARGS(SHOAL_TEXT(name), SHOAL_TEXT(host)), &id, err);
    if (code != 0) {
        if (code == SHOAL_ENOTFOUND) {
            shoal_fail(err, code, "Account not found");
        }
        return NULL;
    }
    return catalog_account_json(call, id, false, err);
}

json_t *shoal_account_list(struct shoal_call *call, const json_t *query, struct shoal_err *err)
{
    if (shoal_permission_call(call, "read", "accounts", err) != 0) {
        return NULL;
    }
    static const char *const sorts[] = {"createdAt", NULL};
    struct catalog_page page;
    int64_t total = 0;
    int64_t ids[100];
    size_t count = 0;
    struct shoal_db *db = shoal_call_db(call);
    if (catalog_page_read(query, sorts, "-createdAt", &page, err) != 0 ||
        shoal_db_i64(db, &accounts_count, SHOAL_NOARGS, &total, err) != 0) {
        return NULL;
    }
    if (catalog_ids_read(db, page.is_down ? &accounts_created_down : &accounts_created,
            SHOAL_ARGS(SHOAL_I64(page.count), SHOAL_I64(page.start)), ids, 100, &count, err) != 0) {
        return NULL;
    }
    json_t *data = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(data, catalog_account_json(call, ids[i], false, NULL));
    }
    return json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data);
}
