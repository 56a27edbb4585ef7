// quarantine.c - leaves broken plugins out, and remembers those that made the server crash.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include <shoal/json.h>

#include "data/data.h"
#include "host/hooks_priv.h"
#include "host/host_priv.h"
#include "host/registry_priv.h"
#include "host/sentence.h"

#define STORE_OWNER "host"
#define STORE_KEY   "quarantine"

struct health {
    const char *what, *name, *sentence;
};

static int write_health(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct health *health = arg;
    (void)call;
    json_t *event = json_pack("{s:s, s:s, s:s}", "what", health->what, "name", health->name,
        "sentence", health->sentence);
    int code = shoal_fire_durable(tx, "health.changed", event, err);
    json_decref(event);
    return code;
}

static void tell_health(const char *what, const char *name, const char *sentence)
{
    if (!shoal_hook_heard("health.changed")) {
        return;
    }
    struct shoal_call call;
    struct shoal_err err = {0};
    struct health health = {what, name, sentence};
    shoal_call_init(&call);
    if (shoal_tx(&call, write_health, &health, &err) < 0) {
        shoal_warn("health.changed could not be told: %s", err.text);
    }
    shoal_call_fini(&call);
}

void shoal_plugin_set_aside(struct shoal_plugin *plugin, const char *sentence)
{
    struct shoal_host *host = shoal_host_get();
    pthread_mutex_lock(&host->lock);
    shoal_sentence_copy(plugin->sentence, sizeof(plugin->sentence), sentence);
    atomic_store(&plugin->state, SHOAL_PLUGIN_QUARANTINED);
    pthread_mutex_unlock(&host->lock);
    shoal_error("plugin %s is quarantined: %s", plugin->id.name, plugin->sentence);
    tell_health("quarantined", plugin->id.name, plugin->sentence);
}

void shoal_host_quarantine(const char *name, const char *sentence)
{
    struct shoal_plugin *plugin = shoal_plugin_find(name);
    struct shoal_err err = {0};
    if (plugin && shoal_plugin_runs(plugin)) {
        shoal_plugin_unregister(plugin, true, false);
        shoal_plugin_set_aside(plugin, sentence);
    }
    if (shoal_host_quarantine_store(name, sentence, &err) < 0) {
        shoal_error("the quarantine of %s could not be kept: %s", name, err.text);
    }
}

json_t *shoal_host_quarantined(void)
{
    json_t *stored = shoal_store_get(STORE_OWNER, STORE_KEY);
    if (!json_is_object(stored)) {
        json_decref(stored);
        stored = json_object();
    }
    return stored;
}

static int write_list(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    return shoal_store_set(call, tx, STORE_OWNER, STORE_KEY, arg, err);
}

int shoal_host_quarantine_store(const char *plugin, const char *sentence, struct shoal_err *err)
{
    json_t *list = shoal_host_quarantined();
    bool was_there = json_object_get(list, plugin) != NULL;
    if (sentence) {
        char at[32];
        char text[512];
        shoal_time_format(shoal_now_ms(), at);
        shoal_sentence_copy(text, sizeof(text), sentence);
        json_object_set_new(list, plugin, json_pack("{s:s, s:s}", "sentence", text, "at", at));
    } else if (!was_there) {
        json_decref(list);
        return shoal_fail(err, SHOAL_ENOTFOUND, "plugin %s is not quarantined", plugin);
    } else {
        json_object_del(list, plugin);
    }
    struct shoal_call call;
    shoal_call_init(&call);
    int code = shoal_tx(&call, write_list, list, err);
    shoal_call_fini(&call);
    json_decref(list);
    if (code == 0 && !sentence) {
        tell_health("released", plugin, "the administrator took it back in");
    }
    return code;
}
