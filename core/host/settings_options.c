// settings_options.c - checks what shoal.lua says to a plugin against the plugin's settings.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/config_priv.h"
#include "host/settings_priv.h"

#define NAME_BYTES 160

struct reading {
    const struct shoal_config *config;
    size_t index;
    const struct shoal_setting_row *rows;
    size_t count;
    json_t *fixed;
};

static const struct shoal_setting_row *find_row(const struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->count; i++) {
        if (strcmp(reading->rows[i].name, name) == 0) {
            return &reading->rows[i];
        }
    }
    return NULL;
}

/// Keys that belong to the host, in every plugin's entry.
static bool is_of_host(const char *name)
{
    return strcmp(name, "sha256") == 0 || strcmp(name, "signature") == 0 ||
           strcmp(name, "key") == 0 || strcmp(name, "instances") == 0 ||
           strcmp(name, "memory_mb") == 0;
}

static bool is_folder(const struct reading *reading, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < reading->count; i++) {
        const char *row = reading->rows[i].name;
        if (strncmp(row, name, length) == 0 && row[length] == '.') {
            return true;
        }
    }
    return false;
}

/// Says where an option stands: its line of shoal.lua, or the --set that gave it.
static int option_fail(const struct reading *reading, const char *name, struct shoal_err *err,
    const char *format, ...) SHOAL_PRINTF(4, 5);
static int option_fail(const struct reading *reading, const char *name, struct shoal_err *err,
    const char *format, ...)
{
    char dotted[NAME_BYTES + 80];
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(dotted, sizeof(dotted), "%s.%s", reading->config->plugins[reading->index].name, name);
    if (shoal_config_is_override(reading->config, dotted)) {
        return shoal_fail(err, SHOAL_EINVAL, "--set %s: %s", dotted, text);
    }
    int line = shoal_config_option_line(reading->config, reading->index, name);
    return shoal_config_fail(err, line, "%s", text);
}

static int unknown(const struct reading *reading, const char *name, struct shoal_err *err)
{
    const char *names[260] = {"sha256", "signature", "key"};
    size_t count = 3;
    for (size_t i = 0; i < reading->count && count < 260; i++) {
        names[count++] = reading->rows[i].name;
    }
    const char *nearest = shoal_nearest(name, names, count);
    return option_fail(reading, name, err, "plugin %s has no setting \"%s\"%s%s%s",
        reading->config->plugins[reading->index].name, name, nearest ? "; did you mean \"" : "",
        nearest ? nearest : "", nearest ? "\"?" : "");
}

static int read_options(
    const struct reading *reading, const json_t *options, const char *path, struct shoal_err *err)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)options, key, value)
    {
        char name[NAME_BYTES];
        snprintf(name, sizeof(name), "%.70s%s%.70s", path, *path ? "." : "", key);
        const struct shoal_setting_row *row = find_row(reading, name);
        int code = 0;
        if (!row && !*path && is_of_host(name)) {
            continue;
        }
        if (!row && json_is_object(value) && is_folder(reading, name)) {
            code = read_options(reading, value, name, err);
        } else if (!row) {
            code = unknown(reading, name, err);
        } else {
            struct shoal_err inner = {0};
            json_t *normal = shoal_setting_normal(row, value, &inner);
            const char *text = json_string_value(normal);
            if (text && row->type == SHOAL_SETTING_PATH && *text && *text != '/') {
                json_t *absolute = json_sprintf("%s/%s", reading->config->folder, text);
                json_decref(normal);
                normal = absolute;
            }
            code = normal ? json_object_set_new(reading->fixed, name, normal)
                          : option_fail(reading, name, err, "plugin %s: %s",
                                reading->config->plugins[reading->index].name, inner.text);
        }
        if (code < 0) {
            return SHOAL_EINVAL;
        }
    }
    return 0;
}

/// What is chosen among the entries of a list is one of them; nothing, where it has none.
static int check_among(const struct reading *reading, struct shoal_err *err)
{
    for (size_t i = 0; i < reading->count; i++) {
        const struct shoal_setting_row *row = &reading->rows[i];
        const json_t *list = row->among ? json_object_get(reading->fixed, row->among) : NULL;
        const json_t *value = json_object_get(reading->fixed, row->name);
        size_t count = json_array_size(list);
        bool is_entry = count == 0 && json_string_length(value) == 0;
        for (size_t j = 0; j < count && !is_entry; j++) {
            is_entry = json_equal(json_array_get(list, j), value);
        }
        if (row->among && !is_entry) {
            return option_fail(reading, row->name, err, "plugin %s: \"%s\" must be one of \"%s\"",
                reading->config->plugins[reading->index].name, row->name, row->among);
        }
    }
    return 0;
}

int shoal_settings_options(const struct shoal_config *config, size_t index,
    const struct shoal_setting_row *rows, size_t count, json_t **fixed, struct shoal_err *err)
{
    struct reading reading = {
        .config = config, .index = index, .rows = rows, .count = count, .fixed = json_object()};
    int code = read_options(&reading, config->plugins[index].options, "", err);
    code = code == 0 ? check_among(&reading, err) : code;
    if (code < 0) {
        json_decref(reading.fixed);
        reading.fixed = NULL;
    }
    *fixed = reading.fixed;
    return code;
}
