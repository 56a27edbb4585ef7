// setting_row.c - checks a value against its row and brings it into the form that is kept.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/setting_row.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [SHOAL_SETTING_TEXT] = "text",
    [SHOAL_SETTING_INT] = "int",
    [SHOAL_SETTING_NUMBER] = "number",
    [SHOAL_SETTING_BOOL] = "bool",
    [SHOAL_SETTING_SIZE] = "size",
    [SHOAL_SETTING_TIME] = "time",
    [SHOAL_SETTING_LIST] = "list",
    [SHOAL_SETTING_JSON] = "json",
    [SHOAL_SETTING_RATE] = "rate",
    [SHOAL_SETTING_PATH] = "path",
};
#define TYPE_COUNT (sizeof(type_names) / sizeof(type_names[0]))

const char *shoal_setting_type_name(enum shoal_setting_type type)
{
    return (size_t)type < TYPE_COUNT ? type_names[type] : "?";
}

int shoal_setting_type_parse(const char *text, enum shoal_setting_type *type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(type_names[i], text) == 0) {
            *type = (enum shoal_setting_type)i;
            return 0;
        }
    }
    return SHOAL_EINVAL;
}

struct unit {
    const char *name;
    double factor;
};
static const struct unit size_units[] = {{"", 1}, {"B", 1}, {"k", 1024}, {"K", 1024},
    {"M", 1048576}, {"G", 1073741824.0}, {"T", 1099511627776.0}};
static const struct unit time_units[] = {
    {"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

static int parse_unit(const char *text, const struct unit *units, size_t count, int64_t *out)
{
    if (!((*text >= '0' && *text <= '9') || *text == '-')) {
        return SHOAL_EINVAL;
    }
    char *end = NULL;
    double number = strtod(text, &end);
    while (*end == ' ') {
        end++;
    }
    for (size_t i = 0; i < count && end != text; i++) {
        if (strcmp(units[i].name, end) != 0) {
            continue;
        }
        double value = number * units[i].factor;
        if (!(fabs(value) < 9e15)) {
            return SHOAL_EINVAL;
        }
        *out = (int64_t)value;
        return 0;
    }
    return SHOAL_EINVAL;
}

int shoal_size_parse(const char *text, int64_t *bytes)
{
    return parse_unit(text, size_units, sizeof(size_units) / sizeof(size_units[0]), bytes);
}

int shoal_duration_parse(const char *text, int64_t *ms)
{
    return parse_unit(text, time_units, sizeof(time_units) / sizeof(time_units[0]), ms);
}

int shoal_rate_parse(const char *text, uint32_t *count, uint32_t *window_ms)
{
    const char *slash = strchr(text, '/');
    if (!slash || *text < '0' || *text > '9') {
        return SHOAL_EINVAL;
    }
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);
    int64_t window = 0;
    if (end != slash || number > 1000000000ul || shoal_duration_parse(slash + 1, &window) < 0 ||
        window < 1 || window > UINT32_MAX) {
        return SHOAL_EINVAL;
    }
    *count = (uint32_t)number;
    *window_ms = (uint32_t)window;
    return 0;
}

static bool has_bounds(const struct shoal_setting_row *row)
{
    return row->min != 0 || row->max != 0;
}

static json_t *bounded(const struct shoal_setting_row *row, json_t *value, double size,
    const char *what, struct shoal_err *err)
{
    if (has_bounds(row) && (size < row->min || size > row->max)) {
        shoal_fail_field(
            err, row->name, "\"%s\" must %s %.15g to %.15g", row->name, what, row->min, row->max);
        json_decref(value);
        return NULL;
    }
    return value;
}

static json_t *wrong(const struct shoal_setting_row *row, const char *wanted, struct shoal_err *err)
{
    shoal_fail_field(err, row->name, "\"%s\" must be %s", row->name, wanted);
    return NULL;
}

static json_t *normal_bool(
    const struct shoal_setting_row *row, const json_t *value, struct shoal_err *err)
{
    const char *text = json_string_value(value);
    if (json_is_boolean(value)) {
        return json_boolean(json_is_true(value));
    }
    if (text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
        return json_boolean(strcmp(text, "true") == 0);
    }
    return wrong(row, "true or false", err);
}

static json_t *normal_integer(
    const struct shoal_setting_row *row, const json_t *value, struct shoal_err *err)
{
    const char *wanted = row->type == SHOAL_SETTING_SIZE   ? "a size like \"2M\""
                         : row->type == SHOAL_SETTING_TIME ? "a time like \"2h\""
                                                           : "a whole number";
    int64_t number = 0;
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        number = json_integer_value(value);
    } else if (json_is_real(value) && floor(json_real_value(value)) == json_real_value(value) &&
               fabs(json_real_value(value)) < 9e15) {
        number = (int64_t)json_real_value(value);
    } else if (text && row->type == SHOAL_SETTING_SIZE) {
        if (shoal_size_parse(text, &number) < 0) {
            return wrong(row, wanted, err);
        }
    } else if (text && row->type == SHOAL_SETTING_TIME) {
        if (shoal_duration_parse(text, &number) < 0) {
            return wrong(row, wanted, err);
        }
    } else if (text) {
        char *end = NULL;
        number = strtoll(text, &end, 10);
        if (end == text || *end) {
            return wrong(row, wanted, err);
        }
    } else {
        return wrong(row, wanted, err);
    }
    return bounded(row, json_integer(number), (double)number, "be", err);
}

static json_t *normal_number(
    const struct shoal_setting_row *row, const json_t *value, struct shoal_err *err)
{
    const char *text = json_string_value(value);
    double number = json_number_value(value);
    if (text) {
        char *end = NULL;
        number = strtod(text, &end);
        if (end == text || *end || !isfinite(number)) {
            return wrong(row, "a number", err);
        }
    } else if (!json_is_number(value)) {
        return wrong(row, "a number", err);
    }
    return bounded(row, json_real(number), number, "be", err);
}

static bool is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = choices; length > 0 && (at = strstr(at, text)); at += length) {
        bool starts = at == choices || at[-1] == ' ';
        bool ends = at[length] == 0 || at[length] == ' ';
        if (starts && ends) {
            return true;
        }
    }
    return false;
}

static bool has_letters(
    const struct shoal_setting_row *row, const char *text, struct shoal_err *err)
{
    return row->letters == NULL || strspn(text, row->letters) == strlen(text) ||
           shoal_fail_field(err, row->name, "\"%s\": \"%.40s\" must be of the letters %s", row->name,
               text, row->letters) == 0;
}

static json_t *normal_text(
    const struct shoal_setting_row *row, const json_t *value, struct shoal_err *err)
{
    const char *text = json_string_value(value);
    if (!text) {
        return wrong(row, "a text", err);
    }
    if (row->choices && !is_choice(row->choices, text)) {
        shoal_fail_field(err, row->name, "\"%s\" must be one of: %s", row->name, row->choices);
        return NULL;
    }
    if (!has_letters(row, text, err)) {
        return NULL;
    }
    uint32_t count = 0;
    uint32_t window_ms = 0;
    if (row->type == SHOAL_SETTING_RATE && shoal_rate_parse(text, &count, &window_ms) < 0) {
        return wrong(row, "a rate like \"500/10s\"", err);
    }
    return bounded(
        row, json_string(text), (double)json_string_length(value), "have a length of", err);
}

// The entries of "a, b".
static json_t *split(const char *text)
{
    json_t *list = json_array();
    for (const char *at = text; at && *at;) {
        size_t length = strcspn(at, ",");
        size_t before = strspn(at, " ");
        size_t end = length;
        while (end > before && at[end - 1] == ' ') {
            end--;
        }
        json_array_append_new(list, json_stringn(at + before, before < end ? end - before : 0));
        at += length + (at[length] == ',' ? 1 : 0);
    }
    return list;
}

// Where entries are of a few words, 720 is as good as "720".
static json_t *entry_of(const struct shoal_setting_row *row, const json_t *item)
{
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(item));
    return row->choices && json_is_integer(item) ? json_string(number) : json_copy((json_t *)item);
}

static json_t *chosen(const struct shoal_setting_row *row, json_t *list, struct shoal_err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *entry = json_string_value(json_array_get(list, i));
        if (!has_letters(row, entry, err)) {
            json_decref(list);
            return NULL;
        }
        if (row->choices && !is_choice(row->choices, entry)) {
            shoal_fail_field(err, row->name, "\"%s\" must be a list of some of: %s", row->name,
                row->choices);
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *normal_list(
    const struct shoal_setting_row *row, const json_t *value, struct shoal_err *err)
{
    const char *text = json_string_value(value);
    json_t *list = split(text);
    bool is_empty_table = json_is_object(value) && json_object_size(value) == 0;
    if (!text && !json_is_array(value) && !is_empty_table) {
        json_decref(list);
        return wrong(row, "a list of texts", err);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *item = entry_of(row, json_array_get(value, i));
        if (!json_is_string(item)) {
            json_decref(item);
            json_decref(list);
            return wrong(row, "a list of texts", err);
        }
        json_array_append_new(list, item);
    }
    list = chosen(row, list, err);
    return list == NULL ? NULL : bounded(row, list, (double)json_array_size(list), "have a number of entries of", err);
}

json_t *shoal_setting_normal(
    const struct shoal_setting_row *row, const json_t *value, struct shoal_err *err)
{
    if (json_is_null(value) && strcmp(row->otherwise, "null") == 0) {
        return json_null();
    }
    switch (row->type) {
    case SHOAL_SETTING_BOOL:
        return normal_bool(row, value, err);
    case SHOAL_SETTING_INT:
    case SHOAL_SETTING_SIZE:
    case SHOAL_SETTING_TIME:
        return normal_integer(row, value, err);
    case SHOAL_SETTING_NUMBER:
        return normal_number(row, value, err);
    case SHOAL_SETTING_LIST:
        return normal_list(row, value, err);
    case SHOAL_SETTING_JSON:
        return json_deep_copy(value);
    case SHOAL_SETTING_TEXT:
    case SHOAL_SETTING_RATE:
    case SHOAL_SETTING_PATH:
        break;
    }
    return normal_text(row, value, err);
}
