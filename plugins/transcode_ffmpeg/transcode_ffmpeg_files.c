// transcode_ffmpeg_files.c - work folders, and small files read whole.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "transcode_ffmpeg.h"

#define LEFT_BYTES ((uint64_t)1 << 20) // less of it is nothing, for what is made here

static int fail_errno(struct shoal_err *err, int error_number, const char *what)
{
    int code = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG
                   ? SHOAL_EFULL
               : error_number == ENOENT ? SHOAL_ENOTFOUND
                                        : SHOAL_EIO;
    const char *text = strerrordesc_np(error_number);
    return shoal_fail(err, code, "transcode_ffmpeg: %s: %s", what, text != NULL ? text : "failed");
}

int transcode_folder_make(const char *path, struct shoal_err *err)
{
    if (mkdir(path, 0750) != 0 && errno != EEXIST) {
        return fail_errno(err, errno, "cannot make a work folder");
    }
    return 0;
}

void transcode_folder_remove(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            unlinkat(fd, entry->d_name, 0);
        }
    }
    closedir(folder);
    rmdir(path);
}

int transcode_blame(const char *work_path, int code, struct shoal_err *err)
{
    struct statvfs disk;
    if ((code != SHOAL_EUNREADABLE && code != SHOAL_ENOTFOUND) || statvfs(work_path, &disk) != 0 ||
        ((uint64_t)disk.f_bavail * disk.f_frsize >= LEFT_BYTES &&
            (disk.f_files == 0 || disk.f_favail > 0))) {
        return code;
    }
    return shoal_fail(err, SHOAL_EFULL, "The disk is full");
}

void *transcode_large(struct shoal_arena *arena, size_t bytes, struct shoal_err *err)
{
    void *memory = shoal_arena_try(arena, bytes);
    if (memory == NULL) {
        shoal_fail(err, SHOAL_EBUSY, "There is no memory for a file of %zu bytes", bytes);
    }
    return memory;
}

static int read_fully(int fd, off_t offset, char *out, size_t length, size_t *done)
{
    *done = 0;
    while (*done < length) {
        ssize_t n = pread(fd, out + *done, length - *done, offset + (off_t)*done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        *done += (size_t)n;
    }
    return 0;
}

int transcode_file_read(struct shoal_arena *arena, const char *path, size_t limit, char **text,
    size_t *length, struct shoal_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return fail_errno(err, errno, "cannot read a result");
    }
    struct stat st;
    int rc = fstat(fd, &st) == 0 ? 0 : fail_errno(err, errno, "cannot read a result");
    if (rc == 0 && (uint64_t)st.st_size > limit) {
        rc = shoal_fail(err, SHOAL_ETOOLARGE, "transcode_ffmpeg: a result is too large");
    }
    if (rc == 0) {
        *text = transcode_large(arena, (size_t)st.st_size + 1, err);
        if (*text == NULL) {
            rc = SHOAL_EBUSY;
        } else if (read_fully(fd, 0, *text, (size_t)st.st_size, length) != 0) {
            rc = fail_errno(err, errno, "cannot read a result");
        }
    }
    close(fd);
    return rc;
}

const char *transcode_file_tail(struct shoal_arena *arena, const char *path, size_t bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return "";
    }
    off_t at = st.st_size > (off_t)bytes ? st.st_size - (off_t)bytes : 0;
    char *text = shoal_arena_alloc(arena, bytes + 1);
    size_t done = 0;
    if (read_fully(fd, at, text, bytes, &done) != 0) {
        done = 0;
    }
    text[done] = '\0';
    close(fd);
    return text;
}

int64_t transcode_file_size(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

int transcode_file_sync(const char *path, struct shoal_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int rc = fd < 0 || fsync(fd) != 0 ? fail_errno(err, errno, "cannot sync a result") : 0;
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

int transcode_file_write(const char *path, const void *data, size_t length, struct shoal_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return fail_errno(err, errno, "cannot write a result");
    }
    const char *bytes = data;
    int rc = 0;
    while (length > 0 && rc == 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno != EINTR) {
            rc = fail_errno(err, errno, "cannot write a result");
        }
        bytes += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
    if (close(fd) != 0 && rc == 0) {
        rc = fail_errno(err, errno, "cannot write a result");
    }
    return rc;
}

static int copy(int from, int to, struct shoal_err *err)
{
    char buffer[64 * 1024];
    for (;;) {
        ssize_t n = read(from, buffer, sizeof(buffer));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? 0 : fail_errno(err, errno, "cannot move a result");
        }
        for (ssize_t done = 0; done < n;) {
            ssize_t m = write(to, buffer + done, (size_t)(n - done));
            if (m < 0 && errno != EINTR) {
                return fail_errno(err, errno, "cannot move a result");
            }
            done += m > 0 ? m : 0;
        }
    }
}

int transcode_file_move(const char *from, const char *to, struct shoal_err *err)
{
    if (rename(from, to) == 0) {
        return 0;
    }
    if (errno != EXDEV) {
        return fail_errno(err, errno, "cannot move a result");
    }
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0) {
        return fail_errno(err, errno, "cannot move a result");
    }
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    int rc = out < 0 ? fail_errno(err, errno, "cannot move a result") : copy(in, out, err);
    close(in);
    if (out >= 0 && close(out) != 0 && rc == 0) {
        rc = fail_errno(err, errno, "cannot move a result");
    }
    unlink(rc == 0 ? from : to);
    return rc;
}
