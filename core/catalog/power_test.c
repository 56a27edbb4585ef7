// power_test.c - the power goes right after each commit: only what was synced is left, and that
// must do.
//
// fsync() and fdatasync() of the whole program (SQLite's and the plugins' too) land here. What they
// were called for is what a disk would still have: the bytes of a file as of its last sync, the
// names in a folder as of the folder's. After each sync of the write-ahead log the database is
// opened from that, and each file that it calls ready must be there, whole.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

#define NAMES_MAX 2048

struct node {
    uint64_t number;
    int64_t born_ns; // numbers are used again
};

static struct {
    pthread_mutex_t lock;
    const char *_Atomic folder; // of the instance; NULL: not yet
    char copy[512];
    struct name {
        char folder[256], name[128];
        struct node node;
    } names[NAMES_MAX];
    size_t name_count;
    struct bytes {
        struct node node;
        char *data;
        size_t length;
    } files[NAMES_MAX];
    size_t file_count;
    int looks, ready; // how often it was looked, and at how many files
    char wrong[1024];
    atomic_int loses; // a test of the test: folders are not synced
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};
static _Thread_local bool is_looking;

__attribute__((visibility("default"))) int fsync(int fd);
__attribute__((visibility("default"))) int fdatasync(int fd);

static bool node_of(int folder, const char *name, int flags, struct node *out, bool *is_folder)
{
    struct statx info;
    if (statx(folder, name, flags, STATX_BASIC_STATS | STATX_BTIME, &info) != 0) {
        return false;
    }
    *out = (struct node){info.stx_ino, info.stx_btime.tv_sec * 1000000000 + info.stx_btime.tv_nsec};
    *is_folder = S_ISDIR(info.stx_mode);
    return true;
}

static bool same(const struct node *a, const struct node *b)
{
    return a->number == b->number && a->born_ns == b->born_ns;
}

static void folder_synced(const char *path)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk.name_count; i++) {
        if (strcmp(disk.names[i].folder, path) != 0) {
            disk.names[kept++] = disk.names[i];
        }
    }
    disk.name_count = kept;
    DIR *open = opendir(path);
    for (struct dirent *entry; open != NULL && (entry = readdir(open)) != NULL;) {
        struct name *name = &disk.names[disk.name_count];
        bool is_folder = false;
        assert_true(disk.name_count + 1 < NAMES_MAX);
        if (node_of(dirfd(open), entry->d_name, AT_SYMLINK_NOFOLLOW, &name->node, &is_folder)) {
            snprintf(name->folder, sizeof(name->folder), "%s", path);
            snprintf(name->name, sizeof(name->name), "%.127s", entry->d_name);
            disk.name_count++;
        }
    }
    if (open != NULL) {
        closedir(open);
    }
}

static struct bytes *bytes_of(const struct node *node)
{
    for (size_t i = 0; i < disk.file_count; i++) {
        if (same(&disk.files[i].node, node)) {
            return &disk.files[i];
        }
    }
    return NULL;
}

static void file_synced(const char *path, const struct node *node)
{
    struct shoal_buf text = {0};
    if (shoal_file_read_whole(path, 1 << 28, &text, NULL) != 0) {
        return; // removed meanwhile
    }
    struct bytes *bytes = bytes_of(node);
    if (bytes == NULL) {
        assert_true(disk.file_count < NAMES_MAX);
        bytes = &disk.files[disk.file_count++];
        bytes->node = *node;
    }
    free(bytes->data);
    bytes->data = shoal_buf_take(&text, &bytes->length);
}

/// What is left of a path below the instance's folder, or NULL.
static const struct bytes *left(const char *path)
{
    char at[512];
    const struct name *found = NULL;
    snprintf(at, sizeof(at), "%s", disk.folder);
    char rest[256];
    snprintf(rest, sizeof(rest), "%s", path);
    char *state = NULL;
    for (char *part = strtok_r(rest, "/", &state); part != NULL;
         part = strtok_r(NULL, "/", &state)) {
        found = NULL;
        for (size_t i = 0; i < disk.name_count && found == NULL; i++) {
            bool is_it =
                strcmp(disk.names[i].folder, at) == 0 && strcmp(disk.names[i].name, part) == 0;
            found = is_it ? &disk.names[i] : NULL;
        }
        if (found == NULL) {
            return NULL;
        }
        size_t length = strlen(at);
        snprintf(at + length, sizeof(at) - length, "/%s", part);
    }
    return found == NULL ? NULL : bytes_of(&found->node);
}

static bool restore(const char *name, const char *to)
{
    char path[1024];
    const struct bytes *bytes = left(name);
    snprintf(path, sizeof(path), "%s/%s", disk.copy, to);
    unlink(path);
    FILE *file = bytes == NULL ? NULL : fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    fwrite(bytes->data, 1, bytes->length, file);
    return fclose(file) == 0;
}

static void wrong(const char *what, long long size, const char *why)
{
    if (disk.wrong[0] == '\0') {
        snprintf(disk.wrong, sizeof(disk.wrong), "%s (%lld bytes) %s", what, size, why);
    }
}

/// The power has gone and come back: every row that says "ready" is believed.
static void look(void)
{
    char path[1024];
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    disk.looks++;
    if (!restore("shoal.sqlite3", "db")) {
        return; // nothing was promised yet
    }
    restore("shoal.sqlite3-wal", "db-wal");
    snprintf(path, sizeof(path), "%s/db-shm", disk.copy);
    unlink(path);
    snprintf(path, sizeof(path), "%s/db", disk.copy);
    if (sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db,
            "SELECT CASE storage WHEN '' THEN '' ELSE 'media/' END || storage_key, size_bytes "
            "FROM catalog_file WHERE is_ready",
            -1, &rows, NULL) == SQLITE_OK) {
        while (sqlite3_step(rows) == SQLITE_ROW) {
            const char *key = (const char *)sqlite3_column_text(rows, 0);
            long long size = sqlite3_column_int64(rows, 1);
            const struct bytes *bytes = left(key);
            disk.ready++;
            if (bytes == NULL) {
                wrong(key, size, "is ready by its row, and gone with the power");
            } else if ((long long)bytes->length != size) {
                wrong(key, size, "is not whole");
            }
        }
    }
    sqlite3_finalize(rows);
    sqlite3_close(db);
}

static int synced(int fd)
{
    char link[64], path[512];
    struct node node;
    bool is_folder = false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    if (is_looking || disk.folder == NULL || length <= 0 ||
        !node_of(fd, "", AT_EMPTY_PATH, &node, &is_folder)) {
        return 0;
    }
    path[length] = '\0';
    is_looking = true;
    pthread_mutex_lock(&disk.lock);
    if (is_folder && disk.loses == 0) {
        folder_synced(path);
    } else if (!is_folder) {
        file_synced(path, &node);
    }
    if (length > 4 && strcmp(path + length - 4, "-wal") == 0) {
        look();
    }
    pthread_mutex_unlock(&disk.lock);
    is_looking = false;
    return 0;
}

int fsync(int fd)
{
    return syscall(SYS_fsync, fd) == 0 ? synced(fd) : -1;
}

int fdatasync(int fd)
{
    return syscall(SYS_fdatasync, fd) == 0 ? synced(fd) : -1;
}

// --- a transcoder of words; the storage is the real one ---

static int probe(
    struct shoal_call *call, void *arg, const char *path, json_t **out, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)path;
    (void)err;
    *out = json_pack("{s:f, s:{s:i, s:i, s:f}, s:{s:s}, s:{s:[]}}", "duration", 12.4, "video",
        "width", 1280, "height", 720, "fps", 30.0, "audio", "codec", "aac", "raw", "streams");
    return 0;
}

static int write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    return fclose(file);
}

static int remux(struct shoal_call *call, void *arg, const char *path, const json_t *probed,
    const char *out_path, const char *key, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)path;
    (void)probed;
    (void)key;
    (void)err;
    return write_text(out_path, "remuxed");
}

static int images(struct shoal_call *call, void *arg, const char *path, const json_t *probed,
    double at_s, struct shoal_image *list, size_t count, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)path;
    (void)probed;
    (void)at_s;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        list[i].out_width = list[i].width;
        list[i].out_height = list[i].height;
        write_text(list[i].path, "jpeg");
    }
    return 0;
}

static int takes(struct shoal_call *call, void *arg, const json_t *probed, const json_t *plan)
{
    (void)call;
    (void)arg;
    (void)probed;
    return json_array_size(plan) > 0 ? 0 : SHOAL_EUNSUPPORTED;
}

static int run(
    struct shoal_call *call, void *arg, const struct shoal_transcode *what, struct shoal_err *err)
{
    (void)arg;
    for (size_t i = 0; i < json_array_size(what->plan); i++) {
        struct shoal_rendition rendition = {.size = sizeof(rendition),
            .resolution = (int)shoal_integer(json_array_get(what->plan, i), "resolution", 0),
            .has_video = true,
            .codecs = "avc1.64001f",
            .media_path =
                shoal_arena_printf(shoal_call_arena(call), "%s/%zu.mp4", what->work_path, i),
            .playlist_path =
                shoal_arena_printf(shoal_call_arena(call), "%s/%zu.m3u8", what->work_path, i)};
        write_text(rendition.media_path, "initSEGONE");
        write_text(rendition.playlist_path,
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n"
            "#EXT-X-MAP:URI=\"media.mp4\",BYTERANGE=\"4@0\"\n"
            "#EXTINF:4.000000,\n#EXT-X-BYTERANGE:6@4\nmedia.mp4\n#EXT-X-ENDLIST\n");
        int code = what->ready(what->user, &rendition, err);
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_transcoder transcoder = {.size = sizeof(transcoder),
        .probe = probe,
        .remux = remux,
        .images = images,
        .takes = takes,
        .run = run};
    return shoal_provide(self, "transcoder", &transcoder, NULL, err);
}

static const struct shoal_plugin_descriptor descriptor = {.size = sizeof(descriptor),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "transcode_fake",
    .start = start};
static const char manifest[] =
    "{\"name\": \"transcode_fake\", \"version\": \"1.0.0\", \"summary\": \"Stands in.\", "
    "\"licence\": \"MIT\", \"sdk\": \"^1.0.0\", \"language\": \"c\", "
    "\"provides\": [\"transcoder\"], \"permissions\": [\"media\"]}";

static void upload(struct shoal_kit *kit)
{
    struct shoal_err err = {0};
    struct shoal_call *user = shoal_kit_user(kit, "alice");
    char path[512];
    snprintf(path, sizeof(path), "%s/upload.tmp", shoal_kit_folder(kit));
    write_text(path, "VIDEO bytes");
    json_t *draft = json_pack("{s:s, s:I, s:i}", "name", "Fish in a tank", "channelId",
        (json_int_t)test_channel_of(user), "privacy", 1);
    struct shoal_submission what = {.draft = draft,
        .path = path,
        .filename = "fish.mp4",
        .sha256 = "00",
        .size_bytes = strlen("VIDEO bytes"),
        .source = "upload"};
    json_t *video = NULL;
    if (shoal_media_submit(user, &what, &video, &err) != 0) {
        fail_msg("%s", err.text);
    }
    json_decref(video);
    json_decref(draft);
    assert_true(shoal_kit_idle(kit, 60000));
}

static int setup(void **state)
{
    struct shoal_err err = {0};
    struct shoal_kit *kit = shoal_kit_new("plugins = { \"storage_fs\" }\n");
    snprintf(disk.copy, sizeof(disk.copy), "%s/tmp/power", shoal_kit_folder(kit));
    if (shoal_folder_make(disk.copy, 0700, &err) != 0 ||
        shoal_kit_load_text(kit, &descriptor, manifest, NULL, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    // A server that was stopped before left all of this on the disk.
    disk.folder = shoal_kit_folder(kit);
    for (DIR *open = opendir(disk.folder); open != NULL;) {
        for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
            int fd = entry->d_type == DT_REG ? openat(dirfd(open), entry->d_name, O_RDONLY) : -1;
            if (fd >= 0) {
                fsync(fd);
                close(fd);
            }
        }
        fsync(dirfd(open));
        closedir(open);
        break;
    }
    disk.looks = disk.ready = 0;
    disk.wrong[0] = '\0';
    *state = kit;
    return 0;
}

static int teardown(void **state)
{
    disk.folder = NULL;
    disk.loses = 0;
    pthread_mutex_lock(&disk.lock); // workers of the kit may still be in a sync
    for (size_t i = 0; i < disk.file_count; i++) {
        free(disk.files[i].data);
    }
    disk.file_count = disk.name_count = 0;
    memset(disk.files, 0, sizeof(disk.files));
    pthread_mutex_unlock(&disk.lock);
    shoal_kit_free(*state);
    return 0;
}

static void what_a_row_calls_ready_is_on_the_disk(void **state)
{
    upload(*state);
    pthread_mutex_lock(&disk.lock);
    int looks = disk.looks;
    int ready = disk.ready;
    pthread_mutex_unlock(&disk.lock);
    assert_string_equal(disk.wrong, "");
    assert_true(looks > 5);
    assert_true(ready > 20);
}

static void a_folder_that_is_not_synced_is_noticed(void **state)
{
    disk.loses = 1;
    upload(*state);
    assert_non_null(strstr(disk.wrong, "gone with the power"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_a_row_calls_ready_is_on_the_disk),
        CASE(a_folder_that_is_not_synced_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
