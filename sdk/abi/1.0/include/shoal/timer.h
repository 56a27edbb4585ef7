// timer.h - work that comes back by the clock.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_TIMER_H
#define SHOAL_TIMER_H
#include <shoal/version.h>

/// Calls fn on a worker every period_ms (at least 1 s). once_per_instance: on one child of one node
/// only (a lease in the database sees to it), otherwise on each child. fn has a period, at least a
/// minute: that is the call's deadline, and the watchdog names who is far past it.
///
/// Returns: 0 or a negative error. Errors: SHOAL_EINVAL. Thread: start() only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_timer_add(struct shoal_plugin *self, const char *name, int64_t period_ms,
    bool once_per_instance, int (*fn)(struct shoal_call *call, void *arg, struct shoal_err *err),
    void *arg);

#endif
