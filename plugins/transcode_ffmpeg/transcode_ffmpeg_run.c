// transcode_ffmpeg_run.c - one run of the ladder: started or adopted, watched, handed over.
//
// The run has a key that stays the same after a restart of the server: what still runs is watched
// on, what ended meanwhile is taken, and only what is lost is started again. A file "done" in the
// work folder says that ffmpeg ended well.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transcode_ffmpeg.h"

#define TURN_MS        1000
#define FIND_MS        2000
#define INIT_MAX       (1u << 20)
#define PLAYLIST_MAX   (64u << 20)
#define PROGRESS_BYTES 2048

struct run {
    struct shoal_call *call;
    struct shoal_arena *arena;
    const struct shoal_transcode *what;
    struct transcode_source source;
    struct transcode_options options;
    struct transcode_ladder ladder;
    int percent;
};

int64_t transcode_progress_us(const char *tail)
{
    static const char name[] = "out_time_us=";
    int64_t us = -1;
    for (const char *at = strstr(tail, name); at != NULL; at = strstr(at + 1, name)) {
        const char *number = at + sizeof(name) - 1;
        if (*number >= '0' && *number <= '9') {
            us = strtoll(number, NULL, 10);
        }
    }
    return us;
}

static const char *path_of(const struct run *run, const char *name)
{
    return shoal_arena_printf(run->arena, "%s/%s", run->what->work_path, name);
}

/// Says how far it is. SHOAL_ECANCELLED: the run must stop.
static int say(struct run *run)
{
    struct shoal_arena *scratch = shoal_arena_new(0);
    const char *path = shoal_arena_printf(scratch, "%s/progress.txt", run->what->work_path);
    int64_t us = transcode_progress_us(transcode_file_tail(scratch, path, PROGRESS_BYTES));
    shoal_arena_free(scratch);
    if (us > 0 && run->source.duration_s > 0) {
        double percent = (double)us / 1e4 / run->source.duration_s;
        int now = percent < 99 ? (int)percent : 99;
        run->percent = now > run->percent ? now : run->percent;
    }
    return run->what->progress == NULL ? 0 : run->what->progress(run->what->user, run->percent);
}

static int stop(struct run *run, int code, const char *sentence, struct shoal_err *err)
{
    shoal_process_kill(run->call, run->what->key, NULL);
    struct shoal_process_state state;
    // The files may be removed as soon as we return: nobody should write any more.
    shoal_process_wait(NULL, run->what->key, 10000, &state, NULL);
    shoal_process_forget(run->call, run->what->key);
    return shoal_fail(err, code, "%s", sentence);
}

static int watch(struct run *run, struct shoal_process_state *state, struct shoal_err *err)
{
    for (;;) {
        int64_t left_ms = shoal_call_left_ms(run->call);
        if (left_ms <= 0) {
            return stop(run, SHOAL_ETIMEOUT, "The transcoding took longer than allowed", err);
        }
        struct shoal_err quiet = {0};
        int rc = shoal_process_wait(run->call, run->what->key,
            left_ms < TURN_MS ? left_ms : TURN_MS, state, &quiet);
        if (rc == 0) {
            return 0;
        }
        int said = say(run);
        if (said != 0) {
            return stop(run, said < 0 ? said : SHOAL_ECANCELLED, "The transcoding was cancelled",
                err);
        }
        if (shoal_call_cancelled(run->call)) {
            // The server stops; the job does not. ffmpeg goes on and the next server takes over.
            return shoal_fail(err, SHOAL_ECANCELLED, "The transcoding goes on without this server");
        }
        if (rc != SHOAL_ETIMEOUT) {
            return shoal_fail(err, SHOAL_EIO, "The transcoding process was lost: %s", quiet.text);
        }
    }
}

static void leftovers_remove(const struct run *run)
{
    unlink(path_of(run, "done"));
    unlink(path_of(run, "progress.txt"));
    for (size_t i = 0; i < run->ladder.count; i++) {
        const struct transcode_rung *rung = &run->ladder.rungs[i];
        unlink(path_of(run, transcode_rung_name(run->arena, rung, ".m3u8")));
        unlink(path_of(run, transcode_rung_name(run->arena, rung, ".mp4")));
    }
}

static int start(struct run *run, struct shoal_err *err)
{
    leftovers_remove(run);
    transcode_plan_ask(run->call, run->what->probe, &run->ladder);
    struct transcode_args args;
    transcode_args_init(&args, run->arena);
    transcode_ladder_args(&args, &run->source, &run->ladder);
    const struct transcode_run process = {
        .program = "ffmpeg",
        .args = &args,
        .key = run->what->key,
        .work_path = run->what->work_path,
        .source_path = run->source.path,
        .wall_s = run->options.wall_s,
        .memory_bytes = run->options.memory_bytes,
        .nice = run->options.nice,
    };
    return transcode_process_start(run->call, &process, err);
}

/// Says that ffmpeg ended well: not before its results would outlast a power cut, as they are believed
/// from then on.
static int done_write(const struct run *run, struct shoal_err *err)
{
    static const char *const suffixes[] = {".mp4", ".m3u8"};
    int rc = 0;
    for (size_t i = 0; i < 2 * run->ladder.count && rc == 0; i++) {
        const struct transcode_rung *rung = &run->ladder.rungs[i / 2];
        rc = transcode_file_sync(
            path_of(run, transcode_rung_name(run->arena, rung, suffixes[i % 2])), err);
    }
    return rc == 0 ? transcode_file_write(path_of(run, "done"), "", 0, err) : rc;
}

/// 0 when ffmpeg has ended well, by this run or an earlier one.
static int work(struct run *run, struct shoal_err *err)
{
    struct shoal_process_state state = {0};
    if (transcode_file_size(path_of(run, "done")) >= 0) {
        return 0;
    }
    int found = shoal_process_wait(run->call, run->what->key, FIND_MS, &state, NULL);
    bool was_lost = found == 0 && (state.exit_code != 0 || state.signal != 0);
    if (was_lost) {
        shoal_process_forget(run->call, run->what->key);
    }
    int rc = 0;
    if (found == SHOAL_ENOTFOUND || was_lost) {
        rc = start(run, err);
        rc = rc == SHOAL_ECONFLICT ? 0 : rc;
    }
    if (rc == 0 && (found != 0 || was_lost)) {
        rc = watch(run, &state, err);
    }
    if (rc == 0) {
        rc = transcode_process_result(run->call, "ffmpeg", run->what->work_path, &state, err);
    }
    if (rc == 0) {
        rc = done_write(run, err);
    }
    if (rc != SHOAL_ECANCELLED) {
        shoal_process_forget(run->call, run->what->key);
    }
    return rc;
}

static int codecs_read(const char *media_path, const struct transcode_playlist *playlist,
    struct shoal_arena *arena, const char **codecs, struct shoal_err *err)
{
    if (playlist->map_offset != 0 || playlist->map_length > INIT_MAX) {
        return shoal_fail(err, SHOAL_EIO, "transcode_ffmpeg: a rendition has no init segment");
    }
    unsigned char *init = transcode_large(arena, (size_t)playlist->map_length + 1, err);
    FILE *file = init == NULL ? NULL : fopen(media_path, "rbe");
    if (file == NULL) {
        return init == NULL ? SHOAL_EBUSY
                            : shoal_fail(err, SHOAL_EIO,
                                  "transcode_ffmpeg: a rendition cannot be opened");
    }
    size_t n = fread(init, 1, (size_t)playlist->map_length, file);
    bool is_broken = ferror(file) != 0;
    fclose(file);
    if (is_broken) {
        return shoal_fail(err, SHOAL_EIO, "transcode_ffmpeg: a rendition cannot be read");
    }
    return transcode_codecs_of(arena, init, n, codecs, err);
}

/// Writes the playlist that clients get and says which codecs the rendition has.
static int describe(const struct run *run, const struct transcode_rung *rung,
    struct shoal_arena *arena, const char *media_path, const char *playlist_path,
    struct transcode_playlist *playlist, const char **codecs, struct shoal_err *err)
{
    const char *theirs = shoal_arena_printf(arena, "%s/%s", run->what->work_path,
        transcode_rung_name(arena, rung, ".m3u8"));
    int64_t media_bytes = transcode_file_size(media_path);
    char *text = NULL;
    size_t length = 0;
    int rc = transcode_file_read(arena, theirs, PLAYLIST_MAX, &text, &length, err);
    if (rc == 0 && media_bytes <= 0) {
        rc = shoal_fail(err, SHOAL_ENOTFOUND, "transcode_ffmpeg: a rendition is gone");
    }
    if (rc == 0) {
        rc = transcode_playlist_parse(arena, text, length, (uint64_t)media_bytes, playlist, err);
    }
    if (rc == 0) {
        rc = codecs_read(media_path, playlist, arena, codecs, err);
    }
    struct shoal_buf out = {0};
    if (rc == 0) {
        rc = transcode_playlist_write(playlist, &out);
    }
    if (rc == 0) {
        rc = transcode_file_write(playlist_path, out.data, out.length, err);
    }
    shoal_buf_fini(&out);
    return rc;
}

static int hand_over_in(struct run *run, const struct transcode_rung *rung,
    struct shoal_arena *arena, struct shoal_err *err)
{
    const char *work_path = run->what->work_path;
    const char *media_path = shoal_arena_printf(arena, "%s/%s", work_path,
        transcode_rung_name(arena, rung, ".mp4"));
    const char *given = shoal_arena_printf(arena, "%s/%s", work_path,
        transcode_rung_name(arena, rung, ".final.mp4"));
    const char *playlist_path = shoal_arena_printf(arena, "%s/%s", work_path,
        transcode_rung_name(arena, rung, ".final.m3u8"));
    struct transcode_playlist playlist = {0};
    const char *codecs = NULL;
    int rc = describe(run, rung, arena, media_path, playlist_path, &playlist, &codecs, err);
    if (rc == SHOAL_EIO) {
        // ffmpeg said that it ended well, on a full disk for instance: the next try makes it again.
        unlink(path_of(run, "done"));
    }
    if (rc != 0) {
        return rc;
    }
    // The receiver moves the file away. A second name keeps it for the case that we are asked again.
    unlink(given);
    const char *path = link(media_path, given) == 0 ? given : media_path;
    const struct shoal_rendition rendition = {
        .size = sizeof(rendition),
        .resolution = rung->resolution,
        .width = rung->width,
        .height = rung->height,
        .fps = rung->has_video ? transcode_rate_value(rung->fps) : 0,
        .has_video = rung->has_video,
        .has_audio = rung->has_audio,
        .media_path = path,
        .playlist_path = playlist_path,
        .codecs = codecs,
        .bitrate_bps = transcode_playlist_peak_bps(&playlist),
    };
    return run->what->ready(run->what->user, &rendition, err);
}

static int hand_over(struct run *run, const struct transcode_rung *rung, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    int rc = hand_over_in(run, rung, arena, err);
    shoal_arena_free(arena);
    if (rc == SHOAL_ENOTFOUND) {
        // A result is gone: the next try makes it again.
        unlink(path_of(run, "done"));
        rc = shoal_fail(err, SHOAL_EIO, "A finished rendition of %d lines is gone",
            rung->resolution);
    }
    return rc;
}

int transcode_run(struct shoal_call *call, void *arg, const struct shoal_transcode *what,
    struct shoal_err *err)
{
    struct run run = {.call = call, .arena = shoal_call_arena(call), .what = what};
    int rc = transcode_source_read(what->source_path, what->probe, &run.source, err);
    if (rc != 0) {
        return rc;
    }
    transcode_options_read(arg, call, &run.options);
    rc = transcode_plan_read(what->plan, &run.source, &run.options, &run.ladder, err);
    if (rc == 0) {
        rc = work(&run, err);
    }
    for (size_t i = 0; rc == 0 && i < run.ladder.count; i++) {
        rc = hand_over(&run, &run.ladder.rungs[i], err);
    }
    if (rc == 0 && what->progress != NULL) {
        what->progress(what->user, 100);
    }
    return rc;
}
