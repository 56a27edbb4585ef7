// pipeline_hls.c - playlists and hashes of HLS: names put in, segments hashed, the master written.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/pipeline_priv.h"

#include "base/file.h"

#define READ_BYTES   (256 * 1024)
#define SEGMENTS_MAX 100000
#define SHA256_BYTES 32

char *catalog_hls_rename(
    const char *playlist, const char *from, const char *to, struct shoal_err *err)
{
    struct shoal_buf out = {0};
    size_t length = strlen(from);
    int code = 0;
    for (;;) {
        const char *at = strstr(playlist, from);
        if (at == NULL) {
            break;
        }
        code |= shoal_buf_add(&out, playlist, (size_t)(at - playlist));
        code |= shoal_buf_puts(&out, to);
        playlist = at + length;
    }
    code |= shoal_buf_puts(&out, playlist);
    if (code != 0) {
        shoal_buf_fini(&out);
        shoal_fail(err, SHOAL_ETOOLARGE, "a media playlist is too long");
        return NULL;
    }
    return shoal_buf_take(&out, NULL);
}

static int hash_range(
    int fd, int64_t offset, int64_t length, char out[65], const char *path, struct shoal_err *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned char *room = malloc(READ_BYTES);
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    if (room == NULL || state == NULL || EVP_DigestInit_ex(state, EVP_sha256(), NULL) != 1) {
        free(room);
        EVP_MD_CTX_free(state);
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory to hash a segment");
    }
    int code = 0;
    while (length > 0 && code == 0) {
        size_t want = length < READ_BYTES ? (size_t)length : READ_BYTES;
        ssize_t got = pread(fd, room, want, (off_t)offset);
        if (got > 0) {
            EVP_DigestUpdate(state, room, (size_t)got);
            offset += got;
            length -= got;
        } else if (got == 0) {
            code = shoal_fail(err, SHOAL_ECORRUPT, "%s is shorter than its playlist says", path);
        } else if (errno != EINTR) {
            code = shoal_file_fail(err, errno, "read", path);
        }
    }
    free(room);
    EVP_DigestFinal_ex(state, hash, NULL);
    EVP_MD_CTX_free(state);
    sodium_bin2hex(out, 65, hash, SHA256_BYTES);
    return code;
}

// "#EXT-X-BYTERANGE:LEN@OFFSET"
static bool range_read(const char *line, int64_t *length, int64_t *offset)
{
    char *end = NULL;
    errno = 0;
    *length = strtoll(line, &end, 10);
    if (end == line || *end != '@' || errno != 0) {
        return false;
    }
    const char *from = end + 1;
    *offset = strtoll(from, &end, 10);
    return end != from && errno == 0 && *length > 0 && *offset >= 0 &&
           *offset <= INT64_MAX - *length;
}

json_t *catalog_hls_segments(const char *playlist, const char *media_path, struct shoal_err *err)
{
    static const char tag[] = "#EXT-X-BYTERANGE:";
    int fd = shoal_file()->open(media_path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        shoal_file_fail(err, errno, "open", media_path);
        return NULL;
    }
    json_t *out = json_object();
    int code = 0;
    for (const char *line = playlist; line != NULL && code == 0;) {
        int64_t length = 0;
        int64_t offset = 0;
        char key[64];
        char hash[65];
        if (strncmp(line, tag, sizeof(tag) - 1) == 0) {
            if (!range_read(line + sizeof(tag) - 1, &length, &offset) ||
                json_object_size(out) >= SEGMENTS_MAX) {
                code = shoal_fail(err, SHOAL_ECORRUPT, "a media playlist has a bad byte range");
                break;
            }
            code = hash_range(fd, offset, length, hash, media_path, err);
            snprintf(
                key, sizeof(key), "%lld-%lld", (long long)offset, (long long)(offset + length - 1));
            json_object_set_new(out, key, json_string(hash));
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    close(fd);
    if (code == 0 && json_object_size(out) == 0) {
        code = shoal_fail(err, SHOAL_ECORRUPT, "a media playlist names no segment");
    }
    if (code != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static int by_resolution(const void *left, const void *right)
{
    const struct catalog_file *a = left;
    const struct catalog_file *b = right;
    return a->resolution - b->resolution;
}

char *catalog_hls_master(struct shoal_arena *arena, const struct catalog_file *files, size_t count)
{
    struct shoal_buf out = {0};
    struct catalog_file *sorted = shoal_arena_alloc(arena, (count + 1) * sizeof(*sorted));
    memcpy(sorted, files, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_resolution);
    shoal_buf_puts(&out, "#EXTM3U\n#EXT-X-VERSION:7\n");
    for (size_t i = 0; i < count; i++) {
        const struct catalog_file *file = &sorted[i];
        const char *end = strstr(file->name, "-fragmented.mp4");
        int stem = end == NULL ? (int)strlen(file->name) : (int)(end - file->name);
        shoal_buf_printf(&out, "#EXT-X-STREAM-INF:BANDWIDTH=%lld",
            (long long)(file->bitrate_bps > 0 ? file->bitrate_bps : 1));
        if (file->has_video && file->width > 0) {
            shoal_buf_printf(&out, ",RESOLUTION=%dx%d", file->width, file->height);
        }
        if (file->has_video && file->fps > 0) {
            shoal_buf_printf(&out, ",FRAME-RATE=%d", file->fps);
        }
        if (file->codecs != NULL && file->codecs[0] != '\0') {
            shoal_buf_printf(&out, ",CODECS=\"%s\"", file->codecs);
        }
        shoal_buf_printf(&out, "\n%.*s.m3u8\n", stem, file->name);
    }
    return shoal_buf_take(&out, NULL);
}

char *catalog_hls_hashes(const struct catalog_file *files, size_t count)
{
    json_t *out = json_object();
    for (size_t i = 0; i < count; i++) {
        const char *text = files[i].segments == NULL ? "{}" : files[i].segments;
        json_t *segments = shoal_json_parse(text, strlen(text), NULL);
        json_object_set_new(out, files[i].name, segments == NULL ? json_object() : segments);
    }
    char *text = json_dumps(out, JSON_COMPACT);
    json_decref(out);
    return text;
}
