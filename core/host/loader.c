// loader.c - the life of a plugin: checked, migrated, loaded, started, stopped, cleaned up after.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "data/data.h"
#include "host/hooks_priv.h"
#include "host/host_priv.h"
#include "host/language.h"
#include "host/pin.h"
#include "host/registry_priv.h"
#include "host/settings_priv.h"
#include "host/streams.h"

#define START_MS 60000

static int migrate(struct shoal_plugin *plugin, struct shoal_err *err)
{
    struct stat info;
    char copied[PATH_MAX] = "";
    const char *folder = shoal_arena_printf(plugin->arena, "%s/migrations", plugin->folder);
    if (!*plugin->folder || stat(folder, &info) < 0 || !S_ISDIR(info.st_mode)) {
        return 0;
    }
    if (!plugin->id.table_prefix) {
        return shoal_fail(err, SHOAL_EFORBIDDEN,
            "plugin %s has migrations, but not the permission \"database\"", plugin->id.name);
    }
    return shoal_migrate(plugin->id.name, folder, copied, err);
}

static int check_pin(const struct shoal_plugin *plugin, struct shoal_err *err)
{
    if (plugin->id.is_shipped || plugin->is_builtin) {
        return 0;
    }
    int code = shoal_pin_check(plugin->id.name, plugin->folder, plugin->options, err);
    if (code == SHOAL_EFORBIDDEN && shoal_host_get()->options.is_dev) {
        shoal_warn("%s (it starts all the same: --dev)", err->text);
        return 0;
    }
    return code;
}

/// A step that runs the plugin's own code: a crash in it is on the plugin's name.
static int run_own(struct shoal_plugin *plugin,
    int (*step)(struct shoal_plugin *plugin, struct shoal_err *err), struct shoal_err *err)
{
    struct shoal_call call;
    shoal_call_init(&call);
    call.deadline_ms = shoal_tick_ms() + START_MS; // nothing serves until it is over
    shoal_call_enter(&call, plugin);
    int code = step(plugin, err);
    while (call.depth > 0) {
        shoal_call_leave(&call);
    }
    shoal_call_fini(&call);
    return code;
}

static int prepare(struct shoal_plugin *plugin, struct shoal_err *err)
{
    plugin->language = shoal_language_find(plugin->manifest->language);
    if (!plugin->language) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED,
            "plugin %s is written in %s, which this server lacks", plugin->id.name,
            plugin->manifest->language);
    }
    int code = check_pin(plugin, err);
    code = code < 0 ? code : migrate(plugin, err);
    // A shared object may have constructors, which run while it is loaded.
    return code < 0 ? code : run_own(plugin, plugin->language->load, err);
}

static int start(struct shoal_plugin *plugin, struct shoal_err *err)
{
    atomic_store(&plugin->state, SHOAL_PLUGIN_STARTING);
    return run_own(plugin, plugin->language->start, err);
}

int shoal_plugin_start(
    struct shoal_plugin *plugin, json_t *fixed, bool is_cli, struct shoal_err *err)
{
    struct shoal_err inner = {0};
    plugin->settings = shoal_settings_new(
        plugin->id.name, plugin->manifest->settings, plugin->manifest->setting_count, fixed);
    int code = prepare(plugin, &inner);
    if (code < 0) {
        return shoal_fail(err, code, "%s", inner.text[0] ? inner.text : shoal_error_text(code));
    }
    code = start(plugin, &inner);
    if (code == 0) {
        atomic_store(&plugin->state, SHOAL_PLUGIN_RUNNING);
        shoal_debug("plugin %s %s started%s", plugin->id.name, plugin->manifest->version,
            is_cli ? " for a command" : "");
        return 0;
    }
    atomic_store(&plugin->state, SHOAL_PLUGIN_OFF);
    shoal_plugin_unregister(plugin, false, true);
    if (plugin->language->unload) {
        plugin->language->unload(plugin);
    }
    // An error in Lua comes with where it was called from: for who writes the plugin.
    int length = (int)strcspn(inner.text, "\n");
    if (inner.text[length]) {
        shoal_debug("plugin %s: %s", plugin->id.name, inner.text);
    }
    return shoal_fail(err, code, "plugin %s did not start: %.*s", plugin->id.name,
        length > 0 ? length : 200, length > 0 ? inner.text : shoal_error_text(code));
}

void shoal_plugin_unregister(struct shoal_plugin *plugin, bool with_stubs, bool with_routes)
{
    struct shoal_router *router = shoal_host_get()->options.router;
    if (with_routes && router) {
        shoal_router_remove_owner(router, plugin);
    }
    shoal_hooks_remove(plugin, with_stubs);
    shoal_services_remove(plugin);
    shoal_slots_remove(plugin);
    shoal_verbs_remove(plugin);
    shoal_metrics_remove(plugin);
    shoal_fallback_remove(plugin);
    shoal_jobs_owner_remove(plugin);
    shoal_timers_owner_remove(plugin);
    shoal_topics_owner_remove(plugin);
    shoal_streams_remove(plugin);
}

void shoal_plugin_stop(struct shoal_plugin *plugin)
{
    bool was_running = atomic_load(&plugin->state) == SHOAL_PLUGIN_RUNNING;
    shoal_plugin_unregister(plugin, false, true);
    atomic_store(&plugin->state, SHOAL_PLUGIN_OFF);
    if (was_running && plugin->language->stop) {
        struct shoal_call call;
        shoal_call_init(&call);
        shoal_call_enter(&call, plugin);
        plugin->language->stop(plugin);
        while (call.depth > 0) {
            shoal_call_leave(&call);
        }
        shoal_call_fini(&call);
    }
    if (was_running && plugin->language->unload) {
        plugin->language->unload(plugin);
    }
}
