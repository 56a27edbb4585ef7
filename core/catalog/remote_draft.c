// remote_draft.c - reads what another server says of a video: nothing of it is trusted.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/remote_draft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX       (INT64_C(1) << 50)
#define DURATION_MAX_S  (INT64_C(10) * 366 * 24 * 3600)
#define TRACKERS_MAX    10
#define HASHES_MAX      64
#define PLUGIN_DATA_MAX 20000
#define MAGNET_MAX      8000
#define SIDE_MAX        16384
#define STARTS_MAX      16

static int64_t bounded(
    const json_t *json, const char *key, int64_t least, int64_t most, int64_t otherwise)
{
    int64_t value = shoal_integer(json, key, otherwise);
    return value < least || value > most ? otherwise : value;
}

static const char *url_get(struct shoal_call *call, const json_t *json, const char *key)
{
    const char *url = shoal_text(json, key, NULL);
    return url != NULL && catalog_url_host(call->arena, url) != NULL
               ? shoal_arena_strdup(call->arena, url)
               : NULL;
}

static bool is_word(const char *text, size_t most, const char *also)
{
    size_t length = text == NULL ? 0 : strnlen(text, most + 1);
    for (size_t i = 0; i < length; i++) {
        bool is_plain = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z') ||
                        (text[i] >= 'a' && text[i] <= 'z');
        if (!is_plain && strchr(also, text[i]) == NULL) {
            return false;
        }
    }
    return length > 0 && length <= most;
}

// Whose it is: url, channel and origin are of one host, which is not ours.
static int origin_read(struct shoal_call *call, struct remote_draft *out, struct shoal_err *err)
{
    out->url = url_get(call, out->json, "url");
    out->host = out->url == NULL ? NULL : catalog_url_host(call->arena, out->url);
    const char *uuid = shoal_text(out->json, "uuid", "");
    if (out->host == NULL || catalog_host_ours(call, out->host)) {
        return shoal_fail_field(err, "url", "a remote video should have a URL of another server");
    }
    if (!shoal_uuid_valid(uuid)) {
        return shoal_fail_field(err, "uuid", "a video should have a UUID");
    }
    out->uuid = catalog_fold(call->arena, uuid);
    int code = catalog_actor_read(
        call, shoal_integer(out->json, "channelActorId", 0), &out->channel, NULL);
    if (code != 0 || out->channel.channel_id == 0) {
        return shoal_fail_field(
            err, "channelActorId", "a video should have a channel that is known");
    }
    if (strcmp(out->channel.host, out->host) != 0) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "the video %s and its channel are not of one host", out->url);
    }
    return 0;
}

static void words_read(struct shoal_call *call, struct remote_draft *out)
{
    struct shoal_arena *arena = call->arena;
    const json_t *json = out->json;
    out->description =
        catalog_remote_text(arena, shoal_text(json, "description", NULL), 10000, false);
    out->support = catalog_remote_text(arena, shoal_text(json, "support", NULL), 1000, false);
    out->nsfw_summary =
        catalog_remote_text(arena, shoal_text(json, "nsfwSummary", NULL), 250, false);
    out->category = shoal_integer(json, "category", -1);
    out->category = catalog_category_label(out->category) == NULL ? -1 : out->category;
    out->licence = shoal_integer(json, "licence", -1);
    out->licence = catalog_licence_label(out->licence) == NULL ? -1 : out->licence;
    const char *language = shoal_text(json, "language", NULL);
    out->language = is_word(language, 20, "-_") ? shoal_arena_strdup(arena, language) : NULL;
    const json_t *tags = json_object_get(json, "tags");
    for (size_t i = 0; i < json_array_size(tags) && out->tag_count < REMOTE_TAGS_MAX; i++) {
        const char *tag =
            catalog_remote_text(arena, json_string_value(json_array_get(tags, i)), 30, true);
        if (tag != NULL && catalog_utf8_length(tag) >= 2) {
            out->tags[out->tag_count++] = tag;
        }
    }
    char *data = json_dumps(json_object_get(json, "pluginData"), JSON_COMPACT);
    if (data != NULL && data[0] == '{' && strlen(data) <= PLUGIN_DATA_MAX) {
        out->plugin_data = shoal_arena_strdup(arena, data);
    }
    free(data);
}

static void numbers_read(struct remote_draft *out)
{
    const json_t *json = out->json;
    int64_t now_ms = shoal_now_ms();
    out->is_live = shoal_flag(json, "isLive", false);
    out->is_permanent = shoal_flag(json, "permanentLive", false);
    out->saves_replay = shoal_flag(json, "saveReplay", false);
    out->is_nsfw = shoal_flag(json, "nsfw", false);
    out->is_downloadable = shoal_flag(json, "downloadEnabled", true);
    out->is_embeddable = shoal_flag(json, "isEmbeddable", true);
    out->waits = shoal_flag(json, "waitTranscoding", false);
    out->latency = bounded(json, "latencyMode", 1, 3, 1);
    out->dvr_s = bounded(json, "dvrWindow", 0, DURATION_MAX_S, 0);
    out->nsfw_flags = out->is_nsfw ? bounded(json, "nsfwFlags", 0, 0xffff, 0) : 0;
    out->duration_s = bounded(json, "duration", 0, DURATION_MAX_S, 0);
    double aspect = shoal_number(json, "aspectRatio", 0);
    out->aspect_e4 =
        isfinite(aspect) && aspect > 0.01 && aspect < 100 ? (int64_t)llround(aspect * 10000) : 0;
    out->comments_policy = bounded(json, "commentsPolicy", 1, 3, 2);
    out->views = bounded(json, "views", 0, COUNT_MAX, -1);
    out->likes = bounded(json, "likes", 0, COUNT_MAX, -1);
    out->dislikes = bounded(json, "dislikes", 0, COUNT_MAX, -1);
    // Nobody publishes tomorrow: what would stand above all lists for ever is from now.
    out->published_ms = bounded(json, "publishedAt", 0, now_ms, now_ms);
    out->updated_ms = bounded(json, "updatedAt", 0, now_ms, now_ms);
    out->input_updated_ms = bounded(json, "inputFileUpdatedAt", 0, now_ms, 0);
    out->originally_ms = bounded(json, "originallyPublishedAt", -(INT64_C(1) << 46), now_ms, 0);
}

static int file_read(struct shoal_call *call, const json_t *json, struct remote_file *out)
{
    const char *kind = shoal_text(json, "kind", "");
    bool is_hls = strcmp(kind, "hls") == 0;
    const char *mime = shoal_text(json, "mime", "");
    const char *magnet = shoal_text(json, "magnet", NULL);
    bool is_magnet = magnet != NULL && strncmp(magnet, "magnet:?", 8) == 0 &&
                     strnlen(magnet, MAGNET_MAX + 1) <= MAGNET_MAX &&
                     strpbrk(magnet, " \"'<>\\\r\n\t") == NULL;
    *out = (struct remote_file){
        .kind = is_hls ? "hls_media" : "web_video",
        .url = url_get(call, json, "url"),
        .playlist_url = url_get(call, json, "playlistUrl"),
        .mime = strncmp(mime, "audio/", 6) == 0   ? "audio/mp4"
                : strcmp(mime, "video/webm") == 0 ? "video/webm"
                : strcmp(mime, "video/ogg") == 0  ? "video/ogg"
                                                  : "video/mp4",
        .metadata_url = url_get(call, json, "metadataUrl"),
        .torrent_url = url_get(call, json, "torrentUrl"),
        .magnet = is_magnet ? shoal_arena_strdup(call->arena, magnet) : NULL,
        .resolution = (int)bounded(json, "resolution", 0, SIDE_MAX, -1),
        .width = (int)bounded(json, "width", 0, SIDE_MAX, 0),
        .height = (int)bounded(json, "height", 0, SIDE_MAX, 0),
        .fps = (int)bounded(json, "fps", -1, 1000, -1),
        .size_bytes = bounded(json, "size", 0, COUNT_MAX, 0),
        .has_video = shoal_flag(json, "hasVideo", true),
        .has_audio = shoal_flag(json, "hasAudio", true),
    };
    return (is_hls || strcmp(kind, "web_video") == 0) && out->url != NULL && out->resolution >= 0
               ? 0
               : SHOAL_EINVAL;
}

// list: taken.
static const char *list_text(struct shoal_call *call, json_t *list)
{
    char *text = json_dumps(list, JSON_COMPACT);
    const char *out = text == NULL ? "[]" : shoal_arena_strdup(call->arena, text);
    free(text);
    json_decref(list);
    return out;
}

// Milliseconds to the texts of the API.
static const char *starts_read(struct shoal_call *call, const json_t *list)
{
    json_t *kept = json_array();
    for (size_t i = 0; i < json_array_size(list) && json_array_size(kept) < STARTS_MAX; i++) {
        int64_t time_ms = json_integer_value(json_array_get(list, i));
        if (time_ms > 0 && time_ms < INT64_C(1) << 46) {
            json_array_append_new(kept, json_pack("{s:o}", "startAt", catalog_time(time_ms)));
        }
    }
    return list_text(call, kept);
}

// An array of those texts of a list that fit, as JSON in the arena.
static const char *list_read(struct shoal_call *call, const json_t *list, size_t most,
    bool (*fits)(struct shoal_call *call, const char *text))
{
    json_t *kept = json_array();
    for (size_t i = 0; i < json_array_size(list) && json_array_size(kept) < most; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text != NULL && fits(call, text)) {
            json_array_append_new(kept, json_string(text));
        }
    }
    return list_text(call, kept);
}

// http, https, ws and wss, judged as the same URL of the web would be.
static bool is_tracker(struct shoal_call *call, const char *text)
{
    const char *as = strncmp(text, "ws://", 5) == 0 || strncmp(text, "wss://", 6) == 0
                         ? shoal_arena_printf(call->arena, "http%s", text + 2)
                         : text;
    return strnlen(text, CATALOG_URL_MAX) < CATALOG_URL_MAX &&
           catalog_url_host(call->arena, as) != NULL;
}

// 40 hex characters, or the 20 of the ASCII form.
static bool is_hash(struct shoal_call *call, const char *text)
{
    (void)call;
    size_t length = strnlen(text, 41);
    return (length == 40 && strspn(text, "0123456789abcdefABCDEF") == 40) ||
           (length == 20 && is_word(text, 20, "+/"));
}

static void media_read(struct shoal_call *call, struct remote_draft *out)
{
    const json_t *json = out->json;
    const json_t *playlist = json_object_get(json, "playlist");
    const json_t *files = json_object_get(json, "files");
    out->playlist_url = url_get(call, playlist, "url");
    out->sha256_url = url_get(call, playlist, "sha256Url");
    out->infohashes = list_read(call, json_object_get(playlist, "infohashes"), HASHES_MAX, is_hash);
    out->trackers = list_read(call, json_object_get(json, "trackers"), TRACKERS_MAX, is_tracker);
    for (size_t i = 0; i < json_array_size(files) && out->file_count < REMOTE_FILES_MAX; i++) {
        struct remote_file file;
        if (file_read(call, json_array_get(files, i), &file) == 0) {
            out->files[out->file_count++] = file;
        }
    }
    out->starts = starts_read(call, json_object_get(json, "starts"));
    out->picture_count =
        catalog_remote_pictures_read(call->arena, json_object_get(json, "thumbnails"),
            out->pictures, sizeof out->pictures / sizeof out->pictures[0]);
}

int catalog_remote_draft_read(
    struct shoal_call *call, const json_t *json, struct remote_draft *out, struct shoal_err *err)
{
    *out = (struct remote_draft){.json = json};
    int code = origin_read(call, out, err);
    if (code != 0) {
        return code;
    }
    out->name = catalog_remote_text(call->arena, shoal_text(json, "name", NULL), 120, true);
    if (out->name == NULL) {
        return shoal_fail_field(err, "name", "a video should have a name");
    }
    out->privacy = shoal_integer(json, "privacy", 0);
    if (out->privacy != SHOAL_PRIVACY_PUBLIC && out->privacy != SHOAL_PRIVACY_UNLISTED) {
        return shoal_fail_field(err, "privacy", "a remote video is public or unlisted");
    }
    out->state = shoal_integer(json, "state", 0);
    if (out->state != SHOAL_STATE_PUBLISHED && out->state != SHOAL_STATE_WAITING_FOR_LIVE &&
        out->state != SHOAL_STATE_LIVE_ENDED) {
        return shoal_fail_field(err, "state", "a remote video is published, or a live");
    }
    words_read(call, out);
    numbers_read(out);
    media_read(call, out);
    return 0;
}
