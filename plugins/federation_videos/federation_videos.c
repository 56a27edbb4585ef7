// federation_videos.c - type Video in the federation: its rules, the hooks that it follows, its
// start.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "federation_videos_viewers.h"

#define RATED_MS 30000

// A video is its author's alone; it is read where it comes from when it is new.
static const struct shoal_may_say video_rows[] = {{"Create", SHOAL_SAY_AUTHOR, true},
    {"Update", SHOAL_SAY_AUTHOR, false}, {"Delete", SHOAL_SAY_OWNER, false}, {NULL, 0, false}};
static const struct shoal_may_say announce_rows[] = {
    {"Announce", SHOAL_SAY_ANYONE, false}, {"Undo", SHOAL_SAY_AUTHOR, false}, {NULL, 0, false}};
static const struct shoal_may_say view_rows[] = {
    {"View", SHOAL_SAY_ANYONE, false}, {NULL, 0, false}};

static int video_happened(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    const char *uuid = shoal_text(event, "video.uuid", NULL);
    return uuid != NULL && shoal_flag(event, "video.isLocal", false)
               ? fv_sync_queue(call, arg, uuid, 0, err)
               : 0;
}

// Opinions come in numbers: others are told of ours once for many. What somebody here thinks of a video
// of another server is counted there too: its sums are read when that has arrived.
static int video_rated(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    const char *uuid = shoal_text(event, "video.uuid", NULL);
    struct shoal_video_ref ref;
    if (uuid == NULL || !federate_enabled(call)) {
        return 0;
    }
    if (shoal_flag(event, "video.isLocal", false)) {
        return fv_sync_queue(call, arg, uuid, RATED_MS, err);
    }
    return shoal_video_by_id(call, uuid, &ref, NULL) == 0 && ref.origin_host[0] != '\0'
               ? fv_details_queue(call, arg, ref.url, FV_RATED, err)
               : 0;
}

static int video_deleted(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)arg;
    return shoal_flag(event, "video.isLocal", false)
               ? fv_unsend(call, shoal_integer(event, "video.id", 0), err)
               : 0;
}

// Whoever is followed from here now brings what it had before.
static int follow_changed(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    bool is_ours = shoal_flag(event, "follower.isLocal", false);
    bool is_far = !shoal_flag(event, "target.isLocal", true);
    return is_ours && is_far && strcmp(shoal_text(event, "what", ""), "accepted") == 0
               ? fv_crawl_queue(call, arg, shoal_integer(event, "target.id", 0), err)
               : 0;
}

static int types_start(struct fv *fv, struct shoal_err *err)
{
    struct shoal_federated *types =
        shoal_arena_alloc(shoal_plugin_arena(fv->self), 3 * sizeof *types);
    types[0] = (struct shoal_federated){.type = "Video",
        .rows = video_rows,
        .receive = fv_receive_video,
        .knows = fv_knows_video,
        .owner = fv_owns_video};
    types[1] = (struct shoal_federated){.type = "Announce",
        .rows = announce_rows,
        .receive = fv_receive_announce,
        .knows = fv_knows_share,
        .owner = fv_owns_share,
        .relays = fv_relays,
        .is_quick = true};
    types[2] = (struct shoal_federated){.type = "View",
        .rows = view_rows,
        .receive = fv_receive_view,
        .relays = fv_relays,
        .is_quick = true};
    for (int i = 0; i < 3; i++) {
        types[i].size = sizeof *types;
        types[i].plugin = "federation_videos";
        types[i].arg = fv;
    }
    return federate_types_add(types, 3, err);
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const char *const syncs[] = {
        "video.published", "video.changed", "video.files", "video.hidden"};
    struct fv *fv = shoal_arena_alloc(shoal_plugin_arena(self), sizeof *fv);
    *fv = (struct fv){.self = self, .viewers = fv_viewers_new()};
    shoal_plugin_keep(self, fv);
    int code = types_start(fv, err);
    for (size_t i = 0; i < sizeof syncs / sizeof *syncs && code == 0; i++) {
        code = shoal_tell(self, syncs[i], video_happened, fv);
    }
    code = code == 0 ? shoal_tell(self, "rating.changed", video_rated, fv) : code;
    code = code == 0 ? shoal_tell(self, "video.deleted", video_deleted, fv) : code;
    code = code == 0 ? shoal_tell(self, "follow.changed", follow_changed, fv) : code;
    code = code == 0 ? fv_crawl_start(fv, err) : code;
    code = code == 0 ? fv_views_start(fv, err) : code;
    code = code == 0 ? fv_live_start(fv, err) : code;
    return code == 0 ? fv_routes_start(fv, err) : code;
}

static void stop(struct shoal_plugin *self)
{
    struct fv *fv = shoal_plugin_kept(self);
    if (fv != NULL) {
        fv_viewers_free(fv->viewers);
    }
}

SHOAL_PLUGIN(.name = "federation_videos", .start = start, .stop = stop);
