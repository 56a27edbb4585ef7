// delivery_breaker.c - how much another server is asked, by how it answered before.
//
// Well, slow, down are names of a number: failures in a row. After each one the host is left alone, three
// times as long as before up to hours; then one request asks whether it is back. What was under way
// together when it went away counts once.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "delivery.h"

#define PAUSE_MAX_MS ((int64_t)4 * 3600 * 1000)
#define RETRY_MAX_MS ((int64_t)2 * 3600 * 1000)
#define WAIT_MAX_MS ((int64_t)3600 * 1000)
#define WAIT_MS 60000
#define TRIES_MAX 4 // of what the host answers and does not take
#define NEW_ROOM 2  // for a host that never answered yet

const char *dlv_breaker_state(int64_t failures)
{
    return failures < DLV_SLOW_AFTER ? "well" : failures < DLV_DOWN_AFTER ? "slow" : "down";
}

enum dlv_change dlv_breaker_ok(struct dlv_breaker *breaker, int64_t now_ms)
{
    bool was_slow = breaker->failures >= DLV_SLOW_AFTER;
    *breaker = (struct dlv_breaker){.last_ok_ms = now_ms};
    return was_slow ? DLV_BACK : DLV_SAME;
}

/// base, 3 × base, 9 × base, …, and up to a fifth more, so that not all come back at once.
static int64_t pause_of(int64_t failures, int64_t base_ms)
{
    int64_t pause = base_ms;
    for (int64_t i = 1; i < failures && pause < PAUSE_MAX_MS; i++) {
        pause *= 3;
    }
    uint32_t chance = 0;
    shoal_random(&chance, sizeof chance);
    pause = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
    return pause + (int64_t)(chance % 1000) * pause / 5000;
}

enum dlv_change dlv_breaker_failed(struct dlv_breaker *breaker, int64_t now_ms, int64_t begun_ms,
    int64_t pause_ms, const char *why)
{
    snprintf(breaker->last_error, sizeof breaker->last_error, "%s", why);
    if (breaker->failures > 0 && begun_ms <= breaker->failed_ms) {
        return DLV_SAME;
    }
    breaker->silent_since_ms = breaker->failures == 0 ? now_ms : breaker->silent_since_ms;
    breaker->failures++;
    breaker->failed_ms = now_ms;
    breaker->next_ms = now_ms + pause_of(breaker->failures, pause_ms);
    return breaker->failures == DLV_SLOW_AFTER   ? DLV_SLOW
           : breaker->failures == DLV_DOWN_AFTER ? DLV_DOWN
                                                 : DLV_SAME;
}

void dlv_breaker_wait(struct dlv_breaker *breaker, int64_t now_ms, int64_t wait_ms)
{
    breaker->next_ms = now_ms + wait_ms;
    breaker->last_ok_ms = now_ms;
}

int dlv_breaker_room(const struct dlv_breaker *breaker, int64_t now_ms, int most)
{
    if (now_ms < breaker->next_ms) {
        return 0;
    }
    int room = breaker->failures > 0 ? 1 : breaker->last_ok_ms == 0 ? NEW_ROOM : most;
    return room < most ? room : most;
}

enum dlv_verdict dlv_judge(int code, int status, int64_t tries)
{
    if (code == SHOAL_EINVAL) {
        return DLV_REFUSED; // its address can never be asked
    }
    if (code != 0 && (code != SHOAL_ETOOLARGE || status == 0)) {
        return DLV_HOST_FAILED;
    }
    if (status >= 200 && status < 300) {
        return DLV_DELIVERED;
    }
    switch (status) {
    case 410:
        return DLV_INBOX_GONE;
    case 429:
        return DLV_HOST_WAITS;
    case 400:
    case 405:
    case 413:
    case 415:
    case 422:
        return DLV_REFUSED;
    default:
        // What says no to a signature or an address may be wrong for a while: a key that it could not
        // fetch, a clock, an update.
        return status >= 500 ? DLV_HOST_FAILED : tries < TRIES_MAX ? DLV_LATER : DLV_REFUSED;
    }
}

int64_t dlv_retry_ms(int64_t pause_ms, int64_t tries)
{
    int64_t wait = pause_ms * 6;
    for (int64_t i = 1; i < tries && wait < RETRY_MAX_MS; i++) {
        wait *= 5;
    }
    return wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS;
}

int64_t dlv_retry_after(const struct shoal_fetched *fetched)
{
    const char *text = fetched->header != NULL ? fetched->header(fetched, "retry-after") : NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return WAIT_MS;
    }
    int64_t seconds = 0;
    for (const char *at = text; *at >= '0' && *at <= '9' && seconds < 100000; at++) {
        seconds = seconds * 10 + (*at - '0');
    }
    int64_t wait = seconds * 1000;
    return wait < 1000 ? 1000 : wait > WAIT_MAX_MS ? WAIT_MAX_MS : wait;
}
