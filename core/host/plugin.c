// plugin.c - what a plugin may ask of itself and of where it runs.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/plugin.h>

#include <string.h>

#include "base/file.h"
#include "host/host_priv.h"
#include "host/plugin_priv.h"

const char *shoal_plugin_name(const struct shoal_plugin *self)
{
    return self->id.name;
}

const char *shoal_plugin_folder(const struct shoal_plugin *self)
{
    return self->folder;
}

void shoal_plugin_keep(struct shoal_plugin *self, void *state)
{
    self->kept = state;
}

void *shoal_plugin_kept(const struct shoal_plugin *self)
{
    return self->kept;
}

struct shoal_arena *shoal_plugin_arena(struct shoal_plugin *self)
{
    return self->arena;
}

const char *shoal_plugin_data(struct shoal_plugin *self, struct shoal_err *err)
{
    const char *data = shoal_instance_path("data");
    if (!data) {
        shoal_fail(err, SHOAL_EINTERNAL, "the instance has no folder");
        return NULL;
    }
    if (!self->data_path) {
        self->data_path = shoal_arena_printf(self->arena, "%s/data/%s", data, self->id.name);
    }
    return shoal_folder_make(self->data_path, 0750, err) < 0 ? NULL : self->data_path;
}

bool shoal_plugin_runs(const struct shoal_plugin *plugin)
{
    int state = atomic_load(&plugin->state);
    return state == SHOAL_PLUGIN_RUNNING || state == SHOAL_PLUGIN_STARTING;
}

int shoal_plugin_may_register(
    const struct shoal_plugin *plugin, const char *what, struct shoal_err *err)
{
    if (!plugin || atomic_load(&plugin->state) == SHOAL_PLUGIN_STARTING) {
        return 0;
    }
    return shoal_fail(
        err, SHOAL_EINVAL, "plugin %s registers %s outside of its start", plugin->id.name, what);
}
