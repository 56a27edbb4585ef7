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

/// Opens a network that is not public ("127.0.0.0/8", "::1") to what this server fetches, as the setting
/// "fetch.private" does: for a plugin's own setting that says so. The manifest needs "http:any".
///
/// Returns: 0 or a negative error. Errors: SHOAL_EFORBIDDEN, SHOAL_EINVAL (no network, or more than 64).
/// Thread:  start() only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_fetch_open(struct shoal_plugin *self, const char *network, struct shoal_err *err);

// A flight: many requests under way at once for one worker, which begins them without waiting and takes
// their ends as they come. Connections are shared with all other requests and kept for the next one.

/// Opens a flight of at most `most` requests (1 to 512). It belongs to this call, which closes it
/// before it ends.
///
/// Returns: a flight, or NULL. Errors: SHOAL_EINVAL, SHOAL_EBUSY (all flights of the server together
///          have no room for so many). Thread: [worker]. Blocks: no. Since: 1.0.
SHOAL_API struct shoal_flight *shoal_flight_open(struct shoal_call *call, int most,
    struct shoal_err *err);

/// Begins a request: checked and guarded as shoal_fetch() does it, without redirects and to_path.
///
/// what: url and headers are copied; body is borrowed until the end of the request was taken. mark: what
///       shoal_flight_take() gives back.
/// Returns: 0, or a negative error, and then nothing was begun. Errors: SHOAL_EFULL (`most` are under
///          way), SHOAL_EINVAL, SHOAL_EFORBIDDEN (permission), SHOAL_EBUSY (the server stops).
/// Thread:  [worker]. Blocks: no. Since: 1.0.
SHOAL_INLINE int shoal_flight_begin(struct shoal_call *call, struct shoal_flight *flight,
    const struct shoal_fetch *what, void *mark, struct shoal_err *err)
{
    return shoal_flight_begin_sized(call, flight, what, sizeof *what, mark, err);
}

/// Takes a request that has ended, in the order in which they did; waits at most wait_ms for one.
///
/// mark: out. code: out, 0 or what shoal_fetch() would have returned, then with err. fetched: out; it is
///       borrowed until the next take or close. Where there is no answer its status is 0.
/// Returns: 1, or 0 where none ended in time, none is under way, or the call was cancelled.
/// Errors:  none. Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_INLINE int shoal_flight_take(struct shoal_flight *flight, int64_t wait_ms, void **mark,
    struct shoal_fetched *fetched, int *code, struct shoal_err *err)
{
    return shoal_flight_take_sized(flight, wait_ms, mark, fetched, sizeof *fetched, code, err);
}

/// Ends what is under way and frees the flight; NULL is fine.
///
/// Returns: nothing. Errors: none. Thread: [worker]. Blocks: yes, shortly. Since: 1.0.
SHOAL_API void shoal_flight_close(struct shoal_flight *flight);

#endif
