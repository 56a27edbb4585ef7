// videos_write.c - changes videos: fields, tags, privacy and what a wider privacy needs.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/captions_priv.h"
#include "host/permissions.h"

SHOAL_SQL(video_set,
    "UPDATE catalog_video SET channel_id = $2, name = $3, description = $4, support = $5, "
    "category = $6, licence = $7, language = $8, privacy = $9, is_nsfw = $10, nsfw_flags = $11, "
    "nsfw_summary = $12, comments_policy = $13, is_downloadable = $14, waits = $15, "
    "plugin_data = $16, schedule_at = $17, schedule_privacy = $18, originally_published = $19, "
    "access_changed = CASE WHEN CAST($20 AS BOOLEAN) = TRUE THEN CAST($21 AS BIGINT) "
    "ELSE access_changed END, updated = $21 WHERE id = $1");
SHOAL_SQL(passwords_count, "SELECT COUNT(*) FROM catalog_video_password WHERE video_id = $1");

struct update {
    int64_t video_id;
    struct catalog_fields fields;
    const struct shoal_decision *held; // a wider privacy waits for a moderator
    int64_t held_privacy;
    int64_t passed_privacy; // what video.publish was asked about and let through; 0: nothing
    bool narrows; // out
    struct catalog_file pictures[2];
    size_t picture_count;
};

// How many can see it; a larger number is wider.
static int width_of(int64_t privacy)
{
    switch (privacy) {
    case SHOAL_PRIVACY_PUBLIC:
        return 4;
    case SHOAL_PRIVACY_UNLISTED:
        return 3;
    case SHOAL_PRIVACY_INTERNAL:
        return 2;
    case SHOAL_PRIVACY_PASSWORD:
        return 1;
    default:
        return 0;
    }
}

static struct shoal_value number_or_null(int64_t number)
{
    return number < 0 ? SHOAL_NULL : SHOAL_I64(number);
}

static void merge_text(
    bool has, const char *value, const char **into, const char *name, json_t *before)
{
    if (!has || (value == NULL ? *into == NULL : *into != NULL && strcmp(value, *into) == 0)) {
        return;
    }
    json_object_set_new(before, name, catalog_text_or_null(*into));
    *into = value;
}

static void merge_number(bool has, int64_t value, int64_t *into, const char *name, json_t *before)
{
    if (has && value != *into) {
        json_object_set_new(before, name, *into < 0 ? json_null() : json_integer(*into));
        *into = value;
    }
}

static void merge_bool(bool has, bool value, bool *into, const char *name, json_t *before)
{
    if (has && value != *into) {
        json_object_set_new(before, name, json_boolean(*into));
        *into = value;
    }
}

static void merge(struct catalog_video *video, const struct catalog_fields *fields, json_t *before)
{
    merge_text(fields->has_name, fields->name, &video->name, "name", before);
    merge_text(
        fields->has_description, fields->description, &video->description, "description", before);
    merge_text(fields->has_support, fields->support, &video->support, "support", before);
    merge_text(fields->has_language, fields->language, &video->language, "language", before);
    merge_text(fields->has_nsfw_summary, fields->nsfw_summary, &video->nsfw_summary, "nsfwSummary",
        before);
    merge_text(
        fields->has_plugin_data, fields->plugin_data, &video->plugin_data, "pluginData", before);
    merge_number(fields->has_category, fields->category, &video->category, "category", before);
    merge_number(fields->has_licence, fields->licence, &video->licence, "licence", before);
    merge_number(
        fields->has_nsfw_flags, fields->nsfw_flags, &video->nsfw_flags, "nsfwFlags", before);
    merge_number(fields->has_comments, fields->comments_policy, &video->comments_policy,
        "commentsPolicy", before);
    merge_number(fields->has_channel, fields->channel_id, &video->channel_id, "channelId", before);
    merge_number(fields->has_originally, fields->originally_ms, &video->originally_published_ms,
        "originallyPublishedAt", before);
    merge_bool(fields->has_nsfw, fields->is_nsfw, &video->is_nsfw, "nsfw", before);
    merge_bool(fields->has_download, fields->is_downloadable, &video->is_downloadable,
        "downloadEnabled", before);
    if (video->state == SHOAL_STATE_TO_TRANSCODE) {
        merge_bool(fields->has_waits, fields->waits, &video->waits, "waitTranscoding", before);
    }
    int64_t privacy = video->privacy;
    merge_number(fields->has_privacy, fields->privacy, &privacy, "privacy", before);
    video->privacy = (enum shoal_privacy)privacy;
    if (fields->has_schedule) {
        video->schedule_at_ms = fields->schedule_at_ms;
        video->schedule_privacy = fields->schedule_privacy;
    }
}

static int row_write(
    struct shoal_db *tx, const struct catalog_video *video, bool narrows, struct shoal_err *err)
{
    return shoal_db_exec(tx, &video_set,
        SHOAL_ARGS(SHOAL_I64(video->id), SHOAL_I64(video->channel_id), SHOAL_TEXT(video->name),
            SHOAL_TEXT(video->description), SHOAL_TEXT(video->support),
            number_or_null(video->category), number_or_null(video->licence),
            SHOAL_TEXT(video->language), SHOAL_I64(video->privacy), SHOAL_BOOL(video->is_nsfw),
            SHOAL_I64(video->nsfw_flags), SHOAL_TEXT(video->nsfw_summary),
            SHOAL_I64(video->comments_policy), SHOAL_BOOL(video->is_downloadable),
            SHOAL_BOOL(video->waits), SHOAL_TEXT(video->plugin_data),
            SHOAL_TIME(video->schedule_at_ms),
            video->schedule_at_ms == 0 ? SHOAL_NULL : SHOAL_I64(video->schedule_privacy),
            SHOAL_TIME(video->originally_published_ms), SHOAL_BOOL(narrows),
            SHOAL_I64(shoal_now_ms())),
        NULL, err);
}

static int passwords_check(struct shoal_db *tx, const struct catalog_video *video,
    const struct catalog_fields *fields, struct shoal_err *err)
{
    int64_t count = (int64_t)fields->password_count;
    int code = 0;
    if (!fields->has_passwords) {
        code = shoal_db_i64(tx, &passwords_count, SHOAL_ARGS(SHOAL_I64(video->id)), &count, err);
    }
    if (code == 0 && video->privacy == SHOAL_PRIVACY_PASSWORD && count == 0) {
        code = shoal_fail_field(err, "videoPasswords",
            "Should have at least one password for a password protected video");
    }
    return code;
}

static int tells_write(struct shoal_call *call, struct shoal_db *tx,
    const struct catalog_video *old, const struct catalog_video *video, json_t *before,
    struct shoal_err *err)
{
    int code = catalog_state_move(call, tx, video->id, 0, NULL, err);
    if (code == 0 && video->privacy == SHOAL_PRIVACY_PRIVATE &&
        old->privacy != SHOAL_PRIVACY_PRIVATE && old->is_open) {
        code = catalog_video_tell(
            call, tx, "video.hidden", video->id, json_pack("{s:s}", "reason", "private"), err);
    }
    if (code == 0) {
        code = catalog_video_tell(
            call, tx, "video.changed", video->id, json_pack("{s:O}", "before", before), err);
    }
    return code;
}

static int update_rows(struct shoal_call *call, struct shoal_db *tx, struct update *update,
    const struct catalog_video *old, json_t *before, struct shoal_err *err)
{
    struct catalog_video video = *old;
    const struct catalog_fields *fields = &update->fields;
    merge(&video, fields, before);
    update->narrows = width_of(video.privacy) < width_of(old->privacy) ||
                      (fields->has_passwords && old->privacy == SHOAL_PRIVACY_PASSWORD);
    int code = passwords_check(tx, &video, fields, err);
    if (code == 0 && width_of(video.privacy) > width_of(old->privacy) &&
        old->verdict == CATALOG_PASSED && update->passed_privacy != (int64_t)video.privacy) {
        // It passed the gate after it was looked at, as something that fewer can see.
        code = shoal_fail(err, SHOAL_EBUSY, "this video was changed just now: please try again");
    }
    if (code == 0) {
        code = row_write(tx, &video, update->narrows, err);
    }
    if (code == 0 && update->narrows) {
        code = catalog_beside_rename(call, tx, video.id, err);
    }
    if (code == 0 && fields->has_description) {
        code = catalog_chapters_describe(
            call, tx, video.id, old->description, video.description, err);
    }
    if (code == 0 && fields->has_tags) {
        json_object_set_new(before, "tags", catalog_video_tags(call, video.id, NULL));
        code = catalog_fields_tags_write(call, tx, video.id, fields, err);
    }
    if (code == 0 && fields->has_passwords) {
        code = catalog_fields_passwords_write(tx, video.id, fields, err);
    }
    if (code == 0 && fields->has_schedule && video.schedule_at_ms != 0) {
        code = catalog_schedule_add(tx, video.uuid, video.schedule_at_ms, err);
    }
    for (size_t i = 0; i < update->picture_count && code == 0; i++) {
        code = catalog_picture_write(call, tx, &update->pictures[i], err);
    }
    if (code == 0 && update->held != NULL) {
        code = catalog_publish_hold(call, tx, &video, update->held_privacy, update->held, err);
    }
    return code == 0 ? tells_write(call, tx, old, &video, before, err) : code;
}

static int update_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct update *update = arg;
    struct catalog_video old;
    int code = catalog_video_by_number(call, update->video_id, &old, err);
    if (code != 0) {
        return code;
    }
    json_t *before = json_object();
    code = update_rows(call, tx, update, &old, before, err);
    json_decref(before);
    return code;
}

// Asks video.publish before more people can see it than now.
static int widen_ask(struct shoal_call *call, const struct catalog_video *video,
    struct update *update, struct shoal_decision *decision, struct shoal_err *err)
{
    struct catalog_fields *fields = &update->fields;
    if (!fields->has_privacy || width_of(fields->privacy) <= width_of(video->privacy) ||
        video->verdict != CATALOG_PASSED) {
        return 0;
    }
    struct catalog_video as = *video;
    as.name = fields->has_name ? fields->name : video->name;
    as.description = fields->has_description ? fields->description : video->description;
    switch (catalog_publish_judge(call, &as, fields->privacy, !video->is_announced, decision)) {
    case SHOAL_PASS:
    case SHOAL_ACCEPT:
        update->passed_privacy = fields->privacy;
        return 0;
    case SHOAL_HOLD:
        update->held = decision;
        update->held_privacy = fields->privacy;
        fields->has_privacy = false;
        return 0;
    case SHOAL_REFUSE:
        break;
    }
    return shoal_fail(err, SHOAL_EFORBIDDEN, "%s",
        decision->sentence[0] != '\0' ? decision->sentence : "publishing this video was refused");
}

static int update_apply(struct shoal_call *call, const struct catalog_video *video,
    struct update *update, struct shoal_err *err)
{
    struct shoal_decision decision = {0};
    int code = widen_ask(call, video, update, &decision, err);
    if (code == 0) {
        code = shoal_tx(call, update_tx, update, err);
    }
    if (code == 0 && update->narrows) {
        catalog_media_revoke(shoal_arena_printf(call->arena, "v:%s", video->uuid), shoal_now_ms());
    }
    return code;
}

static int pictures_forget(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct update *update = arg;
    return catalog_objects_remove(tx, update->pictures, update->picture_count, err);
}

// Before any row changes: what cannot be kept refuses the whole.
static int pictures_prepare(struct shoal_call *call, const struct catalog_video *video,
    const char *const paths[2], struct update *update, struct shoal_err *err)
{
    static const char *const kinds[] = {"thumbnail", "preview"};
    int code = 0;
    for (size_t i = 0; i < 2 && code == 0; i++) {
        if (paths[i] != NULL) {
            struct catalog_file *file = &update->pictures[update->picture_count];
            code = catalog_picture_prepare(call, video, kinds[i], paths[i], file, err);
            update->picture_count += code == 0 ? 1 : 0;
        }
    }
    return code;
}

int shoal_video_update(
    struct shoal_call *call, const char *id, const json_t *fields, struct shoal_err *err)
{
    return shoal_video_update_pictured(call, id, fields, NULL, NULL, err);
}

int shoal_video_update_pictured(struct shoal_call *call, const char *id, const json_t *fields,
    const char *thumbnail, const char *preview, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "videos", err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct catalog_video video;
    struct update update = {0};
    int64_t account_id = 0;
    int code = catalog_video_may(call, SHOAL_MAY_UPDATE, id, NULL, &video, err);
    if (code == 0) {
        code = catalog_fields_fill(call, fields, video.source_kind, false, &update.fields, err);
    }
    if (code == 0 && update.fields.has_channel) {
        code = catalog_channel_owned(call, update.fields.channel_id, &account_id, err);
    }
    if (code != 0) {
        return code;
    }
    update.video_id = video.id;
    const char *const paths[2] = {thumbnail, preview};
    code = pictures_prepare(call, &video, paths, &update, err);
    code = code == 0 ? update_apply(call, &video, &update, err) : code;
    if (code != 0 && update.picture_count > 0) {
        shoal_tx(call, pictures_forget, &update, NULL); // else the sweep finds them
    }
    return code;
}

int catalog_schedule_add(
    struct shoal_db *tx, const char *uuid, int64_t at_ms, struct shoal_err *err)
{
    json_t *payload = json_pack("{s:s}", "uuid", uuid);
    struct shoal_job_options options = {.run_at_ms = at_ms};
    int code = shoal_job_add(NULL, tx, "core.schedule", payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

int catalog_schedule_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct catalog_video video;
    int code = catalog_video_find(call, shoal_text(job->payload, "uuid", ""), &video, NULL, err);
    if (code == SHOAL_ENOTFOUND) {
        return 0;
    }
    // Another date has its own job.
    if (code != 0 || video.schedule_at_ms == 0 || video.schedule_at_ms > shoal_now_ms()) {
        return code;
    }
    struct update update = {
        .video_id = video.id,
        .fields = {.has_privacy = true, .privacy = video.schedule_privacy, .has_schedule = true},
    };
    code = update_apply(call, &video, &update, err);
    if (code == SHOAL_EFORBIDDEN) {
        // A refusal is an answer: the date has passed, the video stays as it is.
        shoal_warn("video %s was not published on its date: %s", video.uuid, err->text);
        update.fields.has_privacy = false;
        code = update_apply(call, &video, &update, err);
    }
    return code;
}
