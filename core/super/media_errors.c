// media_errors.c - keeps the last 64 KiB of what a media process complains about.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "super/media.h"

/// Drops the first half of a full file, so that the newest words stay.
static void halve(struct shoal_media *media)
{
    const size_t keep = SHOAL_MEDIA_ERRORS_MAX / 2;
    char *data = malloc(keep);
    if (data == NULL) {
        abort();
    }
    ssize_t got = pread(media->errors_file, data, keep, media->errors_bytes - (int64_t)keep);
    if (ftruncate(media->errors_file, 0) == 0) {
        lseek(media->errors_file, 0, SEEK_SET);
        media->errors_bytes = 0;
        if (got > 0 && write(media->errors_file, data, (size_t)got) == got) {
            media->errors_bytes = got;
        }
    }
    free(data);
}

void shoal_media_errors_read(struct shoal_media *media)
{
    char data[8192];
    for (int turns = 0; media->errors_pipe >= 0 && turns < 16; turns++) {
        ssize_t got = read(media->errors_pipe, data, sizeof data);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            shoal_media_errors_close(media);
            return;
        }
        if (media->errors_bytes + got > SHOAL_MEDIA_ERRORS_MAX) {
            halve(media);
        }
        if (write(media->errors_file, data, (size_t)got) == got) {
            media->errors_bytes += got;
        }
    }
}

void shoal_media_errors_close(struct shoal_media *media)
{
    if (media->errors_pipe >= 0) {
        close(media->errors_pipe);
    }
    if (media->errors_file >= 0) {
        close(media->errors_file);
    }
    media->errors_pipe = -1;
    media->errors_file = -1;
}
