// registry_priv.h - taking back what a plugin registered, topic by topic.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_REGISTRY_PRIV_H
#define SHOAL_CORE_HOST_REGISTRY_PRIV_H
#include <string.h>

#include "host/plugin_priv.h"

/// Takes those of a plugin out of a list of structs of so many bytes, whose first member is their plugin.
/// Returns: how many stay.
static inline size_t shoal_registry_drop(
    void *items, size_t count, size_t bytes, const struct shoal_plugin *plugin)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *item = (char *)items + i * bytes;
        if (memcmp(item, &plugin, sizeof plugin) != 0) {
            memmove((char *)items + kept++ * bytes, item, bytes);
        }
    }
    return kept;
}

void shoal_services_remove(const struct shoal_plugin *plugin);
void shoal_slots_remove(const struct shoal_plugin *plugin);
void shoal_verbs_remove(const struct shoal_plugin *plugin);
void shoal_metrics_remove(const struct shoal_plugin *plugin);
void shoal_resumers_remove(const struct shoal_plugin *plugin);
void shoal_fallback_remove(const struct shoal_plugin *plugin);

/// All metrics in OpenMetrics text.
int shoal_metrics_text(struct shoal_call *call, struct shoal_buf *out);
/// The plugin that renders errors; false where there is none.
bool shoal_fallback_get(struct shoal_plugin **owner, shoal_fallback_fn **fn, void **arg);

/// Adds /health and /metrics.
struct shoal_router;
int shoal_core_routes_add(struct shoal_router *router, struct shoal_err *err);
/// Adds the metrics of the host itself.
void shoal_host_metrics_add(void);
/// Counts one request that was answered.
void shoal_host_metrics_request(int status, const char *owner, int64_t ms);

/// "10.0.0.0/8", "::1": whether an address lies in one of a list of texts.
bool shoal_cidr_lists(const json_t *list, const char *address);

#endif
