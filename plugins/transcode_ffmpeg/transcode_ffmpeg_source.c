// transcode_ffmpeg_source.c - reads a probe back: the numbers that command lines are made from.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "transcode_ffmpeg.h"

#define STREAMS_MAX 1000

bool transcode_rate_parse(const char *text, struct transcode_rate *rate)
{
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return false;
    }
    char *end = NULL;
    int64_t num = strtoll(text, &end, 10);
    int64_t den = 1;
    if (*end == '/' && end[1] >= '0' && end[1] <= '9') {
        den = strtoll(end + 1, &end, 10);
    }
    if (*end != '\0' || num <= 0 || den <= 0 || num > INT32_MAX || den > INT32_MAX) {
        return false;
    }
    *rate = (struct transcode_rate){num, den};
    return true;
}

double transcode_rate_value(struct transcode_rate rate)
{
    return rate.den > 0 ? (double)rate.num / (double)rate.den : 0;
}

static int index_of(const json_t *probe, const char *path)
{
    int64_t index = shoal_integer(probe, path, -1);
    return index >= 0 && index < STREAMS_MAX ? (int)index : -1;
}

static bool side_fits(int64_t side)
{
    return side > 0 && side <= TRANSCODE_SIDE_MAX;
}

static int read_video(const json_t *probe, struct transcode_source *source, struct shoal_err *err)
{
    int64_t width = shoal_integer(probe, "video.width", 0);
    int64_t height = shoal_integer(probe, "video.height", 0);
    source->video_index = index_of(probe, "video.index");
    if (source->video_index < 0 || !side_fits(width) || !side_fits(height)) {
        return shoal_fail(err, SHOAL_EINVAL, "the probe of this file is damaged");
    }
    source->width = (int)width;
    source->height = (int)height;
    if (!transcode_rate_parse(shoal_text(probe, "video.rate", NULL), &source->fps)) {
        source->fps = (struct transcode_rate){30, 1};
    }
    source->is_variable_fps = shoal_flag(probe, "video.is_variable_fps", false);
    source->is_interlaced = shoal_flag(probe, "video.is_interlaced", false);
    source->has_color = shoal_flag(probe, "video.has_color", false);
    source->video_codec = shoal_text(probe, "video.codec", "");
    source->video_profile = shoal_text(probe, "video.profile", "");
    source->pixel_format = shoal_text(probe, "video.pixel_format", "");
    const char *format = source->pixel_format;
    source->is_rgb = strncmp(format, "rgb", 3) == 0 || strncmp(format, "bgr", 3) == 0 ||
                     strncmp(format, "gbr", 3) == 0 || strncmp(format, "argb", 4) == 0 ||
                     strncmp(format, "abgr", 4) == 0 || strncmp(format, "pal8", 4) == 0 ||
                     strncmp(format, "0rgb", 4) == 0 || strncmp(format, "0bgr", 4) == 0;
    return 0;
}

int transcode_source_read(const char *path, const json_t *probe, struct transcode_source *source,
    struct shoal_err *err)
{
    *source = (struct transcode_source){
        .path = path, .video_index = -1, .audio_index = -1, .cover_index = -1};
    if (json_is_object(shoal_get(probe, "picture"))) {
        return transcode_picture_read(path, source, err);
    }
    // The demuxer is asked of the bytes again: a probe from a database chooses no parser.
    int rc = transcode_magic_read(path, &source->demuxer, err);
    if (rc != 0) {
        return rc;
    }
    double duration_s = shoal_number(probe, "duration", 0);
    source->duration_s = isfinite(duration_s) && duration_s > 0 ? duration_s : 0;
    if (json_is_object(shoal_get(probe, "video"))) {
        rc = read_video(probe, source, err);
        if (rc != 0) {
            return rc;
        }
    }
    if (json_is_object(shoal_get(probe, "audio"))) {
        source->audio_index = index_of(probe, "audio.index");
        source->audio_codec = shoal_text(probe, "audio.codec", "");
    }
    int64_t width = shoal_integer(probe, "cover.width", 0);
    int64_t height = shoal_integer(probe, "cover.height", 0);
    if (side_fits(width) && side_fits(height)) {
        source->cover_index = index_of(probe, "cover.index");
        source->cover_width = (int)width;
        source->cover_height = (int)height;
    }
    if (source->video_index < 0 && source->audio_index < 0) {
        return shoal_fail(err, SHOAL_EINVAL, "the probe of this file is damaged");
    }
    return 0;
}
