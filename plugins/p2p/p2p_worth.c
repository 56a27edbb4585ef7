// p2p_worth.c - what P2P is worth: from the sums in memory to rows by day, and to whoever asks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "p2p_worth.h"

#define FLUSH_MS 5000
#define TRIM_MS  (3600 * 1000)
#define LOT      256 // rows of one transaction

// A sum may come after its video went: then there is nothing to count.
SHOAL_SQL(p2p_day_add,
    "INSERT INTO p2p_day (video_id, day, peer_bytes, server_bytes) "
    "SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT) "
    "WHERE EXISTS (SELECT 1 FROM v1_video v WHERE v.id = CAST($1 AS BIGINT)) "
    "ON CONFLICT (day, video_id) DO UPDATE SET "
    "peer_bytes = p2p_day.peer_bytes + excluded.peer_bytes, "
    "server_bytes = p2p_day.server_bytes + excluded.server_bytes");
SHOAL_SQL(p2p_day_trim, "DELETE FROM p2p_day WHERE day < $1");
SHOAL_SQL(p2p_day_forget, "DELETE FROM p2p_day WHERE video_id = $1");

struct lot {
    const struct p2p_sum *sums;
    size_t count;
};

static int add_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct lot *lot = arg;
    int code = 0;
    for (size_t i = 0; i < lot->count && code == 0; i++) {
        const struct p2p_sum *sum = &lot->sums[i];
        if (sum->peer_bytes != 0 || sum->server_bytes != 0) {
            code = shoal_db_exec(tx, &p2p_day_add,
                SHOAL_ARGS(SHOAL_I64(sum->video_id), SHOAL_I64(sum->day), SHOAL_I64(sum->peer_bytes),
                    SHOAL_I64(sum->server_bytes)),
                NULL, err);
        }
    }
    return code;
}

int p2p_worth_flush(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct p2p_worth *worth = arg;
    struct p2p_sum *sums =
        shoal_arena_alloc(shoal_call_arena(call), P2P_WORTH_VIDEOS_MAX * sizeof *sums);
    size_t count = p2p_memory_take(worth->memory, sums);
    int code = 0;
    for (size_t at = 0; at < count; at += LOT) {
        struct lot lot = {sums + at, count - at < LOT ? count - at : LOT};
        // After one lot that could not be stored the rest is not tried: a full disk is full for all.
        code = code != 0 ? code : shoal_tx(call, add_tx, &lot, err);
        for (size_t i = 0; i < lot.count && code != 0; i++) {
            p2p_memory_give_back(worth->memory, &lot.sums[i]);
        }
    }
    return code;
}

static int stopping(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)event;
    struct p2p_worth *worth = arg;
    p2p_memory_stopping(worth->memory);
    return p2p_worth_flush(call, worth, err);
}

// Tells what the last minute brought for each video that somebody watches.
static int count_minute(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)err;
    struct p2p_worth *worth = arg;
    struct p2p_sum *sums =
        shoal_arena_alloc(shoal_call_arena(call), P2P_WORTH_VIDEOS_MAX * sizeof *sums);
    size_t count = p2p_memory_take_minute(worth->memory, sums);
    bool is_heard = shoal_hook_heard("swarm.counted");
    int64_t all = 0;
    for (size_t i = 0; i < count; i++) {
        int peers = p2p_tracker_peers(worth->p2p->tracker, sums[i].video_id);
        all += peers;
        if (is_heard) {
            shoal_fire_tell("swarm.counted",
                json_pack("{s:I, s:i, s:I, s:I}", "video_id", (json_int_t)sums[i].video_id, "peers",
                    peers, "bytes_peers", (json_int_t)sums[i].peer_bytes, "bytes_server",
                    (json_int_t)sums[i].server_bytes));
        }
    }
    p2p_worth_metrics_peers(all);
    return 0;
}

struct removal {
    const struct shoal_sql *sql;
    int64_t argument;
};

static int remove_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct removal *removal = arg;
    return shoal_db_exec(tx, removal->sql, SHOAL_ARGS(SHOAL_I64(removal->argument)), NULL, err);
}

static int trim(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct p2p_worth *worth = arg;
    int64_t kept_ms = shoal_setting_i64(worth->p2p->self, "report_keep");
    struct removal removal = {&p2p_day_trim, (shoal_now_ms() - kept_ms) / P2P_WORTH_DAY_MS};
    return shoal_tx(call, remove_tx, &removal, err);
}

static int started(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)event;
    return trim(call, arg, err);
}

static int deleted(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct removal removal = {&p2p_day_forget, shoal_integer(event, "video.id", 0)};
    return shoal_tx(call, remove_tx, &removal, err);
}

// Players of PeerTube report only where the configuration says that somebody listens.
static int show_config(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)err;
    struct p2p_worth *worth = arg;
    if (strcmp(shoal_text(*value, "document", ""), "config") == 0 &&
        shoal_setting_bool(worth->p2p->self, "reports")) {
        shoal_json_set(*value, "value.openTelemetry.metrics.enabled", json_true());
    }
    return 0;
}

static int add_routes(struct p2p_worth *worth, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        // Of players every few seconds, a whole school behind one address: bytes have a budget instead.
        {.method = "POST",
            .path = "/api/v1/metrics/playback",
            .handler = p2p_report_post,
            .arg = worth,
            .auth = SHOAL_AUTH_NONE,
            .body = SHOAL_BODY_DATA,
            .body_max_bytes = 4096,
            .rate = SHOAL_RATE_NONE,
            .cors = true},
        {.method = "GET",
            .path = "/api/v1/p2p/worth",
            .handler = p2p_worth_get,
            .arg = worth,
            .auth = SHOAL_AUTH_ADMIN,
            .cors = true},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        code = shoal_route_add(worth->p2p->self, &routes[i], err);
    }
    return code;
}

static int add_timers(struct p2p_worth *worth, struct shoal_err *err)
{
    struct shoal_plugin *self = worth->p2p->self;
    int code = shoal_timer_add(self, "worth", FLUSH_MS, false, p2p_worth_flush, worth);
    code = code != 0 ? code
                     : shoal_timer_add(
                           self, "minute", P2P_WORTH_MINUTE_MS, false, count_minute, worth);
    code = code != 0 ? code : shoal_timer_add(self, "worth_trim", TRIM_MS, true, trim, worth);
    return code != 0 ? shoal_fail(err, code, "the timers of the byte counts cannot be added") : 0;
}

int p2p_worth_start(struct p2p *p2p, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_plugin_arena(p2p->self);
    struct p2p_worth *worth = shoal_arena_alloc(arena, sizeof *worth);
    worth->p2p = p2p;
    worth->memory = p2p_memory_new(arena);
    p2p_worth_metrics_add(p2p->self);
    int code = add_routes(worth, err);
    code = code != 0 ? code : add_timers(worth, err);
    code = code != 0 ? code : shoal_slot_add(p2p->self, "my.menu", p2p_worth_menu, worth, err);
    code = code != 0 ? code : shoal_slot_add(p2p->self, "admin.menu", p2p_worth_menu, worth, err);
    if (code != 0) {
        return code;
    }
    code = shoal_tell(p2p->self, "instance.started", started, worth);
    code = code != 0 ? code : shoal_tell(p2p->self, "instance.stopping", stopping, worth);
    code = code != 0 ? code : shoal_tell(p2p->self, "video.deleted", deleted, worth);
    code = code != 0 ? code : shoal_filter(p2p->self, "instance.view", show_config, worth);
    return code != 0 ? shoal_fail(err, code, "the byte counts cannot hear what they need") : 0;
}
