// transcode_ffmpeg_picture.c - pictures that users send for their videos: what they are, how large.
//
// The header is read here, bounded, and decides which decoder may run; ffmpeg guesses nothing.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <sys/stat.h>

#include "transcode_ffmpeg.h"

#define PICTURE_BYTES_MAX  (16u << 20)
#define PICTURE_PIXELS_MAX (64 * 1000 * 1000)
#define PICTURE_ASPECT_MAX 40

static const struct transcode_picture_kind kinds[] = {
    {"jpeg", "jpeg_pipe", "mjpeg"},
    {"png", "png_pipe", "png"},
    {"webp", "webp_pipe", "webp"},
};

static uint32_t little(const unsigned char *bytes, size_t count)
{
    uint32_t number = 0;
    for (size_t i = count; i > 0; i--) {
        number = (number << 8) | bytes[i - 1];
    }
    return number;
}

static uint32_t big(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool png_size(const unsigned char *bytes, size_t length, int *width, int *height)
{
    static const unsigned char head[] = "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR";
    if (length < 24 || memcmp(bytes, head, 16) != 0) {
        return false;
    }
    uint32_t wide = big(bytes + 16);
    uint32_t high = big(bytes + 20);
    *width = wide > TRANSCODE_SIDE_MAX ? 0 : (int)wide;
    *height = high > TRANSCODE_SIDE_MAX ? 0 : (int)high;
    return true;
}

/// The three sorts of WebP: lossy, lossless, and with parts around (transparency, movement).
static bool webp_size(const unsigned char *bytes, size_t length, int *width, int *height)
{
    if (length < 30 || memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WEBPVP8", 7) != 0) {
        return false;
    }
    if (bytes[15] == ' ') {
        *width = (int)(little(bytes + 26, 2) & 0x3fff);
        *height = (int)(little(bytes + 28, 2) & 0x3fff);
    } else if (bytes[15] == 'L') {
        uint32_t both = little(bytes + 21, 4);
        *width = (int)(both & 0x3fff) + 1;
        *height = (int)((both >> 14) & 0x3fff) + 1;
    } else {
        uint32_t wide = little(bytes + 24, 3) + 1;
        uint32_t high = little(bytes + 27, 3) + 1;
        *width = wide > TRANSCODE_SIDE_MAX ? 0 : (int)wide;
        *height = high > TRANSCODE_SIDE_MAX ? 0 : (int)high;
    }
    return true;
}

const struct transcode_picture_kind *transcode_picture_of(const unsigned char *bytes, size_t length,
    int *width, int *height)
{
    *width = 0;
    *height = 0;
    if (length >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) {
        return transcode_jpeg_size(bytes, length, width, height) ? &kinds[0] : NULL;
    }
    if (png_size(bytes, length, width, height)) {
        return &kinds[1];
    }
    return webp_size(bytes, length, width, height) ? &kinds[2] : NULL;
}

static int check(const struct transcode_picture_kind *kind, int width, int height,
    struct shoal_err *err)
{
    if (kind == NULL) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "This is no JPEG, PNG or WebP picture");
    }
    bool is_large = width > TRANSCODE_SIDE_MAX || height > TRANSCODE_SIDE_MAX ||
                    (int64_t)width * height > PICTURE_PIXELS_MAX;
    if (width < 1 || height < 1 || is_large) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "This picture has no pixels, or more than %d million",
            PICTURE_PIXELS_MAX / 1000 / 1000);
    }
    if (width > height * PICTURE_ASPECT_MAX || height > width * PICTURE_ASPECT_MAX) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "This picture is too narrow");
    }
    return 0;
}

int transcode_picture_read(const char *path, struct transcode_source *source, struct shoal_err *err)
{
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
        return shoal_fail(err, SHOAL_EIO, "the picture is not there");
    }
    // Behind colour profiles and previews, the size may stand anywhere in a JPEG file.
    struct shoal_arena *arena = shoal_arena_new(0);
    char *bytes = NULL;
    size_t length = 0;
    int width = 0;
    int height = 0;
    int rc = transcode_file_read(arena, path, PICTURE_BYTES_MAX, &bytes, &length, err);
    if (rc == 0) {
        source->picture =
            transcode_picture_of((const unsigned char *)bytes, length, &width, &height);
        rc = check(source->picture, width, height, err);
    }
    shoal_arena_free(arena);
    if (rc == 0) {
        source->demuxer = source->picture->demuxer;
        source->video_index = 0;
        source->width = width;
        source->height = height;
    }
    return rc;
}

int transcode_probe_image(struct shoal_call *call, void *arg, const char *path, json_t **probe,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    struct transcode_source source = {0};
    *probe = NULL;
    int rc = transcode_picture_read(path, &source, err);
    if (rc == 0) {
        *probe = json_pack("{s:{s:s, s:i, s:i}}", "picture", "format", source.picture->name, "width",
            source.width, "height", source.height);
    }
    return rc;
}
