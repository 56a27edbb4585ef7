// remote_fetch.c - fetches a picture of another server, once, when it is first asked for.
//
// Bounded in bytes, time and number, looked at by the sandbox that looks at uploads, and made anew:
// what is served is never what was sent. One that does not come is tried again later, each time
// more seldom; a host that does not answer is left alone for a while, so that a page of its
// pictures costs one wait.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/fetch.h>
#include "base/file.h"
#include "catalog/pipeline_priv.h"
#include "catalog/remote_priv.h"

#define PICTURE_MAX   (4u * 1024 * 1024)
#define FETCH_MS      6000
#define AT_ONCE       4
#define WAIT_MS       50
#define WAITS         60 ///< for a place among those at once: 3 s
#define WAITING_MAX   4  ///< who waits holds a worker, and there are few
#define AGAIN_MS      (INT64_C(60) * 1000)
#define AGAIN_MAX_MS  CATALOG_DAY_MS
#define HOSTS         64
#define HOST_PAUSE_MS 60000
#define SLOW_MS       3000 ///< a host that takes longer for one picture rests before the next one
#define SLOW_PAUSE_MS 10000

SHOAL_SQL(lazy_file, "SELECT f.id, f.origin_url, f.tries, f.tried FROM catalog_file f "
                     "WHERE f.kind = $1 AND f.name = $2 AND f.storage_key = '' "
                     "AND f.origin_url IS NOT NULL");
SHOAL_SQL(lazy_image, "SELECT i.id, i.origin_url, i.tries, i.tried FROM catalog_actor_image i "
                      "WHERE i.kind = $1 AND i.name = $2 AND i.storage_key = '' "
                      "AND i.origin_url IS NOT NULL");
SHOAL_SQL(lazy_file_failed, "UPDATE catalog_file SET tries = tries + 1, tried = $2 WHERE id = $1");
SHOAL_SQL(lazy_image_failed,
    "UPDATE catalog_actor_image SET tries = tries + 1, tried = $2 WHERE id = $1");
SHOAL_SQL(lazy_file_set,
    "UPDATE catalog_file SET storage = $2, storage_key = $3, size_bytes = $4, width = $5, "
    "height = $6 WHERE id = $1 AND storage_key = ''");
SHOAL_SQL(lazy_image_set,
    "UPDATE catalog_actor_image SET storage = $2, storage_key = $3, size_bytes = $4, width = $5, "
    "height = $6 WHERE id = $1 AND storage_key = ''");

static const struct {
    const char *kind, *folder;
    int width, height;
    bool covers;
} kinds[] = {{"thumbnail", "thumbnails", 280, 158, false}, {"preview", "previews", 850, 480, false},
    {"avatar", "avatars", 600, 600, true}, {"banner", "banners", 1920, 317, true}};
#define KINDS (sizeof kinds / sizeof kinds[0])

struct lazy {
    size_t kind;
    bool is_actor;
    const char *name, *url;
    int64_t id, tries, tried_ms;
    struct catalog_file file;
};

// Hosts that did not answer, or slowly, and until when they are not asked: who waits holds a worker.
static struct {
    pthread_mutex_t lock;
    char host[HOSTS][256];
    int64_t until_ms[HOSTS];
    size_t next;
} silent = {.lock = PTHREAD_MUTEX_INITIALIZER};
static atomic_int at_once, waiting;

static bool is_silent(const char *host)
{
    bool is = false;
    pthread_mutex_lock(&silent.lock);
    for (size_t i = 0; i < HOSTS; i++) {
        is = is || (strcmp(silent.host[i], host) == 0 && silent.until_ms[i] > shoal_tick_ms());
    }
    pthread_mutex_unlock(&silent.lock);
    return is;
}

static void silent_add(const char *host, int64_t pause_ms)
{
    size_t length = strnlen(host, sizeof silent.host[0] - 1);
    pthread_mutex_lock(&silent.lock);
    size_t at = silent.next;
    for (size_t i = 0; i < HOSTS; i++) {
        at = strcmp(silent.host[i], host) == 0 ? i : at;
    }
    silent.next = at == silent.next ? (at + 1) % HOSTS : silent.next;
    memcpy(silent.host[at], host, length);
    silent.host[at][length] = '\0';
    silent.until_ms[at] = shoal_tick_ms() + pause_ms;
    pthread_mutex_unlock(&silent.lock);
}

static int row_find(
    struct shoal_call *call, const char *kind, struct lazy *lazy, struct shoal_err *err)
{
    for (lazy->kind = 0; lazy->kind < KINDS && strcmp(kinds[lazy->kind].kind, kind) != 0;) {
        lazy->kind++;
    }
    if (lazy->kind == KINDS) {
        return SHOAL_ENOTFOUND;
    }
    lazy->is_actor = lazy->kind >= 2;
    int image_kind = lazy->kind == 2 ? CATALOG_AVATAR : CATALOG_BANNER;
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), lazy->is_actor ? &lazy_image : &lazy_file,
            SHOAL_ARGS(
                lazy->is_actor ? SHOAL_I64(image_kind) : SHOAL_TEXT(kind), SHOAL_TEXT(lazy->name)),
            err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        lazy->id = shoal_col_i64(rows, 0);
        lazy->url = catalog_col_text(call, rows, 1);
        lazy->tries = shoal_col_i64(rows, 2);
        lazy->tried_ms = shoal_col_i64(rows, 3);
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : SHOAL_ENOTFOUND;
}

static int64_t pause_ms(int64_t tries)
{
    int64_t pause = AGAIN_MS;
    for (int64_t i = 1; i < tries && pause < AGAIN_MAX_MS; i++) {
        pause *= 4;
    }
    return tries == 0 ? 0 : pause < AGAIN_MAX_MS ? pause : AGAIN_MAX_MS;
}

static int failed_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct lazy *lazy = arg;
    return shoal_db_exec(tx, lazy->is_actor ? &lazy_image_failed : &lazy_file_failed,
        SHOAL_ARGS(SHOAL_I64(lazy->id), SHOAL_I64(shoal_now_ms())), NULL, err);
}

// Who was faster stays; what comes second, or when the row is gone, is thrown away.
static int set_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct lazy *lazy = arg;
    int64_t changed = 0;
    int code = shoal_db_exec(tx, lazy->is_actor ? &lazy_image_set : &lazy_file_set,
        SHOAL_ARGS(SHOAL_I64(lazy->id), SHOAL_TEXT(lazy->file.storage), SHOAL_TEXT(lazy->file.key),
            SHOAL_I64(lazy->file.size_bytes), SHOAL_I64(lazy->file.width),
            SHOAL_I64(lazy->file.height)),
        &changed, err);
    if (code == 0 && changed == 0) {
        return catalog_objects_remove(tx, &lazy->file, 1, err);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

// As the core: whose call it is has no say in what the catalog asks. answers: out, whether the host is
// well: one that does not have this picture may have the next one.
static int bytes_get(struct shoal_call *call, const char *url, const char *path, bool *answers,
    struct shoal_err *err)
{
    static const char *const headers[] = {"Accept: image/*", NULL};
    struct shoal_fetched fetched = {0};
    const struct shoal_fetch what = {.url = url,
        .headers = headers,
        .max_bytes = PICTURE_MAX,
        .timeout_ms = FETCH_MS,
        .redirects = 2,
        .to_path = path};
    shoal_call_enter(call, NULL);
    int code = shoal_fetch(call, &what, &fetched, err);
    shoal_call_leave(call);
    bool is_silent = code == SHOAL_EUPSTREAM || code == SHOAL_ETIMEOUT;
    *answers = !is_silent && fetched.status < 500 && fetched.status != 429;
    if (code == 0 && fetched.status != 200) {
        code = shoal_fail(err, SHOAL_EUPSTREAM, "%s answers %d", url, fetched.status);
    }
    return code;
}

static int picture_make(struct shoal_call *call, struct lazy *lazy, const char *path,
    const char *work, struct shoal_err *err)
{
    json_t *probe = NULL;
    struct shoal_image image = {.width = kinds[lazy->kind].width,
        .height = kinds[lazy->kind].height,
        .covers = kinds[lazy->kind].covers};
    int code = catalog_picture_probe(call, path, &probe, err);
    code = code == 0 ? catalog_pictures_make(call, path, probe, work, &image, 1, err) : code;
    json_decref(probe);
    if (code != 0) {
        return code;
    }
    char uuid[37];
    shoal_uuid_new(uuid);
    lazy->file = (struct catalog_file){.kind = kinds[lazy->kind].kind,
        .name = lazy->name,
        .mime = "image/jpeg",
        .key = shoal_arena_printf(call->arena, "%s/%s.jpg", kinds[lazy->kind].folder, uuid),
        .size_bytes = catalog_size_of(image.path),
        .width = image.out_width,
        .height = image.out_height};
    return catalog_store_file(call, NULL, &lazy->file, image.path, err);
}

static int fetch(
    struct shoal_call *call, struct lazy *lazy, const char *host, struct shoal_err *err)
{
    const char *work = catalog_picture_work(call, NULL, err);
    if (work == NULL) {
        return SHOAL_EIO;
    }
    const char *path = shoal_arena_printf(call->arena, "%s/picture", work);
    bool answers = true;
    int64_t start_ms = shoal_tick_ms();
    int code = bytes_get(call, lazy->url, path, &answers, err);
    if (!answers || shoal_tick_ms() - start_ms > SLOW_MS) {
        silent_add(host, answers ? SLOW_PAUSE_MS : HOST_PAUSE_MS);
    }
    code = code == 0 ? picture_make(call, lazy, path, work, err) : code;
    shoal_tree_remove(work, NULL);
    return code;
}

static bool place_is_free(void)
{
    bool is_free = atomic_fetch_add(&at_once, 1) < AT_ONCE;
    if (!is_free) {
        atomic_fetch_sub(&at_once, 1);
    }
    return is_free;
}

static bool place_take(struct shoal_call *call)
{
    bool has_one = place_is_free();
    if (!has_one && atomic_fetch_add(&waiting, 1) < WAITING_MAX) {
        for (int i = 0; i < WAITS && !has_one && shoal_call_sleep(call, WAIT_MS) == 0; i++) {
            has_one = place_is_free();
        }
        atomic_fetch_sub(&waiting, 1);
    } else if (!has_one) {
        atomic_fetch_sub(&waiting, 1);
    }
    return has_one;
}

int catalog_remote_fetch(
    struct shoal_call *call, const char *kind, const char *name, struct shoal_err *err)
{
    struct lazy lazy = {.name = name};
    int code = row_find(call, kind, &lazy, err);
    const char *host = code == 0 ? catalog_url_host(call->arena, lazy.url) : NULL;
    if (code != 0) {
        return code;
    }
    bool rests =
        lazy.tried_ms + pause_ms(lazy.tries) > shoal_now_ms() || host == NULL || is_silent(host);
    if (rests || !place_take(call)) {
        return shoal_fail(err, SHOAL_EUPSTREAM, "this picture cannot be fetched from %s now",
            host == NULL ? "its server" : host);
    }
    struct shoal_err why = {0};
    // Meanwhile somebody may have fetched it, or waited in vain.
    code = is_silent(host) ? SHOAL_EUPSTREAM : row_find(call, kind, &lazy, &why);
    if (code == 0) {
        code = fetch(call, &lazy, host, &why);
        if (code == 0) {
            code = catalog_stored_tx(call, &lazy.file, 1, set_tx, &lazy, &why);
        } else {
            shoal_debug("%s: %s", lazy.url, why.text);
            (void)shoal_tx(call, failed_tx, &lazy, NULL);
        }
    }
    atomic_fetch_sub(&at_once, 1);
    return code == 0 || code == SHOAL_ENOTFOUND
               ? 0
               : shoal_fail(
                     err, SHOAL_EUPSTREAM, "this picture cannot be fetched from %s now", host);
}
