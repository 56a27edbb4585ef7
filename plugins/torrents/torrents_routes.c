// torrents_routes.c - hands out torrents, each composed when it is asked for.
//
// So a torrent names the trackers, the file and the mirrors as they are now.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "torrents.h"

SHOAL_SQL(torrents_get,
    "SELECT t.file_id, t.size_bytes, t.piece_bytes, t.title, t.pieces, v.uuid, t.path "
    "FROM torrents_file t JOIN v1_video v ON v.id = t.video_id WHERE t.name = $1 AND t.title <> ''");

struct torrent_route {
    bool is_download;
};

static int none(struct shoal_err *err)
{
    return shoal_fail(err, SHOAL_ENOTFOUND, "there is no such torrent");
}

static int torrent_get(struct shoal_call *call, const char *name, struct torrent *out,
    const char **uuid, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    if (name == NULL || strnlen(name, TORRENTS_NAME_MAX + 1) > TORRENTS_NAME_MAX) {
        return none(err);
    }
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &torrents_get, SHOAL_ARGS(SHOAL_TEXT(name)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_there = shoal_rows_next(rows);
    if (is_there) {
        *out = (struct torrent){
            .file_id = shoal_col_i64(rows, 0),
            .size_bytes = shoal_col_i64(rows, 1),
            .piece_bytes = shoal_col_i64(rows, 2),
            .name = shoal_arena_strdup(arena, name),
            .title = shoal_arena_strdup(arena, shoal_col_text(rows, 3)),
            .path = shoal_arena_strdup(arena, shoal_col_text(rows, 6)),
        };
        const void *pieces = shoal_col_bytes(rows, 4, &out->pieces_length);
        out->pieces = shoal_arena_try_copy(arena, pieces, out->pieces_length);
        *uuid = shoal_arena_strdup(arena, shoal_col_text(rows, 5));
    }
    int code = shoal_rows_close(rows, err);
    if (code == 0 && is_there && out->pieces == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "%s: there is no memory for it", name);
    }
    return code != 0 ? code : is_there ? 0 : none(err);
}

// The right that the file itself asks for: a private one is for who may watch it.
static int allow(struct shoal_call *call, struct shoal_request *request,
    const struct torrent_route *route, const char *uuid, const struct torrents_video *video,
    struct shoal_err *err)
{
    bool is_private =
        video->privacy != SHOAL_PRIVACY_PUBLIC && video->privacy != SHOAL_PRIVACY_UNLISTED;
    if (!is_private) {
        return route->is_download ? shoal_may_video(call, SHOAL_MAY_DOWNLOAD, uuid, NULL, err) : 0;
    }
    shoal_answer_private(request);
    const char *token = shoal_request_query(request, "videoFileToken");
    const char *password = shoal_request_header(request, "x-peertube-video-password");
    bool has_token = token != NULL && shoal_media_token_check(token, uuid) == 0;
    if (has_token && !route->is_download) {
        return 0;
    }
    int code = shoal_may_video(call, route->is_download ? SHOAL_MAY_DOWNLOAD : SHOAL_MAY_WATCH,
        uuid, password, err);
    json_t *asked = code == 0 ? shoal_media_token(call, uuid, password,
                                    route->is_download ? "download" : "play", err)
                              : NULL;
    code = code == 0 && asked == NULL ? err->code : code;
    json_decref(asked);
    return code;
}

// A name that every client and file system takes, and the same in full for those that read it.
static void name_answer(struct shoal_call *call, struct shoal_request *request, const char *title)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *name = shoal_arena_printf(arena, "%s.torrent", title);
    char *plain = shoal_arena_strdup(arena, name);
    for (char *at = plain; *at != '\0'; at++) {
        bool is_fine = (unsigned char)*at >= ' ' && (unsigned char)*at < 0x7f &&
                       strchr("\"\\%;:*?<>|", *at) == NULL;
        *at = is_fine ? *at : '_';
    }
    shoal_answer_header(request, "Content-Disposition",
        shoal_arena_printf(arena, "attachment; filename=\"%s\"; filename*=UTF-8''%s", plain,
            shoal_url_encode(arena, name)));
}

static int answer(struct shoal_call *call, struct shoal_request *request, const char *uuid,
    const struct torrent *torrent, struct shoal_err *err)
{
    struct shoal_buf out = {0};
    json_t *trackers = torrents_trackers_of(call, uuid);
    json_t *mirrors = torrents_mirrors_of(call, uuid);
    json_t *seeds = torrents_seeds_of(call, torrent, mirrors);
    int code = torrents_write(torrent, trackers, seeds, &out);
    json_decref(trackers);
    json_decref(mirrors);
    json_decref(seeds);
    if (code != 0) {
        return shoal_fail(err, code, "the torrent cannot be written");
    }
    code = shoal_answer_bytes(request, 200, "application/x-bittorrent", out.data, out.length);
    shoal_buf_fini(&out);
    return code;
}

static int serve(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    const struct torrent_route *route = arg;
    struct torrent torrent;
    struct torrents_video video;
    const char *uuid = NULL;
    int code = torrent_get(call, shoal_request_param(request, "name"), &torrent, &uuid, err);
    code = code == 0 ? torrents_video_look(call, uuid, &video, err) : code;
    if (code == 0 && !video.is_shared) {
        code = none(err);
    }
    code = code == 0 ? allow(call, request, route, uuid, &video, err) : code;
    if (code != 0) {
        return code;
    }
    if (route->is_download) {
        shoal_answer_private(request);
        name_answer(call, request, torrent.title);
    }
    return answer(call, request, uuid, &torrent, err);
}

int torrents_routes_start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const char *const paths[] = {
        "/lazy-static/torrents/{name}", "/download/torrents/{name}"};
    int code = 0;
    for (size_t i = 0; code == 0 && i < 2; i++) {
        struct torrent_route *arg = shoal_arena_alloc(shoal_plugin_arena(self), sizeof *arg);
        *arg = (struct torrent_route){.is_download = i == 1};
        const struct shoal_route route = {.method = "GET",
            .path = paths[i],
            .handler = serve,
            .arg = arg,
            .auth = SHOAL_AUTH_OPTIONAL,
            .rate = SHOAL_RATE_NONE,
            .cors = true};
        code = shoal_route_add(self, &route, err);
    }
    return code;
}
