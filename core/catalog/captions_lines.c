// captions_lines.c - a stranger's text file, line by line: bounded, UTF-8, no control characters.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "catalog/captions_priv.h"

#include "base/file.h"
#include "base/utf8.h"

static const char mark[] = "\xef\xbb\xbf"; // byte order mark

// Reads more behind what is there; at the end of the file is_over becomes true.
static int fill(struct catalog_lines *lines, struct shoal_err *err)
{
    memmove(lines->room, lines->room + lines->start, lines->end - lines->start);
    lines->end -= lines->start;
    lines->start = 0;
    ssize_t got = -1;
    do {
        got = shoal_file()->read(
            lines->fd, lines->room + lines->end, sizeof(lines->room) - lines->end);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return shoal_file_fail(err, errno, "read", lines->path);
    }
    lines->is_over = got == 0;
    lines->end += (size_t)got;
    return 0;
}

int catalog_lines_open(struct catalog_lines *lines, const char *path, struct shoal_err *err)
{
    lines->path = path;
    lines->start = lines->end = 0;
    lines->number = 0;
    lines->is_over = lines->skips_lf = false;
    lines->fd = shoal_file()->open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (lines->fd < 0) {
        return shoal_file_fail(err, errno, "open", path);
    }
    int code = 0;
    while (code == 0 && !lines->is_over && lines->end < sizeof(mark) - 1) {
        code = fill(lines, err);
    }
    if (code == 0 && lines->end >= sizeof(mark) - 1 &&
        memcmp(lines->room, mark, sizeof(mark) - 1) == 0) {
        lines->start = sizeof(mark) - 1;
    }
    return code;
}

static int line_fail(const struct catalog_lines *lines, const char *what, struct shoal_err *err)
{
    return shoal_fail_field(
        err, "captionfile", "Line %lld %s", (long long)lines->number, what);
}

static int line_check(
    const struct catalog_lines *lines, const char *text, size_t length, struct shoal_err *err)
{
    if (length > CATALOG_LINE_MAX) {
        return line_fail(lines, "is too long for a caption", err);
    }
    if (!shoal_is_utf8(text, length)) {
        return line_fail(lines, "is not UTF-8 text: please save the file as UTF-8", err);
    }
    for (size_t i = 0; i < length; i++) {
        if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f) {
            return line_fail(lines, "has control characters: this is no text", err);
        }
    }
    return 0;
}

// The end of the line that begins at start, or NULL where more has to be read.
static const char *end_of(const struct catalog_lines *lines)
{
    const char *at = lines->room + lines->start;
    const char *last = lines->room + lines->end;
    while (at < last && *at != '\n' && *at != '\r') {
        at++;
    }
    bool is_whole = at < last || lines->is_over || (size_t)(at - lines->room) - lines->start > CATALOG_LINE_MAX;
    return is_whole ? at : NULL;
}

int catalog_lines_next(
    struct catalog_lines *lines, const char **text, size_t *length, struct shoal_err *err)
{
    const char *end = NULL;
    for (;;) {
        if (lines->skips_lf && lines->start < lines->end) {
            lines->start += lines->room[lines->start] == '\n' ? 1 : 0;
            lines->skips_lf = false;
        }
        if (lines->start == lines->end && lines->is_over) {
            return 0;
        }
        end = lines->start < lines->end ? end_of(lines) : NULL;
        if (end != NULL) {
            break;
        }
        int code = fill(lines, err);
        if (code != 0) {
            return code;
        }
    }
    lines->number++;
    *text = lines->room + lines->start;
    *length = (size_t)(end - *text);
    bool has_end = end < lines->room + lines->end;
    lines->skips_lf = has_end && *end == '\r';
    lines->start = (size_t)(end - lines->room) + (has_end ? 1 : 0);
    int code = line_check(lines, *text, *length, err);
    return code == 0 ? 1 : code;
}

void catalog_lines_close(struct catalog_lines *lines)
{
    if (lines->fd >= 0) {
        close(lines->fd);
        lines->fd = -1;
    }
}
