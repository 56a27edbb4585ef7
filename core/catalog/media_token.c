// media_token.c - signed tokens for the media of one video, checked without the database.
//
// A token holds the video, the user, when it was made and when it ends. Whoever loses access (the
// video gets narrower, the user is blocked or gone or has a new password) is on a short list with the moment of it: tokens made
// before that moment stop working. The list is read from the database at the start and every few
// seconds, because other processes of the instance write it too.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_priv.h"
#include "host/permissions.h"

#define TOKEN_MS    (INT64_C(8) * 3600 * 1000)
#define BODY_BYTES  41 // version, uuid, user, made, ends
#define MAC_BYTES   16
#define TOKEN_BYTES (BODY_BYTES + MAC_BYTES)
#define TEXT_BYTES  sodium_base64_ENCODED_LEN(TOKEN_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)
#define REVOKED_MAX 4096

struct revoked {
    char subject[44]; // "v:UUID" or "u:7"
    int64_t at_ms;
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static unsigned char secret[crypto_auth_KEYBYTES];
static struct revoked revoked[REVOKED_MAX];
static size_t revoked_count;

SHOAL_SQL(access_changes,
    "SELECT uuid, access_changed FROM catalog_video WHERE access_changed > $1 "
    "ORDER BY access_changed DESC LIMIT 3000");
SHOAL_SQL(user_ends, "SELECT user_id, ended FROM catalog_media_end WHERE ended > $1 "
                     "ORDER BY ended DESC LIMIT 1000");
SHOAL_SQL(user_end, "INSERT INTO catalog_media_end (user_id, ended) VALUES ($1, $2) "
                    "ON CONFLICT (user_id) DO UPDATE SET ended = excluded.ended");
SHOAL_SQL(user_ends_tidy, "DELETE FROM catalog_media_end WHERE ended < $1");

void catalog_media_secret_set(const char *hex)
{
    unsigned char key[crypto_auth_KEYBYTES];
    // A key of its own: what else the instance's secret signs is never a media token.
    crypto_generichash(key, sizeof(key), (const unsigned char *)hex, strlen(hex),
        (const unsigned char *)"shoal media token", 17);
    pthread_rwlock_wrlock(&lock);
    memcpy(secret, key, sizeof(secret));
    pthread_rwlock_unlock(&lock);
    sodium_memzero(key, sizeof(key));
}

void catalog_media_stop(void)
{
    pthread_rwlock_wrlock(&lock);
    sodium_memzero(secret, sizeof(secret));
    revoked_count = 0;
    pthread_rwlock_unlock(&lock);
}

void catalog_media_revoke(const char *subject, int64_t now_ms)
{
    pthread_rwlock_wrlock(&lock);
    size_t oldest = 0;
    size_t at = revoked_count;
    for (size_t i = 0; i < revoked_count; i++) {
        if (strcmp(revoked[i].subject, subject) == 0) {
            at = i;
            break;
        }
        oldest = revoked[i].at_ms < revoked[oldest].at_ms ? i : oldest;
    }
    if (at == REVOKED_MAX) {
        at = oldest;
    } else if (at == revoked_count) {
        revoked_count++;
        revoked[at].at_ms = 0;
    }
    size_t length = strnlen(subject, sizeof(revoked[at].subject) - 1);
    memcpy(revoked[at].subject, subject, length);
    revoked[at].subject[length] = '\0';
    revoked[at].at_ms = now_ms > revoked[at].at_ms ? now_ms : revoked[at].at_ms;
    pthread_rwlock_unlock(&lock);
}

// With the lock held for reading.
static bool is_revoked(const char *subject, int64_t made_ms)
{
    for (size_t i = 0; i < revoked_count; i++) {
        if (made_ms <= revoked[i].at_ms && strcmp(revoked[i].subject, subject) == 0) {
            return true;
        }
    }
    return false;
}

static int load(
    struct shoal_call *call, const struct shoal_sql *sql, const char *prefix, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), sql, SHOAL_ARGS(SHOAL_I64(shoal_now_ms() - TOKEN_MS)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (shoal_rows_next(rows)) {
        char subject[44];
        snprintf(subject, sizeof(subject), "%s%s", prefix, shoal_col_text(rows, 0));
        catalog_media_revoke(subject, shoal_col_i64(rows, 1));
    }
    return shoal_rows_close(rows, err);
}

int catalog_media_load(struct shoal_call *call, struct shoal_err *err)
{
    int code = load(call, &access_changes, "v:", err);
    return code == 0 ? load(call, &user_ends, "u:", err) : code;
}

int catalog_media_end(struct shoal_db *tx, int64_t user_id, struct shoal_err *err)
{
    int64_t now_ms = shoal_now_ms();
    int code = shoal_db_exec(
        tx, &user_end, SHOAL_ARGS(SHOAL_I64(user_id), SHOAL_TIME(now_ms)), NULL, err);
    return code == 0 ? shoal_db_exec(tx, &user_ends_tidy,
                           SHOAL_ARGS(SHOAL_TIME(now_ms - TOKEN_MS)), NULL, err)
                     : code;
}

static void put64(unsigned char *out, int64_t value)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (unsigned char)((uint64_t)value >> (56 - 8 * i));
    }
}

static int64_t get64(const unsigned char *in)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | in[i];
    }
    return (int64_t)value;
}

static bool uuid_bytes(const char *uuid, unsigned char out[16])
{
    size_t length = 0;
    return sodium_hex2bin(out, 16, uuid, strnlen(uuid, 36), "-", &length, NULL) == 0 &&
           length == 16;
}

static void token_make(
    const char *uuid, int64_t user_id, int64_t made_ms, int64_t ends_ms, char text[TEXT_BYTES])
{
    unsigned char token[BODY_BYTES + crypto_auth_BYTES] = {1};
    uuid_bytes(uuid, token + 1);
    put64(token + 17, user_id);
    put64(token + 25, made_ms);
    put64(token + 33, ends_ms);
    pthread_rwlock_rdlock(&lock);
    crypto_auth(token + BODY_BYTES, token, BODY_BYTES, secret);
    pthread_rwlock_unlock(&lock);
    sodium_bin2base64(
        text, TEXT_BYTES, token, TOKEN_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static bool token_right(const unsigned char *token, const char *uuid)
{
    unsigned char mac[crypto_auth_BYTES];
    unsigned char wanted[16];
    char video[44];
    char user[44];
    snprintf(video, sizeof(video), "v:%.36s", uuid);
    snprintf(user, sizeof(user), "u:%lld", (long long)get64(token + 17));
    int64_t made_ms = get64(token + 25);
    pthread_rwlock_rdlock(&lock);
    crypto_auth(mac, token, BODY_BYTES, secret);
    bool is_right = sodium_memcmp(mac, token + BODY_BYTES, MAC_BYTES) == 0 &&
                    !is_revoked(video, made_ms) && !is_revoked(user, made_ms);
    pthread_rwlock_unlock(&lock);
    return is_right && token[0] == 1 && get64(token + 33) > shoal_now_ms() &&
           uuid_bytes(uuid, wanted) && memcmp(wanted, token + 1, 16) == 0;
}

int shoal_media_token_check(const char *token, const char *video_uuid)
{
    unsigned char bytes[TOKEN_BYTES];
    size_t length = 0;
    if (token == NULL || video_uuid == NULL || strnlen(video_uuid, 37) != 36 ||
        sodium_base642bin(bytes, sizeof(bytes), token, strnlen(token, 128), NULL, &length, NULL,
            sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        length != TOKEN_BYTES) {
        return SHOAL_EFORBIDDEN;
    }
    return token_right(bytes, video_uuid) ? 0 : SHOAL_EFORBIDDEN;
}

static int read_decide(struct shoal_call *call, const struct catalog_video *video,
    const char *purpose, struct shoal_err *err)
{
    if (!shoal_hook_heard("media.read")) {
        return 0;
    }
    struct shoal_decision decision = {0};
    json_t *payload = json_pack("{s:o?, s:[s, s], s:s, s:{s:o?, s:s}}", "video",
        catalog_video_json(call, video, CATALOG_DETAIL, NULL), "kinds", "web_video", "hls",
        "purpose", purpose, "visitor", "user", catalog_user_brief(call, call->viewer.user_id),
        "address_prefix", call->request == NULL ? "" : shoal_request_address_prefix(call->request));
    enum shoal_verdict verdict = shoal_fire_decide(call, "media.read", payload, &decision);
    json_decref(payload);
    if (verdict == SHOAL_PASS || verdict == SHOAL_ACCEPT) {
        return 0;
    }
    return shoal_fail(err, decision.failed ? SHOAL_EBUSY : SHOAL_EFORBIDDEN, "%s",
        decision.sentence[0] != '\0' ? decision.sentence : "this video may not be watched here");
}

json_t *shoal_media_token(struct shoal_call *call, const char *video, const char *password,
    const char *purpose, struct shoal_err *err)
{
    if (shoal_permission_call(call, "media", NULL, err) != 0) {
        return NULL;
    }
    struct catalog_video found;
    bool is_download = strcmp(purpose, "download") == 0;
    char text[TEXT_BYTES];
    char ends[32];
    if (catalog_video_may(call, is_download ? SHOAL_MAY_DOWNLOAD : SHOAL_MAY_WATCH, video, password,
            &found, err) != 0 ||
        read_decide(call, &found, purpose, err) != 0) {
        return NULL;
    }
    int64_t now_ms = shoal_now_ms();
    // A change of this very millisecond came before: the viewer was asked after it.
    token_make(found.uuid, call->viewer.user_id, now_ms + 1, now_ms + TOKEN_MS, text);
    return json_pack(
        "{s:s, s:s}", "token", text, "expires", shoal_time_format(now_ms + TOKEN_MS, ends));
}
