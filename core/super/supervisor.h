// supervisor.h - the state of the supervisor, for the files that make it up.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_SUPERVISOR_H
#define SHOAL_CORE_SUPER_SUPERVISOR_H
#include <limits.h>
#include <sys/types.h>

#include "super/backoff.h"
#include "super/media.h"
#include "super/sockets.h"

#define SHOAL_CHILDREN_MAX 5 ///< two generations, one that is being tried, and those where streams stay
#define SHOAL_STAYING_MAX  2

enum shoal_child_state {
    SHOAL_CHILD_STARTING = 0,
    SHOAL_CHILD_READY = 1,
    SHOAL_CHILD_DRAINING = 2,
};
struct shoal_child {
    pid_t pid;
    int channel_fd, crash_fd;
    int generation;
    enum shoal_child_state state;
    int64_t started_ms;
    int64_t kill_at_ms;      ///< 0: not asked to end
    char unsaid[16];         ///< why it is to stop, while its channel is full
    json_int_t alone_id;     ///< it waits to be the only one; 0: it does not
    bool has_failed;         ///< said why it cannot serve
    bool has_asked;          ///< for all sockets of its plugins
    bool stays;              ///< it drains, and a stream of it lives on
    int failed_code;
    char sentence[512];
    char crash[4096];        ///< what its crash handler wrote
    size_t crash_bytes;
};

struct shoal_supervisor {
    char folder[PATH_MAX];
    char program[PATH_MAX];  ///< what an upgrade execs
    int argc;
    char **argv;
    int lock_fd, signal_fd;
    int loops;
    int stop_grace_ms;
    struct shoal_sockets sockets;
    struct shoal_media_table media;
    struct shoal_child children[SHOAL_CHILDREN_MAX];
    size_t child_count;
    int generation;          ///< of the newest child
    struct shoal_backoff backoff;
    json_t *quarantine;      ///< {plugin: sentence}
    bool is_safe_mode;
    bool has_served;         ///< a child was ready once
    bool is_stopping, is_over;
    bool wants_reload;       ///< asked for while a child was starting
    int64_t restart_at_ms;   ///< 0: no restart is due
    int64_t status_at_ms;    ///< when run/serve.json is to be written again; 0: it is right
    int exit_code;
};

/// Reads the configuration: sockets, loops, grace. The sockets that it no longer lists stay until
/// shoal_sockets_prune().
int shoal_supervisor_configure(struct shoal_supervisor *super, struct shoal_err *err);
/// Starts a child of the next generation.
int shoal_child_start(struct shoal_supervisor *super, struct shoal_err *err);
/// What a child says, and that it ended.
void shoal_child_heard(struct shoal_supervisor *super, struct shoal_child *child);
void shoal_child_ended(struct shoal_supervisor *super, struct shoal_child *child, int status);
void shoal_child_crash_read(struct shoal_child *child);
void shoal_child_stop(struct shoal_supervisor *super, struct shoal_child *child,
    const char *reason);
/// Says the stop that found no room in the channel.
void shoal_child_remind(struct shoal_child *child);
struct shoal_child *shoal_child_find(struct shoal_supervisor *super, pid_t pid);
/// run/serve.json: what runs, for `doctor` and scripts.
void shoal_supervisor_status(struct shoal_supervisor *super);
/// Replaces this program by the one on disk; comes back only when that fails.
void shoal_supervisor_upgrade(struct shoal_supervisor *super);
/// After an upgrade: takes over. false: this is a fresh start.
bool shoal_supervisor_resume(struct shoal_supervisor *super);
/// Tells systemd, if it asked to be told.
void shoal_supervisor_notify(const char *text);

#endif
