// plugin.h - the one header that a plugin includes.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_PLUGIN_H
#define SHOAL_PLUGIN_H
#include <shoal/annotations.h>
#include <shoal/arena.h>
#include <shoal/base.h>
#include <shoal/buf.h>
#include <shoal/call.h>
#include <shoal/catalog.h>
#include <shoal/cli.h>
#include <shoal/db.h>
#include <shoal/error.h>
#include <shoal/fetch.h>
#include <shoal/follows.h>
#include <shoal/hooks.h>
#include <shoal/http.h>
#include <shoal/jobs.h>
#include <shoal/json.h>
#include <shoal/media.h>
#include <shoal/metrics.h>
#include <shoal/moderation.h>
#include <shoal/pages.h>
#include <shoal/process.h>
#include <shoal/services.h>
#include <shoal/settings.h>
#include <shoal/stream.h>
#include <shoal/timer.h>
#include <shoal/topics.h>
#include <shoal/version.h>

/// What a shared object exports. Append only; size says how much of it the plugin knows.
struct shoal_plugin_descriptor {
    size_t size;
    int abi_major, abi_minor;
    const char *name; ///< as in plugin.json
    /// Registers everything the plugin does. A negative error quarantines it, with err's sentence.
    int (*start)(struct shoal_plugin *self, struct shoal_err *err);
    /// The last call; whatever was registered is removed by the host. Or NULL.
    void (*stop)(struct shoal_plugin *self);
    const struct shoal_sql *const *sql_start, *const *sql_stop; ///< its statements; see SHOAL_SQL
};

extern const struct shoal_sql *const __start_shoal_sql[] __attribute__((weak, visibility("hidden")));
extern const struct shoal_sql *const __stop_shoal_sql[] __attribute__((weak, visibility("hidden")));

/// Exports the descriptor: SHOAL_PLUGIN(.name = "hello", .start = start);
#define SHOAL_PLUGIN(...)                                                                          \
    __attribute__((visibility("default"))) extern const struct shoal_plugin_descriptor             \
        shoal_plugin_descriptor;                                                                   \
    const struct shoal_plugin_descriptor shoal_plugin_descriptor = {                               \
        .size = sizeof(struct shoal_plugin_descriptor),                                            \
        .abi_major = SHOAL_ABI_MAJOR,                                                              \
        .abi_minor = SHOAL_ABI_MINOR,                                                              \
        .sql_start = __start_shoal_sql,                                                            \
        .sql_stop = __stop_shoal_sql,                                                              \
        __VA_ARGS__}

/// The plugin's own name and folder, a pointer that it keeps, and an arena that lives as long as it.
///
/// Returns: borrowed. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API const char *shoal_plugin_name(const struct shoal_plugin *self);
SHOAL_API const char *shoal_plugin_folder(const struct shoal_plugin *self);
SHOAL_API void shoal_plugin_keep(struct shoal_plugin *self, void *state);
SHOAL_API void *shoal_plugin_kept(const struct shoal_plugin *self);
SHOAL_API struct shoal_arena *shoal_plugin_arena(struct shoal_plugin *self);
/// A folder of its own below the instance's data, made on the first call.
SHOAL_API const char *shoal_plugin_data(struct shoal_plugin *self, struct shoal_err *err);
/// A key of this plugin to seal with, the same each time; derived from a file in the instance's folder
/// that no copy of the database has. The manifest needs "secrets". Wipe it after use.
///
/// name:    what it is for: each name has a key of its own. out: room for `bytes` (16 to 64).
/// Returns: 0 or a negative error. Errors: SHOAL_EFORBIDDEN, SHOAL_EINVAL, SHOAL_ECORRUPT (the file is
///          damaged), SHOAL_EIO, SHOAL_EFULL. Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_secret(struct shoal_call *call, const char *name, void *out, size_t bytes,
    struct shoal_err *err);
/// Where this server is: "data" (the instance's folder), "tmp", "media", "themes", "vendor" (what npm gives the pages).
SHOAL_API const char *shoal_instance_path(const char *what);
/// Ends this server as `shoal stop` does: requests finish, plugins stop, and it is not started again.
///
/// why:     one sentence for the log.
/// Returns: 0 or a negative error. Errors: SHOAL_ENOTFOUND (it is not served: a command, a test),
///          SHOAL_EFORBIDDEN. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_instance_end(const char *why, struct shoal_err *err);

#endif
