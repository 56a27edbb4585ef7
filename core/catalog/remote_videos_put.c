// remote_videos_put.c - keeps a video of another server: made, or changed as a whole.
//
// A UUID that a local video or another URL has is refused, so nothing of ours and nothing of a
// third is ever changed (T02). New ones pass the gate video.publish, as do those that widen their
// privacy.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/follows.h>
#include "catalog/remote_draft.h"
#include "host/permissions.h"

SHOAL_SQL(put_video_by_url, "SELECT id FROM catalog_video WHERE url = $1 AND origin_host = $2");
SHOAL_SQL(put_video_by_uuid, "SELECT id FROM catalog_video WHERE uuid = $1");
SHOAL_SQL(put_video_insert,
    "INSERT INTO catalog_video (uuid, channel_id, origin_host, url, name, privacy, state, "
    "source_kind, "
    "created, updated, published) VALUES ($1, $2, $3, $4, $5, $6, $7, 'remote', $8, $8, $8) "
    "RETURNING id");
SHOAL_SQL(put_video_update,
    "UPDATE catalog_video SET channel_id = $2, name = $3, description = $4, support = $5, "
    "category = $6, licence = $7, language = $8, privacy = $9, state = $10, is_live = $11, "
    "is_nsfw = $12, nsfw_flags = $13, nsfw_summary = $14, duration_s = $15, aspect_e4 = $16, "
    "comments_policy = $17, is_downloadable = $18, waits = $19, "
    "views = COALESCE(CAST($20 AS BIGINT), views), likes = COALESCE(CAST($21 AS BIGINT), likes), "
    "dislikes = COALESCE(CAST($22 AS BIGINT), dislikes), plugin_data = $23, updated = $24, "
    "published = $25, originally_published = $26, input_updated = $27 WHERE id = $1 AND origin_host <> ''");
SHOAL_SQL(put_video_unask,
    "UPDATE catalog_video SET verdict = 0, is_open = FALSE WHERE id = $1 AND origin_host <> ''");
SHOAL_SQL(put_origin,
    "INSERT INTO catalog_video_origin (video_id, trackers, infohashes, is_permanent, saves_replay, "
    "latency, starts, dvr_s, is_embeddable, read) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
    "ON CONFLICT (video_id) DO UPDATE SET "
    "trackers = excluded.trackers, infohashes = excluded.infohashes, "
    "is_permanent = excluded.is_permanent, saves_replay = excluded.saves_replay, "
    "latency = excluded.latency, starts = excluded.starts, dvr_s = excluded.dvr_s, "
    "is_embeddable = excluded.is_embeddable, read = excluded.read, missing = 0");
SHOAL_SQL(put_tags_clear, "DELETE FROM catalog_video_tag WHERE video_id = $1");
SHOAL_SQL(put_tag_add,
    "INSERT INTO catalog_video_tag (video_id, position, name, folded) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (video_id, folded) DO NOTHING");

struct video_put {
    const struct remote_draft *draft;
    int64_t id; // out
    bool is_new, asks;
    enum shoal_video_state from; // 0: it is new
};

static int row_find(struct shoal_db *tx, struct video_put *put, struct shoal_err *err)
{
    const struct remote_draft *draft = put->draft;
    int64_t holder = 0;
    int code = shoal_db_i64(tx, &put_video_by_url,
        SHOAL_ARGS(SHOAL_TEXT(draft->url), SHOAL_TEXT(draft->host)), &put->id, NULL);
    put->is_new = code == SHOAL_ENOTFOUND;
    if (code != 0 && !put->is_new) {
        return shoal_fail(err, code, "the video %s cannot be looked up", draft->url);
    }
    code = shoal_db_i64(tx, &put_video_by_uuid, SHOAL_ARGS(SHOAL_TEXT(draft->uuid)), &holder, NULL);
    if (code != 0 && code != SHOAL_ENOTFOUND) {
        return shoal_fail(err, code, "the video %s cannot be looked up", draft->url);
    }
    // One that is known keeps its UUID: links of people have it.
    if (put->is_new ? code == 0 : code == SHOAL_ENOTFOUND || holder != put->id) {
        return shoal_fail(
            err, SHOAL_ECONFLICT, "the UUID %s is that of another video", draft->uuid);
    }
    return 0;
}

static struct shoal_value number_or_null(int64_t number)
{
    return number < 0 ? SHOAL_NULL : SHOAL_I64(number);
}

static int row_update(struct shoal_db *tx, const struct video_put *put, struct shoal_err *err)
{
    const struct remote_draft *draft = put->draft;
    return shoal_db_exec(tx, &put_video_update,
        SHOAL_ARGS(SHOAL_I64(put->id), SHOAL_I64(draft->channel.channel_id),
            SHOAL_TEXT(draft->name), SHOAL_TEXT(draft->description), SHOAL_TEXT(draft->support),
            number_or_null(draft->category), number_or_null(draft->licence),
            SHOAL_TEXT(draft->language), SHOAL_I64(draft->privacy), SHOAL_I64(draft->state),
            SHOAL_BOOL(draft->is_live), SHOAL_BOOL(draft->is_nsfw), SHOAL_I64(draft->nsfw_flags),
            SHOAL_TEXT(draft->nsfw_summary), SHOAL_I64(draft->duration_s),
            draft->aspect_e4 == 0 ? SHOAL_NULL : SHOAL_I64(draft->aspect_e4),
            SHOAL_I64(draft->comments_policy), SHOAL_BOOL(draft->is_downloadable),
            SHOAL_BOOL(draft->waits), number_or_null(draft->views), number_or_null(draft->likes),
            number_or_null(draft->dislikes), SHOAL_TEXT(draft->plugin_data),
            SHOAL_I64(draft->updated_ms), SHOAL_I64(draft->published_ms),
            SHOAL_TIME(draft->originally_ms), SHOAL_TIME(draft->input_updated_ms)),
        NULL, err);
}

static int tags_write(struct shoal_call *call, struct shoal_db *tx, const struct video_put *put,
    struct shoal_err *err)
{
    int code = shoal_db_exec(tx, &put_tags_clear, SHOAL_ARGS(SHOAL_I64(put->id)), NULL, err);
    for (size_t i = 0; i < put->draft->tag_count && code == 0; i++) {
        const char *tag = put->draft->tags[i];
        code = shoal_db_exec(tx, &put_tag_add,
            SHOAL_ARGS(SHOAL_I64(put->id), SHOAL_I64(i), SHOAL_TEXT(tag),
                SHOAL_TEXT(catalog_fold(call->arena, tag))),
            NULL, err);
    }
    return code;
}

static int rows_write(struct shoal_call *call, struct shoal_db *tx, const struct video_put *put,
    bool *has_changed, struct shoal_err *err)
{
    const struct remote_draft *draft = put->draft;
    int code = row_update(tx, put, err);
    if (code == 0) {
        code = shoal_db_exec(tx, &put_origin,
            SHOAL_ARGS(SHOAL_I64(put->id), SHOAL_TEXT(draft->trackers),
                SHOAL_TEXT(draft->infohashes), SHOAL_BOOL(draft->is_permanent),
                SHOAL_BOOL(draft->saves_replay), SHOAL_I64(draft->latency),
                SHOAL_TEXT(draft->starts), SHOAL_I64(draft->dvr_s),
                SHOAL_BOOL(draft->is_embeddable), SHOAL_I64(shoal_now_ms())),
            NULL, err);
    }
    code = code == 0 ? tags_write(call, tx, put, err) : code;
    code =
        code == 0 ? catalog_remote_files_write(call, tx, put->id, draft, has_changed, err) : code;
    return code == 0 ? catalog_remote_parts_write(call, tx, put->id, draft, err) : code;
}

// {field: what it was} of what people see.
static json_t *difference(const json_t *before, const json_t *after)
{
    static const char *const fields[] = {"name", "description", "support", "category", "licence",
        "language", "privacy", "nsfw", "nsfwFlags", "nsfwSummary", "tags", "state", "duration",
        "isLive", "permanentLive", "saveReplay", "latencyMode", "liveSchedules", "dvrWindow",
        "embedPrivacyPolicy", "aspectRatio", "commentsPolicy",
        "downloadEnabled", "originallyPublishedAt", "inputFileUpdatedAt", "publishedAt", "trackerUrls",
        "streamingPlaylists", "pluginData"};
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        json_t *old = json_object_get(before, fields[i]);
        json_t *now = json_object_get(after, fields[i]);
        if (old != now && (old == NULL || now == NULL || !json_equal(old, now))) {
            json_object_set(out, fields[i], old);
            if (old == NULL) {
                json_object_set_new(out, fields[i], json_null());
            }
        }
    }
    if (shoal_integer(before, "channel.id", 0) != shoal_integer(after, "channel.id", 0)) {
        json_object_set(out, "channel", json_object_get(before, "channel"));
    }
    return out;
}

static int change_tell(struct shoal_call *call, struct shoal_db *tx, const struct video_put *put,
    const json_t *before, bool has_changed, struct shoal_err *err)
{
    struct catalog_video now;
    int code = catalog_video_by_number(call, put->id, &now, err);
    json_t *after = code == 0 ? catalog_video_json(call, &now, CATALOG_DETAIL, err) : NULL;
    if (after == NULL) {
        return code != 0 ? code : SHOAL_EIO;
    }
    json_t *changed = difference(before, after);
    json_decref(after);
    bool is_other = json_object_size(changed) > 0;
    if (is_other) {
        code = catalog_video_tell(
            call, tx, "video.changed", put->id, json_pack("{s:O}", "before", changed), err);
    }
    json_decref(changed);
    return code == 0 && (is_other || has_changed) ? shoal_touch(call, tx, "catalog", err) : code;
}

static int make(
    struct shoal_call *call, struct shoal_db *tx, struct video_put *put, struct shoal_err *err)
{
    const struct remote_draft *draft = put->draft;
    bool has_changed = false;
    put->asks = true;
    int code = shoal_db_i64(tx, &put_video_insert,
        SHOAL_ARGS(SHOAL_TEXT(draft->uuid), SHOAL_I64(draft->channel.channel_id),
            SHOAL_TEXT(draft->host), SHOAL_TEXT(draft->url), SHOAL_TEXT(draft->name),
            SHOAL_I64(draft->privacy), SHOAL_I64(draft->state), SHOAL_I64(shoal_now_ms())),
        &put->id, err);
    return code == 0 ? rows_write(call, tx, put, &has_changed, err) : code;
}

static int change(
    struct shoal_call *call, struct shoal_db *tx, struct video_put *put, struct shoal_err *err)
{
    struct catalog_video old;
    bool has_changed = false;
    int code = catalog_video_by_number(call, put->id, &old, err);
    json_t *before = code == 0 ? catalog_video_json(call, &old, CATALOG_DETAIL, err) : NULL;
    if (before == NULL) {
        return code != 0 ? code : SHOAL_EIO;
    }
    put->from = old.state;
    // What passed as unlisted has not passed as public.
    put->asks = old.verdict == CATALOG_UNASKED ||
                (old.verdict == CATALOG_PASSED && old.privacy != SHOAL_PRIVACY_PUBLIC &&
                    put->draft->privacy == SHOAL_PRIVACY_PUBLIC);
    code = rows_write(call, tx, put, &has_changed, err);
    if (code == 0 && put->asks) {
        code = shoal_db_exec(tx, &put_video_unask, SHOAL_ARGS(SHOAL_I64(put->id)), NULL, err);
    } else if (code == 0 && old.state != (enum shoal_video_state)put->draft->state) {
        code = catalog_state_move(call, tx, put->id, 0, NULL, err);
    }
    code = code == 0 ? change_tell(call, tx, put, before, has_changed, err) : code;
    json_decref(before);
    return code;
}

static int video_put_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct video_put *put = arg;
    int code = row_find(tx, put, err);
    if (code != 0) {
        return code;
    }
    code = put->is_new ? make(call, tx, put, err) : change(call, tx, put, err);
    return code == 0 ? shoal_video_listed(call, put->id, err) : code;
}

static int ask(struct shoal_call *call, const struct video_put *put, struct shoal_err *err)
{
    struct catalog_video video;
    int code = put->asks ? catalog_publish_ask(call, put->id, false, err) : 0;
    code = code == 0 ? catalog_video_by_number(call, put->id, &video, err) : code;
    if (code == 0) {
        catalog_state_tell(call, put->id, put->from == 0 ? video.state : put->from, video.state);
    }
    return code == 0 && video.verdict == CATALOG_REFUSED
               ? shoal_fail(err, SHOAL_EFORBIDDEN, "the video %s was refused: %s", video.uuid,
                     video.blocked_reason == NULL ? "" : video.blocked_reason)
               : code;
}

int shoal_video_put(struct shoal_call *call, const json_t *draft, char uuid_out[37], bool *is_new,
    struct shoal_err *err)
{
    int code = shoal_permission_call(call, "federation", NULL, err);
    if (code != 0) {
        return code;
    }
    struct remote_draft *read = shoal_arena_alloc(call->arena, sizeof *read);
    struct video_put put = {.draft = read};
    code = catalog_remote_draft_read(call, draft, read, err);
    code = code == 0 ? shoal_tx(call, video_put_tx, &put, err) : code;
    code = code == 0 ? ask(call, &put, err) : code;
    if (code == 0) {
        memcpy(uuid_out, read->uuid, 37);
        if (is_new != NULL) {
            *is_new = put.is_new;
        }
    }
    return code;
}
