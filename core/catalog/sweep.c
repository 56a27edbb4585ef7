// sweep.c - what a crash left behind: sources, work folders and stored objects that no row knows. And by the
// same hour, actors that nobody needs (remote_forget.c).
//
// An object is stored before its row is written, so one without a row may be on its way. How old it
// is no storage says: the first look notes it, and one that is still unknown a day later goes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "catalog/pipeline_priv.h"
#include "catalog/remote_priv.h"

#include "base/drill.h"
#include "base/file.h"
#include "data/data.h"

#define DAY_MS       (INT64_C(24) * 3600 * 1000)
#define STORAGES_MAX 8
#define STRAYS_MAX   1000

SHOAL_SQL(object_known,
    "SELECT (SELECT COUNT(*) FROM catalog_file WHERE storage_key = $1 AND storage = $2) + "
    "(SELECT COUNT(*) FROM catalog_actor_image WHERE storage_key = $1 AND storage = $2)");
SHOAL_SQL(video_works, "SELECT COUNT(*) FROM catalog_video v JOIN catalog_file f ON "
                       "f.video_id = v.id AND f.kind = 'source' WHERE v.uuid = $1");
SHOAL_SQL(stray_note, "INSERT INTO catalog_stray (storage, storage_key, seen) VALUES ($1, $2, $3) "
                      "ON CONFLICT (storage, storage_key) DO NOTHING");
SHOAL_SQL(stray_forget, "DELETE FROM catalog_stray WHERE storage = $1 AND storage_key = $2");
SHOAL_SQL(strays_old, "SELECT storage, storage_key FROM catalog_stray WHERE seen <= $1 "
                      "ORDER BY seen LIMIT 1000");

// What the catalog itself stores; plugins may keep other things beside.
static const char *const prefixes[] = {
    "web-videos/", "hls/", "thumbnails/", "previews/", "avatars/", "banners/",
    "video-captions/", "storyboards/"};
#define PREFIXES (sizeof(prefixes) / sizeof(prefixes[0]))

static int64_t age_ms(void)
{
    // What was removed on purpose goes by its own job first.
    int64_t least = catalog_setting_i64("video.delete_after", INT64_C(3600) * 1000) + 3600 * 1000;
    return shoal_drill_ms("SHOAL_DRILL_SWEEP", least > DAY_MS ? least : DAY_MS);
}

int64_t catalog_sweep_period_ms(void)
{
    return shoal_drill_ms("SHOAL_DRILL_SWEEP", INT64_C(3600) * 1000);
}

int catalog_object_known(struct shoal_call *call, const char *storage, const char *key, bool *known,
    struct shoal_err *err)
{
    int64_t count = 0;
    int code = shoal_db_i64(shoal_call_db(call), &object_known,
        SHOAL_ARGS(SHOAL_TEXT(key), SHOAL_TEXT(storage)), &count, err);
    *known = count > 0;
    return code;
}

// A source is known by its row, and so are the pictures that wait beside it.
static int source_known(
    struct shoal_call *call, const char *name, bool *known, struct shoal_err *err)
{
    static const char end[] = ".source";
    const char *found = strstr(name, end);
    size_t length = found == NULL ? strlen(name) : (size_t)(found - name) + sizeof(end) - 1;
    const char *key = shoal_arena_printf(call->arena, CATALOG_UPLOADS "/%.*s", (int)length, name);
    return catalog_object_known(call, "", key, known, err);
}

// While the source is there, work on it may be gone on with, however old it is. A folder of pictures is
// its job's.
static int work_known(struct shoal_call *call, const char *name, bool *known, struct shoal_err *err)
{
    static const char of_job[] = "images-job-";
    if (strncmp(name, of_job, sizeof(of_job) - 1) == 0) {
        return shoal_jobs_is_open(call, strtoll(name + sizeof(of_job) - 1, NULL, 10), known, err);
    }
    int64_t count = 0;
    const char *dash = strchr(name, '-');
    const char *uuid = dash == NULL ? "" : shoal_arena_strndup(call->arena, dash + 1, 36);
    int code =
        shoal_db_i64(shoal_call_db(call), &video_works, SHOAL_ARGS(SHOAL_TEXT(uuid)), &count, err);
    *known = count > 0;
    return code;
}

static int64_t changed_ms(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 ? (int64_t)info.st_mtim.tv_sec * 1000 : INT64_MAX;
}

// When something in a work folder was written last.
static int64_t touched_ms(struct shoal_call *call, const char *path)
{
    int64_t latest = changed_ms(path);
    DIR *open = opendir(path); // NULL for a file
    struct dirent *entry;
    while (open != NULL && (entry = readdir(open)) != NULL) {
        int64_t at = changed_ms(shoal_arena_printf(call->arena, "%s/%s", path, entry->d_name));
        latest = entry->d_name[0] != '.' && at > latest ? at : latest;
    }
    if (open != NULL) {
        closedir(open);
    }
    return latest;
}

static int sweep_folder(struct shoal_call *call, const char *name,
    int (*find)(struct shoal_call *, const char *, bool *, struct shoal_err *),
    struct shoal_err *err)
{
    const char *folder = catalog_folder(call, name, err);
    DIR *open = folder == NULL ? NULL : opendir(folder);
    if (open == NULL) {
        return folder == NULL ? SHOAL_EIO : shoal_file_fail(err, errno, "read", folder);
    }
    struct dirent *entry;
    int code = 0;
    while (code == 0 && (entry = readdir(open)) != NULL) {
        const char *path = shoal_arena_printf(call->arena, "%s/%s", folder, entry->d_name);
        bool known = false;
        if (entry->d_name[0] == '.' || shoal_now_ms() - touched_ms(call, path) < age_ms()) {
            continue;
        }
        code = find(call, entry->d_name, &known, err);
        if (code == 0 && !known) {
            shoal_info("%s/%s is nobody's any more and goes", name, entry->d_name);
            code = shoal_tree_remove(path, err);
        }
    }
    closedir(open);
    return code;
}

struct strays {
    struct shoal_call *call;
    const struct shoal_service *service;
    const char *keys[STRAYS_MAX];
    size_t count;
    int code;
    struct shoal_err *err;
};

// The storage calls this: what is asked meanwhile is asked by the core, not by its plugin.
static bool stray_look(const char *key, int64_t size_bytes, void *user)
{
    (void)size_bytes;
    struct strays *strays = user;
    bool known = false;
    shoal_leave(strays->call);
    strays->code =
        catalog_object_known(strays->call, strays->service->plugin, key, &known, strays->err);
    shoal_enter(strays->call, strays->service);
    if (strays->code == 0 && !known) {
        strays->keys[strays->count++] = shoal_arena_strdup(strays->call->arena, key);
    }
    return strays->code == 0 && strays->count < STRAYS_MAX;
}

static int note_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct strays *strays = arg;
    int code = 0;
    for (size_t i = 0; i < strays->count && code == 0; i++) {
        code = shoal_db_exec(tx, &stray_note,
            SHOAL_ARGS(SHOAL_TEXT(strays->service->plugin), SHOAL_TEXT(strays->keys[i]),
                SHOAL_TIME(shoal_now_ms())),
            NULL, err);
    }
    return code;
}

static int strays_note(
    struct shoal_call *call, const struct shoal_service *service, struct shoal_err *err)
{
    const struct shoal_svc_storage *table = service->table;
    if (!SHOAL_HAS(table, list)) {
        return 0;
    }
    struct strays *strays = shoal_arena_alloc(call->arena, sizeof(*strays));
    *strays = (struct strays){.call = call, .service = service, .err = err};
    int code = 0;
    for (size_t i = 0; i < PREFIXES && code == 0; i++) {
        shoal_enter(call, service);
        code = table->list(call, service->arg, prefixes[i], stray_look, strays, err);
        shoal_leave(call);
        code = code == 0 ? strays->code : code;
    }
    // What was seen before it failed counts.
    return strays->count > 0 && shoal_tx(call, note_tx, strays, err) != 0 ? SHOAL_EIO : code;
}

struct stray {
    const char *storage, *key;
};

static int forget_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct stray *stray = arg;
    return shoal_db_exec(tx, &stray_forget,
        SHOAL_ARGS(SHOAL_TEXT(stray->storage), SHOAL_TEXT(stray->key)), NULL, err);
}

// Looked at a second time by catalog_object_remove(): one that has a row by now stays.
static int strays_remove(struct shoal_call *call, struct shoal_err *err)
{
    struct stray *list = shoal_arena_alloc(call->arena, STRAYS_MAX * sizeof(*list));
    size_t count = 0;
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &strays_old, SHOAL_ARGS(SHOAL_TIME(shoal_now_ms() - age_ms())), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (count < STRAYS_MAX && shoal_rows_next(rows)) {
        list[count++] =
            (struct stray){.storage = shoal_arena_strdup(call->arena, shoal_col_text(rows, 0)),
                .key = shoal_arena_strdup(call->arena, shoal_col_text(rows, 1))};
    }
    int code = shoal_rows_close(rows, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        code = catalog_object_remove(call, list[i].storage, list[i].key, err);
        code = code == 0 ? shoal_tx(call, forget_tx, &list[i], err) : code;
    }
    if (count > 0 && code == 0) {
        shoal_info("looked after %zu stored objects that had no row a day ago", count);
    }
    return code;
}

int catalog_sweep(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_service all[STORAGES_MAX];
    int code = sweep_folder(call, CATALOG_UPLOADS, source_known, err);
    if (code == 0) {
        code = sweep_folder(call, "tmp", work_known, err);
    }
    if (code == 0) {
        code = strays_remove(call, err);
    }
    size_t count = code == 0 ? shoal_service_all("storage", all, STORAGES_MAX) : 0;
    for (size_t i = 0; i < count && i < STORAGES_MAX && code == 0; i++) {
        code = strays_note(call, &all[i], err);
    }
    return code == 0 ? catalog_remote_forget(call, err) : code;
}
