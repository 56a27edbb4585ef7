// fields.c - reads the fields of requests: numbers and flags come as JSON or as the text of a form.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_priv.h"

#define COUNT_DEFAULT 15
#define COUNT_MAX     100

bool catalog_field_has(const json_t *fields, const char *key)
{
    const json_t *value = json_object_get(fields, key);
    return value != NULL && !json_is_null(value);
}

int catalog_field_i64(const json_t *fields, const char *key, int64_t *out, struct shoal_err *err)
{
    const json_t *value = json_object_get(fields, key);
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return 0;
    }
    const char *text = json_string_value(value);
    if (text != NULL && text[0] != '\0' && strnlen(text, 20) < 20) {
        char *end = NULL;
        errno = 0;
        long long number = strtoll(text, &end, 10);
        if (errno == 0 && *end == '\0' && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'))) {
            *out = number;
            return 0;
        }
    }
    return shoal_fail_field(err, key, "%s should be a whole number", key);
}

int catalog_field_bool(const json_t *fields, const char *key, bool *out, struct shoal_err *err)
{
    const json_t *value = json_object_get(fields, key);
    if (json_is_boolean(value)) {
        *out = json_is_true(value);
        return 0;
    }
    const char *text = json_string_value(value);
    if (text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)) {
        *out = true;
        return 0;
    }
    if (text != NULL && (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)) {
        *out = false;
        return 0;
    }
    if (json_is_integer(value) && (json_integer_value(value) | 1) == 1) {
        *out = json_integer_value(value) == 1;
        return 0;
    }
    return shoal_fail_field(err, key, "%s should be true or false", key);
}

int catalog_field_text(const json_t *fields, const char *key, size_t min, size_t max,
    const char **out, struct shoal_err *err)
{
    const char *text = json_string_value(json_object_get(fields, key));
    if (text == NULL) {
        return shoal_fail_field(err, key, "%s should be text", key);
    }
    // 4 bytes a code point: what is longer need not be counted.
    size_t length = strnlen(text, max * 4 + 1) > max * 4 ? SIZE_MAX : catalog_utf8_length(text);
    if (length < min || length > max ||
        strlen(text) != json_string_length(json_object_get(fields, key))) {
        return shoal_fail_field(
            err, key, "%s should have between %zu and %zu characters", key, min, max);
    }
    *out = text;
    return 0;
}

json_t *catalog_text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

json_t *catalog_time(int64_t time_ms)
{
    char text[32];
    return time_ms == 0 ? json_null() : json_string(shoal_time_format(time_ms, text));
}

json_t *catalog_labelled(int64_t id, const char *label)
{
    if (id < 0 || label == NULL) {
        return json_pack("{s:n, s:s}", "id", "label", "Unknown");
    }
    return json_pack("{s:I, s:s}", "id", (json_int_t)id, "label", label);
}

static int page_sort(
    const char *sort, const char *const *sorts, struct catalog_page *page, struct shoal_err *err)
{
    page->is_down = sort[0] == '-';
    const char *field = page->is_down ? sort + 1 : sort;
    for (int i = 0; sorts[i] != NULL; i++) {
        if (strcmp(sorts[i], field) == 0) {
            page->sort = i;
            return 0;
        }
    }
    return shoal_fail_field(err, "sort", "this list cannot be sorted by that");
}

int catalog_page_read(const json_t *query, const char *const *sorts, const char *otherwise,
    struct catalog_page *page, struct shoal_err *err)
{
    *page = (struct catalog_page){.count = COUNT_DEFAULT};
    if (catalog_field_has(query, "start") &&
        (catalog_field_i64(query, "start", &page->start, NULL) != 0 || page->start < 0)) {
        return shoal_fail_field(err, "start", "Should have a number start");
    }
    if (catalog_field_has(query, "count") &&
        (catalog_field_i64(query, "count", &page->count, NULL) != 0 || page->count < 0 ||
            page->count > COUNT_MAX)) {
        return shoal_fail_field(err, "count", "Should have a number count (max: %d)", COUNT_MAX);
    }
    return page_sort(shoal_text(query, "sort", otherwise), sorts, page, err);
}
