// media_playlist.c - carries a token into the URIs of an HLS playlist.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <m3u8.h>

#include "media.h"

#define PLAYLIST_MAX ((int64_t)8 << 20)

static bool contains(const char *text, size_t length, const char *what)
{
    return memmem(text, length, what, strlen(what)) != NULL;
}

// Writes one URI. What leads to another host, or is no path at all, gets no token.
static int put_uri(struct shoal_buf *out, const char *uri, size_t length, const char *token)
{
    int code = shoal_buf_add(out, uri, length);
    bool is_foreign = contains(uri, length, ":") || (length >= 2 && memcmp(uri, "//", 2) == 0);
    if (code != 0 || is_foreign) {
        return code;
    }
    const char *query = memchr(uri, '?', length);
    size_t path = query != NULL ? (size_t)(query - uri) : length;
    bool is_playlist = path >= 5 && memcmp(uri + path - 5, ".m3u8", 5) == 0;
    return shoal_buf_printf(out, "%cvideoFileToken=%s%s", query != NULL ? '&' : '?', token,
        is_playlist ? "&reinjectVideoFileToken=true" : "");
}

int media_playlist_token(struct shoal_buf *out, const char *text, size_t length, const char *token)
{
    struct m3u8_reader reader;
    m3u8_open(&reader, text, length);
    for (;;) {
        struct m3u8_part part = m3u8_next(&reader);
        if (part.kind == M3U8_END || part.kind == M3U8_BAD) {
            return part.kind == M3U8_END ? 0 : SHOAL_EUNREADABLE;
        }
        int code = part.kind == M3U8_URI ? put_uri(out, part.text, part.length, token)
                                         : shoal_buf_add(out, part.text, part.length);
        if (code != 0) {
            return code;
        }
    }
}

static int load(struct shoal_call *call, const struct shoal_media_file *file, struct shoal_buf *text,
    struct shoal_err *err)
{
    struct shoal_service storage;
    if (!shoal_service_find("storage", file->storage, &storage)) {
        return shoal_fail(err, SHOAL_EBUSY, "the storage %s is away", file->storage);
    }
    int64_t size = media_size(call, &storage, file->key, err);
    if (size < 0) {
        return (int)size;
    }
    if (size > PLAYLIST_MAX || shoal_buf_reserve(text, (size_t)size) != 0) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "playlist %s is too large", file->name);
    }
    while (text->length < (size_t)size) {
        int64_t got = media_read(call, &storage, file->key, text->length,
            text->data + text->length, (size_t)size - text->length, err);
        if (got <= 0) {
            return got < 0 ? (int)got
                           : shoal_fail(err, SHOAL_EUPSTREAM, "playlist %s is cut short", file->name);
        }
        text->length += (size_t)got;
    }
    return 0;
}

int media_answer_playlist(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_media_file *file, const char *token, struct shoal_err *err)
{
    struct shoal_buf text = {0};
    struct shoal_buf out = {.limit = (size_t)PLAYLIST_MAX * 4};
    int code = load(call, file, &text, err);
    if (code == 0) {
        code = media_playlist_token(&out, text.data != NULL ? text.data : "", text.length,
            shoal_url_encode(shoal_call_arena(call), token));
        if (code != 0) {
            shoal_fail(err, code, "playlist %s cannot be read", file->name);
        }
    }
    if (code == 0) {
        shoal_answer_private(request);
        shoal_answer_header(request, "Cache-Control", "private, no-store");
        code = shoal_answer_bytes(request, 200, media_type(file->kind, file->name, file->mime),
            out.data, out.length);
    }
    shoal_buf_fini(&text);
    shoal_buf_fini(&out);
    return code;
}
