// transcode_ffmpeg_ladder.c - the command that makes all renditions in one run.
//
// The source is decoded once, brought to the size of the largest rendition and from there to the
// others. Audio is encoded once. The tee muxer hands every pair of streams to an HLS muxer of its
// own. Key frames are forced by time, so that all renditions are cut at the same moments whatever
// their frame rates are.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "transcode_ffmpeg.h"

#define SEGMENT_S 4
#define KEY_S     2

const char *transcode_rung_name(struct shoal_arena *arena, const struct transcode_rung *rung,
    const char *suffix)
{
    return shoal_arena_printf(arena, "r%d%s", rung->resolution, suffix);
}

static const struct transcode_rung *largest(const struct transcode_ladder *ladder)
{
    const struct transcode_rung *found = NULL;
    for (size_t i = 0; i < ladder->count; i++) {
        const struct transcode_rung *rung = &ladder->rungs[i];
        if (rung->has_video &&
            (found == NULL || (int64_t)rung->width * rung->height >
                                  (int64_t)found->width * found->height)) {
            found = rung;
        }
    }
    return found;
}

/// When all renditions begin. Encoders hold pictures back, by up to two of their own: left alone, a
/// rendition of 30 pictures a second would begin 33 ms behind one of 60, and each change of quality
/// would jump by as much.
static double begin_s(const struct transcode_ladder *ladder)
{
    double slowest = 0;
    for (size_t i = 0; i < ladder->count; i++) {
        double rate = ladder->rungs[i].has_video ? transcode_rate_value(ladder->rungs[i].fps) : 0;
        slowest = rate > 0 && (slowest <= 0 || rate < slowest) ? rate : slowest;
    }
    return slowest > 0 ? 2 / slowest : 0;
}

static struct transcode_rate fastest(const struct transcode_ladder *ladder)
{
    struct transcode_rate rate = {0, 1};
    for (size_t i = 0; i < ladder->count; i++) {
        const struct transcode_rung *rung = &ladder->rungs[i];
        if (rung->has_video && transcode_rate_value(rung->fps) > transcode_rate_value(rate)) {
            rate = rung->fps;
        }
    }
    return rate;
}

/// What comes before the renditions part: even frames, square pixels, 8 bits, and colours that
/// say what they are.
static void base_chain(struct shoal_buf *graph, const struct transcode_source *source,
    const struct transcode_ladder *ladder, size_t video_count)
{
    const struct transcode_rung *top = largest(ladder);
    struct transcode_rate fps = fastest(ladder);
    shoal_buf_printf(graph, "[0:%d]%sfps=%lld/%lld:start_time=0,", source->video_index,
        source->is_interlaced ? "bwdif=mode=send_frame:deint=interlaced," : "",
        (long long)fps.num, (long long)fps.den);
    shoal_buf_printf(graph, "scale=%d:%d:flags=bicubic:out_range=tv%s,setsar=1,format=yuv420p",
        top->width, top->height, source->is_rgb ? ":out_color_matrix=bt709" : "");
    if (source->is_rgb || !source->has_color) {
        // Players guess by the size of what they get: say it once, for the source, in all sizes.
        int shorter = source->width < source->height ? source->width : source->height;
        const char *matrix = source->is_rgb || shorter >= 720 ? "bt709" : "smpte170m";
        shoal_buf_printf(graph, ",setparams=range=tv:colorspace=%s:color_primaries=%s:color_trc=%s",
            matrix, matrix, matrix);
    }
    shoal_buf_printf(graph, ",split=%zu", video_count);
    for (size_t i = 0; i < ladder->count; i++) {
        if (ladder->rungs[i].has_video) {
            shoal_buf_printf(graph, "[s%zu]", i);
        }
    }
}

static void rung_chain(struct shoal_buf *graph, const struct transcode_rung *rung, size_t i,
    const struct transcode_rung *top, struct transcode_rate fps)
{
    shoal_buf_printf(graph, ";[s%zu]", i);
    if (rung->fps.num * fps.den != fps.num * rung->fps.den) {
        shoal_buf_printf(graph, "fps=%lld/%lld:start_time=0,", (long long)rung->fps.num,
            (long long)rung->fps.den);
    }
    if (rung->width != top->width || rung->height != top->height) {
        shoal_buf_printf(graph, "scale=%d:%d:flags=bicubic,setsar=1,", rung->width, rung->height);
    }
    for (size_t j = 0; j < rung->filter_count; j++) {
        shoal_buf_printf(graph, "%s,", rung->filters[j]);
    }
    // The filters of a list may leave another pixel format behind.
    shoal_buf_printf(graph, "format=yuv420p[v%zu]", i);
}

static const char *graph_make(struct shoal_arena *arena, const struct transcode_source *source,
    const struct transcode_ladder *ladder, size_t video_count)
{
    struct shoal_buf graph = {0};
    if (video_count > 0) {
        base_chain(&graph, source, ladder, video_count);
        for (size_t i = 0; i < ladder->count; i++) {
            if (ladder->rungs[i].has_video) {
                rung_chain(&graph, &ladder->rungs[i], i, largest(ladder), fastest(ladder));
            }
        }
    }
    if (source->audio_index >= 0) {
        // Gaps and a late start are filled with silence: sound and picture stay together.
        shoal_buf_printf(&graph, "%s[0:%d]aresample=48000:async=1:first_pts=0[a]",
            video_count > 0 ? ";" : "", source->audio_index);
    }
    const char *text = shoal_arena_strndup(arena, graph.data, graph.length);
    shoal_buf_fini(&graph);
    return text;
}

/// The options of one encoder; `at` counts the video streams of the output.
static void rung_args(struct transcode_args *args, const struct transcode_rung *rung, size_t at)
{
    transcode_args_addf(args, "-c:v:%zu", at);
    transcode_args_add(args, rung->encoder);
    transcode_args_addf(args, "-preset:v:%zu", at);
    transcode_args_add(args, rung->preset);
    transcode_args_addf(args, "-crf:v:%zu", at);
    transcode_args_addf(args, "%d", rung->quality);
    transcode_args_addf(args, "-maxrate:v:%zu", at);
    transcode_args_addf(args, "%lld", (long long)rung->bitrate_bps);
    transcode_args_addf(args, "-bufsize:v:%zu", at);
    transcode_args_addf(args, "%lld", 2 * (long long)rung->bitrate_bps);
    // Forced key frames come every two seconds; the interval only has to be longer.
    transcode_args_addf(args, "-g:v:%zu", at);
    transcode_args_addf(args, "%d", 2 * KEY_S * (int)(transcode_rate_value(rung->fps) + 1));
}

static void encoders_args(struct transcode_args *args, const struct transcode_ladder *ladder,
    size_t video_count, bool has_audio)
{
    size_t at = 0;
    for (size_t i = 0; i < ladder->count; i++) {
        if (ladder->rungs[i].has_video) {
            transcode_args_add(args, "-map");
            transcode_args_addf(args, "[v%zu]", i);
            rung_args(args, &ladder->rungs[i], at++);
        }
    }
    if (video_count > 0) {
        transcode_args_all(args, (const char *const[]){"-profile:v", "high", "-sc_threshold:v", "0",
                                     "-force_key_frames:v", NULL});
        transcode_args_addf(args, "expr:gte(t,n_forced*%d)", KEY_S);
        if (ladder->threads > 0) {
            transcode_args_add(args, "-threads:v");
            transcode_args_addf(args, "%d", ladder->threads);
        }
    }
    if (has_audio) {
        transcode_args_all(args,
            (const char *const[]){"-map", "[a]", "-c:a", "aac", "-ac", "2", "-b:a", NULL});
        transcode_args_addf(args, "%lld", (long long)ladder->audio_bitrate_bps);
    }
}

static const char *outputs_make(struct shoal_arena *arena, const struct transcode_ladder *ladder)
{
    struct shoal_buf out = {0};
    size_t at = 0;
    for (size_t i = 0; i < ladder->count; i++) {
        const struct transcode_rung *rung = &ladder->rungs[i];
        shoal_buf_printf(&out,
            "%s[f=hls:hls_time=%d:hls_playlist_type=vod:hls_segment_type=fmp4:"
            "hls_flags=single_file+independent_segments:output_ts_offset=%.6f:"
            "hls_segment_filename=r%d.mp4:select=\\'",
            i == 0 ? "" : "|", SEGMENT_S, begin_s(ladder), rung->resolution);
        if (rung->has_video) {
            shoal_buf_printf(&out, "v:%zu%s", at++, rung->has_audio ? "," : "");
        }
        shoal_buf_printf(&out, "%s\\']r%d.m3u8", rung->has_audio ? "a:0" : "", rung->resolution);
    }
    const char *text = shoal_arena_strndup(arena, out.data, out.length);
    shoal_buf_fini(&out);
    return text;
}

void transcode_ladder_args(struct transcode_args *args, const struct transcode_source *source,
    const struct transcode_ladder *ladder)
{
    size_t video_count = 0;
    for (size_t i = 0; i < ladder->count; i++) {
        video_count += ladder->rungs[i].has_video ? 1 : 0;
    }
    bool has_audio = source->audio_index >= 0;
    transcode_args_begin(args);
    transcode_args_all(args,
        (const char *const[]){"-stats_period", "1", "-progress", "progress.txt", NULL});
    transcode_args_input(args, source->demuxer);
    transcode_args_file(args, source->path);
    transcode_args_add(args, "-filter_complex");
    transcode_args_add(args, graph_make(args->arena, source, ladder, video_count));
    encoders_args(args, ladder, video_count, has_audio);
    transcode_args_bare(args);
    transcode_args_all(args, (const char *const[]){"-f", "tee", NULL});
    transcode_args_add(args, outputs_make(args->arena, ladder));
}
