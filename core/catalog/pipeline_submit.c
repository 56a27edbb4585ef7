// pipeline_submit.c - the one door for files: probe, ask, keep the bytes, make the rows, queue the
// rest.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/captions_priv.h"

#include "base/drill.h"
#include "base/file.h"
#include "base/sized.h"
#include "host/permissions.h"

struct submit {
    const struct shoal_submission *what;
    struct catalog_fields fields;
    struct catalog_video video; // what is there already, or what is made
    const json_t *probe;
    const char *probe_text, *storage;
    int64_t account_id; // whose quota it counts against
    char stem[37];      // of the web video's name
    bool is_new, has_thumbnail, has_preview;
    const struct shoal_decision *held;
};

SHOAL_SQL(video_add,
    "INSERT INTO catalog_video (uuid, channel_id, name, description, support, category, licence, "
    "language, privacy, state, is_nsfw, nsfw_flags, nsfw_summary, comments_policy, "
    "is_downloadable, waits, plugin_data, source_kind, schedule_at, schedule_privacy, "
    "originally_published, created, updated, published) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
    "$9, 2, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $21, $21) RETURNING id");
SHOAL_SQL(video_source,
    "UPDATE catalog_video SET duration_s = $2, aspect_e4 = $3, probe = $4, source_name = $5, "
    "source_bytes = $6, version = $7, input_updated = $8, blocked_reason = $9 WHERE id = $1");
SHOAL_SQL(video_again, "UPDATE catalog_video SET verdict = 0, is_open = FALSE WHERE id = $1");
SHOAL_SQL(version_take,
    "UPDATE catalog_video SET taken_version = 1 + CASE WHEN taken_version > version "
    "THEN taken_version ELSE version END WHERE id = $1 RETURNING taken_version");
SHOAL_SQL(version_now, "SELECT version FROM catalog_video WHERE id = $1");
SHOAL_SQL(sender_blocked,
    "SELECT COUNT(*) FROM catalog_user WHERE id = $1 AND is_blocked = TRUE");
SHOAL_SQL(playlist_remove, "DELETE FROM catalog_playlist WHERE video_id = $1");

static struct shoal_value number_or_null(int64_t number)
{
    return number < 0 ? SHOAL_NULL : SHOAL_I64(number);
}

static int video_insert(struct shoal_db *tx, struct submit *submit, struct shoal_err *err)
{
    const struct catalog_fields *fields = &submit->fields;
    return shoal_db_i64(tx, &video_add,
        SHOAL_ARGS(SHOAL_TEXT(submit->video.uuid), SHOAL_I64(fields->channel_id),
            SHOAL_TEXT(fields->name), SHOAL_TEXT(fields->description), SHOAL_TEXT(fields->support),
            number_or_null(fields->category), number_or_null(fields->licence),
            SHOAL_TEXT(fields->language), SHOAL_I64(fields->privacy), SHOAL_BOOL(fields->is_nsfw),
            SHOAL_I64(fields->nsfw_flags), SHOAL_TEXT(fields->nsfw_summary),
            SHOAL_I64(fields->comments_policy), SHOAL_BOOL(fields->is_downloadable),
            SHOAL_BOOL(fields->waits), SHOAL_TEXT(fields->plugin_data),
            SHOAL_TEXT(submit->what->source), SHOAL_TIME(fields->schedule_at_ms),
            fields->schedule_at_ms == 0 ? SHOAL_NULL : SHOAL_I64(fields->schedule_privacy),
            SHOAL_TIME(fields->originally_ms), SHOAL_I64(shoal_now_ms())),
        &submit->video.id, err);
}

static int source_write(struct shoal_db *tx, const struct submit *submit, struct shoal_err *err)
{
    double duration = shoal_number(submit->probe, "duration", 0);
    int64_t duration_s =
        isfinite(duration) && duration > 0 && duration < 1e8 ? (int64_t)llround(duration) : 0;
    int64_t width = shoal_integer(submit->probe, "video.width", 0);
    int64_t height = shoal_integer(submit->probe, "video.height", 0);
    int64_t aspect = width > 0 && height > 0 ? (width * 10000 + height / 2) / height : 0;
    return shoal_db_exec(tx, &video_source,
        SHOAL_ARGS(SHOAL_I64(submit->video.id), SHOAL_I64(duration_s),
            aspect > 0 ? SHOAL_I64(aspect) : SHOAL_NULL, SHOAL_TEXT(submit->probe_text),
            SHOAL_TEXT(submit->what->filename), SHOAL_I64(submit->what->size_bytes),
            SHOAL_I64(submit->video.version),
            submit->is_new ? SHOAL_NULL : SHOAL_I64(shoal_now_ms()),
            submit->held == NULL ? SHOAL_NULL : SHOAL_TEXT(submit->held->sentence)),
        NULL, err);
}

static const char *source_name(struct shoal_call *call, const struct catalog_video *video)
{
    return shoal_arena_printf(
        call->arena, "%s-%lld.source", video->uuid, (long long)video->version);
}

// The source, which nobody is served, and the web video that a remux makes of it.
static int files_write(struct shoal_call *call, struct shoal_db *tx, const struct submit *submit,
    struct shoal_err *err)
{
    const char *name = source_name(call, &submit->video);
    int resolution = catalog_resolution_of(submit->probe);
    const char *web_name = shoal_arena_printf(call->arena, "%s-%d.mp4", submit->stem, resolution);
    json_t *raw = json_object_get(submit->probe, "raw");
    char *metadata = catalog_probe_dump(raw);
    struct catalog_file source = {.video_id = submit->video.id,
        .kind = "source",
        .version = submit->video.version,
        .name = name,
        .mime = "application/octet-stream",
        .storage = "",
        .key = shoal_arena_printf(call->arena, CATALOG_UPLOADS "/%s", name),
        .size_bytes = (int64_t)submit->what->size_bytes,
        .is_ready = true};
    struct catalog_file web = {.video_id = submit->video.id,
        .kind = "web_video",
        .version = submit->video.version,
        .name = web_name,
        .mime = "video/mp4",
        .storage = submit->storage,
        .key = shoal_arena_printf(call->arena, "web-videos/%s", web_name),
        .size_bytes = (int64_t)submit->what->size_bytes,
        .resolution = resolution,
        .width = (int)shoal_integer(submit->probe, "video.width", 0),
        .height = (int)shoal_integer(submit->probe, "video.height", 0),
        .fps = (int)lround(fmin(fmax(shoal_number(submit->probe, "video.fps", 0), 0), 1000)),
        .has_video = resolution > 0,
        .has_audio = json_is_object(json_object_get(submit->probe, "audio")),
        .metadata = metadata};
    int code = catalog_file_add(tx, &source, NULL, err);
    if (code == 0) {
        code = catalog_file_add(tx, &web, NULL, err);
    }
    free(metadata);
    return code;
}

// Two files for one video at once have names of their own.
static int version_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct catalog_video *video = arg;
    return shoal_db_i64(tx, &version_take, SHOAL_ARGS(SHOAL_I64(video->id)), &video->version, err);
}

// A new file for a video that is there: the old files go, and the gate is asked again.
static int replaced_clear(
    struct shoal_call *call, struct shoal_db *tx, struct submit *submit, struct shoal_err *err)
{
    int64_t now = 0;
    int fresh = shoal_db_i64(tx, &version_now, SHOAL_ARGS(SHOAL_I64(submit->video.id)), &now, err);
    if (fresh != 0 || now >= submit->video.version) {
        return fresh != 0 ? fresh
                          : shoal_fail(err, SHOAL_ECONFLICT,
                                "this video was given a newer file meanwhile");
    }
    struct catalog_file *files = NULL;
    size_t count = 0;
    size_t gone = 0;
    int code = catalog_files_get(call, submit->video.id, NULL, &files, &count, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        bool is_media = strcmp(files[i].kind, "source") == 0 ||
                        strcmp(files[i].kind, "web_video") == 0 ||
                        strncmp(files[i].kind, "hls_", 4) == 0;
        if (is_media) {
            code = catalog_file_remove(tx, files[i].id, err);
            files[gone++] = files[i];
        }
    }
    if (code == 0) {
        code = catalog_objects_remove(tx, files, gone, err);
    }
    if (code == 0) {
        code = catalog_storyboard_remove(call, tx, submit->video.id, err);
    }
    if (code == 0) {
        code =
            shoal_db_exec(tx, &playlist_remove, SHOAL_ARGS(SHOAL_I64(submit->video.id)), NULL, err);
    }
    if (code == 0) {
        code = catalog_state_move(call, tx, submit->video.id, SHOAL_STATE_TO_TRANSCODE, NULL, err);
    }
    return code == 0
               ? shoal_db_exec(tx, &video_again, SHOAL_ARGS(SHOAL_I64(submit->video.id)), NULL, err)
               : code;
}

static int steps_add(struct shoal_call *call, struct shoal_db *tx, const struct submit *submit,
    struct shoal_err *err)
{
    const struct catalog_video *video = &submit->video;
    if (submit->held != NULL) {
        return shoal_held_add(tx, "upload.finish",
            shoal_arena_printf(call->arena, "video:%s", video->uuid), submit->held, err);
    }
    int code = catalog_step_add(call, tx, "core.images", video,
        json_pack("{s:b, s:b}", "thumbnail", submit->has_thumbnail, "preview", submit->has_preview),
        err);
    return code == 0 ? catalog_step_add(call, tx, "core.remux", video, NULL, err) : code;
}

// An upload takes hours: whoever began it may have been blocked meanwhile (T30).
static int sender_check(struct shoal_call *call, struct shoal_db *tx, struct shoal_err *err)
{
    int64_t blocked = 0;
    if (call->viewer.kind != SHOAL_VIEWER_USER) {
        return 0;
    }
    int code = shoal_db_i64(
        tx, &sender_blocked, SHOAL_ARGS(SHOAL_I64(call->viewer.user_id)), &blocked, err);
    return code == 0 && blocked > 0
               ? shoal_fail(err, SHOAL_EFORBIDDEN, "this account is blocked: it uploads nothing")
               : code;
}

static json_t *brief_of(const struct catalog_video *video)
{
    char brief[23] = "";
    shoal_uuid_to_short(video->uuid, brief);
    return json_pack(
        "{s:I, s:s, s:s}", "id", (json_int_t)video->id, "uuid", video->uuid, "shortUUID", brief);
}

static int submit_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct submit *submit = arg;
    int code = sender_check(call, tx, err);
    if (code == 0) {
        // Once more: others may have come in while this one was looked at.
        code = catalog_quota_check(
            call, submit->account_id, (int64_t)submit->what->size_bytes, err);
    }
    if (code == 0) {
        code =
            submit->is_new ? video_insert(tx, submit, err) : replaced_clear(call, tx, submit, err);
    }
    if (code == 0 && submit->is_new) {
        code = catalog_chapters_describe(
            call, tx, submit->video.id, NULL, submit->fields.description, err);
    }
    if (code == 0 && submit->is_new) {
        code = catalog_fields_tags_write(call, tx, submit->video.id, &submit->fields, err);
    }
    if (code == 0 && submit->is_new && submit->fields.password_count > 0) {
        code = catalog_fields_passwords_write(tx, submit->video.id, &submit->fields, err);
    }
    if (code == 0 && submit->is_new && submit->fields.schedule_at_ms != 0) {
        code = catalog_schedule_add(tx, submit->video.uuid, submit->fields.schedule_at_ms, err);
    }
    if (code == 0) {
        code = source_write(tx, submit, err);
    }
    if (code == 0) {
        code = files_write(call, tx, submit, err);
    }
    if (code == 0) {
        code = steps_add(call, tx, submit, err);
    }
    if (code == 0 && submit->what->commit != NULL) {
        json_t *video = brief_of(&submit->video);
        code = submit->what->commit(call, tx, video, submit->what->arg, err);
        json_decref(video);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

static int finish_decide(struct shoal_call *call, const struct submit *submit,
    struct shoal_decision *decision, struct shoal_err *err)
{
    const struct shoal_submission *what = submit->what;
    if (!shoal_hook_heard("upload.finish")) {
        return 0;
    }
    int64_t channel_id = submit->is_new ? submit->fields.channel_id : submit->video.channel_id;
    json_t *draft = submit->is_new ? json_deep_copy(what->draft)
                                   : catalog_video_json(call, &submit->video,
                                         CATALOG_DETAIL | CATALOG_OWNER, NULL);
    json_t *payload = json_pack("{s:o?, s:o?, s:o?, s:{s:s?, s:I, s:s?, s:s}, s:O, s:s}", "user",
        catalog_user_brief(call, call->viewer.user_id), "channel",
        catalog_channel_json(call, channel_id, false, NULL), "video", draft, "file", "name",
        what->filename, "size_bytes", (json_int_t)what->size_bytes, "sha256", what->sha256, "path",
        what->path, "probe", submit->probe, "source", what->source);
    enum shoal_verdict verdict = shoal_fire_decide(call, "upload.finish", payload, decision);
    json_decref(payload);
    if (verdict == SHOAL_REFUSE) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%s",
            decision->sentence[0] != '\0' ? decision->sentence : "this file was refused");
    }
    return 0;
}

// The pictures of the user go beside the source until the job has made ours of them.
static int picture_keep(struct shoal_call *call, const struct catalog_video *video,
    const char *path, const char *kind, bool *has, struct shoal_err *err)
{
    const char *source = path == NULL ? NULL : catalog_source_path(call, video, err);
    *has = false;
    if (path == NULL || source == NULL) {
        return path == NULL ? 0 : SHOAL_EIO;
    }
    int code = catalog_keep(path, shoal_arena_printf(call->arena, "%s.%s", source, kind), err);
    *has = code == 0;
    return code;
}

static int submit_keep(struct shoal_call *call, struct submit *submit, struct shoal_err *err)
{
    const struct shoal_submission *what = submit->what;
    struct catalog_video *video = &submit->video;
    int code = submit->is_new ? 0 : shoal_tx(call, version_tx, video, err);
    const char *kept = code == 0 ? catalog_source_path(call, video, err) : NULL;
    if (kept == NULL) {
        return code == 0 ? SHOAL_EIO : code;
    }
    code = picture_keep(call, video, what->thumbnail, "thumbnail", &submit->has_thumbnail, err);
    if (code == 0) {
        code = picture_keep(call, video, what->preview, "preview", &submit->has_preview, err);
    }
    if (code == 0) {
        code = catalog_keep(what->path, kept, err);
    }
    if (code == 0) {
        shoal_drill_point("upload.moved");
        code = shoal_tx(call, submit_tx, submit, err);
        shoal_drill_point("upload.committed");
    }
    const char *const given[] = {what->path, what->thumbnail, what->preview};
    const char *const ends[] = {"", ".thumbnail", ".preview"};
    for (int i = 0; i < 3; i++) {
        if (given[i] != NULL) {
            shoal_file()->unlink(
                code == 0 ? given[i] : shoal_arena_printf(call->arena, "%s%s", kept, ends[i]));
        }
    }
    return code;
}

static int submit_read(struct shoal_call *call, struct submit *submit, struct shoal_err *err)
{
    const struct shoal_submission *what = submit->what;
    int code = call->viewer.kind == SHOAL_VIEWER_SYSTEM ? 0 : catalog_need_user(&call->viewer, err);
    if (code != 0) {
        return code;
    }
    submit->is_new = what->video == NULL;
    if (submit->is_new) {
        code = catalog_fields_fill(call, what->draft, what->source, true, &submit->fields, err);
        if (code == 0) {
            code =
                catalog_channel_owned(call, submit->fields.channel_id, &submit->account_id, err);
        }
        char *uuid = shoal_arena_alloc(call->arena, 37);
        shoal_uuid_new(uuid);
        submit->video.uuid = uuid;
        submit->video.version = 1;
    } else {
        code = catalog_video_may(call, SHOAL_MAY_UPDATE, what->video, NULL, &submit->video, err);
        submit->account_id = submit->video.account_id;
    }
    return code == 0 ? catalog_quota_check(
                           call, submit->account_id, (int64_t)what->size_bytes, err)
                     : code;
}

static int probe_read(struct shoal_call *call, const struct shoal_submission *what, json_t **probe,
    struct shoal_err *err)
{
    struct shoal_service service;
    int code = catalog_transcoder_find(&service, err);
    if (code != 0) {
        return code;
    }
    const struct shoal_svc_transcoder *table = service.table;
    shoal_enter(call, &service);
    code = table->probe(call, service.arg, what->path, probe, err);
    shoal_leave(call);
    int64_t most_ms = catalog_setting_i64("video.duration_max", 0);
    double duration_ms = shoal_number(*probe, "duration", 0) * 1000;
    if (code == 0 && most_ms > 0 && duration_ms > (double)most_ms) {
        json_decref(*probe);
        *probe = NULL;
        code = shoal_fail(err, SHOAL_EUNREADABLE, "this video is longer than %lld seconds",
            (long long)(most_ms / 1000));
    }
    return code;
}

int shoal_media_submit_sized(struct shoal_call *call, const struct shoal_submission *theirs,
    size_t what_bytes, json_t **video, struct shoal_err *err)
{
    struct shoal_submission mine;
    const struct shoal_submission *what = &mine;
    shoal_sized_copy(&mine, sizeof mine, theirs, what_bytes);
    if (shoal_permission_call(call, "media", NULL, err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct submit submit = {.what = what};
    struct shoal_service storage;
    struct shoal_decision decision = {0};
    json_t *probe = NULL;
    int code = submit_read(call, &submit, err);
    if (code == 0) {
        code = catalog_storage_find(&storage, err);
    }
    if (code == 0 && what->thumbnail != NULL) {
        code = shoal_video_image_check(call, "thumbnail", what->thumbnail, err);
    }
    if (code == 0 && what->preview != NULL) {
        code = shoal_video_image_check(call, "preview", what->preview, err);
    }
    if (code == 0) {
        code = probe_read(call, what, &probe, err);
    }
    if (code != 0) {
        json_decref(probe); // a failing provider may have made one all the same
        return code;
    }
    shoal_drill_point("probe.done");
    submit.probe = probe;
    submit.storage = storage.plugin;
    shoal_uuid_new(submit.stem);
    char *text = catalog_probe_dump(probe);
    submit.probe_text = text;
    code = finish_decide(call, &submit, &decision, err);
    submit.held = decision.verdict == SHOAL_HOLD ? &decision : NULL;
    if (code == 0) {
        code = submit_keep(call, &submit, err);
    }
    free(text);
    json_decref(probe);
    if (code == 0) {
        *video = brief_of(&submit.video);
    }
    return code;
}

struct resume {
    const struct catalog_video *video;
};

static int resume_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct resume *resume = arg;
    struct submit submit = {.video = *resume->video};
    const char *source = catalog_source_path(call, resume->video, err);
    if (source == NULL) {
        return SHOAL_EIO;
    }
    // The pictures of the user have waited beside the source.
    submit.has_thumbnail =
        catalog_size_of(shoal_arena_printf(call->arena, "%s.thumbnail", source)) >= 0;
    submit.has_preview =
        catalog_size_of(shoal_arena_printf(call->arena, "%s.preview", source)) >= 0;
    return steps_add(call, tx, &submit, err);
}

int catalog_submit_resume(struct shoal_call *call, const char *hook, const char *subject,
    bool released, const char *sentence, void *arg, struct shoal_err *err)
{
    (void)hook;
    (void)sentence;
    (void)arg;
    struct catalog_video video;
    const char *uuid = strncmp(subject, "video:", 6) == 0 ? subject + 6 : "";
    int code = catalog_video_find(call, uuid, &video, NULL, err);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    if (released) {
        struct resume resume = {.video = &video};
        return shoal_tx(call, resume_tx, &resume, err);
    }
    struct shoal_viewer old = catalog_viewer_swap(call, catalog_viewer_system());
    code = catalog_video_delete(call, video.uuid, err);
    catalog_viewer_swap(call, old);
    return code;
}
