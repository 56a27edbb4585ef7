// config.c - reads shoal.lua: the one file in which an administrator composes an instance.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <shoal/json.h>

#include "base/alloc.h"
#include "base/file.h"
#include "host/config_keys.h"
#include "host/config_priv.h"

#define FILE_NAME  "shoal.lua"
#define FILE_MAX   (1u << 20)
#define PATH_BYTES 256

int shoal_config_fail(struct shoal_err *err, int line, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (line > 0) {
        return shoal_fail(err, SHOAL_EINVAL, FILE_NAME ":%d: %s", line, text);
    }
    return shoal_fail(err, SHOAL_EINVAL, FILE_NAME ": %s", text);
}

int shoal_config_line(const struct shoal_config *config, const char *path)
{
    const struct shoal_config_state *state = config->state;
    return (int)json_integer_value(json_object_get(state->lines, path));
}

int shoal_config_option_line(const struct shoal_config *config, size_t index, const char *key)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "plugins.%zu.%.100s", index + 1, key);
    int line = shoal_config_line(config, path);
    return line > 0 ? line : config->plugins[index].line;
}

bool shoal_config_is_override(const struct shoal_config *config, const char *name)
{
    const struct shoal_config_state *state = config->state;
    return json_object_get(state->overrides, name) != NULL;
}

const json_t *shoal_config_get(const struct shoal_config *config, const char *path)
{
    return shoal_get(config->values, path);
}

static json_t *resolved(
    const struct shoal_config *config, const struct shoal_setting_row *row, json_t *value)
{
    const char *text = json_string_value(value);
    if (row->type != SHOAL_SETTING_PATH || !text || *text == '/') {
        return value;
    }
    json_t *absolute = json_sprintf("%s/%s", config->folder, text);
    json_decref(value);
    return absolute;
}

int shoal_config_url_check(const char *url, struct shoal_err *err)
{
    size_t scheme = url && strncmp(url, "https://", 8) == 0  ? 8
                    : url && strncmp(url, "http://", 7) == 0 ? 7
                                                             : 0;
    if (scheme == 0 || url[scheme] == 0 || strlen(url) > 200 ||
        url[scheme + strcspn(url + scheme, "/?#@\\ \t\r\n\"<>")] != 0) {
        return shoal_fail(err, SHOAL_EINVAL,
            "\"url\" must look like \"https://example.org\", without a path or slash at its end");
    }
    return 0;
}

static int unknown_key(const char *name, int line, struct shoal_err *err)
{
    if (shoal_config_key_is_folder(name)) {
        return shoal_config_fail(err, line, "\"%s\" must be a table", name);
    }
    const char *nearest = shoal_config_key_nearest(name);
    return shoal_config_fail(err, line, "unknown key \"%s\"%s%s%s", name,
        nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

/// Checks the values below a path and puts them into their kept form, in place.
static int check_values(
    struct shoal_config *config, json_t *object, const char *path, struct shoal_err *err)
{
    const char *key = NULL;
    json_t *value = NULL;
    void *next = NULL;
    json_object_foreach_safe(object, next, key, value)
    {
        char name[PATH_BYTES];
        snprintf(name, sizeof(name), "%.120s%s%.120s", path, *path ? "." : "", key);
        int line = shoal_config_line(config, name);
        const struct shoal_setting_row *row = shoal_config_key_find(name);
        bool is_table = json_is_object(value);
        if (!row && shoal_config_key_is_folder(name) && is_table) {
            int code = check_values(config, value, name, err);
            if (code < 0) {
                return code;
            }
            continue;
        }
        if (!row) {
            return unknown_key(name, line, err);
        }
        struct shoal_err inner = {0};
        json_t *normal = shoal_setting_normal(row, value, &inner);
        bool is_bad = !normal || (strcmp(name, "url") == 0 && !json_is_null(normal) &&
                                     shoal_config_url_check(json_string_value(normal), &inner) < 0);
        if (is_bad) {
            json_decref(normal);
            return shoal_config_fail(err, line, "%s", inner.text);
        }
        json_object_set_new(object, key, resolved(config, row, normal));
    }
    return 0;
}

static int override_plugin(struct shoal_config *config, const char *name, size_t length,
    const char *key, const char *value)
{
    for (size_t i = 0; i < config->plugin_count; i++) {
        struct shoal_config_plugin *plugin = &config->plugins[i];
        if (strlen(plugin->name) == length && strncmp(plugin->name, name, length) == 0) {
            json_object_set_new(plugin->options, key, json_string(value));
            return 0;
        }
    }
    return SHOAL_ENOTFOUND;
}

int shoal_config_override(struct shoal_config *config, const char *text, struct shoal_err *err)
{
    struct shoal_config_state *state = config->state;
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || equals - text >= PATH_BYTES) {
        return shoal_fail(err, SHOAL_EINVAL, "--set %s: it must look like PLUGIN.KEY=VALUE", text);
    }
    char name[PATH_BYTES];
    snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
    const char *dot = strchr(name, '.');
    if (dot && override_plugin(config, name, (size_t)(dot - name), dot + 1, equals + 1) == 0) {
        json_object_set_new(state->overrides, name, json_true());
        return 0;
    }
    const struct shoal_setting_row *row = shoal_config_key_find(name);
    if (!row) {
        const char *nearest = shoal_config_key_nearest(name);
        return shoal_fail(err, SHOAL_EINVAL,
            "--set %s: there is no such key and no such plugin%s%s%s", name,
            nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"" : "");
    }
    struct shoal_err inner = {0};
    json_t *wanted = json_string(equals + 1);
    json_t *normal = shoal_setting_normal(row, wanted, &inner);
    json_decref(wanted);
    if (!normal || (strcmp(name, "url") == 0 &&
                       shoal_config_url_check(json_string_value(normal), &inner) < 0)) {
        json_decref(normal);
        return shoal_fail(err, SHOAL_EINVAL, "--set %s: %s", name, inner.text);
    }
    json_object_set_new(state->overrides, name, json_true());
    return shoal_json_set(config->values, name, resolved(config, row, normal));
}

int shoal_config_there(const char *folder, struct shoal_err *err)
{
    char path[PATH_MAX];
    struct stat info;
    int wrote = snprintf(path, sizeof(path), "%s/" FILE_NAME, folder);
    int number = wrote >= (int)sizeof(path) ? ENAMETOOLONG : stat(path, &info) == 0 ? 0 : errno;
    if (number == 0) {
        return 0;
    }
    if (number == EACCES) {
        return shoal_fail(err, SHOAL_EFORBIDDEN,
            "%s may not be looked into: do it as the user whose instance it is, or with sudo", folder);
    }
    if (number == ENOTDIR) {
        return shoal_fail(err, SHOAL_ENOTFOUND,
            "%s is not a folder: an instance is named by the folder that holds its " FILE_NAME, folder);
    }
    return shoal_fail(err, SHOAL_ENOTFOUND, "there is no instance at %s (%s); `shoal init %s` makes one",
        folder, stat(folder, &info) == 0 ? "no " FILE_NAME " is in it" : "nor a folder", folder);
}

static int read_file(struct shoal_config *config, struct shoal_err *err)
{
    struct shoal_config_state *state = config->state;
    char *path = shoal_arena_printf(state->arena, "%s/" FILE_NAME, config->folder);
    struct shoal_buf text = {.limit = FILE_MAX + 1};
    int code = shoal_config_there(config->folder, err);
    code = code == 0 ? shoal_file_read_whole(path, FILE_MAX, &text, err) : code;
    if (code < 0) {
        shoal_buf_fini(&text);
        return code;
    }
    const char *data = text.data ? text.data : "";
    state->lines = shoal_config_lex(data, text.length);
    config->values = shoal_config_evaluate(data, text.length, FILE_NAME, config->folder, err);
    shoal_buf_fini(&text);
    return config->values ? 0 : SHOAL_EINVAL;
}

static int check_all(
    struct shoal_config *config, const char *const *overrides, size_t count, struct shoal_err *err)
{
    struct shoal_config_state *state = config->state;
    json_t *listens = json_incref(json_object_get(config->values, "listen"));
    json_t *plugins = json_incref(json_object_get(config->values, "plugins"));
    json_object_del(config->values, "listen");
    json_object_del(config->values, "plugins");
    int code = check_values(config, config->values, "", err);
    if (code == 0) {
        code = shoal_config_plugins(config, state->arena, plugins, err);
    }
    for (size_t i = 0; i < count && code == 0; i++) {
        if (strncmp(overrides[i], "listen=", strlen("listen=")) == 0) {
            json_decref(listens);
            listens = json_string(overrides[i] + strlen("listen="));
            continue;
        }
        code = shoal_config_override(config, overrides[i], err);
    }
    if (code == 0) {
        code = shoal_config_listens(config, state->arena, listens, err);
    }
    json_decref(listens);
    json_decref(plugins);
    return code;
}

struct shoal_config *shoal_config_read(
    const char *folder, const char *const *overrides, size_t override_count, struct shoal_err *err)
{
    struct shoal_config *config = shoal_alloc(1, sizeof(*config));
    struct shoal_config_state *state = shoal_alloc(1, sizeof(*state));
    config->state = state;
    state->arena = shoal_arena_new(0);
    state->overrides = json_object();
    char *absolute = realpath(folder, NULL);
    config->folder = shoal_arena_strdup(state->arena, absolute ? absolute : folder);
    free(absolute);
    int code = read_file(config, err);
    if (code == 0) {
        code = check_all(config, overrides, override_count, err);
    }
    if (code < 0) {
        shoal_config_free(config);
        return NULL;
    }
    config->url = json_string_value(shoal_config_get(config, "url"));
    return config;
}

void shoal_config_free(struct shoal_config *config)
{
    if (!config) {
        return;
    }
    struct shoal_config_state *state = config->state;
    for (size_t i = 0; i < config->plugin_count; i++) {
        json_decref(config->plugins[i].options);
    }
    json_decref(config->values);
    json_decref(state->lines);
    json_decref(state->overrides);
    shoal_arena_free(state->arena);
    free(state);
    free(config);
}
