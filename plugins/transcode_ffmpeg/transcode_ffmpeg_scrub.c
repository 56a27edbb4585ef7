// transcode_ffmpeg_scrub.c - overwrites what cameras write into an H.264 stream beside the picture.
//
// AVCHD cameras put place, time and serial number into "user data unregistered" SEI messages of the
// stream itself, which a copy of the stream keeps. Only their bytes are overwritten; lengths and all
// other messages (those that make seeking work among them) stay.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transcode_ffmpeg.h"

#define MOOV_MAX      (512u << 20)
#define SEI_MAX       (64 * 1024)
#define NALS_MAX      4096
#define NAL_SEI       6
#define SEI_USER_DATA 5

struct scrub {
    int fd;
    uint64_t file_bytes;
    unsigned length_size;              ///< bytes of each NAL unit's length
    struct transcode_box sizes, chunks, map; ///< stsz, stco or co64, stsc
    bool is_wide;                      ///< co64
    int64_t count;
};

static uint32_t u32(const unsigned char *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static bool read_at(const struct scrub *scrub, uint64_t offset, void *out, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t n = pread(scrub->fd, (char *)out + done, length - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/// A cursor over a NAL unit that steps over emulation prevention bytes (00 00 03).
struct cursor {
    unsigned char *bytes;
    size_t at, length;
    int zeros;
};

static int next_byte(struct cursor *cursor)
{
    if (cursor->zeros >= 2 && cursor->at < cursor->length && cursor->bytes[cursor->at] == 3) {
        cursor->at++;
        cursor->zeros = 0;
    }
    if (cursor->at >= cursor->length) {
        return -1;
    }
    int byte = cursor->bytes[cursor->at++];
    cursor->zeros = byte == 0 ? cursor->zeros + 1 : 0;
    return byte;
}

/// A number written as 255, 255, …, rest.
static bool next_number(struct cursor *cursor, size_t *number)
{
    *number = 0;
    int byte;
    do {
        byte = next_byte(cursor);
        if (byte < 0) {
            return false;
        }
        *number += (size_t)byte;
    } while (byte == 255);
    return true;
}

/// Overwrites `size` bytes of a message. The zeros of an escape stay, and what follows one must be
/// small, so that the message keeps its length when it is read.
static void blank(struct cursor *cursor, size_t size)
{
    size_t begin = cursor->at;
    for (size_t i = 0; i < size && next_byte(cursor) >= 0; i++) {
    }
    unsigned char *bytes = cursor->bytes;
    size_t end = cursor->at;
    for (size_t i = begin; i < end;) {
        bool is_escape = i + 2 < end && bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 3;
        if (is_escape) {
            i += 3;
            if (i < end) {
                bytes[i++] = 2;
            }
            continue;
        }
        // An escape that begins before the message or ends behind it is left alone, too.
        bool is_edge = (i < begin + 2 || i + 2 >= end) && (bytes[i] == 0 || bytes[i] == 3);
        bytes[i] = is_edge ? bytes[i] : 0xff;
        i++;
    }
}

/// Returns how many messages of one SEI unit were overwritten.
static int scrub_sei(unsigned char *bytes, size_t length)
{
    struct cursor cursor = {bytes, 1, length, 0};
    int count = 0;
    // The last byte of a unit is its stop bit.
    while (cursor.at + 2 < length) {
        size_t type = 0;
        size_t size = 0;
        if (!next_number(&cursor, &type) || !next_number(&cursor, &size) ||
            size > length - cursor.at) {
            break;
        }
        if (type == SEI_USER_DATA) {
            blank(&cursor, size);
            count++;
            continue;
        }
        for (size_t i = 0; i < size && next_byte(&cursor) >= 0; i++) {
        }
    }
    return count;
}

static int scrub_sample(struct scrub *scrub, uint64_t offset, uint64_t size, struct shoal_err *err)
{
    static const char damaged[] = "transcode_ffmpeg: a remuxed file is damaged";
    unsigned char unit[SEI_MAX];
    uint64_t end = offset + size;
    if (end < offset || end > scrub->file_bytes) {
        return shoal_fail(err, SHOAL_EIO, "%s", damaged);
    }
    for (int i = 0; i < NALS_MAX && offset + scrub->length_size < end; i++) {
        unsigned char head[5] = {0};
        if (!read_at(scrub, offset, head, scrub->length_size + 1)) {
            return shoal_fail(err, SHOAL_EIO, "%s", damaged);
        }
        uint64_t length = 0;
        for (unsigned j = 0; j < scrub->length_size; j++) {
            length = (length << 8) | head[j];
        }
        offset += scrub->length_size;
        if (length == 0 || length > end - offset) {
            return 0; // a damaged picture; it is the uploader's
        }
        if ((head[scrub->length_size] & 0x1f) == NAL_SEI) {
            size_t part = length < SEI_MAX ? (size_t)length : SEI_MAX;
            if (!read_at(scrub, offset, unit, part)) {
                return shoal_fail(err, SHOAL_EIO, "%s", damaged);
            }
            int count = scrub_sei(unit, part);
            if (count > 0 && pwrite(scrub->fd, unit, part, (off_t)offset) != (ssize_t)part) {
                return shoal_fail(err, SHOAL_EIO, "transcode_ffmpeg: cannot clean a remuxed file");
            }
            scrub->count += count;
        }
        offset += length;
    }
    return 0;
}

static uint64_t chunk_offset(const struct scrub *scrub, uint32_t chunk)
{
    const unsigned char *at = scrub->chunks.data + 8;
    if (!scrub->is_wide) {
        return u32(at + (size_t)chunk * 4);
    }
    at += (size_t)chunk * 8;
    return ((uint64_t)u32(at) << 32) | u32(at + 4);
}

/// Counts of the three tables, bounded by the bytes that are there.
struct counts {
    uint32_t samples, chunks, runs, same_size;
};

static bool counts_read(const struct scrub *scrub, struct counts *counts)
{
    if (scrub->sizes.length < 12 || scrub->chunks.length < 8 || scrub->map.length < 8) {
        return false;
    }
    *counts = (struct counts){
        .same_size = u32(scrub->sizes.data + 4),
        .samples = u32(scrub->sizes.data + 8),
        .chunks = u32(scrub->chunks.data + 4),
        .runs = u32(scrub->map.data + 4),
    };
    return (counts->same_size != 0 || counts->samples <= (scrub->sizes.length - 12) / 4) &&
           counts->chunks <= (scrub->chunks.length - 8) / (scrub->is_wide ? 8 : 4) &&
           counts->runs <= (scrub->map.length - 8) / 12;
}

static int scrub_samples(struct scrub *scrub, struct shoal_err *err)
{
    struct counts counts;
    if (!counts_read(scrub, &counts)) {
        return shoal_fail(err, SHOAL_EIO, "transcode_ffmpeg: a remuxed file has no index");
    }
    uint32_t sample = 0;
    uint32_t run = 0;
    for (uint32_t chunk = 0; chunk < counts.chunks; chunk++) {
        const unsigned char *runs = scrub->map.data + 8;
        while (run + 1 < counts.runs && u32(runs + (size_t)(run + 1) * 12) <= chunk + 1) {
            run++;
        }
        uint32_t in_chunk = counts.runs == 0 ? 0 : u32(runs + (size_t)run * 12 + 4);
        uint64_t offset = chunk_offset(scrub, chunk);
        for (uint32_t i = 0; i < in_chunk && sample < counts.samples; i++, sample++) {
            uint32_t size = counts.same_size != 0
                                ? counts.same_size
                                : u32(scrub->sizes.data + 12 + (size_t)sample * 4);
            int rc = scrub_sample(scrub, offset, size, err);
            if (rc != 0) {
                return rc;
            }
            offset += size;
        }
    }
    return 0;
}

static int scrub_track(struct scrub *scrub, const struct transcode_box *track,
    struct shoal_err *err)
{
    struct transcode_box table, entries, entry, config;
    if (!transcode_box_find(track->data, track->length, "mdia/minf/stbl", &table) ||
        !transcode_box_find(table.data, table.length, "stsd", &entries) || entries.length <= 8) {
        return 0;
    }
    const unsigned char *at = entries.data + 8;
    if (!transcode_box_next(&at, entries.data + entries.length, &entry) ||
        strcmp(entry.name, "avc1") != 0 || entry.length <= 78 ||
        !transcode_box_find(entry.data + 78, entry.length - 78, "avcC", &config) ||
        config.length < 5) {
        return 0;
    }
    scrub->length_size = (config.data[4] & 3u) + 1;
    scrub->is_wide = transcode_box_find(table.data, table.length, "co64", &scrub->chunks);
    if ((!scrub->is_wide &&
            !transcode_box_find(table.data, table.length, "stco", &scrub->chunks)) ||
        !transcode_box_find(table.data, table.length, "stsz", &scrub->sizes) ||
        !transcode_box_find(table.data, table.length, "stsc", &scrub->map)) {
        return shoal_fail(err, SHOAL_EIO, "transcode_ffmpeg: a remuxed file has no index");
    }
    return scrub_samples(scrub, err);
}

/// Reads the index of the file; the caller frees it.
static unsigned char *moov_read(const struct scrub *scrub, size_t *length)
{
    uint64_t at = 0;
    unsigned char head[16];
    while (at + 16 <= scrub->file_bytes && read_at(scrub, at, head, sizeof(head))) {
        uint64_t size = u32(head);
        size = size == 1 ? ((uint64_t)u32(head + 8) << 32) | u32(head + 12) : size;
        if (size < 8 || size > scrub->file_bytes - at) {
            return NULL;
        }
        if (memcmp(head + 4, "moov", 4) == 0) {
            unsigned char *moov = size > MOOV_MAX ? NULL : malloc((size_t)size);
            if (moov != NULL && !read_at(scrub, at, moov, (size_t)size)) {
                free(moov);
                return NULL;
            }
            *length = (size_t)size;
            return moov;
        }
        at += size;
    }
    return NULL;
}

int64_t transcode_scrub(const char *path, struct shoal_err *err)
{
    int64_t file_bytes = transcode_file_size(path);
    struct scrub scrub = {.fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW),
        .file_bytes = file_bytes > 0 ? (uint64_t)file_bytes : 0};
    if (scrub.fd < 0) {
        return shoal_fail(err, SHOAL_EIO, "transcode_ffmpeg: cannot open a remuxed file");
    }
    size_t length = 0;
    unsigned char *moov = moov_read(&scrub, &length);
    int rc = moov != NULL ? 0
                          : shoal_fail(err, SHOAL_EIO,
                                "transcode_ffmpeg: a remuxed file has no index");
    if (rc == 0) {
        struct transcode_box box, track;
        const unsigned char *at = moov;
        bool has_box = transcode_box_next(&at, moov + length, &box);
        at = has_box ? box.data : at;
        while (has_box && rc == 0 && transcode_box_next(&at, box.data + box.length, &track)) {
            if (strcmp(track.name, "trak") == 0) {
                rc = scrub_track(&scrub, &track, err);
            }
        }
    }
    free(moov);
    close(scrub.fd);
    return rc == 0 ? scrub.count : rc;
}
