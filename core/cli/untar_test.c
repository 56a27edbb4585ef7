// untar_test.c - packages as they should be, and as an attacker makes them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

#include <shoal/buf.h>

#include "base/file.h"
#include "cli/untar.h"

static char to[PATH_MAX];

static void put(struct shoal_buf *tar, const char *name, char type, const char *link,
    const char *data)
{
    char head[512] = {0};
    size_t length = data != NULL ? strlen(data) : 0;
    snprintf(head, 100, "%s", name);
    memcpy(head + 100, "0000644", 8);
    snprintf(head + 124, 12, "%011o", (unsigned)length & 0xffffffu);
    memcpy(head + 136, "00000000000", 12);
    head[156] = type;
    if (link != NULL) {
        snprintf(head + 157, 100, "%s", link);
    }
    memcpy(head + 257, "ustar", 6);
    memcpy(head + 263, "00", 2);
    unsigned sum = 0;
    memset(head + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++) {
        sum += (unsigned char)head[i];
    }
    snprintf(head + 148, 8, "%06o", sum & 0x3ffffu);
    shoal_buf_add(tar, head, 512);
    if (length > 0) {
        static const char zeros[512];
        shoal_buf_add(tar, data, length);
        shoal_buf_add(tar, zeros, (512 - length % 512) % 512);
    }
}

static int unpack(struct shoal_buf *tar, char top[64], struct shoal_err *err)
{
    static const char zeros[1024];
    shoal_buf_add(tar, zeros, sizeof zeros);
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, tar->length) + 64;
    unsigned char *packed = malloc(room);
    assert_non_null(packed);
    stream.next_in = (Bytef *)tar->data;
    stream.avail_in = (uInt)tar->length;
    stream.next_out = packed;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    memset(err, 0, sizeof *err);
    int code = shoal_untar(packed, stream.total_out, to, top, err);
    deflateEnd(&stream);
    free(packed);
    shoal_buf_fini(tar);
    return code;
}

static int refuse_one(const char *name, char type, const char *link)
{
    struct shoal_buf tar = {0};
    struct shoal_err err;
    char top[64];
    put(&tar, name, type, link, type == '0' ? "x" : NULL);
    int code = unpack(&tar, top, &err);
    assert_true(err.text[0] != '\0' || code == 0);
    return code;
}

static void a_folder_with_files_is_unpacked(void **unused)
{
    (void)unused;
    struct shoal_buf tar = {0}, text = {0};
    struct shoal_err err;
    char top[64], path[PATH_MAX + 64];
    put(&tar, "./", '5', NULL, NULL);
    put(&tar, "./hello/", '5', NULL, NULL);
    put(&tar, "./hello/plugin.json", '0', NULL, "{\"name\": \"hello\"}");
    put(&tar, "hello/deep/down/x.lua", '\0', NULL, "return 1");
    assert_int_equal(unpack(&tar, top, &err), 0);
    assert_string_equal(top, "hello");
    snprintf(path, sizeof path, "%s/hello/deep/down/x.lua", to);
    assert_int_equal(shoal_file_read_whole(path, 100, &text, NULL), 0);
    assert_string_equal(text.data, "return 1");
    shoal_buf_fini(&text);
}

static void paths_out_of_the_folder_are_refused(void **unused)
{
    (void)unused;
    static const char *const names[] = {"/etc/x", "../x", "hello/../../x", "hello/..", "a/./b",
        "a//b", "a\\b", "a/\x01", ".."};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(refuse_one(names[i], '0', NULL), SHOAL_EINVAL);
        assert_false(shoal_untar_name_valid(names[i]));
    }
}

static void links_and_devices_are_refused(void **unused)
{
    (void)unused;
    static const char types[] = {'1', '2', '3', '4', '6', '7', 'L', 'K', 'S'};
    for (size_t i = 0; i < sizeof types; i++) {
        assert_int_equal(refuse_one("hello/x", types[i], "/etc/passwd"), SHOAL_EINVAL);
    }
}

static void a_name_that_comes_twice_is_refused(void **unused)
{
    (void)unused;
    struct shoal_buf tar = {0};
    struct shoal_err err;
    char top[64];
    put(&tar, "hello/x", '0', NULL, "one");
    put(&tar, "hello/x", '0', NULL, "two");
    assert_int_equal(unpack(&tar, top, &err), SHOAL_EINVAL);
}

static void files_beside_the_folder_are_refused(void **unused)
{
    (void)unused;
    struct shoal_buf tar = {0};
    struct shoal_err err;
    char top[64];
    put(&tar, "hello/x", '0', NULL, "one");
    put(&tar, "other/x", '0', NULL, "two");
    assert_int_equal(unpack(&tar, top, &err), SHOAL_EINVAL);
}

static void extended_headers_may_not_rename(void **unused)
{
    (void)unused;
    struct shoal_buf tar = {0};
    struct shoal_err err;
    char top[64];
    put(&tar, "pax", 'x', NULL, "28 mtime=1700000000.12345678\n");
    put(&tar, "hello/y", '0', NULL, "one");
    assert_int_equal(unpack(&tar, top, &err), 0);
    put(&tar, "pax", 'x', NULL, "19 path=../../evil\n");
    put(&tar, "hello/z", '0', NULL, "one");
    assert_int_equal(unpack(&tar, top, &err), SHOAL_EINVAL);
}

static void too_many_files_are_refused(void **unused)
{
    (void)unused;
    struct shoal_buf tar = {0};
    struct shoal_err err;
    char top[64];
    for (int i = 0; i <= SHOAL_ENTRIES_MAX; i++) {
        put(&tar, "hello/", '5', NULL, NULL);
    }
    assert_int_equal(unpack(&tar, top, &err), SHOAL_ETOOLARGE);
}

static void damage_is_noticed(void **unused)
{
    (void)unused;
    struct shoal_buf tar = {0};
    struct shoal_err err = {0};
    char top[64];
    assert_int_equal(shoal_untar("not a package", 13, to, top, &err), SHOAL_EUNREADABLE);
    put(&tar, "hello/x", '0', NULL, "one");
    tar.data[0] = 'j';
    assert_int_equal(unpack(&tar, top, &err), SHOAL_EUNREADABLE);
    assert_int_equal(unpack(&tar, top, &err), SHOAL_EINVAL);
}

static int setup(void **unused)
{
    (void)unused;
    snprintf(to, sizeof to, "%s/tests/untar-XXXXXX", SHOAL_BUILD_DIR);
    return mkdtemp(to) != NULL ? 0 : -1;
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(to, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_with_files_is_unpacked, setup, teardown),
        cmocka_unit_test_setup_teardown(paths_out_of_the_folder_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(links_and_devices_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_comes_twice_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(files_beside_the_folder_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(extended_headers_may_not_rename, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_files_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_noticed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
