// remote_json.c - what the API shows of a video of another server besides what it shows of ours.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/remote_priv.h"

SHOAL_SQL(origin_get, "SELECT trackers, infohashes, is_permanent, saves_replay, latency, starts, "
                      "dvr_s, is_embeddable FROM catalog_video_origin WHERE video_id = $1");

static json_t *list_of(const char *text)
{
    json_t *list = text == NULL ? NULL : shoal_json_parse(text, strlen(text), NULL);
    return list == NULL ? json_array() : list;
}

int catalog_remote_add(
    struct shoal_call *call, json_t *out, const struct catalog_video *video, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &origin_get, SHOAL_ARGS(SHOAL_I64(video->id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    json_t *playlist = shoal_get(out, "streamingPlaylists.0");
    if (shoal_rows_next(rows)) {
        json_object_set_new(out, "trackerUrls", list_of(shoal_col_text(rows, 0)));
        if (playlist != NULL) {
            // A player shares with others only in swarms that the origin has named.
            json_object_set_new(
                playlist, "p2pMediaLoaderInfohashes", list_of(shoal_col_text(rows, 1)));
        }
        if (video->is_live) {
            json_object_set_new(out, "permanentLive", json_boolean(shoal_col_bool(rows, 2)));
            json_object_set_new(out, "saveReplay", json_boolean(shoal_col_bool(rows, 3)));
            json_object_set_new(out, "latencyMode", json_integer(shoal_col_i64(rows, 4)));
            json_object_set_new(out, "liveSchedules", list_of(shoal_col_text(rows, 5)));
            json_object_set_new(out, "dvrWindow", json_integer(shoal_col_i64(rows, 6)));
        }
        if (!shoal_col_bool(rows, 7)) {
            json_object_set_new(out, "embedPrivacyPolicy", catalog_labelled(3, "Remote restrictions"));
        }
    }
    return shoal_rows_close(rows, err);
}

void catalog_remote_file_add(struct shoal_call *call, json_t *out,
    const struct catalog_video *video, const struct catalog_file *file)
{
    // Its server has the download under the same path as ours, where it speaks as we do.
    const char *from = video->url == NULL ? NULL : strstr(video->url, "://");
    const char *base = from == NULL
                           ? ""
                           : shoal_arena_strndup(call->arena, video->url,
                                 (size_t)(from - video->url) + 3 + strcspn(from + 3, "/?#"));
    bool is_hls = strcmp(file->kind, "hls_media") == 0;
    const char *mime = file->mime == NULL ? "" : file->mime;
    const char *end = strcmp(mime, "video/webm") == 0  ? "webm"
                      : strcmp(mime, "video/ogg") == 0 ? "ogv"
                                                       : "mp4";
    const char *path = shoal_arena_printf(call->arena,
        is_hls ? "%s/download/streaming-playlists/hls/videos/%s-%d-fragmented.%s"
               : "%s/download/web-videos/%s-%d.%s",
        base, video->uuid, file->resolution, end);
    const char *torrent = file->torrent_url == NULL ? "" : file->torrent_url;
    json_object_set_new(out, "fileDownloadUrl", json_string(path));
    json_object_set_new(out, "metadataUrl",
        file->metadata_url == NULL ? json_null() : json_string(file->metadata_url));
    json_object_set_new(out, "torrentUrl", json_string(torrent));
    json_object_set_new(out, "torrentDownloadUrl", json_string(torrent));
    json_object_set_new(out, "magnetUri", json_string(file->magnet == NULL ? "" : file->magnet));
    if (file->playlist_url != NULL) {
        json_object_set_new(out, "playlistUrl", json_string(file->playlist_url));
    }
}
