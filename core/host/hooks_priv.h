// hooks_priv.h - the registry of hooks and what its files share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_HOOKS_PRIV_H
#define SHOAL_CORE_HOST_HOOKS_PRIV_H
#include <stdatomic.h>

#include "host/plugin_priv.h"

/// One subscription. A stub stands where a quarantined plugin stood: it answers for it.
struct shoal_listener {
    struct shoal_plugin *plugin; ///< NULL: the core
    const char *name;            ///< of the plugin
    int priority;                ///< lower first
    shoal_tell_fn *tell;
    shoal_filter_fn *filter;
    shoal_decide_fn *decide;
    void *arg;
    bool is_stub;
};
/// Never changes once it is published: firing takes no lock.
struct shoal_listeners {
    size_t count;
    struct shoal_listener items[];
};
struct shoal_hook {
    const char *name, *owner, *moment, *payload, *since;
    enum shoal_hook_kind kind;
    enum shoal_hook_failure failure;
    int cpu_ms, wall_ms;
    _Atomic(const struct shoal_listeners *) listeners;
};

struct shoal_hook *shoal_hook_find(const char *name);
/// The listeners of now; never NULL.
const struct shoal_listeners *shoal_hook_listeners(const struct shoal_hook *hook);
void shoal_hooks_each(void (*each)(struct shoal_hook *hook, void *user), void *user);
/// Adds the hooks that a plugin fires. One that is there already must be of the same kind and its
/// own.
int shoal_hooks_declare(const struct shoal_manifest *manifest, struct shoal_err *err);
/// Removes a plugin's subscriptions; with_stubs: where it decided and was not fail-open, a stub
/// holds.
void shoal_hooks_remove(struct shoal_plugin *plugin, bool with_stubs);
/// Stubs for a plugin that was never started, from its manifest.
void shoal_hooks_stubs(struct shoal_plugin *plugin);
/// Forgets everything, at the end of the host.
void shoal_hooks_reset(void);

/// The thread that tells in memory.
void shoal_tells_start(void);
void shoal_tells_stop(void);
/// Registers the job kind "tell" of the core.
int shoal_tells_durable_start(struct shoal_err *err);

/// Measures one call of a listener and says what it cost.
struct shoal_hook_watch {
    int64_t cpu_ns, wall_ms, deadline_ms;
    int depth;
};
void shoal_hook_enter(struct shoal_call *call, const struct shoal_hook *hook,
    const struct shoal_listener *listener, struct shoal_hook_watch *watch);
void shoal_hook_leave(struct shoal_call *call, const struct shoal_hook *hook,
    const struct shoal_listener *listener, const struct shoal_hook_watch *watch);
/// A listener failed: one line in the log and a strike.
void shoal_hook_failed(
    const struct shoal_hook *hook, const struct shoal_listener *listener, const char *why);

#endif
