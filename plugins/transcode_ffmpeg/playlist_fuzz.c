// playlist_fuzz.c - any bytes as a media playlist: what is taken lies in the file, and is written whole.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "transcode_ffmpeg.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const uint64_t media_bytes = 1 << 20;
    struct shoal_arena *arena = shoal_arena_new(0);
    struct transcode_playlist playlist = {0}, again = {0};
    struct shoal_buf out = {0};
    if (transcode_playlist_parse(arena, (const char *)bytes, length, media_bytes, &playlist, NULL) == 0) {
        for (size_t i = 0; i < playlist.count; i++) {
            const struct transcode_segment *segment = &playlist.segments[i];
            if (segment->offset > media_bytes || segment->length > media_bytes - segment->offset) {
                abort();
            }
        }
        if (transcode_playlist_write(&playlist, &out) != 0 ||
            transcode_playlist_parse(arena, out.data, out.length, media_bytes, &again, NULL) != 0 ||
            again.count != playlist.count) {
            abort();
        }
    }
    shoal_buf_fini(&out);
    shoal_arena_free(arena);
    return 0;
}
