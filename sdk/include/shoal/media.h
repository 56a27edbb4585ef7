// media.h - how files enter the pipeline, where they lie, and who may fetch them.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_MEDIA_H
#define SHOAL_MEDIA_H
#include <jansson.h>

#include <shoal/sized.h>
#include <shoal/version.h>

/// Asks, before bytes are kept, whether this upload may begin: fields, channel, quota, type, then the
/// decide upload.begin.
///
/// draft:   the video's fields as the API names them (name, channelId, privacy, …), checked here.
/// file:    {name, size_bytes (-1 unknown), mime}. source: "upload", "import", "replace", …
/// Returns: 0 or a negative error. Errors: SHOAL_EINVAL with the field, SHOAL_ETOOLARGE with
///          quota_reached or max_file_size_reached, SHOAL_ETYPE, SHOAL_EFORBIDDEN, SHOAL_EUNSUPPORTED
///          (no transcoder or storage). Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_upload_begin(struct shoal_call *call, const json_t *draft, const json_t *file,
    const char *source, struct shoal_err *err);

/// A whole file that wants to become (part of) a video.
struct shoal_submission {
    const char *video;      ///< id of an existing video (replace, replay), or NULL: a new one is made
    const json_t *draft;    ///< fields of a new video
    const char *path;       ///< the bytes; moved away on success, left alone on failure
    const char *filename;   ///< as the user named it
    const char *sha256;
    uint64_t size_bytes;
    const char *source;     ///< "upload", "import", "replace", "studio", "replay"
    const char *thumbnail;  ///< image file of the user, or NULL
    const char *preview;
    /// Called within the transaction that makes the rows, for what must be true from the same moment:
    /// {id, uuid, shortUUID} of the video. An error of it fails the submission. NULL: nothing.
    int (*commit)(struct shoal_call *call, struct shoal_db *tx, const json_t *video, void *arg,
        struct shoal_err *err);
    void *arg;
};
/// The one door into the pipeline: probes, asks upload.finish, makes the rows, queues the rest.
/// When this returns 0 the bytes are on disk and the video survives a crash.
///
/// video:   out, {id, uuid, shortUUID}; a new reference.
/// Returns: 0, or a negative error with nothing left behind.
/// Errors:  as shoal_upload_begin(), SHOAL_EUNREADABLE (not a video), SHOAL_EFULL, SHOAL_EHELD never.
/// Thread:  [worker]. Blocks: yes. Since: 1.0.
SHOAL_INLINE int shoal_media_submit(struct shoal_call *call, const struct shoal_submission *what,
    json_t **video, struct shoal_err *err)
{
    return shoal_media_submit_sized(call, what, sizeof *what, video, err);
}

struct shoal_rendition;
/// What a transcoder that answered SHOAL_LATER calls for each rendition, maybe after a restart.
///
/// key:       of struct shoal_transcode. rendition: see shoal/svc/transcoder.h; NULL: none this time.
/// state:     SHOAL_LATER: more will come; 0: this was all; negative: it failed, and why says how.
/// Returns:   0, or a negative error upon which it may be handed over again.
/// Errors:    SHOAL_ENOTFOUND (the video is gone or has a newer file: stop), SHOAL_EIO, SHOAL_ECORRUPT.
/// Thread:    [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_rendition_done(struct shoal_call *call, const char *key,
    const struct shoal_rendition *rendition, int state, const char *why, struct shoal_err *err);

/// Where a public URL leads: one file that the catalog knows.
struct shoal_media_file {
    int64_t id;
    int64_t video_id;
    const char *video_uuid;
    const char *kind;     ///< "web_video", "hls_media", "hls_playlist", "hls_master", "hls_sha256",
                          ///< "thumbnail", "preview", "caption", "torrent", "original", "storyboard",
                          ///< "avatar", "banner" (these belong to no video)
    const char *name;     ///< last part of its URL
    const char *mime;
    const char *storage;  ///< plugin that holds it
    const char *key;      ///< what it is called there
    const char *download_name; ///< title-resolution.mp4
    int64_t size_bytes;
    int resolution;
    bool is_private;      ///< private, internal or password: nobody gets it without a token
    bool is_ready;        ///< false while a remux makes it, or it is on its way
    /// A picture, caption or storyboard that is on its way from another server: the word to give to
    /// shoal_request_await(), after which it is looked for again; there are no bytes yet. Else NULL.
    const char *awaited;
};
/// Finds a file by where its URL says it is. kind as above; video: UUID from the URL or NULL.
///
/// Returns: 0 with *file in the call's arena, or SHOAL_ENOTFOUND. Errors: SHOAL_ENOTFOUND, SHOAL_EIO,
///          SHOAL_EUPSTREAM (it lies on another server that does not give it now).
/// Thread:  [worker]. Blocks: yes. Since: 1.0.
SHOAL_INLINE int shoal_media_find(struct shoal_call *call, const char *kind, const char *video,
    const char *name, struct shoal_media_file *file, struct shoal_err *err)
{
    return shoal_media_find_sized(call, kind, video, name, file, sizeof *file, err);
}

/// Asks media.read and makes a signed token for the media of one video: {token, expires}.
/// The viewer must be allowed to watch it. purpose: "play", "download".
SHOAL_API json_t *shoal_media_token(struct shoal_call *call, const char *video,
    const char *password, const char *purpose, struct shoal_err *err);
/// Whether a token is right for this video now. No database.
///
/// Returns: 0 or SHOAL_EFORBIDDEN. Errors: that. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_media_token_check(const char *token, const char *video_uuid);

#endif
