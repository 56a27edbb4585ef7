// transcode_ffmpeg_run_test.c - a run is done when its results are whole and would outlast a power cut.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <testkit.h>

#include "transcode_ffmpeg.h"

extern char **environ;
extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

static int synced; // results that reached the disk before their run said "done"

__attribute__((visibility("default"))) int fsync(int fd);

int fsync(int fd)
{
    char link[64], path[512], done[600];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    char *name = strrchr(path, '/');
    if (name != NULL && (strcmp(name, "/r90.mp4") == 0 || strcmp(name, "/r90.m3u8") == 0)) {
        snprintf(done, sizeof(done), "%.*s/done", (int)(name - path), path);
        synced += access(done, F_OK) != 0;
    }
    return (int)syscall(SYS_fsync, fd);
}

static int clip_make(const char *path)
{
    const char *argv[] = {"ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i",
        "testsrc2=s=160x90:r=10:d=1", "-c:v", "libx264", "-pix_fmt", "yuv420p", path, NULL};
    pid_t pid = 0;
    int status = -1;
    return posix_spawnp(&pid, "ffmpeg", NULL, NULL, (char *const *)(uintptr_t)argv, environ) == 0 &&
                   waitpid(pid, &status, 0) == pid && status == 0
               ? 0
               : -1;
}

static int on_ready(void *user, const struct shoal_rendition *rendition, struct shoal_err *err)
{
    (void)rendition;
    (void)err;
    assert_int_equal(synced, 2);
    ++*(int *)user;
    return 0;
}

static void what_is_called_done_is_on_the_disk_and_whole(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_service service;
    struct shoal_kit *kit = shoal_kit_new(NULL);
    assert_int_equal(shoal_kit_load(kit, &shoal_plugin_descriptor,
                         SHOAL_SOURCE_DIR "/plugins/transcode_ffmpeg", NULL, &err),
        0);
    assert_true(shoal_service_find("transcoder", "transcode_ffmpeg", &service));
    const struct shoal_svc_transcoder *table = service.table;
    struct shoal_call *call = shoal_kit_system(kit);
    char work[300], clip[320];
    int ready = 0;
    json_t *probe = NULL;
    snprintf(work, sizeof(work), "%s/run", shoal_kit_folder(kit));
    snprintf(clip, sizeof(clip), "%s.mp4", work);
    assert_int_equal(mkdir(work, 0755), 0);
    assert_int_equal(clip_make(clip), 0);
    assert_int_equal(table->probe(call, service.arg, clip, &probe, &err), 0);
    json_t *plan = json_pack("[{s:i}]", "resolution", 90);
    const struct shoal_transcode what = {.key = "run",
        .source_path = clip,
        .work_path = work,
        .probe = probe,
        .plan = plan,
        .user = &ready,
        .ready = on_ready};
    assert_int_equal(table->run(call, service.arg, &what, &err), 0);
    assert_int_equal(ready, 1);
    // What ffmpeg left behind on a full disk, and called done, is made once more.
    char playlist[320];
    snprintf(playlist, sizeof(playlist), "%s/r90.m3u8", work);
    assert_int_equal(truncate(playlist, 0), 0);
    assert_int_equal(table->run(call, service.arg, &what, &err), SHOAL_EIO);
    synced = 0;
    assert_int_equal(table->run(call, service.arg, &what, &err), 0);
    assert_int_equal(ready, 2);
    json_decref(plan);
    json_decref(probe);
    shoal_kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_called_done_is_on_the_disk_and_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
