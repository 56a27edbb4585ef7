// sign.h - the service `signatures` in one line a call; see <shoal/svc/signatures.h> for what each does.
//
// Without the plugin: NULL, false, or SHOAL_EBUSY with a sentence. What err points to may be NULL throughout.
// SPDX-License-Identifier: MIT
#ifndef SIGN_H
#define SIGN_H
#include <shoal/svc/signatures.h>

int sign_key(struct shoal_call *call, const struct shoal_actor *actor, struct shoal_actor_key *key,
    struct shoal_err *err);
/// Headers ("Name: value", NULL-ended, in the arena) of a request signed by actor_id. body NULL: a GET.
const char *const *sign_request(struct shoal_call *call, int64_t actor_id, const char *method,
    const char *url, const void *body, size_t body_bytes, struct shoal_err *err);
/// Whether these headers, up to NULL, are those of RFC 9421.
bool sign_is_modern(const char *const *headers);
/// A request to this URL was answered with 401. Returns: whether it is worth asking again.
bool sign_refused(struct shoal_call *call, const char *url, bool was_modern, bool asks);
/// Adds an RsaSignature2017 to an activity.
int sign_document(
    struct shoal_call *call, int64_t actor_id, json_t *activity, struct shoal_err *err);
/// What a request says of who signed it.
int sign_claim(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_err *err);
bool sign_fits(struct shoal_call *call, const struct shoal_claim *claim, const char *public_pems);
/// A public key that somebody shows, as PEM; NULL for what is none.
const char *sign_read_key(struct shoal_call *call, const char *text);
void sign_understands(struct shoal_call *call, const char *host, bool is_modern);
int sign_take(struct shoal_call *call, const struct shoal_key_left *key, struct shoal_err *err);
/// The URL of a local actor that has keys, also of one that is gone.
int sign_known(
    struct shoal_call *call, int64_t actor_id, const char **url, struct shoal_err *err);
/// The numbers of actors that have keys, above `after`: how many there are of them, at most `room`.
int sign_keyed(struct shoal_call *call, int64_t after, int64_t *actor_ids, int room, struct shoal_err *err);

#endif
