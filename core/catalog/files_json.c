// files_json.c - files and streaming playlists as the API shows them, and their public paths.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include <shoal/services.h>
#include <shoal/svc/storage.h>
#include "catalog/remote_priv.h"

const char *catalog_resolution_label(
    struct shoal_arena *arena, int resolution, int width, int height)
{
    static const int known[] = CATALOG_RESOLUTIONS;
    size_t count = sizeof(known) / sizeof(known[0]);
    if (resolution == 0) {
        return "Audio only";
    }
    for (size_t i = 0; i < count; i++) {
        if (known[i] == resolution) {
            return shoal_arena_printf(arena, "%dp", resolution);
        }
    }
    // Odd sizes are called after their larger side: 1920x816 is 1080p.
    int larger = width > height ? width : height;
    for (size_t i = 0; i < count; i++) {
        if (abs(larger * 9 / 16 - known[i]) <= 2) {
            return shoal_arena_printf(arena, "%dp", known[i]);
        }
    }
    return shoal_arena_printf(arena, "%dp", resolution);
}

const char *catalog_file_path(
    struct shoal_call *call, const struct catalog_video *video, const struct catalog_file *file)
{
    struct shoal_arena *arena = call->arena;
    // What is not out yet, or blocked, is asked for like a private video (media_find.c).
    bool is_shut = !video->is_open || video->is_blocked;
    const char *closed = is_shut || catalog_privacy_is_closed(video->privacy) ? "private/" : "";
    if (strcmp(file->kind, "thumbnail") == 0) {
        return shoal_arena_printf(arena, "/lazy-static/thumbnails/%s", file->name);
    }
    if (strcmp(file->kind, "preview") == 0) {
        return shoal_arena_printf(arena, "/lazy-static/previews/%s", file->name);
    }
    if (strncmp(file->kind, "hls_", 4) == 0) {
        return shoal_arena_printf(
            arena, "/static/streaming-playlists/hls/%s%s/%s", closed, video->uuid, file->name);
    }
    return shoal_arena_printf(arena, "/static/web-videos/%s%s", closed, file->name);
}

static const char *url_of(
    struct shoal_call *call, const struct catalog_video *video, const struct catalog_file *file)
{
    return file->url != NULL ? file->url : shoal_url(call, catalog_file_path(call, video, file));
}

// A number that clients know: 0 for files of this machine, 1 for a far storage.
static json_t *storage_number(const struct catalog_video *video, const struct catalog_file *file)
{
    if (video->origin_host[0] != '\0') {
        return json_null();
    }
    struct shoal_service service;
    bool is_near = shoal_service_find("storage", file->storage, &service) &&
                   SHOAL_HAS((const struct shoal_svc_storage *)service.table, local_path);
    return json_integer(is_near ? 0 : 1);
}

json_t *catalog_file_json(
    struct shoal_call *call, const struct catalog_video *video, const struct catalog_file *file)
{
    bool is_hls = strcmp(file->kind, "hls_media") == 0;
    const char *download =
        is_hls ? shoal_arena_printf(call->arena,
                     "/download/streaming-playlists/hls/videos/%s-%d-fragmented.mp4", video->uuid,
                     file->resolution)
               : shoal_arena_printf(
                     call->arena, "/download/web-videos/%s-%d.mp4", video->uuid, file->resolution);
    // Without a torrent its addresses are empty, never null: NewPipe plays nothing where they are no text.
    json_t *out = json_pack("{s:I, s:{s:i, s:s}, s:i, s:i, s:I, s:i, s:s, s:s, s:s, s:s, s:s, s:s, "
                            "s:b, s:b}",
        "id", (json_int_t)file->id, "resolution", "id", file->resolution, "label",
        catalog_resolution_label(call->arena, file->resolution, file->width, file->height), "width",
        file->width, "height", file->height, "size", (json_int_t)file->size_bytes, "fps", file->fps,
        "fileUrl", url_of(call, video, file), "fileDownloadUrl", shoal_url(call, download),
        "metadataUrl",
        shoal_url(call, shoal_arena_printf(call->arena, "/api/v1/videos/%s/metadata/%lld",
                            video->uuid, (long long)file->id)),
        "magnetUri", "", "torrentUrl", "", "torrentDownloadUrl", "", "hasAudio", file->has_audio,
        "hasVideo", file->has_video);
    json_object_set_new(out, "storage", storage_number(video, file));
    if (video->origin_host[0] != '\0' && file->url != NULL) {
        catalog_remote_file_add(call, out, video, file);
    }
    if (!file->is_ready) {
        json_object_set_new(out, "isReady", json_false());
    }
    return out;
}

SHOAL_SQL(playlist_get, "SELECT id, url, sha256_url, created, updated FROM catalog_playlist "
                        "WHERE video_id = $1 AND kind = 1");

// The media playlist of a rendition has the name of its media file: STEM.m3u8 for
// STEM-fragmented.mp4.
static const char *media_playlist_name(struct shoal_arena *arena, const char *media)
{
    const char *end = strstr(media, "-fragmented.mp4");
    return end == NULL ? media : shoal_arena_printf(arena, "%.*s.m3u8", (int)(end - media), media);
}

static json_t *renditions_json(
    struct shoal_call *call, const struct catalog_video *video, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t count = 0;
    if (catalog_files_get(call, video->id, "hls_media", &files, &count, err) != 0) {
        return NULL;
    }
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *file = catalog_file_json(call, video, &files[i]);
        if (files[i].url == NULL) {
            struct catalog_file playlist = {
                .kind = "hls_playlist", .name = media_playlist_name(call->arena, files[i].name)};
            json_object_set_new(file, "playlistUrl", json_string(url_of(call, video, &playlist)));
        }
        json_array_append_new(out, file);
    }
    return out;
}

static int playlist_urls(struct shoal_call *call, const struct catalog_video *video,
    json_t *playlist, struct shoal_err *err)
{
    static const struct {
        const char *kind, *key;
    } kinds[] = {{"hls_master", "playlistUrl"}, {"hls_sha256", "segmentsSha256Url"}};
    for (int i = 0; i < 2; i++) {
        struct catalog_file *files = NULL;
        size_t count = 0;
        int code = catalog_files_get(call, video->id, kinds[i].kind, &files, &count, err);
        if (code != 0) {
            return code;
        }
        if (count > 0) {
            json_object_set_new(
                playlist, kinds[i].key, json_string(url_of(call, video, &files[0])));
        }
    }
    return 0;
}

json_t *catalog_playlists_json(
    struct shoal_call *call, const struct catalog_video *video, struct shoal_err *err)
{
    json_t *out = json_array();
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &playlist_get, SHOAL_ARGS(SHOAL_I64(video->id)), err);
    if (rows == NULL) {
        json_decref(out);
        return NULL;
    }
    json_t *playlist = NULL;
    if (shoal_rows_next(rows)) {
        playlist = json_pack("{s:I, s:i, s:s?, s:s?, s:[]}", "id",
            (json_int_t)shoal_col_i64(rows, 0), "type", 1, "playlistUrl", shoal_col_text(rows, 1),
            "segmentsSha256Url", shoal_col_text(rows, 2), "redundancies");
        json_object_set_new(playlist, "createdAt", catalog_time(shoal_col_i64(rows, 3)));
        json_object_set_new(playlist, "updatedAt", catalog_time(shoal_col_i64(rows, 4)));
        json_array_append_new(out, playlist);
    }
    int code = shoal_rows_close(rows, err);
    if (code == 0 && playlist != NULL) {
        code = playlist_urls(call, video, playlist, err);
        json_t *files = code == 0 ? renditions_json(call, video, err) : NULL;
        code = files == NULL ? SHOAL_EIO : 0;
        json_object_set_new(playlist, "files", files);
    }
    if (code != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}
