// super.h - the supervisor: holds sockets, restarts the server, runs media processes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_SUPER_H
#define SHOAL_CORE_SUPER_SUPER_H
#include <shoal/error.h>
#include <shoal/process.h>

#include "host/config.h"
#include "net/server.h"

/// Runs the supervisor in this process until it is stopped; returns the exit code. argv is what the
/// child and an upgrade exec.
int shoal_super_run(const char *folder, int argc, char **argv);

/// What the child of a supervisor was given.
struct shoal_super_child {
    struct shoal_listen_fd *listens;
    size_t listen_count;
    int control_fd;       ///< to the supervisor
    int generation;       ///< 1, 2, … with each child
    bool is_safe_mode;
};
/// In the child: reads what the supervisor handed over. SHOAL_ENOTFOUND: there is no supervisor.
int shoal_super_child_read(struct shoal_super_child *child, struct shoal_err *err);
/// Tells the supervisor that the child serves; then calls back when it must drain and end.
int shoal_super_child_ready(struct shoal_super_child *child, void (*stop)(const char *reason, void *user),
    void *user, struct shoal_err *err);
/// Without a supervisor (tests, commands): processes are started by this process itself.
int shoal_super_local(struct shoal_err *err);

#endif
