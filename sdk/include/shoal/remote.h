// remote.h - actors of this and of other servers, and the videos of other servers, as federation keeps them.
//
// Remote actors and videos lie in the same tables as local ones, with their origin. What is written
// here is believed already: the caller has checked who said it and where it came from. One thing is
// checked once more: what is named by a URL lies on the host of that URL, and nothing of another host,
// and nothing local, is ever changed.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_REMOTE_H
#define SHOAL_REMOTE_H
#include <jansson.h>

#include <shoal/sized.h>
#include <shoal/version.h>

/// An actor as federation needs it; text in the call's arena, NULL where there is none.
struct shoal_actor {
    int64_t id;
    const char *kind; ///< "Person" (account), "Group" (channel), "Application", "Service", "Organization"
    const char *name; ///< preferredUsername
    const char *host; ///< "example.org" or "example.org:8443"; "" for ours
    const char *url;  ///< its id; of ours: made by shoal_url()
    const char *inbox_url;
    const char *shared_inbox_url;
    const char *outbox_url;
    const char *followers_url;
    const char *following_url;
    const char *public_key; ///< PEM (SPKI) of a remote actor, one or several; ours are with the one who signs
    const char *display_name;
    const char *description;
    const char *support;
    int64_t account_id; ///< of an account, else 0
    int64_t channel_id; ///< of a channel, else 0
    int64_t owner_id;   ///< of a channel: the actor of its account, else 0
    int64_t user_id;    ///< of a local account or channel: whose it is, else 0
    int64_t created_ms;
    int64_t updated_ms; ///< of a remote actor: when it was read last
};

// Finds one. Errors: SHOAL_ENOTFOUND, SHOAL_EIO. Thread: [worker]. Blocks: yes. Since: 1.0.

SHOAL_INLINE int shoal_actor_find(struct shoal_call *call, const char *url, struct shoal_actor *actor,
    struct shoal_err *err)
{
    return shoal_actor_find_sized(call, url, actor, sizeof *actor, err);
}
/// host "" is this server. The instance itself is "peertube", of kind "Application"; it is made when it
/// is first asked for.
SHOAL_INLINE int shoal_actor_named(struct shoal_call *call, const char *name, const char *host,
    struct shoal_actor *actor, struct shoal_err *err)
{
    return shoal_actor_named_sized(call, name, host, actor, sizeof *actor, err);
}
SHOAL_INLINE int shoal_actor_get(struct shoal_call *call, int64_t id, struct shoal_actor *actor,
    struct shoal_err *err)
{
    return shoal_actor_get_sized(call, id, actor, sizeof *actor, err);
}
/// Pictures: {avatars: [{url, mime, width, height}], banners: [...]}; a new reference.
SHOAL_API json_t *shoal_actor_pictures(struct shoal_call *call, int64_t id, struct shoal_err *err);

/// Keeps a remote actor as its document says: found by its url, made or changed. Of `actor` are read:
/// kind, name, host, url, the five URLs, public_key, display_name, description, support, owner_id (of a
/// channel) and created_ms. A Person, Service, Organization or Application gets an account, a Group a
/// channel of owner_id. pictures: as shoal_actor_pictures(), or NULL; they are fetched later, when they
/// are first asked for, bounded.
///
/// id: out. Returns: 0 or a negative error. Errors: SHOAL_EINVAL (a field, or a URL of another host
/// than `host`), SHOAL_ECONFLICT (the handle belongs to another url that is still there), SHOAL_EIO.
/// Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_INLINE int shoal_actor_put(struct shoal_call *call, const struct shoal_actor *actor,
    const json_t *pictures, int64_t *id, struct shoal_err *err)
{
    return shoal_actor_put_sized(call, actor, sizeof *actor, pictures, id, err);
}
/// Removes a remote actor with its channels, videos and follows; the tells are the local ones', of an account
/// user.changed with a user that has nothing but `account`.
SHOAL_API int shoal_actor_remove(struct shoal_call *call, int64_t id, struct shoal_err *err);

/// Its server answered that there is no such actor (404), or no such video: PeerTube says so of what was
/// deleted, and a server that is half up of everything. It is removed, and *is_gone set, when that was said
/// three times in a row, an hour or more apart, over a day; reading it again (the _put calls) starts anew.
///
/// is_gone: out. Returns: 0 or a negative error. Errors: SHOAL_ENOTFOUND, SHOAL_EFORBIDDEN (one of this
/// server), SHOAL_EIO. Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_actor_missing(struct shoal_call *call, int64_t id, bool *is_gone,
    struct shoal_err *err);
SHOAL_API int shoal_video_missing(struct shoal_call *call, int64_t id, bool *is_gone,
    struct shoal_err *err);

/// Keeps a remote video, found by draft.url, made or changed as a whole: what the draft does not name is
/// cleared. Asks video.publish for a new one.
///
/// draft: {url, uuid, channelActorId, name, description, support, category, licence, language, privacy (1, 2),
///   state (1, 4, 5), isLive, permanentLive, saveReplay, latencyMode, starts [ms], dvrWindow (s),
///   isEmbeddable, nsfw, nsfwSummary, nsfwFlags,
///   duration (s), aspectRatio, commentsPolicy, downloadEnabled, waitTranscoding, views, likes,
///   dislikes, publishedAt, updatedAt, originallyPublishedAt, inputFileUpdatedAt (ms), tags [text],
///   thumbnails [{url, mime, width, height}],
///   playlist {url, sha256Url, infohashes [text]} or null, trackers [url],
///   files [{kind "web_video" or "hls", url, playlistUrl, mime, resolution, width, height, fps, size,
///     hasVideo, hasAudio, metadataUrl, torrentUrl, magnet, infohash}],
///   captions [{language, label, url, automaticallyGenerated}], chapters [{title, timecode (s)}],
///   storyboard {url, mime, width, height, tileWidth, tileHeight, tileDuration (s)} or null,
///   pluginData}.
/// uuid_out: room for 37 characters: its UUID here. is_new: out, or NULL.
/// Returns: 0 or a negative error. Errors: SHOAL_EINVAL with the field, SHOAL_EFORBIDDEN (url, channel
/// and origin are not of one host; or video.publish refused), SHOAL_ECONFLICT (the UUID is another's),
/// SHOAL_EIO. Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_video_put(struct shoal_call *call, const json_t *draft, char uuid_out[37],
    bool *is_new, struct shoal_err *err);

/// What federation knows of a video besides what the API shows; text in the call's arena.
struct shoal_video_ref {
    int64_t id;
    const char *uuid;
    const char *url;         ///< its id; of ours: made by shoal_url()
    const char *origin_host; ///< "" for ours
    int64_t account_actor_id, channel_actor_id;
    int privacy, state;
    int comments_policy;
    bool is_federated; ///< ours: a peer may know it (public, and unlisted where that is set; out; not blocked)
    int64_t updated_ms; ///< of a remote one: when it was read last
    const char *account_url, *channel_url; ///< the ids of their actors
};
/// Finds a video by the URL of its id (ours or another's); id: by number or UUID.
SHOAL_INLINE int shoal_video_by_url(struct shoal_call *call, const char *url, struct shoal_video_ref *video,
    struct shoal_err *err)
{
    return shoal_video_by_url_sized(call, url, video, sizeof *video, err);
}
SHOAL_INLINE int shoal_video_by_id(struct shoal_call *call, const char *id, struct shoal_video_ref *video,
    struct shoal_err *err)
{
    return shoal_video_by_id_sized(call, id, video, sizeof *video, err);
}
/// The same, and what others are told of it.
///
/// told:    out: a local video as shoal_video_get() shows it, but for `account` and `channel`, whose URLs are in
///          `video`; a new reference. NULL for a remote one, and where the viewer may not see it.
/// Returns: 0 or a negative error. Errors: SHOAL_ENOTFOUND, SHOAL_EIO. Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_INLINE int shoal_video_told(struct shoal_call *call, const char *id, struct shoal_video_ref *video,
    json_t **told, struct shoal_err *err)
{
    return shoal_video_told_sized(call, id, video, sizeof *video, told, err);
}
/// Removes a remote video, with the tells of a deletion.
SHOAL_API int shoal_video_remove(struct shoal_call *call, int64_t id, struct shoal_err *err);
/// Hides a server (and those below its name: example.org is www.example.org:8443 too; with a port it is one
/// server), or shows it again, in the transaction `tx`: lists, pages and comments have nothing of it for anybody but the staff, and nothing
/// is removed. Of more than 500 videos a job does the rest. What is so already is no change.
///
/// host: "example.org". Returns: 0 or a negative error. Errors: SHOAL_EINVAL, SHOAL_EFORBIDDEN, SHOAL_EIO.
/// Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_host_hide(struct shoal_call *call, struct shoal_db *tx, const char *host, bool hides,
    struct shoal_err *err);
/// Counts of a video as its origin, or a plugin that keeps them, says; -1 leaves one as it is. In the
/// transaction `tx`; moves no epoch: counters reach pages within seconds.
SHOAL_API int shoal_video_counts(struct shoal_call *call, struct shoal_db *tx, int64_t id, int64_t views,
    int64_t likes, int64_t dislikes, int64_t comments, struct shoal_err *err);

#endif
