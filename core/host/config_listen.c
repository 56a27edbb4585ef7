// config_listen.c - reads the `listen` lines and the list of plugins.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/config_priv.h"
#include "host/manifest.h"

#define LISTENS_MAX 32

static int parse_flags(struct shoal_config_listen *listen, const char *flags)
{
    while (*flags) {
        size_t length = strcspn(flags, " ");
        if (length == 3 && strncmp(flags, "tls", 3) == 0) {
            listen->is_tls = true;
        } else if (length == 8 && strncmp(flags, "redirect", 8) == 0) {
            listen->is_redirect = true;
        } else if (length > 0) {
            return SHOAL_EINVAL;
        }
        flags += length + (flags[length] == ' ' ? 1 : 0);
    }
    return listen->is_tls && listen->is_redirect ? SHOAL_EINVAL : 0;
}

static int parse_unix(
    struct shoal_config_listen *listen, const char *folder, const char *path, size_t length)
{
    bool is_absolute = length > 0 && *path == '/';
    int wrote = snprintf(listen->host, sizeof(listen->host), "%s%s%.*s", is_absolute ? "" : folder,
        is_absolute ? "" : "/", (int)length, path);
    listen->is_unix = true;
    return length > 0 && wrote < (int)sizeof(listen->host) ? 0 : SHOAL_EINVAL;
}

static int parse_port(const char *text, size_t length, int *port)
{
    char digits[8];
    if (length == 0 || length >= sizeof(digits) || strspn(text, "0123456789") < length) {
        return SHOAL_EINVAL;
    }
    memcpy(digits, text, length);
    digits[length] = 0;
    long number = strtol(digits, NULL, 10);
    *port = (int)number;
    return number > 65535 ? SHOAL_EINVAL : 0;
}

/// "HOST:PORT flags", "[V6]:PORT flags", "PORT", "unix:PATH".
static int parse_listen(struct shoal_config_listen *listen, const char *folder, const char *text)
{
    size_t length = strcspn(text, " ");
    if (parse_flags(listen, text + length) < 0) {
        return SHOAL_EINVAL;
    }
    if (strncmp(text, "unix:", 5) == 0) {
        return parse_unix(listen, folder, text + 5, length - 5);
    }
    const char *host = text;
    size_t host_length = 0;
    const char *colon = NULL;
    if (*text == '[') {
        const char *close = memchr(text, ']', length);
        colon = close && close[1] == ':' ? close + 1 : NULL;
        host = text + 1;
        host_length = colon ? (size_t)(close - host) : 0;
    } else {
        colon = memchr(text, ':', length);
        host_length = colon ? (size_t)(colon - host) : 0;
    }
    if (!colon) {
        snprintf(listen->host, sizeof(listen->host), "127.0.0.1");
        return parse_port(text, length, &listen->port);
    }
    if (host_length >= sizeof(listen->host)) {
        return SHOAL_EINVAL;
    }
    snprintf(listen->host, sizeof(listen->host), "%.*s", (int)host_length, host);
    if (host_length == 0) {
        snprintf(listen->host, sizeof(listen->host), "0.0.0.0");
    }
    return parse_port(colon + 1, length - (size_t)(colon + 1 - text), &listen->port);
}

int shoal_config_listens(struct shoal_config *config, struct shoal_arena *arena,
    const json_t *value, struct shoal_err *err)
{
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    if (count > LISTENS_MAX) {
        return shoal_config_fail(err, shoal_config_line(config, "listen"),
            "there are more than %d addresses to listen on", LISTENS_MAX);
    }
    config->listens = shoal_arena_alloc(arena, count * sizeof(*config->listens));
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        const char *text = value ? json_string_value(item) : "127.0.0.1:9000";
        char place[32];
        snprintf(place, sizeof(place), "listen.%zu", i + 1);
        int line = shoal_config_line(config, place);
        if (!text || parse_listen(&config->listens[i], config->folder, text) < 0) {
            return shoal_config_fail(err, line > 0 ? line : shoal_config_line(config, "listen"),
                "\"%s\" is not an address to listen on, like \"127.0.0.1:9000\", \"[::]:443 tls\" "
                "or "
                "\"unix:run/shoal.sock\"",
                text ? text : "?");
        }
        bool has_key =
            shoal_config_get(config, "tls.certificate") && shoal_config_get(config, "tls.key");
        if (config->listens[i].is_tls && !has_key) {
            return shoal_config_fail(
                err, line, "\"%s\" needs tls = { certificate = \"…\", key = \"…\" }", text);
        }
    }
    config->listen_count = count;
    return 0;
}

static int read_plugin(struct shoal_config *config, struct shoal_arena *arena, size_t index,
    const json_t *item, struct shoal_err *err)
{
    char place[40];
    snprintf(place, sizeof(place), "plugins.%zu", index + 1);
    struct shoal_config_plugin *plugin = &config->plugins[index];
    plugin->line = shoal_config_line(config, place);
    // { "web" } without any option is a list of one.
    const json_t *said = json_is_object(item) ? json_object_get(item, "1")
                         : json_is_array(item) && json_array_size(item) == 1
                             ? json_array_get(item, 0)
                             : item;
    const char *name = json_string_value(said);
    if (!name || !shoal_manifest_name_valid(name)) {
        return shoal_config_fail(err, plugin->line,
            "entry %zu of plugins must be a name, like \"api\" or { \"web\", theme = \"default\" }",
            index + 1);
    }
    plugin->name = shoal_arena_strdup(arena, name);
    plugin->options = json_is_object(item) ? json_copy((json_t *)(uintptr_t)item) : json_object();
    json_object_del(plugin->options, "1");
    for (size_t i = 0; i < index; i++) {
        if (strcmp(config->plugins[i].name, name) == 0) {
            return shoal_config_fail(err, plugin->line, "plugin %s is listed twice", name);
        }
    }
    return 0;
}

int shoal_config_plugins(struct shoal_config *config, struct shoal_arena *arena,
    const json_t *value, struct shoal_err *err)
{
    size_t count = json_array_size(value);
    bool is_empty = !value || (json_is_object(value) && json_object_size(value) == 0);
    if (!json_is_array(value) && !is_empty) {
        return shoal_config_fail(err, shoal_config_line(config, "plugins"),
            "plugins must be a list, like { \"api\", \"web\" }");
    }
    config->plugins = shoal_arena_alloc(arena, (count + 1) * sizeof(*config->plugins));
    for (size_t i = 0; i < count; i++) {
        config->plugin_count = i + 1;
        int code = read_plugin(config, arena, i, json_array_get(value, i), err);
        if (code < 0) {
            return code;
        }
    }
    return 0;
}
