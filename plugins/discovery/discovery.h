// discovery.h - what the files of this plugin share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef DISCOVERY_H
#define DISCOVERY_H
#include <shoal/arena.h>
#include <shoal/base.h>
#include <shoal/call.h>
#include <shoal/catalog.h>
#include <shoal/db.h>
#include <shoal/error.h>
#include <shoal/hooks.h>
#include <shoal/http.h>
#include <shoal/jobs.h>
#include <shoal/json.h>
#include <shoal/plugin.h>
#include <shoal/remote.h>
#include <shoal/services.h>

#define DISCOVERY_TEXT_MAX 2000 ///< of a search, which may be an address

struct discovery_memory;
struct discovery {
    struct shoal_plugin *self;
    struct discovery_memory *failed;  ///< addresses that were asked for in vain, for seconds
    struct discovery_memory *crawled; ///< actors whose outbox was read, for an hour
};

// --- discovery_text.c

enum discovery_kind {
    DISCOVERY_WORDS = 0,
    DISCOVERY_URL = 1,    ///< "https://host/…"
    DISCOVERY_HANDLE = 2, ///< "@name@host", "name@host"
};
enum discovery_kind discovery_kind(const char *text);

// --- discovery_memory.c

#define DISCOVERY_MEMORY_MAX 512
/// Remembers texts for a while; of too many the oldest are forgotten. Thread: [any].
struct discovery_memory *discovery_memory_new(struct shoal_arena *arena);
bool discovery_memory_has(struct discovery_memory *memory, const char *text, int64_t now_ms);
void discovery_memory_add(struct discovery_memory *memory, const char *text, int64_t until_ms);

// --- discovery_find.c

/// What a search that is an address names; all NULL or 0: nothing. Text in the call's arena.
struct discovery_found {
    const char *video;  ///< id of a video
    const char *handle; ///< "name" or "name@host" of a channel or account
    int64_t actor_id;   ///< of one of another server that was asked for just now, else 0
};
/// Looks here first; users may have other servers asked. What goes wrong there is nothing found.
struct discovery_found discovery_find(
    struct shoal_call *call, struct discovery *discovery, const char *text);
/// Has the service federation find an address or handle; a new reference or NULL.
json_t *discovery_resolve(struct shoal_call *call, const char *what, struct shoal_err *err);

// --- discovery_outbox.c

/// Videos of an actor of another server are read in the background, once an hour at most.
void discovery_outbox_queue(struct shoal_call *call, struct discovery *discovery, int64_t actor_id);
/// Reads the newest `most` videos of an outbox now.
int discovery_outbox_read(
    struct shoal_call *call, const struct shoal_actor *actor, int most, struct shoal_err *err);
int discovery_outbox_start(struct discovery *discovery, struct shoal_err *err);

// --- discovery_search.c

shoal_handler_fn discovery_videos, discovery_channels, discovery_playlists;

#endif
