// follow.h - keeps what a plugin has of each video of this instance in line with what the video is.
//
// A job for each video does it when something is told of the video. A walk through all videos finds what
// nobody told: videos from before the plugin, another URL of the site, a missed tell. The plugin's manifest
// names video.files, video.changed, video.published, video.hidden, video.deleted and video.state.
// SPDX-License-Identifier: MIT
#ifndef FOLLOW_H
#define FOLLOW_H
#include <shoal/db.h>
#include <shoal/plugin.h>

#define FOLLOW_PAGE 200 ///< videos that one statement finds

/// Lives as long as the plugin.
struct follow {
    struct shoal_plugin *self;
    void *arg;
    /// [worker] Looks at one video, which may be gone. is_late: found by the walk, so that jobs which this
    /// leaves come behind those of what was uploaded just now. It may be called again: a job that failed is
    /// tried again, and one video that fails keeps the walk from no other.
    int (*video)(struct shoal_call *call, const char *uuid, int64_t video_id, bool is_late, void *arg,
        struct shoal_err *err);
    /// [worker] What all videos depend on, as a text of the call's arena.
    const char *(*base)(struct shoal_call *call, void *arg);
    /// Of ($1 a video's number, $2 the base): number and UUID of the next FOLLOW_PAGE videos behind that
    /// one, in order of numbers, which the plugin's rows do not describe as they are; gone ones too.
    const struct shoal_sql *stale;
    const struct shoal_sql *walked; ///< the base and the time of the last walk: one row, or none
    const struct shoal_sql *walk;   ///< of ($1 base, $2 time): notes them
};

/// Registers the jobs "index" and "walk", the timer "look" and the hooks.
int follow_start(struct follow *follow, struct shoal_err *err);
/// Leaves the job for one video. Thread: [worker], outside of transactions.
int follow_add(struct shoal_call *call, const struct follow *follow, const char *uuid,
    int64_t video_id, struct shoal_err *err);

#endif
