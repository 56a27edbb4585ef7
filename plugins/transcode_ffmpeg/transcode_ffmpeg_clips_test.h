// transcode_ffmpeg_clips_test.h - clips that the tests of real files have ffmpeg make.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_PLUGINS_TRANSCODE_FFMPEG_CLIPS_TEST_H
#define SHOAL_PLUGINS_TRANSCODE_FFMPEG_CLIPS_TEST_H
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char folder[256]; ///< where the clips of a test are

static const char *in_folder(const char *name)
{
    static char paths[8][512];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

/// ffmpeg as a maker of clips: by us, outside of the sandbox.
static int ffmpeg(const char *name, const char *const *middle)
{
    const char *argv[96] = {"ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y"};
    size_t count = 6;
    for (size_t i = 0; middle[i] != NULL && count < 94; i++) {
        argv[count++] = middle[i];
    }
    argv[count++] = in_folder(name);
    pid_t pid = 0;
    int status = -1;
    if (posix_spawnp(&pid, "ffmpeg", NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid) {
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#define CLIP(name, ...) assert_int_equal(ffmpeg(name, (const char *const[]){__VA_ARGS__, NULL}), 0)

static void file_write(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
}

static char *file_read(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = calloc(1, *length + 1);
    assert_int_equal(fread(bytes, 1, *length, file), *length);
    fclose(file);
    return bytes;
}

/// Has an MP4 say that its first track is to be shown a quarter turned, as phones do. (How ffmpeg is
/// asked for that differs from version to version.)
static void turn(const char *name)
{
    static const int quarter[9] = {0, 1, 0, -1, 0, 0, 0, 0, 0x4000}; // in 65536ths
    size_t length = 0;
    char *bytes = file_read(in_folder(name), &length);
    char *head = memmem(bytes, length, "tkhd", 4);
    assert_non_null(head);
    for (size_t i = 0; i < 36; i++) {
        uint32_t number = (uint32_t)quarter[i / 4] << 16;
        head[44 + i] = (char)(number >> (24 - i % 4 * 8));
    }
    FILE *file = fopen(in_folder(name), "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
    free(bytes);
}

#endif
