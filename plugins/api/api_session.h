// api_session.h - resumable uploads on their way: a row, a file beside it, and a lock on that file.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_SESSION_H
#define API_SESSION_H
#include "api.h"
#include "api_range.h"

#define API_SESSION_DAYS_MS  ((int64_t)7 * 24 * 3600 * 1000) ///< without a byte, and it expires
#define API_SESSION_DONE_MS  ((int64_t)15 * 60 * 1000)       ///< for so long a finished one answers
#define API_SESSION_SWEEP_MS ((int64_t)5 * 60 * 1000)

enum api_session_state {
    API_SESSION_OPEN = 0,
    API_SESSION_DONE = 1,    ///< answer holds what the last chunk was answered with
    API_SESSION_EXPIRED = 2, ///< kept for a while, so that its client hears "gone"
};

/// One upload; text lives in the call's arena. How much of it is there is the size of its file.
struct api_session {
    char id[API_UPLOAD_ID_LENGTH + 1];
    int64_t user_id;
    uint64_t size_bytes;
    const char *filename, *mime;
    const char *draft; ///< JSON of the video's fields
    enum api_session_state state;
    const char *answer; ///< JSON, or NULL
    const char *path, *thumbnail_path, *preview_path;
};

/// SHOAL_ENOTFOUND where there is none.
int api_session_find(struct shoal_call *call, struct api *api, const char *id,
    struct api_session *out, struct shoal_err *err);
/// Fills in the paths of a session that has its id.
int api_session_paths(struct shoal_call *call, struct api *api, struct api_session *session,
    struct shoal_err *err);
/// Writes the row and makes the empty file.
int api_session_create(struct shoal_call *call, const struct api_session *session,
    struct shoal_err *err);
/// [in the transaction that makes its video] The session in arg is done, and its answer is kept: who
/// did not hear it asks again.
int api_session_done(struct shoal_call *call, struct shoal_db *tx, const json_t *video, void *arg,
    struct shoal_err *err);
/// Removes row and files.
int api_session_remove(struct shoal_call *call, struct api *api, const struct api_session *session,
    struct shoal_err *err);
/// How many uploads of a user are open and still have their bytes, and the bytes that they will need; one
/// of them left out. *bytes and *count are added to.
int api_session_reserved(struct shoal_call *call, struct api *api, int64_t user_id,
    const char *but_id, uint64_t *bytes, int64_t *count, struct shoal_err *err);
/// Timer: expires what nobody continues, forgets what was finished or expired long ago.
int api_session_sweep(struct shoal_call *call, void *arg, struct shoal_err *err);

/// One writer at a time, across children of the server: a lock on the upload's file. It is given back
/// with the request at the latest.
struct api_lock;
/// Returns: NULL with *code SHOAL_ELOCKED, or SHOAL_EGONE without a file.
struct api_lock *api_lock_take(struct shoal_call *call, const char *path, int *code);
void api_lock_release(struct api_lock *lock);

#endif
