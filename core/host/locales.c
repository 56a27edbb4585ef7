// locales.c - the languages in which pages are written; a visitor's language is one of them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/pages.h>

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "host/host.h"
#include "host/permissions.h"
#include "host/registry_priv.h"

#define LOCALES_MAX  64
#define LOCALE_BYTES 24

static struct {
    pthread_mutex_t lock;
    char ids[LOCALES_MAX][LOCALE_BYTES];
    size_t count;
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_tag(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && text[i] != '-') {
            return false;
        }
    }
    return length >= 2 && length < LOCALE_BYTES;
}

static bool is_known(const char *locale)
{
    for (size_t i = 0; i < known.count; i++) {
        if (strcmp(known.ids[i], locale) == 0) {
            return true;
        }
    }
    return false;
}

int shoal_locale_add(struct shoal_plugin *self, const char *locale, struct shoal_err *err)
{
    int code = shoal_plugin_may_register(self, locale, err);
    code = code < 0 ? code : shoal_permission_need(self, "pages", NULL, err);
    if (code < 0) {
        return code;
    }
    if (!is_tag(locale)) {
        return shoal_fail(err, SHOAL_EINVAL, "\"%s\" is not the tag of a language", locale);
    }
    pthread_mutex_lock(&known.lock);
    if (!is_known(locale) && known.count == LOCALES_MAX) {
        code = shoal_fail(err, SHOAL_EBUSY, "pages have more than %d languages", LOCALES_MAX);
    } else if (!is_known(locale)) {
        snprintf(known.ids[known.count++], LOCALE_BYTES, "%s", locale);
    }
    pthread_mutex_unlock(&known.lock);
    return code;
}

size_t shoal_host_locales(const char *first, const char **out, size_t room)
{
    size_t count = 0;
    out[count++] = first;
    pthread_mutex_lock(&known.lock);
    for (size_t i = 0; i < known.count && count + 1 < room; i++) {
        if (strcmp(known.ids[i], first) != 0) {
            out[count++] = known.ids[i];
        }
    }
    pthread_mutex_unlock(&known.lock);
    out[count] = NULL;
    return count;
}
