// federation_videos_read_links.c - the `url` array of another server's Video: what can be played,
// and shared.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <ctype.h>
#include <string.h>

#include "federation_videos.h"

#define LINKS_MAX 256
#define TAGS_MAX  512
#define END       "-fragmented.mp4"

static bool is_number(const json_t *link, const char *key)
{
    return json_is_integer(json_object_get(link, key));
}

static bool has_rel(const json_t *link, const char *rel)
{
    const json_t *list = json_object_get(link, "rel");
    const char *only = json_string_value(list);
    bool found = only != NULL && strcmp(only, rel) == 0;
    for (size_t i = 0; i < json_array_size(list) && i < 8 && !found; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        found = text != NULL && strcmp(text, rel) == 0;
    }
    return found;
}

static bool is_file(const json_t *link)
{
    static const char *const types[] = {
        "video/mp4", "video/webm", "video/ogg", "audio/mp4", "audio/mpeg", "audio/ogg"};
    const char *mime = shoal_text(link, "mediaType", "");
    bool is_media = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        is_media = is_media || strcmp(mime, types[i]) == 0;
    }
    return is_media && strcmp(shoal_text(link, "type", "Link"), "Link") == 0 &&
           shoal_text(link, "href", NULL) != NULL && is_number(link, "height") &&
           is_number(link, "size");
}

// What is said of the streams within; where nothing is, there are both.
static void streams_read(const json_t *link, bool *has_video, bool *has_audio)
{
    const json_t *list = json_object_get(link, "attachment");
    bool says = false;
    *has_video = *has_audio = false;
    for (size_t i = 0; i < json_array_size(list) && i < 16; i++) {
        const json_t *item = json_array_get(list, i);
        const char *value = shoal_text(item, "value", "");
        if (strcmp(shoal_text(item, "name", ""), "ffprobe_codec_type") == 0) {
            says = true;
            *has_video = *has_video || strcmp(value, "video") == 0;
            *has_audio = *has_audio || strcmp(value, "audio") == 0;
        }
    }
    if (!says) {
        *has_audio = true;
        *has_video = shoal_integer(link, "height", 0) > 0;
    }
}

// xs of "magnet:?xs=URL&xt=urn:btih:HASH", decoded; NULL without one, or without a hash of 40
// characters.
static const char *magnet_torrent(struct shoal_arena *arena, const char *magnet)
{
    const char *hash = strstr(magnet, "xt=urn:btih:");
    const char *from = strstr(magnet, "xs=");
    if (hash == NULL || strspn(hash + 12, "0123456789abcdefABCDEF") != 40 || from == NULL) {
        return NULL;
    }
    char *out = shoal_arena_strndup(arena, from + 3, strcspn(from + 3, "&"));
    size_t used = 0;
    for (const char *at = out; *at != '\0'; at++) {
        if (at[0] == '%' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2])) {
            static const char digits[] = "0123456789abcdef";
            int high = (int)(strchr(digits, tolower((unsigned char)at[1])) - digits);
            int low = (int)(strchr(digits, tolower((unsigned char)at[2])) - digits);
            out[used++] = (char)(high * 16 + low);
            at += 2;
        } else {
            out[used++] = *at;
        }
    }
    out[used] = '\0';
    return out;
}

// Metadata, torrent and magnet of a file stand beside it, and have its height.
static void beside_read(struct shoal_arena *arena, const json_t *links, json_t *file)
{
    int64_t height = shoal_integer(file, "resolution", -1);
    for (size_t i = 0; i < json_array_size(links) && i < TAGS_MAX; i++) {
        const json_t *link = json_array_get(links, i);
        const char *mime = shoal_text(link, "mediaType", "");
        const char *href = shoal_text(link, "href", NULL);
        if (href == NULL || !is_number(link, "height") ||
            shoal_integer(link, "height", 0) != height) {
            continue;
        }
        if (strcmp(mime, "application/json") == 0 && has_rel(link, "metadata")) {
            json_object_set_new(file, "metadataUrl", json_string(href));
        } else if (strcmp(mime, "application/x-bittorrent") == 0) {
            json_object_set_new(file, "torrentUrl", json_string(href));
        } else if (strcmp(mime, "application/x-bittorrent;x-scheme-handler/magnet") == 0) {
            const char *torrent = magnet_torrent(arena, href);
            if (torrent != NULL) {
                json_object_set_new(file, "magnet", json_string(href));
                json_object_set_new(file, "torrentUrl", json_string(torrent));
            }
        }
    }
}

static void file_read(
    struct shoal_arena *arena, const json_t *link, const json_t *links, bool is_hls, json_t *files)
{
    bool has_video, has_audio;
    const char *href = shoal_text(link, "href", "");
    streams_read(link, &has_video, &has_audio);
    int64_t height = shoal_integer(link, "height", 0);
    int64_t width = shoal_integer(link, "width", 0);
    json_t *file = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "kind",
        is_hls ? "hls" : "web_video", "url", href, "mime", shoal_text(link, "mediaType", ""),
        "resolution", (json_int_t)height, "width", (json_int_t)width, "height", (json_int_t)height,
        "fps", (json_int_t)shoal_integer(link, "fps", -1), "size",
        (json_int_t)shoal_integer(link, "size", 0), "hasVideo", has_video, "hasAudio", has_audio);
    size_t length = strlen(href);
    size_t end = strlen(END);
    if (is_hls && length > end && strcmp(href + length - end, END) == 0) {
        json_object_set_new(file, "playlistUrl",
            json_string(shoal_arena_printf(arena, "%.*s.m3u8", (int)(length - end), href)));
    }
    beside_read(arena, links, file);
    json_array_append_new(files, file);
}

// A playlist without a list of what belongs to it is not one of PeerTube's.
static bool playlist_read(
    struct shoal_arena *arena, const json_t *link, json_t *draft, json_t *files)
{
    const json_t *tags = json_object_get(link, "tag");
    const char *href = shoal_text(link, "href", NULL);
    if (strcmp(shoal_text(link, "mediaType", ""), "application/x-mpegURL") != 0 || href == NULL ||
        !json_is_array(tags)) {
        return false;
    }
    json_t *hashes = json_array();
    const char *sha256 = NULL;
    for (size_t i = 0; i < json_array_size(tags) && i < TAGS_MAX; i++) {
        const json_t *tag = json_array_get(tags, i);
        const char *type = shoal_text(tag, "type", "");
        if (strcmp(type, "Infohash") == 0 && shoal_text(tag, "name", NULL) != NULL) {
            json_array_append(hashes, json_object_get(tag, "name"));
        } else if (strcmp(shoal_text(tag, "name", ""), "sha256") == 0) {
            sha256 = shoal_text(tag, "href", NULL);
        } else if (is_file(tag)) {
            file_read(arena, tag, tags, true, files);
        }
    }
    json_object_set_new(draft, "playlist",
        json_pack("{s:s, s:s?, s:o}", "url", href, "sha256Url", sha256, "infohashes", hashes));
    return true;
}

// Where no tracker for browsers is named there are those that every PeerTube has.
static void trackers_usual(struct shoal_arena *arena, const json_t *document, json_t *trackers)
{
    const char *id = shoal_text(document, "id", "");
    const char *host = strstr(id, "://");
    for (size_t i = 0; i < json_array_size(trackers); i++) {
        const char *url = json_string_value(json_array_get(trackers, i));
        if (url != NULL && strncmp(url, "ws", 2) == 0) {
            return;
        }
    }
    if (host != NULL) {
        bool is_tls = strncmp(id, "https", 5) == 0;
        int length = (int)strcspn(host + 3, "/?#");
        json_array_clear(trackers);
        json_array_append_new(
            trackers, json_string(shoal_arena_printf(arena, "%s://%.*s/tracker/announce",
                          is_tls ? "https" : "http", length, host + 3)));
        json_array_append_new(
            trackers, json_string(shoal_arena_printf(arena, "%s://%.*s/tracker/socket",
                          is_tls ? "wss" : "ws", length, host + 3)));
    }
}

bool fv_links_read(struct shoal_arena *arena, const json_t *document, json_t *draft)
{
    const json_t *links = json_object_get(document, "url");
    json_t *files = json_array();
    json_t *trackers = json_array();
    bool has_playlist = false;
    for (size_t i = 0; i < json_array_size(links) && i < LINKS_MAX; i++) {
        const json_t *link = json_array_get(links, i);
        const char *href = shoal_text(link, "href", NULL);
        if (is_file(link)) {
            file_read(arena, link, links, false, files);
        } else if (has_rel(link, "tracker") && href != NULL) {
            json_array_append_new(trackers, json_string(href));
        } else if (!has_playlist) {
            has_playlist = playlist_read(arena, link, draft, files);
        }
    }
    trackers_usual(arena, document, trackers);
    // A live has its playlist while it is on the air.
    bool plays = has_playlist || json_array_size(files) > 0 ||
                 shoal_flag(document, "isLiveBroadcast", false);
    json_object_set_new(draft, "files", files);
    json_object_set_new(draft, "trackers", trackers);
    return plays;
}
