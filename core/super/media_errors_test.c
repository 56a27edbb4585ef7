// media_errors_test.c - the newest complaints of a media process stay, the oldest go.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "super/media.h"

static int write_end;

static struct shoal_media media_open(void)
{
    struct shoal_media media = {.errors_file = memfd_create("errors", MFD_CLOEXEC)};
    int ends[2];
    assert_true(media.errors_file >= 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    media.errors_pipe = ends[0];
    write_end = ends[1];
    return media;
}

static void complain(struct shoal_media *media, const char *text, size_t length)
{
    assert_int_equal(write(write_end, text, length), length);
    shoal_media_errors_read(media);
}

/// What the file holds; it is a copy that stays after the file was closed.
static size_t kept(int fd, char *out, size_t room)
{
    ssize_t got = pread(fd, out, room, 0);
    assert_true(got >= 0);
    return (size_t)got;
}

static void words_are_kept_as_they_come(void **unused)
{
    (void)unused;
    struct shoal_media media = media_open();
    complain(&media, "one\n", 4);
    complain(&media, "two\n", 4);
    shoal_media_errors_read(&media); // nothing is there, and that is no end
    assert_true(media.errors_pipe >= 0);
    char text[32];
    assert_int_equal(kept(media.errors_file, text, sizeof text), 8);
    assert_memory_equal(text, "one\ntwo\n", 8);
    assert_int_equal(media.errors_bytes, 8);
    close(write_end);
    shoal_media_errors_close(&media);
}

static void the_end_of_the_pipe_closes_both(void **unused)
{
    (void)unused;
    struct shoal_media media = media_open();
    int file = dup(media.errors_file);
    assert_int_equal(write(write_end, "last", 4), 4);
    close(write_end);
    shoal_media_errors_read(&media);
    assert_int_equal(media.errors_pipe, -1);
    assert_int_equal(media.errors_file, -1);
    shoal_media_errors_read(&media); // of a closed one: nothing happens
    char text[8];
    assert_int_equal(kept(file, text, sizeof text), 4);
    assert_memory_equal(text, "last", 4);
    close(file);
}

static void a_full_file_keeps_its_newest_half(void **unused)
{
    (void)unused;
    struct shoal_media media = media_open();
    char line[4096];
    const int lines = SHOAL_MEDIA_ERRORS_MAX / (int)sizeof line;
    for (int i = 0; i < lines; i++) {
        memset(line, 'a' + i, sizeof line);
        complain(&media, line, sizeof line);
    }
    assert_int_equal(media.errors_bytes, SHOAL_MEDIA_ERRORS_MAX);
    complain(&media, "end", 3);
    static char text[2 * SHOAL_MEDIA_ERRORS_MAX];
    size_t length = kept(media.errors_file, text, sizeof text);
    assert_int_equal(length, SHOAL_MEDIA_ERRORS_MAX / 2 + 3);
    assert_int_equal(media.errors_bytes, length);
    assert_int_equal(text[0], 'a' + lines / 2); // the first line of the second half
    assert_int_equal(text[length - 4], 'a' + lines - 1);
    assert_memory_equal(text + length - 3, "end", 3);
    close(write_end);
    shoal_media_errors_close(&media);
}

static void a_flood_never_grows_past_the_limit(void **unused)
{
    (void)unused;
    struct shoal_media media = media_open();
    char line[8192];
    memset(line, 'x', sizeof line);
    for (int i = 0; i < 100; i++) {
        complain(&media, line, sizeof line);
        assert_true(lseek(media.errors_file, 0, SEEK_END) <= SHOAL_MEDIA_ERRORS_MAX);
        assert_int_equal(lseek(media.errors_file, 0, SEEK_END), media.errors_bytes);
    }
    close(write_end);
    shoal_media_errors_close(&media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_kept_as_they_come),
        cmocka_unit_test(the_end_of_the_pipe_closes_both),
        cmocka_unit_test(a_full_file_keeps_its_newest_half),
        cmocka_unit_test(a_flood_never_grows_past_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
