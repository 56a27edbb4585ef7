// untar.c - unpacks a package that a stranger made, and trusts nothing in it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "cli/untar.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "base/file.h"

#define BLOCK     512
#define NAME_MOST 255
#define DEPTH_MAX 16

struct untar {
    z_stream stream;
    bool has_ended;
    const char *to;
    char top[64];
    size_t entries;
    uint64_t bytes;
};

bool shoal_untar_name_valid(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_MOST || name[0] == '/') {
        return false;
    }
    int depth = 0;
    for (const char *part = name; *part != '\0';) {
        size_t size = strcspn(part, "/");
        if (size == 0 || (size == 1 && part[0] == '.') ||
            (size == 2 && part[0] == '.' && part[1] == '.') || ++depth > DEPTH_MAX) {
            return false;
        }
        for (size_t i = 0; i < size; i++) {
            unsigned char byte = (unsigned char)part[i];
            if (byte < 0x20 || byte == 0x7f || byte == '\\') {
                return false;
            }
        }
        part += size;
        part += *part == '/' ? 1 : 0;
    }
    return true;
}

/// Reads exactly so many bytes of the archive; 1: the archive ends here.
static int unpack(struct untar *untar, void *out, size_t room, struct shoal_err *err)
{
    untar->stream.next_out = out;
    untar->stream.avail_out = (uInt)room;
    while (untar->stream.avail_out > 0 && !untar->has_ended) {
        int code = inflate(&untar->stream, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            untar->has_ended = true;
        } else if (code != Z_OK) {
            return shoal_fail(err, SHOAL_EUNREADABLE, "the package is damaged, or no .tar.gz");
        }
    }
    if (untar->stream.avail_out == room) {
        return 1;
    }
    if (untar->stream.avail_out > 0) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "the package ends too early");
    }
    untar->bytes += room;
    if (untar->bytes > SHOAL_UNPACKED_MAX) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "the package holds more than %llu MiB",
            SHOAL_UNPACKED_MAX >> 20);
    }
    return 0;
}

static bool octal(const char *field, size_t length, uint64_t *value)
{
    *value = 0;
    size_t i = 0;
    while (i < length && field[i] == ' ') {
        i++;
    }
    for (; i < length && field[i] >= '0' && field[i] <= '7'; i++) {
        if (*value > UINT64_MAX >> 3) {
            return false;
        }
        *value = *value << 3 | (uint64_t)(field[i] - '0');
    }
    return i == length || field[i] == '\0' || field[i] == ' ';
}

static bool checksum_fits(const unsigned char *head)
{
    uint64_t wanted = 0, sum = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        sum += i >= 148 && i < 156 ? ' ' : head[i];
    }
    return octal((const char *)head + 148, 8, &wanted) && wanted == sum;
}

/// Everything lies in one folder, whose name the first entry gives.
static int top_check(struct untar *untar, const char *name, struct shoal_err *err)
{
    size_t size = strcspn(name, "/");
    if (untar->top[0] == '\0' && size < sizeof untar->top) {
        snprintf(untar->top, sizeof untar->top, "%.*s", (int)size, name);
    }
    if (strlen(untar->top) != size || strncmp(untar->top, name, size) != 0) {
        return shoal_fail(err, SHOAL_EINVAL,
            "the package must hold one folder with everything in it, not \"%s\" beside it", name);
    }
    return 0;
}

static int name_read(struct untar *untar, const unsigned char *head, char name[NAME_MOST + 2],
    struct shoal_err *err)
{
    bool has_prefix = memcmp(head + 257, "ustar", 6) == 0 && head[345] != '\0';
    snprintf(name, NAME_MOST + 2, "%.155s%s%.100s",
        has_prefix ? (const char *)head + 345 : "", has_prefix ? "/" : "", (const char *)head);
    if (strncmp(name, "./", 2) == 0) {
        memmove(name, name + 2, strlen(name) - 1);
    }
    size_t length = strlen(name);
    if (length > 0 && name[length - 1] == '/') {
        name[--length] = '\0';
    }
    if (length == 0) {
        return 1; // the "./" of some packers
    }
    if (!shoal_untar_name_valid(name)) {
        return shoal_fail(err, SHOAL_EINVAL, "the package holds a path that is not allowed");
    }
    return top_check(untar, name, err);
}

static int skip(struct untar *untar, uint64_t bytes, struct shoal_err *err)
{
    char block[BLOCK];
    for (uint64_t at = 0; at < bytes; at += BLOCK) {
        int code = unpack(untar, block, BLOCK, err);
        if (code != 0) {
            return code < 0 ? code
                            : shoal_fail(err, SHOAL_EUNREADABLE, "the package ends too early");
        }
    }
    return 0;
}

static int parents_make(struct untar *untar, const char *name, struct shoal_err *err)
{
    const char *slash = strrchr(name, '/');
    if (slash == NULL) {
        return 0;
    }
    char path[PATH_MAX];
    int wrote = snprintf(path, sizeof path, "%s/%.*s", untar->to, (int)(slash - name), name);
    if (wrote < 0 || wrote >= (int)sizeof path) {
        return shoal_fail(err, SHOAL_EINVAL, "a path of the package is too long");
    }
    return shoal_folder_make(path, 0750, err);
}

static int file_write(struct untar *untar, const char *name, uint64_t size, struct shoal_err *err)
{
    char path[PATH_MAX], block[BLOCK];
    int code = parents_make(untar, name, err);
    int wrote = snprintf(path, sizeof path, "%s/%s", untar->to, name);
    if (code != 0 || wrote < 0 || wrote >= (int)sizeof path) {
        return code != 0 ? code
                         : shoal_fail(err, SHOAL_EINVAL, "a path of the package is too long");
    }
    // O_EXCL: a name that comes twice is refused.
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0) {
        return errno == EEXIST
                   ? shoal_fail(err, SHOAL_EINVAL, "the package holds \"%s\" twice", name)
                   : shoal_file_fail(err, errno, "write", path);
    }
    for (uint64_t at = 0; at < size && code == 0; at += BLOCK) {
        code = unpack(untar, block, BLOCK, err);
        if (code > 0) {
            code = shoal_fail(err, SHOAL_EUNREADABLE, "the package ends too early");
        }
        size_t part = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
        code = code != 0 ? code : shoal_file_write(fd, block, part, path, err);
    }
    close(fd);
    return code;
}

/// Extended headers: what renames or resizes the next entry is refused, the rest does not matter.
static int extended(struct untar *untar, uint64_t size, struct shoal_err *err)
{
    char text[16 * BLOCK];
    uint64_t rounded = (size + BLOCK - 1) / BLOCK * BLOCK;
    if (rounded >= sizeof text) {
        return shoal_fail(err, SHOAL_EINVAL, "the package holds a header that is too large");
    }
    int code = rounded == 0 ? 0 : unpack(untar, text, (size_t)rounded, err);
    if (code != 0) {
        return code < 0 ? code : shoal_fail(err, SHOAL_EUNREADABLE, "the package ends too early");
    }
    text[size] = '\0';
    static const char *const refused[] = {" path=", " linkpath=", " size=", " GNU.sparse"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (memmem(text, (size_t)size, refused[i], strlen(refused[i])) != NULL) {
            return shoal_fail(err, SHOAL_EINVAL,
                "the package uses names or sizes that plain tar does not have");
        }
    }
    return 0;
}

static int entry(struct untar *untar, const unsigned char *head, struct shoal_err *err)
{
    uint64_t size = 0;
    if (!checksum_fits(head) || !octal((const char *)head + 124, 12, &size)) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "the package is damaged");
    }
    if (++untar->entries > SHOAL_ENTRIES_MAX) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "the package holds more than %d files",
            SHOAL_ENTRIES_MAX);
    }
    char type = (char)head[156];
    if (type == 'x' || type == 'g') {
        return extended(untar, size, err);
    }
    char name[NAME_MOST + 2];
    int code = name_read(untar, head, name, err);
    if (code != 0) {
        return code < 0 ? code : skip(untar, size, err);
    }
    if (type == '5') {
        char path[PATH_MAX];
        int wrote = snprintf(path, sizeof path, "%s/%s", untar->to, name);
        if (wrote < 0 || wrote >= (int)sizeof path) {
            return shoal_fail(err, SHOAL_EINVAL, "a path of the package is too long");
        }
        return shoal_folder_make(path, 0750, err);
    }
    if (type != '0' && type != '\0') {
        return shoal_fail(err, SHOAL_EINVAL,
            "the package holds \"%s\", which is a link or a device: only files and folders are "
            "allowed", name);
    }
    return file_write(untar, name, size, err);
}

static int entries(struct untar *untar, struct shoal_err *err)
{
    unsigned char head[BLOCK];
    static const unsigned char zeros[BLOCK];
    for (;;) {
        int code = unpack(untar, head, BLOCK, err);
        if (code != 0) {
            return code < 0 ? code : 0;
        }
        if (memcmp(head, zeros, BLOCK) == 0) {
            return 0;
        }
        code = entry(untar, head, err);
        if (code != 0) {
            return code;
        }
    }
}

int shoal_untar(const void *data, size_t length, const char *to, char top[64],
    struct shoal_err *err)
{
    struct untar untar = {.to = to};
    if (length > SHOAL_PACKAGE_MAX) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "the package is larger than %u MiB",
            SHOAL_PACKAGE_MAX >> 20);
    }
    untar.stream.next_in = (Bytef *)(uintptr_t)data;
    untar.stream.avail_in = (uInt)length;
    if (inflateInit2(&untar.stream, 15 + 16) != Z_OK) {
        return shoal_fail(err, SHOAL_EINTERNAL, "there is no memory to unpack");
    }
    int code = entries(&untar, err);
    inflateEnd(&untar.stream);
    if (code == 0 && untar.top[0] == '\0') {
        code = shoal_fail(err, SHOAL_EINVAL, "the package is empty");
    }
    snprintf(top, 64, "%s", untar.top);
    return code;
}
