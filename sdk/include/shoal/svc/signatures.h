// svc/signatures.h - the contract of `signatures`: keys of the actors of this server, and what is signed. One provider.
//
// It knows actors by number and URL, requests and documents, and asks no other server: who finds a key by
// its id, and believes what that key signed, is the one who calls. Private keys never come out.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_SIGNATURES_H
#define SHOAL_SVC_SIGNATURES_H
#include <jansson.h>
#include <stdint.h>

#include <shoal/remote.h>
#include <shoal/version.h>

/// What others may know of an actor's keys. Texts live as long as the call.
struct shoal_actor_key {
    size_t size;                   ///< sizeof(struct shoal_actor_key)
    const char *id;                ///< of the RSA key: "ACTOR#main-key"
    const char *public_pem;        ///< SPKI
    const char *ed25519_id;        ///< "ACTOR#ed25519-key"
    const char *ed25519_multibase; ///< "z6Mk…"
};

/// A signature as a request carries it: who says to have made it, and the text that was signed. Everything
/// was checked but the key: method, target, this host, time, and with a body its digest are covered and right.
struct shoal_claim {
    size_t size;           ///< sizeof(struct shoal_claim)
    const char *key_id;    ///< as the request names it: nothing is known of it yet
    const char *signature; ///< base64
    const char *text;
    const char *other; ///< what it may have been instead (without the query, as PeerTube signs), or NULL
    bool is_modern;    ///< RFC 9421; else draft-cavage
};

/// The keys of an actor that somebody else had made and now hands over, private parts included. Both keys
/// are wiped by who gives them.
struct shoal_key_left {
    size_t size; ///< sizeof(struct shoal_key_left)
    int64_t actor_id;
    const char *actor_url, *public_pem, *ed25519_multibase;
    const void *rsa; ///< DER
    size_t rsa_bytes;
    const void *ed25519; ///< as libsodium has it: seed and public key
    size_t ed25519_bytes;
};

/// Who may have keys of before. Its string outlives the plugin.
struct shoal_key_keeper {
    size_t size;        ///< sizeof(struct shoal_key_keeper)
    const char *plugin; ///< its code runs in its name
    /// An actor without keys here needs some: hands over (take) what it has, of this actor or of all. New ones
    /// are made only after this gave 0.
    int (*left)(struct shoal_call *call, int64_t actor_id, void *arg, struct shoal_err *err);
    void *arg;
};

/// All calls but keeper() run on a worker and may read and write the database. URLs are those that the caller would ask:
/// which hosts may be asked is not this service's to say.
struct shoal_svc_signatures {
    size_t size; ///< sizeof(struct shoal_svc_signatures)
    /// The public keys of an actor of this server; they are made when they are first asked for.
    /// Errors: SHOAL_EINVAL (an actor of another server).
    int (*key)(struct shoal_call *call, void *arg, const struct shoal_actor *actor,
        struct shoal_actor_key *key, struct shoal_err *err);
    /// Headers ("Name: value", NULL-ended, at most 5, in the call's arena) of a request signed by an actor,
    /// also by one that is gone and had a key: the host is told who we are the way it wants to be told. body
    /// NULL: a GET. NULL on failure.
    const char *const *(*sign)(struct shoal_call *call, void *arg, int64_t actor_id, const char *method,
        const char *url, const void *body, size_t body_bytes, struct shoal_err *err);
    /// A request to this URL was answered with 401 (asks: with Accept-Signature): the next one to its host is
    /// signed the other way than this one was (was_modern: RFC 9421, its headers have a Signature-Input), where the
    /// host may know it. Of several that were under way together each may say so: they mean the same.
    /// Returns: whether it is worth asking again.
    bool (*refused)(struct shoal_call *call, void *arg, const char *url, bool was_modern, bool asks);
    /// Adds an RsaSignature2017 to an activity. Errors: SHOAL_EUNSUPPORTED (it has a member whose meaning is
    /// not known here: then it has none).
    int (*sign_document)(struct shoal_call *call, void *arg, int64_t actor_id, json_t *activity,
        struct shoal_err *err);
    /// Reads the signature of a request, draft-cavage or RFC 9421. claim->size is set by the caller.
    /// Errors: SHOAL_EAUTH with a sentence: there is none, or it cannot be right.
    int (*claim)(struct shoal_call *call, void *arg, struct shoal_request *request,
        struct shoal_claim *claim, struct shoal_err *err);
    /// Whether the signature of a claim was made with a key of these PEMs: up to four, one behind another.
    bool (*fits)(struct shoal_call *call, void *arg, const struct shoal_claim *claim,
        const char *public_pems);
    /// A public key that somebody shows, as one PEM (SPKI) in the call's arena: out of a PEM (RSA of 1024 to 8192
    /// bits, Ed25519) or of a Multikey's publicKeyMultibase (Ed25519). NULL for what is no key that is read here.
    const char *(*read_key)(struct shoal_call *call, void *arg, const char *text);
    /// A host understands RFC 9421 (it was proven to have signed so), or does not.
    void (*understands)(struct shoal_call *call, void *arg, const char *host, bool is_modern);
    /// Takes over the keys of an actor. One that has keys here keeps those. In the transaction of the call
    /// where there is one.
    int (*take)(struct shoal_call *call, void *arg, const struct shoal_key_left *key,
        struct shoal_err *err);
    /// The URL of an actor that has keys here, by its number: also of one that is gone. Errors: SHOAL_ENOTFOUND
    /// (nobody has ever read its document), SHOAL_EINVAL (of another server).
    int (*known)(struct shoal_call *call, void *arg, int64_t actor_id, const char **url,
        struct shoal_err *err);
    /// Names who may have keys of before: in start(), one. Errors: SHOAL_ECONFLICT.
    int (*keeper)(void *arg, const struct shoal_key_keeper *keeper, struct shoal_err *err);
    /// The numbers of actors that have keys here, also of those that are gone: at most `room` of those above
    /// `after`, in their order. Returns: how many, or a negative error.
    int (*keyed)(struct shoal_call *call, void *arg, int64_t after, int64_t *actor_ids, int room,
        struct shoal_err *err);
};

#endif
