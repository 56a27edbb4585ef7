// ratings_rate.c - the rows: what an account thinks of a video, and the sums that the catalog shows.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/remote.h>
#include <string.h>

#include "ratings.h"

#define LOT 200 // rows of one transaction

SHOAL_SQL(ratings_rate_get,
    "SELECT CASE WHEN is_like = TRUE THEN 1 ELSE 2 END FROM ratings_rate "
    "WHERE account_id = $1 AND video_id = $2");
SHOAL_SQL(ratings_rate_put,
    "INSERT INTO ratings_rate (account_id, video_id, is_like, created, url) "
    "VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (account_id, video_id) DO UPDATE SET is_like = excluded.is_like, "
    "created = excluded.created, url = excluded.url");
SHOAL_SQL(ratings_rate_remove, "DELETE FROM ratings_rate WHERE account_id = $1 AND video_id = $2");
SHOAL_SQL(ratings_rate_sums, "SELECT likes, dislikes FROM v1_video WHERE id = $1");
SHOAL_SQL(ratings_rate_video, "SELECT name, origin_host FROM v1_video WHERE id = $1");
SHOAL_SQL(ratings_rate_forget_video, "DELETE FROM ratings_rate WHERE video_id = $1");
SHOAL_SQL(ratings_rate_untell_video, "DELETE FROM ratings_told WHERE video_id = $1");
SHOAL_SQL(ratings_rate_untell_account, "DELETE FROM ratings_told WHERE account_id = $1");
SHOAL_SQL(ratings_rate_of_account,
    "SELECT video_id, is_like FROM ratings_rate WHERE account_id = $1 LIMIT CAST($2 AS BIGINT)");
SHOAL_SQL(ratings_rate_any, "SELECT video_id FROM ratings_rate WHERE account_id = $1 LIMIT 1");
SHOAL_SQL(ratings_rate_orphans,
    "SELECT DISTINCT r.account_id FROM ratings_rate r WHERE NOT EXISTS "
    "(SELECT 1 FROM v1_account a WHERE a.id = r.account_id) LIMIT CAST($1 AS BIGINT)");

static const char *const words[] = {"none", "like", "dislike"};

const char *ratings_word(enum ratings_value value)
{
    return words[value];
}

bool ratings_parse(const char *word, enum ratings_value *out)
{
    for (int i = 0; word != NULL && i < 3; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = (enum ratings_value)i;
            return true;
        }
    }
    return false;
}

void ratings_count(enum ratings_value from, enum ratings_value to, int64_t *likes, int64_t *dislikes)
{
    *likes += (to == RATINGS_LIKE) - (from == RATINGS_LIKE);
    *dislikes += (to == RATINGS_DISLIKE) - (from == RATINGS_DISLIKE);
    *likes = *likes > 0 ? *likes : 0;
    *dislikes = *dislikes > 0 ? *dislikes : 0;
}

int ratings_read(struct shoal_db *db, const struct shoal_sql *sql, int64_t account_id,
    int64_t video_id, enum ratings_value *out, struct shoal_err *err)
{
    int64_t value = RATINGS_NONE;
    int code = shoal_db_i64(
        db, sql, SHOAL_ARGS(SHOAL_I64(account_id), SHOAL_I64(video_id)), &value, err);
    *out = code == 0 ? (enum ratings_value)value : RATINGS_NONE;
    return code == SHOAL_ENOTFOUND ? 0 : code;
}

int ratings_get(struct shoal_db *db, int64_t account_id, int64_t video_id,
    enum ratings_value *out, struct shoal_err *err)
{
    return ratings_read(db, &ratings_rate_get, account_id, video_id, out, err);
}

// The sums are read and written by the one writer, so that none is lost.
static int count_tx(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    enum ratings_value from, enum ratings_value to, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(tx, &ratings_rate_sums, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_there = shoal_rows_next(rows);
    int64_t likes = is_there ? shoal_col_i64(rows, 0) : 0;
    int64_t dislikes = is_there ? shoal_col_i64(rows, 1) : 0;
    int code = shoal_rows_close(rows, err);
    if (code != 0 || !is_there) {
        return code;
    }
    ratings_count(from, to, &likes, &dislikes);
    return shoal_video_counts(call, tx, video_id, -1, likes, dislikes, -1, err);
}

// What a transaction needs besides the change: the event is made before it, since it asks the catalog.
struct setting {
    struct ratings *ratings;
    struct ratings_change *change;
    json_t *event; // NULL: nobody listens
};

static int tell_tx(struct shoal_db *tx, const struct setting *setting, struct shoal_err *err)
{
    if (setting->event == NULL) {
        return 0;
    }
    json_object_set_new(
        setting->event, "from", json_string(ratings_word(setting->change->from)));
    return shoal_fire_durable(tx, "rating.changed", setting->event, err);
}

static int set_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct setting *setting = arg;
    struct ratings_change *change = setting->change;
    struct shoal_value account = SHOAL_I64(change->account_id);
    struct shoal_value video = SHOAL_I64(change->video_id);
    int code = ratings_get(tx, change->account_id, change->video_id, &change->from, err);
    bool is_other = change->only != RATINGS_NONE && change->from != change->only;
    if (code != 0 || change->from == change->to || is_other) {
        return code;
    }
    code = change->to == RATINGS_NONE
               ? shoal_db_exec(tx, &ratings_rate_remove, SHOAL_ARGS(account, video), NULL, err)
               : shoal_db_exec(tx, &ratings_rate_put,
                     SHOAL_ARGS(account, video, SHOAL_BOOL(change->to == RATINGS_LIKE),
                         SHOAL_TIME(shoal_now_ms()), SHOAL_TEXT(change->url)),
                     NULL, err);
    code = code == 0 ? count_tx(call, tx, change->video_id, change->from, change->to, err) : code;
    code = code == 0 && change->is_for_others ? ratings_send_tx(setting->ratings, tx, change, err)
                                              : code;
    return code == 0 ? tell_tx(tx, setting, err) : code;
}

static json_t *event_of(struct shoal_call *call, const struct ratings_change *change)
{
    if (!shoal_hook_heard("rating.changed")) {
        return NULL;
    }
    json_t *account = shoal_account_get(call, change->handle, NULL);
    // Opinions come in thousands: who wants more of the video than its name asks for it.
    json_t *video = json_pack("{s:I, s:s}", "id", (json_int_t)change->video_id, "uuid", change->video_uuid);
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &ratings_rate_video,
        SHOAL_ARGS(SHOAL_I64(change->video_id)), NULL);
    if (rows != NULL && shoal_rows_next(rows)) {
        json_object_set_new(video, "name", json_string(shoal_col_text(rows, 0)));
        json_object_set_new(video, "isLocal", json_boolean(*shoal_col_text(rows, 1) == '\0'));
    }
    (void)shoal_rows_close(rows, NULL);
    return json_pack("{s:o, s:o?, s:s}", "video", video, "account", account, "to",
        ratings_word(change->to));
}

int ratings_set(struct shoal_call *call, struct ratings *ratings, struct ratings_change *change,
    struct shoal_err *err)
{
    struct setting setting = {ratings, change, event_of(call, change)};
    int code = shoal_tx(call, set_tx, &setting, err);
    json_decref(setting.event);
    return code;
}

static int forget_video_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct shoal_value video = SHOAL_I64(*(const int64_t *)arg);
    int code = shoal_db_exec(tx, &ratings_rate_forget_video, SHOAL_ARGS(video), NULL, err);
    return code == 0 ? shoal_db_exec(tx, &ratings_rate_untell_video, SHOAL_ARGS(video), NULL, err)
                     : code;
}

int ratings_forget_video(struct shoal_call *call, int64_t video_id, struct shoal_err *err)
{
    return shoal_tx(call, forget_video_tx, &video_id, err);
}

struct forgetting {
    int64_t account_id;
    size_t count; // out: rows of this lot
};

static int forget_account_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct forgetting *forgetting = arg;
    int64_t videos[LOT];
    enum ratings_value values[LOT];
    size_t count = 0;
    struct shoal_rows *rows = shoal_db_query(tx, &ratings_rate_of_account,
        SHOAL_ARGS(SHOAL_I64(forgetting->account_id), SHOAL_I64(LOT)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (count < LOT && shoal_rows_next(rows)) {
        videos[count] = shoal_col_i64(rows, 0);
        values[count++] = shoal_col_bool(rows, 1) ? RATINGS_LIKE : RATINGS_DISLIKE;
    }
    int code = shoal_rows_close(rows, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        code = shoal_db_exec(tx, &ratings_rate_remove,
            SHOAL_ARGS(SHOAL_I64(forgetting->account_id), SHOAL_I64(videos[i])), NULL, err);
        code = code == 0 ? count_tx(call, tx, videos[i], values[i], RATINGS_NONE, err) : code;
    }
    forgetting->count = count;
    return code == 0 ? shoal_db_exec(tx, &ratings_rate_untell_account,
                           SHOAL_ARGS(SHOAL_I64(forgetting->account_id)), NULL, err)
                     : code;
}

bool ratings_has_account(struct shoal_call *call, int64_t account_id)
{
    int64_t one = 0;
    return account_id != 0 && shoal_db_i64(shoal_call_db(call), &ratings_rate_any,
                                  SHOAL_ARGS(SHOAL_I64(account_id)), &one, NULL) != SHOAL_ENOTFOUND;
}

int ratings_forget_account(struct shoal_call *call, int64_t account_id, struct shoal_err *err)
{
    struct forgetting forgetting = {.account_id = account_id};
    int code = 0;
    do {
        code = shoal_tx(call, forget_account_tx, &forgetting, err);
    } while (code == 0 && forgetting.count == LOT && !shoal_call_cancelled(call));
    return code;
}

int ratings_sweep(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)arg;
    int64_t gone[LOT];
    size_t count = 0;
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &ratings_rate_orphans, SHOAL_ARGS(SHOAL_I64(LOT)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (count < LOT && shoal_rows_next(rows)) {
        gone[count++] = shoal_col_i64(rows, 0);
    }
    int code = shoal_rows_close(rows, err);
    for (size_t i = 0; i < count && code == 0 && !shoal_call_cancelled(call); i++) {
        code = ratings_forget_account(call, gone[i], err);
    }
    return code;
}
