// channels_write.c - makes, changes and removes channels.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"
#include "catalog/channels_priv.h"
#include "catalog/follows_priv.h"
#include "host/permissions.h"

SHOAL_SQL(channel_add,
    "INSERT INTO catalog_channel (actor_id, account_id, display_name, description, support) "
    "VALUES ($1, $2, $3, $4, $5) RETURNING id");
SHOAL_SQL(channels_owned, "SELECT COUNT(*) FROM catalog_channel WHERE account_id = $1");
SHOAL_SQL(channels_kept, "SELECT COUNT(*) FROM catalog_channel WHERE account_id = $1 AND id <> $2 "
                         "AND is_leaving = FALSE");
SHOAL_SQL(channel_leave, "UPDATE catalog_channel SET is_leaving = TRUE WHERE id = $1");
SHOAL_SQL(channel_set,
    "UPDATE catalog_channel SET display_name = COALESCE(CAST($2 AS TEXT), display_name), "
    "description = CASE WHEN CAST($4 AS BOOLEAN) = TRUE THEN CAST($3 AS TEXT) ELSE description "
    "END, support = CASE WHEN CAST($6 AS BOOLEAN) = TRUE THEN CAST($5 AS TEXT) ELSE support END "
    "WHERE id = $1");
SHOAL_SQL(channel_videos_support,
    "UPDATE catalog_video SET support = $2, updated = $3 WHERE channel_id = $1");
SHOAL_SQL(channel_actor_set, "UPDATE catalog_actor SET updated = $2 WHERE id = "
                             "(SELECT actor_id FROM catalog_channel WHERE id = $1)");
SHOAL_SQL(
    channel_videos, "SELECT uuid FROM catalog_video WHERE channel_id = $1 ORDER BY id LIMIT 1");
SHOAL_SQL(channel_actor_remove,
    "DELETE FROM catalog_actor WHERE id = (SELECT actor_id FROM catalog_channel WHERE id = $1)");

struct channel_fields {
    int64_t id, account_id;
    int64_t most; // channels that a user may have
    const char *name, *display_name, *description, *support;
    bool has_description, has_support, spreads_support;
};

int catalog_channel_insert(struct shoal_db *tx, int64_t account_id, const char *name,
    const char *display_name, const char *description, const char *support, int64_t *id,
    struct shoal_err *err)
{
    int64_t actor_id = 0;
    int code = catalog_actor_add(tx, "Group", name, &actor_id, err);
    if (code == 0) {
        code = shoal_db_i64(tx, &channel_add,
            SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_I64(account_id), SHOAL_TEXT(display_name),
                SHOAL_TEXT(description), SHOAL_TEXT(support)),
            id, err);
    }
    return code;
}

int catalog_channel_tell(struct shoal_call *call, struct shoal_db *tx, int64_t id, const char *what,
    struct shoal_err *err)
{
    int code = shoal_touch(call, tx, "catalog", err);
    if (code != 0 || !shoal_hook_heard("channel.changed")) {
        return code;
    }
    json_t *event = json_pack("{s:o?, s:I, s:s, s:s?}", "channel",
        catalog_channel_json(call, id, false, NULL), "actorId",
        (json_int_t)catalog_actor_id(call, 0, id), "what", what, "by", call->viewer.username);
    code = shoal_fire_durable(tx, "channel.changed", event, err);
    json_decref(event);
    return code;
}

// Optional text where empty means none.
static int text_read(const json_t *fields, const char *key, size_t min, size_t max,
    const char **out, bool *has, struct shoal_err *err)
{
    *has = json_object_get(fields, key) != NULL;
    *out = NULL;
    const char *text = json_string_value(json_object_get(fields, key));
    if (!catalog_field_has(fields, key) || (text != NULL && text[0] == '\0')) {
        return 0;
    }
    return catalog_field_text(fields, key, min, max, out, err);
}

static int channel_read(
    const json_t *fields, bool is_new, struct channel_fields *out, struct shoal_err *err)
{
    int code = 0;
    if (is_new) {
        out->name = shoal_text(fields, "name", "");
        if (!catalog_name_valid(out->name)) {
            return shoal_fail_field(err, "name",
                "Should have a valid channel name (lowercase alphanumeric characters)");
        }
    }
    if (is_new || catalog_field_has(fields, "displayName")) {
        code = catalog_field_text(fields, "displayName", 1, 120, &out->display_name, err);
    }
    if (code == 0) {
        code = text_read(
            fields, "description", 1, 1000, &out->description, &out->has_description, err);
    }
    if (code == 0) {
        code = text_read(fields, "support", 3, 1000, &out->support, &out->has_support, err);
    }
    if (code == 0 && catalog_field_has(fields, "bulkVideosSupportUpdate")) {
        code = catalog_field_bool(fields, "bulkVideosSupportUpdate", &out->spreads_support, err);
    }
    return code;
}

static int create_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct channel_fields *channel = arg;
    int64_t owned = 0;
    int code =
        shoal_db_i64(tx, &channels_owned, SHOAL_ARGS(SHOAL_I64(channel->account_id)), &owned, err);
    if (code == 0 && owned >= channel->most) {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "You cannot create more than %lld channels",
            (long long)channel->most);
    }
    if (code == 0) {
        code = catalog_channel_insert(tx, channel->account_id, channel->name, channel->display_name,
            channel->description, channel->support, &channel->id, err);
    }
    return code == 0 ? catalog_channel_tell(call, tx, channel->id, "created", err) : code;
}

json_t *shoal_channel_create(struct shoal_call *call, const json_t *fields, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "channels", err) != 0) {
        return NULL;
    }
    struct channel_fields channel = {.account_id = call->viewer.account_id,
        .most = catalog_setting_i64("user.channels_max", 20)};
    if (catalog_need_user(&call->viewer, err) != 0 ||
        channel_read(fields, true, &channel, err) != 0 ||
        shoal_tx(call, create_tx, &channel, err) != 0) {
        return NULL;
    }
    return json_pack("{s:{s:I}}", "videoChannel", "id", (json_int_t)channel.id);
}

static int update_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct channel_fields *channel = arg;
    int64_t now_ms = shoal_now_ms();
    int code = shoal_db_exec(tx, &channel_set,
        SHOAL_ARGS(SHOAL_I64(channel->id), SHOAL_TEXT(channel->display_name),
            SHOAL_TEXT(channel->description), SHOAL_BOOL(channel->has_description),
            SHOAL_TEXT(channel->support), SHOAL_BOOL(channel->has_support)),
        NULL, err);
    if (code == 0) {
        code = shoal_db_exec(tx, &channel_actor_set,
            SHOAL_ARGS(SHOAL_I64(channel->id), SHOAL_I64(now_ms)), NULL, err);
    }
    if (code == 0 && channel->spreads_support && channel->has_support) {
        code = shoal_db_exec(tx, &channel_videos_support,
            SHOAL_ARGS(SHOAL_I64(channel->id), SHOAL_TEXT(channel->support), SHOAL_I64(now_ms)),
            NULL, err);
    }
    return code == 0 ? catalog_channel_tell(call, tx, channel->id, "updated", err) : code;
}

int catalog_channel_mine(struct shoal_call *call, const char *handle, int64_t *id,
    int64_t *account_id, struct shoal_err *err)
{
    int code = call->viewer.kind == SHOAL_VIEWER_SYSTEM ? 0 : catalog_need_user(&call->viewer, err);
    if (code == 0) {
        code = catalog_channel_find(call, handle, id, err);
    }
    struct shoal_err other = {0};
    if (code == 0 && catalog_channel_owned(call, *id, account_id, &other) != 0) {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "this channel belongs to somebody else");
    }
    return code;
}

int shoal_channel_update(
    struct shoal_call *call, const char *handle, const json_t *fields, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "channels", err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct channel_fields channel = {0};
    int code = catalog_channel_mine(call, handle, &channel.id, &channel.account_id, err);
    if (code == 0) {
        code = channel_read(fields, false, &channel, err);
    }
    return code == 0 ? shoal_tx(call, update_tx, &channel, err) : code;
}

// Decided before the first video goes: of two channels that are removed at once one stays whole. What
// fails on the way can be asked for again.
static int leave_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct channel_fields *channel = arg;
    int64_t kept = 0;
    int code = shoal_db_i64(tx, &channels_kept,
        SHOAL_ARGS(SHOAL_I64(channel->account_id), SHOAL_I64(channel->id)), &kept, err);
    if (code == 0 && kept == 0) {
        code = shoal_fail(err, SHOAL_ECONFLICT, "Cannot remove the last channel of this user");
    }
    return code == 0
               ? shoal_db_exec(tx, &channel_leave, SHOAL_ARGS(SHOAL_I64(channel->id)), NULL, err)
               : code;
}

static int delete_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct channel_fields *channel = arg;
    int code = catalog_channel_tell(call, tx, channel->id, "deleted", err);
    if (code == 0) {
        code = catalog_actor_images_remove(tx, 0, channel->id, err);
    }
    if (code == 0) {
        code = catalog_follows_forget(call, tx, 0, channel->id, err);
    }
    return code == 0 ? shoal_db_exec(
                           tx, &channel_actor_remove, SHOAL_ARGS(SHOAL_I64(channel->id)), NULL, err)
                     : code;
}

static int videos_remove(struct shoal_call *call, int64_t channel_id, struct shoal_err *err)
{
    int code = 0;
    while (code == 0) {
        struct shoal_rows *rows = shoal_db_query(
            shoal_call_db(call), &channel_videos, SHOAL_ARGS(SHOAL_I64(channel_id)), err);
        if (rows == NULL) {
            return SHOAL_EIO;
        }
        const char *uuid = NULL;
        if (shoal_rows_next(rows)) {
            uuid = catalog_col_text(call, rows, 0);
        }
        code = shoal_rows_close(rows, err);
        if (uuid == NULL) {
            break;
        }
        code = code == 0 ? catalog_video_delete(call, uuid, err) : code;
    }
    return code;
}

int shoal_channel_delete(struct shoal_call *call, const char *handle, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "channels", err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct channel_fields channel = {0};
    int code = catalog_channel_mine(call, handle, &channel.id, &channel.account_id, err);
    if (code == 0) {
        code = shoal_tx(call, leave_tx, &channel, err);
    }
    if (code != 0) {
        return code;
    }
    struct shoal_viewer old = catalog_viewer_swap(call, catalog_viewer_system());
    code = videos_remove(call, channel.id, err);
    if (code == 0) {
        code = shoal_tx(call, delete_tx, &channel, err);
    }
    catalog_viewer_swap(call, old);
    return code;
}
