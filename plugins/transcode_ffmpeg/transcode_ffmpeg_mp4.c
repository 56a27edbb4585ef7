// transcode_ffmpeg_mp4.c - boxes of MP4 files, and the codecs that an init segment names.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "transcode_ffmpeg.h"

#define TRACKS_MAX 8

static uint32_t u32(const unsigned char *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

bool transcode_box_next(const unsigned char **cursor, const unsigned char *end,
    struct transcode_box *box)
{
    const unsigned char *at = *cursor;
    size_t left = (size_t)(end - at);
    if (left < 8) {
        return false;
    }
    uint64_t size = u32(at);
    size_t head = 8;
    if (size == 1 && left >= 16) {
        size = ((uint64_t)u32(at + 8) << 32) | u32(at + 12);
        head = 16;
    } else if (size == 0) {
        size = left;
    }
    if (size < head || size > left) {
        return false;
    }
    memcpy(box->name, at + 4, 4);
    box->name[4] = '\0';
    box->data = at + head;
    box->length = (size_t)size - head;
    *cursor = at + size;
    return true;
}

bool transcode_box_find(const unsigned char *data, size_t length, const char *path,
    struct transcode_box *box)
{
    const unsigned char *cursor = data;
    const unsigned char *end = data + length;
    while (transcode_box_next(&cursor, end, box)) {
        if (strncmp(box->name, path, 4) != 0) {
            continue;
        }
        if (path[4] != '/') {
            return true;
        }
        return transcode_box_find(box->data, box->length, path + 5, box);
    }
    return false;
}

/// An expandable length of MPEG-4 descriptors: seven bits a byte, at most four bytes.
static bool descriptor(const unsigned char **at, const unsigned char *end, unsigned char tag)
{
    if (end - *at < 2 || **at != tag) {
        return false;
    }
    (*at)++;
    for (int i = 0; i < 4 && *at < end; i++) {
        if ((*(*at)++ & 0x80) == 0) {
            return true;
        }
    }
    return false;
}

/// The audio object type of an esds box; 0 where there is none.
static int audio_object_type(const unsigned char *data, size_t length)
{
    const unsigned char *end = data + length;
    const unsigned char *at = data + 4; // version and flags
    if (length < 4 || !descriptor(&at, end, 3) || end - at < 3) {
        return 0;
    }
    unsigned char flags = at[2];
    // Dependence, URL and clock parts are never written by our encoder.
    if ((flags & 0xe0) != 0) {
        return 0;
    }
    at += 3;
    if (!descriptor(&at, end, 4) || end - at < 13 || at[0] != 0x40) {
        return 0;
    }
    at += 13;
    if (!descriptor(&at, end, 5) || end - at < 2) {
        return 0;
    }
    int type = at[0] >> 3;
    return type == 31 ? 32 + (((at[0] & 7) << 3) | (at[1] >> 5)) : type;
}

static const char *codec_of(struct shoal_arena *arena, const struct transcode_box *entry)
{
    struct transcode_box inner;
    if (strcmp(entry->name, "avc1") == 0 && entry->length > 78 &&
        transcode_box_find(entry->data + 78, entry->length - 78, "avcC", &inner) &&
        inner.length >= 4) {
        return shoal_arena_printf(arena, "avc1.%02x%02x%02x", inner.data[1], inner.data[2],
            inner.data[3]);
    }
    if (strcmp(entry->name, "mp4a") == 0 && entry->length > 28 &&
        transcode_box_find(entry->data + 28, entry->length - 28, "esds", &inner)) {
        int type = audio_object_type(inner.data, inner.length);
        return type > 0 ? shoal_arena_printf(arena, "mp4a.40.%d", type) : NULL;
    }
    return NULL;
}

int transcode_codecs_of(struct shoal_arena *arena, const unsigned char *init, size_t length,
    const char **codecs, struct shoal_err *err)
{
    struct transcode_box moov;
    const char *list = NULL;
    if (transcode_box_find(init, length, "moov", &moov)) {
        const unsigned char *cursor = moov.data;
        struct transcode_box track, stsd;
        for (int tracks = 0; tracks < TRACKS_MAX &&
                             transcode_box_next(&cursor, moov.data + moov.length, &track);) {
            if (strcmp(track.name, "trak") != 0) {
                continue;
            }
            tracks++;
            struct transcode_box entry;
            const char *codec = NULL;
            if (transcode_box_find(track.data, track.length, "mdia/minf/stbl/stsd", &stsd) &&
                stsd.length > 8) {
                const unsigned char *at = stsd.data + 8;
                if (transcode_box_next(&at, stsd.data + stsd.length, &entry)) {
                    codec = codec_of(arena, &entry);
                }
            }
            if (codec == NULL) {
                return shoal_fail(err, SHOAL_EIO, "transcode_ffmpeg: a track has no known codec");
            }
            list = list == NULL ? codec : shoal_arena_printf(arena, "%s,%s", list, codec);
        }
    }
    if (list == NULL) {
        return shoal_fail(err, SHOAL_EIO, "transcode_ffmpeg: an init segment has no tracks");
    }
    *codecs = list;
    return 0;
}
