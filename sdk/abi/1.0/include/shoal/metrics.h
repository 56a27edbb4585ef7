// metrics.h - numbers for /metrics, in OpenMetrics.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_METRICS_H
#define SHOAL_METRICS_H
#include <shoal/version.h>

enum shoal_metric_kind { SHOAL_COUNTER = 0, SHOAL_GAUGE = 1, SHOAL_HISTOGRAM = 2 };

/// A metric (frozen); define it static. It is shown as shoal_NAME once it was registered.
struct shoal_metric {
    const char *name;  ///< "transcode_seconds"
    const char *help;
    enum shoal_metric_kind kind;
    const char *label; ///< name of its one label ("state"), or NULL
    void *state;       ///< the host's; leave it NULL
};

/// Registers a metric, and changes it: add for counters, set for gauges, observe for histograms.
///
/// label:   value of its label, or NULL. At most 64 values; later ones count as "other".
/// Returns: nothing. Errors: none. Thread: [any] (register: start() only). Blocks: no. Since: 1.0.
SHOAL_API void shoal_metric_add_to(struct shoal_plugin *self, struct shoal_metric *metric);
SHOAL_API void shoal_metric_add(struct shoal_metric *metric, const char *label, double by);
SHOAL_API void shoal_metric_set(struct shoal_metric *metric, const char *label, double to);
SHOAL_API void shoal_metric_observe(struct shoal_metric *metric, const char *label, double value);

#endif
