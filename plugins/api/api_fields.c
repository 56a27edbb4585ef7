// api_fields.c - takes the known fields out of a body, checked by type; nothing else comes through.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "api_fields.h"

#define TEXTS_MAX 100

static json_t *as_int(const json_t *value)
{
    if (json_is_integer(value)) {
        return json_incref((json_t *)value);
    }
    const char *text = json_string_value(value);
    if (text == NULL) {
        return NULL;
    }
    const char *digits = *text == '-' ? text + 1 : text;
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || length > 15 || digits[length] != '\0') {
        return NULL;
    }
    return json_integer(strtoll(text, NULL, 10));
}

static json_t *as_bool(const json_t *value)
{
    if (json_is_boolean(value)) {
        return json_incref((json_t *)value);
    }
    const char *text = json_string_value(value);
    if (text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)) {
        return json_true();
    }
    if (text != NULL && (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)) {
        return json_false();
    }
    return NULL;
}

static json_t *as_texts(const json_t *value)
{
    if (json_is_string(value)) {
        return json_pack("[O]", value);
    }
    if (!json_is_array(value) || json_array_size(value) > TEXTS_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_string(json_array_get(value, i))) {
            return NULL;
        }
    }
    return json_incref((json_t *)value);
}

static json_t *as_type(const json_t *value, enum api_field_type type)
{
    switch (type) {
    case API_FIELD_TEXT:
        return json_is_string(value) ? json_incref((json_t *)value) : NULL;
    case API_FIELD_INT:
        return as_int(value);
    case API_FIELD_BOOL:
        return as_bool(value);
    case API_FIELD_TEXTS:
        return as_texts(value);
    case API_FIELD_OBJECT:
        return json_is_object(value) ? json_incref((json_t *)value) : NULL;
    case API_FIELD_ANY:
        return json_is_string(value) || json_is_integer(value) ? json_incref((json_t *)value) : NULL;
    }
    return NULL;
}

static json_t *take_one(const struct api_field *field, const json_t *value)
{
    if (field->nullable) {
        const char *text = json_string_value(value);
        bool is_empty_number = text != NULL && *text == '\0' && field->type != API_FIELD_TEXT;
        if (json_is_null(value) || is_empty_number) {
            return json_null();
        }
    }
    return as_type(value, field->type);
}

json_t *api_fields_take(const json_t *body, const struct api_field *table, size_t count,
    struct shoal_err *err)
{
    if (!json_is_object(body)) {
        shoal_fail(err, SHOAL_EINVAL, "The body must be an object");
        return NULL;
    }
    json_t *fields = json_object();
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(body, table[i].name);
        if (value == NULL) {
            continue;
        }
        json_t *taken = take_one(&table[i], value);
        if (taken == NULL) {
            shoal_fail_field(err, table[i].name, "Should have a valid %s", table[i].name);
            json_decref(fields);
            return NULL;
        }
        json_object_set_new(fields, table[i].name, taken);
    }
    return fields;
}

json_t *api_fields_read(struct shoal_request *request, const struct api_field *table, size_t count,
    struct shoal_err *err)
{
    const json_t *body = shoal_request_body(request, err);
    return body != NULL ? api_fields_take(body, table, count, err) : NULL;
}

// 6.x clients say commentsEnabled where 7.x and later say commentsPolicy.
static void modernise(json_t *fields)
{
    const json_t *enabled = json_object_get(fields, "commentsEnabled");
    if (enabled != NULL && json_object_get(fields, "commentsPolicy") == NULL) {
        json_object_set_new(fields, "commentsPolicy", json_integer(json_is_true(enabled) ? 1 : 2));
    }
    json_object_del(fields, "commentsEnabled");
}

static int check_schedule(json_t *fields, struct shoal_err *err)
{
    static const struct api_field table[] = {
        {"updateAt", API_FIELD_TEXT, false},
        {"privacy", API_FIELD_INT, true},
    };
    const json_t *given = json_object_get(fields, "scheduleUpdate");
    if (given == NULL || json_is_null(given)) {
        return 0;
    }
    json_t *schedule = api_fields_take(given, table, sizeof table / sizeof *table, NULL);
    int64_t at_ms = 0;
    if (schedule == NULL || shoal_time_parse(shoal_text(schedule, "updateAt", ""), &at_ms) != 0) {
        json_decref(schedule);
        return shoal_fail_field(err, "scheduleUpdate", "Should have a valid schedule update date");
    }
    json_object_set_new(fields, "scheduleUpdate", schedule);
    return 0;
}

json_t *api_fields_video(const json_t *body, bool is_new, struct shoal_err *err)
{
    static const struct api_field table[] = {
        {"name", API_FIELD_TEXT, false},
        {"channelId", API_FIELD_INT, false},
        {"category", API_FIELD_INT, true},
        {"licence", API_FIELD_INT, true},
        {"language", API_FIELD_TEXT, true},
        {"description", API_FIELD_TEXT, true},
        {"support", API_FIELD_TEXT, true},
        {"privacy", API_FIELD_INT, false},
        {"tags", API_FIELD_TEXTS, true},
        {"commentsPolicy", API_FIELD_INT, false},
        {"commentsEnabled", API_FIELD_BOOL, false},
        {"downloadEnabled", API_FIELD_BOOL, false},
        {"nsfw", API_FIELD_BOOL, false},
        {"nsfwSummary", API_FIELD_TEXT, true},
        {"nsfwFlags", API_FIELD_INT, false},
        {"waitTranscoding", API_FIELD_BOOL, false},
        {"scheduleUpdate", API_FIELD_OBJECT, true},
        {"originallyPublishedAt", API_FIELD_TEXT, true},
        {"videoPasswords", API_FIELD_TEXTS, true},
        {"pluginData", API_FIELD_OBJECT, true},
        {"generateTranscription", API_FIELD_BOOL, false},
    };
    json_t *fields = api_fields_take(body, table, sizeof table / sizeof *table, err);
    if (fields == NULL) {
        return NULL;
    }
    modernise(fields);
    if (check_schedule(fields, err) != 0) {
        json_decref(fields);
        return NULL;
    }
    if (is_new && json_object_get(fields, "channelId") == NULL) {
        shoal_fail_field(err, "channelId", "Should have correct video channel id");
        json_decref(fields);
        return NULL;
    }
    return fields;
}
