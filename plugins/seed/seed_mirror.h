// seed_mirror.h - the mirror's side: what it knows, and what its parts do with it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SEED_MIRROR_H
#define SEED_MIRROR_H
#include <pthread.h>
#include <stdatomic.h>

#include "seed.h"

struct seed_file {
    char name[SEED_NAME_MAX + 1];
    enum seed_kind kind;
    int64_t size_bytes; ///< of a media file; -1 of others
    bool is_here;       ///< whole, and as it should be
};
struct seed_video {
    char uuid[37];
    char title[121];
    int64_t views, published_ms;
    int64_t size_bytes; ///< of its media files
    struct seed_file files[SEED_FILES_MAX];
    size_t file_count;
    bool is_chosen;        ///< it fits
    bool is_busy;          ///< a job works on it
    bool is_doubtful;      ///< the origin found a fault: every byte is looked at again
    int64_t retry_tick_ms; ///< after a failure: not before
    int failures;
};

/// Bytes a second; who wants some waits for its turn.
struct seed_bucket {
    int64_t rate;         ///< 0: no limit
    int64_t free_tick_ms; ///< when what was taken so far has been paid for
};

struct seed_mirror {
    struct shoal_plugin *self;
    struct seed_page page;
    const char *base;   ///< where viewers find it: "https://mirror.example.org/hls"
    const char *folder; ///< of the instance: FOLDER/UUID/FILE
    char token_sha256[65]; ///< what the origin knows of the token, and nobody else
    pthread_mutex_t lock; ///< for all below
    struct seed_video *videos;
    size_t count;
    struct seed_bucket sending, fetching;
    int64_t next_tick_ms; ///< of the next beat
    atomic_bool is_registered, is_leaving, is_over;
    char said[700];  ///< the last state that was told on the terminal
    char fault[512]; ///< the last fault that the origin found
};

/// Asks the origin's API with the token. body: JSON or NULL for GET. *answer: a new reference or
/// NULL. Errors: SHOAL_EAUTH (token), SHOAL_ENOTFOUND, SHOAL_ECONFLICT, where the origin's plugin
/// says so itself; SHOAL_EINVAL, SHOAL_EUPSTREAM; each with the origin's sentence.
int seed_ask(struct shoal_call *call, const struct seed_mirror *mirror, const char *path,
    const json_t *body, uint32_t timeout_ms, json_t **answer, struct shoal_err *err);
/// What the origin has for us, all pages: videos is calloc'd. A video that is not as it should be
/// is left out with a warning.
int seed_list_fetch(struct shoal_call *call, const struct seed_mirror *mirror,
    struct seed_video **videos, size_t *count, struct shoal_err *err);
/// Reads one video of the origin's list. SHOAL_EUNREADABLE says what is wrong with it.
int seed_video_read(const json_t *row, struct seed_video *video, struct shoal_err *err);
/// Chooses what fits into max_bytes, by time or by views.
void seed_videos_choose(struct seed_video *videos, size_t count, int64_t max_bytes, bool by_views);
/// What the playlists and the list of hashes of a video may take, all together.
int64_t seed_texts_most(const struct seed_video *video);

/// One round: list, choose, remove, fetch, register, say so.
int seed_beat(struct shoal_call *call, void *arg, struct shoal_err *err);
/// A job: makes one video whole.
int seed_copy_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err);
/// Removes the folders of videos that are not chosen, and files that a chosen one has no more.
void seed_folder_tidy(struct seed_mirror *mirror);
int seed_serve_start(struct seed_mirror *mirror, struct shoal_err *err);

/// The video of that id, under the lock; or NULL.
struct seed_video *seed_video_find(struct seed_mirror *mirror, const char *uuid);
struct seed_file *seed_file_find(struct seed_video *video, const char *name);
/// Waits until `bytes` may pass. SHOAL_ECANCELLED.
int seed_bucket_take(
    struct shoal_call *call, struct seed_mirror *mirror, struct seed_bucket *bucket, size_t bytes);

#endif
