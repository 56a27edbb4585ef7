// transcode_ffmpeg_playlist.c - reads ffmpeg's media playlist and writes the one that clients get.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "transcode_ffmpeg.h"

#define SEGMENTS_MAX  1000000
#define SEGMENT_MAX_S 3600.0
#define NO_MEMORY     "transcode_ffmpeg: there is no memory for a playlist now"

static bool number_read(const char *text, char **end, uint64_t *number)
{
    if (*text < '0' || *text > '9') {
        return false;
    }
    *number = strtoull(text, end, 10);
    return *number <= INT64_MAX;
}

/// "LENGTH@OFFSET", or "LENGTH" for the bytes behind the range before.
static bool range_read(
    const char *text, char closing, uint64_t behind, uint64_t *length, uint64_t *offset)
{
    char *end = NULL;
    if (!number_read(text, &end, length)) {
        return false;
    }
    *offset = behind;
    if (*end == '@' && !number_read(end + 1, &end, offset)) {
        return false;
    }
    return *end == closing;
}

struct reader {
    struct transcode_playlist *playlist;
    uint64_t media_bytes;
    size_t room;
    double duration_s; ///< of the segment that is being described; -1: none
    bool has_range;
    uint64_t length, offset, behind;
    bool has_map, is_over;
};

static bool fits(uint64_t offset, uint64_t length, uint64_t media_bytes)
{
    return length > 0 && offset <= media_bytes && length <= media_bytes - offset;
}

static bool map_read(struct reader *reader, const char *line)
{
    const char *range = strstr(line, "BYTERANGE=\"");
    if (range == NULL || reader->has_map ||
        !range_read(range + strlen("BYTERANGE=\""), '"', 0, &reader->playlist->map_length,
            &reader->playlist->map_offset) ||
        !fits(reader->playlist->map_offset, reader->playlist->map_length, reader->media_bytes)) {
        return false;
    }
    reader->has_map = true;
    reader->behind = reader->playlist->map_offset + reader->playlist->map_length;
    return true;
}

static bool segment_add(struct reader *reader)
{
    struct transcode_playlist *playlist = reader->playlist;
    if (reader->duration_s < 0 || !reader->has_range || playlist->count == reader->room ||
        !fits(reader->offset, reader->length, reader->media_bytes)) {
        return false;
    }
    playlist->segments[playlist->count++] =
        (struct transcode_segment){reader->duration_s, reader->offset, reader->length};
    playlist->duration_s += reader->duration_s;
    reader->behind = reader->offset + reader->length;
    reader->duration_s = -1;
    reader->has_range = false;
    return true;
}

static bool line_read(struct reader *reader, const char *line)
{
    static const char inf[] = "#EXTINF:";
    static const char range[] = "#EXT-X-BYTERANGE:";
    if (line[0] == '\0' || reader->is_over) {
        return true;
    }
    if (strncmp(line, "#EXT-X-MAP:", 11) == 0) {
        return map_read(reader, line);
    }
    if (strncmp(line, inf, sizeof(inf) - 1) == 0) {
        char *end = NULL;
        reader->duration_s = strtod(line + sizeof(inf) - 1, &end);
        return end != line + sizeof(inf) - 1 && reader->duration_s >= 0 &&
               reader->duration_s <= SEGMENT_MAX_S;
    }
    if (strncmp(line, range, sizeof(range) - 1) == 0) {
        reader->has_range = range_read(
            line + sizeof(range) - 1, '\0', reader->behind, &reader->length, &reader->offset);
        return reader->has_range;
    }
    if (strcmp(line, "#EXT-X-ENDLIST") == 0) {
        reader->is_over = true;
        return true;
    }
    return line[0] == '#' || segment_add(reader);
}

static size_t lines_that_begin(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        count++;
    }
    return count;
}

int transcode_playlist_parse(struct shoal_arena *arena, const char *text, size_t length,
    uint64_t media_bytes, struct transcode_playlist *playlist, struct shoal_err *err)
{
    *playlist = (struct transcode_playlist){0};
    char *copy = shoal_arena_try_copy(arena, text, length);
    if (copy == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, NO_MEMORY);
    }
    size_t count = lines_that_begin(copy, "#EXTINF:");
    if (strlen(copy) != length || strncmp(copy, "#EXTM3U", 7) != 0 || count == 0 ||
        count > SEGMENTS_MAX) {
        return shoal_fail(err, SHOAL_EIO, "transcode_ffmpeg: a playlist has no segments");
    }
    playlist->segments = shoal_arena_try(arena, count * sizeof(playlist->segments[0]));
    if (playlist->segments == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, NO_MEMORY);
    }
    struct reader reader = {
        .playlist = playlist, .media_bytes = media_bytes, .room = count, .duration_s = -1};
    for (char *line = copy; line != NULL;) {
        char *next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        size_t end = strlen(line);
        if (end > 0 && line[end - 1] == '\r') {
            line[end - 1] = '\0';
        }
        if (!line_read(&reader, line)) {
            return shoal_fail(
                err, SHOAL_EIO, "transcode_ffmpeg: a playlist is damaged: %.80s", line);
        }
        line = next;
    }
    if (!reader.has_map || !reader.is_over || playlist->count == 0) {
        return shoal_fail(err, SHOAL_EIO, "transcode_ffmpeg: a playlist is not whole");
    }
    return 0;
}

static double longest_segment_s(const struct transcode_playlist *playlist)
{
    double longest_s = 0;
    for (size_t i = 0; i < playlist->count; i++) {
        longest_s = fmax(longest_s, playlist->segments[i].duration_s);
    }
    return longest_s;
}

int64_t transcode_playlist_peak_bps(const struct transcode_playlist *playlist)
{
    double least_s = fmax(longest_segment_s(playlist) / 2, 0.001);
    double peak_bps = 0;
    for (size_t i = 0; i < playlist->count; i++) {
        const struct transcode_segment *segment = &playlist->segments[i];
        if (segment->duration_s >= least_s) {
            peak_bps = fmax(peak_bps, (double)segment->length * 8 / segment->duration_s);
        }
    }
    return (int64_t)ceil(peak_bps);
}

int transcode_playlist_write(const struct transcode_playlist *playlist, struct shoal_buf *out)
{
    double longest_s = fmax(longest_segment_s(playlist), 1);
    int rc = shoal_buf_printf(out,
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%.0f\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-MAP:URI=\"media.mp4\",BYTERANGE=\"%llu@%llu\"\n",
        round(longest_s), (unsigned long long)playlist->map_length,
        (unsigned long long)playlist->map_offset);
    for (size_t i = 0; i < playlist->count && rc == 0; i++) {
        const struct transcode_segment *segment = &playlist->segments[i];
        rc = shoal_buf_printf(out, "#EXTINF:%.6f,\n#EXT-X-BYTERANGE:%llu@%llu\nmedia.mp4\n",
            segment->duration_s, (unsigned long long)segment->length,
            (unsigned long long)segment->offset);
    }
    return rc != 0 ? rc : shoal_buf_puts(out, "#EXT-X-ENDLIST\n");
}
