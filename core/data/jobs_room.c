// jobs_room.c - jobs that found no room, or something away: how long they wait, and who calls them back.
//
// A full disk is no fault of the job that met it: the try does not count, and the job waits for as long
// as the disk is full. How long until the next look grows with its age, since a look may be an hour of
// encoding; when the disk is known to have room again, all of them are tried at once.
// What is away (a storage elsewhere) is waited for in the same way, but not for ever: after a day each
// try counts.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include "base/drill.h"
#include "data/db_priv.h"
#include "data/jobs_priv.h"

#define WAIT_LEAST_MS INT64_C(60000)
#define WAIT_MOST_MS  INT64_C(3600000)
#define AWAY_MOST_MS  INT64_C(86400000)

SHOAL_SQL(sql_jobs_hurry, "UPDATE job SET run_at_ms = $1 WHERE state = 'waiting' AND error IS NOT NULL"
                          " AND run_at_ms > $1");

bool jobs_room_awaits(int code, int64_t created_ms)
{
    return code == SHOAL_EFULL ||
           (code == SHOAL_JOB_EAWAY && shoal_now_ms() - created_ms < AWAY_MOST_MS);
}

int64_t jobs_room_wait_ms(int64_t created_ms)
{
    int64_t wait = (shoal_now_ms() - created_ms) / 4;
    wait = wait < WAIT_LEAST_MS ? WAIT_LEAST_MS : wait > WAIT_MOST_MS ? WAIT_MOST_MS : wait;
    return shoal_drill_ms("SHOAL_DRILL_FULL", wait);
}

static int hurry(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    tx->has_new_jobs = true;
    return shoal_db_exec(tx, &sql_jobs_hurry, SHOAL_ARGS(SHOAL_I64(shoal_now_ms())), NULL, err);
}

int shoal_jobs_hurry(struct shoal_call *call, struct shoal_err *err)
{
    return shoal_tx(call, hurry, NULL, err);
}
