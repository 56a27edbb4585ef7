// transcode_ffmpeg_remux.c - the same pictures and sound in an MP4 that plays at once and says
// nothing else.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "transcode_ffmpeg.h"

#define WALL_S   (2 * 3600)
#define OUT_NAME "remux.mp4"

void transcode_remux_args(struct transcode_args *args, const struct transcode_source *source,
    const char *out_name)
{
    transcode_args_begin(args);
    transcode_args_input(args, source->demuxer);
    transcode_args_file(args, source->path);
    if (source->video_index >= 0) {
        transcode_args_add(args, "-map");
        transcode_args_addf(args, "0:%d", source->video_index);
    }
    if (source->audio_index >= 0) {
        transcode_args_add(args, "-map");
        transcode_args_addf(args, "0:%d", source->audio_index);
    }
    transcode_args_all(args, (const char *const[]){"-c", "copy", NULL});
    transcode_args_bare(args);
    // Opus and FLAC in MP4 count as experimental in some versions of ffmpeg.
    transcode_args_all(args, (const char *const[]){"-write_tmcd", "0", "-strict", "experimental",
                                 "-movflags", "+faststart", "-f", "mp4", out_name, NULL});
}

static int check(const struct transcode_source *source, struct shoal_err *err)
{
    if (source->video_index >= 0 && !transcode_video_plays(source->video_codec,
                                        source->video_profile, source->pixel_format)) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED,
            "Browsers do not play this %s video as it is: it has to be transcoded first",
            source->video_codec);
    }
    if (source->audio_index >= 0 && !transcode_audio_plays(source->audio_codec)) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED,
            "Browsers do not play this %s sound as it is: it has to be transcoded first",
            source->audio_codec);
    }
    return 0;
}

static int run(struct shoal_call *call, struct transcode *self,
    const struct transcode_source *source, const char *work_path, const char *out_path,
    const char *key, struct shoal_err *err)
{
    struct transcode_options options;
    transcode_options_read(self, call, &options);
    struct transcode_args args;
    transcode_args_init(&args, shoal_call_arena(call));
    transcode_remux_args(&args, source, OUT_NAME);
    const struct transcode_run process = {
        .program = "ffmpeg",
        .args = &args,
        .key = key,
        .work_path = work_path,
        .source_path = source->path,
        .wall_s = WALL_S,
        .memory_bytes = options.memory_bytes,
        .nice = options.nice,
    };
    const char *made = shoal_arena_printf(shoal_call_arena(call), "%s/%s", work_path, OUT_NAME);
    int rc = transcode_process(call, &process, err);
    if (rc == 0 && transcode_file_size(made) <= 0) {
        rc = shoal_fail(err, SHOAL_EUNREADABLE, "There is no picture and no sound in this file");
    }
    if (rc == 0) {
        int64_t count = transcode_scrub(made, err);
        rc = count < 0 ? (int)count : 0;
    }
    return rc == 0 ? transcode_file_move(made, out_path, err) : rc;
}

int transcode_remux(struct shoal_call *call, void *arg, const char *path, const json_t *probe,
    const char *out_path, const char *key, struct shoal_err *err)
{
    struct transcode_source source;
    int rc = transcode_source_read(path, probe, &source, err);
    if (rc == 0) {
        rc = check(&source, err);
    }
    // Beside the result, so that the last step is a rename; the name is the same after a restart.
    const char *work_path = shoal_arena_printf(shoal_call_arena(call), "%s.work", out_path);
    if (rc == 0) {
        rc = transcode_folder_make(work_path, err);
    }
    if (rc != 0) {
        return rc;
    }
    rc = run(call, arg, &source, work_path, out_path, key, err);
    transcode_folder_remove(work_path);
    return rc;
}
