// box_fuzz.c - any bytes as boxes of an MP4 file, as a picture and as a JPEG.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "transcode_ffmpeg.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    unsigned char *exact = malloc(length + (length == 0));
    memcpy(exact, bytes, length);
    struct shoal_arena *arena = shoal_arena_new(0);
    const char *codecs = NULL;
    if (transcode_codecs_of(arena, exact, length, &codecs, NULL) == 0 &&
        (codecs == NULL || strpbrk(codecs, "\"\r\n") != NULL)) {
        abort(); // it goes into a quoted string of a playlist
    }
    struct transcode_box box;
    transcode_box_find(exact, length, "moov/trak/mdia/minf/stbl/stsd", &box);
    int width = 0, height = 0;
    if (transcode_picture_of(exact, length, &width, &height) && (width < 0 || height < 0)) {
        abort();
    }
    transcode_jpeg_size(exact, length, &width, &height);
    shoal_arena_free(arena);
    free(exact);
    return 0;
}
