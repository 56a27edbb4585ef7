// beside_fetch.c - captions and storyboards of remote videos: fetched when somebody asks first, then kept.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "catalog/captions_priv.h"

#include "base/file.h"

#define FETCH_MS 10000
#define REST_MS  60000 // what failed is not tried again for so long
#define AT_ONCE  3     // fetches; workers are few
#define WAITING  5     // calls that wait for one of these
#define WAIT_MS  50
#define WAITS    100

SHOAL_SQL(caption_far,
    "SELECT video_id, url, language, failed FROM catalog_caption WHERE name = $1 AND url IS NOT NULL");
SHOAL_SQL(storyboard_far, "SELECT video_id, url, '', failed FROM catalog_storyboard "
                          "WHERE name = $1 AND url IS NOT NULL");
SHOAL_SQL(caption_failed, "UPDATE catalog_caption SET failed = $2 WHERE name = $1");
SHOAL_SQL(storyboard_failed, "UPDATE catalog_storyboard SET failed = $2 WHERE name = $1");
SHOAL_SQL(far_here, "SELECT COUNT(*) FROM catalog_file WHERE kind = $1 AND name = $2");

// One file that lies on another server.
struct far {
    bool is_caption;
    int64_t video_id, failed_ms;
    const char *name, *url, *language;
    struct catalog_file file; // once it is stored here
};

// --- one fetch for all who ask at a time ---

enum turn { TURN_OURS, TURN_THEIRS, TURN_NONE };

static struct {
    pthread_mutex_t lock;
    char names[AT_ONCE][96]; // of what is being fetched; "": free
    int waiting;
} turns = {.lock = PTHREAD_MUTEX_INITIALIZER};

static enum turn turn_take(const char *name)
{
    enum turn turn = TURN_NONE;
    int room = -1;
    pthread_mutex_lock(&turns.lock);
    for (int i = 0; i < AT_ONCE; i++) {
        turn = strcmp(turns.names[i], name) == 0 ? TURN_THEIRS : turn;
        room = turns.names[i][0] == '\0' ? i : room;
    }
    if (turn == TURN_NONE && room >= 0) {
        snprintf(turns.names[room], sizeof(turns.names[room]), "%s", name);
        turn = TURN_OURS;
    }
    pthread_mutex_unlock(&turns.lock);
    return turn;
}

static void turn_end(const char *name)
{
    pthread_mutex_lock(&turns.lock);
    for (int i = 0; i < AT_ONCE; i++) {
        if (strcmp(turns.names[i], name) == 0) {
            turns.names[i][0] = '\0';
        }
    }
    pthread_mutex_unlock(&turns.lock);
}

static bool turn_is_over(const char *name)
{
    bool is_over = true;
    pthread_mutex_lock(&turns.lock);
    for (int i = 0; i < AT_ONCE; i++) {
        is_over = is_over && strcmp(turns.names[i], name) != 0;
    }
    pthread_mutex_unlock(&turns.lock);
    return is_over;
}

static bool wait_begin(void)
{
    pthread_mutex_lock(&turns.lock);
    bool may_wait = turns.waiting < WAITING;
    turns.waiting += may_wait ? 1 : 0;
    pthread_mutex_unlock(&turns.lock);
    return may_wait;
}

static void wait_end(void)
{
    pthread_mutex_lock(&turns.lock);
    turns.waiting--;
    pthread_mutex_unlock(&turns.lock);
}

static int turn_wait(struct shoal_call *call, const char *name, struct shoal_err *err)
{
    bool is_over = false;
    if (wait_begin()) {
        int code = 0;
        for (int i = 0; i < WAITS && code == 0 && !is_over; i++) {
            is_over = turn_is_over(name);
            code = is_over ? 0 : shoal_call_sleep(call, WAIT_MS);
        }
        wait_end();
    }
    return is_over ? 0 : shoal_fail(err, SHOAL_EBUSY, "%s is being fetched", name);
}

// --- the fetch ---

static int far_find(struct shoal_call *call, struct far *far, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call),
        far->is_caption ? &caption_far : &storyboard_far, SHOAL_ARGS(SHOAL_TEXT(far->name)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        far->video_id = shoal_col_i64(rows, 0);
        far->url = catalog_col_text(call, rows, 1);
        far->language = catalog_col_text(call, rows, 2);
        far->failed_ms = shoal_col_i64(rows, 3);
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "File not found");
}

static int is_here(
    struct shoal_call *call, const struct far *far, bool *here, struct shoal_err *err)
{
    int64_t count = 0;
    int code = shoal_db_i64(shoal_call_db(call), &far_here,
        SHOAL_ARGS(SHOAL_TEXT(far->is_caption ? "caption" : "storyboard"), SHOAL_TEXT(far->name)),
        &count, err);
    *here = count > 0;
    return code;
}

static int fetch_to(
    struct shoal_call *call, const struct far *far, const char *path, struct shoal_err *err)
{
    const struct shoal_fetch what = {.url = far->url,
        .max_bytes = far->is_caption ? CATALOG_CAPTION_BYTES_MAX : CATALOG_STORYBOARD_BYTES_MAX,
        .timeout_ms = FETCH_MS,
        .to_path = path};
    struct shoal_fetched fetched = {0};
    // The core asks, whatever the plugin that wants the file may do.
    shoal_call_enter(call, NULL);
    int code = shoal_fetch(call, &what, &fetched, err);
    shoal_call_leave(call);
    return code == 0 && fetched.status != 200
               ? shoal_fail(err, SHOAL_EUPSTREAM, "%s answers %d", far->url, fetched.status)
               : code;
}

// Whether a file begins as a JPEG does.
static int jpeg_check(const char *path, struct shoal_err *err)
{
    unsigned char head[3] = {0};
    int fd = shoal_file()->open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    ssize_t got = fd < 0 ? -1 : shoal_file()->read(fd, head, sizeof(head));
    if (fd >= 0) {
        close(fd);
    }
    return got == 3 && head[0] == 0xff && head[1] == 0xd8 && head[2] == 0xff
               ? 0
               : shoal_fail(err, SHOAL_EUPSTREAM, "what should be a storyboard is no JPEG");
}

static int keep_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct far *far = arg;
    struct far now = {.is_caption = far->is_caption, .name = far->name};
    bool here = false;
    int code = far_find(call, &now, err);
    code = code == 0 ? is_here(call, &now, &here, err) : code;
    if (code == SHOAL_ENOTFOUND || (code == 0 && here)) {
        return catalog_objects_remove(tx, &far->file, 1, err);
    }
    if (code == 0) {
        code = far->is_caption ? catalog_caption_file_add(tx, &far->file, far->language, err)
                               : catalog_file_add(tx, &far->file, NULL, err);
    }
    return code;
}

static int far_store(
    struct shoal_call *call, struct far *far, const char *path, struct shoal_err *err)
{
    char uuid[37];
    struct catalog_video video;
    shoal_uuid_new(uuid);
    int code = catalog_video_by_number(call, far->video_id, &video, err);
    if (code != 0) {
        return code;
    }
    far->file = (struct catalog_file){.video_id = far->video_id,
        .kind = far->is_caption ? "caption" : "storyboard",
        .version = 1,
        .name = far->name,
        .mime = far->is_caption ? "text/vtt" : "image/jpeg",
        .key = shoal_arena_printf(call->arena,
            far->is_caption ? "video-captions/%s.vtt" : "storyboards/%s.jpg", uuid),
        .size_bytes = catalog_size_of(path),
        .is_ready = true};
    code = catalog_store_file(call, &video, &far->file, path, err);
    return code == 0 ? catalog_stored_tx(call, &far->file, 1, keep_tx, far, err) : code;
}

static int failed_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct far *far = arg;
    return shoal_db_exec(tx, far->is_caption ? &caption_failed : &storyboard_failed,
        SHOAL_ARGS(SHOAL_TEXT(far->name), SHOAL_TIME(shoal_now_ms())), NULL, err);
}

static int far_bring(struct shoal_call *call, struct far *far, struct shoal_err *err)
{
    const char *work = catalog_picture_work(call, NULL, err);
    if (work == NULL) {
        return SHOAL_EIO;
    }
    const char *got = shoal_arena_printf(call->arena, "%s/fetched", work);
    const char *made = shoal_arena_printf(call->arena, "%s/caption.vtt", work);
    int code = fetch_to(call, far, got, err);
    if (code == 0) {
        code = far->is_caption ? catalog_caption_convert(got, false, made, err) : jpeg_check(got, err);
    }
    // Not now, and nothing that the one who asks here could set right.
    bool is_theirs = code != 0 && code != SHOAL_ECANCELLED;
    if (code == 0) {
        code = far_store(call, far, far->is_caption ? made : got, err);
    }
    shoal_tree_remove(work, NULL);
    if (is_theirs) {
        struct shoal_err why = {0};
        shoal_info("%s of video %lld cannot be had: %s", far->is_caption ? "a caption" : "the storyboard",
            (long long)far->video_id, err->text);
        (void)shoal_tx(call, failed_tx, far, &why);
        *err = (struct shoal_err){0};
        code = shoal_fail(err, SHOAL_EUPSTREAM, "the server of this video does not give this file now");
    }
    return code;
}

int catalog_beside_fetch(
    struct shoal_call *call, const char *kind, const char *name, struct shoal_err *err)
{
    struct far far = {.is_caption = strcmp(kind, "caption") == 0, .name = name};
    int code = far_find(call, &far, err);
    if (code == 0 && far.failed_ms > shoal_now_ms() - REST_MS) {
        code = shoal_fail(err, SHOAL_EUPSTREAM, "the server of this video does not give this file now");
    }
    if (code != 0) {
        return code;
    }
    enum turn turn = turn_take(name);
    if (turn != TURN_OURS) {
        return turn == TURN_THEIRS ? turn_wait(call, name, err)
                                   : shoal_fail(err, SHOAL_EBUSY, "too much is being fetched now");
    }
    bool here = false;
    code = is_here(call, &far, &here, err); // by the one who fetched just before
    code = code == 0 && !here ? far_bring(call, &far, err) : code;
    turn_end(name);
    return code;
}
