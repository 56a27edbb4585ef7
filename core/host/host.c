// host.c - starts and stops the plugin host, and says how it is.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/host.h"

#include <stdio.h>
#include <string.h>

#include <shoal/json.h>

#include "data/data.h"
#include "host/builtin.h"
#include "host/disks.h"
#include "host/hooks_priv.h"
#include "host/host_priv.h"
#include "host/moderation_priv.h"
#include "host/outgoing.h"
#include "host/registry_priv.h"
#include "host/settings_priv.h"
#include "host/streams.h"
#include "net/fetcher.h"

static struct shoal_host host = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct shoal_host *shoal_host_get(void)
{
    return &host;
}

struct shoal_plugin *shoal_plugin_find(const char *name)
{
    for (size_t i = 0; i < host.count; i++) {
        if (strcmp(host.plugins[i]->id.name, name) == 0) {
            return host.plugins[i];
        }
    }
    return NULL;
}

/// Those that crashed the server before, and in safe mode all that did not come with it.
static void check_crashed(void)
{
    json_t *list = shoal_host_quarantined();
    for (size_t i = 0; i < host.count; i++) {
        struct shoal_plugin *plugin = host.plugins[i];
        const json_t *entry = json_object_get(list, plugin->id.name);
        if (atomic_load(&plugin->state) == SHOAL_PLUGIN_QUARANTINED) {
            shoal_error("plugin %s is quarantined: %s", plugin->id.name, plugin->sentence);
        } else if (entry) {
            shoal_plugin_set_aside(
                plugin, shoal_text(entry, "sentence", "it made the server crash"));
        } else if (host.options.is_safe_mode && !plugin->id.is_shipped) {
            shoal_plugin_set_aside(plugin,
                "the server is in safe mode: plugins from elsewhere stay "
                "away");
        }
    }
    json_decref(list);
}

static void declare_hooks(struct shoal_plugin *plugin)
{
    struct shoal_err err = {0};
    if (plugin->manifest && shoal_hooks_declare(plugin->manifest, &err) < 0) {
        shoal_plugin_set_aside(plugin, err.text);
    }
}

/// index: where its options stand in config. err: not NULL.
static int start_one(struct shoal_plugin *plugin, const struct shoal_config *config, size_t index,
    struct shoal_err *err)
{
    json_t *fixed = NULL;
    int code = 0;
    if (atomic_load(&plugin->state) == SHOAL_PLUGIN_QUARANTINED ||
        !shoal_plugin_needs_met(plugin, host.plugins, host.count)) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "%s", plugin->sentence);
    } else {
        code = shoal_settings_options(
            config, index, plugin->manifest->settings, plugin->manifest->setting_count, &fixed, err);
        code = code < 0 ? code : shoal_plugin_start(plugin, fixed, host.options.is_cli, err);
        if (code < 0) {
            shoal_plugin_set_aside(plugin, err->text);
        }
    }
    if (code < 0) {
        shoal_hooks_stubs(plugin);
    }
    return code;
}

static int start_fetcher(struct shoal_err *err)
{
    json_t *networks = shoal_instance_setting("fetch.private");
    json_t *url = shoal_instance_setting("url");
    char agent[256];
    const char *site = json_string_value(url);
    snprintf(agent, sizeof(agent), "Shoal/" SHOAL_VERSION "%s%s%s", site ? " (+" : "",
        site ? site : "", site ? ")" : "");
    int code = shoal_outgoing_start(agent, networks, err);
    json_decref(networks);
    json_decref(url);
    return code;
}

static int start_own(struct shoal_err *err)
{
    shoal_host_settings_open(host.options.config);
    int code = shoal_host_migrate(err);
    code = code < 0 ? code : start_fetcher(err);
    code = code < 0 ? code : shoal_tells_durable_start(err);
    if (code == 0 && host.options.router) {
        shoal_server_use(host.options.router);
        code = shoal_core_routes_add(host.options.router, err);
    }
    if (code == 0) {
        shoal_host_metrics_add();
        shoal_tells_start();
    }
    return code;
}

int shoal_host_start(const struct shoal_host_options *options, struct shoal_err *err)
{
    if (host.is_started) {
        return shoal_fail(err, SHOAL_ECONFLICT, "this process has a host already");
    }
    if (options->config->plugin_count >= SHOAL_PLUGINS_MAX) {
        return shoal_fail(
            err, SHOAL_ETOOLARGE, "shoal.lua lists more than %d plugins", SHOAL_PLUGINS_MAX);
    }
    host.options = *options;
    host.is_started = true;
    int code = start_own(err);
    if (code < 0) {
        shoal_host_stop();
        return code;
    }
    for (size_t i = 0; i < options->config->plugin_count; i++) {
        host.plugins[i] = shoal_plugin_discover(options, i);
    }
    host.count = options->config->plugin_count;
    check_crashed();
    shoal_plugins_order(host.plugins, host.count);
    for (size_t i = 0; i < host.count; i++) {
        declare_hooks(host.plugins[i]);
    }
    for (size_t i = 0; i < host.count; i++) {
        struct shoal_err out = {0}; // it is set aside, and the others start
        (void)start_one(host.plugins[i], options->config, host.plugins[i]->index, &out);
    }
    return 0;
}

int shoal_host_builtin(const struct shoal_plugin_descriptor *descriptor, const char *manifest,
    const char *folder, json_t *options, struct shoal_err *err)
{
    struct shoal_plugin *plugin = shoal_plugin_new(descriptor->name, folder, true);
    plugin->is_builtin = true;
    plugin->descriptor = descriptor;
    plugin->options = options ? options : json_object();
    plugin->index = host.count;
    const struct shoal_manifest *parsed =
        shoal_manifest_parse(plugin->arena, manifest, strlen(manifest), descriptor->name, err);
    if (!parsed || host.count == SHOAL_PLUGINS_MAX || shoal_plugin_find(descriptor->name)) {
        if (parsed) {
            shoal_fail(err, SHOAL_ECONFLICT, "plugin %s is there already", descriptor->name);
        }
        shoal_plugin_free(plugin);
        return SHOAL_EINVAL;
    }
    shoal_plugin_adopt(plugin, parsed);
    host.plugins[host.count++] = plugin;
    struct shoal_config_plugin entry = {.name = plugin->id.name, .options = plugin->options};
    struct shoal_config config = *host.options.config;
    config.plugins = &entry;
    config.plugin_count = 1;
    struct shoal_err inner = {0};
    declare_hooks(plugin);
    int code = start_one(plugin, &config, 0, &inner);
    return code < 0 ? shoal_fail(err, code, "%s", inner.text) : 0;
}

void shoal_host_stop(void)
{
    if (!host.is_started) {
        return;
    }
    shoal_timers_owner_remove(NULL); // the core's own ask the host where things lie
    shoal_tells_stop();
    for (size_t i = host.count; i > 0; i--) {
        shoal_plugin_stop(host.plugins[i - 1]);
    }
    shoal_disks_stop();
    shoal_metrics_remove(NULL);
    shoal_fetcher_stop();
    shoal_hooks_reset();
    for (size_t i = 0; i < host.count; i++) {
        shoal_resumers_remove(host.plugins[i]);
        shoal_plugin_free(host.plugins[i]);
    }
    shoal_settings_instance_close();
    host.count = 0;
    host.is_started = false;
    host.options = (struct shoal_host_options){0};
}

void shoal_host_ready(bool is_first_time)
{
    shoal_listeners_open();
    json_t *names = json_array();
    for (size_t i = 0; i < host.count; i++) {
        if (shoal_plugin_runs(host.plugins[i])) {
            json_array_append_new(names, json_string(host.plugins[i]->id.name));
        }
    }
    shoal_fire_tell("instance.started", json_pack("{s:s, s:o, s:b}", "version", SHOAL_VERSION,
                                            "plugins", names, "first_time", is_first_time));
}

void shoal_host_stopping(const char *reason, int64_t drain_ms)
{
    shoal_fire_tell("instance.stopping",
        json_pack("{s:s, s:I}", "reason", reason, "drain_ms", (json_int_t)drain_ms));
}
