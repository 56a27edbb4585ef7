// fetcher_priv.h - one outgoing request, as the fetcher and its flights see it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_FETCHER_PRIV_H
#define SHOAL_CORE_NET_FETCHER_PRIV_H
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include <shoal/arena.h>
#include <shoal/base.h>
#include <shoal/buf.h>

#include "net/fetcher.h"

#define FLIGHT_MAX   512 ///< requests of one flight
#define FLIGHTS_MAX  768 ///< requests that all flights may have under way
#define LAUNCHED_MAX 256 ///< requests that nobody waits for

/// One outgoing request. It lives on the stack of the worker that waits for it, in its flight, or by itself.
struct fetch {
    struct fetch *next;
    struct shoal_call *call;         ///< who waits; of a flight: not looked at by the fetcher's thread; or NULL
    const struct shoal_fetch *what;  ///< only while it is set up in a flight
    const char *url;
    shoal_fetch_may_fn *may;
    struct shoal_flight *flight;     ///< or NULL
    void (*ended)(struct fetch *fetch); ///< [fetcher] of one that nobody waits for; or NULL
    void *mark;                      ///< what the flight's owner knows it by
    struct shoal_arena *arena;       ///< where nobody waits: for url and the answer
    CURL *easy;
    struct curl_slist *headers;
    struct shoal_buf body;
    struct shoal_buf head; ///< "Name: value\0" of the last answer
    uint64_t received;
    uint64_t max_bytes;
    int file;
    bool is_refused;   ///< the guard said no
    bool is_elsewhere; ///< a redirect led to where the call may not ask
    bool is_too_large;
    bool is_without_memory;
    int write_error;
    CURLcode result;
    bool is_done;
    char problem[CURL_ERROR_SIZE];
};

/// Checks what is asked, sets its bounds and makes libcurl's handle for it. SHOAL_EBUSY: the server is stopping.
int fetch_set_up(struct fetch *fetch, struct shoal_err *err);
/// Hands it to the fetcher's thread; *count: one more then, with the lock held. SHOAL_EBUSY when that ends, or
/// has ended: nobody would ever finish it.
int fetch_queue(struct fetch *fetch, int *count, struct shoal_err *err);
/// Turns libcurl's result into an error with a sentence that names the address.
int fetch_explain(const struct fetch *fetch, struct shoal_err *err);
void fetch_hand_over(struct fetch *fetch, struct shoal_arena *arena, struct shoal_fetched *fetched);
void fetch_fini(struct fetch *fetch);
/// The one lock of the fetcher; it guards the lists of flights too.
pthread_mutex_t *fetch_lock(void);
/// Has the fetcher's thread look up at once.
void fetch_wake(void);
/// Takes and gives back a share of what all flights may have under way.
bool fetch_room_take(int most);
void fetch_room_give(int most);
/// The file that the answer's body goes to; and closes it, and removes it where it is of no use.
int fetch_file_open(struct fetch *fetch, struct shoal_err *err);
void fetch_file_close(struct fetch *fetch, bool is_kept);

/// [fetcher] Whether nobody wants what this flight has under way any more.
bool shoal_flight_is_closing(const struct shoal_flight *flight);
/// [fetcher] A request of the flight has ended. The lock is held.
void shoal_flight_landed(struct shoal_flight *flight, struct fetch *fetch);

#endif
