// transcode_ffmpeg_args.c - builds command lines as lists, never as text for a shell.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "transcode_ffmpeg.h"

#define ARGS_MAX 1024

void transcode_args_init(struct transcode_args *args, struct shoal_arena *arena)
{
    *args = (struct transcode_args){.arena = arena, .room = 64};
    args->items = shoal_arena_alloc(arena, args->room * sizeof(args->items[0]));
}

void transcode_args_add(struct transcode_args *args, const char *item)
{
    if (args->count + 1 == args->room) {
        if (args->room >= ARGS_MAX) {
            return; // what is made of at most 16 renditions never comes here
        }
        const char **items =
            shoal_arena_alloc(args->arena, 2 * args->room * sizeof(args->items[0]));
        memcpy(items, args->items, args->count * sizeof(items[0]));
        args->items = items;
        args->room *= 2;
    }
    args->items[args->count++] = item;
    args->items[args->count] = NULL;
}

void transcode_args_addf(struct transcode_args *args, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    transcode_args_add(args, shoal_arena_vprintf(args->arena, format, list));
    va_end(list);
}

void transcode_args_all(struct transcode_args *args, const char *const *items)
{
    for (size_t i = 0; items[i] != NULL; i++) {
        transcode_args_add(args, items[i]);
    }
}

void transcode_args_begin(struct transcode_args *args)
{
    transcode_args_all(args, (const char *const[]){"-nostdin", "-hide_banner", "-loglevel", "error",
                                 "-nostats", "-y", NULL});
}

void transcode_args_demuxer(struct transcode_args *args, const char *demuxer)
{
    transcode_args_all(args,
        (const char *const[]){"-protocol_whitelist", "file,pipe", "-format_whitelist", demuxer,
            "-max_pixels", "141557760",
            // Streams of a television recording may begin late.
            "-probesize", "32M", "-analyzeduration", "20M", "-f", demuxer, NULL});
    if (strcmp(demuxer, "mov") == 0) {
        transcode_args_all(args,
            (const char *const[]){"-enable_drefs", "0", "-use_absolute_path", "0", NULL});
    }
}

void transcode_args_input(struct transcode_args *args, const char *demuxer)
{
    transcode_args_demuxer(args, demuxer);
    // ffprobe would refuse a whole file for one stream of subtitles; ffmpeg leaves that stream alone.
    transcode_args_all(args, (const char *const[]){"-codec_whitelist", transcode_decoders(), NULL});
}

void transcode_args_picture(struct transcode_args *args, const struct transcode_picture_kind *kind)
{
    transcode_args_demuxer(args, kind->demuxer);
    transcode_args_all(args, (const char *const[]){"-codec_whitelist", kind->decoder, NULL});
}

void transcode_args_file(struct transcode_args *args, const char *path)
{
    transcode_args_add(args, "-i");
    // The name of the protocol in front: no path can be taken for an option or another protocol.
    transcode_args_addf(args, "file:%s", path);
}

void transcode_args_bare(struct transcode_args *args)
{
    transcode_args_all(args,
        (const char *const[]){"-map_metadata", "-1", "-map_metadata:s:v", "-1", "-map_metadata:s:a",
            "-1", "-map_chapters", "-1", "-sn", "-dn", "-fflags", "+bitexact", "-flags:v",
            "+bitexact", "-flags:a", "+bitexact", NULL});
}
