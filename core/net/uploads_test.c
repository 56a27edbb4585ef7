// uploads_test.c - file parts on disk: hashed, renamed or removed, and disks that fail meanwhile.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/request_test.h"

#include <dirent.h>
#include <errno.h>

#include "base/file.h"
#include "net/sink_priv.h"

static char folder[] = "/tmp/shoal-uploads-XXXXXX";
static struct shoal_uploading uploading;
static struct shoal_err err;

static int start(void **state)
{
    (void)state;
    made.server.options.temp_path = mkdtemp(folder);
    return made.server.options.temp_path ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    return shoal_tree_remove(folder, NULL);
}

static int set_up(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("POST / HTTP/1.1", "");
    err = (struct shoal_err){0};
    uploading = (struct shoal_uploading){.request = request, .file = -1};
    uploading.fields.arena = request->call.arena;
    return 0;
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

static int tear_down(void **state)
{
    (void)state;
    shoal_file_set(NULL);
    shoal_uploading_fini(&uploading);
    assert_int_equal(uploading.file, -1);
    shoal_request_free(uploading.request);
    assert_int_equal(count_files(), 0); // whatever happened
    return 0;
}

static int begin_file(const char *field, const char *filename, const char *mime)
{
    struct shoal_part part = {.is_file = true};
    snprintf(part.name, sizeof part.name, "%s", field);
    snprintf(part.filename, sizeof part.filename, "%s", filename);
    snprintf(part.mime, sizeof part.mime, "%s", mime);
    return shoal_upload_ops.begin(&uploading, &part, &err);
}

static int data(const char *text)
{
    return shoal_upload_ops.data(&uploading, text, strlen(text), &err);
}

static int end(void)
{
    return shoal_upload_ops.end(&uploading, &err);
}

static void hashes_files_on_their_way(void **state)
{
    (void)state;
    assert_int_equal(begin_file("videofile", "../../etc/a b.mp4", "video/mp4"), 0);
    assert_int_equal(data("a"), 0);
    assert_int_equal(data("bc"), 0);
    assert_int_equal(end(), 0);
    assert_int_equal(begin_file("empty", "none", ""), 0);
    assert_int_equal(end(), 0);
    const struct shoal_upload *one = shoal_request_upload(uploading.request, "videofile");
    const struct shoal_upload *other = shoal_request_upload(uploading.request, "empty");
    assert_string_equal(
        one->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(
        other->sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(one->size_bytes, 3);
    assert_string_equal(one->filename, "../../etc/a b.mp4"); // text, and never a path:
    assert_int_equal(strncmp(one->path, folder, strlen(folder)), 0);
    assert_null(strstr(one->path + strlen(folder) + 1, "/"));
    assert_string_equal(one->mime, "video/mp4");
    assert_string_equal(other->mime, "application/octet-stream");
    assert_string_not_equal(one->path, other->path);
    struct shoal_buf found = {0};
    assert_int_equal(shoal_file_read_whole(one->path, 10, &found, NULL), 0);
    assert_string_equal(found.data, "abc");
    shoal_buf_fini(&found);
    assert_null(shoal_request_upload(uploading.request, "video"));
}

static void text_fields_come_between(void **state)
{
    (void)state;
    struct shoal_part part = {.name = "title"};
    assert_int_equal(begin_file("videofile", "x", ""), 0);
    assert_int_equal(data("file"), 0);
    assert_int_equal(end(), 0);
    assert_int_equal(shoal_upload_ops.begin(&uploading, &part, &err), 0);
    assert_int_equal(data("a title"), 0);
    assert_int_equal(end(), 0);
    assert_int_equal(uploading.fields.form.count, 1);
    assert_string_equal(uploading.fields.form.items[0].value, "a title");
    assert_int_equal(shoal_request_upload(uploading.request, "videofile")->size_bytes, 4);
}

static void passes_over_a_file_field_that_was_left_empty(void **state)
{
    (void)state;
    assert_int_equal(begin_file("videofile", "", "application/octet-stream"), 0);
    assert_int_equal(data("what comes with it"), 0);
    assert_int_equal(end(), 0);
    assert_null(shoal_request_upload(uploading.request, "videofile"));
    assert_int_equal(count_files(), 0);
}

static void leaves_what_its_handler_renamed(void **state)
{
    (void)state;
    assert_int_equal(begin_file("videofile", "x", ""), 0);
    assert_int_equal(end(), 0);
    char kept[64];
    snprintf(kept, sizeof kept, "%s/.kept", folder);
    const struct shoal_upload *upload = shoal_request_upload(uploading.request, "videofile");
    assert_int_equal(rename(upload->path, kept), 0);
    shoal_uploads_remove(uploading.request);
    assert_null(shoal_request_upload(uploading.request, "videofile"));
    assert_int_equal(unlink(kept), 0); // it was there
}

static void takes_only_so_many_files(void **state)
{
    (void)state;
    for (int i = 0; i < 32; i++) {
        assert_int_equal(begin_file("f", "x", ""), 0);
        assert_int_equal(end(), 0);
    }
    assert_int_equal(begin_file("f", "x", ""), SHOAL_ETOOLARGE);
    assert_int_equal(count_files(), 32);
}

static ssize_t write_is_full(int fd, const void *bytes, size_t length)
{
    (void)fd;
    (void)bytes;
    (void)length;
    errno = ENOSPC;
    return -1;
}

static int open_fails(const char *path, int flags, mode_t mode)
{
    (void)path;
    (void)flags;
    (void)mode;
    errno = EACCES;
    return -1;
}

static void says_what_the_disk_said(void **state)
{
    (void)state;
    struct shoal_file_calls calls = *shoal_file_system();
    shoal_file_set(&calls);
    calls.open = open_fails;
    assert_int_equal(begin_file("f", "x", ""), SHOAL_EIO);
    assert_null(shoal_request_upload(uploading.request, "f"));
    calls.open = shoal_file_system()->open;
    assert_int_equal(begin_file("f", "x", ""), 0);
    calls.write = write_is_full;
    assert_int_equal(data("abc"), SHOAL_EFULL); // and the file, half written, goes with the request
    assert_int_equal(count_files(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hashes_files_on_their_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_fields_come_between, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            passes_over_a_file_field_that_was_left_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_what_its_handler_renamed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_only_so_many_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_the_disk_said, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
