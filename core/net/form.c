// form.c - makes JSON of form fields: "a[b]", "a[]", "a[0]" and repeated names.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/body_priv.h"

#define DEPTH_MAX 8
#define INDEX_MAX 1000

// One step of a name: a key, an index, or the next free index.
struct step {
    struct shoal_span key;
    long index; // -1: a key; -2: "[]"
};

struct name {
    struct step steps[DEPTH_MAX];
    size_t count;
};

static long read_index(struct shoal_span key)
{
    if (key.length == 0) {
        return -2;
    }
    long index = 0;
    for (size_t i = 0; i < key.length; i++) {
        if (key.at[i] < '0' || key.at[i] > '9' || i >= 4) {
            return -1;
        }
        index = index * 10 + (key.at[i] - '0');
    }
    return index;
}

// "a[b][0]" becomes a, b, 0. What is not of that form is one key as it stands.
static void cut_name(const char *text, struct name *name)
{
    struct shoal_span rest = shoal_span(text);
    const char *open = memchr(rest.at, '[', rest.length);
    name->count = 1;
    name->steps[0] = (struct step){rest, -1};
    if (!open || open == rest.at || rest.at[rest.length - 1] != ']') {
        return;
    }
    struct name found = {.count = 1};
    found.steps[0] = (struct step){{rest.at, (size_t)(open - rest.at)}, -1};
    const char *at = open, *end = rest.at + rest.length;
    while (at < end) {
        const char *close = *at == '[' ? memchr(at, ']', (size_t)(end - at)) : NULL;
        if (!close || found.count == DEPTH_MAX) {
            return;
        }
        struct shoal_span key = {at + 1, (size_t)(close - at) - 1};
        found.steps[found.count++] = (struct step){key, read_index(key)};
        at = close + 1;
    }
    *name = found;
}

static int refuse(struct shoal_err *err, const char *name)
{
    return shoal_fail_field(err, name, "the form field %.100s does not fit with the others", name);
}

// The child of parent at a step; made as an object or array (as `next` needs) when it is missing.
static json_t *child(json_t *parent, const struct step *step, bool is_array)
{
    json_t *found;
    if (step->index == -1 || json_is_object(parent)) {
        found = json_object_getn(parent, step->key.at, step->key.length);
        if (!found && json_is_object(parent)) {
            json_object_setn_new(parent, step->key.at, step->key.length,
                is_array ? json_array() : json_object());
            found = json_object_getn(parent, step->key.at, step->key.length);
        }
        return found;
    }
    if (!json_is_array(parent)) {
        return NULL;
    }
    size_t index = step->index == -2 ? json_array_size(parent) : (size_t)step->index;
    if (index >= INDEX_MAX || index > json_array_size(parent)) {
        return NULL;
    }
    if (index == json_array_size(parent)) {
        json_array_append_new(parent, is_array ? json_array() : json_object());
    }
    return json_array_get(parent, index);
}

// A name that comes again makes an array of its values.
static int put_key(json_t *object, struct shoal_span key, json_t *value)
{
    json_t *before = json_object_getn(object, key.at, key.length);
    if (!before) {
        return json_object_setn_new(object, key.at, key.length, value);
    }
    if (json_is_array(before)) {
        return json_array_append_new(before, value);
    }
    if (json_is_object(before)) {
        json_decref(value);
        return -1;
    }
    json_t *both = json_array();
    json_array_append(both, before);
    json_array_append_new(both, value);
    return json_object_setn_new(object, key.at, key.length, both);
}

static int put_last(json_t *parent, const struct step *step, json_t *value)
{
    if (json_is_object(parent)) {
        return put_key(parent, step->key, value);
    }
    size_t size = json_is_array(parent) ? json_array_size(parent) : 0;
    size_t index = step->index == -2 ? size : (size_t)step->index;
    if (!json_is_array(parent) || step->index == -1 || index > size || index >= INDEX_MAX) {
        json_decref(value);
        return -1;
    }
    return index == size ? json_array_append_new(parent, value)
                         : json_array_set_new(parent, index, value);
}

static int put(json_t *root, const struct shoal_pair *pair, json_t *value, struct shoal_err *err)
{
    struct name name;
    cut_name(pair->name, &name);
    json_t *parent = root;
    for (size_t i = 0; i + 1 < name.count; i++) {
        parent = child(parent, &name.steps[i], name.steps[i + 1].index != -1);
        if (!parent) {
            json_decref(value);
            return refuse(err, pair->name);
        }
    }
    return put_last(parent, &name.steps[name.count - 1], value) ? refuse(err, pair->name) : 0;
}

json_t *shoal_form_to_json(const struct shoal_pair *pairs, size_t count, bool has_null_text,
    struct shoal_err *err)
{
    json_t *root = json_object();
    for (size_t i = 0; i < count; i++) {
        bool is_null = has_null_text && strcmp(pairs[i].value, "null") == 0;
        json_t *value = is_null ? json_null() : json_string(pairs[i].value);
        if (!value || put(root, &pairs[i], value, err)) {
            if (!value) {
                shoal_fail_field(err, pairs[i].name, "the form field %.100s is not UTF-8",
                    pairs[i].name);
            }
            json_decref(root);
            return NULL;
        }
    }
    return root;
}
