// pipeline_rendition.c - one rendition becomes part of a video: named, stored, hashed, made
// visible.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/pipeline_priv.h"

#include "base/drill.h"
#include "base/file.h"
#include "base/sized.h"

#define PLAYLIST_MAX  (8 * 1024 * 1024)
#define PLAYLIST_MIME "application/vnd.apple.mpegurl"

struct addition {
    const struct catalog_video *video;
    struct catalog_file media, playlist, master, hashes;
    size_t known;  // how many renditions the lists speak of beside it
    bool is_stale; // out: there are others by now
};

SHOAL_SQL(playlist_touch,
    "INSERT INTO catalog_playlist (video_id, kind, created, updated) VALUES ($1, 1, $2, $2) "
    "ON CONFLICT (video_id, kind) DO UPDATE SET updated = excluded.updated");

static const char *key_of(
    struct shoal_call *call, const struct catalog_video *video, const char *name)
{
    return shoal_arena_printf(call->arena, "hls/%s/%s", video->uuid, name);
}

static struct catalog_file file_of(struct shoal_call *call, const struct catalog_video *video,
    const char *kind, const char *name, const char *mime)
{
    return (struct catalog_file){.video_id = video->id,
        .kind = kind,
        .version = video->version,
        .name = name,
        .mime = mime,
        .key = key_of(call, video, name),
        .is_ready = true,
        .has_video = true,
        .has_audio = true};
}

static int old_remove(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const char *kind, json_t *removed, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t count = 0;
    int code = catalog_files_get(call, video_id, kind, &files, &count, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        json_array_append_new(removed, json_string(files[i].name));
        code = catalog_file_remove(tx, files[i].id, err);
    }
    return code == 0 ? catalog_objects_remove(tx, files, count, err) : code;
}

static int rows_write(struct shoal_call *call, struct shoal_db *tx, const struct addition *add,
    json_t *removed, struct shoal_err *err)
{
    int64_t now_ms = shoal_now_ms();
    int code = old_remove(call, tx, add->video->id, "hls_master", removed, err);
    if (code == 0) {
        code = old_remove(call, tx, add->video->id, "hls_sha256", removed, err);
    }
    const struct catalog_file *const files[] = {
        &add->media, &add->playlist, &add->master, &add->hashes};
    for (size_t i = 0; i < 4 && code == 0; i++) {
        code = catalog_file_add(tx, files[i], NULL, err);
    }
    if (code == 0) {
        code = shoal_db_exec(tx, &playlist_touch,
            SHOAL_ARGS(SHOAL_I64(add->video->id), SHOAL_I64(now_ms)), NULL, err);
    }
    if (code == 0) {
        code = catalog_video_tell(call, tx, "video.files", add->video->id,
            json_pack("{s:[s, s, s, s], s:O}", "added", add->media.name, add->playlist.name,
                add->master.name, add->hashes.name, "removed", removed),
            err);
    }
    return code;
}

// The renditions of a version: how many, and whether one of this resolution is among them.
static int renditions_get(struct shoal_call *call, const struct addition *add,
    struct catalog_file **out, size_t *count, bool *has, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t all = 0;
    int code = catalog_files_get(call, add->video->id, "hls_media", &files, &all, err);
    *count = 0;
    *has = false;
    for (size_t i = 0; i < all && code == 0; i++) {
        if (files[i].version == add->video->version) {
            *has = *has || files[i].resolution == add->media.resolution;
            files[(*count)++] = files[i];
        }
    }
    *out = files;
    return code;
}

static int add_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct addition *add = arg;
    struct catalog_video now;
    struct catalog_file *files = NULL;
    size_t count = 0;
    bool has = false;
    int code = catalog_video_by_number(call, add->video->id, &now, err);
    bool is_gone =
        code == SHOAL_ENOTFOUND || (code == 0 && now.version != add->video->version);
    if (code == 0) {
        code = renditions_get(call, add, &files, &count, &has, err);
    }
    if (is_gone || (code == 0 && has)) {
        const struct catalog_file orphans[] = {add->media, add->playlist, add->master, add->hashes};
        return catalog_objects_remove(tx, orphans, 4, err);
    }
    add->is_stale = code == 0 && count != add->known;
    if (add->is_stale) {
        const struct catalog_file lists[] = {add->master, add->hashes};
        return catalog_objects_remove(tx, lists, 2, err);
    }
    json_t *removed = json_array();
    if (code == 0) {
        code = rows_write(call, tx, add, removed, err);
    }
    json_decref(removed);
    bool is_first_picture = add->media.has_video;
    for (size_t i = 0; i < count; i++) {
        is_first_picture = is_first_picture && !files[i].has_video;
    }
    if (code == 0 && is_first_picture) {
        code = catalog_step_add(call, tx, "core.storyboard", add->video, NULL, err);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

// Storage takes the file away; the provider may be asked for it again after a crash, so it gets a
// second name first.
static int media_store(struct shoal_call *call, const struct shoal_rendition *rendition,
    struct addition *add, struct shoal_err *err)
{
    const char *given = shoal_arena_printf(call->arena, "%s.put", rendition->media_path);
    unlink(given);
    if (link(rendition->media_path, given) != 0) {
        return shoal_file_fail(err, errno, "link", rendition->media_path);
    }
    return catalog_store_file(call, add->video, &add->media, given, err);
}

// What clients are told of a file is what is in it, not what was in the source.
static int metadata_read(struct shoal_call *call, const struct shoal_rendition *rendition,
    struct addition *add, struct shoal_err *err)
{
    struct shoal_service service;
    json_t *probe = NULL;
    struct shoal_err why = {0};
    int code = catalog_transcoder_find(&service, err);
    if (code != 0) {
        return code;
    }
    const struct shoal_svc_transcoder *table = service.table;
    shoal_enter(call, &service);
    code = table->probe(call, service.arg, rendition->media_path, &probe, &why);
    shoal_leave(call);
    if (code != 0) {
        json_decref(probe);
    }
    if (code == SHOAL_ECANCELLED) {
        return shoal_fail(err, code, "%s", why.text);
    }
    if (code != 0) {
        shoal_warn("video %s in %d lines has no metadata: %s", add->video->uuid,
            rendition->resolution, why.text);
        return 0;
    }
    char *text = catalog_probe_dump(json_object_get(probe, "raw"));
    add->media.metadata = text == NULL ? NULL : shoal_arena_strdup(call->arena, text);
    free(text);
    json_decref(probe);
    return 0;
}

static int playlist_store(struct shoal_call *call, const struct shoal_rendition *rendition,
    struct addition *add, struct shoal_err *err)
{
    struct shoal_buf text = {0};
    int code = shoal_file_read_whole(rendition->playlist_path, PLAYLIST_MAX, &text, err);
    char *named = code == 0 ? catalog_hls_rename(text.data == NULL ? "" : text.data, "media.mp4",
                                  add->media.name, err)
                            : NULL;
    code = code == 0 && named == NULL ? SHOAL_ETOOLARGE : code;
    json_t *segments = code == 0 ? catalog_hls_segments(named, rendition->media_path, err) : NULL;
    code = code == 0 && segments == NULL ? SHOAL_ECORRUPT : code;
    if (code == 0) {
        char *hashes = json_dumps(segments, JSON_COMPACT);
        add->media.segments =
            hashes == NULL ? NULL : shoal_arena_try_copy(call->arena, hashes, strlen(hashes));
        free(hashes);
        code = add->media.segments == NULL ? shoal_fail(err, SHOAL_EBUSY,
                                                 "there is no memory for the hashes of %s now",
                                                 add->media.name)
                                           : 0;
    }
    if (code == 0) {
        add->playlist.size_bytes = (int64_t)strlen(named);
        code = catalog_store_bytes(call, add->video, &add->playlist, named, strlen(named), err);
    }
    json_decref(segments);
    free(named);
    shoal_buf_fini(&text);
    return code;
}

static int text_store(struct shoal_call *call, const struct catalog_video *video,
    struct catalog_file *file, char *text, struct shoal_err *err)
{
    file->size_bytes = (int64_t)strlen(text);
    int code = catalog_store_bytes(call, video, file, text, strlen(text), err);
    free(text);
    return code;
}

// The master and the hash list speak of all renditions, so each new one makes both anew, under new
// names: what players and caches hold stays whole.
static int lists_store(struct shoal_call *call, struct addition *add, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    bool has = false;
    char master[37];
    char hashes[37];
    shoal_uuid_new(master);
    shoal_uuid_new(hashes);
    add->master = file_of(call, add->video, "hls_master",
        shoal_arena_printf(call->arena, "%s-master.m3u8", master), PLAYLIST_MIME);
    add->hashes = file_of(call, add->video, "hls_sha256",
        shoal_arena_printf(call->arena, "%s-segments-sha256.json", hashes), "application/json");
    int code = renditions_get(call, add, &files, &add->known, &has, err);
    size_t all = add->known;
    struct catalog_file *every =
        shoal_arena_alloc(call->arena, (all + 1) * sizeof(struct catalog_file));
    if (all > 0) {
        memcpy(every, files, all * sizeof(*every));
    }
    every[all++] = add->media;
    if (code == 0) {
        code = text_store(
            call, add->video, &add->master, catalog_hls_master(call->arena, every, all), err);
    }
    return code == 0
               ? text_store(call, add->video, &add->hashes, catalog_hls_hashes(every, all), err)
               : code;
}

static void addition_init(struct shoal_call *call, const struct catalog_video *video,
    const struct shoal_rendition *rendition, struct addition *add)
{
    char stem[37];
    shoal_uuid_new(stem);
    struct shoal_arena *arena = call->arena;
    *add = (struct addition){.video = video};
    add->media = file_of(call, video, "hls_media",
        shoal_arena_printf(arena, "%s-%d-fragmented.mp4", stem, rendition->resolution),
        rendition->has_video ? "video/mp4" : "audio/mp4");
    add->media.size_bytes = catalog_size_of(rendition->media_path);
    add->media.resolution = rendition->resolution;
    add->media.width = rendition->width;
    add->media.height = rendition->height;
    add->media.fps = (int)lround(fmin(fmax(rendition->fps, 0), 1000));
    add->media.bitrate_bps = rendition->bitrate_bps;
    add->media.codecs =
        shoal_arena_strdup(arena, rendition->codecs == NULL ? "" : rendition->codecs);
    add->media.has_video = rendition->has_video;
    add->media.has_audio = rendition->has_audio;
    add->playlist = file_of(call, video, "hls_playlist",
        shoal_arena_printf(arena, "%s-%d.m3u8", stem, rendition->resolution), PLAYLIST_MIME);
    add->playlist.resolution = rendition->resolution;
}

// Something plays now: with waitTranscoding this is the moment of publishing.
static int playable_ask(
    struct shoal_call *call, const struct catalog_video *video, struct shoal_err *err)
{
    struct catalog_video now;
    int code = catalog_video_by_number(call, video->id, &now, err);
    if (code == 0 && now.verdict == CATALOG_UNASKED) {
        code = catalog_publish_ask(call, now.id, false, err);
    }
    if (code == 0 && now.waits && now.state == SHOAL_STATE_TO_TRANSCODE) {
        code = catalog_state_set(call, now.id, SHOAL_STATE_PUBLISHED, err);
    }
    return code == SHOAL_ENOTFOUND ? 0 : code;
}

int catalog_rendition_add(struct shoal_call *call, const struct catalog_video *video,
    const struct shoal_rendition *theirs, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t count = 0;
    struct shoal_rendition mine;
    const struct shoal_rendition *rendition = &mine;
    shoal_sized_copy(&mine, sizeof mine, theirs, theirs->size);
    if (rendition->media_path == NULL || rendition->playlist_path == NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "a rendition lacks its size or its files");
    }
    int code = catalog_files_get(call, video->id, "hls_media", &files, &count, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        if (files[i].version == video->version && files[i].resolution == rendition->resolution) {
            return playable_ask(call, video, err); // handed over again after a restart
        }
    }
    struct addition add = {0};
    if (code == 0) {
        addition_init(call, video, rendition, &add);
        code = playlist_store(call, rendition, &add, err);
    }
    if (code == 0) {
        code = metadata_read(call, rendition, &add, err);
    }
    if (code == 0) {
        code = media_store(call, rendition, &add, err);
    }
    // Another rendition may come in between: then the lists lack it, and are made once more.
    do {
        code = code == 0 ? lists_store(call, &add, err) : code;
        shoal_drill_point("transcode.stored");
        code = code == 0 ? shoal_tx(call, add_tx, &add, err) : code;
    } while (code == 0 && add.is_stale);
    shoal_drill_point("transcode.added");
    return code == 0 ? playable_ask(call, video, err) : code;
}

static int finish_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct catalog_video *video = arg;
    struct catalog_file *files = NULL;
    size_t count = 0;
    // Without renditions it is made of the web video.
    int code = catalog_step_add(call, tx, "core.storyboard", video, NULL, err);
    if (code != 0 || catalog_setting_bool("video.keep_original", false)) {
        return code;
    }
    code = catalog_files_get(call, video->id, "source", &files, &count, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        code = catalog_file_remove(tx, files[i].id, err);
    }
    return code == 0 ? catalog_objects_remove(tx, files, count, err) : code;
}

int catalog_ladder_finish(
    struct shoal_call *call, const struct catalog_video *video, struct shoal_err *err)
{
    struct catalog_video now;
    int code = catalog_video_by_number(call, video->id, &now, err);
    if (code == SHOAL_ENOTFOUND) {
        return 0;
    }
    if (code == 0 && now.verdict == CATALOG_UNASKED) {
        code = catalog_publish_ask(call, now.id, false, err);
    }
    if (code == 0 && now.state == SHOAL_STATE_TO_TRANSCODE) {
        code = catalog_state_set(call, now.id, SHOAL_STATE_PUBLISHED, err);
    }
    return code == 0 ? shoal_tx(call, finish_tx, &now, err) : code;
}
