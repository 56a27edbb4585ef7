// signatures_sign.c - signs what goes out: HTTP requests, and documents that others pass on.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <urlhost.h>

#include "signatures.h"

SHOAL_SQL(signatures_modern_get, "SELECT 1 FROM signatures_modern WHERE host = $1");
SHOAL_SQL(signatures_modern_add,
    "INSERT INTO signatures_modern (host, created) VALUES ($1, $2) ON CONFLICT (host) DO NOTHING");
SHOAL_SQL(signatures_modern_drop, "DELETE FROM signatures_modern WHERE host = $1");

bool sig_is_modern(struct shoal_call *call, const char *host)
{
    int64_t found = 0;
    return shoal_db_i64(shoal_call_db(call), &signatures_modern_get, SHOAL_ARGS(SHOAL_TEXT(host)),
               &found, NULL) == 0;
}

struct modern {
    const char *host;
    bool is_modern;
};

static int modern_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct modern *modern = arg;
    return modern->is_modern
               ? shoal_db_exec(tx, &signatures_modern_add,
                     SHOAL_ARGS(SHOAL_TEXT(modern->host), SHOAL_TIME(shoal_now_ms())), NULL, err)
               : shoal_db_exec(tx, &signatures_modern_drop, SHOAL_ARGS(SHOAL_TEXT(modern->host)), NULL, err);
}

void sig_modern_set(struct shoal_call *call, const char *host, bool is_modern)
{
    struct modern modern = {host, is_modern};
    struct shoal_err err = {0};
    if (host != NULL && sig_is_modern(call, host) != is_modern &&
        shoal_tx(call, modern_tx, &modern, &err) != 0) {
        shoal_warn("how %s wants requests signed could not be noted: %s", host, err.text);
    }
}

bool sig_sign_refused(struct shoal_call *call, const char *url, bool was_modern, bool asks)
{
    const char *host = sig_url_host(call, url);
    if (host == NULL) {
        return false;
    }
    // Whoever was refused before it has changed it already.
    bool is_other = sig_is_modern(call, host) != was_modern;
    if (!is_other && (was_modern || asks)) {
        sig_modern_set(call, host, !was_modern);
    }
    return is_other || was_modern || asks;
}

static const char *date_now(struct shoal_call *call)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = (time_t)(shoal_now_ms() / 1000);
    struct tm at;
    gmtime_r(&now, &at);
    return shoal_arena_printf(shoal_call_arena(call), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
        days + 3 * at.tm_wday, at.tm_mday, months + 3 * at.tm_mon, at.tm_year + 1900, at.tm_hour,
        at.tm_min, at.tm_sec);
}

struct request {
    const char *method, *url, *target, *host;
    const void *body;
    size_t bytes;
};

// draft-cavage, in the words that PeerTube, Mastodon and snac2 read: no space after a comma.
static int sign_cavage(struct shoal_call *call, const struct sig_key *key,
    const struct request *what, const char **headers)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *date = date_now(call);
    const char *digest = what->body == NULL ? NULL : sig_digest(call, what->body, what->bytes);
    char *method = shoal_arena_strdup(arena, what->method);
    for (char *c = method; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    const char *text = shoal_arena_printf(arena, "(request-target): %s %s\nhost: %s\ndate: %s%s%s",
        method, what->target, what->host, date, digest ? "\ndigest: SHA-256=" : "", digest ? digest : "");
    const char *signature = sig_rsa_sign(call, key->rsa, text, strlen(text));
    headers[0] = shoal_arena_printf(arena, "Host: %s", what->host);
    headers[1] = shoal_arena_printf(arena, "Date: %s", date);
    headers[2] = shoal_arena_printf(arena,
        "Signature: keyId=\"%s\",algorithm=\"rsa-sha256\",headers=\"(request-target) host date%s\","
        "signature=\"%s\"",
        key->id, digest ? " digest" : "", signature ? signature : "");
    headers[3] = digest ? shoal_arena_printf(arena, "Digest: SHA-256=%s", digest) : NULL;
    return signature == NULL ? SHOAL_EINTERNAL : 0;
}

// RFC 9421, for those who announced that they read it.
static int sign_modern(struct shoal_call *call, const struct sig_key *key,
    const struct request *what, const char **headers)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *digest = what->body == NULL ? NULL : sig_digest(call, what->body, what->bytes);
    const char *input = shoal_arena_printf(arena,
        "(\"@method\" \"@target-uri\" \"@authority\"%s);created=%lld;keyid=\"%s\";"
        "alg=\"rsa-v1_5-sha256\"",
        digest ? " \"content-digest\"" : "", (long long)(shoal_now_ms() / 1000), key->id);
    const char *text = shoal_arena_printf(arena,
        "\"@method\": %s\n\"@target-uri\": %s\n\"@authority\": %s%s%s%s\n\"@signature-params\": %s",
        what->method, what->url, what->host, digest ? "\n\"content-digest\": sha-256=:" : "",
        digest ? digest : "", digest ? ":" : "", input);
    const char *signature = sig_rsa_sign(call, key->rsa, text, strlen(text));
    headers[0] = shoal_arena_printf(arena, "Host: %s", what->host);
    headers[1] = shoal_arena_printf(arena, "Date: %s", date_now(call));
    headers[2] = shoal_arena_printf(arena, "Signature-Input: sig1=%s", input);
    headers[3] = shoal_arena_printf(arena, "Signature: sig1=:%s:", signature ? signature : "");
    headers[4] = digest ? shoal_arena_printf(arena, "Content-Digest: sha-256=:%s:", digest) : NULL;
    return signature == NULL ? SHOAL_EINTERNAL : 0;
}

const char *const *sig_sign(struct shoal_call *call, int64_t actor_id, const char *method,
    const char *url, const void *body, size_t body_bytes, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct sig_key key;
    const char *self = NULL;
    const char *host = sig_url_host(call, url);
    if (host == NULL) {
        shoal_fail(err, SHOAL_EINVAL, "%.200s is not an address of another server", url);
        return NULL;
    }
    if (sig_key_of(call, actor_id, &key, &self, err) != 0) {
        return NULL;
    }
    const char *bare = urlhost_bare(arena, url);
    const char *target = urlhost_target(bare);
    const struct request what = {.method = method,
        .url = bare,
        .target = *target == '/' ? target : shoal_arena_printf(arena, "/%s", target),
        .host = host,
        .body = body,
        .bytes = body_bytes};
    const char **headers = shoal_arena_alloc(arena, 6 * sizeof *headers);
    int code = sig_is_modern(call, host) ? sign_modern(call, &key, &what, headers)
                                         : sign_cavage(call, &key, &what, headers);
    if (code != 0) {
        shoal_fail(err, code, "signing for %s failed", self);
        return NULL;
    }
    return headers;
}

// Sum of the canonical form, in hexadecimal: the two of them one behind the other are what is signed.
static bool quads_sum(const json_t *document, char out[65])
{
    char *quads = sig_nquads(document);
    if (quads == NULL) {
        return false;
    }
    struct shoal_sha256 *sum = shoal_sha256_new();
    shoal_sha256_add(sum, quads, strlen(quads));
    shoal_sha256_end(sum, out);
    shoal_sha256_free(sum);
    free(quads);
    return true;
}

int sig_sign_document(
    struct shoal_call *call, int64_t actor_id, json_t *activity, struct shoal_err *err)
{
    struct sig_key key;
    const char *self = NULL;
    char created[32], text[2 * 64 + 1];
    int code = sig_key_of(call, actor_id, &key, &self, err);
    if (code != 0) {
        return code;
    }
    json_t *options = json_pack("{s:s, s:s}", "creator", self, "created",
        shoal_time_format(shoal_now_ms(), created));
    json_object_del(activity, "signature");
    bool is_known = quads_sum(options, text) && quads_sum(activity, text + 64);
    json_decref(options);
    if (!is_known) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED, "%.200s says what this server cannot sign",
            shoal_text(activity, "id", "an activity"));
    }
    const char *signature = sig_rsa_sign(call, key.rsa, text, 128);
    if (signature == NULL) {
        return shoal_fail(err, SHOAL_EINTERNAL, "signing for %s failed", self);
    }
    json_object_set_new(activity, "signature",
        json_pack("{s:s, s:s, s:s, s:s}", "type", "RsaSignature2017", "creator", self, "created",
            created, "signatureValue", signature));
    return 0;
}
