// videos.c - finds one video and asks whether the viewer may.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/follows_priv.h"
#include "host/permissions.h"

#define VIDEO_SQL                                                                                  \
    "SELECT v.id, v.channel_id, c.account_id, a.user_id, v.uuid, v.origin_host, v.url, v.name, "   \
    "v.description, v.support, v.language, v.nsfw_summary, v.blocked_reason, v.plugin_data, "      \
    "v.probe, v.source_name, v.source_kind, v.category, v.licence, v.privacy, v.state, "           \
    "v.verdict, v.is_live, v.is_nsfw, v.is_downloadable, v.waits, v.is_open, v.is_announced, "     \
    "v.is_blocked, v.nsfw_flags, v.duration_s, v.aspect_e4, v.comments_policy, v.views, v.likes, " \
    "v.dislikes, v.comments, v.downloads, v.source_bytes, v.version, v.ladder_job, "               \
    "v.ladder_fence, v.schedule_at, v.schedule_privacy, v.created, v.updated, v.published, "       \
    "v.originally_published, v.input_updated, v.held_privacy, v.followed FROM catalog_video v "    \
    "JOIN catalog_channel c ON c.id = v.channel_id JOIN catalog_account a ON a.id = c.account_id "

SHOAL_SQL(video_by_id, VIDEO_SQL "WHERE v.id = $1");
SHOAL_SQL(video_by_uuid, VIDEO_SQL "WHERE v.uuid = $1");
SHOAL_SQL(video_passwords, "SELECT password FROM catalog_video_password WHERE video_id = $1");

static int64_t number_of(const struct shoal_rows *rows, int column)
{
    return shoal_col_null(rows, column) ? -1 : shoal_col_i64(rows, column);
}

static void video_read(
    struct shoal_call *call, const struct shoal_rows *rows, struct catalog_video *out)
{
    *out = (struct catalog_video){
        .id = shoal_col_i64(rows, 0),
        .channel_id = shoal_col_i64(rows, 1),
        .account_id = shoal_col_i64(rows, 2),
        .user_id = shoal_col_i64(rows, 3),
        .uuid = catalog_col_text(call, rows, 4),
        .origin_host = catalog_col_text(call, rows, 5),
        .url = catalog_col_text(call, rows, 6),
        .name = catalog_col_text(call, rows, 7),
        .description = catalog_col_text(call, rows, 8),
        .support = catalog_col_text(call, rows, 9),
        .language = catalog_col_text(call, rows, 10),
        .nsfw_summary = catalog_col_text(call, rows, 11),
        .blocked_reason = catalog_col_text(call, rows, 12),
        .plugin_data = catalog_col_text(call, rows, 13),
        .probe = catalog_col_text(call, rows, 14),
        .source_name = catalog_col_text(call, rows, 15),
        .source_kind = catalog_col_text(call, rows, 16),
        .category = number_of(rows, 17),
        .licence = number_of(rows, 18),
        .privacy = (enum shoal_privacy)shoal_col_i64(rows, 19),
        .state = (enum shoal_video_state)shoal_col_i64(rows, 20),
        .verdict = (enum catalog_verdict)shoal_col_i64(rows, 21),
        .is_live = shoal_col_bool(rows, 22),
        .is_nsfw = shoal_col_bool(rows, 23),
        .is_downloadable = shoal_col_bool(rows, 24),
        .waits = shoal_col_bool(rows, 25),
        .is_open = shoal_col_bool(rows, 26),
        .is_announced = shoal_col_bool(rows, 27),
        .is_blocked = shoal_col_bool(rows, 28),
        .nsfw_flags = shoal_col_i64(rows, 29),
        .duration_s = shoal_col_i64(rows, 30),
        .aspect_e4 = shoal_col_i64(rows, 31),
        .comments_policy = shoal_col_i64(rows, 32),
        .views = shoal_col_i64(rows, 33),
        .likes = shoal_col_i64(rows, 34),
        .dislikes = shoal_col_i64(rows, 35),
        .comments = shoal_col_i64(rows, 36),
        .downloads = shoal_col_i64(rows, 37),
        .source_bytes = shoal_col_i64(rows, 38),
        .version = shoal_col_i64(rows, 39),
        .ladder_job = shoal_col_i64(rows, 40),
        .ladder_fence = shoal_col_i64(rows, 41),
        .schedule_at_ms = shoal_col_i64(rows, 42),
        .schedule_privacy = shoal_col_i64(rows, 43),
        .created_ms = shoal_col_i64(rows, 44),
        .updated_ms = shoal_col_i64(rows, 45),
        .published_ms = shoal_col_i64(rows, 46),
        .originally_published_ms = shoal_col_i64(rows, 47),
        .input_updated_ms = shoal_col_i64(rows, 48),
        .held_privacy = shoal_col_i64(rows, 49),
        .followed = shoal_col_i64(rows, 50),
    };
}

static int video_get(struct shoal_call *call, const struct shoal_sql *sql, struct shoal_value key,
    struct catalog_video *out, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), sql, &key, 1, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        video_read(call, rows, out);
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
}

int catalog_video_by_number(
    struct shoal_call *call, int64_t id, struct catalog_video *out, struct shoal_err *err)
{
    return video_get(call, &video_by_id, SHOAL_I64(id), out, err);
}

int catalog_video_find(struct shoal_call *call, const char *id, struct catalog_video *out,
    bool *by_number, struct shoal_err *err)
{
    char uuid[37];
    size_t length = id == NULL ? 0 : strnlen(id, 64);
    if (by_number != NULL) {
        *by_number = false;
    }
    if (length > 0 && length < 16 && strspn(id, "0123456789") == length) {
        if (by_number != NULL) {
            *by_number = true;
        }
        return catalog_video_by_number(call, strtoll(id, NULL, 10), out, err);
    }
    if (length == 36 && shoal_uuid_valid(id)) {
        return video_get(call, &video_by_uuid, SHOAL_TEXT(catalog_fold(call->arena, id)), out, err);
    }
    if (length == 22 && shoal_uuid_from_short(id, uuid) == 0) {
        return video_get(call, &video_by_uuid, SHOAL_TEXT(uuid), out, err);
    }
    return shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
}

static int password_right(struct shoal_call *call, int64_t video_id, const char *password,
    bool *is_right, struct shoal_err *err)
{
    *is_right = false;
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &video_passwords, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    size_t length = strlen(password);
    while (shoal_rows_next(rows)) {
        const char *stored = shoal_col_text(rows, 0);
        if (strlen(stored) == length && sodium_memcmp(stored, password, length) == 0) {
            *is_right = true;
        }
    }
    return shoal_rows_close(rows, err);
}

int catalog_video_may(struct shoal_call *call, enum shoal_verb verb, const char *id,
    const char *password, struct catalog_video *out, struct shoal_err *err)
{
    bool by_number = false;
    int code = catalog_video_find(call, id, out, &by_number, err);
    if (code != 0) {
        return code;
    }
    struct catalog_subject subject = {
        .privacy = out->privacy,
        .state = out->state,
        .is_open = out->is_open,
        .is_blocked = out->is_blocked,
        .is_local = out->origin_host[0] == '\0',
        .is_followed = out->followed >= (int64_t)catalog_followed_least(),
        .is_hidden = out->followed == CATALOG_HIDDEN,
        .is_downloadable = out->is_downloadable,
        .by_number = by_number,
        .has_password = password != NULL && password[0] != '\0',
        .owner_account_id = out->account_id,
    };
    if (out->privacy == SHOAL_PRIVACY_PASSWORD && subject.has_password) {
        code = password_right(call, out->id, password, &subject.has_password_right, err);
    }
    code = code == 0 ? shoal_may(&call->viewer, verb, &subject, err) : code;
    if (code == SHOAL_EFORBIDDEN && err != NULL && out->url != NULL &&
        strcmp(err->api_code, "does_not_respect_follow_constraints") == 0) {
        shoal_fail_api(err, code, "does_not_respect_follow_constraints",
            "This video is of another site, which nobody here follows: %s", out->url);
    }
    return code;
}

int shoal_may_video(struct shoal_call *call, enum shoal_verb verb, const char *id,
    const char *password, struct shoal_err *err)
{
    struct catalog_video video;
    return catalog_video_may(call, verb, id, password, &video, err);
}

bool catalog_privacy_is_closed(enum shoal_privacy privacy)
{
    return privacy != SHOAL_PRIVACY_PUBLIC && privacy != SHOAL_PRIVACY_UNLISTED;
}

json_t *shoal_video_get(
    struct shoal_call *call, const char *id, const char *password, struct shoal_err *err)
{
    if (shoal_permission_call(call, "read", "videos", err) != 0) {
        return NULL;
    }
    struct catalog_video video;
    if (catalog_video_may(call, SHOAL_MAY_SEE, id, password, &video, err) != 0) {
        return NULL;
    }
    bool is_mine =
        call->viewer.kind == SHOAL_VIEWER_USER && call->viewer.account_id == video.account_id;
    int shape = CATALOG_DETAIL;
    if (call->tx == NULL) {
        shape |= CATALOG_SHARING;
    }
    if (is_mine || catalog_is_staff(&call->viewer)) {
        shape |= CATALOG_OWNER;
    }
    return catalog_video_json(call, &video, shape, err);
}

json_t *shoal_video_metadata(struct shoal_call *call, const char *id, const char *password,
    int64_t file_id, struct shoal_err *err)
{
    if (shoal_permission_call(call, "read", "videos", err) != 0) {
        return NULL;
    }
    struct catalog_video video;
    struct catalog_file *files = NULL;
    size_t count = 0;
    if (catalog_video_may(call, SHOAL_MAY_SEE, id, password, &video, err) != 0 ||
        catalog_files_get(call, video.id, NULL, &files, &count, err) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (files[i].id == file_id && files[i].metadata != NULL) {
            return shoal_json_parse(files[i].metadata, strlen(files[i].metadata), err);
        }
    }
    shoal_fail(err, SHOAL_ENOTFOUND, "Video file not found");
    return NULL;
}
