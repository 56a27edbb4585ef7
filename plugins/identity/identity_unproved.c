// identity_unproved.c - what was said by those whose key is not here waits for it, bounded, in a table.
//
// Anybody can name any key, so that a row is worth nothing yet: there may be so many of one host, of one
// sending address and of all together, and they are counted apart from what is proven. A sender has at most as
// much of a host, and of all, as is still free: however many fill it, who comes after them finds room.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "identity_unproved.h"

#define HOST_ROWS    2000 // and one sender has half of them
#define SENDER_ROWS  1000
#define ALL_ROWS     20000
#define HOST_BYTES   (32 * 1024 * 1024)
#define SENDER_BYTES (16 * 1024 * 1024)
#define ALL_BYTES    (128 * 1024 * 1024)
#define COUNTED_MS   1000 // all are counted so often
#define PLACE_ROWS   16   // of one sender that wait, and what it names next comes a place further back
#define TEXT_MAX     65536

SHOAL_SQL(unproved_sender,
    "SELECT COUNT(*), COALESCE(SUM(size), 0), COALESCE(SUM(CASE WHEN host = $2 THEN 1 ELSE 0 END), 0), "
    "COALESCE(SUM(CASE WHEN host = $2 THEN size ELSE 0 END), 0) FROM identity_unproved WHERE sender = $1");
SHOAL_SQL(unproved_of_host, "SELECT waiting, size, attempts FROM identity_unproved_host WHERE host = $1");
SHOAL_SQL(unproved_all, "SELECT COALESCE(SUM(waiting), 0), COALESCE(SUM(size), 0) FROM identity_unproved_host");
SHOAL_SQL(unproved_of_key,
    "SELECT id, signature, covered, covered_other FROM (SELECT * FROM identity_unproved "
    "WHERE key_id = $1 AND sender = $3 AND id < $2 ORDER BY id LIMIT 16) AS same UNION ALL "
    "SELECT id, signature, covered, covered_other FROM (SELECT * FROM identity_unproved "
    "WHERE key_id = $1 AND id < $2 ORDER BY id LIMIT 4) AS others");
SHOAL_SQL(unproved_names, "SELECT 1 FROM identity_unproved WHERE key_id = $1 LIMIT 1");
SHOAL_SQL(unproved_add,
    "INSERT INTO identity_unproved (host, sender, key_id, signature, covered, covered_other, is_modern, body, "
    "sum, size, next, received) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)");
// Said again, and not said once more: a signature is the same for what is said twice within a second.
SHOAL_SQL(unproved_last, "SELECT COUNT(*) FROM (SELECT sum FROM identity_unproved WHERE key_id = $1 AND sender = $2 "
                         "ORDER BY id DESC LIMIT 1) AS newest WHERE sum = $3");
SHOAL_SQL(unproved_host_add,
    "INSERT INTO identity_unproved_host (host, waiting, size, place, next) VALUES ($1, 1, $2, $3, $4) "
    "ON CONFLICT (host) DO UPDATE SET waiting = identity_unproved_host.waiting + 1, "
    "size = identity_unproved_host.size + excluded.size, place = CASE WHEN excluded.place < "
    "identity_unproved_host.place THEN excluded.place ELSE identity_unproved_host.place END, "
    "next = CASE WHEN excluded.next + identity_unproved_host.attempts * 30000 < identity_unproved_host.next "
    "THEN excluded.next + identity_unproved_host.attempts * 30000 ELSE identity_unproved_host.next END");
SHOAL_SQL(unproved_hosts, "SELECT host FROM identity_unproved_host WHERE next <= $1 "
                          "ORDER BY place, next LIMIT CAST($2 AS BIGINT)");
SHOAL_SQL(unproved_due,
    "SELECT id, key_id, signature, covered, covered_other, is_modern, body, attempts, received, sender "
    "FROM identity_unproved WHERE host = $1 AND next <= $2 ORDER BY next, id LIMIT 16");
SHOAL_SQL(unproved_again, "UPDATE identity_unproved SET attempts = CASE WHEN CAST($2 AS BIGINT) < 0 "
                          "THEN attempts ELSE $2 END, next = $3 WHERE id = $1");
SHOAL_SQL(unproved_size, "SELECT size FROM identity_unproved WHERE id = $1");
SHOAL_SQL(unproved_remove, "DELETE FROM identity_unproved WHERE id = $1");
SHOAL_SQL(unproved_host_less, "UPDATE identity_unproved_host SET waiting = waiting - 1, size = size - $2 "
                              "WHERE host = (SELECT host FROM identity_unproved WHERE id = $1)");
SHOAL_SQL(unproved_host_again,
    "UPDATE identity_unproved_host SET attempts = CASE WHEN CAST($2 AS BIGINT) < 0 THEN attempts ELSE $2 END, "
    "next = COALESCE((SELECT CASE WHEN MIN(u.next) > CAST($3 AS BIGINT) THEN MIN(u.next) ELSE $3 END "
    "FROM identity_unproved u WHERE u.host = $1), $3) WHERE host = $1");
SHOAL_SQL(unproved_host_empty, "DELETE FROM identity_unproved_host WHERE host = $1 AND waiting <= 0");
SHOAL_SQL(unproved_first, "SELECT COALESCE(MIN(next), 0) FROM identity_unproved_host");

// All that wait, as they were counted a moment ago, and those that came since.
static struct {
    pthread_mutex_t lock;
    int64_t at_ms, rows, bytes;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct counts {
    int64_t rows, bytes, rows_of_host, bytes_of_host; // the latter of a sender alone
};

static int counts_read(struct shoal_call *call, const struct shoal_sql *sql, const struct shoal_value *args,
    size_t count, struct counts *out, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), sql, args, count, err);
    *out = (struct counts){0};
    if (rows != NULL && shoal_rows_next(rows)) {
        *out = (struct counts){shoal_col_i64(rows, 0), shoal_col_i64(rows, 1)};
        if (sql == &unproved_sender) {
            out->rows_of_host = shoal_col_i64(rows, 2);
            out->bytes_of_host = shoal_col_i64(rows, 3);
        }
    }
    return rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
}

static int all_take(struct shoal_call *call, const struct counts *own, int64_t size, struct shoal_err *err)
{
    int64_t now_ms = shoal_tick_ms();
    struct counts counted = {0};
    pthread_mutex_lock(&all.lock);
    bool is_old = all.at_ms == 0 || now_ms - all.at_ms > COUNTED_MS;
    all.at_ms = is_old ? now_ms : all.at_ms;
    pthread_mutex_unlock(&all.lock);
    int code = is_old ? counts_read(call, &unproved_all, SHOAL_NOARGS, &counted, err) : 0;
    pthread_mutex_lock(&all.lock);
    if (is_old && code == 0) {
        all.rows = counted.rows;
        all.bytes = counted.bytes;
    }
    bool has_room = own->rows + all.rows < ALL_ROWS && own->bytes + all.bytes + size <= ALL_BYTES;
    all.rows += has_room ? 1 : 0;
    all.bytes += has_room ? size : 0;
    pthread_mutex_unlock(&all.lock);
    return code != 0 || has_room ? code : shoal_fail(err, SHOAL_EBUSY, "too much waits here for keys of others");
}

struct fresh {
    const char *host, *sender, *body, *sum;
    const struct shoal_claim *claim;
    int64_t size, place;
};

// Cheap first, and before the one who writes is asked: who sends too much is sent away by a reader.
static int room_check(struct shoal_call *call, struct fresh *fresh, struct shoal_err *err)
{
    struct counts own, host;
    int code = counts_read(call, &unproved_sender, SHOAL_ARGS(SHOAL_TEXT(fresh->sender), SHOAL_TEXT(fresh->host)), &own, err);
    fresh->place = own.rows / PLACE_ROWS;
    if (code == 0 && (own.rows >= SENDER_ROWS || own.bytes + fresh->size > SENDER_BYTES)) {
        return shoal_fail(err, SHOAL_ERATE, "much of %.60s waits here for keys that are not known", fresh->sender);
    }
    code = code != 0 ? code
                     : counts_read(call, &unproved_of_host, SHOAL_ARGS(SHOAL_TEXT(fresh->host)), &host, err);
    if (code == 0 && (own.rows_of_host + host.rows >= HOST_ROWS ||
                         own.bytes_of_host + host.bytes + fresh->size > HOST_BYTES)) {
        return shoal_fail(err, SHOAL_ERATE, "much waits here for keys of %.200s", fresh->host);
    }
    return code != 0 ? code : all_take(call, &own, fresh->size, err);
}

static int job_add(struct shoal_db *tx, int64_t at_ms, struct shoal_err *err)
{
    const struct shoal_job_options options = {
        .unique = "unproved", .subject = "keys of other servers", .run_at_ms = at_ms};
    json_t *payload = json_object();
    int code = shoal_job_add(who_plugin, tx, "unproved", payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

static int add_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct fresh *fresh = arg;
    const struct shoal_claim *claim = fresh->claim;
    int64_t now_ms = shoal_now_ms(), is_last = 0;
    int code = shoal_db_i64(tx, &unproved_last,
        SHOAL_ARGS(SHOAL_TEXT(claim->key_id), SHOAL_TEXT(fresh->sender), SHOAL_TEXT(fresh->sum)), &is_last, err);
    if (code != 0 || is_last) {
        return code;
    }
    code = shoal_db_exec(tx, &unproved_add,
        SHOAL_ARGS(SHOAL_TEXT(fresh->host), SHOAL_TEXT(fresh->sender), SHOAL_TEXT(claim->key_id),
            SHOAL_TEXT(claim->signature), SHOAL_TEXT(claim->text), SHOAL_TEXT(claim->other),
            SHOAL_BOOL(claim->is_modern), SHOAL_TEXT(fresh->body), SHOAL_TEXT(fresh->sum),
            SHOAL_I64(fresh->size), SHOAL_I64(now_ms)),
        NULL, err);
    code = code != 0 ? code
                     : shoal_db_exec(tx, &unproved_host_add,
                           SHOAL_ARGS(SHOAL_TEXT(fresh->host), SHOAL_I64(fresh->size), SHOAL_I64(fresh->place),
                               SHOAL_I64(now_ms)),
                           NULL, err);
    return code != 0 ? code : job_add(tx, 0, err);
}

static const char *sum_of(struct shoal_call *call, const struct shoal_claim *claim)
{
    unsigned char sum[24];
    char *hex = shoal_arena_alloc(shoal_call_arena(call), 2 * sizeof sum + 1);
    const char *parts[] = {claim->key_id, claim->signature, claim->text};
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof sum);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        crypto_generichash_update(&state, (const unsigned char *)parts[i], strlen(parts[i]) + 1);
    }
    crypto_generichash_final(&state, sum, sizeof sum);
    return sodium_bin2hex(hex, 2 * sizeof sum + 1, sum, sizeof sum);
}

int who_later(struct shoal_call *call, struct shoal_request *request, const struct shoal_claim *claim,
    struct shoal_err *err)
{
    size_t length = 0;
    const char *body = shoal_request_body_bytes(request, &length);
    const char *host = who_url_host(call, claim->key_id);
    if (host == NULL || body == NULL || strlen(body) != length || strlen(claim->text) > TEXT_MAX ||
        strlen(claim->signature) > TEXT_MAX) {
        return shoal_fail(err, SHOAL_EAUTH, "the signature is refused: it cannot be read");
    }
    size_t texts = strlen(claim->text) + (claim->other != NULL ? strlen(claim->other) : 0);
    struct fresh fresh = {.host = host,
        .sender = shoal_request_address_prefix(request),
        .body = body,
        .sum = sum_of(call, claim),
        .claim = claim,
        .size = (int64_t)(length + texts + strlen(claim->signature))};
    int code = room_check(call, &fresh, err);
    code = code != 0 ? code : shoal_tx(call, add_tx, &fresh, err);
    shoal_metric_add(&who_metric_unproved, code == 0 ? "kept" : "no room", 1);
    return code;
}

bool who_waits(struct shoal_call *call, const struct shoal_claim *claim)
{
    int64_t one = 0;
    return shoal_db_i64(shoal_call_db(call), &unproved_names, SHOAL_ARGS(SHOAL_TEXT(claim->key_id)), &one, NULL) !=
           SHOAL_ENOTFOUND;
}

int64_t who_unproved_first(struct shoal_call *call, const struct shoal_claim *claim, int64_t below_id,
    const char *sender, const char *public_key)
{
    int64_t found = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &unproved_of_key,
        SHOAL_ARGS(SHOAL_TEXT(claim->key_id), SHOAL_I64(below_id), SHOAL_TEXT(sender)), NULL);
    while (rows != NULL && found == 0 && shoal_rows_next(rows)) {
        const struct shoal_claim before = {.size = sizeof before,
            .key_id = claim->key_id,
            .signature = shoal_col_text(rows, 1),
            .text = shoal_col_text(rows, 2),
            .other = shoal_col_text(rows, 3)};
        found = sign_fits(call, &before, public_key) ? shoal_col_i64(rows, 0) : 0;
    }
    if (rows != NULL) {
        shoal_rows_close(rows, NULL);
    }
    return found;
}

int64_t who_unproved_attempts(struct shoal_call *call, const char *host)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &unproved_of_host, SHOAL_ARGS(SHOAL_TEXT(host)), NULL);
    int64_t attempts = rows != NULL && shoal_rows_next(rows) ? shoal_col_i64(rows, 2) : 0;
    if (rows != NULL) {
        shoal_rows_close(rows, NULL);
    }
    return attempts;
}

int who_unproved_hosts(struct shoal_call *call, const char **hosts, int room, struct shoal_err *err)
{
    int count = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &unproved_hosts,
        SHOAL_ARGS(SHOAL_I64(shoal_now_ms()), SHOAL_I64(room)), err);
    while (rows != NULL && count < room && shoal_rows_next(rows)) {
        hosts[count++] = shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, 0));
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    return code != 0 ? code : count;
}

int who_unproved_due(
    struct shoal_call *call, const char *host, struct who_unproved *out, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    int count = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &unproved_due,
        SHOAL_ARGS(SHOAL_TEXT(host), SHOAL_I64(shoal_now_ms())), err);
    while (rows != NULL && count < UNPROVED_LOT && shoal_rows_next(rows)) {
        size_t length = strlen(shoal_col_text(rows, 6));
        const char *other = shoal_col_text(rows, 4);
        char *body = shoal_arena_try_copy(arena, shoal_col_text(rows, 6), length);
        if (body == NULL) {
            break; // the others when these are done
        }
        out[count++] = (struct who_unproved){.id = shoal_col_i64(rows, 0),
            .claim = {.size = sizeof out->claim,
                .key_id = shoal_arena_strdup(arena, shoal_col_text(rows, 1)),
                .signature = shoal_arena_strdup(arena, shoal_col_text(rows, 2)),
                .text = shoal_arena_strdup(arena, shoal_col_text(rows, 3)),
                .other = other != NULL ? shoal_arena_strdup(arena, other) : NULL,
                .is_modern = shoal_col_bool(rows, 5)},
            .body = body,
            .body_bytes = length,
            .attempts = shoal_col_i64(rows, 7),
            .received_ms = shoal_col_i64(rows, 8),
            .sender = shoal_arena_strdup(arena, shoal_col_text(rows, 9))};
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    return code != 0 ? code : count;
}

static int end_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct who_unproved_end *end = arg;
    int64_t size = 0;
    if (!end->is_over) {
        return shoal_db_exec(tx, &unproved_again,
            SHOAL_ARGS(SHOAL_I64(end->id), SHOAL_I64(end->attempts), SHOAL_I64(end->next_ms)), NULL, err);
    }
    int code = shoal_db_i64(tx, &unproved_size, SHOAL_ARGS(SHOAL_I64(end->id)), &size, err);
    code = code != 0 ? code
                     : shoal_db_exec(tx, &unproved_host_less, SHOAL_ARGS(SHOAL_I64(end->id), SHOAL_I64(size)),
                           NULL, err);
    code = code != 0 ? code : shoal_db_exec(tx, &unproved_remove, SHOAL_ARGS(SHOAL_I64(end->id)), NULL, err);
    return code == SHOAL_ENOTFOUND ? 0 : code; // it is gone: another process was at it
}

int who_unproved_end(struct shoal_call *call, const struct who_unproved_end *end, struct shoal_err *err)
{
    struct who_unproved_end copy = *end;
    return shoal_tx(call, end_tx, &copy, err);
}

static int host_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct who_unproved_host *host = arg;
    int code = shoal_db_exec(tx, &unproved_host_again,
        SHOAL_ARGS(SHOAL_TEXT(host->host), SHOAL_I64(host->attempts), SHOAL_I64(host->next_ms)), NULL, err);
    return code != 0 ? code
                     : shoal_db_exec(tx, &unproved_host_empty, SHOAL_ARGS(SHOAL_TEXT(host->host)), NULL, err);
}

int who_unproved_host(struct shoal_call *call, const struct who_unproved_host *host, struct shoal_err *err)
{
    struct who_unproved_host copy = *host;
    return shoal_tx(call, host_tx, &copy, err);
}

static int job_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    int64_t first_ms = 0, not_before_ms = *(const int64_t *)arg;
    int code = shoal_db_i64(tx, &unproved_first, SHOAL_NOARGS, &first_ms, err);
    return code != 0 || first_ms == 0
               ? code
               : job_add(tx, first_ms > not_before_ms ? first_ms : not_before_ms, err);
}

int who_unproved_job(struct shoal_call *call, int64_t not_before_ms, struct shoal_err *err)
{
    return shoal_tx(call, job_tx, &not_before_ms, err);
}
