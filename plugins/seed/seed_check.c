// seed_check.c - compares samples of what mirrors serve with what we have.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/svc/storage.h>

#include "seed.h"

#define COPIES_A_RUN 16
#define SAMPLES      3
#define FETCH_MS     30000
#define RETRY_MAX_MS ((int64_t)6 * 3600 * 1000)
#define TICK_MAX_MS  15000
#define LOST_MS      120000 ///< after which a check that never ended is begun again

SHOAL_SQL(sql_check_due,
    "SELECT id FROM seed_mirror WHERE next_check <= $1 AND heard > $2"
    " AND state IN ('waiting', 'offered', 'failed') ORDER BY next_check LIMIT 20");
SHOAL_SQL(sql_check_later, "UPDATE seed_mirror SET next_check = $2 WHERE id = $1");
SHOAL_SQL(
    sql_check_mirror, "SELECT base_url, state, failures, name FROM seed_mirror WHERE id = $1");
SHOAL_SQL(sql_check_copies,
    "SELECT video, list, checked FROM seed_copy WHERE mirror_id = $1 ORDER BY checked LIMIT 500");
SHOAL_SQL(sql_check_right,
    "UPDATE seed_copy SET checked = $4 WHERE mirror_id = $1 AND video = $2 AND list = $3"
    " AND checked = $5"); // else it was doubted while we looked
SHOAL_SQL(sql_check_gone,
    "UPDATE seed_copy SET checked = 0 WHERE mirror_id = $1 AND video = $2 AND list = $3"
    " AND checked > 0");
// Who lied about one video is believed of no other: each is compared again before players are sent there.
SHOAL_SQL(sql_check_wrong, "UPDATE seed_copy SET checked = 0 WHERE mirror_id = $1 AND checked > 0");
SHOAL_SQL(sql_check_end,
    "UPDATE seed_mirror SET state = $2, why = $3, checked = $4, next_check = $5, failures = $6"
    " WHERE id = $1 AND state <> 'left' AND base_url = $7");

struct copy {
    const char *video, *list;
    int64_t checked;
    bool is_new;
};
struct check {
    struct shoal_plugin *self;
    int64_t mirror, failures;
    int64_t left_ms; ///< that fetching may still take
    const char *base, *state, *name;
    struct copy copies[SEED_VIDEOS_MAX];
    size_t count, new_count;
    // What came out of it.
    const struct copy *right[COPIES_A_RUN], *gone[COPIES_A_RUN];
    size_t right_count, gone_count;
    const char *wrong; ///< the video that was not as it should be, or NULL
    const char *end_state, *why;
    int64_t next_ms;
};

static uint32_t chance(uint32_t below)
{
    uint32_t number = 0;
    shoal_random(&number, sizeof number);
    return number % below;
}

/// The whole of an object of a storage.
static int object_read(struct shoal_call *call, const struct shoal_media_file *file, uint64_t most,
    struct shoal_buf *out, struct shoal_err *err)
{
    struct shoal_service storage;
    if (!shoal_service_find("storage", file->storage, &storage)) {
        return shoal_fail(err, SHOAL_EBUSY, "the storage %s is away", file->storage);
    }
    const struct shoal_svc_storage *table = storage.table;
    shoal_enter(call, &storage);
    int64_t size = table->stat(call, storage.arg, file->key, err);
    if (size < 0 || (uint64_t)size > most || shoal_buf_reserve(out, (size_t)size) != 0) {
        shoal_leave(call);
        return size < 0 ? (int)size
                        : shoal_fail(err, SHOAL_ETOOLARGE, "%s is too large", file->name);
    }
    int64_t got = 1;
    while (out->length < (size_t)size && got > 0) {
        got = table->read(call, storage.arg, file->key, out->length, out->data + out->length,
            (size_t)size - out->length, err);
        out->length += got > 0 ? (size_t)got : 0;
    }
    shoal_leave(call);
    return got < 0 ? (int)got
           : out->length < (size_t)size
               ? shoal_fail(err, SHOAL_EIO, "%s is shorter than it was", file->name)
               : 0;
}

static int too_slow(const struct check *check, struct shoal_err *err)
{
    return shoal_fail(err, SHOAL_EUPSTREAM,
        "it is too slow: it had not answered after %.0f s (check_time)",
        (double)shoal_setting_i64(check->self, "check_time") / 1000.0);
}

/// Fetches bytes of the mirror as a player would. length 0: the whole file, at most `most`.
static int fetch(struct shoal_call *call, struct check *check, const char *url, uint64_t offset,
    uint64_t length, uint64_t most, struct shoal_fetched *fetched, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_err why = {0};
    json_t *site = shoal_instance_setting("url");
    const char *headers[] = {
        shoal_arena_printf(arena, "Origin: %s",
            json_is_string(site) ? json_string_value(site) : "http://localhost"),
        length > 0 ? shoal_arena_printf(arena, "Range: bytes=%llu-%llu", (unsigned long long)offset,
                         (unsigned long long)(offset + length - 1))
                   : NULL,
        NULL};
    json_decref(site);
    const struct shoal_fetch what = {.url = url,
        .headers = headers,
        .timeout_ms = (uint32_t)(check->left_ms < FETCH_MS ? check->left_ms : FETCH_MS),
        .max_bytes = length > 0 ? length : most,
        .redirects = -1};
    if (check->left_ms <= 0) {
        return too_slow(check, err);
    }
    int64_t from = shoal_tick_ms();
    int code = shoal_fetch(call, &what, fetched, &why);
    check->left_ms -= shoal_tick_ms() - from;
    if (code == SHOAL_ETIMEOUT && check->left_ms <= 0) {
        return too_slow(check, err);
    }
    if (code != 0) {
        return why.code == SHOAL_ECANCELLED
                   ? shoal_fail(err, SHOAL_ECANCELLED, "%s", why.text)
                   : shoal_fail(err, SHOAL_EUPSTREAM, "%s: %s", url, why.text);
    }
    int wanted = length > 0 ? 206 : 200;
    if (fetched->status != wanted) {
        return shoal_fail(
            err, SHOAL_EUPSTREAM, "%s: status %d instead of %d", url, fetched->status, wanted);
    }
    const char *allowed = fetched->header(fetched, "access-control-allow-origin");
    if (allowed == NULL || strcmp(allowed, "*") != 0) {
        return shoal_fail(err, SHOAL_EUPSTREAM,
            "%s: the header Access-Control-Allow-Origin is not \"*\": players may not read it",
            url);
    }
    return 0;
}

static int piece_check(struct shoal_call *call, struct check *check, const char *url,
    const struct seed_piece *piece, uint64_t size, struct shoal_err *err)
{
    struct shoal_fetched fetched = {0};
    char sum[65], range[96];
    int code = fetch(call, check, url, piece->offset, piece->length, 0, &fetched, err);
    if (code != 0) {
        return code;
    }
    snprintf(range, sizeof range, "bytes %llu-%llu/%llu", (unsigned long long)piece->offset,
        (unsigned long long)(piece->offset + piece->length - 1), (unsigned long long)size);
    const char *given = fetched.header(&fetched, "content-range");
    if (given == NULL || strcmp(given, range) != 0 || fetched.body_bytes != piece->length) {
        return shoal_fail(err, SHOAL_EUPSTREAM, "%s: it answers another range than %s", url, range);
    }
    seed_sha256(fetched.body, fetched.body_bytes, sum);
    return strcmp(sum, piece->sha256) == 0
               ? 0
               : shoal_fail(err, SHOAL_EMISMATCH, "%s: bytes %llu to %llu are not ours", url,
                     (unsigned long long)piece->offset,
                     (unsigned long long)(piece->offset + piece->length - 1));
}

/// One playlist of the copy has to be ours, byte by byte.
static int playlist_check(struct shoal_call *call, struct check *check, const struct copy *copy,
    const char *media, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_media_file file = {0};
    struct shoal_buf ours = {0};
    struct shoal_fetched fetched = {0};
    const char *name = shoal_arena_printf(
        arena, "%.*s.m3u8", (int)(strlen(media) - strlen("-fragmented.mp4")), media);
    if (shoal_media_find(call, "hls_playlist", copy->video, name, &file, NULL) != 0) {
        return SHOAL_EGONE;
    }
    struct shoal_err own = {0};
    if (object_read(call, &file, SEED_TEXT_BYTES, &ours, &own) != 0) {
        shoal_buf_fini(&ours);
        return shoal_fail(err, SHOAL_EIO, "%s", own.text);
    }
    const char *url = shoal_arena_printf(arena, "%s/%s/%s", check->base, copy->video, name);
    int code = fetch(call, check, url, 0, 0, ours.length + 1, &fetched, err);
    if (code == 0 &&
        (fetched.body_bytes != ours.length || memcmp(fetched.body, ours.data, ours.length) != 0)) {
        code = shoal_fail(err, SHOAL_EMISMATCH, "%s is not ours", url);
    }
    shoal_buf_fini(&ours);
    return code;
}

static int media_check(struct shoal_call *call, struct check *check, const struct copy *copy,
    const json_t *list, const char *name, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_media_file file = {0};
    struct seed_pieces pieces = {0};
    struct shoal_err own = {0};
    if (shoal_media_find(call, "hls_media", copy->video, name, &file, NULL) != 0 ||
        seed_pieces_read(arena, list, name, (uint64_t)file.size_bytes, &pieces, &own) != 0) {
        return SHOAL_EGONE; // between two versions of the video
    }
    const struct seed_piece *piece = NULL;
    for (size_t i = 0, at = chance((uint32_t)pieces.count); i < pieces.count && piece == NULL;
         i++) {
        const struct seed_piece *candidate = &pieces.items[(at + i) % pieces.count];
        piece = candidate->has_hash ? candidate : NULL;
    }
    const char *url = shoal_arena_printf(arena, "%s/%s/%s", check->base, copy->video, name);
    return piece == NULL ? SHOAL_EGONE
                         : piece_check(call, check, url, piece, (uint64_t)file.size_bytes, err);
}

/// Returns: 0, SHOAL_EGONE (we have other files now: nothing is said about the mirror), SHOAL_EIO
/// (it is our own fault), SHOAL_ECANCELLED, or what is wrong with the mirror.
static int copy_check(
    struct shoal_call *call, struct check *check, const struct copy *copy, struct shoal_err *err)
{
    struct shoal_media_file file = {0};
    struct shoal_buf text = {0};
    struct shoal_err own = {0};
    if (shoal_media_find(call, "hls_sha256", copy->video, copy->list, &file, NULL) != 0 ||
        file.is_private) {
        return SHOAL_EGONE;
    }
    json_t *list = object_read(call, &file, SEED_LIST_BYTES, &text, &own) == 0
                       ? shoal_json_parse(text.data, text.length, &own)
                       : NULL;
    shoal_buf_fini(&text);
    size_t count = json_object_size(list);
    if (count == 0) {
        json_decref(list);
        return shoal_fail(err, SHOAL_EIO, "%s cannot be read: %s", copy->list, own.text);
    }
    const char *names[SEED_FILES_MAX];
    size_t known = 0;
    const char *name = NULL;
    json_t *rows = NULL;
    json_object_foreach(list, name, rows)
    {
        if (known < SEED_FILES_MAX && seed_name_kind(name) == SEED_KIND_MEDIA) {
            names[known++] = name;
        }
    }
    int code = known == 0 ? SHOAL_EGONE : 0;
    for (int i = 0; i < SAMPLES && code == 0; i++) {
        code = media_check(call, check, copy, list, names[chance((uint32_t)known)], err);
    }
    if (code == 0) {
        code = playlist_check(call, check, copy, names[chance((uint32_t)known)], err);
    }
    json_decref(list);
    bool is_still = shoal_media_find(call, "hls_sha256", copy->video, copy->list, &file, NULL) == 0;
    return code == 0 && !is_still ? SHOAL_EGONE : code;
}

static int load(struct shoal_call *call, struct check *check, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &sql_check_mirror, SHOAL_ARGS(SHOAL_I64(check->mirror)), err);
    if (rows != NULL && shoal_rows_next(rows)) {
        check->base = shoal_arena_strdup(arena, shoal_col_text(rows, 0));
        check->state = shoal_arena_strdup(arena, shoal_col_text(rows, 1));
        check->failures = shoal_col_i64(rows, 2);
        check->name = shoal_arena_strdup(arena, shoal_col_text(rows, 3));
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0) {
        return SHOAL_EIO;
    }
    rows = shoal_db_query(
        shoal_call_db(call), &sql_check_copies, SHOAL_ARGS(SHOAL_I64(check->mirror)), err);
    while (rows != NULL && check->count < SEED_VIDEOS_MAX && shoal_rows_next(rows)) {
        check->copies[check->count] =
            (struct copy){.video = shoal_arena_strdup(arena, shoal_col_text(rows, 0)),
                .list = shoal_arena_strdup(arena, shoal_col_text(rows, 1)),
                .checked = shoal_col_i64(rows, 2),
                .is_new = shoal_col_i64(rows, 2) <= 0};
        check->new_count += check->copies[check->count++].is_new ? 1 : 0;
    }
    return rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
}

static void judge(struct shoal_call *call, struct check *check)
{
    int64_t every_ms = shoal_setting_i64(check->self, "check_every");
    int64_t most_ms = shoal_setting_i64(check->self, "check_time");
    size_t checked = 0;
    check->left_ms = most_ms;
    check->end_state = check->count == 0 ? "waiting" : "offered";
    check->why = "";
    check->next_ms = every_ms;
    // The new ones, which come first, and some of those that were right before.
    size_t first_news = check->new_count < COPIES_A_RUN - 2 ? check->new_count : COPIES_A_RUN - 2;
    for (size_t i = 0; i < first_news + 2 && checked < COPIES_A_RUN; i++) {
        size_t olds = check->count - check->new_count;
        size_t at = i < first_news ? i : check->new_count + (olds > 0 ? chance((uint32_t)olds) : 0);
        // Who has much is not slow: what half of the time was not enough for is for the next run.
        if (at >= check->count || check->left_ms < most_ms / 2) {
            break;
        }
        struct shoal_err why = {0};
        int code = copy_check(call, check, &check->copies[at], &why);
        checked++;
        if (code == 0) {
            check->right[check->right_count++] = &check->copies[at];
        } else if (code == SHOAL_EGONE) {
            check->gone[check->gone_count++] = &check->copies[at];
        } else if (code == SHOAL_EIO || code == SHOAL_ECANCELLED) {
            shoal_warn("mirror %s was not checked: %s", check->name, why.text);
            check->end_state = check->state;
            return;
        } else {
            check->wrong = check->copies[at].video;
            check->end_state = "failed";
            check->why = shoal_arena_strdup(shoal_call_arena(call), why.text);
            break;
        }
    }
    if (check->wrong == NULL) {
        check->failures = 0;
        check->next_ms = checked < check->new_count ? 0 : every_ms;
        return;
    }
    check->next_ms = every_ms;
    for (int64_t i = 0; i < check->failures && check->next_ms < RETRY_MAX_MS; i++) {
        check->next_ms *= 2;
    }
    check->failures++;
}

// Whether players are sent elsewhere than before: kept answers are made anew then.
static bool changes_offers(const struct check *check)
{
    return check->wrong != NULL || check->new_count > 0 || check->gone_count > 0 ||
           strcmp(check->state, check->end_state) != 0;
}

static int store(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct check *check = arg;
    int64_t now = shoal_now_ms();
    int64_t changed = 0;
    int code = shoal_db_exec(tx, &sql_check_end,
        SHOAL_ARGS(SHOAL_I64(check->mirror), SHOAL_TEXT(check->end_state), SHOAL_TEXT(check->why),
            SHOAL_I64(now), SHOAL_I64(now + check->next_ms), SHOAL_I64(check->failures),
            SHOAL_TEXT(check->base)),
        &changed, err);
    if (changed == 0) {
        return code; // it left, or has another address now: this says nothing about that one
    }
    for (size_t i = 0; i < check->right_count && code == 0; i++) {
        code = shoal_db_exec(tx, &sql_check_right,
            SHOAL_ARGS(SHOAL_I64(check->mirror), SHOAL_TEXT(check->right[i]->video),
                SHOAL_TEXT(check->right[i]->list), SHOAL_I64(now),
                SHOAL_I64(check->right[i]->checked)),
            NULL, err);
    }
    for (size_t i = 0; i < check->gone_count && code == 0; i++) {
        code = shoal_db_exec(tx, &sql_check_gone,
            SHOAL_ARGS(SHOAL_I64(check->mirror), SHOAL_TEXT(check->gone[i]->video),
                SHOAL_TEXT(check->gone[i]->list)),
            NULL, err);
    }
    if (check->wrong != NULL && code == 0) {
        code = shoal_db_exec(
            tx, &sql_check_wrong, SHOAL_ARGS(SHOAL_I64(check->mirror)), NULL, err);
    }
    return code == 0 && changes_offers(check) ? shoal_touch(call, tx, "mirrors", err) : code;
}

static int run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    struct check *check = shoal_arena_alloc(shoal_call_arena(call), sizeof *check);
    check->self = arg;
    check->mirror = shoal_integer(job->payload, "mirror", 0);
    int code = load(call, check, err);
    if (code != 0 || check->base == NULL || strcmp(check->state, "left") == 0) {
        return code; // revoked or gone meanwhile
    }
    judge(call, check);
    if (shoal_call_cancelled(call)) {
        return shoal_fail(err, SHOAL_ECANCELLED, "the server stops");
    }
    if (strcmp(check->end_state, "failed") == 0) {
        shoal_warn("mirror %s is not offered: %s", check->name, check->why);
    } else if (strcmp(check->state, check->end_state) != 0) {
        shoal_info("mirror %s is %s now", check->name, check->end_state);
    }
    return shoal_tx(call, store, check, err);
}

struct due {
    struct shoal_plugin *self;
    int64_t ids[20];
    size_t count;
};

static int add_jobs(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct due *due = arg;
    int code = 0;
    for (size_t i = 0; i < due->count && code == 0; i++) {
        json_t *payload = json_pack("{s:I}", "mirror", (json_int_t)due->ids[i]);
        const char *key =
            shoal_arena_printf(shoal_call_arena(call), "%lld", (long long)due->ids[i]);
        const struct shoal_job_options options = {.unique = key};
        code = shoal_job_add(due->self, tx, "check", payload, &options, NULL, err);
        json_decref(payload);
        code = code != 0
                   ? code
                   : shoal_db_exec(tx, &sql_check_later, // not again before this one ends
                         SHOAL_ARGS(SHOAL_I64(due->ids[i]), SHOAL_I64(shoal_now_ms() + LOST_MS)),
                         NULL, err);
    }
    return code;
}

static int tick(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct due due = {.self = arg};
    int64_t now = shoal_now_ms();
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &sql_check_due,
        SHOAL_ARGS(SHOAL_I64(now), SHOAL_I64(now - shoal_setting_i64(due.self, "silent"))), err);
    while (rows != NULL && due.count < 20 && shoal_rows_next(rows)) {
        due.ids[due.count++] = shoal_col_i64(rows, 0);
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    return code != 0 || due.count == 0 ? code : shoal_tx(call, add_jobs, &due, err);
}

int seed_check_start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_job_kind kind = {
        .kind = "check", .run = run, .arg = self, .attempts = 2, .lease_s = 900, .concurrency = 2};
    int64_t every_ms = shoal_setting_i64(self, "check_every");
    int code = shoal_job_kind_add(self, &kind, err);
    return code != 0 ? code
                     : shoal_timer_add(self, "check",
                           every_ms < TICK_MAX_MS ? every_ms : TICK_MAX_MS, true, tick, self);
}
