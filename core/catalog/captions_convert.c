// captions_convert.c - a caption file as it is kept: WebVTT in UTF-8, whatever its lines ended with.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/captions_priv.h"

#include "base/file.h"

#define FLUSH_BYTES 32768

struct target {
    const char *path;
    int fd;
    struct shoal_buf out;
};

static int target_flush(void *user, struct shoal_err *err)
{
    struct target *target = user;
    size_t length = target->out.length;
    target->out.length = 0;
    return length == 0
               ? 0
               : shoal_file_write(target->fd, target->out.data, length, target->path, err);
}

static bool is_webvtt(const char *text, size_t length)
{
    return length >= 6 && memcmp(text, "WEBVTT", 6) == 0 &&
           (length == 6 || text[6] == ' ' || text[6] == '\t');
}

static int vtt_read(struct catalog_lines *lines, struct target *target, struct shoal_err *err)
{
    const char *text = NULL;
    size_t length = 0;
    int got = 0;
    int code = 0;
    while (code == 0 && (got = catalog_lines_next(lines, &text, &length, err)) == 1) {
        if (lines->number == 1 && !is_webvtt(text, length)) {
            break;
        }
        code = shoal_buf_add(&target->out, text, length);
        code = code == 0 ? shoal_buf_puts(&target->out, "\n") : code;
        if (code == 0 && target->out.length > FLUSH_BYTES) {
            code = target_flush(target, err);
        }
    }
    if (code == 0 && (lines->number == 0 || got == 1)) {
        code = shoal_fail_field(err, "captionfile", "A WebVTT file begins with the word WEBVTT");
    }
    code = code == 0 && got < 0 ? got : code;
    return code == 0 ? target_flush(target, err) : code;
}

int catalog_caption_convert(const char *from, bool is_srt, const char *to, struct shoal_err *err)
{
    struct target target = {.path = to, .fd = -1};
    struct catalog_lines *lines = malloc(sizeof(*lines));
    if (lines == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory to read a caption");
    }
    int code = catalog_lines_open(lines, from, err);
    if (code == 0) {
        target.fd = shoal_file()->open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        code = target.fd < 0 ? shoal_file_fail(err, errno, "make", to) : 0;
    }
    if (code == 0) {
        code = is_srt ? catalog_srt_read(lines, &target.out, target_flush, &target, err)
                      : vtt_read(lines, &target, err);
    }
    if (code == 0 && shoal_file()->fsync(target.fd) != 0) {
        code = shoal_file_fail(err, errno, "sync", to);
    }
    if (target.fd >= 0) {
        close(target.fd);
    }
    catalog_lines_close(lines);
    free(lines);
    shoal_buf_fini(&target.out);
    return code;
}
