// services.h - what one plugin provides and others use, by name.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SERVICES_H
#define SHOAL_SERVICES_H
#include <jansson.h>

#include <shoal/sized.h>
#include <shoal/version.h>

/// Provides a service: a table whose first member is its size (see shoal/svc/), under this plugin's
/// name. The manifest lists it under "provides".
///
/// Returns: 0 or a negative error. Errors: SHOAL_EFORBIDDEN, SHOAL_ECONFLICT (this plugin provides it
///          already, or somebody as the single one). Thread: start() only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_provide(struct shoal_plugin *self, const char *service, const void *table,
    void *arg, struct shoal_err *err);
/// Provides a service of which there is one provider, as its contract says ("One provider"): two queues
/// or two who sign would contradict each other. A second one is refused, whichever of both says so.
///
/// Returns: 0 or a negative error. Errors: SHOAL_EFORBIDDEN, SHOAL_ECONFLICT (somebody provides it
///          already). Thread: start() only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_provide_single(struct shoal_plugin *self, const char *service,
    const void *table, void *arg, struct shoal_err *err);

/// Whether a table has a member: it is long enough, and the provider filled it in.
#define SHOAL_HAS(table, member)                                                                   \
    ((table)->size >= offsetof(__typeof__(*(table)), member) + sizeof((table)->member) &&           \
        (table)->member)

/// A provider that can be called: its table and what goes in as its `arg`.
struct shoal_service {
    const void *table;
    void *arg;
    const char *plugin;
};
/// Finds the provider named `plugin`, or the chosen one when plugin is NULL.
///
/// Returns: false where there is none (or it is quarantined). Errors: none. Thread: [any].
/// Blocks:  no. Since: 1.0.
SHOAL_INLINE bool shoal_service_find(const char *service, const char *plugin,
    struct shoal_service *out)
{
    return shoal_service_find_sized(service, plugin, out, sizeof *out);
}
/// All providers in order. Returns: how many there are; at most `room` are filled in.
SHOAL_INLINE size_t shoal_service_all(const char *service, struct shoal_service *out, size_t room)
{
    return shoal_service_all_sized(service, out, sizeof *out, room);
}

/// The table of a service that is called by name with JSON: what Lua provides, and a C plugin may.
struct shoal_svc_json {
    size_t size; ///< sizeof(struct shoal_svc_json)
    /// Does `operation` with arguments (borrowed); *result: a new reference or NULL.
    int (*call)(struct shoal_call *call, void *arg, const char *operation, const json_t *arguments,
        json_t **result, struct shoal_err *err);
};

/// Marks that code of a provider runs: with its own tables and permissions, and so that a crash or a hang
/// is laid at the right door.
SHOAL_API void shoal_enter(struct shoal_call *call, const struct shoal_service *service);
SHOAL_API void shoal_leave(struct shoal_call *call);
/// The name of the plugin that called the one that runs now, NULL for the core. A provider asks it first, and
/// enters that plugin (`shoal_enter(call, &(struct shoal_service){.plugin = name})`; NULL is the core) around
/// each function that came with the call: it has the tables and permissions of its author, not the provider's.
///
/// Returns: borrowed; lives as long as the server. Errors: none. Thread: [worker]. Blocks: no. Since: 1.0.
SHOAL_API const char *shoal_caller(const struct shoal_call *call);

#endif
