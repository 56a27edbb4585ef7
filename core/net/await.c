// await.c - requests that wait for a word without a worker: their handler runs again when it is said.
//
// A request is listed by its handler. When that leaves no answer, the worker gives it back to its loop,
// which lets it rest (RESTS); from then on whoever takes it out of the list owns it: who says the word,
// or the loop when the client went away or the time is over. A word that is said before it rests is
// noted (CALLED), so that none is missed.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <string.h>

#include "net/request_priv.h"

#define AWAITING_MAX 1024

static struct {
    pthread_mutex_t lock;
    struct shoal_request *first;
    int count;
} waiting = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void unlist(struct shoal_request *request)
{
    struct shoal_request **at = &waiting.first;
    while (*at && *at != request) {
        at = &(*at)->await.next;
    }
    if (*at) {
        *at = request->await.next;
        waiting.count--;
    }
    request->await.state = SHOAL_AWAIT_NONE;
}

int shoal_request_await(struct shoal_request *request, const char *word, uint32_t wait_ms,
    struct shoal_err *err)
{
    if (request->await.is_over) {
        return shoal_fail(err, SHOAL_EBUSY, "this request waits no more");
    }
    // A head or a quick handler leaves its request to threads that do not look whether it is listed.
    if (request->is_internal || request->sink || !request->ran_body) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED, "this request cannot wait without a worker");
    }
    char *copy = shoal_arena_strdup(request->call.arena, word);
    pthread_mutex_lock(&waiting.lock);
    bool is_new = request->await.state == SHOAL_AWAIT_NONE;
    bool has_room = !is_new || waiting.count < AWAITING_MAX;
    if (has_room) {
        request->await.word = copy;
        request->await.wait_ms = wait_ms;
        request->await.state = SHOAL_AWAIT_LISTED;
    }
    if (has_room && is_new) {
        request->await.next = waiting.first;
        waiting.first = request;
        waiting.count++;
    }
    pthread_mutex_unlock(&waiting.lock);
    return has_room ? 0 : shoal_fail(err, SHOAL_EBUSY, "too many requests wait for something");
}

void shoal_request_wake(const char *word)
{
    struct shoal_request *woken = NULL;
    pthread_mutex_lock(&waiting.lock);
    for (struct shoal_request *at = waiting.first, *next; at; at = next) {
        next = at->await.next;
        if (strcmp(at->await.word, word) != 0) {
            continue;
        }
        if (at->await.state == SHOAL_AWAIT_RESTS) {
            unlist(at);
            at->await.next = woken;
            woken = at;
        } else {
            at->await.state = SHOAL_AWAIT_CALLED;
        }
    }
    pthread_mutex_unlock(&waiting.lock);
    while (woken) {
        struct shoal_request *request = woken;
        woken = request->await.next;
        shoal_exchange_again(request);
    }
}

bool shoal_request_awaits(const struct shoal_request *request)
{
    // Its own thread asks, and others only move it between the two that count as yes.
    pthread_mutex_lock(&waiting.lock);
    bool awaits = request->await.state != SHOAL_AWAIT_NONE;
    pthread_mutex_unlock(&waiting.lock);
    return awaits;
}

bool shoal_await_rest(struct shoal_request *request)
{
    pthread_mutex_lock(&waiting.lock);
    bool rests = request->await.state == SHOAL_AWAIT_LISTED;
    if (rests) {
        request->await.state = SHOAL_AWAIT_RESTS;
    } else {
        unlist(request);
    }
    pthread_mutex_unlock(&waiting.lock);
    return rests;
}

bool shoal_await_take(struct shoal_request *request)
{
    pthread_mutex_lock(&waiting.lock);
    bool rests = request->await.state == SHOAL_AWAIT_RESTS;
    if (rests) {
        unlist(request);
    }
    pthread_mutex_unlock(&waiting.lock);
    return rests;
}

void shoal_await_end(struct shoal_request *request)
{
    pthread_mutex_lock(&waiting.lock);
    if (request->await.state != SHOAL_AWAIT_NONE) {
        unlist(request);
    }
    pthread_mutex_unlock(&waiting.lock);
}
