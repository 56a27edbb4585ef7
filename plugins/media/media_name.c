// media_name.c - names in URLs, kinds and types by them, and names for downloads.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "media.h"

#define NAME_MAX_BYTES 150

bool media_name_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = name != NULL ? strlen(name) : 0;
    return length > 0 && length <= 200 && name[0] != '.' && strspn(name, letters) == length &&
           strstr(name, "..") == NULL;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

const char *media_hls_kind(const char *name)
{
    static const struct {
        const char *end;
        const char *kind;
    } kinds[] = {
        {"-segments-sha256.json", "hls_sha256"},
        {"segments-sha256.json", "hls_sha256"},
        {"-master.m3u8", "hls_master"},
        {"master.m3u8", "hls_master"},
        {".m3u8", "hls_playlist"},
        {".mp4", "hls_media"},
        {".ts", "hls_media"},
        {".m4s", "hls_media"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (ends_with(name, kinds[i].end)) {
            return kinds[i].kind;
        }
    }
    return NULL;
}

const char *media_type(const char *kind, const char *name, const char *mime)
{
    static const struct {
        const char *end;
        const char *type;
    } types[] = {
        {".mp4", "video/mp4"},
        {".m4s", "video/mp4"},
        {".ts", "video/mp2t"},
        {".webm", "video/webm"},
        {".m3u8", "application/vnd.apple.mpegurl"},
        {".json", "application/json; charset=utf-8"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".png", "image/png"},
        {".webp", "image/webp"},
        {".vtt", "text/vtt; charset=utf-8"},
        {".torrent", "application/x-bittorrent"},
        {".m4a", "audio/mp4"},
        {".mp3", "audio/mpeg"},
        {".ogg", "audio/ogg"},
        {".flac", "audio/flac"},
    };
    // The catalog knows whether an MP4 holds only sound; nothing else that it says is needed.
    bool is_media = strcmp(kind, "web_video") == 0 || strcmp(kind, "hls_media") == 0;
    if (is_media && mime != NULL && strcmp(mime, "audio/mp4") == 0) {
        return "audio/mp4";
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (ends_with(name, types[i].end)) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

// The bytes of the UTF-8 character at text, or 0 where there is none.
static size_t character(const unsigned char *text)
{
    size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
                    : text[0] >= 0xe0 && text[0] < 0xf0                    ? 3
                    : text[0] >= 0xf0 && text[0] < 0xf5                    ? 4
                                                                           : 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

// Characters that turn text around or hide in it make "gpj.exe" look like "exe.jpg".
static bool is_invisible(const unsigned char *text, size_t length)
{
    bool is_c1 = length == 2 && text[0] == 0xc2 && text[1] < 0xa0;
    bool is_direction =
        length == 3 && text[0] == 0xe2 &&
        ((text[1] == 0x80 && (text[2] >= 0xaa || (text[2] >= 0x8b && text[2] <= 0x8f))) ||
            (text[1] == 0x81 && text[2] >= 0xa0 && text[2] <= 0xaf));
    return is_c1 || (is_direction && !(text[1] == 0x80 && text[2] > 0xae));
}

// Puts the clean characters of [from, end) into out until room is used up. Returns the length.
static size_t clean(const char *from, const char *end, char *out, size_t room)
{
    size_t used = 0;
    while (from < end) {
        const unsigned char *at = (const unsigned char *)from;
        size_t length = character(at);
        if (length == 0 || length > (size_t)(end - from)) {
            from++;
            continue;
        }
        from += length;
        if (is_invisible(at, length)) {
            continue;
        }
        if (used + length > room) {
            break;
        }
        bool is_bad = length == 1 && (*at < 0x20 || *at == 0x7f || strchr("/\\:*?\"<>|", *at) != NULL);
        if (is_bad) {
            out[used++] = '_';
            continue;
        }
        memcpy(out + used, at, length);
        used += length;
    }
    return used;
}

char *media_name_clean(struct shoal_arena *arena, const char *name)
{
    name += strspn(name, ". \t");
    const char *dot = strrchr(name, '.');
    size_t ending = dot != NULL ? strlen(dot) : 0;
    if (ending > 12 || ending < 2 || !media_name_valid(dot + 1)) {
        dot = NULL;
        ending = 0;
    }
    char *out = shoal_arena_alloc(arena, NAME_MAX_BYTES + 16);
    size_t used = clean(name, dot != NULL ? dot : name + strlen(name), out, NAME_MAX_BYTES - ending);
    while (used > 0 && (out[used - 1] == ' ' || out[used - 1] == '.')) {
        used--;
    }
    if (used == 0) {
        memcpy(out, "video", 5);
        used = 5;
    }
    if (dot != NULL) {
        memcpy(out + used, dot, ending);
        used += ending;
    }
    out[used] = '\0';
    return out;
}

char *media_disposition(struct shoal_arena *arena, const char *name)
{
    char *plain = shoal_arena_strdup(arena, name);
    for (char *at = plain; *at != '\0'; at++) {
        bool is_fine = (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f &&
                       strchr("\"\\%;", *at) == NULL;
        *at = is_fine ? *at : '_';
    }
    return shoal_arena_printf(arena, "attachment; filename=\"%s\"; filename*=UTF-8''%s", plain,
        shoal_url_encode(arena, name));
}
