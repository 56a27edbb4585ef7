// host.h - the plugin host: finds, checks, starts, guards and stops plugins.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_HOST_H
#define SHOAL_CORE_HOST_HOST_H
#include <jansson.h>

#include <shoal/plugin.h>

#include "host/config.h"
#include "net/server.h"

/// One host a process. Plugins are looked for in DIR/plugins, then in the server's own folder.
struct shoal_host_options {
    const struct shoal_config *config;
    const char *shipped_plugins; ///< folder of the plugins that come with the server
    const char *themes;          ///< folder of the themes that come with it
    struct shoal_router *router;
    bool is_safe_mode;           ///< shipped plugins only
    bool is_cli;                 ///< start plugins for a command: no timers, no jobs, no listeners
};
/// Reads manifests, checks them, migrates the plugins' tables and starts them in order. A plugin that
/// fails is quarantined with a sentence; only a broken host is an error.
int shoal_host_start(const struct shoal_host_options *options, struct shoal_err *err);
/// Stops plugins in reverse order and removes what they registered.
void shoal_host_stop(void);
/// The app that the server runs requests with: authentication, route.enter, handler, errors.
struct shoal_app shoal_host_app(void);
/// [{name, version, state: "running|quarantined|off", sentence, language, permissions, shipped}].
json_t *shoal_host_plugins(void);
/// Quarantines a running plugin: its routes and hooks go, fail-closed decides answer hold.
void shoal_host_quarantine(const char *plugin, const char *sentence);
/// [{hook, kind, plugin, priority}] in the order in which they are asked.
json_t *shoal_host_hooks(void);
/// "ok" or "degraded" and the sentences why.
json_t *shoal_host_health(void);

/// What the catalog gives the host: who has this credential?
struct shoal_host_auth {
    /// Fills viewer from a bearer token or session cookie. SHOAL_EAUTH with code invalid_token.
    int (*token)(struct shoal_call *call, const char *token, bool by_cookie,
        struct shoal_viewer *viewer, struct shoal_err *err);
};
void shoal_host_auth_set(const struct shoal_host_auth *auth);

/// Remembers, within a transaction, what a decide hook held, so that shoal_release() and
/// shoal_refuse_held() find it; holding the same subject again replaces it. The owner of the hook
/// (catalog, a plugin) hears the answer through the resumer that it named.
///
/// payload: what the resumer needs; borrowed, stored. decision: who held it and why.
int shoal_host_hold(struct shoal_db *tx, const char *hook, const char *subject,
    const json_t *payload, const struct shoal_decision *decision, struct shoal_err *err);
/// Forgets what is held about a subject that is gone. Nothing held is fine.
int shoal_host_hold_forget(struct shoal_db *tx, const char *hook, const char *subject,
    struct shoal_err *err);
/// Goes on with (released) or ends (refused) what was held; on a worker, outside transactions.
typedef int shoal_host_resume_fn(struct shoal_call *call, const char *hook, const char *subject,
    const json_t *payload, bool released, const char *sentence, struct shoal_err *err);
/// Names who resumes a hook; before plugins start. The table of what is held is the host's.
void shoal_host_resumer_set(const char *hook, shoal_host_resume_fn *fn);

/// One row of sdk/hooks.def.
enum shoal_hook_kind { SHOAL_HOOK_TELL, SHOAL_HOOK_DURABLE, SHOAL_HOOK_FILTER, SHOAL_HOOK_DECIDE };
enum shoal_hook_failure {
    SHOAL_FAIL_NONE, SHOAL_FAIL_OPEN, SHOAL_FAIL_CLOSED, SHOAL_FAIL_HOLD, SHOAL_FAIL_SAME,
    SHOAL_FAIL_AGAIN
};

#endif
