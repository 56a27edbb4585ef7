// playback.c - from the sums in memory to rows by day, and to whoever asks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "playback.h"

#define TRIM_MS (3600 * 1000)
#define LOT     256 // rows of one transaction

// A sum may come after its video went: then there is nothing to count.
SHOAL_SQL(playback_day_add,
    "INSERT INTO playback_day (video_id, day, peer_bytes, server_bytes) "
    "SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT) "
    "WHERE EXISTS (SELECT 1 FROM v1_video v WHERE v.id = CAST($1 AS BIGINT)) "
    "ON CONFLICT (day, video_id) DO UPDATE SET "
    "peer_bytes = playback_day.peer_bytes + excluded.peer_bytes, "
    "server_bytes = playback_day.server_bytes + excluded.server_bytes");
SHOAL_SQL(playback_day_trim, "DELETE FROM playback_day WHERE day < $1");
SHOAL_SQL(playback_day_forget, "DELETE FROM playback_day WHERE video_id = $1");

struct lot {
    const struct playback_sum *sums;
    size_t count;
};

static int add_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct lot *lot = arg;
    int code = 0;
    for (size_t i = 0; i < lot->count && code == 0; i++) {
        const struct playback_sum *sum = &lot->sums[i];
        if (sum->peer_bytes != 0 || sum->server_bytes != 0) {
            code = shoal_db_exec(tx, &playback_day_add,
                SHOAL_ARGS(SHOAL_I64(sum->video_id), SHOAL_I64(sum->day), SHOAL_I64(sum->peer_bytes),
                    SHOAL_I64(sum->server_bytes)),
                NULL, err);
        }
    }
    return code;
}

int playback_flush(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct playback *playback = arg;
    struct playback_sum *sums =
        shoal_arena_alloc(shoal_call_arena(call), PLAYBACK_VIDEOS_MAX * sizeof *sums);
    size_t count = playback_memory_take(playback->memory, sums);
    int code = 0;
    for (size_t at = 0; at < count; at += LOT) {
        struct lot lot = {sums + at, count - at < LOT ? count - at : LOT};
        // After one lot that could not be stored the rest is not tried: a full disk is full for all.
        code = code != 0 ? code : shoal_tx(call, add_tx, &lot, err);
        for (size_t i = 0; i < lot.count && code != 0; i++) {
            playback_memory_give_back(playback->memory, &lot.sums[i]);
        }
    }
    return code;
}

static int stopping(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)event;
    struct playback *playback = arg;
    playback_memory_stopping(playback->memory);
    return playback_flush(call, playback, err);
}

// Tells what came since the last count for each video that somebody watches.
static int count(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)err;
    struct playback *playback = arg;
    struct playback_sum *sums =
        shoal_arena_alloc(shoal_call_arena(call), PLAYBACK_VIDEOS_MAX * sizeof *sums);
    size_t videos = playback_memory_take_counted(playback->memory, sums);
    bool is_heard = shoal_hook_heard("swarm.counted");
    int64_t all = 0;
    for (size_t i = 0; i < videos; i++) {
        int64_t peers = playback_viewers(call, sums[i].video_id);
        all += peers;
        if (is_heard) {
            shoal_fire_tell("swarm.counted",
                json_pack("{s:I, s:I, s:I, s:I}", "video_id", (json_int_t)sums[i].video_id, "peers",
                    (json_int_t)peers, "bytes_peers", (json_int_t)sums[i].peer_bytes, "bytes_server",
                    (json_int_t)sums[i].server_bytes));
        }
    }
    playback_metrics_peers(all);
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
    struct playback *playback = arg;
    int64_t kept_ms = shoal_setting_i64(playback->self, "report_keep");
    struct removal removal = {&playback_day_trim, (shoal_now_ms() - kept_ms) / PLAYBACK_DAY_MS};
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
    struct removal removal = {&playback_day_forget, shoal_integer(event, "video.id", 0)};
    return shoal_tx(call, remove_tx, &removal, err);
}

// Players of PeerTube report only where the configuration says that somebody listens.
static int show_config(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)err;
    struct playback *playback = arg;
    if (strcmp(shoal_text(*value, "document", ""), "config") == 0 &&
        shoal_setting_bool(playback->self, "reports")) {
        shoal_json_set(*value, "value.openTelemetry.metrics.enabled", json_true());
    }
    return 0;
}

static int add_routes(struct playback *playback, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        // Of players every few seconds, a whole school behind one address: bytes have a budget instead.
        {.method = "POST",
            .path = "/api/v1/metrics/playback",
            .handler = playback_report_post,
            .arg = playback,
            .auth = SHOAL_AUTH_NONE,
            .body = SHOAL_BODY_DATA,
            .body_max_bytes = 4096,
            .rate = SHOAL_RATE_NONE,
            .cors = true},
        {.method = "GET",
            .path = "/api/v1/playback/worth",
            .handler = playback_show_get,
            .arg = playback,
            .auth = SHOAL_AUTH_ADMIN,
            .cors = true},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        code = shoal_route_add(playback->self, &routes[i], err);
    }
    return code;
}

static int add_timers(struct playback *playback, struct shoal_err *err)
{
    struct shoal_plugin *self = playback->self;
    int64_t write_ms = shoal_setting_i64(self, "write_every");
    int64_t count_ms = shoal_setting_i64(self, "count_every");
    int code = shoal_timer_add(self, "flush", write_ms, false, playback_flush, playback);
    code = code != 0 ? code : shoal_timer_add(self, "count", count_ms, false, count, playback);
    code = code != 0 ? code : shoal_timer_add(self, "trim", TRIM_MS, true, trim, playback);
    return code != 0 ? shoal_fail(err, code, "the timers of the byte counts cannot be added") : 0;
}

static int add_hooks(struct playback *playback, struct shoal_err *err)
{
    struct shoal_plugin *self = playback->self;
    int code = shoal_tell(self, "instance.started", started, playback);
    code = code != 0 ? code : shoal_tell(self, "instance.stopping", stopping, playback);
    code = code != 0 ? code : shoal_tell(self, "video.deleted", deleted, playback);
    code = code != 0 ? code : shoal_filter(self, "instance.view", show_config, playback);
    return code != 0 ? shoal_fail(err, code, "the byte counts cannot hear what they need") : 0;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_plugin_arena(self);
    struct playback *playback = shoal_arena_alloc(arena, sizeof *playback);
    playback->self = self;
    playback->memory = playback_memory_new(arena);
    playback_metrics_add(self);
    int code = add_routes(playback, err);
    code = code != 0 ? code : add_timers(playback, err);
    return code != 0 ? code : add_hooks(playback, err);
}

SHOAL_PLUGIN(.name = "playback", .start = start);
