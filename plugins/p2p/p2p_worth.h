// p2p_worth.h - what players say they got from each other and from here: sums, never who said it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_WORTH_H
#define P2P_WORTH_H
#include "p2p.h"

#define P2P_WORTH_VIDEOS_MAX    4096 ///< videos with sums in memory at one time
#define P2P_WORTH_ADDRESSES_MAX 8192 ///< addresses of one minute that have a budget of their own
#define P2P_WORTH_MINUTE_MS     60000
#define P2P_WORTH_DAY_MS        INT64_C(86400000)
/// What a gigabit carries in the 15 s between two reports of a player.
#define P2P_WORTH_REPORT_BYTES  INT64_C(1875000000)
/// Playlists, hashes and beginnings that are fetched besides the files of a video.
#define P2P_WORTH_SLACK_BYTES   INT64_C(1048576)
#define P2P_WORTH_DAYS          30
#define P2P_WORTH_DAYS_MAX      366
#define P2P_WORTH_TOP           20
#define P2P_WORTH_TOP_MAX       100

/// Bytes of one video on one day (days since 1970).
struct p2p_sum {
    int64_t video_id, day;
    int64_t peer_bytes, server_bytes;
};

struct p2p_memory; // p2p_worth_memory.c: everything that is not yet in the database

struct p2p_worth {
    struct p2p *p2p;
    struct p2p_memory *memory;
};

/// What is gathered lives in the arena. Thread: [any] for all of them; one lock, never held for long.
struct p2p_memory *p2p_memory_new(struct shoal_arena *arena);
/// Adds to the sums of a video and day, and of the minute. Returns: false where there is no place for
/// another video.
bool p2p_memory_add(struct p2p_memory *memory, const struct p2p_sum *more);
/// Takes what waits for the database, or what came in the minute; out has room for
/// P2P_WORTH_VIDEOS_MAX. Returns: how many.
size_t p2p_memory_take(struct p2p_memory *memory, struct p2p_sum *out);
size_t p2p_memory_take_minute(struct p2p_memory *memory, struct p2p_sum *out);
/// Puts back what could not be stored.
void p2p_memory_give_back(struct p2p_memory *memory, const struct p2p_sum *sum);
/// Spends bytes of an address' budget for this minute. Only a keyed hash of the address is kept, until
/// the minute ends, and the key goes with it. Returns: false where it is spent.
bool p2p_memory_spend(struct p2p_memory *memory, const char *address, int64_t bytes,
    int64_t budget_bytes, int64_t now_ms);

/// A video as a report sees it, shared for a minute so that a report needs no query.
struct p2p_known {
    int64_t id; ///< 0: there is none for the public
    int64_t size_bytes; ///< of all its files; 0: none yet, or it is live
};
bool p2p_memory_known(struct p2p_memory *memory, const char *video, int64_t now_ms,
    struct p2p_known *out);
void p2p_memory_know(struct p2p_memory *memory, const char *video, int64_t now_ms,
    const struct p2p_known *what);
/// Once true, reports are written before they are answered: nobody comes to write them later.
void p2p_memory_stopping(struct p2p_memory *memory);
bool p2p_memory_is_stopping(const struct p2p_memory *memory);

/// A report of a player: what happened since its last one.
struct p2p_report {
    char video[40]; ///< id, UUID or short UUID
    bool has_peers; ///< p2pEnabled
    int64_t peer_bytes, server_bytes, uploaded_bytes;
};
/// Reads a report with the names and bounds of PeerTube.
/// Returns: 0, or SHOAL_EINVAL with the field.
int p2p_report_read(const json_t *body, struct p2p_report *report, struct shoal_err *err);
/// Whether a video of this size allows what a report says. Returns: 0, or SHOAL_EINVAL with the field.
int p2p_report_check(const struct p2p_report *report, const struct p2p_known *video,
    struct shoal_err *err);
shoal_handler_fn p2p_report_post;

/// Writes everything that waits. Thread: [worker].
int p2p_worth_flush(struct shoal_call *call, void *arg, struct shoal_err *err);

shoal_handler_fn p2p_worth_get;
/// Fills the theme's menus.
shoal_slot_fn p2p_worth_menu;
/// The days as bars of a picture: a new reference. days: [{peerBytes, serverBytes}].
json_t *p2p_worth_chart(const json_t *days);
/// Share of the peers in percent, rounded down; -1 where nothing was sent.
int p2p_worth_percent(int64_t peer_bytes, int64_t server_bytes);

void p2p_worth_metrics_add(struct shoal_plugin *self);
void p2p_worth_metrics_took(const struct p2p_report *report);
void p2p_worth_metrics_refused(void);
void p2p_worth_metrics_peers(int64_t peers);

#endif
