// follow.c - keeps what a plugin has of each video of this instance in line with what the video is.
// SPDX-License-Identifier: MIT
#include "follow.h"

#include <string.h>

#include <shoal/jobs.h>

#define LOOK_MS INT64_C(5000)
#define WALK_MS INT64_C(600000)
#define LATE    10 // priority of what the walk finds

static int run_index(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    const struct follow *follow = arg;
    return follow->video(call, shoal_text(job->payload, "uuid", ""),
        shoal_integer(job->payload, "video", 0), false, follow->arg, err);
}

struct order {
    const struct follow *follow;
    const char *unique, *base;
    json_t *payload;
};

static int add_index(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct order *order = arg;
    const struct shoal_job_options options = {.unique = order->unique, .subject = order->unique};
    return shoal_job_add(order->follow->self, tx, "index", order->payload, &options, NULL, err);
}

int follow_add(struct shoal_call *call, const struct follow *follow, const char *uuid,
    int64_t video_id, struct shoal_err *err)
{
    struct order order = {.follow = follow,
        .unique = shoal_arena_printf(shoal_call_arena(call), "video:%s", uuid),
        .payload = json_pack("{s:s, s:I}", "uuid", uuid, "video", (json_int_t)video_id)};
    int code = shoal_tx(call, add_index, &order, err);
    json_decref(order.payload);
    return code;
}

static int on_tell(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    const char *uuid = shoal_text(event, "video.uuid", "");
    int64_t id = shoal_integer(event, "video.id", 0);
    if (!shoal_flag(event, "video.isLocal", true) || !shoal_uuid_valid(uuid) || id <= 0) {
        return 0;
    }
    return follow_add(call, arg, uuid, id, err);
}

// --- all videos ---

struct found {
    int64_t id;
    const char *uuid;
};

static int page_read(struct shoal_call *call, const struct follow *follow, const char *base,
    int64_t after, struct found out[FOLLOW_PAGE], size_t *count, struct shoal_err *err)
{
    *count = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), follow->stale,
        SHOAL_ARGS(SHOAL_I64(after), SHOAL_TEXT(base)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (*count < FOLLOW_PAGE && shoal_rows_next(rows)) {
        out[(*count)++] = (struct found){.id = shoal_col_i64(rows, 0),
            .uuid = shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, 1))};
    }
    return shoal_rows_close(rows, err);
}

// One that cannot be looked at does not keep the others. Returns: 0 or SHOAL_ECANCELLED; the first failure is
// in first.
static int page_look(struct shoal_call *call, const struct follow *follow,
    const struct shoal_job *job, const struct found *found, size_t count, struct shoal_err *first,
    struct shoal_err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct shoal_err why = {0};
        if (shoal_call_cancelled(call) || shoal_job_progress(call, job, 50) != 0) {
            return shoal_fail(err, SHOAL_ECANCELLED, "looking through the videos was stopped");
        }
        int code = follow->video(call, found[i].uuid, found[i].id, true, follow->arg, &why);
        if (code != 0 && first->code == 0) {
            shoal_fail(first, code, "video %s: %s", found[i].uuid, why.text);
        }
    }
    return 0;
}

// Begun again after a crash it finds little to do: what it has looked at is no longer stale.
static int run_walk(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    const struct follow *follow = arg;
    const char *base = follow->base(call, follow->arg);
    struct shoal_err first = {0};
    int64_t after = 0;
    for (size_t count = FOLLOW_PAGE; count == FOLLOW_PAGE;) {
        struct found *page = shoal_arena_alloc(shoal_call_arena(call), FOLLOW_PAGE * sizeof *page);
        int code = page_read(call, follow, base, after, page, &count, err);
        code = code == 0 ? page_look(call, follow, job, page, count, &first, err) : code;
        if (code != 0) {
            return code;
        }
        after = count > 0 ? page[count - 1].id : after;
    }
    return first.code == 0 ? 0 : shoal_fail(err, first.code, "%s", first.text);
}

static int add_walk(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct order *order = arg;
    const struct shoal_job_options options = {.unique = "walk", .priority = LATE};
    int code = shoal_job_add(order->follow->self, tx, "walk", NULL, &options, NULL, err);
    return code == 0 ? shoal_db_exec(tx, order->follow->walk,
                           SHOAL_ARGS(SHOAL_TEXT(order->base), SHOAL_TIME(shoal_now_ms())), NULL,
                           err)
                     : code;
}

// What all videos depend on may have changed with a restart or a setting.
static int look(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct order order = {.follow = arg};
    order.base = order.follow->base(call, order.follow->arg);
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), order.follow->walked, SHOAL_NOARGS, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_done = shoal_rows_next(rows);
    if (is_done) {
        int64_t age_ms = shoal_now_ms() - shoal_col_i64(rows, 1);
        is_done = strcmp(shoal_col_text(rows, 0), order.base) == 0 && age_ms >= 0 &&
                  age_ms < WALK_MS;
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 || is_done ? code : shoal_tx(call, add_walk, &order, err);
}

int follow_start(struct follow *follow, struct shoal_err *err)
{
    // The last is what is told of a private video that comes out.
    static const char *const hooks[] = {"video.files", "video.changed", "video.published",
        "video.hidden", "video.deleted", "video.state"};
    const struct shoal_job_kind kinds[] = {
        {.kind = "index", .run = run_index, .arg = follow, .attempts = 10},
        {.kind = "walk", .run = run_walk, .arg = follow, .attempts = 10, .concurrency = 1},
    };
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof kinds / sizeof *kinds; i++) {
        code = shoal_job_kind_add(follow->self, &kinds[i], err);
    }
    for (size_t i = 0; code == 0 && i < sizeof hooks / sizeof *hooks; i++) {
        code = shoal_tell(follow->self, hooks[i], on_tell, follow);
    }
    return code == 0 ? shoal_timer_add(follow->self, "look", LOOK_MS, false, look, follow) : code;
}
