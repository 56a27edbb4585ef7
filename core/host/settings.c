// settings.c - the value of a setting: default < database < shoal.lua < command line.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/settings_priv.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/base.h>
#include <shoal/hooks.h>

#include "base/alloc.h"
#include "data/data.h"

struct shoal_settings {
    char *owner;
    const struct shoal_setting_row *rows;
    size_t count;
    json_t *fixed;   ///< name -> value; never changes
    json_t **stored; ///< by row: what the database says, or NULL
    json_t **defaults;
    pthread_mutex_t lock;
};

static json_t *read_default(const struct shoal_setting_row *row)
{
    json_t *value = json_loads(row->otherwise, JSON_DECODE_ANY, NULL);
    if (!value || json_is_null(value)) {
        json_decref(value);
        return json_null();
    }
    json_t *normal = shoal_setting_normal(row, value, NULL);
    json_decref(value);
    return normal ? normal : json_null();
}

static json_t *read_stored(const char *owner, const struct shoal_setting_row *row)
{
    json_t *value = shoal_store_get(owner, row->name);
    if (!value) {
        return NULL;
    }
    struct shoal_err err = {0};
    json_t *normal = shoal_setting_normal(row, value, &err);
    json_decref(value);
    if (!normal) {
        shoal_warn("the stored setting %s%s%s is passed over: %s", owner, *owner ? "." : "",
            row->name, err.text);
    }
    return normal;
}

struct shoal_settings *shoal_settings_new(
    const char *owner, const struct shoal_setting_row *rows, size_t count, json_t *fixed)
{
    struct shoal_settings *settings = shoal_alloc(1, sizeof(*settings));
    settings->owner = shoal_dup(owner);
    settings->rows = rows;
    settings->count = count;
    settings->fixed = fixed;
    settings->stored = shoal_alloc(count + 1, sizeof(*settings->stored));
    settings->defaults = shoal_alloc(count + 1, sizeof(*settings->defaults));
    pthread_mutex_init(&settings->lock, NULL);
    for (size_t i = 0; i < count; i++) {
        settings->defaults[i] = read_default(&rows[i]);
        settings->stored[i] = read_stored(owner, &rows[i]);
    }
    return settings;
}

void shoal_settings_free(struct shoal_settings *settings)
{
    if (!settings) {
        return;
    }
    for (size_t i = 0; i < settings->count; i++) {
        json_decref(settings->defaults[i]);
        json_decref(settings->stored[i]);
    }
    json_decref(settings->fixed);
    pthread_mutex_destroy(&settings->lock);
    free(settings->defaults);
    free(settings->stored);
    free(settings->owner);
    free(settings);
}

static long find_row(const struct shoal_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++) {
        if (strcmp(settings->rows[i].name, name) == 0) {
            return (long)i;
        }
    }
    return -1;
}

/// A copy: threads share no value of which one changes the count or the content.
static json_t *value_of(struct shoal_settings *settings, size_t index, const char **source)
{
    json_t *fixed = json_object_get(settings->fixed, settings->rows[index].name);
    if (fixed) {
        *source = "file";
        return json_deep_copy(fixed);
    }
    pthread_mutex_lock(&settings->lock);
    json_t *stored = settings->stored[index] ? json_deep_copy(settings->stored[index]) : NULL;
    pthread_mutex_unlock(&settings->lock);
    *source = stored ? "database" : "default";
    return stored ? stored : json_deep_copy(settings->defaults[index]);
}

json_t *shoal_settings_get(struct shoal_settings *settings, const char *name)
{
    const char *source = NULL;
    long index = find_row(settings, name);
    return index < 0 ? NULL : value_of(settings, (size_t)index, &source);
}

json_t *shoal_settings_list(struct shoal_settings *settings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < settings->count; i++) {
        const struct shoal_setting_row *row = &settings->rows[i];
        const char *source = NULL;
        json_t *value = value_of(settings, i, &source);
        if (row->is_secret && !json_is_null(value)) {
            json_decref(value);
            value = json_string("********");
        }
        json_t *item = json_pack("{s:s, s:s, s:o, s:O, s:s, s:s, s:b, s:b, s:s, s:b}", "name",
            row->name, "type", shoal_setting_type_name(row->type), "value", value, "default",
            settings->defaults[i], "unit", row->unit, "help", row->help, "reloadable",
            row->is_reloadable, "secret", row->is_secret, "source", source, "locked",
            strcmp(source, "file") == 0);
        if (row->min != 0 || row->max != 0) {
            json_object_set_new(item, "min", json_real(row->min));
            json_object_set_new(item, "max", json_real(row->max));
        }
        if (row->choices) {
            json_object_set_new(item, "choices", json_string(row->choices));
        }
        json_array_append_new(list, item);
    }
    return list;
}

struct change {
    struct shoal_settings *settings;
    const struct shoal_setting_row *row;
    json_t *from, *to;
    const char *by;
};

static json_t *masked(const struct change *change, json_t *value)
{
    bool hides = change->row->is_secret && !json_is_null(value);
    return hides ? json_string("********") : json_incref(value);
}

static int write_change(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct change *change = arg;
    const char *owner = change->settings->owner;
    int code = shoal_store_set(
        call, tx, owner, change->row->name, json_is_null(change->to) ? NULL : change->to, err);
    if (code < 0) {
        return code;
    }
    json_t *event = json_pack("{s:s, s:s, s:o, s:o, s:s?}", "plugin", *owner ? owner : "instance",
        "key", change->row->name, "from", masked(change, change->from), "to",
        masked(change, change->to), "by", change->by);
    code = shoal_fire_durable(tx, "settings.changed", event, err);
    json_decref(event);
    return code < 0 ? code : shoal_touch(call, tx, "instance", err);
}

int shoal_settings_set(struct shoal_settings *settings, struct shoal_call *call, const char *name,
    const json_t *value, struct shoal_err *err)
{
    long index = find_row(settings, name);
    if (index < 0) {
        return shoal_fail_field(err, name, "there is no setting \"%s\"", name);
    }
    const struct shoal_setting_row *row = &settings->rows[index];
    if (json_object_get(settings->fixed, name)) {
        return shoal_fail(
            err, SHOAL_ELOCKED, "\"%s\" is set in shoal.lua and can be changed there", name);
    }
    if (row->type == SHOAL_SETTING_PATH) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "\"%s\" is a path: it can be set in shoal.lua alone", name);
    }
    json_t *normal = json_is_null(value) ? json_null() : shoal_setting_normal(row, value, err);
    if (!normal) {
        return SHOAL_EINVAL;
    }
    const char *source = NULL;
    struct change change = {.settings = settings,
        .row = row,
        .to = normal,
        .from = value_of(settings, (size_t)index, &source),
        .by = call->viewer.username};
    int code = shoal_tx(call, write_change, &change, err);
    if (code == 0) {
        pthread_mutex_lock(&settings->lock);
        json_decref(settings->stored[index]);
        settings->stored[index] = json_is_null(normal) ? NULL : json_incref(normal);
        pthread_mutex_unlock(&settings->lock);
    }
    json_decref(change.from);
    json_decref(normal);
    return code;
}
