// services.c - who provides what: tables by service name, in the order of the configuration.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/services.h>

#include <string.h>

#include "base/sized.h"
#include "host/host.h"
#include "host/registry_priv.h"

#define PROVIDERS_MAX 256

struct provider {
    struct shoal_plugin *plugin;
    const char *service;
    const void *table;
    void *arg;
    bool is_single;
};
static struct {
    pthread_rwlock_t lock;
    struct provider items[PROVIDERS_MAX];
    size_t count;
} registry = {.lock = PTHREAD_RWLOCK_INITIALIZER};

static int provide(struct shoal_plugin *self, const char *service, const void *table, void *arg,
    bool is_single, struct shoal_err *err)
{
    int code = shoal_plugin_may_register(self, service, err);
    if (code < 0) {
        return code;
    }
    if (!shoal_manifest_lists(self->manifest->provides, service)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN,
            "plugin %s provides %s without naming it in its plugin.json under \"provides\"",
            self->id.name, service);
    }
    pthread_rwlock_wrlock(&registry.lock);
    for (size_t i = 0; i < registry.count && code == 0; i++) {
        const struct provider *other = &registry.items[i];
        if (strcmp(other->service, service) == 0 &&
            (is_single || other->is_single || other->plugin == self)) {
            code = shoal_fail(err, SHOAL_ECONFLICT, "%s provides the service %s already",
                other->plugin->id.name, service);
        }
    }
    if (code == 0 && registry.count == PROVIDERS_MAX) {
        code = shoal_fail(err, SHOAL_EBUSY, "there are more than %d providers", PROVIDERS_MAX);
    }
    if (code == 0) {
        registry.items[registry.count++] = (struct provider){.plugin = self,
            .table = table,
            .service = shoal_arena_strdup(self->arena, service),
            .arg = arg,
            .is_single = is_single};
    }
    pthread_rwlock_unlock(&registry.lock);
    return code;
}

int shoal_provide(struct shoal_plugin *self, const char *service, const void *table, void *arg,
    struct shoal_err *err)
{
    return provide(self, service, table, arg, false, err);
}

int shoal_provide_single(struct shoal_plugin *self, const char *service, const void *table, void *arg,
    struct shoal_err *err)
{
    return provide(self, service, table, arg, true, err);
}

size_t shoal_service_all_sized(
    const char *service, struct shoal_service *out, size_t out_bytes, size_t room)
{
    size_t found = 0;
    pthread_rwlock_rdlock(&registry.lock);
    for (size_t i = 0; i < registry.count; i++) {
        const struct provider *item = &registry.items[i];
        if (strcmp(item->service, service) != 0) {
            continue;
        }
        if (found < room) {
            struct shoal_service one = {
                .table = item->table, .arg = item->arg, .plugin = item->plugin->id.name};
            shoal_sized_copy((char *)out + found * out_bytes, out_bytes, &one, sizeof(one));
        }
        found++;
    }
    pthread_rwlock_unlock(&registry.lock);
    return found;
}

/// The provider that the configuration names: the key of the service's name ("storage").
static bool find_chosen(
    const char *service, const struct shoal_service *all, size_t count, struct shoal_service *out)
{
    if (strcmp(service, "storage") != 0) {
        return false;
    }
    json_t *chosen = shoal_instance_setting(service);
    bool found = false;
    for (size_t i = 0; i < count && json_is_string(chosen) && !found; i++) {
        found = strcmp(all[i].plugin, json_string_value(chosen)) == 0;
        if (found) {
            *out = all[i];
        }
    }
    json_decref(chosen);
    return found;
}

bool shoal_service_find_sized(
    const char *service, const char *plugin, struct shoal_service *out, size_t out_bytes)
{
    struct shoal_service all[64], chosen = {0};
    size_t count = shoal_service_all(service, all, sizeof(all) / sizeof(all[0]));
    count = count < 64 ? count : 64;
    bool is_found = !plugin && find_chosen(service, all, count, &chosen);
    for (size_t i = 0; i < count && !is_found; i++) {
        is_found = !plugin || strcmp(all[i].plugin, plugin) == 0;
        chosen = is_found ? all[i] : chosen;
    }
    if (is_found) {
        shoal_sized_copy(out, out_bytes, &chosen, sizeof(chosen));
    }
    return is_found;
}

void shoal_services_remove(const struct shoal_plugin *plugin)
{
    pthread_rwlock_wrlock(&registry.lock);
    registry.count = shoal_registry_drop(registry.items, registry.count, sizeof registry.items[0], plugin);
    pthread_rwlock_unlock(&registry.lock);
}

void shoal_enter(struct shoal_call *call, const struct shoal_service *service)
{
    shoal_call_enter(call, service->plugin ? shoal_plugin_find(service->plugin) : NULL);
}

const char *shoal_caller(const struct shoal_call *call)
{
    const struct shoal_plugin *plugin = shoal_call_caller(call);
    return plugin ? plugin->id.name : NULL;
}

void shoal_leave(struct shoal_call *call)
{
    shoal_call_leave(call);
}
