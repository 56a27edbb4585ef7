// backoff.h - when to start a crashed server again, and what to do about who made it crash.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_BACKOFF_H
#define SHOAL_CORE_SUPER_BACKOFF_H
#include <jansson.h>

#include <shoal/error.h>

#define SHOAL_CRASHES_KEPT     32
#define SHOAL_CRASH_WINDOW_MS  (10 * 60 * 1000)
#define SHOAL_CRASH_LIMIT      3
/// What a dying server says of itself, besides the sentences on hanging.
#define SHOAL_CRASH_EXIT   "a plugin ended the server"
#define SHOAL_CRASH_MEMORY "the server uses more memory than memory.max allows"
#define SHOAL_CRASH_SETTLED_MS (60 * 1000) ///< a child that ran so long is not crashing in a row

/// What a dying child said. Empty texts where it said nothing.
struct shoal_crash {
    int64_t at_ms;
    int signal;
    char plugin[64];   ///< whose code it was, "" for the core
    bool is_shipped;   ///< that plugin came with the server (true for the core)
    char request[20];  ///< hash of the request in hand, 16 hex characters, or ""
    char sentence[200];
};
enum shoal_remedy {
    SHOAL_REMEDY_RESTART = 0,
    SHOAL_REMEDY_QUARANTINE = 1, ///< of crash->plugin
    SHOAL_REMEDY_SAFE_MODE = 2,
};
struct shoal_backoff {
    struct shoal_crash list[SHOAL_CRASHES_KEPT]; ///< the newest last
    size_t count;
    int in_a_row;
};

/// Takes in a crash of a child that ran for lived_ms and says what to do.
enum shoal_remedy shoal_backoff_crash(struct shoal_backoff *backoff,
    const struct shoal_crash *crash, int64_t lived_ms);
/// How long to wait before the next start: 100 ms, doubled for each crash in a row, at most 30 s.
int64_t shoal_backoff_delay_ms(const struct shoal_backoff *backoff);
/// Whether this request has crashed the server twice.
bool shoal_backoff_refuses(const struct shoal_backoff *backoff, const char *request);
/// Reads what the crash handler wrote, and lays the blame: the plugin whose module the fault was in,
/// else the innermost plugin of the thread, else the core.
void shoal_crash_read(const char *text, struct shoal_crash *crash);
/// For an upgrade.
json_t *shoal_backoff_dump(const struct shoal_backoff *backoff);
void shoal_backoff_load(struct shoal_backoff *backoff, const json_t *dump);

#endif
