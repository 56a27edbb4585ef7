// users_list.c - users for those who may see them: me, one, all.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"
#include "host/permissions.h"

static const char *const sorts[] = {
    "id", "username", "videoQuotaUsed", "createdAt", "lastLoginDate", "role", NULL};

#define LIST_SQL(id, order)                                                                        \
    SHOAL_SQL(id, "SELECT u.id FROM catalog_user u WHERE CAST($1 AS TEXT) IS NULL "                \
                  "OR u.username LIKE CAST($1 AS TEXT) ESCAPE '\\' "                               \
                  "OR u.email LIKE CAST($1 AS TEXT) ESCAPE '\\' "                                  \
                  "ORDER BY " order " LIMIT CAST($2 AS BIGINT) OFFSET CAST($3 AS BIGINT)")
#define USED_SQL                                                                                   \
    "(SELECT COALESCE(SUM(v.source_bytes), 0) FROM catalog_video v "                               \
    "JOIN catalog_channel c ON c.id = v.channel_id JOIN catalog_account a ON a.id = c.account_id " \
    "WHERE a.user_id = u.id)"
LIST_SQL(users_id, "u.id");
LIST_SQL(users_id_down, "u.id DESC");
LIST_SQL(users_name, "u.username");
LIST_SQL(users_name_down, "u.username DESC");
LIST_SQL(users_used, USED_SQL ", u.id");
LIST_SQL(users_used_down, USED_SQL " DESC, u.id DESC");
LIST_SQL(users_created, "u.created, u.id");
LIST_SQL(users_created_down, "u.created DESC, u.id DESC");
LIST_SQL(users_login, "COALESCE(u.last_login, 0), u.id");
LIST_SQL(users_login_down, "COALESCE(u.last_login, 0) DESC, u.id DESC");
LIST_SQL(users_role, "u.role, u.id");
LIST_SQL(users_role_down, "u.role DESC, u.id DESC");
SHOAL_SQL(users_count, "SELECT COUNT(*) FROM catalog_user u WHERE CAST($1 AS TEXT) IS NULL "
                       "OR u.username LIKE CAST($1 AS TEXT) ESCAPE '\\' "
                       "OR u.email LIKE CAST($1 AS TEXT) ESCAPE '\\'");

static const struct shoal_sql *const lists[][2] = {
    {&users_id, &users_id_down},
    {&users_name, &users_name_down},
    {&users_used, &users_used_down},
    {&users_created, &users_created_down},
    {&users_login, &users_login_down},
    {&users_role, &users_role_down},
};

json_t *shoal_user_me(struct shoal_call *call, struct shoal_err *err)
{
    if (shoal_permission_call(call, "read", "users", err) != 0) {
        return NULL;
    }
    struct catalog_user user;
    if (catalog_need_user(&call->viewer, err) != 0 ||
        catalog_user_by_id(call, call->viewer.user_id, &user, err) != 0) {
        return NULL;
    }
    return catalog_user_json(call, &user, true, err);
}

json_t *shoal_user_get(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    if (shoal_permission_call(call, "read", "users", err) != 0) {
        return NULL;
    }
    struct catalog_user user;
    if (!catalog_is_staff(&call->viewer)) {
        shoal_fail(err, SHOAL_EFORBIDDEN, "only administrators and moderators see users");
        return NULL;
    }
    if (catalog_user_by_id(call, id, &user, err) != 0) {
        return NULL;
    }
    return catalog_user_json(call, &user, false, err);
}

json_t *shoal_user_list(struct shoal_call *call, const json_t *query, struct shoal_err *err)
{
    if (shoal_permission_call(call, "read", "users", err) != 0) {
        return NULL;
    }
    struct catalog_page page;
    if (!catalog_is_staff(&call->viewer)) {
        shoal_fail(err, SHOAL_EFORBIDDEN, "only administrators and moderators see users");
        return NULL;
    }
    if (catalog_page_read(query, sorts, "-createdAt", &page, err) != 0) {
        return NULL;
    }
    const char *search = shoal_text(query, "search", NULL);
    const char *pattern =
        search == NULL ? NULL : catalog_like(call->arena, catalog_fold(call->arena, search));
    int64_t total = 0;
    int64_t ids[100];
    size_t count = 0;
    struct shoal_db *db = shoal_call_db(call);
    if (shoal_db_i64(db, &users_count, SHOAL_ARGS(SHOAL_TEXT(pattern)), &total, err) != 0) {
        return NULL;
    }
    if (catalog_ids_read(db, lists[page.sort][page.is_down],
            SHOAL_ARGS(SHOAL_TEXT(pattern), SHOAL_I64(page.count), SHOAL_I64(page.start)), ids, 100,
            &count, err) != 0) {
        return NULL;
    }
    json_t *data = json_array();
    for (size_t i = 0; i < count; i++) {
        struct catalog_user user;
        if (catalog_user_by_id(call, ids[i], &user, NULL) == 0) {
            json_array_append_new(data, catalog_user_json(call, &user, false, NULL));
        }
    }
    return json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data);
}
