// transcode_ffmpeg_plan.c - from what the plan asks for to what each rendition will be.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>
#include <string.h>

#include "transcode_ffmpeg.h"

#define RESOLUTION_MAX 4320
#define BITRATE_MAX    400000000

static const char *const presets[] = {"ultrafast", "superfast", "veryfast", "faster", "fast",
    "medium", "slow", "slower", "veryslow"};
static const char *const encoders[] = {"libx264"};

/// Filters that a plugin may ask for by name; what ffmpeg hears is ours alone.
static const struct {
    const char *name;
    const char *text;
} filters[] = {
    {"deinterlace", "bwdif=mode=send_frame"},
    {"denoise", "hqdn3d=2:1.5:3:2.25"},
    {"sharpen", "unsharp=5:5:0.5:5:5:0"},
    {"deblock", "deblock=filter=weak:block=8"},
    {"gray", "hue=s=0"},
};

static const char *choose(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; word != NULL && i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            return words[i];
        }
    }
    return NULL;
}

static bool is_codec(const json_t *item, const char *key, const char *ours)
{
    const json_t *value = json_object_get(item, key);
    return value == NULL || json_is_null(value) ||
           (json_is_string(value) && strcmp(json_string_value(value), ours) == 0);
}

bool transcode_plan_fits(const json_t *plan, struct shoal_err *err)
{
    size_t count = json_array_size(plan);
    if (count == 0 || count > TRANSCODE_RENDITIONS_MAX) {
        shoal_fail(err, SHOAL_EINVAL, "A plan has 1 to %d renditions", TRANSCODE_RENDITIONS_MAX);
        return false;
    }
    size_t i;
    json_t *item;
    json_array_foreach(plan, i, item) {
        int64_t resolution = shoal_integer(item, "resolution", -1);
        if (resolution < 0 || resolution > RESOLUTION_MAX ||
            !is_codec(item, "video_codec", "h264") || !is_codec(item, "audio_codec", "aac")) {
            shoal_fail(err, SHOAL_EUNSUPPORTED,
                "ffmpeg makes H.264 with AAC here, up to %d lines", RESOLUTION_MAX);
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            // Files are called by their resolution.
            if (shoal_integer(json_array_get(plan, j), "resolution", -1) == resolution) {
                shoal_fail(err, SHOAL_EINVAL, "A plan names each resolution once");
                return false;
            }
        }
    }
    return true;
}

static int even(double number)
{
    long half = lround(number / 2);
    return half < 1 ? 2 : (int)(2 * half);
}

void transcode_fit(int width, int height, int resolution, int *out_width, int *out_height)
{
    int shorter = width < height ? width : height;
    if (resolution >= shorter) {
        // The source's own size; a lost odd line is better than a stretched one.
        *out_width = width > 1 ? width & ~1 : 2;
        *out_height = height > 1 ? height & ~1 : 2;
        return;
    }
    double scale = (double)resolution / shorter;
    *out_width = even(width * scale);
    *out_height = even(height * scale);
}

struct transcode_rate transcode_rate_choose(struct transcode_rate source, bool is_variable,
    double max)
{
    static const struct transcode_rate usual[] = {{24000, 1001}, {24, 1}, {25, 1}, {30000, 1001},
        {30, 1}, {48, 1}, {50, 1}, {60000, 1001}, {60, 1}};
    double value = transcode_rate_value(source);
    // A measured average is near the rate that was meant: nearer where frames come evenly.
    double near = is_variable ? 0.02 : 0.0005;
    double best = near;
    struct transcode_rate rate = source;
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        double off = fabs(transcode_rate_value(usual[i]) / value - 1);
        if (off < best) {
            best = off;
            rate = usual[i];
        }
    }
    value = transcode_rate_value(rate);
    if (value <= max * 1.0005) {
        return rate;
    }
    if (is_variable) {
        return (struct transcode_rate){(int64_t)fmax(1, floor(max)), 1};
    }
    // Every second, third, … frame: the movement stays even.
    int64_t step = (int64_t)ceil(value / max - 0.0005);
    return (struct transcode_rate){rate.num, rate.den * step};
}

int64_t transcode_bitrate(int width, int height, double fps)
{
    // 4.5 Mbit/s at 1080 lines and 30 frames; small pictures need more bits a pixel, and twice the
    // frames do not need twice the bits.
    double pixels = (double)width * height / (1920.0 * 1080.0);
    double bits = 4500000.0 * pow(pixels, 0.75) * pow(fmax(fps, 1) / 30.0, 0.6);
    return (int64_t)fmin(fmax(bits, 100000), BITRATE_MAX);
}

static void rung_video(struct transcode_rung *rung, const json_t *item,
    const struct transcode_source *source, const struct transcode_options *options)
{
    transcode_fit(source->width, source->height, rung->resolution, &rung->width, &rung->height);
    double fps = shoal_number(item, "fps", 0);
    double max = isfinite(fps) && fps >= 1 ? fmin(fps, options->fps_max) : options->fps_max;
    rung->fps = transcode_rate_choose(source->fps, source->is_variable_fps, max);
    int64_t bits = shoal_integer(item, "bitrate_bps", 0);
    rung->bitrate_bps =
        bits > 0 && bits <= BITRATE_MAX
            ? bits
            : transcode_bitrate(rung->width, rung->height, transcode_rate_value(rung->fps));
    rung->encoder = encoders[0];
    rung->preset = options->preset;
    rung->quality = options->quality;
}

int transcode_plan_read(const json_t *plan, const struct transcode_source *source,
    const struct transcode_options *options, struct transcode_ladder *ladder,
    struct shoal_err *err)
{
    *ladder = (struct transcode_ladder){
        .threads = options->threads, .audio_bitrate_bps = options->audio_bitrate_bps};
    if (!transcode_plan_fits(plan, err)) {
        return SHOAL_EUNSUPPORTED;
    }
    size_t i;
    json_t *item;
    json_array_foreach(plan, i, item) {
        struct transcode_rung *rung = &ladder->rungs[ladder->count++];
        rung->resolution = (int)shoal_integer(item, "resolution", 0);
        rung->has_audio = source->audio_index >= 0;
        rung->has_video = rung->resolution > 0 && source->video_index >= 0;
        if (!rung->has_video && (rung->resolution > 0 || !rung->has_audio)) {
            return shoal_fail(err, SHOAL_EUNSUPPORTED,
                "The plan asks for %d lines, which this file has not", rung->resolution);
        }
        if (rung->has_video) {
            rung_video(rung, item, source, options);
        }
    }
    return 0;
}

static bool apply_filters(struct transcode_rung *rung, const json_t *names)
{
    bool is_clean = json_is_array(names) && json_array_size(names) <= TRANSCODE_FILTERS_MAX;
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name) {
        const char *text = NULL;
        for (size_t j = 0; j < sizeof(filters) / sizeof(filters[0]); j++) {
            if (json_is_string(name) && strcmp(filters[j].name, json_string_value(name)) == 0) {
                text = filters[j].text;
            }
        }
        if (text != NULL && rung->filter_count < TRANSCODE_FILTERS_MAX) {
            rung->filters[rung->filter_count++] = text;
        } else {
            is_clean = false;
        }
    }
    return is_clean;
}

bool transcode_rung_apply(struct transcode_rung *rung, const json_t *value)
{
    const char *encoder = choose(shoal_text(value, "encoder", NULL), encoders,
        sizeof(encoders) / sizeof(encoders[0]));
    const char *preset = choose(shoal_text(value, "preset", NULL), presets,
        sizeof(presets) / sizeof(presets[0]));
    int64_t quality = shoal_integer(value, "quality", -1);
    bool is_quality = quality >= 1 && quality <= 51;
    rung->encoder = encoder != NULL ? encoder : rung->encoder;
    rung->preset = preset != NULL ? preset : rung->preset;
    rung->quality = is_quality ? (int)quality : rung->quality;
    rung->filter_count = 0;
    bool are_filters = apply_filters(rung, json_object_get(value, "filters"));
    return encoder != NULL && preset != NULL && is_quality && are_filters;
}

void transcode_plan_ask(struct shoal_call *call, const json_t *probe,
    struct transcode_ladder *ladder)
{
    if (!shoal_hook_heard("transcode.encode")) {
        return;
    }
    for (size_t i = 0; i < ladder->count; i++) {
        struct transcode_rung *rung = &ladder->rungs[i];
        if (!rung->has_video) {
            continue;
        }
        json_t *value = json_pack("{s:{s:i s:i s:i s:f s:I} s:O? s:s s:s s:i s:[]}", "rendition",
            "resolution", rung->resolution, "width", rung->width, "height", rung->height, "fps",
            transcode_rate_value(rung->fps), "bitrate_bps", (json_int_t)rung->bitrate_bps, "probe",
            probe, "encoder", rung->encoder, "preset", rung->preset, "quality", rung->quality,
            "filters");
        shoal_fire_filter(call, "transcode.encode", &value);
        if (!transcode_rung_apply(rung, value)) {
            shoal_warn("transcode.encode: an option for %d lines is in no list and was left out",
                rung->resolution);
        }
        json_decref(value);
    }
}

int transcode_takes(struct shoal_call *call, void *arg, const json_t *probe, const json_t *plan)
{
    (void)call;
    (void)arg;
    if (!transcode_plan_fits(plan, NULL)) {
        return SHOAL_EUNSUPPORTED;
    }
    bool has_video = json_is_object(shoal_get(probe, "video"));
    bool has_audio = json_is_object(shoal_get(probe, "audio"));
    size_t i;
    json_t *item;
    json_array_foreach(plan, i, item) {
        bool is_audio_alone = shoal_integer(item, "resolution", 0) == 0;
        if (is_audio_alone ? !has_audio : !has_video) {
            return SHOAL_EUNSUPPORTED;
        }
    }
    return 0;
}
