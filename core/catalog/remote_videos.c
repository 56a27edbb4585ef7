// remote_videos.c - finds videos as federation names them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/services.h>
#include <shoal/svc/federation.h>

#include "base/sized.h"
#include "catalog/remote_priv.h"
#include "host/permissions.h"

SHOAL_SQL(ref_by_url, "SELECT id FROM catalog_video WHERE url = $1 AND origin_host <> ''");
SHOAL_SQL(ref_more,
    "SELECT a.actor_id, c.actor_id, o.read, CASE WHEN x.host = '' THEN x.name ELSE x.url END, "
    "CASE WHEN y.host = '' THEN y.name ELSE y.url END FROM catalog_video v "
    "JOIN catalog_channel c ON c.id = v.channel_id JOIN catalog_account a ON a.id = c.account_id "
    "JOIN catalog_actor x ON x.id = a.actor_id JOIN catalog_actor y ON y.id = c.actor_id "
    "LEFT JOIN catalog_video_origin o ON o.video_id = v.id WHERE v.id = $1");
static bool sends_unlisted(struct shoal_call *call)
{
    struct shoal_service service;
    if (!shoal_service_find("federation", NULL, &service)) {
        return false;
    }
    const struct shoal_svc_federation *table = service.table;
    shoal_enter(call, &service);
    bool sends = SHOAL_HAS(table, sends_unlisted) && table->sends_unlisted(call, service.arg);
    shoal_leave(call);
    return sends;
}

static bool is_federated(struct shoal_call *call, const struct catalog_video *video)
{
    bool is_shown = video->privacy == SHOAL_PRIVACY_PUBLIC ||
                    (video->privacy == SHOAL_PRIVACY_UNLISTED && sends_unlisted(call));
    bool is_out = video->state == SHOAL_STATE_PUBLISHED ||
                  video->state == SHOAL_STATE_WAITING_FOR_LIVE ||
                  video->state == SHOAL_STATE_LIVE_ENDED;
    return video->origin_host[0] == '\0' && video->is_open && !video->is_blocked && is_shown &&
           is_out;
}

// The URLs of ours are not kept.
static const char *actor_url(struct shoal_call *call, bool is_ours, const char *folder, const char *text)
{
    return is_ours ? shoal_url(call, shoal_arena_printf(call->arena, "/%s/%s", folder, text))
                   : shoal_arena_strdup(call->arena, text);
}

static int ref_fill(struct shoal_call *call, const struct catalog_video *video,
    struct shoal_video_ref *out, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &ref_more, SHOAL_ARGS(SHOAL_I64(video->id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        bool is_ours = video->origin_host[0] == '\0';
        *out = (struct shoal_video_ref){
            .id = video->id,
            .uuid = video->uuid,
            .url = is_ours ? shoal_url(call,
                                 shoal_arena_printf(call->arena, "/videos/watch/%s", video->uuid))
                           : video->url,
            .origin_host = video->origin_host,
            .account_actor_id = shoal_col_i64(rows, 0),
            .channel_actor_id = shoal_col_i64(rows, 1),
            .privacy = (int)video->privacy,
            .state = (int)video->state,
            .comments_policy = (int)video->comments_policy,
            .is_federated = is_federated(call, video),
            .updated_ms = is_ours ? video->updated_ms : shoal_col_i64(rows, 2),
            .account_url = actor_url(call, is_ours, "accounts", shoal_col_text(rows, 3)),
            .channel_url = actor_url(call, is_ours, "video-channels", shoal_col_text(rows, 4)),
        };
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
}

// "/videos/watch/UUID" is the id of ours; "/w/ID" is the same for people.
static int find_ours(
    struct shoal_call *call, const char *url, struct catalog_video *video, struct shoal_err *err)
{
    static const char *const folders[] = {"/videos/watch/", "/w/"};
    for (int i = 0; i < 2; i++) {
        const char *base = shoal_url(call, folders[i]);
        size_t length = strlen(base);
        bool by_number = false;
        if (strncmp(url, base, length) != 0) {
            continue;
        }
        int code = catalog_video_find(call, url + length, video, &by_number, err);
        if (code == 0 && (by_number || video->origin_host[0] != '\0')) {
            break;
        }
        return code;
    }
    return shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
}

int shoal_video_by_url_sized(struct shoal_call *call, const char *url,
    struct shoal_video_ref *video, size_t video_bytes, struct shoal_err *err)
{
    struct catalog_video found;
    struct shoal_video_ref mine = {0};
    int64_t id = 0;
    int code = shoal_permission_call(call, "read", "videos", err);
    const char *host = code == 0 ? catalog_url_host(call->arena, url) : NULL;
    if (code != 0) {
        return code;
    }
    if (host == NULL) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
    }
    if (catalog_host_ours(call, host)) {
        code = find_ours(call, url, &found, err);
    } else {
        code =
            shoal_db_i64(shoal_call_db(call), &ref_by_url, SHOAL_ARGS(SHOAL_TEXT(url)), &id, err);
        code = code == 0 ? catalog_video_by_number(call, id, &found, err) : code;
    }
    code = code == 0 ? ref_fill(call, &found, &mine, err) : code;
    if (code == 0) {
        shoal_sized_copy(video, video_bytes, &mine, sizeof mine);
    }
    return code;
}

int shoal_video_by_id_sized(struct shoal_call *call, const char *id, struct shoal_video_ref *video,
    size_t video_bytes, struct shoal_err *err)
{
    struct catalog_video found;
    struct shoal_video_ref mine = {0};
    int code = shoal_permission_call(call, "read", "videos", err);
    code = code == 0 ? catalog_video_find(call, id, &found, NULL, err) : code;
    code = code == 0 ? ref_fill(call, &found, &mine, err) : code;
    if (code == 0) {
        shoal_sized_copy(video, video_bytes, &mine, sizeof mine);
    }
    return code;
}

int shoal_video_told_sized(struct shoal_call *call, const char *id, struct shoal_video_ref *video,
    size_t video_bytes, json_t **told, struct shoal_err *err)
{
    struct catalog_video found;
    struct shoal_video_ref mine = {0};
    bool by_number = false;
    int code = shoal_permission_call(call, "read", "videos", err);
    *told = NULL;
    code = code == 0 ? catalog_video_find(call, id, &found, &by_number, err) : code;
    code = code == 0 ? ref_fill(call, &found, &mine, err) : code;
    if (code != 0) {
        return code;
    }
    shoal_sized_copy(video, video_bytes, &mine, sizeof mine);
    if (found.origin_host[0] != '\0' ||
        catalog_video_ask(call, SHOAL_MAY_SEE, &found, by_number, NULL, NULL) != 0) {
        return 0;
    }
    *told = catalog_video_json(call, &found,
        CATALOG_DETAIL | CATALOG_NOBODY | (call->tx == NULL ? CATALOG_SHARING : 0), err);
    return *told != NULL ? 0 : err != NULL && err->code != 0 ? err->code : SHOAL_EIO;
}
