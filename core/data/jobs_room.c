// jobs_room.c - jobs that found no room: how long they wait, and who calls them back.
//
// A full disk is no fault of the job that met it: the try does not count, and the job waits for as long
// as the disk is full. How long until the next look grows with its age, since a look may be an hour of
// encoding; when the disk is known to have room again, all of them are tried at once.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include "base/drill.h"
#include "data/db_priv.h"
#include "data/jobs_priv.h"

#define WAIT_LEAST_MS INT64_C(60000)
#define WAIT_MOST_MS  INT64_C(3600000)

SHOAL_SQL(sql_jobs_hurry, "UPDATE job SET run_at_ms = $1 WHERE state = 'waiting' AND error IS NOT NULL"
                          " AND run_at_ms > $1");

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
