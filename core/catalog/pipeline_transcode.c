// pipeline_transcode.c - the ladder: one run over the source, renditions taken as they finish.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/pipeline_priv.h"

#include "base/drill.h"
#include "base/file.h"
#include "data/data.h"
#include "host/permissions.h"

#define PROVIDERS_MAX 8

struct run {
    struct shoal_call *call;
    const struct shoal_job *job;
    const struct catalog_video *video;
    int percent; // as last told
    bool is_spoilt; // what was made was not kept whole
    bool is_away;   // nor taken, by what comes back
};

SHOAL_SQL(ladder_set, "UPDATE catalog_video SET ladder_job = $2, ladder_fence = $3 WHERE id = $1");

static int ladder_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct run *run = arg;
    return shoal_db_exec(tx, &ladder_set,
        SHOAL_ARGS(SHOAL_I64(run->video->id), SHOAL_I64(run->job->id), SHOAL_I64(run->job->fence)),
        NULL, err);
}

static int on_progress(void *user, int percent)
{
    struct run *run = user;
    run->percent = percent;
    // Not shoal_call_cancelled(): the server may stop, and the encoder goes on for the next one.
    int code = shoal_job_progress(run->call, run->job, percent);
    if (code == 0) {
        json_t *message = json_pack("{s:s, s:i}", "uuid", run->video->uuid, "progress", percent);
        shoal_topics_send(
            shoal_arena_printf(run->call->arena, "video:%s", run->video->uuid), message);
        json_decref(message);
    }
    return code == SHOAL_ECANCELLED ? code : 0;
}

static int on_ready(void *user, const struct shoal_rendition *rendition, struct shoal_err *err)
{
    struct run *run = user;
    // An older holder of this job must not write: the fence says so.
    if (shoal_job_progress(run->call, run->job, run->percent) == SHOAL_ECANCELLED) {
        return shoal_fail(
            err, SHOAL_ECANCELLED, "the job of video %s was taken over", run->video->uuid);
    }
    int code = catalog_rendition_add(run->call, run->video, rendition, err);
    run->is_spoilt = run->is_spoilt || code == SHOAL_EIO;
    run->is_away = catalog_away(code, false) == SHOAL_JOB_EAWAY;
    return code;
}

static int all_done(struct shoal_call *call, const struct catalog_video *video, const json_t *plan,
    bool *done, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t count = 0;
    int code = catalog_files_get(call, video->id, "hls_media", &files, &count, err);
    *done = json_array_size(plan) > 0;
    for (size_t i = 0; i < json_array_size(plan); i++) {
        int64_t resolution = shoal_integer(json_array_get(plan, i), "resolution", -1);
        bool found = false;
        for (size_t j = 0; j < count; j++) {
            found =
                found || (files[j].resolution == resolution && files[j].version == video->version);
        }
        *done = *done && found;
    }
    return code;
}

static const char *work_path(
    struct shoal_call *call, const struct catalog_video *video, struct shoal_err *err)
{
    const char *tmp = catalog_folder(call, "tmp", err);
    return tmp == NULL ? NULL
                       : shoal_arena_printf(call->arena, "%s/transcode-%s-%lld", tmp, video->uuid,
                             (long long)video->version);
}

// The work folder of a job, also when its video is gone.
static void work_remove(struct shoal_call *call, const struct shoal_job *job)
{
    struct catalog_video video = {.uuid = shoal_text(job->payload, "uuid", ""),
        .version = shoal_integer(job->payload, "version", 1)};
    const char *work = shoal_uuid_valid(video.uuid) ? work_path(call, &video, NULL) : NULL;
    if (work != NULL) {
        shoal_tree_remove(work, NULL);
    }
}

// The first provider that takes this plan.
static int provider_find(struct shoal_call *call, const json_t *probe, const json_t *plan,
    struct shoal_service *out, struct shoal_err *err)
{
    struct shoal_service all[PROVIDERS_MAX];
    size_t count = shoal_service_all("transcoder", all, PROVIDERS_MAX);
    bool is_busy = false;
    for (size_t i = 0; i < count && i < PROVIDERS_MAX; i++) {
        const struct shoal_svc_transcoder *table = all[i].table;
        shoal_enter(call, &all[i]);
        int code = table->takes(call, all[i].arg, probe, plan);
        shoal_leave(call);
        if (code == 0) {
            *out = all[i];
            return 0;
        }
        is_busy = is_busy || catalog_away(code, true) == SHOAL_JOB_EAWAY;
    }
    return shoal_fail(err, count == 0 || is_busy ? SHOAL_JOB_EAWAY : SHOAL_EBUSY,
        "no transcoder takes this plan now");
}

static int run_provider(
    struct run *run, const json_t *plan, const char *work, struct shoal_err *err)
{
    struct shoal_call *call = run->call;
    const struct catalog_video *video = run->video;
    struct shoal_service service;
    json_t *probe = video->probe == NULL
                        ? json_object()
                        : shoal_json_parse(video->probe, strlen(video->probe), NULL);
    int code = provider_find(call, probe, plan, &service, err);
    if (code == 0) {
        const struct shoal_svc_transcoder *table = service.table;
        struct shoal_transcode what = {
            .key = shoal_arena_printf(
                call->arena, "transcode:%s:%lld", video->uuid, (long long)video->version),
            .source_path = catalog_source_path(call, video, err),
            .work_path = work,
            .probe = probe,
            .plan = plan,
            .user = run,
            .progress = on_progress,
            .ready = on_ready,
        };
        shoal_enter(call, &service);
        code = what.source_path == NULL ? SHOAL_EIO : table->run(call, service.arg, &what, err);
        shoal_leave(call);
        code = catalog_away(code, code >= 0 || !run->is_away);
    }
    json_decref(probe);
    return code;
}

int catalog_transcode_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct catalog_video video;
    const json_t *plan = json_object_get(job->payload, "plan");
    bool done = false;
    int code = catalog_job_video(call, job, &video, err);
    if (code == SHOAL_ENOTFOUND) {
        work_remove(call, job);
        return 0;
    }
    if (code == 0 && video.state == SHOAL_STATE_TRANSCODING_FAILED) {
        // It was given up once, and somebody has it tried again.
        code = catalog_state_set(call, video.id, SHOAL_STATE_TO_TRANSCODE, err);
        video.state = SHOAL_STATE_TO_TRANSCODE;
    }
    if (code != 0) {
        return code;
    }
    struct run run = {.call = call, .job = job, .video = &video};
    const char *work = work_path(call, &video, err);
    code = work == NULL ? SHOAL_EIO : all_done(call, &video, plan, &done, err);
    if (code == 0 && !done) {
        code = shoal_folder_make(work, 0700, err);
        code = code == 0 ? shoal_tx(call, ladder_tx, &run, err) : code;
        // What still runs or lies finished in the work folder is the provider's to adopt.
        code = code == 0 ? run_provider(&run, plan, work, err) : code;
        if (code == 0) {
            code = all_done(call, &video, plan, &done, err);
        }
        if (code == 0 && !done) {
            code = shoal_fail(err, SHOAL_EINTERNAL,
                "the transcoder left out a rendition of video %s", video.uuid);
        }
    }
    if (code < 0 && catalog_job_is_over(call, job, err)) {
        work_remove(call, job);
        return 0;
    }
    if (code == SHOAL_EFULL || run.is_spoilt) {
        // Half of it would keep the disk full, and after a failed sync nobody knows what is whole.
        work_remove(call, job);
    }
    if (code != 0) {
        return code; // SHOAL_LATER too
    }
    code = catalog_away(catalog_ladder_finish(call, &video, err), false);
    shoal_drill_point("transcode.finished");
    if (code == 0) {
        work_remove(call, job);
    }
    return code;
}

void catalog_transcode_gave_up(
    struct shoal_call *call, const struct shoal_job *job, void *arg, const char *why)
{
    (void)arg;
    struct catalog_video video;
    struct shoal_err err = {0};
    work_remove(call, job);
    if (catalog_job_video(call, job, &video, &err) != 0) {
        return;
    }
    shoal_warn("video %s was not transcoded: %s", video.uuid, why);
    if (video.state == SHOAL_STATE_TO_TRANSCODE &&
        catalog_state_set(call, video.id, SHOAL_STATE_TRANSCODING_FAILED, &err) != 0) {
        shoal_error("video %s: %s", video.uuid, err.text);
    }
}

// "transcode:UUID:VERSION"
static int key_read(
    struct shoal_call *call, const char *key, struct catalog_video *video, struct shoal_err *err)
{
    static const char prefix[] = "transcode:";
    size_t length = sizeof(prefix) - 1;
    if (key == NULL || strncmp(key, prefix, length) != 0 || strnlen(key, 80) < length + 38) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "there is no such transcoding");
    }
    const char *uuid = shoal_arena_strndup(call->arena, key + length, 36);
    int code = catalog_video_find(call, uuid, video, NULL, err);
    if (code == 0 && video->version != strtoll(key + length + 37, NULL, 10)) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "video %s has a newer file", uuid);
    }
    return code;
}

int shoal_rendition_done(struct shoal_call *call, const char *key,
    const struct shoal_rendition *rendition, int state, const char *why, struct shoal_err *err)
{
    if (shoal_permission_call(call, "media", NULL, err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct catalog_video video;
    int code = key_read(call, key, &video, err);
    if (code == 0 && rendition != NULL) {
        code = catalog_rendition_add(call, &video, rendition, err);
    }
    if (code != 0 || state == SHOAL_LATER) {
        return code;
    }
    if (state == 0) {
        code = catalog_ladder_finish(call, &video, err);
    }
    return code == 0 ? shoal_job_finish(call, video.ladder_job, video.ladder_fence, state, why, err)
                     : code;
}
