// transcode_ffmpeg_probe_read.c - ffprobe's answer in the words of the contract.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transcode_ffmpeg.h"

#define STREAMS_MAX    256
#define DURATION_MAX_S (30.0 * 24 * 3600)
#define PACKETS_MAX    2000

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/// A number that ffprobe writes as a number or as text.
static double number_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_number(value)) {
        return json_number_value(value);
    }
    const char *text = json_string_value(value);
    double number = text == NULL ? 0 : strtod(text, NULL);
    return isfinite(number) ? number : 0;
}

static int64_t integer_at(const json_t *object, const char *key, double max)
{
    double number = number_at(object, key);
    return number > 0 && number <= max ? (int64_t)number : 0;
}

static bool is_kind(const json_t *stream, const char *kind)
{
    const char *type = text_at(stream, "codec_type");
    return type != NULL && strcmp(type, kind) == 0;
}

static bool is_cover(const json_t *stream)
{
    return json_integer_value(
               json_object_get(json_object_get(stream, "disposition"), "attached_pic")) != 0;
}

/// Degrees clockwise by which the picture is turned before it is shown: 0, 90, 180 or 270.
static int rotation_of(const json_t *stream)
{
    double turn = 0;
    size_t i;
    json_t *side;
    json_array_foreach(json_object_get(stream, "side_data_list"), i, side) {
        if (json_object_get(side, "rotation") != NULL) {
            turn = -number_at(side, "rotation");
        }
    }
    long quarter = fabs(turn) <= 3600 ? lround(turn / 90) : 0;
    return (int)(((quarter % 4) + 4) % 4) * 90;
}

/// Width and height as shown: square pixels, upright.
static void shown_size(const json_t *stream, int rotation, int64_t *width, int64_t *height)
{
    *width = integer_at(stream, "width", TRANSCODE_SIDE_MAX);
    *height = integer_at(stream, "height", TRANSCODE_SIDE_MAX);
    struct transcode_rate aspect = {1, 1};
    char text[32];
    const char *ratio = text_at(stream, "sample_aspect_ratio");
    const char *colon = ratio == NULL ? NULL : strchr(ratio, ':');
    if (colon != NULL && strlen(ratio) < sizeof(text)) {
        memcpy(text, ratio, strlen(ratio) + 1);
        text[colon - ratio] = '/';
        double value =
            transcode_rate_parse(text, &aspect) ? transcode_rate_value(aspect) : 1;
        double wide = round((double)*width * value);
        // Nonsense is common here; cinema's widest anamorphic lens doubles.
        if (value >= 0.25 && value <= 4 && wide >= 1 && wide <= TRANSCODE_SIDE_MAX) {
            *width = (int64_t)wide;
        }
    }
    if (rotation == 90 || rotation == 270) {
        int64_t swap = *width;
        *width = *height;
        *height = swap;
    }
}

static bool is_interlaced(const json_t *stream)
{
    const char *order = text_at(stream, "field_order");
    return order != NULL && (strcmp(order, "tt") == 0 || strcmp(order, "bb") == 0 ||
                                strcmp(order, "tb") == 0 || strcmp(order, "bt") == 0);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/// Whether the first packets of a stream come at uneven times. Milliseconds are as exact as many
/// containers are.
static bool is_uneven(const json_t *raw, const json_t *stream)
{
    double times[PACKETS_MAX];
    size_t count = 0;
    size_t i;
    json_t *packet;
    json_int_t index = json_integer_value(json_object_get(stream, "index"));
    json_array_foreach(json_object_get(raw, "packets"), i, packet) {
        if (count < PACKETS_MAX && text_at(packet, "pts_time") != NULL &&
            json_integer_value(json_object_get(packet, "stream_index")) == index) {
            times[count++] = number_at(packet, "pts_time");
        }
    }
    if (count < 4 || is_interlaced(stream)) {
        return false;
    }
    qsort(times, count, sizeof(times[0]), by_size);
    // The newest packets may wait for earlier ones that were not read.
    count -= count > 20 ? 8 : 0;
    double least = INFINITY;
    double most = 0;
    for (i = 1; i < count; i++) {
        least = fmin(least, times[i] - times[i - 1]);
        most = fmax(most, times[i] - times[i - 1]);
    }
    return most - least > 0.0035 && most > 1.2 * least;
}

/// The average rate where it is sane. Whether frames come unevenly shows in their times, and in
/// r_frame_rate, the rate in which all of them fit: it is then much higher (an interlaced stream's
/// is double).
static void rate_of(const json_t *stream, struct transcode_rate *rate, bool *is_variable)
{
    struct transcode_rate average = {0, 0};
    struct transcode_rate base = {0, 0};
    bool has_average = transcode_rate_parse(text_at(stream, "avg_frame_rate"), &average);
    bool has_base = transcode_rate_parse(text_at(stream, "r_frame_rate"), &base);
    double mean = transcode_rate_value(average);
    double fine = transcode_rate_value(base);
    has_average = has_average && mean >= 0.1 && mean <= 1000;
    has_base = has_base && fine >= 0.1 && fine <= 240;
    if (has_average) {
        *rate = average;
        double ratio = fine / mean;
        bool is_field_rate = is_interlaced(stream) && fabs(ratio - 2) < 0.01;
        *is_variable = !has_base || (fabs(ratio - 1) > 0.01 && !is_field_rate);
        return;
    }
    *rate = has_base ? base : (struct transcode_rate){30, 1};
    *is_variable = !has_base;
}

static int bit_depth_of(const json_t *stream)
{
    int64_t bits = integer_at(stream, "bits_per_raw_sample", 32);
    if (bits > 0) {
        return (int)bits;
    }
    const char *format = text_at(stream, "pix_fmt");
    if (format == NULL) {
        return 8;
    }
    static const char *const deep[] = {"9", "10", "12", "14", "16"};
    size_t length = strlen(format);
    for (size_t i = 0; i < sizeof(deep) / sizeof(deep[0]); i++) {
        size_t n = strlen(deep[i]);
        // "yuv420p10le", "gray12be": the depth stands before the byte order.
        if (length > n + 2 && (strcmp(format + length - 2, "le") == 0 ||
                                  strcmp(format + length - 2, "be") == 0) &&
            strncmp(format + length - 2 - n, deep[i], n) == 0 &&
            (format[length - 3 - n] < '0' || format[length - 3 - n] > '9')) {
            return (int)strtol(deep[i], NULL, 10);
        }
    }
    return strncmp(format, "p010", 4) == 0 ? 10 : 8;
}

static json_t *video_of(const json_t *raw, const json_t *stream)
{
    int rotation = rotation_of(stream);
    int64_t width = 0;
    int64_t height = 0;
    shown_size(stream, rotation, &width, &height);
    struct transcode_rate rate = {0, 0};
    bool is_variable = false;
    rate_of(stream, &rate, &is_variable);
    is_variable = is_variable || is_uneven(raw, stream);
    char fraction[48];
    snprintf(fraction, sizeof(fraction), "%lld/%lld", (long long)rate.num, (long long)rate.den);
    const char *space = text_at(stream, "color_space");
    const char *profile = text_at(stream, "profile");
    const char *format = text_at(stream, "pix_fmt");
    return json_pack("{s:I s:s s:s s:I s:I s:i s:f s:s s:s s:i s:b s:b s:b}", "index",
        (json_int_t)json_integer_value(json_object_get(stream, "index")), "codec",
        text_at(stream, "codec_name"), "profile", profile == NULL ? "" : profile, "width",
        (json_int_t)width, "height", (json_int_t)height, "rotation", rotation, "fps",
        transcode_rate_value(rate), "rate", fraction, "pixel_format", format == NULL ? "" : format,
        "bit_depth", bit_depth_of(stream), "is_variable_fps", is_variable, "is_interlaced",
        is_interlaced(stream), "has_color",
        space != NULL && strcmp(space, "unknown") != 0 && strcmp(space, "reserved") != 0);
}

static json_t *audio_of(const json_t *stream)
{
    return json_pack("{s:I s:s s:I s:I}", "index",
        (json_int_t)json_integer_value(json_object_get(stream, "index")), "codec",
        text_at(stream, "codec_name"), "channels", (json_int_t)integer_at(stream, "channels", 512),
        "sample_rate", (json_int_t)integer_at(stream, "sample_rate", 1e7));
}

static json_t *cover_of(const json_t *stream)
{
    return json_pack("{s:I s:I s:I}", "index",
        (json_int_t)json_integer_value(json_object_get(stream, "index")), "width",
        (json_int_t)integer_at(stream, "width", TRANSCODE_SIDE_MAX), "height",
        (json_int_t)integer_at(stream, "height", TRANSCODE_SIDE_MAX));
}

struct streams {
    const json_t *video, *audio, *cover;
    const json_t *unknown; ///< a video or audio that we do not decode
};

static void choose(const json_t *raw, struct streams *chosen)
{
    size_t i;
    json_t *stream;
    json_array_foreach(json_object_get(raw, "streams"), i, stream) {
        const char *codec = text_at(stream, "codec_name");
        bool is_video = is_kind(stream, "video");
        bool is_audio = is_kind(stream, "audio");
        if (is_video && is_cover(stream)) {
            chosen->cover = chosen->cover == NULL && transcode_video_known(codec) ? stream
                                                                                  : chosen->cover;
        } else if (is_video && transcode_video_known(codec) && number_at(stream, "width") > 0 &&
                   number_at(stream, "height") > 0) {
            chosen->video = chosen->video == NULL ? stream : chosen->video;
        } else if (is_audio && transcode_audio_known(codec) && number_at(stream, "channels") > 0) {
            chosen->audio = chosen->audio == NULL ? stream : chosen->audio;
        } else if (is_video || is_audio) {
            chosen->unknown = chosen->unknown == NULL ? stream : chosen->unknown;
        }
    }
}

static double duration_of(const json_t *raw, const struct streams *chosen)
{
    double duration_s = number_at(json_object_get(raw, "format"), "duration");
    if (duration_s <= 0 && chosen->video != NULL) {
        duration_s = number_at(chosen->video, "duration");
    }
    if (duration_s <= 0 && chosen->audio != NULL) {
        duration_s = number_at(chosen->audio, "duration");
    }
    return duration_s > 0 ? duration_s : 0;
}

/// ffprobe's tree without what may say where, when and with what it was filmed. Languages and the
/// titles of chapters stay: they are meant for viewers.
static json_t *raw_clean(const json_t *raw)
{
    json_t *clean = json_object();
    json_object_set_new(clean, "streams", json_deep_copy(json_object_get(raw, "streams")));
    json_object_set_new(clean, "format", json_deep_copy(json_object_get(raw, "format")));
    json_t *chapters = json_deep_copy(json_object_get(raw, "chapters"));
    json_object_set_new(clean, "chapters", chapters != NULL ? chapters : json_array());
    json_t *format = json_object_get(clean, "format");
    json_object_del(format, "filename");
    json_object_del(format, "tags");
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(clean, "streams"), i, item) {
        json_t *language = json_incref(shoal_get(item, "tags.language"));
        json_object_del(item, "tags");
        if (json_is_string(language)) {
            json_object_set_new(item, "tags", json_pack("{s:O}", "language", language));
        }
        json_decref(language);
    }
    json_array_foreach(json_object_get(clean, "chapters"), i, item) {
        json_t *title = json_incref(shoal_get(item, "tags.title"));
        json_object_del(item, "tags");
        if (json_is_string(title)) {
            json_object_set_new(item, "tags", json_pack("{s:O}", "title", title));
        }
        json_decref(title);
    }
    return clean;
}

static int check(const json_t *raw, const struct streams *chosen, struct shoal_err *err)
{
    if (!json_is_object(raw) || !json_is_object(json_object_get(raw, "format"))) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "This file cannot be read as a video or audio");
    }
    if (json_array_size(json_object_get(raw, "streams")) > STREAMS_MAX) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "This file has more than %d streams", STREAMS_MAX);
    }
    if (chosen->video == NULL && chosen->audio == NULL) {
        if (chosen->unknown != NULL) {
            return shoal_fail(err, SHOAL_EUNREADABLE,
                "This file's video and audio are in a format that this server cannot read");
        }
        return shoal_fail(err, SHOAL_EUNREADABLE, "There is no video and no audio in this file");
    }
    int64_t width = 0;
    int64_t height = 0;
    if (chosen->video != NULL) {
        shown_size(chosen->video, 0, &width, &height);
        if (width < 1 || height < 1) {
            return shoal_fail(err, SHOAL_EUNREADABLE, "This video is larger than %d × %d pixels",
                TRANSCODE_SIDE_MAX, TRANSCODE_SIDE_MAX);
        }
    }
    if (duration_of(raw, chosen) > DURATION_MAX_S) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "This file says that it is longer than a month");
    }
    return 0;
}

json_t *transcode_probe_normal(const json_t *raw, struct shoal_err *err)
{
    struct streams chosen = {0};
    choose(raw, &chosen);
    if (check(raw, &chosen, err) != 0) {
        return NULL;
    }
    const json_t *format = json_object_get(raw, "format");
    const char *name = text_at(format, "format_name");
    json_t *probe = json_pack("{s:f s:s s:I s:o s:o s:b s:o s:o}", "duration",
        duration_of(raw, &chosen), "format", name == NULL ? "" : name, "bitrate_bps",
        (json_int_t)integer_at(format, "bit_rate", 1e12), "video",
        chosen.video == NULL ? json_null() : video_of(raw, chosen.video), "audio",
        chosen.audio == NULL ? json_null() : audio_of(chosen.audio), "has_cover",
        chosen.cover != NULL, "cover", chosen.cover == NULL ? json_null() : cover_of(chosen.cover),
        "raw", raw_clean(raw));
    if (probe == NULL) {
        // Text that is not UTF-8 never gets here: the parser has refused it.
        shoal_fail(err, SHOAL_EUNREADABLE, "This file cannot be read as a video or audio");
    }
    return probe;
}
