// lock.c - one server a folder.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "super/drop.h"

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
    return holder;
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
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        pid_t holder = holder_read(*fd);
        close(*fd);
        *fd = -1;
        return shoal_fail(err, SHOAL_EBUSY, "another server (process %d) works on %s already",
            (int)holder, folder);
    }
    char text[24];
    int length = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, text, (size_t)length, 0) != length) {
        return shoal_file_fail(err, errno, "write", path);
    }
    return 0;
}
