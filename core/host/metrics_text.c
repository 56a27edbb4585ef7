// metrics_text.c - writes metrics as OpenMetrics text, and counts what the host itself sees.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/buf.h>

#include "data/data.h"
#include "host/metrics_priv.h"
#include "host/registry_priv.h"
#include "net/server.h"

static struct shoal_metric requests = {.name = "http_requests",
    .help = "Requests that were answered, by the class of their status",
    .kind = SHOAL_COUNTER,
    .label = "status"};
static struct shoal_metric failures = {.name = "http_failures",
    .help = "Requests that failed in the server (5xx), by the plugin that owns the route",
    .kind = SHOAL_COUNTER,
    .label = "plugin"};
static struct shoal_metric seconds = {
    .name = "http_seconds", .help = "Time in the handler", .kind = SHOAL_HISTOGRAM};
static struct shoal_metric started = {.name = "start_time_seconds",
    .help = "When the server started, since 1970",
    .kind = SHOAL_GAUGE};
static struct shoal_metric memory = {
    .name = "memory_bytes", .help = "Memory in use", .kind = SHOAL_GAUGE};
static struct shoal_metric connections = {
    .name = "connections", .help = "Connections that are open", .kind = SHOAL_GAUGE};
static struct shoal_metric cached = {.name = "http_cached",
    .help = "Requests answered from answers that are shared",
    .kind = SHOAL_COUNTER};
static struct shoal_metric refused = {.name = "http_refused",
    .help = "Requests refused before anybody looked at them: no HTTP, too large, too slow",
    .kind = SHOAL_COUNTER};
static struct shoal_metric busy = {.name = "http_busy",
    .help = "Requests sent away because the workers were full",
    .kind = SHOAL_COUNTER};
static struct shoal_metric sent = {.name = "http_sent_bytes",
    .help = "Bytes that were sent: of files (media, pictures, the theme's), and of answers with heads",
    .kind = SHOAL_COUNTER,
    .label = "of"};
static struct shoal_metric jobs = {.name = "jobs",
    .help = "Jobs that wait, run or were given up",
    .kind = SHOAL_GAUGE,
    .label = "state"};

static int put_label(struct shoal_buf *out, const char *text)
{
    int code = 0;
    for (; *text && code == 0; text++) {
        if (*text == '"' || *text == '\\') {
            code = shoal_buf_printf(out, "\\%c", *text);
        } else if (*text == '\n') {
            code = shoal_buf_puts(out, "\\n");
        } else {
            code = shoal_buf_add(out, text, 1);
        }
    }
    return code;
}

/// {name="label",le="…"} or nothing.
static int put_labels(
    struct shoal_buf *out, const struct shoal_metric *metric, const char *label, const char *le)
{
    bool has_label = metric->label && label[0];
    if (!has_label && !le) {
        return 0;
    }
    int code = shoal_buf_puts(out, "{");
    if (code == 0 && has_label) {
        code = shoal_buf_printf(out, "%s=\"", metric->label);
        code = code < 0 ? code : put_label(out, label);
        code = code < 0 ? code : shoal_buf_puts(out, le ? "\"," : "\"");
    }
    if (code == 0 && le) {
        code = shoal_buf_printf(out, "le=\"%s\"", le);
    }
    return code < 0 ? code : shoal_buf_puts(out, "}");
}

static int put_sample(struct shoal_buf *out, const struct shoal_metric *metric, const char *suffix,
    const char *label, const char *le, double value)
{
    int code = shoal_buf_printf(out, "shoal_%s%s", metric->name, suffix);
    code = code < 0 ? code : put_labels(out, metric, label, le);
    return code < 0 ? code : shoal_buf_printf(out, " %.15g\n", value);
}

static int put_series(struct shoal_buf *out, const struct shoal_metric *metric,
    const struct shoal_metric_series *series, const char *label)
{
    if (metric->kind == SHOAL_COUNTER) {
        return put_sample(out, metric, "_total", label, NULL, series->value);
    }
    if (metric->kind == SHOAL_GAUGE) {
        return put_sample(out, metric, "", label, NULL, series->value);
    }
    int code = 0;
    for (size_t i = 0; i < SHOAL_METRIC_BUCKETS && code == 0; i++) {
        char le[32];
        snprintf(le, sizeof(le), "%g", shoal_metric_bounds[i]);
        code = put_sample(out, metric, "_bucket", label, le, (double)series->buckets[i]);
    }
    code =
        code < 0 ? code : put_sample(out, metric, "_bucket", label, "+Inf", (double)series->count);
    code = code < 0 ? code : put_sample(out, metric, "_sum", label, NULL, series->value);
    return code < 0 ? code : put_sample(out, metric, "_count", label, NULL, (double)series->count);
}

static int put_metric(struct shoal_metric_state *state, void *user)
{
    static const char *const kinds[] = {
        [SHOAL_COUNTER] = "counter", [SHOAL_GAUGE] = "gauge", [SHOAL_HISTOGRAM] = "histogram"};
    struct shoal_buf *out = user;
    const struct shoal_metric *metric = state->metric;
    int code = shoal_buf_printf(out, "# HELP shoal_%s ", metric->name);
    code = code < 0 ? code : put_label(out, metric->help);
    code = code < 0
               ? code
               : shoal_buf_printf(out, "\n# TYPE shoal_%s %s\n", metric->name, kinds[metric->kind]);
    for (size_t i = 0; i < state->count && code == 0; i++) {
        code = put_series(out, metric, &state->series[i], state->series[i].label);
    }
    if (code == 0 && state->other.count > 0) {
        code = put_series(out, metric, &state->other, "other");
    }
    return code;
}

static double memory_bytes(void)
{
    double pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128];
    if (file && fgets(line, sizeof(line), file)) {
        const char *second = strchr(line, ' ');
        pages = second ? strtod(second, NULL) : 0;
    }
    if (file) {
        fclose(file);
    }
    return pages * (double)sysconf(_SC_PAGESIZE);
}

/// What others count is asked for when somebody looks.
static void ask_others(struct shoal_call *call)
{
    struct shoal_server_stats stats;
    shoal_server_stats(&stats);
    shoal_metric_set(&connections, NULL, stats.connections);
    shoal_metric_set(&cached, NULL, (double)stats.cached);
    shoal_metric_set(&refused, NULL, (double)stats.refused);
    shoal_metric_set(&busy, NULL, (double)stats.busy);
    shoal_metric_set(&sent, "files", (double)stats.sent_files_bytes);
    shoal_metric_set(&sent, "answers", (double)stats.sent_bytes);
    json_t *counts = shoal_jobs_count(call, NULL);
    const char *state;
    json_t *count;
    json_object_foreach(counts, state, count) {
        shoal_metric_set(&jobs, state, (double)json_integer_value(count));
    }
    json_decref(counts);
}

int shoal_metrics_text(struct shoal_call *call, struct shoal_buf *out)
{
    shoal_metric_set(&memory, NULL, memory_bytes());
    ask_others(call);
    int code = shoal_metrics_each(put_metric, out);
    return code < 0 ? code : shoal_buf_puts(out, "# EOF\n");
}

void shoal_host_metrics_add(void)
{
    shoal_metric_add_to(NULL, &requests);
    shoal_metric_add_to(NULL, &failures);
    shoal_metric_add_to(NULL, &seconds);
    shoal_metric_add_to(NULL, &started);
    shoal_metric_add_to(NULL, &memory);
    static struct shoal_metric *const asked[] = {&connections, &cached, &refused, &busy, &sent, &jobs};
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        shoal_metric_add_to(NULL, asked[i]);
    }
    shoal_metric_set(&started, NULL, (double)shoal_now_ms() / 1000.0);
}

void shoal_host_metrics_request(int status, const char *owner, int64_t ms)
{
    char class[4] = "0xx";
    class[0] = (char)('0' + (status / 100 % 10));
    shoal_metric_add(&requests, class, 1);
    shoal_metric_observe(&seconds, NULL, (double)ms / 1000.0);
    if (status >= 500) {
        shoal_metric_add(&failures, owner, 1);
    }
}
