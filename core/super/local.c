// local.c - processes without a supervisor: a helper of this process keeps the table.
//
// The helper is a forked copy that does nothing but serve the control channel; it ends, with all
// that it started, when this process does.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/base.h>

#include "super/channel.h"
#include "super/media.h"
#include "super/super.h"

static void reap(struct shoal_media_table *table)
{
    int status;
    struct rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        shoal_media_ended(table, pid, status, &usage);
    }
}

/// Returns false when the other side is gone.
static bool serve_one(struct shoal_media_table *table, int fd)
{
    struct shoal_message message;
    int code = shoal_message_recv(fd, false, &message, NULL);
    if (code == 0) {
        shoal_media_serve(table, fd, &message);
        shoal_message_fini(&message);
    }
    return code == 0 || code == SHOAL_EBUSY || code == SHOAL_EINVAL;
}

_Noreturn static void helper(int fd)
{
    struct shoal_media_table table;
    shoal_media_table_init(&table);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_SETMASK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    bool is_open = signals >= 0;
    while (is_open) {
        struct pollfd fds[2 + SHOAL_MEDIA_RUNNING_MAX] = {
            {.fd = fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        size_t count = 2 + shoal_media_poll(&table, fds + 2, SHOAL_MEDIA_RUNNING_MAX);
        if (poll(fds, (nfds_t)count, shoal_media_tick(&table)) < 0 && errno != EINTR) {
            break;
        }
        struct signalfd_siginfo info;
        while (read(signals, &info, sizeof info) > 0) {
        }
        for (size_t i = 2; i < count; i++) {
            if (fds[i].revents != 0) {
                shoal_media_read(&table, fds[i].fd);
            }
        }
        reap(&table);
        if (fds[0].revents != 0) {
            is_open = serve_one(&table, fd);
        }
    }
    shoal_media_table_fini(&table);
    _exit(0);
}

int shoal_super_local(struct shoal_err *err)
{
    if (shoal_channel_runs()) {
        return 0;
    }
    int ends[2];
    int code = shoal_message_pair(ends, err);
    if (code != 0) {
        return code;
    }
    pid_t pid = fork();
    if (pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return shoal_fail(err, SHOAL_EBUSY, "no process to start others from: %s",
            strerror(errno));
    }
    if (pid == 0) {
        // Only the channel and the standard streams stay: nobody waits for a pipe that we hold.
        int fd = dup2(ends[1], 3);
        syscall(SYS_close_range, 4u, ~0u, 0u);
        helper(fd);
    }
    close(ends[1]);
    return shoal_channel_start(ends[0], NULL, NULL, err);
}
