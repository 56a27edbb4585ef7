// discovery.c - which path is answered by whom, and what pages and configuration say of searching.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <federate.h>

#include "discovery.h"

#define FETCH_MS 20000 // another server may have to be asked

static int show_config(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    if (strcmp(shoal_text(*value, "document", ""), "config") == 0) {
        shoal_json_set(
            *value, "value.search.remoteUri.users", json_boolean(federate_enabled(call)));
    }
    return 0;
}

// The search page tells strangers what users can do with an address.
static int show_page(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    const char *text = shoal_text(*value, "data.form.search", "");
    if (strcmp(shoal_text(*value, "template", ""), "pages/search") == 0 &&
        discovery_kind(text) != DISCOVERY_WORDS && federate_enabled(call)) {
        shoal_json_set(*value, "data.isAddress", json_true());
    }
    return 0;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct {
        const char *path;
        shoal_handler_fn *handler;
    } rows[] = {{"/api/v1/search/videos", discovery_videos},
        {"/api/v1/search/video-channels", discovery_channels},
        {"/api/v1/search/video-playlists", discovery_playlists}};
    struct shoal_arena *arena = shoal_plugin_arena(self);
    struct discovery *discovery = shoal_arena_alloc(arena, sizeof *discovery);
    discovery->self = self;
    discovery->failed = discovery_memory_new(arena);
    discovery->crawled = discovery_memory_new(arena);
    int code = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && code == 0; i++) {
        const struct shoal_route route = {.method = "GET",
            .path = rows[i].path,
            .handler = rows[i].handler,
            .arg = discovery,
            .timeout_ms = FETCH_MS,
            .rate = SHOAL_RATE_SEARCH,
            .cors = true};
        code = shoal_route_add(self, &route, err);
    }
    if (code == 0 && (shoal_filter(self, "instance.view", show_config, NULL) != 0 ||
                         shoal_filter(self, "page.data", show_page, NULL) != 0)) {
        code = shoal_fail(err, SHOAL_EINTERNAL, "searching cannot be shown");
    }
    return code != 0 ? code : discovery_outbox_start(discovery, err);
}

SHOAL_PLUGIN(.name = "discovery", .start = start);
