// m3u8_fuzz.c - any bytes as a playlist: rewriting ends, stays bounded and keeps the number of lines.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += text[i] == '\n' ? 1 : 0;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shoal_buf out = {.limit = (size_t)1 << 20};
    char *text = malloc(size + 8);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, "#EXTM3U\n", 8);
    memcpy(text + 8, data, size);
    if (media_playlist_token(&out, text, size + 8, "TOKEN") == 0) {
        size_t given = lines(text, size + 8) + (size > 0 && data[size - 1] != '\n' ? 1 : 0);
        if (lines(out.data, out.length) != given) {
            abort();
        }
    }
    shoal_buf_fini(&out);
    free(text);
    return 0;
}
