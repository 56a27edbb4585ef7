// host.h - the plugin host: finds, checks, starts, guards and stops plugins.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_HOST_H
#define SHOAL_CORE_HOST_HOST_H
#include <jansson.h>

#include <shoal/plugin.h>

#include "data/data.h"
#include "host/config.h"
#include "net/server.h"

/// One host a process. Plugins are looked for in DIR/plugins, then in the server's own folder.
struct shoal_host_options {
    const struct shoal_config *config;
    const char *shipped_plugins; ///< folder of the plugins that come with the server
    const char *themes;          ///< folder of the themes that come with it
    struct shoal_router *router;
    bool is_safe_mode; ///< shipped plugins only
    bool is_dev; ///< for who writes a plugin: one that does not fit its pin starts, with a warning
    bool is_cli; ///< start plugins for a command: no timers, no jobs, no listeners
};
/// Reads manifests, checks them, migrates the plugins' tables and starts them in order. A plugin
/// that fails is quarantined with a sentence; only a broken host is an error.
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

/// The server answers now, and it is about to end: instance.started, instance.stopping.
void shoal_host_ready(bool is_first_time);
void shoal_host_stopping(const char *reason, int64_t drain_ms);
/// Plugins that stay away until somebody clears them: {NAME: {sentence, at}}; a new reference.
/// Works with an open database, also without a started host.
json_t *shoal_host_quarantined(void);
/// Remembers that a plugin is to be left out (sentence NULL: forgets it), for the next start.
int shoal_host_quarantine_store(const char *plugin, const char *sentence, struct shoal_err *err);
/// [{plugin, verb, help}] and running one: its exit code, or SHOAL_ENOTFOUND.
json_t *shoal_host_verbs(void);
int shoal_host_verb_run(struct shoal_call *call, const char *plugin, const char *verb, int argc,
    const char *const *argv, struct shoal_err *err);
/// What `check` says of the plugins without starting them: [{name, problem or null, permissions: [
/// sentences]}].
json_t *shoal_host_check(const struct shoal_host_options *options);
/// The languages of pages for the server's options: first, then those that plugins added;
/// NULL-ended. Borrowed for as long as the process lives. Returns: how many.
size_t shoal_host_locales(const char *first, const char **out, size_t room);
/// Waits until every tell in memory that was fired so far has been heard.
void shoal_host_tells_wait(void);

/// Who opens the sockets of listeners that plugins add: the supervisor's child sets it before the
/// host starts (shoal_super_listen()). Without it the host opens them itself.
typedef int shoal_host_opener_fn(int kind, const char *address, int *fd, struct shoal_err *err);
void shoal_host_opener_set(shoal_host_opener_fn *open);

/// Makes settings of the instance readable before the host starts (the host does it otherwise).
void shoal_host_settings_open(const struct shoal_config *config);
/// The rows of the instance's settings or of a plugin's, with values and whether they are locked:
/// [{name, type, value, default, min, max, unit, help, reloadable, source, locked}].
json_t *shoal_host_settings(const char *plugin);

/// The host's own migrations ("core.host"), in order.
const struct shoal_migration *shoal_host_migrations(size_t *count);

/// What the catalog gives the host: who has this credential?
struct shoal_host_auth {
    /// Fills viewer from a bearer token or session cookie. SHOAL_EAUTH with code invalid_token.
    int (*token)(struct shoal_call *call, const char *token, bool by_cookie,
        struct shoal_viewer *viewer, struct shoal_err *err);
};
void shoal_host_auth_set(const struct shoal_host_auth *auth);

/// One row of sdk/hooks.def.
enum shoal_hook_kind {
    SHOAL_HOOK_TELL,
    SHOAL_HOOK_DURABLE,
    SHOAL_HOOK_FILTER,
    SHOAL_HOOK_DECIDE
};
enum shoal_hook_failure {
    SHOAL_FAIL_NONE,
    SHOAL_FAIL_OPEN,
    SHOAL_FAIL_CLOSED,
    SHOAL_FAIL_HOLD,
    SHOAL_FAIL_SAME,
    SHOAL_FAIL_AGAIN
};

#endif
