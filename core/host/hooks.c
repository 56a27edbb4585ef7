// hooks.c - the registry of hooks: rows, subscriptions, and who is asked in which order.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "host/hooks_priv.h"

static const struct {
    const char *name, *owner, *since, *moment, *payload;
    enum shoal_hook_kind kind;
    enum shoal_hook_failure failure;
    int cpu_ms, wall_ms;
} core_hooks[] = {
#define SHOAL_HOOK(name_, kind_, owner_, since_, cpu_, wall_, failure_, moment_, payload_)         \
    {.name = (name_),                                                                              \
        .owner = (owner_),                                                                         \
        .since = (since_),                                                                         \
        .moment = (moment_),                                                                       \
        .payload = (payload_),                                                                     \
        .kind = SHOAL_HOOK_##kind_,                                                                \
        .failure = SHOAL_FAIL_##failure_,                                                          \
        .cpu_ms = (cpu_),                                                                          \
        .wall_ms = (wall_)},
#include "../../sdk/hooks.def"
#undef SHOAL_HOOK
};
#define CORE_HOOK_COUNT (sizeof(core_hooks) / sizeof(core_hooks[0]))

/// The rows, sorted by name; replaced whole, never changed.
struct table {
    size_t count;
    struct shoal_hook *rows[];
};
static _Atomic(const struct table *) current;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shoal_arena *arena; ///< tables, rows and lists until the host stops
static const struct shoal_listeners nobody;

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct shoal_hook *const *)a)->name, (*(struct shoal_hook *const *)b)->name);
}

/// Under the lock: publishes a table with `more` rows added.
static void publish(const struct table *old, struct shoal_hook *const *more, size_t count)
{
    size_t old_count = old ? old->count : 0;
    struct table *table =
        shoal_arena_alloc(arena, sizeof(*table) + (old_count + count) * sizeof(table->rows[0]));
    table->count = old_count + count;
    if (old_count > 0) {
        memcpy(table->rows, old->rows, old_count * sizeof(table->rows[0]));
    }
    memcpy(table->rows + old_count, more, count * sizeof(table->rows[0]));
    qsort(table->rows, table->count, sizeof(table->rows[0]), by_name);
    atomic_store(&current, table);
}

/// Under the lock: the table, made of the core's rows the first time.
static const struct table *open_table(void)
{
    if (!arena) {
        arena = shoal_arena_new(0);
        struct shoal_hook *rows[CORE_HOOK_COUNT];
        for (size_t i = 0; i < CORE_HOOK_COUNT; i++) {
            struct shoal_hook *hook = shoal_arena_alloc(arena, sizeof(*hook));
            hook->name = core_hooks[i].name;
            hook->owner = core_hooks[i].owner;
            hook->since = core_hooks[i].since;
            hook->moment = core_hooks[i].moment;
            hook->payload = core_hooks[i].payload;
            hook->kind = core_hooks[i].kind;
            hook->failure = core_hooks[i].failure;
            hook->cpu_ms = core_hooks[i].cpu_ms;
            hook->wall_ms = core_hooks[i].wall_ms;
            rows[i] = hook;
        }
        publish(NULL, rows, CORE_HOOK_COUNT);
    }
    return atomic_load(&current);
}

static struct shoal_hook *find_in(const struct table *table, const char *name)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, table->rows[middle]->name);
        if (order == 0) {
            return table->rows[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

static const struct table *table_get(void)
{
    const struct table *table = atomic_load(&current);
    if (!table) {
        pthread_mutex_lock(&lock);
        table = open_table();
        pthread_mutex_unlock(&lock);
    }
    return table;
}

struct shoal_hook *shoal_hook_find(const char *name)
{
    return find_in(table_get(), name);
}

const struct shoal_listeners *shoal_hook_listeners(const struct shoal_hook *hook)
{
    const struct shoal_listeners *list = atomic_load(&hook->listeners);
    return list ? list : &nobody;
}

void shoal_hooks_each(void (*each)(struct shoal_hook *hook, void *user), void *user)
{
    const struct table *table = table_get();
    for (size_t i = 0; i < table->count; i++) {
        each(table->rows[i], user);
    }
}

int shoal_hooks_declare(const struct shoal_manifest *manifest, struct shoal_err *err)
{
    struct shoal_hook *rows[256];
    size_t count = 0;
    int code = 0;
    pthread_mutex_lock(&lock);
    const struct table *table = open_table();
    for (size_t i = 0; i < manifest->fire_count && code == 0; i++) {
        const struct shoal_manifest_fire *fire = &manifest->fires[i];
        const struct shoal_hook *old = find_in(table, fire->name);
        if (old && (old->kind != fire->kind || strcmp(old->owner, manifest->name) != 0)) {
            code = shoal_fail(err, SHOAL_ECONFLICT, "the hook %s is a %s of %s already", fire->name,
                shoal_hook_kind_name(old->kind), old->owner);
        }
        if (old || code < 0) {
            continue;
        }
        struct shoal_hook *hook = shoal_arena_alloc(arena, sizeof(*hook));
        hook->name = shoal_arena_strdup(arena, fire->name);
        hook->owner = shoal_arena_strdup(arena, manifest->name);
        hook->moment = shoal_arena_strdup(arena, fire->moment);
        hook->payload = fire->payload ? shoal_arena_strdup(arena, fire->payload) : "";
        hook->since = shoal_arena_strdup(arena, manifest->version);
        hook->kind = fire->kind;
        hook->failure = fire->failure;
        hook->cpu_ms = fire->cpu_ms > 0 ? fire->cpu_ms : 50;
        hook->wall_ms = fire->wall_ms > 0 ? fire->wall_ms : 2000;
        rows[count++] = hook;
    }
    if (code == 0 && count > 0) {
        publish(table, rows, count);
    }
    pthread_mutex_unlock(&lock);
    return code;
}

static int by_priority(const void *a, const void *b)
{
    const struct shoal_listener *x = a;
    const struct shoal_listener *y = b;
    if (x->priority != y->priority) {
        return x->priority < y->priority ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

/// Under the lock: publishes the list without those that `drop` names, and with `more` (or NULL).
static void replace(
    struct shoal_hook *hook, const struct shoal_plugin *drop, const struct shoal_listener *more)
{
    const struct shoal_listeners *old = shoal_hook_listeners(hook);
    struct shoal_listeners *list =
        shoal_arena_alloc(arena, sizeof(*list) + (old->count + 1) * sizeof(list->items[0]));
    for (size_t i = 0; i < old->count; i++) {
        if (!drop || old->items[i].plugin != drop) {
            list->items[list->count++] = old->items[i];
        }
    }
    if (more) {
        list->items[list->count++] = *more;
    }
    qsort(list->items, list->count, sizeof(list->items[0]), by_priority);
    atomic_store(&hook->listeners, list);
}

static int subscribe(struct shoal_plugin *self, const char *name, enum shoal_hook_kind kind,
    struct shoal_listener *listener, struct shoal_err *err)
{
    struct shoal_hook *hook = shoal_hook_find(name);
    const char *who = self ? self->id.name : "core";
    listener->plugin = self;
    listener->name = who;
    listener->priority = 100;
    int code = shoal_plugin_may_register(self, name, err);
    if (code < 0) {
        return code;
    }
    if (self && !shoal_manifest_hook_find(self->manifest, name, &listener->priority)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN,
            "plugin %s listens to %s without naming it in its "
            "plugin.json under \"hooks\"",
            who, name);
    }
    if (!hook) {
        return shoal_fail(
            err, SHOAL_ENOTFOUND, "plugin %s listens to %s, which nobody fires", who, name);
    }
    bool is_tell = hook->kind == SHOAL_HOOK_TELL || hook->kind == SHOAL_HOOK_DURABLE;
    if (kind == SHOAL_HOOK_TELL ? !is_tell : hook->kind != kind) {
        return shoal_fail(err, SHOAL_EINVAL, "plugin %s takes %s for a %s, but it is a %s", who,
            name, shoal_hook_kind_name(kind), shoal_hook_kind_name(hook->kind));
    }
    pthread_mutex_lock(&lock);
    replace(hook, NULL, listener);
    pthread_mutex_unlock(&lock);
    return 0;
}

/// The SDK's calls have no err: what is wrong is said in the log and again by the failing start.
static int subscribe_logged(struct shoal_plugin *self, const char *name, enum shoal_hook_kind kind,
    struct shoal_listener *listener)
{
    struct shoal_err err = {0};
    int code = subscribe(self, name, kind, listener, &err);
    if (code < 0) {
        shoal_warn("%s", err.text);
    }
    return code;
}

int shoal_tell(struct shoal_plugin *self, const char *hook, shoal_tell_fn *fn, void *arg)
{
    struct shoal_listener listener = {.tell = fn, .arg = arg};
    return subscribe_logged(self, hook, SHOAL_HOOK_TELL, &listener);
}

int shoal_filter(struct shoal_plugin *self, const char *hook, shoal_filter_fn *fn, void *arg)
{
    struct shoal_listener listener = {.filter = fn, .arg = arg};
    return subscribe_logged(self, hook, SHOAL_HOOK_FILTER, &listener);
}

int shoal_decide(struct shoal_plugin *self, const char *hook, shoal_decide_fn *fn, void *arg)
{
    struct shoal_listener listener = {.decide = fn, .arg = arg};
    return subscribe_logged(self, hook, SHOAL_HOOK_DECIDE, &listener);
}

bool shoal_hook_heard(const char *hook)
{
    const struct shoal_hook *row = shoal_hook_find(hook);
    return row && shoal_hook_listeners(row)->count > 0;
}

static bool needs_stub(const struct shoal_hook *hook)
{
    return hook->kind == SHOAL_HOOK_DECIDE && hook->failure != SHOAL_FAIL_OPEN;
}

static bool hears(const struct shoal_hook *hook, const struct shoal_plugin *plugin, int *priority)
{
    const struct shoal_listeners *list = shoal_hook_listeners(hook);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].plugin == plugin) {
            *priority = list->items[i].priority;
            return true;
        }
    }
    return false;
}

void shoal_hooks_remove(struct shoal_plugin *plugin, bool with_stubs)
{
    pthread_mutex_lock(&lock);
    const struct table *table = open_table();
    for (size_t i = 0; i < table->count; i++) {
        struct shoal_listener stub = {.plugin = plugin, .name = plugin->id.name, .is_stub = true};
        struct shoal_hook *hook = table->rows[i];
        if (hears(hook, plugin, &stub.priority)) {
            replace(hook, plugin, with_stubs && needs_stub(hook) ? &stub : NULL);
        }
    }
    pthread_mutex_unlock(&lock);
}

void shoal_hooks_stubs(struct shoal_plugin *plugin)
{
    for (size_t i = 0; plugin->manifest && i < plugin->manifest->hook_count; i++) {
        struct shoal_hook *hook = shoal_hook_find(plugin->manifest->hooks[i].name);
        struct shoal_listener stub = {.plugin = plugin,
            .name = plugin->id.name,
            .is_stub = true,
            .priority = plugin->manifest->hooks[i].priority};
        if (hook && needs_stub(hook)) {
            pthread_mutex_lock(&lock);
            replace(hook, plugin, &stub);
            pthread_mutex_unlock(&lock);
        }
    }
}

void shoal_hooks_reset(void)
{
    pthread_mutex_lock(&lock);
    atomic_store(&current, NULL);
    shoal_arena_free(arena);
    arena = NULL;
    pthread_mutex_unlock(&lock);
}
