// torrents_pieces.c - the job that reads a file through and keeps the SHA-1 of its pieces.
//
// It begins again when it was cut off. Large files have a queue of their own, so that a film of
// 50 GB does not keep the clip that was uploaded after it from its torrent.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/svc/storage.h>
#include "torrents.h"

#define READ_BYTES  ((size_t)1024 * 1024)
#define LARGE_BYTES (INT64_C(512) * 1024 * 1024)
#define READ_TRIES  5
#define WAIT_MS     100 // before the second try of a read; doubled each time
#define ASK_MS      2000 // between two looks at whether to go on
#define LATE        10   // priority of what the walk found

SHOAL_SQL(torrents_add,
    "INSERT INTO torrents_file (file_id, video_id, name, title, path, size_bytes, piece_bytes, "
    "pieces, infohash) VALUES ($1, $2, $3, '', '', $4, $5, $6, $7) "
    "ON CONFLICT (file_id) DO NOTHING");
SHOAL_SQL(torrents_there, "SELECT COUNT(*) FROM torrents_file WHERE file_id = $1");

// A file on its way through.
struct reading {
    struct shoal_call *call;
    const struct shoal_job *job;
    struct shoal_service storage;
    const char *key;
    EVP_MD_CTX *sum;
    unsigned char *room;
    unsigned char *pieces;
    size_t pieces_length;
    int64_t size_bytes, piece_bytes, at, asked_ms;
};

static int64_t read_some(struct reading *reading, size_t length, struct shoal_err *err)
{
    const struct shoal_svc_storage *table = reading->storage.table;
    int64_t got = SHOAL_EIO;
    for (int i = 0; i < READ_TRIES; i++) {
        struct shoal_err why = {0};
        shoal_enter(reading->call, &reading->storage);
        got = table->read(reading->call, reading->storage.arg, reading->key,
            (uint64_t)reading->at, reading->room, length, &why);
        shoal_leave(reading->call);
        if (got > 0 && got <= (int64_t)length) {
            return got;
        }
        got = got < 0 ? got : SHOAL_EUNREADABLE; // another try cannot help
        shoal_fail(err, (int)got, "%s at %lld of %lld: %s", reading->key, (long long)reading->at,
            (long long)reading->size_bytes, why.text[0] != '\0' ? why.text : "it ends too soon");
        bool is_lost = got == SHOAL_ENOTFOUND || got == SHOAL_EUNREADABLE;
        if (is_lost || shoal_call_sleep(reading->call, WAIT_MS << i) != 0) {
            break;
        }
    }
    return got;
}

static int piece_end(struct reading *reading)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(reading->sum, digest, NULL) != 1 ||
        EVP_DigestInit_ex(reading->sum, EVP_sha1(), NULL) != 1) {
        return SHOAL_EINTERNAL;
    }
    memcpy(reading->pieces + reading->pieces_length, digest, TORRENTS_HASH_BYTES);
    reading->pieces_length += TORRENTS_HASH_BYTES;
    return 0;
}

static int go_on(struct reading *reading, struct shoal_err *err)
{
    bool is_over = shoal_call_cancelled(reading->call);
    if (!is_over && shoal_tick_ms() - reading->asked_ms >= ASK_MS) {
        int percent = (int)(reading->at / (reading->size_bytes / 100 + 1));
        is_over = shoal_job_progress(reading->call, reading->job, percent) != 0;
        reading->asked_ms = shoal_tick_ms();
    }
    return is_over ? shoal_fail(err, SHOAL_ECANCELLED, "reading %s was stopped", reading->key) : 0;
}

// Adds what was read to the sum of its piece, or pieces.
static int sum_add(struct reading *reading, size_t length)
{
    for (size_t done = 0; done < length;) {
        int64_t left = reading->piece_bytes - reading->at % reading->piece_bytes;
        size_t some = (int64_t)(length - done) < left ? length - done : (size_t)left;
        if (EVP_DigestUpdate(reading->sum, reading->room + done, some) != 1) {
            return SHOAL_EINTERNAL;
        }
        done += some;
        reading->at += (int64_t)some;
        bool is_whole =
            reading->at % reading->piece_bytes == 0 || reading->at == reading->size_bytes;
        int code = is_whole ? piece_end(reading) : 0;
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

static int read_through(struct reading *reading, struct shoal_err *err)
{
    while (reading->at < reading->size_bytes) {
        int64_t left = reading->size_bytes - reading->at;
        int64_t got = read_some(reading, left < (int64_t)READ_BYTES ? (size_t)left : READ_BYTES, err);
        int code = got < 0 ? (int)got : sum_add(reading, (size_t)got);
        code = code == 0 ? go_on(reading, err) : code;
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

static int pieces_make(struct reading *reading, struct shoal_err *err)
{
    size_t count = (size_t)((reading->size_bytes + reading->piece_bytes - 1) / reading->piece_bytes);
    if (count > TORRENTS_PIECES_MAX) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "%s is too large for a torrent", reading->key);
    }
    reading->pieces =
        shoal_arena_try(shoal_call_arena(reading->call), count * TORRENTS_HASH_BYTES);
    reading->room = malloc(READ_BYTES);
    reading->sum = EVP_MD_CTX_new();
    int code = SHOAL_EBUSY;
    if (reading->pieces != NULL && reading->room != NULL && reading->sum != NULL &&
        EVP_DigestInit_ex(reading->sum, EVP_sha1(), NULL) == 1) {
        code = read_through(reading, err);
    }
    EVP_MD_CTX_free(reading->sum);
    free(reading->room);
    return code != SHOAL_EBUSY || (err != NULL && err->code != 0)
               ? code
               : shoal_fail(err, code, "%s: there is no memory for its pieces", reading->key);
}

struct row {
    const struct torrent *torrent;
};

// Without a title yet: the index gives it one, and with it an infohash.
static int row_write(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct torrent *torrent = ((const struct row *)arg)->torrent;
    return shoal_db_exec(tx, &torrents_add,
        SHOAL_ARGS(SHOAL_I64(torrent->file_id), SHOAL_I64(torrent->video_id),
            SHOAL_TEXT(torrent->name), SHOAL_I64(torrent->size_bytes),
            SHOAL_I64(torrent->piece_bytes), SHOAL_BYTES(torrent->pieces, torrent->pieces_length),
            SHOAL_BYTES("", 0)),
        NULL, err);
}

static int torrent_make(struct shoal_call *call, const struct shoal_job *job,
    const struct shoal_media_file *media, struct shoal_err *err)
{
    struct reading reading = {.call = call,
        .job = job,
        .asked_ms = shoal_tick_ms(),
        .key = media->key,
        .size_bytes = media->size_bytes,
        .piece_bytes = torrents_piece_bytes(media->size_bytes)};
    if (!shoal_service_find("storage", media->storage, &reading.storage)) {
        return shoal_fail(err, SHOAL_EBUSY, "the storage %s of %s is away", media->storage,
            media->key);
    }
    int code = pieces_make(&reading, err);
    if (code != 0) {
        return code;
    }
    char uuid[37];
    shoal_uuid_new(uuid);
    const struct torrent torrent = {.file_id = media->id,
        .video_id = media->video_id,
        .size_bytes = media->size_bytes,
        .piece_bytes = reading.piece_bytes,
        .name = shoal_arena_printf(shoal_call_arena(call), "%s-%d%s.torrent", uuid,
            media->resolution, strcmp(media->kind, "hls_media") == 0 ? "-hls" : ""),
        .pieces = reading.pieces,
        .pieces_length = reading.pieces_length};
    struct row row = {.torrent = &torrent};
    return shoal_tx(call, row_write, &row, err);
}

// Finds the file again: since the job was left the video may have gone, or have another file.
static int media_find(struct shoal_call *call, const struct shoal_job *job,
    struct shoal_media_file *out, struct shoal_err *err)
{
    const char *uuid = shoal_text(job->payload, "uuid", "");
    struct torrents_video video;
    int code = torrents_video_look(call, uuid, &video, err);
    if (code == 0 && !video.is_shareable) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "video %s is not shared", uuid);
    }
    if (code == 0) {
        code = shoal_media_find(call, shoal_text(job->payload, "kind", ""), uuid,
            shoal_text(job->payload, "name", ""), out, err);
    }
    bool is_other = code == 0 && (out->id != shoal_integer(job->payload, "file", 0) ||
                                     !out->is_ready || out->size_bytes <= 0);
    return is_other ? shoal_fail(err, SHOAL_ENOTFOUND, "video %s has another file", uuid) : code;
}

static int run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    struct shoal_media_file media = {0};
    struct shoal_err why = {0};
    int code = media_find(call, job, &media, &why);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "%s", why.text);
    }
    int64_t there = 0;
    code = shoal_db_i64(
        shoal_call_db(call), &torrents_there, SHOAL_ARGS(SHOAL_I64(media.id)), &there, err);
    if (code == 0 && there == 0) {
        code = torrent_make(call, job, &media, err);
    }
    return code == 0 ? torrents_index_video(call, arg, media.video_uuid, media.video_id, false, err) : code;
}

int torrents_pieces_add(struct shoal_plugin *self, struct shoal_db *tx, const char *uuid,
    const struct torrents_file *file, bool is_late, struct shoal_err *err)
{
    char unique[48];
    char subject[64];
    const char *name = strrchr(file->path, '/');
    snprintf(unique, sizeof unique, "file:%lld", (long long)file->id);
    snprintf(subject, sizeof subject, "video:%s", uuid);
    const struct shoal_job_options options = {
        .unique = unique, .subject = subject, .priority = is_late ? LATE : 0};
    json_t *payload = json_pack("{s:s, s:I, s:s, s:s}", "uuid", uuid, "file", (json_int_t)file->id,
        "kind", file->is_hls ? "hls_media" : "web_video", "name", name != NULL ? name + 1 : "");
    int code = shoal_job_add(self, tx, file->size_bytes < LARGE_BYTES ? "pieces" : "pieces_large",
        payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

int torrents_pieces_start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_job_kind small = {.kind = "pieces", .run = run, .arg = self, .attempts = 10};
    const struct shoal_job_kind large = {.kind = "pieces_large",
        .run = run,
        .arg = self,
        .attempts = 10,
        .concurrency = 1,
        .lease_s = 120};
    int code = shoal_job_kind_add(self, &small, err);
    return code == 0 ? shoal_job_kind_add(self, &large, err) : code;
}
