// api_session.c - resumable uploads on their way: a row, a file beside it, and a lock on that file.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api_digest.h"
#include "api_session.h"

#define SWEEP_MAX 200

SHOAL_SQL(api_upload_find, "SELECT user_id, size_bytes, filename, mime, draft, state, answer"
                           " FROM api_upload WHERE id = $1");
SHOAL_SQL(api_upload_insert,
    "INSERT INTO api_upload (id, user_id, size_bytes, filename, mime, draft, state, created_at,"
    " changed_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7)");
SHOAL_SQL(api_upload_state,
    "UPDATE api_upload SET state = $2, answer = $3, changed_at = $4 WHERE id = $1");
SHOAL_SQL(api_upload_delete, "DELETE FROM api_upload WHERE id = $1");
SHOAL_SQL(api_upload_reserved,
    "SELECT id, size_bytes FROM api_upload WHERE user_id = $1 AND state = 0 AND id <> $2");
SHOAL_SQL(api_upload_expire, "UPDATE api_upload SET state = 2, answer = NULL, changed_at = $4"
                             " WHERE id = $1 AND state = $2 AND changed_at < $3");
SHOAL_SQL(api_upload_forget,
    "DELETE FROM api_upload WHERE id = $1 AND state = $2 AND changed_at < $3");
SHOAL_SQL(api_upload_old, "SELECT id FROM api_upload WHERE state = $1 AND changed_at < $2"
                          " ORDER BY changed_at LIMIT $3");

int api_session_paths(struct shoal_call *call, struct api *api, struct api_session *session,
    struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *folder = shoal_plugin_data(api->plugin, err);
    if (folder == NULL) {
        return err != NULL && err->code != 0 ? err->code : SHOAL_EIO;
    }
    session->path = shoal_arena_printf(arena, "%s/%s.part", folder, session->id);
    session->thumbnail_path = shoal_arena_printf(arena, "%s/%s.thumbnail", folder, session->id);
    session->preview_path = shoal_arena_printf(arena, "%s/%s.preview", folder, session->id);
    return 0;
}

// Whether no byte came for too long. The file says when the last one did.
static bool is_old(const struct api_session *session)
{
    struct stat found;
    return stat(session->path, &found) == 0 &&
           shoal_now_ms() - (int64_t)found.st_mtim.tv_sec * 1000 >= API_SESSION_DAYS_MS;
}

int api_session_find(struct shoal_call *call, struct api *api, const char *id,
    struct api_session *out, struct shoal_err *err)
{
    *out = (struct api_session){0};
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &api_upload_find, SHOAL_ARGS(SHOAL_TEXT(id)), err);
    if (rows == NULL) {
        return err->code;
    }
    bool is_found = shoal_rows_next(rows);
    if (is_found) {
        struct shoal_arena *arena = shoal_call_arena(call);
        memcpy(out->id, id, sizeof out->id);
        out->user_id = shoal_col_i64(rows, 0);
        out->size_bytes = (uint64_t)shoal_col_i64(rows, 1);
        out->filename = shoal_arena_strdup(arena, shoal_col_text(rows, 2));
        out->mime = shoal_arena_strdup(arena, shoal_col_text(rows, 3));
        out->draft = shoal_arena_strdup(arena, shoal_col_text(rows, 4));
        out->state = (enum api_session_state)shoal_col_i64(rows, 5);
        const char *answer = shoal_col_text(rows, 6);
        out->answer = answer != NULL ? shoal_arena_strdup(arena, answer) : NULL;
    }
    int code = shoal_rows_close(rows, err);
    if (code != 0) {
        return code;
    }
    if (!is_found) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "upload %s: unknown", id);
    }
    code = api_session_paths(call, api, out, err);
    if (code == 0 && out->state == API_SESSION_OPEN && is_old(out)) {
        out->state = API_SESSION_EXPIRED; // before the timer comes by
    }
    return code;
}

static int insert(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct api_session *session = arg;
    int code =
        shoal_db_exec(tx, &api_upload_delete, SHOAL_ARGS(SHOAL_TEXT(session->id)), NULL, err);
    if (code != 0) {
        return code;
    }
    return shoal_db_exec(tx, &api_upload_insert,
        SHOAL_ARGS(SHOAL_TEXT(session->id), SHOAL_I64(session->user_id),
            SHOAL_I64(session->size_bytes), SHOAL_TEXT(session->filename),
            SHOAL_TEXT(session->mime), SHOAL_TEXT(session->draft), SHOAL_TIME(shoal_now_ms())),
        NULL, err);
}

static void remove_files(const struct api_session *session)
{
    unlink(session->path);
    unlink(session->thumbnail_path);
    unlink(session->preview_path);
}

int api_session_create(struct shoal_call *call, const struct api_session *session,
    struct shoal_err *err)
{
    // What a crash left of an upload that came in is a second name of its video's source: never written
    // to again. Then the row: what a crash leaves from here on is known to the sweep.
    remove_files(session);
    int code = shoal_tx(call, insert, (void *)session, err);
    if (code != 0) {
        return code;
    }
    int fd = open(session->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return shoal_fail(err, errno == ENOSPC ? SHOAL_EFULL : SHOAL_EIO,
            "upload %s: its file cannot be made", session->id);
    }
    close(fd);
    return 0;
}

struct change {
    const char *id;
    enum api_session_state state;
    const char *answer;
};

static int set_state(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct change *change = arg;
    return shoal_db_exec(tx, &api_upload_state,
        SHOAL_ARGS(SHOAL_TEXT(change->id), SHOAL_I64(change->state), SHOAL_TEXT(change->answer),
            SHOAL_TIME(shoal_now_ms())),
        NULL, err);
}

int api_session_done(struct shoal_call *call, struct shoal_db *tx, const json_t *video, void *arg,
    struct shoal_err *err)
{
    const struct api_session *session = arg;
    json_t *answer = json_pack("{s:O}", "video", video);
    char *text = json_dumps(answer, JSON_COMPACT);
    struct change change = {session->id, API_SESSION_DONE, text};
    int code = set_state(call, tx, &change, err);
    free(text);
    json_decref(answer);
    return code;
}

static int delete_row(struct shoal_call *call, struct shoal_db *tx, void *arg,
    struct shoal_err *err)
{
    (void)call;
    return shoal_db_exec(tx, &api_upload_delete, SHOAL_ARGS(SHOAL_TEXT((const char *)arg)), NULL,
        err);
}

int api_session_remove(struct shoal_call *call, struct api *api, const struct api_session *session,
    struct shoal_err *err)
{
    api_running_drop(api->running, session->id);
    remove_files(session);
    return shoal_tx(call, delete_row, (void *)session->id, err);
}

int api_session_reserved(struct shoal_call *call, struct api *api, int64_t user_id,
    const char *but_id, uint64_t *bytes, int64_t *count, struct shoal_err *err)
{
    int code = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &api_upload_reserved,
        SHOAL_ARGS(SHOAL_I64(user_id), SHOAL_TEXT(but_id)), err);
    if (rows == NULL) {
        return err->code;
    }
    while (code == 0 && shoal_rows_next(rows)) {
        struct api_session session = {0};
        snprintf(session.id, sizeof session.id, "%s", shoal_col_text(rows, 0));
        code = api_session_paths(call, api, &session, err);
        // One whose bytes are gone can only begin anew, and is asked about again then.
        if (code == 0 && access(session.path, F_OK) == 0) {
            (*count)++;
            *bytes += (uint64_t)shoal_col_i64(rows, 1);
        }
    }
    int closed = shoal_rows_close(rows, code == 0 ? err : NULL);
    return code == 0 ? closed : code;
}

struct api_lock {
    int fd;
};

static void release(void *arg)
{
    api_lock_release(arg);
}

struct api_lock *api_lock_take(struct shoal_call *call, const char *path, int *code)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        *code = errno == ENOENT ? SHOAL_EGONE : SHOAL_EIO;
        return NULL;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        *code = SHOAL_ELOCKED;
        return NULL;
    }
    struct api_lock *lock = shoal_arena_alloc(shoal_call_arena(call), sizeof *lock);
    lock->fd = fd;
    shoal_arena_defer(shoal_call_arena(call), release, lock);
    *code = 0;
    return lock;
}

void api_lock_release(struct api_lock *lock)
{
    if (lock != NULL && lock->fd >= 0) {
        close(lock->fd);
        lock->fd = -1;
    }
}

struct leaving {
    const struct api_session *session;
    enum api_session_state state; // of the row
    int64_t before_ms;
};

// Within the transaction it is sure that nobody began it anew: whose file would go otherwise.
static int leave(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct leaving *leaving = arg;
    bool is_open = leaving->state == API_SESSION_OPEN; // it expires, the others are forgotten
    int64_t changed = 0;
    const struct shoal_value args[] = {SHOAL_TEXT(leaving->session->id),
        SHOAL_I64(leaving->state), SHOAL_TIME(leaving->before_ms), SHOAL_TIME(shoal_now_ms())};
    int code = shoal_db_exec(tx, is_open ? &api_upload_expire : &api_upload_forget, args,
        is_open ? 4 : 3, &changed, err);
    if (code == 0 && changed > 0) {
        remove_files(leaving->session);
    }
    return code;
}

static int expire(struct shoal_call *call, struct api *api, const char *id, int64_t before_ms,
    struct shoal_err *err)
{
    struct api_session session;
    int code = api_session_find(call, api, id, &session, err);
    if (code != 0) {
        return code;
    }
    bool is_there = access(session.path, F_OK) == 0;
    if (is_there && session.state == API_SESSION_OPEN) {
        return 0;
    }
    struct api_lock *lock = is_there ? api_lock_take(call, session.path, &code) : NULL;
    if (is_there && lock == NULL) {
        return 0;
    }
    struct leaving leaving = {&session, API_SESSION_OPEN, before_ms};
    api_running_drop(api->running, id);
    code = shoal_tx(call, leave, &leaving, err);
    api_lock_release(lock);
    return code;
}

// What a crash left of one that was finished goes with its row.
static int forget(struct shoal_call *call, struct api *api, const char *id,
    enum api_session_state state, int64_t before_ms, struct shoal_err *err)
{
    struct api_session session;
    int code = api_session_find(call, api, id, &session, err);
    if (code != 0 || session.state != state) {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    struct leaving leaving = {&session, state, before_ms};
    api_running_drop(api->running, id);
    return shoal_tx(call, leave, &leaving, err);
}

// The ids of sessions in a state that did not change since before_ms, NULL-ended.
static const char **old_ids(struct shoal_call *call, enum api_session_state state,
    int64_t before_ms, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &api_upload_old,
        SHOAL_ARGS(SHOAL_I64(state), SHOAL_TIME(before_ms), SHOAL_I64(SWEEP_MAX)), err);
    if (rows == NULL) {
        return NULL;
    }
    const char **ids = shoal_arena_alloc(arena, (SWEEP_MAX + 1) * sizeof *ids);
    for (size_t i = 0; i < SWEEP_MAX && shoal_rows_next(rows); i++) {
        ids[i] = shoal_arena_strdup(arena, shoal_col_text(rows, 0));
    }
    return shoal_rows_close(rows, err) == 0 ? ids : NULL;
}

int api_session_sweep(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct api *api = arg;
    int64_t now_ms = shoal_now_ms();
    const char **ids = old_ids(call, API_SESSION_OPEN, now_ms - API_SESSION_DAYS_MS, err);
    int code = ids != NULL ? 0 : err->code;
    for (size_t i = 0; code == 0 && ids[i] != NULL; i++) {
        code = expire(call, api, ids[i], now_ms - API_SESSION_DAYS_MS, err);
    }
    const struct {
        enum api_session_state state;
        int64_t age_ms;
    } forgotten[] = {{API_SESSION_DONE, API_SESSION_DONE_MS},
        {API_SESSION_EXPIRED, API_SESSION_DAYS_MS}};
    for (size_t kind = 0; code == 0 && kind < 2; kind++) {
        int64_t before_ms = now_ms - forgotten[kind].age_ms;
        ids = old_ids(call, forgotten[kind].state, before_ms, err);
        code = ids != NULL ? 0 : err->code;
        for (size_t i = 0; code == 0 && ids[i] != NULL; i++) {
            code = forget(call, api, ids[i], forgotten[kind].state, before_ms, err);
        }
    }
    return code;
}
