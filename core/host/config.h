// config.h - shoal.lua: the one file in which an administrator composes an instance.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_CONFIG_H
#define SHOAL_CORE_HOST_CONFIG_H
#include <jansson.h>

#include <shoal/error.h>

/// One `listen` line: "127.0.0.1:9000", "[::]:443 tls", "0.0.0.0:80 redirect",
/// "unix:run/shoal.sock".
struct shoal_config_listen {
    char host[108]; ///< address, or path of a Unix socket
    int port;
    bool is_unix, is_tls, is_redirect;
};
struct shoal_config_plugin {
    const char *name;
    json_t *options; ///< its keys in the file, by name
    int line;        ///< of the file
};
/// The file as read. Everything in it lives until shoal_config_free().
struct shoal_config {
    const char *folder; ///< the instance's folder
    const char *url;    ///< or NULL
    struct shoal_config_listen *listens;
    size_t listen_count;
    struct shoal_config_plugin *plugins; ///< in the order of the file
    size_t plugin_count;
    json_t *values; ///< every other key, nested ("instance", "tls", "http", "log", …)
    void *state;
};
/// Whether a text may be the public address. Returns: 0, or SHOAL_EINVAL with a sentence.
int shoal_config_url_check(const char *url, struct shoal_err *err);
/// Whether a folder is an instance: whether shoal.lua is in it. Says what is there instead, and what to do.
/// Errors: SHOAL_ENOTFOUND, SHOAL_EFORBIDDEN (it may not be looked into).
int shoal_config_there(const char *folder, struct shoal_err *err);
/// Reads DIR/shoal.lua. overrides: "PLUGIN.KEY=VALUE" or "instance.KEY=VALUE" of the command line.
/// Unknown keys, bad types and syntax errors are one sentence with file and line, and the nearest
/// key.
struct shoal_config *shoal_config_read(
    const char *folder, const char *const *overrides, size_t override_count, struct shoal_err *err);
void shoal_config_free(struct shoal_config *config);
/// A value by dotted path, borrowed, or NULL; and the line it stands on (0: not in the file).
const json_t *shoal_config_get(const struct shoal_config *config, const char *path);
int shoal_config_line(const struct shoal_config *config, const char *path);

#endif
