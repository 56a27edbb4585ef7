// media.c - /static, /lazy-static and /download: from a public URL to the bytes of a file.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "media.h"

#define COMES_MS 20000 // its fetch has less, and is over by then

// What came from a stranger is never a page of this site, whatever it looks like.
static const char policy[] = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

static void guard(struct shoal_request *request)
{
    shoal_answer_header(request, "Content-Security-Policy", policy);
    shoal_answer_header(request, "Cross-Origin-Resource-Policy", "cross-origin");
}

// A picture of another server that does not come now: something plain stands in its place, which
// nobody keeps.
static int placeholder(struct shoal_request *request)
{
    static const char plain[] =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 9\"><path fill=\"#8884\" "
        "d=\"M0 0h16v9H0z\"/></svg>";
    guard(request);
    shoal_answer_private(request);
    shoal_answer_header(request, "Cache-Control", "no-store");
    return shoal_answer_bytes(request, 404, "image/svg+xml", plain, sizeof plain - 1);
}

static bool is_placed(const struct media_path *path, const char *kind)
{
    return path->is_image && strcmp(kind, "caption") != 0;
}

// What is on its way from another server is waited for, once, and without a worker. Looked for a second time
// because it may have come in between. is_awaited: out; then there is nothing to answer now.
static int await(struct shoal_call *call, struct shoal_request *request, const char *kind,
    struct shoal_media_file *file, bool *is_awaited, struct shoal_err *err)
{
    static char waited;
    if (shoal_request_kept(request) == &waited ||
        shoal_request_await(request, file->awaited, COMES_MS, NULL) != 0) {
        return 0;
    }
    shoal_request_keep(request, &waited);
    const char *name = file->name;
    int code = shoal_media_find(call, kind, NULL, name, file, err);
    *is_awaited = code == 0 && file->awaited != NULL;
    return code;
}

// PeerTube's threads fetch pictures too, sleep in between, and do not see that a connection was closed meanwhile: the
// next picture that they want on it is missing over there. So nothing stays open that could be closed.
static void close_behind(struct shoal_request *request)
{
    const char *agent = shoal_request_header(request, "user-agent");
    if (agent != NULL && strncmp(agent, "PeerTube/", 9) == 0) {
        (void)shoal_answer_header(request, "Connection", "close");
    }
}

static int serve(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    const struct media_path *path = arg;
    const char *name = shoal_request_param(request, "name");
    const char *video = path->is_hls && !path->is_download ? shoal_request_param(request, "video")
                                                           : NULL;
    const char *kind = path->kind;
    if (!media_name_valid(name) || (video != NULL && !shoal_uuid_valid(video))) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "there is no such file");
    }
    if (kind == NULL) {
        kind = media_hls_kind(name);
    }
    struct shoal_media_file file = {0};
    int code = kind == NULL ? SHOAL_ENOTFOUND : shoal_media_find(call, kind, video, name, &file, err);
    bool is_awaited = false;
    if (code == 0 && file.awaited != NULL) {
        code = await(call, request, kind, &file, &is_awaited, err);
    }
    if (is_awaited) {
        return 0;
    }
    // A private file is not found where public ones are: caches before us keep the two apart.
    bool is_misplaced = code == 0 && file.is_private && !path->is_private && !path->is_image &&
                        !path->is_download;
    bool is_away = code == SHOAL_EUPSTREAM || (code == 0 && file.awaited != NULL);
    if (is_away && is_placed(path, kind)) {
        return placeholder(request);
    }
    if (code == SHOAL_ENOTFOUND || is_misplaced) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "there is no such file");
    }
    if (code == 0) {
        code = media_allow(call, request, path, &file, err);
    }
    if (code != 0) {
        return code;
    }
    if (!file.is_ready) {
        return media_later(request, 503, "2", "this file is being made: try again in a moment");
    }
    guard(request);
    if (path->is_image) {
        close_behind(request);
    }
    const char *token = shoal_request_query(request, "videoFileToken");
    const char *reinject = shoal_request_query(request, "reinjectVideoFileToken");
    bool is_playlist = strcmp(file.kind, "hls_master") == 0 || strcmp(file.kind, "hls_playlist") == 0;
    if (is_playlist && file.is_private && token != NULL && reinject != NULL &&
        (strcmp(reinject, "true") == 0 || strcmp(reinject, "1") == 0)) {
        return media_answer_playlist(call, request, &file, token, err);
    }
    return media_answer(call, request, path, &file, err);
}

struct row {
    const char *path;
    struct media_path what;
};
static const struct row rows[] = {
    {"/static/web-videos/{name}", {.kind = "web_video"}},
    {"/static/webseed/{name}", {.kind = "web_video"}},
    {"/static/web-videos/private/{name}", {.kind = "web_video", .is_private = true}},
    {"/static/streaming-playlists/hls/{video}/{name}", {.is_hls = true}},
    {"/static/streaming-playlists/hls/private/{video}/{name}",
        {.is_hls = true, .is_private = true}},
    {"/lazy-static/thumbnails/{name}", {.kind = "thumbnail", .is_image = true}},
    {"/lazy-static/previews/{name}", {.kind = "preview", .is_image = true}},
    {"/lazy-static/avatars/{name}", {.kind = "avatar", .is_image = true}},
    {"/lazy-static/banners/{name}", {.kind = "banner", .is_image = true}},
    {"/lazy-static/storyboards/{name}", {.kind = "storyboard", .is_image = true}},
    {"/lazy-static/video-captions/{name}", {.kind = "caption", .is_image = true}},
    {"/download/web-videos/{name}", {.kind = "web_video", .is_download = true}},
    {"/download/videos/{name}", {.kind = "web_video", .is_download = true}}, // as 6.x called it
    {"/download/streaming-playlists/hls/videos/{name}",
        {.kind = "hls_media", .is_hls = true, .is_download = true}},
    {"/download/original-video-files/{name}",
        {.kind = "original", .is_private = true, .is_download = true}},
};
#define ROWS (sizeof rows / sizeof *rows)

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_plugin_arena(self);
    struct media *media = shoal_arena_alloc(arena, sizeof *media);
    media->plugin = self;
    media->grants = media_grants_new();
    shoal_plugin_keep(self, media);
    for (size_t i = 0; i < ROWS; i++) {
        struct media_path *path = shoal_arena_alloc(arena, sizeof *path);
        *path = rows[i].what;
        path->media = media;
        const struct shoal_route route = {
            .method = "GET",
            .path = rows[i].path,
            .handler = serve,
            .arg = path,
            .auth = path->is_private || path->is_download ? SHOAL_AUTH_OPTIONAL : SHOAL_AUTH_NONE,
            .timeout_ms = 30000,
            .rate = SHOAL_RATE_NONE,
            .cors = true,
        };
        int code = shoal_route_add(self, &route, err);
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

static void stop(struct shoal_plugin *self)
{
    struct media *media = shoal_plugin_kept(self);
    if (media != NULL) {
        media_grants_free(media->grants);
    }
}

SHOAL_PLUGIN(.name = "media", .start = start, .stop = stop);
