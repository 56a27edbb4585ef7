// fetch.h - requests to other servers, through one guard.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_FETCH_H
#define SHOAL_FETCH_H
#include <shoal/sized.h>
#include <shoal/version.h>

/// What to ask. Fields that are 0 have the defaults said here.
struct shoal_fetch {
    const char *method;  ///< "GET"
    const char *url;     ///< http or https only
    const char *const *headers; ///< "Name: value", NULL-ended; or NULL
    const void *body;
    size_t body_bytes;
    uint64_t max_bytes;  ///< of the answer: 1 MiB
    uint32_t timeout_ms; ///< of all of it: 10 s
    int redirects;       ///< 3; -1: none
    const char *to_path; ///< the answer's body goes to this new file instead of memory; or NULL
};

struct shoal_fetched {
    int status;
    const char *type;    ///< Content-Type, or ""
    const char *url;     ///< where it came from after redirects
    const char *body;    ///< NUL-terminated; NULL with to_path
    size_t body_bytes;
    const char *(*header)(const struct shoal_fetched *fetched, const char *name);
    void *state;
};

/// Asks another server. Each address is checked where the socket is opened (also after redirects);
/// loopback, private and other special networks are refused unless the setting "fetch.private"
/// lists them. The manifest needs "http:HOST" or "http:any".
///
/// fetched: out, in the call's arena.
/// Returns: 0 for any HTTP status; negative where there is no answer. Errors: SHOAL_EFORBIDDEN (guard
///          or permission), SHOAL_EUPSTREAM, SHOAL_ETIMEOUT, SHOAL_ETOOLARGE, SHOAL_ECANCELLED.
/// Thread:  [worker]. Blocks: yes. Since: 1.0.
SHOAL_INLINE int shoal_fetch(struct shoal_call *call, const struct shoal_fetch *what,
    struct shoal_fetched *fetched, struct shoal_err *err)
{
    return shoal_fetch_sized(call, what, sizeof *what, fetched, sizeof *fetched, err);
}

#endif
