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
