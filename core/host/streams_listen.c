// streams_listen.c - listeners that plugins ask for, opened once the server runs.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <shoal/stream.h>

#include "base/sized.h"
#include "host/host_priv.h"
#include "host/listener_open.h"
#include "host/permissions.h"
#include "host/registry_priv.h"
#include "host/streams.h"
#include "net/stream.h"

#define WANTED_MAX 64

struct wanted {
    struct shoal_plugin *owner;
    enum shoal_listener_kind kind;
    const char *address; ///< in the plugin's arena
    struct shoal_stream_ops ops;
    void *arg;
    bool is_open;
};
static struct {
    pthread_mutex_t lock;
    struct wanted items[WANTED_MAX];
    size_t count;
    shoal_host_opener_fn *open;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

void shoal_host_opener_set(shoal_host_opener_fn *open)
{
    registry.open = open;
}

int shoal_listen_sized(struct shoal_plugin *self, int number, const char *address,
    const struct shoal_stream_ops *ops, size_t ops_bytes, void *arg, struct shoal_err *err)
{
    enum shoal_listener_kind kind = (enum shoal_listener_kind)number;
    int code = shoal_plugin_may_register(self, address, err);
    if (kind != SHOAL_LISTEN_UNIX) {
        code = code < 0 ? code : shoal_permission_need(self, "listen", address, err);
    }
    if (code < 0) {
        return code;
    }
    const char *where = shoal_arena_strdup(self->arena, address);
    if (kind == SHOAL_LISTEN_UNIX && *address != '/') {
        const char *data = shoal_plugin_data(self, err);
        if (!data) {
            return SHOAL_EIO;
        }
        where = shoal_arena_printf(self->arena, "%s/%s", data, address);
    }
    pthread_mutex_lock(&registry.lock);
    if (registry.count == WANTED_MAX) {
        code = shoal_fail(err, SHOAL_EBUSY, "plugins ask for more than %d listeners", WANTED_MAX);
    } else {
        struct wanted *wanted = &registry.items[registry.count++];
        *wanted = (struct wanted){.owner = self, .kind = kind, .address = where, .arg = arg};
        shoal_sized_copy(&wanted->ops, sizeof(wanted->ops), ops, ops_bytes);
    }
    pthread_mutex_unlock(&registry.lock);
    return code;
}

static int open_one(struct wanted *wanted, struct shoal_err *err)
{
    int fd = -1;
    int code = registry.open ? registry.open((int)wanted->kind, wanted->address, &fd, err)
                             : SHOAL_EUNSUPPORTED;
    if (code == SHOAL_EUNSUPPORTED) {
        code = shoal_listener_open((int)wanted->kind, wanted->address, &fd, err);
    }
    if (code < 0) {
        return code;
    }
    code = shoal_raw_listen(wanted->kind, fd, 0, &wanted->ops, wanted->owner, wanted->arg, err);
    if (code < 0) {
        close(fd);
    }
    return code;
}

void shoal_listeners_open(void)
{
    pthread_mutex_lock(&registry.lock);
    for (size_t i = 0; i < registry.count; i++) {
        struct wanted *wanted = &registry.items[i];
        struct shoal_err err = {0};
        if (wanted->is_open) {
            continue;
        }
        int code = open_one(wanted, &err);
        wanted->is_open = code == 0;
        if (code < 0) {
            shoal_error("plugin %s cannot listen on %s: %s", wanted->owner->id.name,
                wanted->address, err.text[0] ? err.text : shoal_error_text(code));
        }
    }
    pthread_mutex_unlock(&registry.lock);
}

void shoal_streams_remove(struct shoal_plugin *plugin)
{
    pthread_mutex_lock(&registry.lock);
    registry.count = shoal_registry_drop(registry.items, registry.count, sizeof registry.items[0], plugin);
    pthread_mutex_unlock(&registry.lock);
    shoal_listeners_owner_remove(plugin);
    shoal_streams_owner_remove(plugin);
}
