// api_users.c - /users: oneself, and for administrators and moderators everybody else.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "api.h"
#include "api_fields.h"
#include "api_query.h"

int api_me(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    json_t *user = shoal_user_me(call, err);
    return api_answer(request, api_filter(call, "user.view", "user", user, NULL), err);
}

int api_me_update(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    // role, quota, blocked, emailVerified and the like are missing here on purpose.
    static const struct api_field table[] = {
        {"displayName", API_FIELD_TEXT, false},
        {"description", API_FIELD_TEXT, true},
        {"email", API_FIELD_TEXT, false},
        {"password", API_FIELD_TEXT, false},
        {"currentPassword", API_FIELD_TEXT, false},
        {"emailPublic", API_FIELD_BOOL, false},
        {"nsfwPolicy", API_FIELD_TEXT, false},
        {"nsfwFlagsDisplayed", API_FIELD_INT, false},
        {"nsfwFlagsHidden", API_FIELD_INT, false},
        {"nsfwFlagsBlurred", API_FIELD_INT, false},
        {"nsfwFlagsWarned", API_FIELD_INT, false},
        {"p2pEnabled", API_FIELD_BOOL, false},
        {"autoPlayVideo", API_FIELD_BOOL, false},
        {"autoPlayNextVideo", API_FIELD_BOOL, false},
        {"autoPlayNextVideoPlaylist", API_FIELD_BOOL, false},
        {"videosHistoryEnabled", API_FIELD_BOOL, false},
        {"videoLanguages", API_FIELD_TEXTS, true},
        {"language", API_FIELD_TEXT, true},
        {"theme", API_FIELD_TEXT, false},
        {"noInstanceConfigWarningModal", API_FIELD_BOOL, false},
        {"noWelcomeModal", API_FIELD_BOOL, false},
        {"noAccountSetupWarningModal", API_FIELD_BOOL, false},
    };
    (void)arg;
    json_t *fields = api_fields_read(request, table, sizeof table / sizeof *table, err);
    if (fields == NULL) {
        return err->code;
    }
    int code = 0;
    bool is_secret = json_object_get(fields, "password") != NULL ||
                     json_object_get(fields, "email") != NULL;
    if (is_secret && *shoal_text(fields, "currentPassword", "") == '\0') {
        code = shoal_fail_field(err, "currentPassword", "currentPassword parameter is missing");
    } else {
        code = shoal_user_update(call, shoal_call_viewer(call)->user_id, fields, err);
    }
    json_decref(fields);
    return api_done(request, code);
}

int api_me_quota(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    return api_answer(request, shoal_user_quota(call, shoal_call_viewer(call)->user_id, err), err);
}

int api_users_list(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    static const struct api_query_row rows[] = {
        {"search", API_QUERY_TEXT, 0, 200},
        {"blocked", API_QUERY_BOOL, 0, 0},
    };
    static const struct api_list list = {
        .name = "users",
        .sorts = "id username videoQuotaUsed createdAt lastLoginDate role",
        .sort = "-createdAt",
        .rows = rows,
        .row_count = sizeof rows / sizeof *rows,
    };
    (void)arg;
    json_t *query = api_query_read(request, &list, err);
    if (query == NULL) {
        return err->code;
    }
    json_t *users = shoal_user_list(call, query, err);
    json_decref(query);
    return api_answer(request, users, err);
}

// A moderator looks after users, never after moderators and administrators, and makes none.
static int check_role(struct shoal_call *call, int64_t role, struct shoal_err *err)
{
    if (shoal_call_viewer(call)->role == SHOAL_ROLE_ADMIN || role == SHOAL_ROLE_USER) {
        return 0;
    }
    return shoal_fail(err, SHOAL_EFORBIDDEN, "Only administrators can manage that account");
}

// Reads the id of the path and checks that the viewer may manage that user.
static int managed(struct shoal_call *call, struct shoal_request *request, int64_t *id,
    bool not_oneself, struct shoal_err *err)
{
    int code = api_param_id(request, "id", id, err);
    if (code != 0) {
        return code;
    }
    if (not_oneself && *id == shoal_call_viewer(call)->user_id) {
        return shoal_fail(err, SHOAL_EINVAL, "Cannot do this to your own account");
    }
    json_t *user = shoal_user_get(call, *id, err);
    if (user == NULL) {
        return err->code;
    }
    code = check_role(call, shoal_integer(user, "role.id", SHOAL_ROLE_ADMIN), err);
    json_decref(user);
    return code;
}

int api_users_create(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    static const struct api_field table[] = {
        {"username", API_FIELD_TEXT, false},
        {"password", API_FIELD_TEXT, false},
        {"email", API_FIELD_TEXT, false},
        {"displayName", API_FIELD_TEXT, false},
        {"channelName", API_FIELD_TEXT, false},
        {"role", API_FIELD_INT, false},
        {"videoQuota", API_FIELD_INT, false},
        {"videoQuotaDaily", API_FIELD_INT, false},
        {"adminFlags", API_FIELD_INT, false},
    };
    (void)arg;
    json_t *fields = api_fields_read(request, table, sizeof table / sizeof *table, err);
    if (fields == NULL) {
        return err->code;
    }
    json_t *user = NULL;
    if (check_role(call, shoal_integer(fields, "role", SHOAL_ROLE_USER), err) == 0) {
        user = shoal_user_create(call, fields, "admin", err);
    }
    json_decref(fields);
    return api_answer(request, user, err);
}

int api_users_get(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    int64_t id = 0;
    int code = api_param_id(request, "id", &id, err);
    return code != 0 ? code : api_answer(request, shoal_user_get(call, id, err), err);
}

int api_users_update(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    static const struct api_field table[] = {
        {"email", API_FIELD_TEXT, false},
        {"emailVerified", API_FIELD_BOOL, false},
        {"password", API_FIELD_TEXT, false},
        {"role", API_FIELD_INT, false},
        {"videoQuota", API_FIELD_INT, false},
        {"videoQuotaDaily", API_FIELD_INT, false},
        {"adminFlags", API_FIELD_INT, false},
        {"pluginAuth", API_FIELD_TEXT, true},
    };
    (void)arg;
    int64_t id = 0;
    int code = managed(call, request, &id, false, err);
    json_t *fields =
        code == 0 ? api_fields_read(request, table, sizeof table / sizeof *table, err) : NULL;
    if (fields == NULL) {
        return err->code;
    }
    code = check_role(call, shoal_integer(fields, "role", SHOAL_ROLE_USER), err);
    if (code == 0) {
        code = shoal_user_update(call, id, fields, err);
    }
    json_decref(fields);
    return api_done(request, code);
}

int api_users_delete(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    int64_t id = 0;
    int code = managed(call, request, &id, true, err);
    return api_done(request, code != 0 ? code : shoal_user_delete(call, id, err));
}

int api_users_block(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    static const struct api_field table[] = {{"reason", API_FIELD_TEXT, true}};
    (void)arg;
    int64_t id = 0;
    int code = managed(call, request, &id, true, err);
    json_t *fields = code == 0 ? api_fields_read(request, table, 1, err) : NULL;
    if (fields == NULL) {
        return err->code;
    }
    code = shoal_user_block(call, id, true, shoal_text(fields, "reason", NULL), err);
    json_decref(fields);
    return api_done(request, code);
}

int api_users_unblock(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    int64_t id = 0;
    int code = managed(call, request, &id, true, err);
    return api_done(request, code != 0 ? code : shoal_user_block(call, id, false, NULL, err));
}
