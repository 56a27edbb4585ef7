// identity_ahead.c - reads documents without waiting: what an answer is needed of is written down instead.
//
// Who reads many keys at once runs the same code as everybody else, and runs it again when the answer is
// here, which then is taken from memory. Each run gets one request further, and none of them blocks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include "identity.h"

#define ANSWERS_MAX 8 // of one reading: redirects, another kind of signature, an owner

struct answer {
    const char *url, *location, *accept_signature;
    const char *const *headers; ///< it was asked with
    struct shoal_fetched fetched;
    int count, code; ///< so often it was asked; code: what shoal_fetch() would have returned
    const char *why;
};

struct who_ahead {
    struct shoal_arena *arena;
    struct answer answers[ANSWERS_MAX];
    int count;
    const char *wanted;
    const char *const *headers;
};

// Of the job that runs on this thread now; everybody else waits for answers.
static _Thread_local struct who_ahead *current;

struct who_ahead *who_ahead_new(struct shoal_arena *arena)
{
    struct who_ahead *ahead = shoal_arena_alloc(arena, sizeof *ahead);
    *ahead = (struct who_ahead){.arena = arena};
    return ahead;
}

void who_ahead_use(struct who_ahead *ahead)
{
    current = ahead;
    if (ahead != NULL) {
        ahead->wanted = NULL;
    }
}

bool who_ahead_is(void)
{
    return current != NULL;
}

const char *who_ahead_wanted(const struct who_ahead *ahead, const char *const **headers)
{
    *headers = ahead->headers;
    return ahead->wanted;
}

static struct answer *find(struct who_ahead *ahead, const char *url)
{
    for (int i = 0; i < ahead->count; i++) {
        if (strcmp(ahead->answers[i].url, url) == 0) {
            return &ahead->answers[i];
        }
    }
    return NULL;
}

int who_ahead_count(const char *url)
{
    const struct answer *answer = find(current, url);
    return answer != NULL ? answer->count : 0;
}

const char *const *who_ahead_headers(const char *url)
{
    const struct answer *answer = find(current, url);
    return answer != NULL ? answer->headers : NULL;
}

int who_ahead_ask(const struct shoal_fetch *what, int nth, struct shoal_fetched *fetched,
    struct shoal_err *err)
{
    struct who_ahead *ahead = current;
    struct answer *answer = find(ahead, what->url);
    if (answer != NULL && answer->count >= nth) {
        *fetched = answer->fetched;
        return answer->code == 0 ? 0 : shoal_fail(err, answer->code, "%s", answer->why);
    }
    if (answer == NULL && ahead->count == ANSWERS_MAX) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s leads to too many others", what->url);
    }
    const char **headers = shoal_arena_alloc(ahead->arena, 10 * sizeof *headers);
    for (int i = 0; i < 9 && what->headers[i] != NULL; i++) {
        headers[i] = shoal_arena_strdup(ahead->arena, what->headers[i]);
        headers[i + 1] = NULL;
    }
    ahead->headers = headers;
    ahead->wanted = shoal_arena_strdup(ahead->arena, what->url);
    return shoal_fail(err, SHOAL_EBUSY, "%.200s is not read yet", what->url);
}

static const char *header(const struct shoal_fetched *fetched, const char *name)
{
    const struct answer *answer = fetched->state;
    return strcasecmp(name, "location") == 0           ? answer->location
           : strcasecmp(name, "accept-signature") == 0 ? answer->accept_signature
                                                       : NULL;
}

static const char *copy(struct shoal_arena *arena, const char *text)
{
    return text != NULL ? shoal_arena_strdup(arena, text) : NULL;
}

void who_ahead_put(struct who_ahead *ahead, int code, const struct shoal_fetched *fetched, const char *why)
{
    struct answer *answer = find(ahead, ahead->wanted);
    answer = answer != NULL ? answer : &ahead->answers[ahead->count++];
    *answer = (struct answer){.url = ahead->wanted,
        .headers = ahead->headers,
        .count = answer->count + 1,
        .code = code,
        .why = shoal_arena_strdup(ahead->arena, why)};
    if (code == 0) {
        answer->location = copy(ahead->arena, fetched->header(fetched, "location"));
        answer->accept_signature = copy(ahead->arena, fetched->header(fetched, "accept-signature"));
        char *body = fetched->body == NULL
                         ? NULL
                         : shoal_arena_try_copy(ahead->arena, fetched->body, fetched->body_bytes);
        answer->fetched = (struct shoal_fetched){.status = fetched->status,
            .type = shoal_arena_strdup(ahead->arena, fetched->type),
            .url = ahead->wanted,
            .body = body,
            .body_bytes = body != NULL ? fetched->body_bytes : 0};
        answer->code = body == NULL && fetched->body_bytes > 0 ? SHOAL_EBUSY : 0;
    }
    answer->fetched.header = header;
    answer->fetched.state = answer;
}
