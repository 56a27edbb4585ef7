// lock.c - one server a folder: the lock is the supervisor's, and its children hold it with it.
//
// So it is free when all of them are gone: a supervisor that was killed leaves a child behind for a
// moment, with the ports and the database still in its hands.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/file.h"
#include "super/drop.h"

#define WAIT_MS 20000
#define STEP_MS 50

static int lock_path(const char *folder, char path[PATH_MAX])
{
    int length = snprintf(path, PATH_MAX, "%s/run/lock", folder);
    return length > 0 && length < PATH_MAX ? 0 : SHOAL_EINVAL;
}

static pid_t holder_read(int fd)
{
    char text[24] = {0};
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    return got > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

/// Whether a process is gone, or dead and waits for its parent to notice.
static bool is_ended(pid_t pid)
{
    char path[40];
    struct shoal_buf text = {0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int code = shoal_file_read_whole(path, 4096, &text, NULL);
    const char *state = code == 0 ? strrchr(text.data, ')') : NULL;
    bool is_dead = state != NULL && (state[2] == 'Z' || state[2] == 'X');
    shoal_buf_fini(&text);
    return is_dead || (code != 0 && kill(pid, 0) != 0 && errno == ESRCH);
}

/// Takes the lock of an open file. Held by a supervisor that is gone, it is waited for: what that one
/// started is ending. Returns: 0, or -1 with the holder.
static int take(int fd, const char *folder, pid_t *holder)
{
    for (int64_t until_ms = 0;;) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            return 0;
        }
        *holder = holder_read(fd);
        if (*holder <= 0 || !is_ended(*holder)) {
            return -1;
        }
        if (until_ms == 0) {
            until_ms = shoal_tick_ms() + WAIT_MS;
            shoal_warn("the supervisor of before (process %d) was killed and its server is still "
                       "ending: waiting until %s is free", (int)*holder, folder);
        }
        if (shoal_tick_ms() >= until_ms) {
            return -1;
        }
        usleep(STEP_MS * 1000);
    }
}

pid_t shoal_lock_holder(const char *folder)
{
    char path[PATH_MAX];
    int fd = lock_path(folder, path) == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return 0;
    }
    pid_t holder = 0;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        holder = holder_read(fd);
    }
    close(fd);
    return holder > 0 && !is_ended(holder) ? holder : 0;
}

int shoal_lock_take(const char *folder, int *fd, struct shoal_err *err)
{
    char path[PATH_MAX], run[PATH_MAX];
    if (lock_path(folder, path) != 0) {
        return shoal_fail(err, SHOAL_EINVAL, "the path of the instance is too long");
    }
    snprintf(run, sizeof run, "%.*s", (int)(strlen(path) - strlen("/lock")), path);
    int code = shoal_folder_make(run, 0750, err);
    if (code != 0) {
        return code;
    }
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (*fd < 0) {
        return shoal_file_fail(err, errno, "open", path);
    }
    pid_t holder = 0;
    if (take(*fd, folder, &holder) != 0) {
        close(*fd);
        *fd = -1;
        return holder > 0 && is_ended(holder)
                   ? shoal_fail(err, SHOAL_EBUSY,
                         "the server that process %d left behind does not end: look for a process "
                         "of shoal that works on %s, and end it", (int)holder, folder)
                   : shoal_fail(err, SHOAL_EBUSY,
                         "another server (process %d) works on %s already", (int)holder, folder);
    }
    // As long as any other: on a full disk there is room for what stood there before.
    char text[24];
    int length = snprintf(text, sizeof text, "%-11d\n", (int)getpid());
    if (pwrite(*fd, text, (size_t)length, 0) != length && errno != ENOSPC && errno != EDQUOT) {
        return shoal_file_fail(err, errno, "write", path);
    }
    shoal_folder_tidy(run);
    return 0;
}
