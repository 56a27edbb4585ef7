// federation_videos.h - what the files of the plugin share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef FEDERATION_VIDEOS_H
#define FEDERATION_VIDEOS_H
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
#include <shoal/settings.h>
#include <shoal/svc/federation.h>
#include <shoal/timer.h>

#include <activity.h>
#include <federate.h>

/// The plugin's own state; one a server.
struct fv {
    struct shoal_plugin *self;
    struct fv_viewers *viewers; ///< see federation_videos_viewers.c
};

// --- writing (federation_videos_write.c, _links.c) ---

/// What a document is written from: all of it from this server.
struct fv_source {
    const json_t *video;                                   ///< as the API shows its details
    const json_t *annotations;                             ///< see shoal_annotations_get()
    const json_t *hashes;                                  ///< [{generation, name}] or NULL
    const char *url;                                       ///< its id
    const char *account_url, *channel_url, *followers_url; ///< the account's followers
};
/// The Video document without context; NULL with SHOAL_ENOTFOUND while it has no picture: peers
/// refuse such a one.
json_t *fv_document(
    struct shoal_arena *arena, const struct fv_source *source, struct shoal_err *err);
/// Appends the links of files, playlist and trackers.
void fv_links_add(const struct fv_source *source, json_t *links);
json_t *fv_chapters(struct shoal_arena *arena, const struct fv_source *source);
/// Gathers the rest of what a local video's document is made of, and writes it; sets to and cc. video: see
/// shoal_video_told(), borrowed.
json_t *fv_document_of(struct shoal_call *call, const struct shoal_video_ref *ref, const json_t *video,
    struct shoal_err *err);
/// The video whole, for who adds to its document; NULL where nobody does.
json_t *fv_noun(struct shoal_call *call, const struct shoal_video_ref *ref);
/// {to, cc} of a video's activities into an object.
void fv_audience_add(json_t *out, int privacy, const char *followers_url, const char *channel_url);

// --- reading (federation_videos_read.c, _read_links.c) ---

/// The draft of a Video document (see shoal_video_put()), without channelActorId; privacy by the
/// document's to and cc, or those of the activity that brought it (or NULL). NULL with a field
/// where PeerTube would refuse it.
json_t *fv_draft(struct shoal_arena *arena, const json_t *document, const json_t *activity,
    struct shoal_err *err);
/// Reads the array `url` into files, playlist and trackers of the draft; false where nothing plays, and
/// nothing will.
bool fv_links_read(struct shoal_arena *arena, const json_t *document, json_t *draft);
/// ISO 8601 to ms; -1 for what is none.
int64_t fv_time(const json_t *json, const char *key);
/// "PT3725S" to seconds; -1 for what is none.
int64_t fv_duration(const char *text);

// --- what comes in (federation_videos_receive.c) ---

int fv_receive_video(
    struct shoal_call *call, const struct shoal_activity *what, void *arg, struct shoal_err *err);
bool fv_knows_video(struct shoal_call *call, const char *id, void *arg);
bool fv_owns_video(
    struct shoal_call *call, const char *id, const struct shoal_actor *actor, void *arg);
/// The same of what says that somebody shared a video.
bool fv_knows_share(struct shoal_call *call, const char *id, void *arg);
bool fv_owns_share(
    struct shoal_call *call, const char *id, const struct shoal_actor *actor, void *arg);
int fv_receive_announce(
    struct shoal_call *call, const struct shoal_activity *what, void *arg, struct shoal_err *err);
int fv_receive_view(
    struct shoal_call *call, const struct shoal_activity *what, void *arg, struct shoal_err *err);
bool fv_relays(
    struct shoal_call *call, const struct shoal_activity *what, int64_t *video_id, void *arg);
/// Finds or fetches the video of a URL. is_new: out or NULL.
int fv_video_ensure(
    struct shoal_call *call, const char *url, struct shoal_video_ref *ref, struct shoal_err *err);
/// Reads a remote video anew from its origin; one that is gone there is removed, at once (410) or when
/// its origin has long not known it (404).
int fv_video_refresh(
    struct shoal_call *call, struct fv *fv, const char *url, struct shoal_err *err);
/// Keeps a remote video as its origin describes it now; document: what was read at url, borrowed.
int fv_video_again(
    struct shoal_call *call, const char *url, const json_t *document, struct shoal_err *err);

// --- what goes out (federation_videos_send.c) ---

/// Brings other servers to what a video of ours is now: tells of it, changes it, or takes it back.
int fv_sync(struct shoal_call *call, const char *uuid, struct shoal_err *err);
/// Queues that: hooks are short, and several that come together are one change.
int fv_sync_queue(struct shoal_call *call, struct fv *fv, const char *uuid, int64_t wait_ms,
    struct shoal_err *err);
/// The same for a video that is gone, or was given its number by a hook.
int fv_unsend(struct shoal_call *call, int64_t video_id, struct shoal_err *err);
const char *fv_announce_url(struct shoal_call *call, const char *video_url, int64_t actor_id);
/// {type, id, actor, object, to, cc} around a whole document, which is borrowed.
json_t *fv_activity(const char *type, const char *id, const char *actor_url, json_t *document);

// --- views (federation_videos_views.c) ---

int fv_views_start(struct fv *fv, struct shoal_err *err);
/// Queues telling how often a video of ours was seen, by whomever.
int fv_views_queue(struct shoal_call *call, struct fv *fv, const struct shoal_video_ref *ref,
    struct shoal_err *err);

// --- crawling (federation_videos_crawl.c) ---

int fv_crawl_start(struct fv *fv, struct shoal_err *err);
/// Queues reading the outbox of an actor that is followed now.
int fv_crawl_queue(struct shoal_call *call, struct fv *fv, int64_t actor_id, struct shoal_err *err);
/// Queues reading a remote video anew where it was read too long ago.
int fv_refresh_queue(struct shoal_call *call, struct fv *fv, const struct shoal_video_ref *ref,
    struct shoal_err *err);
/// Queues asking again for one that its origin does not know, when that may tell more.
int fv_missing_queue(struct shoal_call *call, struct fv *fv, const struct shoal_video_ref *ref,
    struct shoal_err *err);
enum fv_why {
    FV_NEW,     ///< at once; shares and comments too
    FV_CHANGED, ///< its origin said so: soon, and many together once in ten seconds
    FV_RATED,   ///< somebody here did: in half a minute, when that has arrived
};
/// Queues reading what belongs to a video: chapters and totals.
int fv_details_queue(
    struct shoal_call *call, struct fv *fv, const char *url, enum fv_why why, struct shoal_err *err);

int fv_live_start(struct fv *fv, struct shoal_err *err);
int fv_routes_start(struct fv *fv, struct shoal_err *err);

#endif
