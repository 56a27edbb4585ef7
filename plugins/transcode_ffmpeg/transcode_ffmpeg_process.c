// transcode_ffmpeg_process.c - runs ffmpeg and ffprobe through the supervisor, and says what their
// ends mean.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <signal.h>
#include <string.h>

#include "transcode_ffmpeg.h"

#define ERRORS_NAME  "errors.txt"
#define ERRORS_BYTES 4096
#define TURN_MS      5000

int transcode_words_mean(const char *words, struct shoal_err *err)
{
    static const struct {
        const char *words;
        int code;
        const char *sentence;
    } rows[] = {
        {"No space left on device", SHOAL_EFULL, "The disk is full"},
        {"File too large", SHOAL_EUNREADABLE, "The result would be larger than allowed"},
        {"Cannot allocate memory", SHOAL_EUNREADABLE,
            "This file needs more memory than this server gives to one video"},
        {"moov atom not found", SHOAL_EUNREADABLE,
            "This file is cut off: its index is missing. Was the recording or the copy stopped?"},
        {"partial file", SHOAL_EUNREADABLE, "This file is cut off"},
        {"End of file", SHOAL_EUNREADABLE, "This file is cut off"},
        {"Invalid data found", SHOAL_EUNREADABLE, "This file is damaged, or it is no video or audio"},
        {"EBML header parsing failed", SHOAL_EUNREADABLE, "This file is damaged"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strstr(words, rows[i].words) != NULL) {
            return shoal_fail(err, rows[i].code, "%s", rows[i].sentence);
        }
    }
    return 0;
}

static bool is_fault_of_input(int signal_number)
{
    return signal_number == SIGSEGV || signal_number == SIGABRT || signal_number == SIGBUS ||
           signal_number == SIGFPE || signal_number == SIGILL || signal_number == SIGXCPU;
}

int transcode_process_result(struct shoal_call *call, const char *program, const char *work_path,
    const struct shoal_process_state *state, struct shoal_err *err)
{
    if (state->exit_code == 0 && state->signal == 0 && !state->timed_out) {
        return 0;
    }
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *path = shoal_arena_printf(arena, "%s/%s", work_path, ERRORS_NAME);
    const char *words = transcode_file_tail(arena, path, ERRORS_BYTES);
    shoal_info("%s ended with code %d, signal %d%s: %s", program, state->exit_code, state->signal,
        state->timed_out ? ", past its time" : "", words[0] != '\0' ? words : "it said nothing");
    if (state->timed_out || state->signal == SIGXCPU) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "This file takes longer to read than allowed");
    }
    if (state->signal == SIGXFSZ) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "The result would be larger than allowed");
    }
    if (state->signal != 0 && !is_fault_of_input(state->signal)) {
        return shoal_fail(err, SHOAL_EIO, "%s was ended by signal %d", program, state->signal);
    }
    if (state->exit_code == 255) {
        // Ended by SIGTERM from outside, which ffmpeg catches; its words then tell of half a run.
        return shoal_fail(err, SHOAL_EIO, "%s was ended before it was done", program);
    }
    int rc = transcode_words_mean(words, err);
    rc = rc != 0 ? rc : shoal_fail(err, SHOAL_EUNREADABLE, "This file cannot be read");
    return transcode_blame(work_path, rc, err);
}

int transcode_process_start(struct shoal_call *call, const struct transcode_run *run,
    struct shoal_err *err)
{
    const struct shoal_process what = {
        .program = run->program,
        .args = run->args->items,
        .key = run->key,
        .work_path = run->work_path,
        .read_paths = (const char *const[]){run->source_path, NULL},
        .output_path = run->output_name,
        .errors_path = ERRORS_NAME,
        .memory_bytes = run->memory_bytes,
        .file_bytes = run->file_bytes,
        .wall_s = run->wall_s,
        .nice = run->nice,
    };
    return shoal_process_start(call, &what, err);
}

/// Waits until it has ended; on cancellation it is killed.
static int wait_to_end(struct shoal_call *call, const char *key, struct shoal_process_state *state,
    struct shoal_err *err)
{
    for (;;) {
        int64_t left_ms = shoal_call_left_ms(call);
        int rc = SHOAL_ETIMEOUT;
        if (left_ms > 0) {
            struct shoal_err quiet = {0};
            rc = shoal_process_wait(call, key, left_ms < TURN_MS ? left_ms : TURN_MS, state, &quiet);
            if (rc == 0) {
                return 0;
            }
        }
        bool is_over = shoal_call_left_ms(call) <= 0;
        if (rc == SHOAL_ETIMEOUT && !is_over && !shoal_call_cancelled(call)) {
            continue;
        }
        shoal_process_kill(call, key, NULL);
        shoal_process_forget(call, key);
        if (shoal_call_cancelled(call)) {
            return shoal_fail(err, SHOAL_ECANCELLED, "The work on this file was cancelled");
        }
        return is_over ? shoal_fail(err, SHOAL_ETIMEOUT, "This file took too long to read")
                       : shoal_fail(err, SHOAL_EIO, "The program that reads this file was lost");
    }
}

int transcode_process(struct shoal_call *call, const struct transcode_run *run,
    struct shoal_err *err)
{
    int rc = transcode_process_start(call, run, err);
    // Runs already: it was started before a restart of the server.
    if (rc != 0 && rc != SHOAL_ECONFLICT) {
        return rc;
    }
    struct shoal_process_state state = {0};
    rc = wait_to_end(call, run->key, &state, err);
    if (rc != 0) {
        return rc;
    }
    shoal_process_forget(call, run->key);
    return transcode_process_result(call, run->program, run->work_path, &state, err);
}
