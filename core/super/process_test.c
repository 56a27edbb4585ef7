// process_test.c - the sandbox against a hostile program, and ffmpeg within it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/context.h"
#include "base/file.h"
#include "super/channel.h"
#include "super/sandbox.h"
#include "super/super.h"

#define NICE 7

static char work[PATH_MAX];
static char secret[PATH_MAX + 16];

static int run(const char *program, const char *const *args, struct shoal_process what,
    struct shoal_process_state *state)
{
    struct shoal_err err = {0};
    what.program = program;
    what.args = args;
    what.work_path = work;
    what.key = what.key == NULL ? "test" : what.key;
    what.output_path = what.stdout_fd > 0 ? NULL : "out.txt";
    what.errors_path = "errors.txt";
    int code = shoal_process_start(NULL, &what, &err);
    if (code != 0) {
        print_message("%s\n", err.text);
        return code;
    }
    code = shoal_process_wait(NULL, what.key, 60000, state, &err);
    shoal_process_forget(NULL, what.key);
    return code;
}

static int hostile(const char *what, const char *path)
{
    struct shoal_process_state state;
    const char *args[] = {what, path, NULL};
    assert_int_equal(run("hostile", args, (struct shoal_process){.memory_bytes = 512u << 20,
        .file_bytes = 1u << 20}, &state), 0);
    assert_int_equal(state.signal, 0);
    return state.exit_code;
}

static void sockets_are_refused(void **unused)
{
    (void)unused;
    assert_int_equal(hostile("socket", NULL), 0);
    assert_int_equal(hostile("unix", NULL), 0);
    assert_int_equal(hostile("connect", NULL), 0);
}

static void new_processes_are_refused(void **unused)
{
    (void)unused;
    assert_int_equal(hostile("fork", NULL), 0);
    assert_int_equal(hostile("clone3", NULL), 0);
    assert_int_equal(hostile("exec", "/bin/true"), 0);
    assert_int_equal(hostile("kill", NULL), 0);
}

static void signals_reach_nobody_else(void **unused)
{
    (void)unused;
    assert_int_equal(hostile("tgkill", NULL), 0);
    assert_int_equal(hostile("owner", NULL), 0);
    assert_int_equal(hostile("raise", NULL), 0);
}

static void threads_are_allowed(void **unused)
{
    (void)unused;
    assert_int_equal(hostile("thread", NULL), 0);
}

static void the_kernels_doors_are_shut(void **unused)
{
    (void)unused;
    assert_int_equal(hostile("ptrace", NULL), 0);
    assert_int_equal(hostile("mount", NULL), 0);
    assert_int_equal(hostile("io_uring", NULL), 0);
    assert_int_equal(hostile("bpf", NULL), 0);
    assert_int_equal(hostile("limits", NULL), 0);
}

static void other_files_are_out_of_reach(void **unused)
{
    (void)unused;
    if (shoal_landlock_version() == 0) {
        skip();
    }
    assert_int_equal(hostile("open", secret), 0);
    assert_int_equal(hostile("open", "/etc/passwd"), 0);
    assert_int_equal(hostile("write", secret), 0);
    assert_int_equal(hostile("write", "/usr/x"), 0);
    assert_int_equal(hostile("link", NULL), 0);
    assert_int_equal(hostile("write", "own"), 1);
}

static void a_read_path_is_readable_and_no_more(void **unused)
{
    (void)unused;
    struct shoal_process_state state;
    const char *const reads[] = {secret, NULL};
    const char *args[] = {"open", secret, NULL};
    assert_int_equal(run("hostile", args, (struct shoal_process){.read_paths = reads}, &state), 0);
    assert_int_equal(state.exit_code, 1);
    args[0] = "write";
    assert_int_equal(run("hostile", args, (struct shoal_process){.read_paths = reads}, &state), 0);
    assert_int_equal(state.exit_code, shoal_landlock_version() == 0 ? 1 : 0);
}

static void memory_and_file_size_are_bounded(void **unused)
{
    (void)unused;
    assert_int_equal(hostile("memory", NULL), 0);
    assert_int_equal(hostile("file", NULL), 0);
}

static void environment_and_descriptors_are_not_inherited(void **unused)
{
    (void)unused;
    assert_int_equal(hostile("clean", NULL), 0);
}

static void it_is_killed_when_its_time_is_over(void **unused)
{
    (void)unused;
    struct shoal_process_state state;
    const char *args[] = {"sleep", NULL};
    int64_t before = shoal_tick_ms();
    assert_int_equal(run("hostile", args, (struct shoal_process){.wall_s = 1}, &state), 0);
    assert_true(state.timed_out);
    assert_int_equal(state.signal, SIGKILL);
    assert_true(shoal_tick_ms() - before < 15000);
}

static void wait_times_out_and_kill_ends_it(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    struct shoal_process_state state;
    const char *args[] = {"sleep", NULL};
    struct shoal_process what = {.program = "hostile", .args = args, .key = "slow",
        .work_path = work};
    assert_int_equal(shoal_process_start(NULL, &what, &err), 0);
    assert_int_equal(shoal_process_start(NULL, &what, &err), SHOAL_ECONFLICT);
    assert_int_equal(shoal_process_wait(NULL, "slow", 200, &state, &err), SHOAL_ETIMEOUT);
    assert_true(state.running);
    assert_int_equal(shoal_process_kill(NULL, "slow", &err), 0);
    assert_int_equal(shoal_process_wait(NULL, "slow", 20000, &state, &err), 0);
    assert_int_equal(state.exit_code, -1);
    shoal_process_forget(NULL, "slow");
    assert_int_equal(shoal_process_wait(NULL, "slow", 200, &state, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_process_kill(NULL, "slow", &err), SHOAL_ENOTFOUND);
}

static void what_it_complains_of_stays_small(void **unused)
{
    (void)unused;
    struct shoal_process_state state;
    const char *args[] = {"chatter", NULL};
    assert_int_equal(run("hostile", args, (struct shoal_process){0}, &state), 0);
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/errors.txt", work);
    struct shoal_buf text = {0};
    assert_int_equal(shoal_file_read_whole(path, 1 << 20, &text, NULL), 0);
    assert_true(text.length <= 65536 && text.length > 16384);
    assert_non_null(strstr(text.data, "line 19999 of many"));
    shoal_buf_fini(&text);
}

static void pipes_of_the_caller_reach_it(void **unused)
{
    (void)unused;
    int in[2], out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    struct shoal_process_state state;
    const char *args[] = {"echo", NULL};
    assert_int_equal(write(in[1], "hello", 5), 5);
    assert_int_equal(run("hostile", args,
        (struct shoal_process){.stdin_fd = in[0], .stdout_fd = out[1]}, &state), 0);
    assert_int_equal(state.exit_code, 0);
    char data[16] = {0};
    assert_int_equal(read(out[0], data, sizeof data), 5);
    assert_string_equal(data, "hello");
    for (int i = 0; i < 2; i++) {
        close(in[i]);
        close(out[i]);
    }
}

static void bad_starts_are_refused_with_a_sentence(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    struct shoal_process what = {.program = "no-such-program", .key = "x", .work_path = work};
    assert_int_equal(shoal_process_start(NULL, &what, &err), SHOAL_ENOTFOUND);
    assert_non_null(strstr(err.text, "no-such-program"));
    what.program = "../bin/sh";
    assert_int_equal(shoal_process_start(NULL, &what, &err), SHOAL_EINVAL);
    what.program = "hostile";
    what.output_path = "../outside";
    assert_int_equal(shoal_process_start(NULL, &what, &err), SHOAL_EINVAL);
    what.output_path = NULL;
    what.work_path = "/no/such/folder";
    assert_int_equal(shoal_process_start(NULL, &what, &err), SHOAL_EINVAL);
}

static void a_plugin_without_the_permission_starts_nothing(void **unused)
{
    (void)unused;
    struct shoal_call call;
    shoal_call_init(&call);
    static const char *const permissions[] = {"process:other", NULL};
    struct shoal_plugin_id plugin = {.name = "nosy", .permissions = permissions};
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&plugin);
    struct shoal_err err = {0};
    struct shoal_process what = {.program = "hostile", .key = "x", .work_path = work};
    assert_int_equal(shoal_process_start(&call, &what, &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "process:hostile"));
    shoal_call_leave(&call);
    shoal_call_fini(&call);
}

static void ffmpeg_makes_and_reads_a_clip(void **unused)
{
    (void)unused;
    struct shoal_process_state state;
    const char *args[] = {"-nostdin", "-hide_banner", "-y", "-f", "lavfi", "-i",
        "testsrc2=size=320x180:rate=25:duration=1", "-f", "lavfi", "-i", "sine=duration=1", "-c:v",
        "libx264", "-preset", "veryfast", "-c:a", "aac", "-shortest", "clip.mp4", NULL};
    assert_int_equal(run("ffmpeg", args, (struct shoal_process){.nice = 5}, &state), 0);
    assert_int_equal(state.exit_code, 0);
    assert_true(state.memory_peak_bytes > 1 << 20);
    const char *probe[] = {"-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0",
        "clip.mp4", NULL};
    assert_int_equal(run("ffprobe", probe, (struct shoal_process){0}, &state), 0);
    assert_int_equal(state.exit_code, 0);
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/out.txt", work);
    struct shoal_buf text = {0};
    assert_int_equal(shoal_file_read_whole(path, 4096, &text, NULL), 0);
    assert_non_null(strstr(text.data, "h264"));
    assert_non_null(strstr(text.data, "aac"));
    shoal_buf_fini(&text);
}

static void a_server_that_is_nice_already_starts_programs(void **unused)
{
    (void)unused;
    struct shoal_process_state state;
    const char *args[] = {"-version", NULL};
    assert_true(getpriority(PRIO_PROCESS, 0) >= NICE);
    for (int nice = 0; nice <= 19; nice += NICE - 1) { // below, above
        assert_int_equal(run("ffprobe", args, (struct shoal_process){.nice = nice}, &state), 0);
        assert_int_equal(state.exit_code, 0);
    }
}

// T40: a playlist that points at a local file finds no way to it.
static void T40_ffmpeg_cannot_read_other_files(void **unused)
{
    (void)unused;
    if (shoal_landlock_version() == 0) {
        skip();
    }
    struct shoal_process_state state;
    const char *args[] = {"-nostdin", "-v", "error", "-y", "-f", "data", "-i", secret, "-map", "0",
        "-c", "copy", "-f", "data", "stolen", NULL};
    assert_int_equal(run("ffmpeg", args, (struct shoal_process){0}, &state), 0);
    assert_int_not_equal(state.exit_code, 0);
}

static int setup(void **unused)
{
    (void)unused;
    snprintf(work, sizeof work, "%s/tests/process-XXXXXX", SHOAL_BUILD_DIR);
    if (mkdtemp(work) == NULL) {
        return -1;
    }
    snprintf(secret, sizeof secret, "%s.lua", work);
    if (shoal_file_write_whole(secret, "secret", 6, 0600, NULL) != 0) {
        return -1;
    }
    setenv("PATH", SHOAL_BUILD_DIR "/tests:/usr/local/bin:/usr/bin:/bin", 1);
    setenv("SECRET_OF_THE_SERVER", "x", 1);
    // As under `nice ./x run`, or Nice= in a unit. Before what starts programs: each thread has its own.
    if (getpriority(PRIO_PROCESS, 0) < NICE && setpriority(PRIO_PROCESS, 0, NICE) != 0) {
        return -1;
    }
    return shoal_super_local(NULL);
}

static int teardown(void **unused)
{
    (void)unused;
    shoal_channel_stop();
    unlink(secret);
    return shoal_tree_remove(work, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_refused),
        cmocka_unit_test(new_processes_are_refused),
        cmocka_unit_test(signals_reach_nobody_else),
        cmocka_unit_test(threads_are_allowed),
        cmocka_unit_test(the_kernels_doors_are_shut),
        cmocka_unit_test(other_files_are_out_of_reach),
        cmocka_unit_test(a_read_path_is_readable_and_no_more),
        cmocka_unit_test(memory_and_file_size_are_bounded),
        cmocka_unit_test(environment_and_descriptors_are_not_inherited),
        cmocka_unit_test(it_is_killed_when_its_time_is_over),
        cmocka_unit_test(wait_times_out_and_kill_ends_it),
        cmocka_unit_test(what_it_complains_of_stays_small),
        cmocka_unit_test(pipes_of_the_caller_reach_it),
        cmocka_unit_test(bad_starts_are_refused_with_a_sentence),
        cmocka_unit_test(a_plugin_without_the_permission_starts_nothing),
        cmocka_unit_test(ffmpeg_makes_and_reads_a_clip),
        cmocka_unit_test(T40_ffmpeg_cannot_read_other_files),
        cmocka_unit_test(a_server_that_is_nice_already_starts_programs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
