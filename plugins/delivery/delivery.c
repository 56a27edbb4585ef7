// delivery.c - starts the queues, and hands them to others: the service `delivery`.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/services.h>

#include "delivery.h"

#define TIDY_PERIOD_MS 60000
#define SPREAD_TRIES   12

struct shoal_plugin *dlv_plugin;

// Named by what they count, whoever delivers.
struct shoal_metric dlv_metric_delivered = {
    "federation_delivered", "Deliveries that another server took", SHOAL_COUNTER, NULL, NULL};
struct shoal_metric dlv_metric_failed = {"federation_failed",
    "Requests that failed, and deliveries that were given up", SHOAL_COUNTER, "why", NULL};
struct shoal_metric dlv_metric_waiting = {
    "federation_waiting", "Deliveries that wait", SHOAL_GAUGE, NULL, NULL};
struct shoal_metric dlv_metric_flying = {
    "federation_in_flight", "Deliveries under way", SHOAL_GAUGE, NULL, NULL};
struct shoal_metric dlv_metric_hosts = {
    "federation_hosts", "Other servers, by how they answer", SHOAL_GAUGE, "state", NULL};

// Where to say what went wrong, for who does not want to hear it: what runs below may read it.
static struct shoal_err *err_of(struct shoal_call *call, struct shoal_err *err)
{
    return err != NULL ? err : shoal_arena_alloc(shoal_call_arena(call), sizeof *err);
}

// The table's calls have an `arg` more than the functions behind them: there is one of each.
static int svc_rules(void *arg, const struct shoal_delivery_rules *rules, struct shoal_err *err)
{
    (void)arg;
    return dlv_rules_set(rules, err);
}

static int svc_deliver(struct shoal_call *call, void *arg, struct shoal_db *tx,
    const struct shoal_delivery *what, struct shoal_err *err)
{
    (void)arg;
    return dlv_deliver(call, tx, what, err_of(call, err));
}

static int svc_relay(struct shoal_call *call, void *arg, struct shoal_db *tx, const char *bytes,
    int64_t video_id, const char *except_host, struct shoal_err *err)
{
    (void)arg;
    return dlv_relay(call, tx, bytes, video_id, except_host, err_of(call, err));
}

static json_t *svc_hosts(struct shoal_call *call, void *arg, const char *host, int start, int count,
    struct shoal_err *err)
{
    (void)arg;
    return dlv_hosts(call, host, start, count, err_of(call, err));
}

static void svc_waiting(struct shoal_call *call, void *arg, int64_t *deliveries, int64_t *hosts)
{
    (void)arg;
    dlv_queue_count(call, deliveries, hosts);
}

static int svc_retry(struct shoal_call *call, void *arg, const char *host, struct shoal_err *err)
{
    (void)arg;
    return dlv_host_retry(call, host, err_of(call, err));
}

static int svc_take(struct shoal_call *call, void *arg, struct shoal_db *tx, const char *kind,
    const json_t *row, int64_t *id, struct shoal_err *err)
{
    (void)arg;
    return dlv_take(call, tx, kind, row, id, err_of(call, err));
}

static const struct shoal_svc_delivery table = {.size = sizeof table,
    .rules = svc_rules,
    .deliver = svc_deliver,
    .relay = svc_relay,
    .hosts = svc_hosts,
    .waiting = svc_waiting,
    .retry = svc_retry,
    .take = svc_take};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    dlv_plugin = self;
    struct shoal_metric *const metrics[] = {&dlv_metric_delivered, &dlv_metric_failed,
        &dlv_metric_waiting, &dlv_metric_flying, &dlv_metric_hosts};
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        shoal_metric_add_to(self, metrics[i]);
    }
    const struct shoal_job_kind kinds[] = {
        {.kind = "spread",
            .run = dlv_spread,
            .gave_up = dlv_spread_gave_up,
            .attempts = SPREAD_TRIES,
            .concurrency = 1},
        {.kind = "send", .run = dlv_send, .attempts = 100, .concurrency = 2},
    };
    int code = shoal_job_kind_add(self, &kinds[0], err);
    code = code != 0 ? code : shoal_job_kind_add(self, &kinds[1], err);
    code = code != 0 ? code : dlv_hosts_start(self, err);
    code = code != 0 ? code
                     : shoal_timer_add(self, "deliveries", TIDY_PERIOD_MS, true, dlv_queue_tidy, NULL);
    return code != 0 ? code : shoal_provide_single(self, "delivery", &table, NULL, err);
}

static void stop(struct shoal_plugin *self)
{
    (void)self;
    dlv_rules_forget();
}

SHOAL_PLUGIN(.name = "delivery", .start = start, .stop = stop);
