// federation_videos_links.c - the `url` array of a Video: pages, files, the playlist with its
// swarms, trackers.
//
// The order is PeerTube's. A file is four links: itself, what is known of it, its torrent, its
// magnet.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "federation_videos.h"

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static json_t *link_new(const char *mime, const char *href)
{
    return json_pack("{s:s, s:s, s:s}", "type", "Link", "mediaType", mime, "href", href);
}

static void size_add(json_t *link, const json_t *file)
{
    json_object_set_new(link, "height", json_integer(shoal_integer(file, "resolution.id", 0)));
    json_object_set_new(link, "width", json_integer(shoal_integer(file, "width", 0)));
    json_object_set_new(link, "fps", json_integer(shoal_integer(file, "fps", -1)));
}

static json_t *property(const char *name, const char *value)
{
    return json_pack("{s:s, s:s, s:s}", "type", "PropertyValue", "name", name, "value", value);
}

static const char *mime_of(const json_t *file)
{
    const char *url = shoal_text(file, "fileUrl", "");
    size_t length = strcspn(url, "?#");
    if (length > 5 && strncmp(url + length - 5, ".webm", 5) == 0) {
        return "video/webm";
    }
    if (length > 4 && strncmp(url + length - 4, ".ogv", 4) == 0) {
        return "video/ogg";
    }
    return shoal_flag(file, "hasVideo", true) ? "video/mp4" : "audio/mp4";
}

static void file_add(const json_t *file, bool is_hls, json_t *links)
{
    const char *mime = mime_of(file);
    json_t *link = link_new(mime, shoal_text(file, "fileUrl", ""));
    size_add(link, file);
    json_object_set_new(link, "size", json_integer(shoal_integer(file, "size", 0)));
    json_t *more = json_array();
    if (shoal_flag(file, "hasVideo", true)) {
        json_array_append_new(more, property("ffprobe_codec_type", "video"));
    }
    if (shoal_flag(file, "hasAudio", true)) {
        json_array_append_new(more, property("ffprobe_codec_type", "audio"));
    }
    json_array_append_new(
        more, property("peertube_format_flag", is_hls ? "fragmented" : "web-video"));
    json_object_set_new(link, "attachment", more);
    json_array_append_new(links, link);
    if (is_set(shoal_text(file, "metadataUrl", NULL))) {
        link = link_new("application/json", shoal_text(file, "metadataUrl", ""));
        json_object_set_new(link, "rel", json_pack("[s, s]", "metadata", mime));
        size_add(link, file);
        json_array_append_new(links, link);
    }
    if (is_set(shoal_text(file, "torrentUrl", NULL))) {
        link = link_new("application/x-bittorrent", shoal_text(file, "torrentUrl", ""));
        size_add(link, file);
        json_array_append_new(links, link);
    }
    if (is_set(shoal_text(file, "magnetUri", NULL))) {
        link = link_new(
            "application/x-bittorrent;x-scheme-handler/magnet", shoal_text(file, "magnetUri", ""));
        size_add(link, file);
        json_array_append_new(links, link);
    }
}

static void files_add(const json_t *files, bool is_hls, json_t *links)
{
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i);
        if (shoal_flag(file, "isReady", true)) {
            file_add(file, is_hls, links);
        }
    }
}

static void playlist_add(const struct fv_source *source, json_t *links)
{
    const json_t *playlist = shoal_get(source->video, "streamingPlaylists.0");
    const char *url = shoal_text(playlist, "playlistUrl", NULL);
    if (!is_set(url)) {
        return;
    }
    json_t *tags = json_array();
    for (size_t i = 0; i < json_array_size(source->hashes); i++) {
        const char *name = shoal_text(json_array_get(source->hashes, i), "name", NULL);
        if (name != NULL) {
            json_array_append_new(tags, json_pack("{s:s, s:s}", "type", "Infohash", "name", name));
        }
    }
    const char *sha256 = shoal_text(playlist, "segmentsSha256Url", NULL);
    if (is_set(sha256)) {
        json_t *link = link_new("application/json", sha256);
        json_object_set_new(link, "name", json_string("sha256"));
        json_array_append_new(tags, link);
    }
    files_add(json_object_get(playlist, "files"), true, tags);
    json_t *link = link_new("application/x-mpegURL", url);
    json_object_set_new(link, "tag", tags);
    json_array_append_new(links, link);
}

static void trackers_add(const struct fv_source *source, json_t *links)
{
    const json_t *urls = json_object_get(source->video, "trackerUrls");
    for (size_t i = 0; i < json_array_size(urls); i++) {
        const char *url = json_string_value(json_array_get(urls, i));
        bool is_socket = url != NULL && strncmp(url, "ws", 2) == 0;
        if (url != NULL) {
            json_array_append_new(
                links, json_pack("{s:s, s:s, s:[s, s], s:s}", "type", "Link", "name",
                           is_socket ? "tracker-websocket" : "tracker-http", "rel", "tracker",
                           is_socket ? "websocket" : "http", "href", url));
        }
    }
}

void fv_links_add(const struct fv_source *source, json_t *links)
{
    files_add(json_object_get(source->video, "files"), false, links);
    playlist_add(source, links);
    trackers_add(source, links);
}
