// transcode_ffmpeg.c - the transcoder that works with ffmpeg: start, table and settings.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "transcode_ffmpeg.h"

void transcode_options_read(struct transcode *self, struct shoal_call *call,
    struct transcode_options *options)
{
    struct shoal_plugin *plugin = self->self;
    *options = (struct transcode_options){
        .preset = shoal_setting_text(plugin, call, "preset"),
        .quality = (int)shoal_setting_i64(plugin, "quality"),
        .threads = (int)shoal_setting_i64(plugin, "threads"),
        .fps_max = (int)shoal_setting_i64(plugin, "fps_max"),
        .audio_bitrate_bps = shoal_setting_i64(plugin, "audio_bitrate"),
        .memory_bytes = (uint64_t)shoal_setting_i64(plugin, "memory"),
        .nice = (int)shoal_setting_i64(plugin, "nice"),
        .wall_s = (uint32_t)(shoal_setting_i64(plugin, "time_max") / 1000),
    };
}

static int start(struct shoal_plugin *plugin, struct shoal_err *err)
{
    struct transcode *self = shoal_arena_alloc(shoal_plugin_arena(plugin), sizeof(*self));
    *self = (struct transcode){
        .self = plugin,
        .table =
            {
                .size = sizeof(struct shoal_svc_transcoder),
                .probe = transcode_probe,
                .remux = transcode_remux,
                .images = transcode_images,
                .takes = transcode_takes,
                .run = transcode_run,
                .probe_image = transcode_probe_image,
                .board = transcode_board,
            },
    };
    shoal_plugin_keep(plugin, self);
    return shoal_provide(plugin, "transcoder", &self->table, self, err);
}

SHOAL_PLUGIN(.name = "transcode_ffmpeg", .start = start);
