// super.h - the supervisor: holds sockets, restarts the server, runs media processes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_SUPER_H
#define SHOAL_CORE_SUPER_SUPER_H
#include <jansson.h>

#include <shoal/error.h>
#include <shoal/process.h>

#include "host/config.h"
#include "net/server.h"

/// Runs the supervisor in this process until it is stopped; returns the exit code. argv is what the
/// child and an upgrade exec.
int shoal_super_run(const char *folder, int argc, char **argv);

#define SHOAL_OVERRIDES_MAX 256
/// The overrides of a command line, as shoal_config_read() takes them: "--set A=B", "--set=A=B" and
/// "--listen ADDRESS" (which becomes "listen=ADDRESS"). The texts live as long as the process.
/// Returns: how many.
size_t shoal_super_overrides(int argc, char **argv, const char *out[SHOAL_OVERRIDES_MAX]);

/// What the child of a supervisor was given.
struct shoal_super_child {
    struct shoal_listen_fd *listens;
    size_t listen_count;
    int control_fd;       ///< to the supervisor
    int generation;       ///< 1, 2, … with each child
    bool is_safe_mode;
    int loops;            ///< how many loops the sockets are meant for
    int crash_fd;         ///< the crash handler writes here
    json_t *quarantine;   ///< {plugin: sentence}: made the server crash, to be left out
    json_t *refuse;       ///< [hash]: requests that made it crash twice
};
/// In the child: reads what the supervisor handed over. SHOAL_ENOTFOUND: there is no supervisor.
int shoal_super_child_read(struct shoal_super_child *child, struct shoal_err *err);
/// The server listens with descriptors of its own: lets those go that were handed over.
void shoal_super_child_listens(struct shoal_super_child *child);
/// Tells the supervisor that the child serves; then calls back when it must drain and end.
int shoal_super_child_ready(struct shoal_super_child *child, void (*stop)(const char *reason, void *user),
    void *user, struct shoal_err *err);
/// Tells the supervisor why this child cannot serve; it keeps the old one or ends.
void shoal_super_child_failed(const struct shoal_err *err);
/// [any] Tells the supervisor that streams of this child outlive the reload, for so long at most.
void shoal_super_child_stays(int64_t stay_ms);
/// Waits until no older child writes any more: before a migration. At once when there is none.
int shoal_super_child_alone(struct shoal_err *err);
/// Ends the control channel of the child, as its last act.
void shoal_super_child_close(struct shoal_super_child *child);
/// A socket that the supervisor opened (or had opened for an earlier child) and keeps; kind is an
/// enum shoal_listener_kind. The descriptor is the caller's copy. Without a supervisor:
/// SHOAL_EUNSUPPORTED.
int shoal_super_listen(int kind, const char *address, int *fd, struct shoal_err *err);
/// Tells the supervisor that this child asked for all of those: it closes the ones that only earlier
/// children asked for, once they are gone.
void shoal_super_child_asked(void);
/// Orders a running supervisor: 'r' reload, 'u' upgrade, 's' stop. SHOAL_ENOTFOUND: none runs.
int shoal_super_order(const char *folder, char what, struct shoal_err *err);

/// Hash of a request, as crash reports and refusals name it: 16 hex characters.
void shoal_crash_request_hash(const char *method, const char *path, const char *query,
    char out[20]);
/// Installs the crash handler of a child (not in sanitizer builds, which have their own), and learns
/// again which modules are loaded, after plugins were.
void shoal_crash_install(int fd);
void shoal_crash_modules(void);
/// Watches loops and workers; ends the process, naming the plugin, when one hangs.
int shoal_watchdog_start(int loops, struct shoal_err *err);
void shoal_watchdog_stop(void);

/// Without a supervisor (tests, commands): processes are started by this process itself.
int shoal_super_local(struct shoal_err *err);

#endif
