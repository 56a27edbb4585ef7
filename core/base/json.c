// json.c - reading JSON values by dotted paths, and parsing what comes from outside.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/json.h>

#include <shoal/error.h>

#include <string.h>

#define DEPTH_MAX 64

/// Reads an array index; false for anything but a short decimal number.
static bool parse_index(const char *text, size_t length, size_t *index)
{
    if (length == 0 || length > 9) {
        return false;
    }
    size_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (size_t)(text[i] - '0');
    }
    *index = value;
    return true;
}

static json_t *step(const json_t *value, const char *part, size_t length)
{
    if (json_is_object(value)) {
        return json_object_getn(value, part, length);
    }
    size_t index;
    if (json_is_array(value) && parse_index(part, length, &index)) {
        return json_array_get(value, index);
    }
    return NULL;
}

json_t *shoal_get(const json_t *root, const char *path)
{
    const json_t *value = root;
    while (value) {
        size_t length = strcspn(path, ".");
        json_t *found = step(value, path, length);
        if (path[length] == 0) {
            return found;
        }
        value = found;
        path += length + 1;
    }
    return NULL;
}

double shoal_number(const json_t *root, const char *path, double otherwise)
{
    const json_t *value = shoal_get(root, path);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

/// A real that is a whole number below 2^53 counts: Lua and JavaScript write such ones.
int64_t shoal_integer(const json_t *root, const char *path, int64_t otherwise)
{
    const json_t *value = shoal_get(root, path);
    if (json_is_integer(value)) {
        return json_integer_value(value);
    }
    if (json_is_real(value)) {
        double real = json_real_value(value);
        if (real > -9007199254740992.0 && real < 9007199254740992.0 &&
            (double)(int64_t)real == real) {
            return (int64_t)real;
        }
    }
    return otherwise;
}

const char *shoal_text(const json_t *root, const char *path, const char *otherwise)
{
    const json_t *value = shoal_get(root, path);
    return json_is_string(value) ? json_string_value(value) : otherwise;
}

bool shoal_flag(const json_t *root, const char *path, bool otherwise)
{
    const json_t *value = shoal_get(root, path);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

/// Counts open brackets outside of strings before the parser recurses over them.
static int check_depth(const char *text, size_t length, struct shoal_err *err)
{
    size_t depth = 0;
    size_t line = 1;
    size_t line_start = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '\n') {
            line++;
            line_start = i + 1;
        }
        if (in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > DEPTH_MAX) {
                return shoal_fail(err, SHOAL_EINVAL,
                    "JSON is nested more than %d deep at line %zu, column %zu", DEPTH_MAX, line,
                    i - line_start + 1);
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return 0;
}

json_t *shoal_json_parse(const char *text, size_t length, struct shoal_err *err)
{
    if (check_depth(text, length, err) < 0) {
        return NULL;
    }
    json_error_t error;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value) {
        shoal_fail(err, SHOAL_EINVAL, "JSON: %s at line %d, column %d", error.text,
            error.line < 1 ? 1 : error.line, error.column);
    }
    return value;
}

int shoal_json_set(json_t *root, const char *path, json_t *value)
{
    json_t *object = root;
    for (;;) {
        size_t length = strcspn(path, ".");
        if (!value || !json_is_object(object) || length == 0) {
            json_decref(value);
            return SHOAL_EINVAL;
        }
        if (path[length] == 0) {
            return json_object_setn_new(object, path, length, value) == 0 ? 0 : SHOAL_EINVAL;
        }
        json_t *inner = json_object_getn(object, path, length);
        if (!inner) {
            inner = json_object();
            if (json_object_setn_new(object, path, length, inner) != 0) {
                json_decref(value);
                return SHOAL_EINVAL;
            }
        }
        object = inner;
        path += length + 1;
    }
}
