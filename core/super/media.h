// media.h - the table of media processes: who runs, how it ended, who waits for it.
//
// The supervisor keeps one, and so does the helper of a process without supervisor. One thread.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_MEDIA_H
#define SHOAL_CORE_SUPER_MEDIA_H
#include <poll.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <jansson.h>

#include <shoal/process.h>

#include "super/protocol.h"

#define SHOAL_MEDIA_RUNNING_MAX 64
#define SHOAL_MEDIA_KEPT_MAX    1024
#define SHOAL_MEDIA_LEASE_MS    (10 * 60 * 1000) ///< a running process that nobody asks for ends then
#define SHOAL_MEDIA_ERRORS_MAX  (64 * 1024)

/// Somebody who waits for an end: an unanswered message of a channel.
struct shoal_waiter {
    int channel_fd;
    json_int_t id;
    struct shoal_waiter *next;
};

struct shoal_media {
    char key[256];
    pid_t pid;             ///< 0 once it has ended
    int channel_fd;        ///< it ends with this channel (it has pipes of that child); -1: it survives
    int64_t kill_at_ms;    ///< shoal_tick_ms(); SIGKILL then; 0: not asked to end
    int64_t wall_at_ms;
    int64_t touched_ms;
    int errors_pipe, errors_file; ///< stderr on its way; -1
    int64_t errors_bytes;
    struct shoal_process_state state;
    struct shoal_waiter *waiters;
};

struct shoal_media_table {
    struct shoal_media **list;
    size_t count, capacity;
};

void shoal_media_table_init(struct shoal_media_table *table);
/// Kills what runs and forgets everything.
void shoal_media_table_fini(struct shoal_media_table *table);
/// Answers one message ("start", "wait", "unwait", "kill", "forget") of a channel.
/// Returns false when the message is about something else.
bool shoal_media_serve(struct shoal_media_table *table, int channel_fd,
    struct shoal_message *message);
/// Takes in that a process ended; false: not one of ours.
bool shoal_media_ended(struct shoal_media_table *table, pid_t pid, int status,
    const struct rusage *usage);
/// A channel is gone: its waiters go, and the processes whose pipes it held.
void shoal_media_channel_gone(struct shoal_media_table *table, int channel_fd);
/// Kills what is over its time; returns ms until it wants to be called again (-1: no need).
int shoal_media_tick(struct shoal_media_table *table);
/// Fills in the stderr pipes to poll, and reads them.
size_t shoal_media_poll(const struct shoal_media_table *table, struct pollfd *out, size_t room);
void shoal_media_read(struct shoal_media_table *table, int pipe_fd);
/// For an upgrade: what the next program needs to know, and back. Descriptors keep their numbers.
json_t *shoal_media_dump(const struct shoal_media_table *table);
void shoal_media_load(struct shoal_media_table *table, const json_t *dump);

// Parts.
int shoal_media_spawn(struct shoal_media *media, struct shoal_message *message,
    struct shoal_err *err);
void shoal_media_errors_read(struct shoal_media *media);
void shoal_media_errors_close(struct shoal_media *media);
json_t *shoal_process_state_json(const struct shoal_process_state *state);
void shoal_process_state_read(const json_t *value, struct shoal_process_state *state);

#endif
