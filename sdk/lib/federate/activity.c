// activity.c - reads references and audiences, whichever way they are written.
// SPDX-License-Identifier: MIT
#include "activity.h"

#include <string.h>

#define ITEMS_MAX 100

const char *activity_id(const json_t *reference)
{
    const json_t *id = json_is_object(reference) ? json_object_get(reference, "id") : reference;
    const char *text = json_string_value(id);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

uint64_t activity_hash(const char *id)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (const unsigned char *at = (const unsigned char *)id; *at != '\0'; at++) {
        sum = (sum ^ *at) * UINT64_C(0x100000001b3);
    }
    return sum;
}

static bool is_everybody(const char *text)
{
    return text != NULL && (strcmp(text, ACTIVITY_PUBLIC) == 0 || strcmp(text, "as:Public") == 0 ||
                               strcmp(text, "Public") == 0);
}

bool activity_is_public(const json_t *audience)
{
    bool found = is_everybody(json_string_value(audience));
    for (size_t i = 0; i < json_array_size(audience) && i < ITEMS_MAX && !found; i++) {
        found = is_everybody(json_string_value(json_array_get(audience, i)));
    }
    return found;
}

// Values in it, at most one more than there may be.
static int values_count(const json_t *value, int so_far)
{
    const char *key = NULL;
    json_t *inner = NULL;
    size_t index = 0;
    so_far++;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, inner)
        {
            so_far = so_far > ACTIVITY_VALUES_MAX ? so_far : values_count(inner, so_far);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, index, inner)
        {
            so_far = so_far > ACTIVITY_VALUES_MAX ? so_far : values_count(inner, so_far);
        }
    }
    return so_far;
}

bool activity_is_bounded(const json_t *document)
{
    return values_count(document, 0) <= ACTIVITY_VALUES_MAX;
}
