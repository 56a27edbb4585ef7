// remote_draft.h - a video of another server as its draft says, checked and cleaned.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_REMOTE_DRAFT_H
#define SHOAL_CORE_CATALOG_REMOTE_DRAFT_H
#include "catalog/remote_priv.h"

#define REMOTE_TAGS_MAX  5
#define REMOTE_FILES_MAX 64

struct remote_file {
    const char *kind, *url, *playlist_url, *mime, *metadata_url, *torrent_url, *magnet;
    int resolution, width, height, fps;
    int64_t size_bytes;
    bool has_video, has_audio;
};

struct remote_draft {
    const json_t *json;
    struct shoal_actor channel;
    const char *host, *url, *uuid, *name, *description, *support, *language, *nsfw_summary;
    const char *plugin_data, *trackers, *infohashes, *starts; // JSON as text
    const char *playlist_url, *sha256_url;                    // playlist_url NULL: no playlist
    int64_t category, licence;                                // -1: none
    int64_t privacy, state, nsfw_flags, duration_s, aspect_e4, comments_policy, latency;
    int64_t views, likes, dislikes; // -1: as they are
    int64_t published_ms, updated_ms, originally_ms, input_updated_ms, dvr_s;
    bool is_live, is_permanent, saves_replay, is_nsfw, is_downloadable, is_embeddable, waits;
    const char *tags[REMOTE_TAGS_MAX];
    size_t tag_count;
    struct remote_file files[REMOTE_FILES_MAX];
    size_t file_count;
    struct catalog_remote_picture pictures[4];
    size_t picture_count;
};

/// Reads a draft (see shoal/remote.h); what is not needed and makes no sense is left out.
/// Errors: SHOAL_EINVAL with the field, SHOAL_EFORBIDDEN where url and channel are not of one host.
int catalog_remote_draft_read(
    struct shoal_call *call, const json_t *json, struct remote_draft *out, struct shoal_err *err);

/// Captions, chapters and the storyboard of a video that was put just now, in its transaction.
int catalog_remote_parts_write(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const struct remote_draft *draft, struct shoal_err *err);
/// Files, playlist and pictures. has_changed: set where pages show something else now.
int catalog_remote_files_write(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const struct remote_draft *draft, bool *has_changed, struct shoal_err *err);

#endif
