// timers_lease.c - the rows of timers that run once per instance.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <stdio.h>

#include "data/jobs_priv.h"
#include "data/timers_priv.h"

#define ASK_AGAIN_MS  60000
#define BUSY_AGAIN_MS 2000 ///< somebody else runs it: done or dead long before its lease ends

SHOAL_SQL(sql_timer_first,
    "INSERT INTO timer_lease (name, holder, ran_ms, busy_until_ms) VALUES ($1, '', $2, 0)"
    " ON CONFLICT (name) DO NOTHING");
SHOAL_SQL(sql_timer_look, "SELECT ran_ms, busy_until_ms, holder FROM timer_lease WHERE name = $1");
SHOAL_SQL(sql_timer_claim,
    "UPDATE timer_lease SET holder = $2, ran_ms = $3, busy_until_ms = $4"
    " WHERE name = $1 AND (busy_until_ms <= $3 OR holder = $6)"
    " AND (ran_ms > $3 OR ran_ms <= CAST($3 AS BIGINT) - CAST($5 AS BIGINT)) RETURNING name");
SHOAL_SQL(
    sql_timer_release, "UPDATE timer_lease SET busy_until_ms = 0 WHERE name = $1 AND holder = $2");
SHOAL_SQL(
    sql_timer_renew, "UPDATE timer_lease SET busy_until_ms = $3 WHERE name = $1 AND holder = $2");

struct claim {
    const struct timer *timer;
    const char *name, *holder;
    char gone[96]; ///< whose lease counts no more: its process ended while it was busy
    bool is_mine;
};

/// A timer that has never run counts from when it was added.
static int first(struct shoal_db *tx, const struct claim *claim, int64_t now, struct shoal_err *err)
{
    int64_t since = now - (shoal_tick_ms() - claim->timer->added_tick_ms);
    return shoal_db_exec(
        tx, &sql_timer_first, SHOAL_ARGS(SHOAL_TEXT(claim->name), SHOAL_I64(since)), NULL, err);
}

/// A row from the future is one of a clock that was set back: it is due.
static int take(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct claim *claim = arg;
    int64_t now = shoal_now_ms();
    claim->is_mine = false;
    int code = first(tx, claim, now, err);
    if (code < 0) {
        return code;
    }
    struct shoal_rows *rows = shoal_db_query(tx, &sql_timer_claim,
        SHOAL_ARGS(SHOAL_TEXT(claim->name), SHOAL_TEXT(claim->holder), SHOAL_I64(now),
            SHOAL_I64(now + TIMER_LEASE_MS), SHOAL_I64(claim->timer->period_ms),
            SHOAL_TEXT(claim->gone[0] ? claim->gone : claim->holder)),
        err);
    if (!rows) {
        return SHOAL_EIO;
    }
    while (shoal_rows_next(rows)) {
        claim->is_mine = true;
    }
    return shoal_rows_close(rows, err);
}

/// How long until the row says that it is due: 0 now, also when there is no row yet.
static int64_t wait_of(struct shoal_call *call, struct claim *claim)
{
    const struct timer *timer = claim->timer;
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &sql_timer_look, SHOAL_ARGS(SHOAL_TEXT(timer->name)), NULL);
    if (!rows) {
        return timer->period_ms;
    }
    int64_t now = shoal_now_ms();
    int64_t wait = 0;
    if (shoal_rows_next(rows)) {
        int64_t ran = shoal_col_i64(rows, 0);
        int64_t busy = shoal_col_i64(rows, 1);
        const char *holder = shoal_col_text(rows, 2);
        wait = ran > now || ran + timer->period_ms <= now ? 0 : ran + timer->period_ms - now;
        if (busy > now && jobs_holder_is_gone(holder, claim->holder)) {
            snprintf(claim->gone, sizeof(claim->gone), "%s", holder);
        } else if (wait == 0 && busy > now) {
            wait = busy - now < BUSY_AGAIN_MS ? busy - now : BUSY_AGAIN_MS;
        }
    }
    shoal_rows_close(rows, NULL);
    return wait;
}

bool timers_claim(
    struct shoal_call *call, const struct timer *timer, const char *holder, int64_t *next_tick_ms)
{
    struct claim claim = {.timer = timer, .name = timer->name, .holder = holder};
    struct shoal_err err = {0};
    int64_t wait = wait_of(call, &claim);
    int code = 0;
    if (wait == 0) {
        code = shoal_tx(call, take, &claim, &err);
        int64_t age = shoal_tick_ms() - timer->added_tick_ms;
        // Its first run: the row was made now, and it may be due before a whole period.
        wait = !claim.is_mine && age < timer->period_ms ? timer->period_ms - age : timer->period_ms;
    }
    if (code < 0) {
        shoal_warn("the timer %s could not be claimed: %s", timer->name, err.text);
    }
    // Clocks are set and other nodes come and go: the row is asked at least once a minute.
    *next_tick_ms = shoal_tick_ms() + (wait < ASK_AGAIN_MS ? wait : ASK_AGAIN_MS);
    return code == 0 && claim.is_mine;
}

static int release(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct claim *claim = arg;
    return shoal_db_exec(tx, &sql_timer_release,
        SHOAL_ARGS(SHOAL_TEXT(claim->name), SHOAL_TEXT(claim->holder)), NULL, err);
}

void timers_release(struct shoal_call *call, const struct timer *timer, const char *holder)
{
    struct claim claim = {.name = timer->name, .holder = holder};
    struct shoal_err err = {0};
    if (shoal_tx(call, release, &claim, &err) < 0) {
        shoal_warn("the timer %s was not released: %s", timer->name, err.text);
    }
}

static int renew(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct claim *claim = arg;
    return shoal_db_exec(tx, &sql_timer_renew,
        SHOAL_ARGS(SHOAL_TEXT(claim->name), SHOAL_TEXT(claim->holder),
            SHOAL_I64(shoal_now_ms() + TIMER_LEASE_MS)),
        NULL, err);
}

void timers_renew(const char *name, const char *holder)
{
    struct claim claim = {.name = name, .holder = holder};
    struct shoal_err err = {0};
    struct shoal_call call;
    shoal_call_init(&call);
    if (shoal_tx(&call, renew, &claim, &err) < 0) {
        shoal_warn("the timer %s was not renewed: %s", name, err.text);
    }
    shoal_call_fini(&call);
}
