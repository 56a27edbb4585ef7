// api_oembed.c - GET /services/oembed: how another site shows a video of this one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api.h"
#include "api_oembed.h"

#define EMBED_WIDTH  560
#define EMBED_HEIGHT 315

bool api_oembed_id(const char *url, const char *site, char id[API_OEMBED_ID_MAX])
{
    static const char *const pages[] = {"/w/", "/videos/watch/", "/videos/embed/"};
    const char *at = strstr(url, "://");
    const char *own = strstr(site, "://");
    // http and https are the same site here: links get copied from either.
    if (at == NULL || own == NULL || strncasecmp(url, "http", 4) != 0) {
        return false;
    }
    at += 3;
    own += 3;
    size_t host = strcspn(own, "/");
    if (strcspn(at, "/") != host || strncasecmp(at, own, host) != 0) {
        return false;
    }
    at += host;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        size_t length = strlen(pages[i]);
        if (strncmp(at, pages[i], length) != 0) {
            continue;
        }
        size_t id_length = strspn(at + length, "0123456789abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
        char end = at[length + id_length];
        if (id_length == 0 || id_length >= API_OEMBED_ID_MAX ||
            (end != '\0' && end != '?' && end != '#' && end != ';')) {
            return false;
        }
        memcpy(id, at + length, id_length);
        id[id_length] = '\0';
        return true;
    }
    return false;
}

static bool is_player_key(const char *key, size_t length)
{
    static const char *const keys[] = {"start", "stop", "loop", "autoplay", "muted", "controls",
        "controlBar", "title", "api", "warningTitle", "peertubeLink", "p2p", "subtitle",
        "bigPlayBackgroundColor", "mode", "foregroundColor", "playbackRate",
        "waitPasswordFromEmbedAPI"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strlen(keys[i]) == length && strncmp(keys[i], key, length) == 0) {
            return true;
        }
    }
    return false;
}

char *api_oembed_options(struct shoal_arena *arena, const char *url)
{
    const char *at = strchr(url, '?');
    char *out = shoal_arena_strdup(arena, "");
    while (at != NULL && *at != '#' && *at != '\0') {
        at++;
        size_t length = strcspn(at, "&#");
        size_t key = strcspn(at, "=&#");
        // Only what a value of a query may hold, so that it needs no escaping in the attribute.
        size_t plain = strspn(at, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "-._~%=");
        if (plain >= length && is_player_key(at, key)) {
            out = shoal_arena_printf(arena, "%s%s%.*s", out, *out == '\0' ? "?" : "&amp;",
                (int)length, at);
        }
        at = at[length] == '&' ? at + length : NULL;
    }
    return out;
}

// The largest box of 16:9 (or of the video's own shape) within what the asking site has room for.
static void fit(double ratio, int64_t max_width, int64_t max_height, int64_t *width,
    int64_t *height)
{
    *width = EMBED_WIDTH;
    *height = ratio > 0 ? (int64_t)(EMBED_WIDTH / ratio + 0.5) : EMBED_HEIGHT;
    if (ratio > 0 && ratio < 1) {
        *height = EMBED_WIDTH;
        *width = (int64_t)(EMBED_WIDTH * ratio + 0.5);
    }
    if (max_width > 0 && *width > max_width) {
        *height = *height * max_width / *width;
        *width = max_width;
    }
    if (max_height > 0 && *height > max_height) {
        *width = *width * max_height / *height;
        *height = max_height;
    }
}

static int read_max(struct shoal_request *request, const char *name, int64_t *out,
    struct shoal_err *err)
{
    const char *text = shoal_request_query(request, name);
    *out = 0;
    if (text == NULL) {
        return 0;
    }
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 6 || text[digits] != '\0') {
        return shoal_fail_field(err, name, "Should have a valid %s", name);
    }
    *out = strtoll(text, NULL, 10);
    return 0;
}

static json_t *describe(struct shoal_call *call, const json_t *video, const char *options,
    int64_t max_width, int64_t max_height)
{
    int64_t width = 0;
    int64_t height = 0;
    fit(shoal_number(video, "aspectRatio", 0), max_width, max_height, &width, &height);
    struct shoal_buf html = {0};
    shoal_buf_printf(&html, "<iframe width=\"%lld\" height=\"%lld\" title=\"", (long long)width,
        (long long)height);
    shoal_html_escape(&html, shoal_text(video, "name", ""));
    shoal_buf_puts(&html, "\" src=\"");
    shoal_html_escape(&html, shoal_url(call, shoal_text(video, "embedPath", "/")));
    shoal_buf_printf(&html,
        "%s\" style=\"border: 0px\" allow=\"fullscreen\" allowfullscreen"
        " sandbox=\"allow-same-origin allow-scripts allow-popups allow-forms\"></iframe>",
        options);
    json_t *site = shoal_instance_setting("instance.name");
    const char *home = shoal_url(call, "/");
    home = shoal_arena_strndup(shoal_call_arena(call), home, strlen(home) - 1);
    json_t *answer = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "type", "video",
        "version", "1.0", "html", html.data, "width", (json_int_t)width, "height",
        (json_int_t)height, "title", shoal_text(video, "name", ""), "author_name",
        shoal_text(video, "account.displayName", shoal_text(video, "account.name", "")),
        "author_url", shoal_text(video, "account.url", ""), "provider_name",
        json_is_string(site) ? json_string_value(site) : "PeerTube", "provider_url",
        home);
    const char *preview = shoal_text(video, "previewPath", NULL);
    if (preview != NULL && max_width == 0 && max_height == 0) {
        json_object_set_new(answer, "thumbnail_url", json_string(shoal_url(call, preview)));
        json_object_set_new(answer, "thumbnail_width",
            json_integer(shoal_integer(video, "thumbnails.1.width", 850)));
        json_object_set_new(answer, "thumbnail_height",
            json_integer(shoal_integer(video, "thumbnails.1.height", 480)));
    }
    json_decref(site);
    shoal_buf_fini(&html);
    return answer;
}

int api_oembed(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *format = shoal_request_query(request, "format");
    const char *url = shoal_request_query(request, "url");
    int64_t max_width = 0;
    int64_t max_height = 0;
    char id[API_OEMBED_ID_MAX];
    if (format != NULL && strcmp(format, "json") != 0) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED, "Requested format is not implemented on server");
    }
    if (url == NULL || strlen(url) > 2000 || !api_oembed_id(url, shoal_url(call, "/"), id)) {
        return shoal_fail_field(err, "url", "Invalid url: no video of this site");
    }
    int code = read_max(request, "maxwidth", &max_width, err);
    if (code == 0) {
        code = read_max(request, "maxheight", &max_height, err);
    }
    json_t *video = code == 0 ? shoal_video_get(call, id, NULL, err) : NULL;
    if (video == NULL) {
        // Whoever embeds is not logged in: what needs that is simply not for embedding.
        if (err->code == SHOAL_EAUTH) {
            return shoal_fail(err, SHOAL_EFORBIDDEN, "Video is not publicly available");
        }
        return err->code;
    }
    if (shoal_integer(video, "embedPrivacyPolicy.id", 1) == 3) {
        json_decref(video);
        return shoal_fail(err, SHOAL_EFORBIDDEN, "The server of this video lets only some sites show it");
    }
    json_t *answer = describe(call, video,
        api_oembed_options(shoal_call_arena(call), url), max_width, max_height);
    json_decref(video);
    return api_answer(request, answer, err);
}
