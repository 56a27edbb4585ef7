// slots.c - the places of the theme's pages that plugins fill.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/pages.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sized.h"
#include "host/host_priv.h"
#include "host/permissions.h"
#include "host/registry_priv.h"

#define FILLERS_MAX 256

static const char *const slot_names[] = {"head", "nav.main", "nav.user", "footer", "home.top",
    "watch.before_player", "watch.below_player", "watch.actions", "watch.side", "video.form",
    "upload.top", "channel.header", "login.methods", "register.form", "my.menu", "admin.menu",
    "admin.home"};
#define SLOT_COUNT (sizeof(slot_names) / sizeof(slot_names[0]))

struct filler {
    struct shoal_plugin *plugin;
    size_t slot;
    shoal_slot_fn *fn;
    void *arg;
};
static struct {
    pthread_rwlock_t lock;
    struct filler items[FILLERS_MAX];
    size_t count;
} registry = {.lock = PTHREAD_RWLOCK_INITIALIZER};

static size_t find_slot(const char *name)
{
    size_t slot = 0;
    while (slot < SLOT_COUNT && strcmp(slot_names[slot], name) != 0) {
        slot++;
    }
    return slot;
}

int shoal_slot_add(struct shoal_plugin *self, const char *slot, shoal_slot_fn *fn, void *arg,
    struct shoal_err *err)
{
    int code = shoal_plugin_may_register(self, slot, err);
    code = code < 0 ? code : shoal_permission_need(self, "pages", NULL, err);
    if (code < 0) {
        return code;
    }
    size_t number = find_slot(slot);
    if (number == SLOT_COUNT) {
        const char *nearest = shoal_nearest(slot, slot_names, SLOT_COUNT);
        return shoal_fail(err, SHOAL_ENOTFOUND, "pages have no slot \"%s\"%s%s%s", slot,
            nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    }
    pthread_rwlock_wrlock(&registry.lock);
    if (registry.count < FILLERS_MAX) {
        registry.items[registry.count++] =
            (struct filler){.plugin = self, .slot = number, .fn = fn, .arg = arg};
    } else {
        code = shoal_fail(err, SHOAL_EBUSY, "slots are filled more than %d times", FILLERS_MAX);
    }
    pthread_rwlock_unlock(&registry.lock);
    return code;
}

/// The fillers of a slot, copied, so that no lock is held while plugins run.
static size_t fillers_of(const char *name, struct filler out[FILLERS_MAX])
{
    size_t number = find_slot(name);
    size_t count = 0;
    pthread_rwlock_rdlock(&registry.lock);
    for (size_t i = 0; i < registry.count; i++) {
        if (registry.items[i].slot == number) {
            out[count++] = registry.items[i];
        }
    }
    pthread_rwlock_unlock(&registry.lock);
    return count;
}

void shoal_slot_render(
    struct shoal_call *call, const char *slot, const json_t *data, struct shoal_buf *out)
{
    struct filler fillers[FILLERS_MAX];
    size_t count = fillers_of(slot, fillers);
    for (size_t i = 0; i < count; i++) {
        struct shoal_err err = {0};
        size_t before = out->length;
        int depth = call->depth;
        shoal_call_enter(call, fillers[i].plugin);
        int code = fillers[i].fn(call, slot, data, out, fillers[i].arg, &err);
        while (call->depth > depth) {
            shoal_call_leave(call);
        }
        if (code < 0) {
            if (out->data) {
                out->length = before;
                out->data[before] = 0;
            }
            shoal_warn("plugin %s could not fill the slot %s: %s", fillers[i].plugin->id.name, slot,
                err.text[0] ? err.text : shoal_error_text(code));
        }
    }
}

void shoal_slots_remove(const struct shoal_plugin *plugin)
{
    pthread_rwlock_wrlock(&registry.lock);
    registry.count = shoal_registry_drop(registry.items, registry.count, sizeof registry.items[0], plugin);
    pthread_rwlock_unlock(&registry.lock);
}

int shoal_html_escape(struct shoal_buf *out, const char *text)
{
    int code = 0;
    while (code == 0 && *text) {
        size_t plain = strcspn(text, "&<>\"'");
        code = shoal_buf_add(out, text, plain);
        text += plain;
        const char *entity = *text == '&'   ? "&amp;"
                             : *text == '<' ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '"' ? "&quot;"
                                            : "&#39;";
        if (*text && code == 0) {
            code = shoal_buf_puts(out, entity);
            text++;
        }
    }
    return code;
}

size_t shoal_pages_folders_sized(struct shoal_pages_folder *out, size_t out_bytes, size_t room)
{
    struct shoal_host *host = shoal_host_get();
    size_t found = 0;
    for (size_t i = 0; i < host->count && found < room; i++) {
        struct shoal_plugin *plugin = host->plugins[i];
        if (!plugin->manifest || !plugin->folder ||
            atomic_load(&plugin->state) == SHOAL_PLUGIN_QUARANTINED ||
            shoal_permission_need(plugin, "pages", NULL, NULL) < 0) {
            continue;
        }
        char path[4096];
        snprintf(path, sizeof(path), "%s/pages", plugin->folder);
        if (access(path, R_OK | X_OK) == 0) {
            struct shoal_pages_folder one = {.plugin = plugin->id.name,
                .folder = plugin->folder,
                .may_script = shoal_permission_need(plugin, "scripts", NULL, NULL) == 0};
            shoal_sized_copy((char *)out + found++ * out_bytes, out_bytes, &one, sizeof(one));
        }
    }
    return found;
}
