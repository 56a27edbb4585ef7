// pipeline_plan.c - which renditions a source gets: by its short side, its frame rate, the
// settings.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>
#include <stdlib.h>

#include "catalog/pipeline_priv.h"

#define PLAN_MAX       16
#define RESOLUTION_MAX 4320
#define FPS_MAX        60
#define FPS_LOW        30 // below 720p nobody misses the other half of the frames
#define AUDIO_BPS      128000

// Bits a second that H.264 needs at 30 frames to look right, by short side.
static const struct {
    int resolution;
    int64_t bps;
} rates[] = {{144, 150000}, {240, 300000}, {360, 700000}, {480, 1200000}, {720, 2500000},
    {1080, 4800000}, {1440, 9000000}, {2160, 18000000}};

int catalog_resolution_of(const json_t *probe)
{
    int64_t width = shoal_integer(probe, "video.width", 0);
    int64_t height = shoal_integer(probe, "video.height", 0);
    int64_t side = width < height ? width : height;
    return side < 0 || side > 100000 ? 0 : (int)side;
}

static int64_t rate_of(int resolution, double fps)
{
    size_t last = sizeof(rates) / sizeof(rates[0]) - 1;
    double bps = (double)rates[last].bps * resolution / rates[last].resolution;
    for (size_t i = 0; i <= last; i++) {
        if (resolution <= rates[i].resolution) {
            bps = (double)rates[i].bps * resolution / rates[i].resolution;
            break;
        }
    }
    // Twice the frames are a third more bits: most of them look like the last one.
    return (int64_t)(bps * (fps > 30 ? 1 + (fps - 30) / 90 : 1)) + AUDIO_BPS;
}

static void plan_add(json_t *plan, const json_t *probe, int resolution, double source_fps)
{
    for (size_t i = 0; i < json_array_size(plan); i++) {
        if (shoal_integer(json_array_get(plan, i), "resolution", -1) == resolution) {
            return;
        }
    }
    bool has_audio = json_is_object(json_object_get(probe, "audio"));
    double cap = (double)catalog_setting_i64("transcoding.fps_max", FPS_MAX);
    double fps = source_fps > cap && cap > 0 ? cap : source_fps;
    if (resolution > 0 && resolution < 720 && fps > FPS_LOW) {
        fps = fps / 2 > 20 ? fps / 2 : FPS_LOW;
    }
    json_t *row =
        json_pack("{s:i, s:f}", "resolution", resolution, "fps", resolution == 0 ? 0.0 : fps);
    json_object_set_new(row, "video_codec", resolution == 0 ? json_null() : json_string("h264"));
    json_object_set_new(row, "audio_codec", has_audio ? json_string("aac") : json_null());
    json_object_set_new(
        row, "bitrate_bps", json_integer(resolution == 0 ? AUDIO_BPS : rate_of(resolution, fps)));
    json_array_append_new(plan, row);
}

static size_t enabled_get(int out[PLAN_MAX])
{
    static const int fallback[] = {360, 720, 1080};
    json_t *value = shoal_instance_setting("transcoding.resolutions");
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(value) && count < PLAN_MAX - 1; i++) {
        const json_t *item = json_array_get(value, i);
        const char *text = json_string_value(item);
        int64_t resolution = text != NULL ? strtoll(text, NULL, 10) : json_integer_value(item);
        if (resolution > 0 && resolution <= RESOLUTION_MAX) {
            out[count++] = (int)resolution;
        }
    }
    json_decref(value);
    if (count == 0) {
        for (; count < sizeof(fallback) / sizeof(fallback[0]); count++) {
            out[count] = fallback[count];
        }
    }
    return count;
}

json_t *catalog_plan_make(const json_t *probe)
{
    json_t *plan = json_array();
    int source = catalog_resolution_of(probe);
    double fps = shoal_number(probe, "video.fps", 30);
    if (!isfinite(fps) || fps < 1 || fps > 1000) {
        fps = 30;
    }
    if (source == 0) {
        plan_add(plan, probe, 0, 0);
        return plan;
    }
    int enabled[PLAN_MAX];
    size_t count = enabled_get(enabled);
    int largest = 0;
    int best = 0; // the largest that is not above the source
    for (size_t i = 0; i < count; i++) {
        largest = enabled[i] > largest ? enabled[i] : largest;
        if (enabled[i] <= source) {
            plan_add(plan, probe, enabled[i], fps);
            best = enabled[i] > best ? enabled[i] : best;
        }
    }
    // The source's own size, where no rendition comes near it and none so large is unwanted.
    int own = source - source % 2;
    bool wants_own = catalog_setting_bool("transcoding.original_resolution", true);
    if (best == 0 || (wants_own && own <= largest && own * 10 > best * 11)) {
        plan_add(plan, probe, own > 0 ? own : 2, fps);
    }
    return plan;
}

static bool plan_valid(const json_t *plan)
{
    size_t count = json_array_size(plan);
    if (!json_is_array(plan) || count == 0 || count > PLAN_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(plan, i);
        int64_t resolution = shoal_integer(row, "resolution", -1);
        double fps = shoal_number(row, "fps", -1);
        if (resolution < 0 || resolution > RESOLUTION_MAX || !(fps >= 0 && fps <= 240) ||
            shoal_number(row, "bitrate_bps", 0) < 0) {
            return false;
        }
    }
    return true;
}

json_t *catalog_plan_filter(struct shoal_call *call, const struct catalog_video *video,
    const json_t *probe, const char *origin, json_t *plan)
{
    if (!shoal_hook_heard("transcode.plan")) {
        return plan;
    }
    json_t *value = json_pack("{s:o?, s:O, s:s, s:o}", "video",
        catalog_video_json(call, video, CATALOG_DETAIL | CATALOG_OWNER, NULL), "probe", probe,
        "origin", origin, "plan", json_deep_copy(plan));
    shoal_fire_filter(call, "transcode.plan", &value);
    // A filter may hand back the whole value or the plan alone.
    json_t *changed = json_is_array(value) ? value : json_object_get(value, "plan");
    if (plan_valid(changed)) {
        json_decref(plan);
        plan = json_incref(changed);
    } else {
        shoal_warn("transcode.plan made no plan for video %s: it is left out", video->uuid);
    }
    json_decref(value);
    return plan;
}
