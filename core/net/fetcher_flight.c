// fetcher_flight.c - many requests under way at once for one worker.
//
// A request of a flight belongs to it until its owner takes its end; then it lives until the next one
// is taken. The fetcher's thread touches a request only between queueing and landing.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "net/fetcher_priv.h"

#define LOOK_MS     100 // how often a worker that waits looks whether its call was cancelled
#define ARENA_BYTES 1024

struct shoal_flight {
    struct shoal_call *call;
    pthread_cond_t landed;
    struct fetch *first, **last; ///< ended, the oldest first
    struct fetch *taken;         ///< whose answer the owner reads
    int most, under_way;         ///< under_way: begun and not taken yet
    int in_air;                  ///< begun and not ended
    atomic_bool is_closing;
};

bool shoal_flight_is_closing(const struct shoal_flight *flight)
{
    return atomic_load(&flight->is_closing);
}

void shoal_flight_landed(struct shoal_flight *flight, struct fetch *fetch)
{
    fetch->next = NULL;
    *flight->last = fetch;
    flight->last = &fetch->next;
    flight->in_air--;
    pthread_cond_signal(&flight->landed);
}

static void drop(struct fetch *fetch)
{
    if (fetch) {
        fetch_fini(fetch);
        shoal_arena_free(fetch->arena);
        free(fetch);
    }
}

struct shoal_flight *shoal_flight_open(struct shoal_call *call, int most, struct shoal_err *err)
{
    if (most < 1 || most > FLIGHT_MAX) {
        shoal_fail(err, SHOAL_EINVAL, "a flight has 1 to %d requests", FLIGHT_MAX);
        return NULL;
    }
    if (!fetch_room_take(most)) {
        shoal_fail(err, SHOAL_EBUSY, "too many requests to other servers are under way");
        return NULL;
    }
    struct shoal_flight *flight = shoal_alloc(1, sizeof *flight);
    *flight = (struct shoal_flight){.call = call, .most = most};
    flight->last = &flight->first;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&flight->landed, &attributes);
    pthread_condattr_destroy(&attributes);
    return flight;
}

int shoal_fetcher_begin(
    struct shoal_flight *flight, const struct shoal_fetch *what, void *mark, struct shoal_err *err)
{
    if (flight->under_way >= flight->most) {
        return shoal_fail(err, SHOAL_EFULL, "the flight has %d requests under way", flight->most);
    }
    if (what->to_path || what->redirects > 0) {
        return shoal_fail(err, SHOAL_EINVAL, "a flight follows no redirects and writes no files");
    }
    struct shoal_fetch mine = *what;
    mine.redirects = -1;
    struct fetch *fetch = shoal_alloc(1, sizeof *fetch);
    *fetch = (struct fetch){.call = flight->call, .what = &mine, .flight = flight, .mark = mark};
    fetch->arena = shoal_arena_new(ARENA_BYTES);
    fetch->url = shoal_arena_strndup(fetch->arena, what->url, strnlen(what->url, 4096));
    int code = fetch_set_up(fetch, err);
    fetch->what = NULL;
    code = code == 0 ? fetch_queue(fetch, &flight->in_air, err) : code;
    if (code != 0) {
        drop(fetch);
        return code;
    }
    flight->under_way++;
    return 0;
}

static struct timespec in_ms(int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

/// Takes the first that has ended; waits for one.
static struct fetch *land(struct shoal_flight *flight, int64_t wait_ms)
{
    int64_t end = shoal_tick_ms() + wait_ms;
    pthread_mutex_lock(fetch_lock());
    while (!flight->first && flight->in_air > 0) {
        int64_t left = end - shoal_tick_ms();
        if (left <= 0 || (!atomic_load(&flight->is_closing) && shoal_call_cancelled(flight->call))) {
            break;
        }
        struct timespec until = in_ms(left < LOOK_MS ? left : LOOK_MS);
        pthread_cond_timedwait(&flight->landed, fetch_lock(), &until);
    }
    struct fetch *fetch = flight->first;
    if (fetch) {
        flight->first = fetch->next;
        flight->last = flight->first ? flight->last : &flight->first;
        flight->under_way--;
    }
    pthread_mutex_unlock(fetch_lock());
    return fetch;
}

int shoal_fetcher_take(struct shoal_flight *flight, int64_t wait_ms, void **mark,
    struct shoal_fetched *fetched, int *code, struct shoal_err *err)
{
    drop(flight->taken);
    struct fetch *fetch = flight->taken = land(flight, wait_ms);
    if (!fetch) {
        return 0;
    }
    *mark = fetch->mark;
    *code = fetch->result == CURLE_OK ? 0 : fetch_explain(fetch, err);
    fetch_hand_over(fetch, fetch->arena, fetched);
    return 1;
}

void shoal_flight_close(struct shoal_flight *flight)
{
    if (!flight) {
        return;
    }
    atomic_store(&flight->is_closing, true);
    fetch_wake();
    while (flight->under_way > 0) {
        drop(land(flight, 1000));
    }
    drop(flight->taken);
    fetch_room_give(flight->most);
    pthread_cond_destroy(&flight->landed);
    free(flight);
}
