// storage_fs_test.c - keys, atomic writing, and what is left behind when something fails.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage_fs.h"

static char root[] = "/tmp/shoal-storage-XXXXXX";
static char media[128];
static struct storage_fs fs;
static struct shoal_err err;

static char synced[4096]; // the paths that were synced, each with a line end

// Stands in for the call of the system.
int fsync(int fd)
{
    char name[64];
    char path[512];
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof(path) - 2);
    size_t used = strlen(synced);
    if (length > 0 && used + (size_t)length + 2 < sizeof(synced)) {
        memcpy(synced + used, path, (size_t)length);
        memcpy(synced + used + length, "\n", 2);
    }
    return fdatasync(fd);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int begin(void **state)
{
    (void)state;
    memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
    if (mkdtemp(root) == NULL) {
        return -1;
    }
    snprintf(media, sizeof(media), "%s/a/media", root);
    err = (struct shoal_err){0};
    int rc = storage_fs_open(&fs, media, &err);
    storage_fs_table(&fs, 60);
    return rc;
}

static int end(void **state)
{
    (void)state;
    storage_fs_close(&fs);
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_text(const char *key, const char *text)
{
    void *put = NULL;
    assert_int_equal(
        fs.table.put_begin(NULL, &fs, key, "text/plain", (int64_t)strlen(text), &put, &err), 0);
    assert_int_equal(fs.table.put_write(NULL, put, text, strlen(text), &err), 0);
    assert_int_equal(fs.table.put_commit(NULL, put, &err), 0);
}

static void is_text(const char *key, const char *text)
{
    char out[256] = {0};
    assert_int_equal(fs.table.read(NULL, &fs, key, 0, out, sizeof(out), &err), strlen(text));
    assert_string_equal(out, text);
}

static size_t temp_count(void)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/.tmp", media);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    size_t count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    closedir(folder);
    return count;
}

static void keys_stay_inside(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "hls/0b1c/720-fragmented.mp4", "a/b/c/d.e_f-1"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(storage_fs_key_valid(good[i]));
    }
    static const char *const bad[] = {"", "/", "/etc/passwd", "a/", "a//b", ".", "..", "../a",
        "a/../b", "a/..", "./a", "a/./b", ".tmp/x", "a/.b", "..a", "A", "a b", "a\\b", "a\nb", "a%2e",
        "\xc3\xa9", "a:b", "~"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(storage_fs_key_valid(bad[i]));
        void *put = NULL;
        char out[1];
        assert_int_equal(fs.table.put_begin(NULL, &fs, bad[i], "", 0, &put, &err), SHOAL_EINVAL);
        assert_int_equal(fs.table.read(NULL, &fs, bad[i], 0, out, 1, &err), SHOAL_EINVAL);
        assert_int_equal(fs.table.stat(NULL, &fs, bad[i], &err), SHOAL_EINVAL);
        assert_int_equal(fs.table.remove(NULL, &fs, bad[i], &err), SHOAL_EINVAL);
        assert_int_equal(fs.table.copy(NULL, &fs, "a", bad[i], &err), SHOAL_EINVAL);
        assert_int_equal(fs.table.put_file(NULL, &fs, bad[i], "", "/x", &err), SHOAL_EINVAL);
        assert_null(fs.table.local_path(NULL, &fs, bad[i]));
    }
    assert_false(storage_fs_key_valid(NULL));
    char length[STORAGE_FS_KEY_MAX + 2];
    memset(length, 'a', sizeof(length));
    length[STORAGE_FS_KEY_MAX + 1] = '\0';
    assert_false(storage_fs_key_valid(length));
    length[STORAGE_FS_KEY_MAX] = '\0';
    assert_true(storage_fs_key_valid(length));
}

static void nothing_is_seen_before_the_commit(void **state)
{
    (void)state;
    put_text("v/one.txt", "old");
    void *put = NULL;
    assert_int_equal(fs.table.put_begin(NULL, &fs, "v/one.txt", "", -1, &put, &err), 0);
    assert_int_equal(fs.table.put_write(NULL, put, "new and longer", 14, &err), 0);
    is_text("v/one.txt", "old");
    assert_int_equal(fs.table.put_commit(NULL, put, &err), 0);
    is_text("v/one.txt", "new and longer");
    assert_int_equal(fs.table.stat(NULL, &fs, "v/one.txt", &err), 14);

    assert_int_equal(fs.table.put_begin(NULL, &fs, "v/one.txt", "", -1, &put, &err), 0);
    assert_int_equal(fs.table.put_write(NULL, put, "never", 5, &err), 0);
    assert_int_equal(temp_count(), 1);
    fs.table.put_abort(NULL, put);
    is_text("v/one.txt", "new and longer");
    assert_int_equal(temp_count(), 0);
    fs.table.put_abort(NULL, NULL);
}

static void readers_see_the_whole_old_or_the_whole_new(void **state)
{
    (void)state;
    put_text("v/list.m3u8", "AAAAAAAA");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (int i = 0; i < 100; i++) {
            put_text("v/list.m3u8", i % 2 == 0 ? "BBBBBBBB" : "AAAAAAAA");
        }
        _exit(0);
    }
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        char out[9] = {0};
        assert_int_equal(fs.table.read(NULL, &fs, "v/list.m3u8", 0, out, 8, &err), 8);
        assert_true(strcmp(out, "AAAAAAAA") == 0 || strcmp(out, "BBBBBBBB") == 0);
    }
    assert_int_equal(status, 0);
}

static void ranges_end_at_the_end(void **state)
{
    (void)state;
    put_text("r", "0123456789");
    char out[16] = {0};
    assert_int_equal(fs.table.read(NULL, &fs, "r", 4, out, 3, &err), 3);
    assert_memory_equal(out, "456", 3);
    assert_int_equal(fs.table.read(NULL, &fs, "r", 8, out, 16, &err), 2);
    assert_int_equal(fs.table.read(NULL, &fs, "r", 10, out, 16, &err), 0);
    assert_int_equal(fs.table.read(NULL, &fs, "r", 1000, out, 16, &err), 0);
    assert_int_equal(fs.table.read(NULL, &fs, "r", UINT64_MAX, out, 16, &err), SHOAL_EINVAL);
    assert_int_equal(fs.table.read(NULL, &fs, "none", 0, out, 16, &err), SHOAL_ENOTFOUND);
    assert_int_equal(fs.table.stat(NULL, &fs, "none", &err), SHOAL_ENOTFOUND);
}

static void files_are_taken_in(void **state)
{
    (void)state;
    char path[160];
    snprintf(path, sizeof(path), "%s/upload", root);
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    fputs("bytes", file);
    fclose(file);
    struct stat before;
    struct stat after;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(fs.table.put_file(NULL, &fs, "web/u.mp4", "video/mp4", path, &err), 0);
    is_text("web/u.mp4", "bytes");
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof(path), "%s/web/u.mp4", media);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); // renamed, not copied

    assert_int_equal(fs.table.put_file(NULL, &fs, "web/v.mp4", "", "/does/not/exist", &err),
        SHOAL_ENOTFOUND);
    assert_int_equal(fs.table.put_file(NULL, &fs, "web/v.mp4", "", root, &err), SHOAL_EINVAL);
}

static void files_of_another_file_system_are_copied(void **state)
{
    (void)state;
    char path[] = "/dev/shm/shoal-storage-XXXXXX";
    int fd = mkstemp(path);
    struct stat there;
    struct stat here;
    if (fd < 0 || fstat(fd, &there) != 0 || stat(media, &here) != 0 || there.st_dev == here.st_dev) {
        skip();
    }
    assert_int_equal(write(fd, "from afar", 9), 9);
    close(fd);
    assert_int_equal(fs.table.put_file(NULL, &fs, "x/far.mp4", "", path, &err), 0);
    is_text("x/far.mp4", "from afar");
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(temp_count(), 0);
}

static void copies_are_their_own(void **state)
{
    (void)state;
    put_text("c/from", "content");
    assert_int_equal(fs.table.copy(NULL, &fs, "c/from", "d/e/to", &err), 0);
    put_text("c/from", "changed");
    is_text("d/e/to", "content");
    put_text("c/empty", "");
    assert_int_equal(fs.table.copy(NULL, &fs, "c/empty", "c/empty2", &err), 0);
    assert_int_equal(fs.table.stat(NULL, &fs, "c/empty2", &err), 0);
    assert_int_equal(fs.table.copy(NULL, &fs, "none", "c/x", &err), SHOAL_ENOTFOUND);
    assert_int_equal(fs.table.copy(NULL, &fs, "d", "c/x", &err), SHOAL_ENOTFOUND);
}

static void empty_folders_go_with_their_last_file(void **state)
{
    (void)state;
    put_text("h/v1/a", "1");
    put_text("h/v1/b", "2");
    assert_int_equal(fs.table.remove(NULL, &fs, "h/v1/a", &err), 0);
    is_text("h/v1/b", "2");
    assert_int_equal(fs.table.remove(NULL, &fs, "h/v1/b", &err), 0);
    char path[160];
    snprintf(path, sizeof(path), "%s/h", media);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(media, F_OK), 0);
    // Removing what is not there, or what only has things below it, is fine.
    assert_int_equal(fs.table.remove(NULL, &fs, "h/v1/b", &err), 0);
    put_text("h/v1/b", "2");
    assert_int_equal(fs.table.remove(NULL, &fs, "h/v1", &err), 0);
    is_text("h/v1/b", "2");
}

struct seen {
    char keys[16][STORAGE_FS_KEY_MAX + 1];
    size_t count, most;
};

static bool see(const char *key, int64_t size_bytes, void *user)
{
    struct seen *seen = user;
    assert_int_equal(size_bytes, 1);
    snprintf(seen->keys[seen->count++], sizeof(seen->keys[0]), "%s", key);
    return seen->count < seen->most;
}

static size_t list(const char *prefix, size_t most, struct seen *seen)
{
    *seen = (struct seen){.most = most};
    assert_int_equal(fs.table.list(NULL, &fs, prefix, see, seen, &err), 0);
    return seen->count;
}

static void the_name_of_a_folder_that_another_made_is_synced(void **state)
{
    (void)state;
    char path[300];
    snprintf(path, sizeof(path), "%s/hls", media);
    assert_int_equal(mkdir(path, 0750), 0); // and did not come to syncing it
    snprintf(path, sizeof(path), "%s/hls/one", media);
    assert_int_equal(mkdir(path, 0750), 0);
    synced[0] = '\0';
    put_text("hls/one/file", "text");
    snprintf(path, sizeof(path), "%s\n", media);
    assert_non_null(strstr(synced, path));
    snprintf(path, sizeof(path), "%s/hls\n", media);
    assert_non_null(strstr(synced, path));
}

static void lists_follow_the_prefix(void **state)
{
    (void)state;
    put_text("hls/one/1", "x");
    put_text("hls/one/2", "x");
    put_text("hls/onetwo/3", "x");
    put_text("web/4", "x");
    struct seen seen;
    assert_int_equal(list("", 16, &seen), 4);
    assert_int_equal(list(NULL, 16, &seen), 4);
    assert_int_equal(list("hls/one", 16, &seen), 3);
    assert_int_equal(list("hls/one/", 16, &seen), 2);
    assert_int_equal(list("hls/one/2", 16, &seen), 1);
    assert_string_equal(seen.keys[0], "hls/one/2");
    assert_int_equal(list("nothing", 16, &seen), 0);
    assert_int_equal(list("../", 16, &seen), 0);
    assert_int_equal(list("", 2, &seen), 2);
}

static void links_lead_nowhere(void **state)
{
    (void)state;
    char path[160];
    snprintf(path, sizeof(path), "%s/link", media);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    char out[16];
    assert_int_equal(fs.table.read(NULL, &fs, "link", 0, out, sizeof(out), &err), SHOAL_ENOTFOUND);
    assert_int_equal(fs.table.stat(NULL, &fs, "link", &err), SHOAL_ENOTFOUND);
    struct seen seen;
    assert_int_equal(list("", 16, &seen), 0);
    // Writing replaces the link, not what it points at.
    put_text("link", "x");
    is_text("link", "x");
}

static void full_disk_leaves_nothing(void **state)
{
    (void)state;
    put_text("f/old", "old");
    void *put = NULL;
    assert_int_equal(fs.table.put_begin(NULL, &fs, "f/old", "", INT64_MAX, &put, &err), SHOAL_EFULL);
    // A limit of file sizes fails in the middle of writing, too.
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    char block[8192] = {0};
    int rc = fs.table.put_begin(NULL, &fs, "f/old", "", -1, &put, &err);
    int written = rc == 0 ? fs.table.put_write(NULL, put, block, sizeof(block), &err) : rc;
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(rc, 0);
    assert_int_equal(written, SHOAL_ETOOLARGE);
    fs.table.put_abort(NULL, put);
    assert_int_equal(temp_count(), 0);
    is_text("f/old", "old");
}

static void folders_and_files_do_not_replace_each_other(void **state)
{
    (void)state;
    put_text("n/x", "x");
    void *put = NULL;
    assert_int_equal(fs.table.put_begin(NULL, &fs, "n", "", 1, &put, &err), 0);
    assert_int_equal(fs.table.put_write(NULL, put, "y", 1, &err), 0);
    assert_true(fs.table.put_commit(NULL, put, &err) < 0);
    assert_int_equal(fs.table.put_begin(NULL, &fs, "n/x/y/z", "", 1, &put, &err), 0);
    assert_true(fs.table.put_commit(NULL, put, &err) < 0);
    is_text("n/x", "x");
    assert_int_equal(temp_count(), 0);
}

static void old_leftovers_are_swept(void **state)
{
    (void)state;
    char path[160];
    snprintf(path, sizeof(path), "%s/.tmp/crashed", media);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(futimens(fd, old), 0);
    close(fd);
    snprintf(path, sizeof(path), "%s/.tmp/young", media);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(temp_count(), 2);
    storage_fs_close(&fs);
    assert_int_equal(storage_fs_open(&fs, media, &err), 0);
    storage_fs_table(&fs, 60);
    assert_int_equal(temp_count(), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(keys_stay_inside),
        CASE(nothing_is_seen_before_the_commit),
        CASE(readers_see_the_whole_old_or_the_whole_new),
        CASE(ranges_end_at_the_end),
        CASE(files_are_taken_in),
        CASE(files_of_another_file_system_are_copied),
        CASE(copies_are_their_own),
        CASE(empty_folders_go_with_their_last_file),
        CASE(the_name_of_a_folder_that_another_made_is_synced),
        CASE(lists_follow_the_prefix),
        CASE(links_lead_nowhere),
        CASE(full_disk_leaves_nothing),
        CASE(folders_and_files_do_not_replace_each_other),
        CASE(old_leftovers_are_swept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
