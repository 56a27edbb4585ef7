// metrics_priv.h - how metrics are kept.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_METRICS_PRIV_H
#define SHOAL_CORE_HOST_METRICS_PRIV_H
#include <pthread.h>

#include <shoal/metrics.h>

#define SHOAL_METRIC_LABELS  64
#define SHOAL_METRIC_BUCKETS 15

struct shoal_metric_series {
    char *label;  ///< "" without one
    double value; ///< of a histogram: the sum
    uint64_t count;
    uint64_t buckets[SHOAL_METRIC_BUCKETS];
};
struct shoal_metric_state {
    struct shoal_metric_state *next;
    const struct shoal_plugin *owner;
    struct shoal_metric *metric;
    pthread_mutex_t lock;
    struct shoal_metric_series series[SHOAL_METRIC_LABELS];
    size_t count;
    struct shoal_metric_series other; ///< labels beyond the 64
};
extern const double shoal_metric_bounds[SHOAL_METRIC_BUCKETS];

/// Calls each under the metric's lock until it returns a negative error.
int shoal_metrics_each(int (*each)(struct shoal_metric_state *state, void *user), void *user);

#endif
