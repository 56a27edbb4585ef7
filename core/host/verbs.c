// verbs.c - what plugins add to the command line.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/cli.h>

#include <string.h>

#include "host/host.h"
#include "host/permissions.h"
#include "host/registry_priv.h"

#define VERBS_MAX 256

struct verb {
    struct shoal_plugin *plugin;
    const char *name, *help;
    int (*fn)(struct shoal_call *call, int argc, const char *const *argv, void *arg);
    void *arg;
};
static struct {
    pthread_mutex_t lock;
    struct verb items[VERBS_MAX];
    size_t count;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

/// Under the lock.
static struct verb *find(const char *plugin, const char *name)
{
    for (size_t i = 0; i < registry.count; i++) {
        struct verb *verb = &registry.items[i];
        if (strcmp(verb->plugin->id.name, plugin) == 0 && strcmp(verb->name, name) == 0) {
            return verb;
        }
    }
    return NULL;
}

int shoal_cli_add(struct shoal_plugin *self, const char *verb, const char *help,
    int (*fn)(struct shoal_call *call, int argc, const char *const *argv, void *arg), void *arg)
{
    struct shoal_err err = {0};
    int code = shoal_plugin_may_register(self, verb, &err);
    code = code < 0 ? code : shoal_permission_need(self, "cli", NULL, &err);
    pthread_mutex_lock(&registry.lock);
    if (code == 0 && (find(self->id.name, verb) || registry.count == VERBS_MAX)) {
        code = shoal_fail(
            &err, SHOAL_ECONFLICT, "plugin %s has the verb %s twice", self->id.name, verb);
    }
    if (code == 0) {
        registry.items[registry.count++] = (struct verb){.plugin = self,
            .name = shoal_arena_strdup(self->arena, verb),
            .help = shoal_arena_strdup(self->arena, help),
            .fn = fn,
            .arg = arg};
    }
    pthread_mutex_unlock(&registry.lock);
    if (code < 0) {
        shoal_warn("%s", err.text);
    }
    return code;
}

json_t *shoal_host_verbs(void)
{
    json_t *list = json_array();
    pthread_mutex_lock(&registry.lock);
    for (size_t i = 0; i < registry.count; i++) {
        const struct verb *verb = &registry.items[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "plugin", verb->plugin->id.name,
                                        "verb", verb->name, "help", verb->help));
    }
    pthread_mutex_unlock(&registry.lock);
    return list;
}

int shoal_host_verb_run(struct shoal_call *call, const char *plugin, const char *verb, int argc,
    const char *const *argv, struct shoal_err *err)
{
    pthread_mutex_lock(&registry.lock);
    const struct verb *found = find(plugin, verb);
    struct verb copy = found ? *found : (struct verb){0};
    pthread_mutex_unlock(&registry.lock);
    if (!found) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "plugin %s has no verb %s", plugin, verb);
    }
    shoal_call_enter(call, copy.plugin);
    int code = copy.fn(call, argc, argv, copy.arg);
    shoal_call_leave(call);
    return code < 0 ? 1 : code;
}

void shoal_verbs_remove(const struct shoal_plugin *plugin)
{
    pthread_mutex_lock(&registry.lock);
    registry.count = shoal_registry_drop(registry.items, registry.count, sizeof registry.items[0], plugin);
    pthread_mutex_unlock(&registry.lock);
}
