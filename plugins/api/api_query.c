// api_query.c - reads and checks what stands behind the "?" of a list.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_query.h"

#define VALUES_MAX 100
#define TEXT_MAX   1000

static int read_int(const struct api_query_row *row, const char *text, int64_t *out,
    struct shoal_err *err)
{
    const char *digits = *text == '-' ? text + 1 : text;
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || length > 15 || digits[length] != '\0') {
        return shoal_fail_field(err, row->name, "Should have a number %s", row->name);
    }
    *out = strtoll(text, NULL, 10);
    if ((row->min != 0 || row->max != 0) && (*out < row->min || *out > row->max)) {
        return shoal_fail_field(err, row->name, "Should have a number %s (min: %lld, max: %lld)",
            row->name, (long long)row->min, (long long)row->max);
    }
    return 0;
}

static json_t *read_bool(const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0) {
        return json_true();
    }
    if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0) {
        return json_false();
    }
    return NULL;
}

static json_t *read_text(const struct api_query_row *row, const char *text, struct shoal_err *err)
{
    size_t length = strlen(text);
    size_t max = row->max > 0 ? (size_t)row->max : TEXT_MAX;
    json_t *value = length >= (size_t)row->min && length <= max ? json_string(text) : NULL;
    if (value == NULL) {
        shoal_fail_field(err, row->name, "Should have a valid %s", row->name);
    }
    return value;
}

static json_t *read_one(const struct api_query_row *row, const char *text, struct shoal_err *err)
{
    int64_t number = 0;
    json_t *value = NULL;
    switch (row->type) {
    case API_QUERY_TEXT:
    case API_QUERY_TEXTS:
        return read_text(row, text, err);
    case API_QUERY_INT:
    case API_QUERY_INTS:
        return read_int(row, text, &number, err) == 0 ? json_integer(number) : NULL;
    case API_QUERY_BOTH:
        if (strcmp(text, "both") == 0) {
            return json_string("both");
        }
        break;
    case API_QUERY_BOOL:
        break;
    }
    value = read_bool(text);
    if (value == NULL) {
        shoal_fail_field(err, row->name, "Should have a valid boolean %s", row->name);
    }
    return value;
}

int api_query_value(const struct api_query_row *row, const char *const *values, json_t **out,
    struct shoal_err *err)
{
    if (row->type != API_QUERY_INTS && row->type != API_QUERY_TEXTS) {
        *out = read_one(row, values[0], err);
        return *out != NULL ? 0 : SHOAL_EINVAL;
    }
    json_t *array = json_array();
    for (size_t i = 0; values[i] != NULL; i++) {
        json_t *value = i < VALUES_MAX ? read_one(row, values[i], err) : NULL;
        if (value == NULL) {
            json_decref(array);
            return i < VALUES_MAX ? SHOAL_EINVAL
                                  : shoal_fail_field(err, row->name, "Should have at most %d values",
                                        VALUES_MAX);
        }
        json_array_append_new(array, value);
    }
    *out = array;
    return 0;
}

bool api_query_sorts(const char *fields, const char *sort)
{
    const char *name = *sort == '-' ? sort + 1 : sort;
    size_t length = strlen(name);
    if (length == 0 || strchr(name, ' ') != NULL) {
        return false;
    }
    for (const char *at = strstr(fields, name); at != NULL; at = strstr(at + 1, name)) {
        bool starts = at == fields || at[-1] == ' ';
        if (starts && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static int read_row(struct shoal_request *request, const struct api_query_row *row, json_t *query,
    struct shoal_err *err)
{
    const char *const *values = shoal_request_query_all(request, row->name);
    if (values == NULL || values[0] == NULL) {
        return 0;
    }
    json_t *value = NULL;
    int code = api_query_value(row, values, &value, err);
    if (code == 0) {
        json_object_set_new(query, row->name, value);
    }
    return code;
}

json_t *api_query_read(struct shoal_request *request, const struct api_list *list,
    struct shoal_err *err)
{
    static const struct api_query_row paging[] = {
        {"start", API_QUERY_INT, 0, INT32_MAX},
        {"count", API_QUERY_INT, 0, API_COUNT_MAX},
        {"skipCount", API_QUERY_BOOL, 0, 0},
    };
    json_t *query = json_pack("{s:i, s:i, s:s}", "start", 0, "count", API_COUNT, "sort", list->sort);
    for (size_t i = 0; i < sizeof paging / sizeof *paging; i++) {
        if (read_row(request, &paging[i], query, err) != 0) {
            goto fail;
        }
    }
    for (size_t i = 0; i < list->row_count; i++) {
        if (read_row(request, &list->rows[i], query, err) != 0) {
            goto fail;
        }
    }
    const char *sort = shoal_request_query(request, "sort");
    if (sort != NULL && *sort != '\0') {
        if (!api_query_sorts(list->sorts, sort)) {
            shoal_fail_field(err, "sort", "Should have a valid sort (one of: %s)", list->sorts);
            goto fail;
        }
        json_object_set_new(query, "sort", json_string(sort));
    }
    return query;
fail:
    json_decref(query);
    return NULL;
}

json_t *api_query_filter(struct shoal_call *call, const struct api_list *list, json_t *query)
{
    if (query == NULL || !shoal_hook_heard("list.query")) {
        return query;
    }
    json_t *payload = json_pack("{s:s, s:O, s:[], s:s}", "list", list->name, "query", query,
        "excluded_ids", "visitor", api_visitor(call));
    shoal_fire_filter(call, "list.query", &payload);
    json_t *result = json_object_get(payload, "query");
    result = json_incref(json_is_object(result) ? result : query);
    json_decref(query);
    json_t *excluded = json_object_get(payload, "excluded_ids");
    if (json_array_size(excluded) > 0) {
        json_object_set(result, "excludedIds", excluded);
    }
    json_decref(payload);
    return result;
}
