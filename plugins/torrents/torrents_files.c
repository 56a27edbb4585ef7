// torrents_files.c - the files of a video that torrents are made of, and where their bytes are.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/svc/mirrors.h>
#include "torrents.h"

#define PROVIDERS_MAX 8
#define MIRRORS_MAX   32

static const char *path_of(const char *url, const char *site)
{
    size_t length = strlen(site);
    return url != NULL && strncmp(url, site, length) == 0 && url[length] == '/' ? url + length : url;
}

static size_t add(const json_t *list, const char *site, bool is_hls,
    struct torrents_file out[TORRENTS_FILES_MAX], size_t count)
{
    for (size_t i = 0; i < json_array_size(list) && count < TORRENTS_FILES_MAX; i++) {
        const json_t *file = json_array_get(list, i);
        const struct torrents_file one = {
            .id = shoal_integer(file, "id", 0),
            .size_bytes = shoal_integer(file, "size", 0),
            .resolution = (int)shoal_integer(file, "resolution.id", 0),
            .is_hls = is_hls,
            .is_ready = shoal_flag(file, "isReady", true),
            .path = path_of(shoal_text(file, "fileUrl", NULL), site),
        };
        if (one.id > 0 && one.path != NULL) {
            out[count++] = one;
        }
    }
    return count;
}

size_t torrents_files_of(const json_t *video, const char *site, struct torrents_file out[TORRENTS_FILES_MAX])
{
    size_t count = add(shoal_get(video, "files"), site, false, out, 0);
    return add(shoal_get(video, "streamingPlaylists.0.files"), site, true, out, count);
}

json_t *torrents_mirrors_of(struct shoal_call *call, const char *uuid)
{
    struct shoal_service providers[PROVIDERS_MAX];
    size_t count = shoal_service_all("mirrors", providers, PROVIDERS_MAX);
    json_t *out = json_array();
    for (size_t i = 0; i < count && i < PROVIDERS_MAX; i++) {
        const struct shoal_svc_mirrors *table = providers[i].table;
        struct shoal_err err = {0};
        shoal_enter(call, &providers[i]);
        json_t *urls = SHOAL_HAS(table, base_urls)
                           ? table->base_urls(call, providers[i].arg, uuid, &err)
                           : json_array();
        shoal_leave(call);
        if (urls == NULL) {
            shoal_warn("the mirrors of %s are not known: %s", uuid, err.text);
        }
        for (size_t k = 0; k < json_array_size(urls) && json_array_size(out) < MIRRORS_MAX; k++) {
            json_array_append(out, json_array_get(urls, k));
        }
        json_decref(urls);
    }
    return out;
}

json_t *torrents_seeds_of(
    struct shoal_call *call, const struct torrent *torrent, const json_t *mirrors)
{
    bool is_hls = strstr(torrent->name, "-hls.torrent") != NULL;
    bool is_ours = torrent->path[0] == '/';
    json_t *seeds = json_pack("[s]", is_ours ? shoal_url(call, torrent->path) : torrent->path);
    const char *name = strrchr(torrent->path, '/');
    for (size_t i = 0; is_hls && name != NULL && i < json_array_size(mirrors); i++) {
        const char *base = json_string_value(json_array_get(mirrors, i));
        if (base != NULL) {
            json_array_append_new(seeds, json_sprintf("%s%s", base, name));
        }
    }
    return seeds;
}
