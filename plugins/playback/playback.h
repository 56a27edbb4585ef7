// playback.h - what players say they got from each other and from here: sums, never who said it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef PLAYBACK_H
#define PLAYBACK_H
#include <shoal/plugin.h>

#define PLAYBACK_VIDEOS_MAX    4096 ///< videos with sums in memory at one time
#define PLAYBACK_ADDRESSES_MAX 8192 ///< addresses of one minute that have a budget of their own
#define PLAYBACK_MINUTE_MS     60000
#define PLAYBACK_DAY_MS        INT64_C(86400000)
/// What a gigabit carries in the 15 s between two reports of a player.
#define PLAYBACK_REPORT_BYTES  INT64_C(1875000000)
/// Playlists, hashes and beginnings that are fetched besides the files of a video.
#define PLAYBACK_SLACK_BYTES   INT64_C(1048576)
/// What a report of a video that has to be looked up spends of the budget of its address: names that nobody
/// has are looked up each time.
#define PLAYBACK_LOOK_BYTES    INT64_C(1048576)
#define PLAYBACK_DAYS          30
#define PLAYBACK_DAYS_MAX      366
#define PLAYBACK_TOP           20
#define PLAYBACK_TOP_MAX       100

/// Bytes of one video on one day (days since 1970).
struct playback_sum {
    int64_t video_id, day;
    int64_t peer_bytes, server_bytes;
};

struct playback_memory; // playback_memory.c: everything that is not yet in the database

struct playback {
    struct shoal_plugin *self;
    struct playback_memory *memory;
};

/// What is gathered lives in the arena. Thread: [any] for all of them; one lock, never held for long.
struct playback_memory *playback_memory_new(struct shoal_arena *arena);
/// Adds to the sums of a video and day, and to those of the next count. Returns: false where there is no place for
/// another video.
bool playback_memory_add(struct playback_memory *memory, const struct playback_sum *more);
/// Takes what waits for the database, or what came since the last count; out has room for
/// PLAYBACK_VIDEOS_MAX. Returns: how many.
size_t playback_memory_take(struct playback_memory *memory, struct playback_sum *out);
size_t playback_memory_take_counted(struct playback_memory *memory, struct playback_sum *out);
/// Puts back what could not be stored.
void playback_memory_give_back(struct playback_memory *memory, const struct playback_sum *sum);
/// Spends bytes of an address' budget for this minute. Only a keyed hash of the address is kept, until
/// the minute ends, and the key goes with it. Returns: false where it is spent.
bool playback_memory_spend(struct playback_memory *memory, const char *address, int64_t bytes,
    int64_t budget_bytes, int64_t now_ms);

/// A video as a report sees it, shared for a minute so that a report needs no query.
struct playback_known {
    int64_t id; ///< 0: there is none for the public
    int64_t size_bytes; ///< of all its files; 0: none yet, or it is live
};
bool playback_memory_known(struct playback_memory *memory, const char *video, int64_t now_ms,
    struct playback_known *out);
void playback_memory_know(struct playback_memory *memory, const char *video, int64_t now_ms,
    const struct playback_known *what);
/// Once true, reports are written before they are answered: nobody comes to write them later.
void playback_memory_stopping(struct playback_memory *memory);
bool playback_memory_is_stopping(const struct playback_memory *memory);

/// A report of a player: what happened since its last one.
struct playback_report {
    char video[40]; ///< id, UUID or short UUID
    bool has_peers; ///< p2pEnabled
    int64_t peer_bytes, server_bytes, uploaded_bytes;
};
/// Reads a report with the names and bounds of PeerTube.
/// Returns: 0, or SHOAL_EINVAL with the field.
int playback_report_read(const json_t *body, struct playback_report *report, struct shoal_err *err);
/// Whether a video of this size allows what a report says. Returns: 0, or SHOAL_EINVAL with the field.
int playback_report_check(const struct playback_report *report, const struct playback_known *video,
    struct shoal_err *err);
shoal_handler_fn playback_report_post;

/// Writes everything that waits. Thread: [worker].
int playback_flush(struct shoal_call *call, void *arg, struct shoal_err *err);

/// How many are connected for a video now, as the tracker says; 0 where there is none that knows.
/// Thread: [worker].
int64_t playback_viewers(struct shoal_call *call, int64_t video_id);

shoal_handler_fn playback_show_get;
/// The days as bars of a picture: a new reference. days: [{peerBytes, serverBytes}].
json_t *playback_show_chart(const json_t *days);
/// Share of the peers in percent, rounded down; -1 where nothing was sent.
int playback_show_percent(int64_t peer_bytes, int64_t server_bytes);

void playback_metrics_add(struct shoal_plugin *self);
void playback_metrics_took(const struct playback_report *report);
void playback_metrics_refused(void);
void playback_metrics_peers(int64_t peers);

#endif
