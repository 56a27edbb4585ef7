// transcode_ffmpeg_probe.c - asks ffprobe about a file of a stranger.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "transcode_ffmpeg.h"

#define ANSWER_MAX (8u << 20)
#define WALL_S     120

struct paths {
    const char *work;
    const char *key;
};

static int paths_make(struct shoal_call *call, struct paths *paths, struct shoal_err *err)
{
    char id[25];
    shoal_random_hex(id, 12);
    struct shoal_arena *arena = shoal_call_arena(call);
    paths->work = shoal_arena_printf(arena, "%s/probe-%s", shoal_instance_path("tmp"), id);
    paths->key = shoal_arena_printf(arena, "probe:%s", id);
    return transcode_folder_make(paths->work, err);
}

static int ask(struct shoal_call *call, const char *path, const char *demuxer,
    const struct paths *paths, json_t **raw, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct transcode_args args;
    transcode_args_init(&args, arena);
    transcode_args_all(&args, (const char *const[]){"-hide_banner", "-loglevel", "error", NULL});
    transcode_args_demuxer(&args, demuxer);
    transcode_args_all(&args, (const char *const[]){"-print_format", "json=compact=1",
                                  "-show_streams", "-show_format", "-show_chapters",
                                  // Some frames' times, to see whether they come evenly.
                                  "-show_packets", "-show_entries",
                                  "packet=stream_index,pts_time", "-read_intervals", "%+#1000",
                                  NULL});
    transcode_args_file(&args, path);
    const struct transcode_run run = {
        .program = "ffprobe",
        .args = &args,
        .key = paths->key,
        .work_path = paths->work,
        .source_path = path,
        .output_name = "probe.json",
        .wall_s = WALL_S,
        .memory_bytes = 2ull << 30,
        .file_bytes = ANSWER_MAX,
    };
    int rc = transcode_process(call, &run, err);
    char *text = NULL;
    size_t length = 0;
    if (rc == 0) {
        rc = transcode_file_read(arena, shoal_arena_printf(arena, "%s/probe.json", paths->work),
            ANSWER_MAX, &text, &length, err);
    }
    if (rc != 0) {
        return rc;
    }
    *raw = shoal_json_parse(text, length, NULL);
    return *raw != NULL ? 0
                        : transcode_blame(paths->work,
                              shoal_fail(err, SHOAL_EUNREADABLE,
                                  "This file describes itself in a way that cannot be read"),
                              err);
}

/// Recordings of browsers say no duration: the packets are read through once.
static int measure(struct shoal_call *call, const char *path, const char *demuxer,
    const struct paths *paths, json_t *probe, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct transcode_args args;
    transcode_args_init(&args, arena);
    transcode_args_begin(&args);
    transcode_args_all(&args, (const char *const[]){"-progress", "progress.txt", NULL});
    transcode_args_input(&args, demuxer);
    transcode_args_file(&args, path);
    const char *const kinds[] = {"video", "audio"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *stream = json_object_get(probe, kinds[i]);
        if (json_is_object(stream)) {
            transcode_args_add(&args, "-map");
            transcode_args_addf(&args, "0:%lld", (long long)shoal_integer(stream, "index", 0));
        }
    }
    transcode_args_all(&args, (const char *const[]){"-c", "copy", "-f", "null", "-", NULL});
    const struct transcode_run run = {
        .program = "ffmpeg",
        .args = &args,
        .key = shoal_arena_printf(arena, "%s:length", paths->key),
        .work_path = paths->work,
        .source_path = path,
        .wall_s = 10 * WALL_S,
        .memory_bytes = 2ull << 30,
        .file_bytes = ANSWER_MAX,
    };
    int rc = transcode_process(call, &run, err);
    if (rc != 0) {
        return rc;
    }
    int64_t us = transcode_progress_us(transcode_file_tail(arena,
        shoal_arena_printf(arena, "%s/progress.txt", paths->work), 2048));
    if (us <= 0) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "There is no picture and no sound in this file");
    }
    json_object_set_new(probe, "duration", json_real((double)us / 1e6));
    return 0;
}

int transcode_probe(struct shoal_call *call, void *arg, const char *path, json_t **probe,
    struct shoal_err *err)
{
    (void)arg;
    *probe = NULL;
    const char *demuxer = NULL;
    struct paths paths = {0};
    int rc = transcode_magic_read(path, &demuxer, err);
    if (rc == 0) {
        rc = paths_make(call, &paths, err);
    }
    if (rc != 0) {
        return rc;
    }
    json_t *raw = NULL;
    json_t *normal = NULL;
    rc = ask(call, path, demuxer, &paths, &raw, err);
    if (rc == 0) {
        struct shoal_err inner = {0};
        normal = transcode_probe_normal(raw, &inner);
        rc = normal != NULL ? 0 : shoal_fail(err, inner.code, "%s", inner.text);
    }
    if (rc == 0 && shoal_number(normal, "duration", 0) <= 0) {
        rc = measure(call, path, demuxer, &paths, normal, err);
    }
    json_decref(raw);
    transcode_folder_remove(paths.work);
    if (rc != 0) {
        json_decref(normal);
        return rc;
    }
    *probe = normal;
    return 0;
}
