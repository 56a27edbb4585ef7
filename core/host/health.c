// health.c - how the instance is, as lists for pages and commands.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include <shoal/json.h>

#include "data/data.h"
#include "host/config_priv.h"
#include "host/disks.h"
#include "host/hooks_priv.h"
#include "host/host_priv.h"
#include "host/permissions.h"
#include "host/pin.h"
#include "host/settings_priv.h"

static const char *state_name(const struct shoal_plugin *plugin)
{
    switch (atomic_load(&plugin->state)) {
    case SHOAL_PLUGIN_RUNNING:
    case SHOAL_PLUGIN_STARTING:
        return "running";
    case SHOAL_PLUGIN_QUARANTINED:
        return "quarantined";
    default:
        return "off";
    }
}

static json_t *list_of(const char *const *texts)
{
    json_t *list = json_array();
    for (; texts && *texts; texts++) {
        json_array_append_new(list, json_string(*texts));
    }
    return list;
}

/// Its sentence, or NULL while it is well.
static json_t *sentence_of(struct shoal_plugin *plugin)
{
    struct shoal_host *host = shoal_host_get();
    pthread_mutex_lock(&host->lock);
    bool is_out = atomic_load(&plugin->state) == SHOAL_PLUGIN_QUARANTINED;
    json_t *sentence = is_out ? json_string(plugin->sentence) : json_null();
    pthread_mutex_unlock(&host->lock);
    return sentence ? sentence : json_string("its sentence is not UTF-8");
}

json_t *shoal_host_plugins(void)
{
    const struct shoal_host *host = shoal_host_get();
    json_t *list = json_array();
    for (size_t i = 0; i < host->count; i++) {
        struct shoal_plugin *plugin = host->plugins[i];
        const struct shoal_manifest *manifest = plugin->manifest;
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:b, s:i}", "name",
                      plugin->id.name, "version", manifest ? manifest->version : "", "summary",
                      manifest ? manifest->summary : "", "state", state_name(plugin), "sentence",
                      sentence_of(plugin), "language", manifest ? manifest->language : "",
                      "permissions", list_of(plugin->id.permissions), "shipped",
                      plugin->id.is_shipped, "strikes", (int)atomic_load(&plugin->strikes)));
    }
    return list;
}

static void add_hook(struct shoal_hook *hook, void *user)
{
    json_t *list = user;
    const struct shoal_listeners *listeners = shoal_hook_listeners(hook);
    for (size_t i = 0; i < listeners->count; i++) {
        const struct shoal_listener *item = &listeners->items[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:i, s:b}", "hook", hook->name, "kind",
                      shoal_hook_kind_name(hook->kind), "plugin", item->name, "priority",
                      item->priority, "quarantined", item->is_stub));
    }
}

json_t *shoal_host_hooks(void)
{
    json_t *list = json_array();
    shoal_hooks_each(add_hook, list);
    return list;
}

/// Parked jobs are counted at most every few seconds: /health may be asked often.
static int64_t parked_jobs(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static int64_t counted_ms;
    static int64_t parked;
    pthread_mutex_lock(&lock);
    int64_t now = shoal_tick_ms();
    if (counted_ms == 0 || now - counted_ms > 5000) {
        struct shoal_call call;
        shoal_call_init(&call);
        json_t *counts = shoal_jobs_count(&call, NULL);
        parked = shoal_integer(counts, "parked", 0);
        json_decref(counts);
        shoal_call_fini(&call);
        counted_ms = now;
    }
    int64_t out = parked;
    pthread_mutex_unlock(&lock);
    return out;
}

json_t *shoal_host_health(void)
{
    const struct shoal_host *host = shoal_host_get();
    json_t *sentences = json_array();
    for (size_t i = 0; i < host->count; i++) {
        struct shoal_plugin *plugin = host->plugins[i];
        if (atomic_load(&plugin->state) == SHOAL_PLUGIN_QUARANTINED) {
            json_array_append_new(
                sentences, json_sprintf("the plugin %s is quarantined", plugin->id.name));
        }
    }
    int64_t parked = parked_jobs();
    if (parked > 0) {
        json_array_append_new(sentences, json_sprintf("%lld jobs are parked", (long long)parked));
    }
    shoal_disks_tell(sentences);
    if (host->options.is_safe_mode) {
        json_array_append_new(sentences, json_string("the server is in safe mode"));
    }
    const char *status = json_array_size(sentences) > 0 ? "degraded" : "ok";
    return json_pack("{s:s, s:o}", "status", status, "sentences", sentences);
}

static json_t *check_one(const struct shoal_host_options *options, size_t index)
{
    struct shoal_plugin *plugin = shoal_plugin_discover(options, index);
    struct shoal_err err = {0};
    json_t *permissions = json_array();
    json_t *fixed = NULL;
    int code = 0;
    if (plugin->manifest) {
        for (const char *const *at = plugin->manifest->permissions; *at; at++) {
            json_array_append_new(
                permissions, json_string(shoal_permission_sentence(plugin->arena, *at)));
        }
        code = shoal_settings_options(options->config, index, plugin->manifest->settings,
            plugin->manifest->setting_count, &fixed, &err);
        if (code == 0 && !plugin->id.is_shipped) {
            code = shoal_pin_check(plugin->id.name, plugin->folder, plugin->options, &err);
        }
    }
    json_decref(fixed);
    const char *problem = code < 0 ? err.text : plugin->sentence;
    json_t *out = json_pack("{s:s, s:s?, s:o, s:b}", "name", plugin->id.name, "problem",
        *problem ? problem : NULL, "permissions", permissions, "shipped", plugin->id.is_shipped);
    shoal_plugin_free(plugin);
    return out;
}

json_t *shoal_host_check(const struct shoal_host_options *options)
{
    json_t *list = json_array();
    for (size_t i = 0; i < options->config->plugin_count; i++) {
        json_array_append_new(list, check_one(options, i));
    }
    return list;
}
