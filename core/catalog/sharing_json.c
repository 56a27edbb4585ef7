// sharing_json.c - what a video's details say of sharing it: trackers, torrents, mirrors.
//
// Services know it. Asked once for each video, and only where one is shown alone.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/services.h>
#include <shoal/svc/mirrors.h>
#include <shoal/svc/torrent.h>
#include <shoal/svc/tracker.h>
#include "catalog/catalog_priv.h"

#define PROVIDERS_MAX 8
#define MIRRORS_MAX   32

typedef json_t *sharing_fn(
    struct shoal_call *call, void *arg, const char *video, struct shoal_err *err);

// NULL, and a warning, where the provider fails or says something else than was asked for.
static json_t *ask(struct shoal_call *call, const struct shoal_service *service, sharing_fn *fn,
    const char *video, json_type type)
{
    struct shoal_err err = {0};
    shoal_enter(call, service);
    json_t *said = fn(call, service->arg, video, &err);
    shoal_leave(call);
    if (said != NULL && json_typeof(said) == type) {
        return said;
    }
    shoal_warn("video %s: %s does not say how it is shared: %s", video, service->plugin,
        said != NULL            ? "its answer makes no sense"
        : err.text[0] != '\0' ? err.text
                              : "it failed");
    json_decref(said);
    return NULL;
}

static void mirrors_add(struct shoal_call *call, const char *uuid, json_t *playlist)
{
    struct shoal_service all[PROVIDERS_MAX];
    size_t count = shoal_service_all("mirrors", all, PROVIDERS_MAX);
    json_t *out = json_object_get(playlist, "redundancies");
    for (size_t i = 0; i < count && i < PROVIDERS_MAX; i++) {
        const struct shoal_svc_mirrors *table = all[i].table;
        json_t *urls = SHOAL_HAS(table, base_urls)
                           ? ask(call, &all[i], table->base_urls, uuid, JSON_ARRAY)
                           : NULL;
        for (size_t k = 0; k < json_array_size(urls) && json_array_size(out) < MIRRORS_MAX; k++) {
            json_t *url = json_array_get(urls, k);
            if (json_is_string(url)) {
                json_array_append_new(out, json_pack("{s:O}", "baseUrl", url));
            }
        }
        json_decref(urls);
    }
}

static void torrent_add(struct shoal_call *call, const json_t *torrents, json_t *file)
{
    const char *key =
        shoal_arena_printf(call->arena, "%lld", (long long)shoal_integer(file, "id", 0));
    const json_t *torrent = json_object_get(torrents, key);
    const char *name = shoal_text(torrent, "name", NULL);
    if (name == NULL) {
        return;
    }
    const char *path = shoal_arena_printf(call->arena, "/lazy-static/torrents/%s", name);
    const char *download = shoal_arena_printf(call->arena, "/download/torrents/%s", name);
    json_object_set_new(file, "magnetUri", json_string(shoal_text(torrent, "magnet", "")));
    json_object_set_new(file, "torrentUrl", json_string(shoal_url(call, path)));
    json_object_set_new(file, "torrentDownloadUrl", json_string(shoal_url(call, download)));
}

static void torrents_add(struct shoal_call *call, const json_t *torrents, const json_t *files)
{
    for (size_t i = 0; i < json_array_size(files); i++) {
        torrent_add(call, torrents, json_array_get(files, i));
    }
}

static void tracker_add(struct shoal_call *call, const char *uuid, json_t *video)
{
    struct shoal_service service;
    if (!shoal_service_find("tracker", NULL, &service)) {
        return;
    }
    const struct shoal_svc_tracker *table = service.table;
    json_t *urls = SHOAL_HAS(table, announce_urls)
                       ? ask(call, &service, table->announce_urls, uuid, JSON_ARRAY)
                       : NULL;
    if (urls != NULL) {
        json_object_set_new(video, "trackerUrls", urls);
    }
}

static void torrents_of(struct shoal_call *call, const char *uuid, json_t *video)
{
    struct shoal_service service;
    if (!shoal_service_find("torrent", NULL, &service)) {
        return;
    }
    const struct shoal_svc_torrent *table = service.table;
    json_t *torrents = SHOAL_HAS(table, torrents)
                           ? ask(call, &service, table->torrents, uuid, JSON_OBJECT)
                           : NULL;
    if (torrents != NULL) {
        torrents_add(call, torrents, json_object_get(video, "files"));
        torrents_add(call, torrents, shoal_get(video, "streamingPlaylists.0.files"));
    }
    json_decref(torrents);
}

void catalog_sharing_add(struct shoal_call *call, json_t *video)
{
    const char *uuid = shoal_text(video, "uuid", "");
    json_t *playlist = shoal_get(video, "streamingPlaylists.0");
    if (playlist != NULL) {
        mirrors_add(call, uuid, playlist);
    }
    tracker_add(call, uuid, video);
    torrents_of(call, uuid, video);
}
