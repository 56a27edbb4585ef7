// jobs_list.c - jobs as JSON, for the command line and the pages.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "data/jobs_priv.h"

#define COUNT_MAX 1000

SHOAL_SQL(sql_job_list,
    "SELECT id, kind, state, attempt, progress, error, created_ms AS created, run_at_ms AS run_at,"
    " subject FROM job WHERE CAST($1 AS TEXT) IS NULL OR state = CAST($1 AS TEXT)"
    " ORDER BY id DESC LIMIT CAST($2 AS BIGINT) OFFSET CAST($3 AS BIGINT)");
SHOAL_SQL(sql_job_count,
    "SELECT CAST(COUNT(CASE WHEN state = 'waiting' THEN 1 END) AS BIGINT) AS waiting,"
    " CAST(COUNT(CASE WHEN state = 'active' THEN 1 END) AS BIGINT) AS active,"
    " CAST(COUNT(CASE WHEN state = 'parked' THEN 1 END) AS BIGINT) AS parked"
    " FROM job WHERE state = 'waiting' OR state = 'active' OR state = 'parked'");

SHOAL_SQL(sql_job_open,
    "SELECT COUNT(*) FROM job WHERE id = $1 AND (state = 'waiting' OR state = 'active')");

static bool is_state(const char *state)
{
    static const char *const states[] = {"waiting", "active", "parked", "done", "cancelled"};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(state, states[i]) == 0) {
            return true;
        }
    }
    return false;
}

json_t *shoal_jobs_list(
    struct shoal_call *call, const char *state, int start, int count, struct shoal_err *err)
{
    if (state && !is_state(state)) {
        shoal_fail_field(err, "state", "jobs are waiting, active, parked, done or cancelled");
        return NULL;
    }
    int most = count < 0 ? 0 : count > COUNT_MAX ? COUNT_MAX : count;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &sql_job_list,
        SHOAL_ARGS(SHOAL_TEXT(state), SHOAL_I64(most), SHOAL_I64(start < 0 ? 0 : start)), err);
    if (!rows) {
        return NULL;
    }
    json_t *list = json_array();
    while (shoal_rows_next(rows)) {
        json_array_append_new(list, shoal_row_json(rows));
    }
    if (shoal_rows_close(rows, err) < 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

int shoal_jobs_is_open(struct shoal_call *call, int64_t id, bool *is_open, struct shoal_err *err)
{
    int64_t count = 0;
    int code =
        shoal_db_i64(shoal_call_db(call), &sql_job_open, SHOAL_ARGS(SHOAL_I64(id)), &count, err);
    *is_open = count > 0;
    return code;
}

json_t *shoal_jobs_count(struct shoal_call *call, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &sql_job_count, SHOAL_NOARGS, err);
    if (!rows) {
        return NULL;
    }
    json_t *counts = shoal_rows_next(rows) ? shoal_row_json(rows) : NULL;
    if (shoal_rows_close(rows, err) < 0) {
        json_decref(counts);
        return NULL;
    }
    return counts;
}
