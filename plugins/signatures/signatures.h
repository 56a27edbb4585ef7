// signatures.h - what the files of the plugin share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SIGNATURES_H
#define SIGNATURES_H
#include <openssl/evp.h>

#include <shoal/base.h>
#include <shoal/buf.h>
#include <shoal/call.h>
#include <shoal/db.h>
#include <shoal/error.h>
#include <shoal/http.h>
#include <shoal/json.h>
#include <shoal/plugin.h>
#include <shoal/remote.h>
#include <shoal/svc/signatures.h>

// --- signatures_url.c ---

/// The host of any http(s) URL; who may be asked is the caller's to say. NULL for what is none.
const char *sig_url_host(struct shoal_call *call, const char *url);
/// Host and port of a text, without the usual port.
const char *sig_host_of(struct shoal_call *call, const char *text, const char *usual_port);
/// The instance's host as handles have it.
const char *sig_host(struct shoal_call *call);

// --- signatures_keys.c ---

/// The keys of a local actor.
struct sig_key {
    const char *id; ///< "ACTOR#main-key"
    const char *public_pem;
    EVP_PKEY *rsa;          ///< borrowed from the cache of keys for this call
    const char *ed25519_id; ///< "ACTOR#ed25519-key"
    const char *ed25519_multibase;
};
/// The keys of an actor, made when they are first needed.
int sig_key_get(struct shoal_call *call, const struct shoal_actor *actor, struct sig_key *key,
    struct shoal_err *err);
/// Those of a local actor by its number, also of one that is gone but had some. url: out, the actor's.
int sig_key_of(struct shoal_call *call, int64_t actor_id, struct sig_key *key, const char **url,
    struct shoal_err *err);
/// Who has keys; see svc/signatures.h.
int sig_keyed(struct shoal_call *call, int64_t after, int64_t *actor_ids, int room, struct shoal_err *err);
/// Keeps what another plugin had; see svc/signatures.h.
int sig_key_take(struct shoal_call *call, const struct shoal_key_left *left, struct shoal_err *err);
/// Whoever may have keys of before; see svc/signatures.h.
int sig_keeper_set(const struct shoal_key_keeper *keeper, struct shoal_err *err);
/// Forgets all in memory, and the keeper.
void sig_keys_forget(void);

// --- signatures_public.c ---

/// A public Ed25519 key as documents have it: multicodec and key, in base58 with its letter.
const char *sig_multibase(struct shoal_arena *arena, const unsigned char public[32]);
/// A key as PEM (SPKI); NULL on failure.
const char *sig_pem(struct shoal_arena *arena, EVP_PKEY *key);
/// The same of a key that somebody shows; see read_key() of svc/signatures.h.
const char *sig_read_key(struct shoal_arena *arena, const char *text);
/// The next of PEMs that stand one behind another, borrowed, and *pems moved behind it; NULL where no more is one.
const char *sig_pem_next(const char **pems, size_t *length);
/// A public key from its PEM: RSA of 1024 to 8192 bits, or Ed25519; NULL for anything else.
EVP_PKEY *sig_public_key(const char *pem, size_t length);
/// The same, from memory where it was read lately: reading a PEM costs more than a signature's check.
EVP_PKEY *sig_public_key_kept(const char *pem, size_t length);
void sig_public_keys_forget(void);

// --- signatures_digest.c ---

/// Base64 of bytes, and SHA-256 of a body in it.
const char *sig_base64(struct shoal_call *call, const void *data, size_t bytes);
const char *sig_digest(struct shoal_call *call, const void *data, size_t bytes);
/// Signs text: RSASSA-PKCS1-v1_5 with SHA-256, in base64; NULL on failure.
const char *sig_rsa_sign(struct shoal_call *call, EVP_PKEY *key, const char *text, size_t bytes);
/// Whether a signature in base64 is the key's (RSA as above, or Ed25519).
bool sig_signature_fits(EVP_PKEY *key, const char *text, size_t bytes, const char *base64);

// --- signatures_sign.c ---

/// Headers ("Name: value", NULL-ended, in the arena) of a signed request: Host, Date, Digest, Signature (or
/// RFC 9421's where the host announced it). actor_id: who signs. body NULL: a GET.
const char *const *sig_sign(struct shoal_call *call, int64_t actor_id, const char *method,
    const char *url, const void *body, size_t body_bytes, struct shoal_err *err);
/// See svc/signatures.h.
bool sig_sign_refused(struct shoal_call *call, const char *url, bool was_modern, bool asks);
/// Adds the RsaSignature2017 of `actor_id` to an activity of a known shape.
int sig_sign_document(struct shoal_call *call, int64_t actor_id, json_t *activity,
    struct shoal_err *err);
/// Whether a host understands RFC 9421; and that it does or does not.
bool sig_is_modern(struct shoal_call *call, const char *host);
void sig_modern_set(struct shoal_call *call, const char *host, bool is_modern);

// --- signatures_verify*.c ---

/// Reads draft-cavage, or RFC 9421: everything but the key is checked. SHOAL_EAUTH with a sentence.
int sig_claim_cavage(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_err *err);
int sig_claim_modern(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_err *err);
int sig_claim(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_err *err);
bool sig_claim_fits(const struct shoal_claim *claim, const char *pems);
bool sig_has_body(const struct shoal_request *request);
/// Whether the value of a Host header is this server and nothing else.
bool sig_host_is_ours(struct shoal_call *call, const char *value);
/// Whether a time in seconds is neither too old (30 minutes) nor in the future (2 minutes).
bool sig_is_timely(int64_t seconds);
/// "Sun, 06 Nov 1994 08:49:37 GMT" to seconds; false for anything else.
bool sig_date_parse(const char *text, int64_t *seconds);

// --- signatures_nquads.c ---

/// The canonical N-Quads (URDNA2015) of an activity of a shape that we send, or NULL where it has a member
/// whose meaning is not known here. out is the caller's to free.
char *sig_nquads(const json_t *document);

#endif
