// pipeline_remux.c - the first file that plays: the upload's own streams without its metadata.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "catalog/pipeline_priv.h"

#include "base/drill.h"
#include "base/file.h"

SHOAL_SQL(web_ready,
    "UPDATE catalog_file SET is_ready = TRUE, size_bytes = $2, storage = $3 WHERE id = $1");

int catalog_job_video(struct shoal_call *call, const struct shoal_job *job,
    struct catalog_video *video, struct shoal_err *err)
{
    int code = catalog_video_find(call, shoal_text(job->payload, "uuid", ""), video, NULL, err);
    if (code == 0 && video->version != shoal_integer(job->payload, "version", 1)) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "video %s has a newer file", video->uuid);
    }
    return code;
}

bool catalog_job_is_over(struct shoal_call *call, const struct shoal_job *job, struct shoal_err *err)
{
    struct catalog_video video;
    struct shoal_err why = {0};
    bool is_over = catalog_job_video(call, job, &video, &why) == SHOAL_ENOTFOUND;
    if (is_over && err != NULL) {
        *err = (struct shoal_err){0};
    }
    return is_over;
}

int catalog_step_add(struct shoal_call *call, struct shoal_db *tx, const char *kind,
    const struct catalog_video *video, json_t *more, struct shoal_err *err)
{
    json_t *payload = more == NULL ? json_object() : more;
    json_object_set_new(payload, "uuid", json_string(video->uuid));
    json_object_set_new(payload, "version", json_integer(video->version));
    struct shoal_job_options options = {
        .unique =
            shoal_arena_printf(call->arena, "%s:%lld", video->uuid, (long long)video->version),
        .subject = shoal_arena_printf(call->arena, "video:%s", video->uuid),
    };
    int code = shoal_job_add(NULL, tx, kind, payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

static int web_find(struct shoal_call *call, const struct catalog_video *video,
    struct catalog_file *out, bool *found, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t count = 0;
    *found = false;
    int code = catalog_files_get(call, video->id, "web_video", &files, &count, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        if (files[i].version == video->version) {
            *out = files[i];
            *found = true;
        }
    }
    return code;
}

struct web {
    const struct catalog_video *video;
    const struct catalog_file *file;
    const char *storage;
    int64_t size_bytes;
};

static int ready_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct web *web = arg;
    int64_t changed = 0;
    int code = shoal_db_exec(tx, &web_ready,
        SHOAL_ARGS(SHOAL_I64(web->file->id), SHOAL_I64(web->size_bytes), SHOAL_TEXT(web->storage)),
        &changed, err);
    if (code == 0 && changed == 0) {
        // The video went away meanwhile; so does what was made for it.
        struct catalog_file orphan = {.storage = web->storage, .key = web->file->key};
        return catalog_objects_remove(tx, &orphan, 1, err);
    }
    if (code == 0) {
        code = catalog_video_tell(call, tx, "video.files", web->video->id,
            json_pack("{s:[s], s:[]}", "added", web->file->name, "removed"), err);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

static int drop_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct web *web = arg;
    int code = catalog_file_remove(tx, web->file->id, err);
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

static int remux(struct shoal_call *call, const struct catalog_video *video, const char *out,
    struct shoal_err *err)
{
    struct shoal_service service;
    const char *source = catalog_source_path(call, video, err);
    int code = source == NULL ? SHOAL_EIO : catalog_transcoder_find(&service, err);
    if (code != 0) {
        return catalog_away(code, false);
    }
    json_t *probe = video->probe == NULL
                        ? json_object()
                        : shoal_json_parse(video->probe, strlen(video->probe), NULL);
    const struct shoal_svc_transcoder *table = service.table;
    const char *key =
        shoal_arena_printf(call->arena, "remux:%s:%lld", video->uuid, (long long)video->version);
    shoal_enter(call, &service);
    code = table->remux(call, service.arg, source, probe, out, key, err);
    shoal_leave(call);
    json_decref(probe);
    return catalog_away(code, true);
}

static int web_make(struct shoal_call *call, const struct catalog_video *video,
    const struct catalog_file *file, struct shoal_err *err)
{
    const char *tmp = catalog_folder(call, "tmp", err);
    if (tmp == NULL) {
        return SHOAL_EIO;
    }
    const char *work = shoal_arena_printf(
        call->arena, "%s/remux-%s-%lld", tmp, video->uuid, (long long)video->version);
    const char *out = shoal_arena_printf(call->arena, "%s/out.mp4", work);
    int code = shoal_folder_make(work, 0700, err);
    if (code == 0) {
        code = remux(call, video, out, err);
    }
    struct web web = {.video = video, .file = file};
    if (code == 0) {
        struct catalog_file made = *file;
        shoal_drill_point("remux.made");
        made.size_bytes = web.size_bytes = catalog_size_of(out);
        code = catalog_away(catalog_store_file(call, video, &made, out, err), false);
        web.storage = made.storage;
    }
    shoal_drill_point("remux.stored");
    shoal_tree_remove(work, NULL);
    return code == 0 ? shoal_tx(call, ready_tx, &web, err) : code;
}

int catalog_remux_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct catalog_video video;
    struct catalog_file file;
    bool has_web = false;
    int code = catalog_job_video(call, job, &video, err);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    code = web_find(call, &video, &file, &has_web, err);
    if (code == 0 && has_web && !file.is_ready) {
        code = web_make(call, &video, &file, err);
        if (code == SHOAL_EUNSUPPORTED) {
            // These codecs go into no MP4: the ladder will have to do.
            struct web web = {.video = &video, .file = &file};
            has_web = false;
            code = shoal_tx(call, drop_tx, &web, err);
        }
    }
    if (code == 0) {
        code = catalog_away(catalog_ladder_start(call, &video, has_web, err), false);
    }
    return code < 0 && catalog_job_is_over(call, job, err) ? 0 : code;
}

void catalog_remux_gave_up(
    struct shoal_call *call, const struct shoal_job *job, void *arg, const char *why)
{
    (void)arg;
    struct catalog_video video;
    struct catalog_file file;
    struct shoal_err err = {0};
    bool has_web = false;
    if (catalog_job_video(call, job, &video, &err) != 0) {
        return;
    }
    shoal_warn("video %s has no web video: %s", video.uuid, why);
    int code = web_find(call, &video, &file, &has_web, &err);
    struct web web = {.video = &video, .file = &file};
    if (code == 0 && has_web && !file.is_ready) {
        code = shoal_tx(call, drop_tx, &web, &err);
        has_web = false;
    }
    if (code == 0) {
        code = catalog_ladder_start(call, &video, has_web, &err);
    }
    if (code != 0) {
        shoal_error("video %s cannot go on: %s", video.uuid, err.text);
    }
}

struct ladder {
    const struct catalog_video *video;
    const json_t *plan;
};

static int ladder_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct ladder *ladder = arg;
    return catalog_step_add(
        call, tx, "core.transcode", ladder->video, json_pack("{s:O}", "plan", ladder->plan), err);
}

static int ladder_queue(
    struct shoal_call *call, const struct catalog_video *video, struct shoal_err *err)
{
    json_t *probe = video->probe == NULL
                        ? json_object()
                        : shoal_json_parse(video->probe, strlen(video->probe), NULL);
    json_t *plan =
        catalog_plan_filter(call, video, probe, video->source_kind, catalog_plan_make(probe));
    struct ladder ladder = {.video = video, .plan = plan};
    int code = shoal_tx(call, ladder_tx, &ladder, err);
    json_decref(plan);
    json_decref(probe);
    return code;
}

int catalog_ladder_start(struct shoal_call *call, const struct catalog_video *video,
    bool has_web_video, struct shoal_err *err)
{
    bool wants_ladder = catalog_setting_bool("transcoding.hls", true);
    if (!has_web_video && !wants_ladder) {
        return video->state == SHOAL_STATE_TRANSCODING_FAILED
                   ? 0
                   : catalog_state_set(call, video->id, SHOAL_STATE_TRANSCODING_FAILED, err);
    }
    int code = 0;
    if (has_web_video && (!video->waits || !wants_ladder)) {
        code = catalog_publish_ask(call, video->id, false, err);
    }
    if (code == 0 && !wants_ladder) {
        return catalog_ladder_finish(call, video, err);
    }
    return code == 0 ? ladder_queue(call, video, err) : code;
}
