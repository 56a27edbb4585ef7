// captions_convert_fuzz.c - any bytes as a caption file: what is taken is WebVTT that is taken again as it is.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/captions_priv.h"

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void whole(const char *path, struct shoal_buf *text)
{
    if (shoal_file_read_whole(path, 64 << 20, text, NULL) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char from[64], once[64], again[64];
    snprintf(from, sizeof from, "/tmp/caption-%d", (int)getpid());
    snprintf(once, sizeof once, "%s-once", from);
    snprintf(again, sizeof again, "%s-again", from);
    FILE *file = size > 0 ? fopen(from, "w") : NULL;
    if (file == NULL) {
        return 0;
    }
    fwrite(data + 1, 1, size - 1, file);
    fclose(file);
    struct shoal_err err = {0};
    struct shoal_buf one = {0};
    struct shoal_buf two = {0};
    if (catalog_caption_convert(from, data[0] % 2 == 0, once, &err) == 0) {
        if (catalog_caption_convert(once, false, again, &err) != 0) {
            abort();
        }
        whole(once, &one);
        whole(again, &two);
        if (one.length != two.length || memcmp(one.data, two.data, one.length) != 0) {
            abort();
        }
        unlink(again);
    }
    unlink(once);
    unlink(from);
    shoal_buf_fini(&one);
    shoal_buf_fini(&two);
    return 0;
}
