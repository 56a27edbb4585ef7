// language.c - the languages that plugins may be written in.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/language.h"

#include <stddef.h>
#include <string.h>

static const struct shoal_language *const languages[] = {
    &shoal_language_c,
    &shoal_language_lua,
};

const struct shoal_language *shoal_language_find(const char *name)
{
    for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
        if (strcmp(languages[i]->name, name) == 0) {
            return languages[i];
        }
    }
    return NULL;
}
