// metrics.c - numbers that core and plugins count, with at most one label each.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/metrics.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "host/metrics_priv.h"
#include "host/registry_priv.h"

const double shoal_metric_bounds[SHOAL_METRIC_BUCKETS] = {
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800};

static struct {
    pthread_mutex_t lock;
    struct shoal_metric_state *first, **last;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

void shoal_metric_add_to(struct shoal_plugin *self, struct shoal_metric *metric)
{
    pthread_mutex_lock(&registry.lock);
    if (!metric->state) {
        struct shoal_metric_state *state = shoal_alloc(1, sizeof(*state));
        state->owner = self;
        state->metric = metric;
        pthread_mutex_init(&state->lock, NULL);
        registry.last = registry.first ? registry.last : &registry.first;
        *registry.last = state;
        registry.last = &state->next;
        metric->state = state;
    }
    pthread_mutex_unlock(&registry.lock);
}

/// Under the metric's lock: the series of a label.
static struct shoal_metric_series *series_of(struct shoal_metric_state *state, const char *label)
{
    const char *name = label ? label : "";
    for (size_t i = 0; i < state->count; i++) {
        if (strcmp(state->series[i].label, name) == 0) {
            return &state->series[i];
        }
    }
    if (state->count == SHOAL_METRIC_LABELS) {
        return &state->other;
    }
    struct shoal_metric_series *series = &state->series[state->count++];
    series->label = shoal_dup(name);
    return series;
}

static void change(struct shoal_metric *metric, const char *label, double value, bool adds)
{
    struct shoal_metric_state *state = metric->state;
    if (!state) {
        return;
    }
    pthread_mutex_lock(&state->lock);
    struct shoal_metric_series *series = series_of(state, label);
    series->value = adds ? series->value + value : value;
    series->count++;
    pthread_mutex_unlock(&state->lock);
}

void shoal_metric_add(struct shoal_metric *metric, const char *label, double by)
{
    if (by >= 0 || metric->kind != SHOAL_COUNTER) {
        change(metric, label, by, true);
    }
}

void shoal_metric_set(struct shoal_metric *metric, const char *label, double to)
{
    change(metric, label, to, false);
}

void shoal_metric_observe(struct shoal_metric *metric, const char *label, double value)
{
    struct shoal_metric_state *state = metric->state;
    if (!state) {
        return;
    }
    pthread_mutex_lock(&state->lock);
    struct shoal_metric_series *series = series_of(state, label);
    series->value += value;
    series->count++;
    for (size_t i = 0; i < SHOAL_METRIC_BUCKETS; i++) {
        if (value <= shoal_metric_bounds[i]) {
            series->buckets[i]++;
        }
    }
    pthread_mutex_unlock(&state->lock);
}

int shoal_metrics_each(int (*each)(struct shoal_metric_state *state, void *user), void *user)
{
    int code = 0;
    pthread_mutex_lock(&registry.lock);
    for (struct shoal_metric_state *at = registry.first; at && code == 0; at = at->next) {
        pthread_mutex_lock(&at->lock);
        code = each(at, user);
        pthread_mutex_unlock(&at->lock);
    }
    pthread_mutex_unlock(&registry.lock);
    return code;
}

static void free_state(struct shoal_metric_state *state)
{
    for (size_t i = 0; i < state->count; i++) {
        free(state->series[i].label);
    }
    pthread_mutex_destroy(&state->lock);
    free(state);
}

void shoal_metrics_remove(const struct shoal_plugin *plugin)
{
    pthread_mutex_lock(&registry.lock);
    struct shoal_metric_state **at = &registry.first;
    while (*at) {
        struct shoal_metric_state *state = *at;
        if (state->owner == plugin) {
            *at = state->next;
            state->metric->state = NULL;
            free_state(state);
        } else {
            at = &state->next;
        }
    }
    registry.last = at;
    pthread_mutex_unlock(&registry.lock);
}
