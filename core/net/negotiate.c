// negotiate.c - weighs what a client says that it likes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/negotiate.h"

#define ITEMS_MAX 32 // of one header: the rest is not looked at

// "0.8" is 800; what is not a number is 0.
static int read_q(struct shoal_span text)
{
    if (text.length == 0 || (text.at[0] != '0' && text.at[0] != '1')) {
        return 0;
    }
    int q = (text.at[0] - '0') * 1000, unit = 100;
    for (size_t i = 2; i < text.length && i < 5; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return 0;
        }
        q += (text.at[i] - '0') * unit;
        unit /= 10;
    }
    return q > 1000 ? 1000 : q;
}

// Cuts "name;x=y;q=0.5" into the name and its weight; other parameters are passed over.
static int cut_q(struct shoal_span item, struct shoal_span *name)
{
    int q = 1000;
    if (!shoal_span_next(&item, ';', name)) {
        *name = (struct shoal_span){"", 0};
        return 0;
    }
    struct shoal_span parameter;
    while (shoal_span_next(&item, ';', &parameter)) {
        if (parameter.length > 2 && (parameter.at[0] == 'q' || parameter.at[0] == 'Q') &&
            parameter.at[1] == '=') {
            q = read_q((struct shoal_span){parameter.at + 2, parameter.length - 2});
        }
    }
    return q;
}

// How exactly a range names a type: 3 the type itself, 2 "text/*", 1 "*/*", 0 not at all.
static int exactness(struct shoal_span range, struct shoal_span type)
{
    if (range.length == type.length && strncasecmp(range.at, type.at, type.length) == 0) {
        return 3;
    }
    if (shoal_span_is(range, "*/*")) {
        return 1;
    }
    bool is_group = range.length > 2 && range.at[range.length - 1] == '*' &&
        range.at[range.length - 2] == '/' && type.length >= range.length - 1 &&
        strncasecmp(range.at, type.at, range.length - 1) == 0;
    return is_group ? 2 : 0;
}

int shoal_accept_q(struct shoal_span accept, const char *type)
{
    if (!type) {
        return 1;
    }
    if (!accept.at || accept.length == 0) {
        return 1000;
    }
    struct shoal_span all = shoal_span(type), bare = {0}, item;
    shoal_span_next(&all, ';', &bare);
    int best = 0, best_q = 0;
    for (int i = 0; i < ITEMS_MAX && shoal_span_next(&accept, ',', &item); i++) {
        struct shoal_span range;
        int q = cut_q(item, &range);
        int fit = exactness(range, bare);
        if (fit > best) {
            best = fit;
            best_q = q;
        }
    }
    return best_q;
}

int shoal_accept_named_q(struct shoal_span accept, const char *type)
{
    struct shoal_span all = shoal_span(type), bare = {0}, item;
    shoal_span_next(&all, ';', &bare);
    int best_q = -1;
    for (int i = 0; accept.at && i < ITEMS_MAX && shoal_span_next(&accept, ',', &item); i++) {
        struct shoal_span range;
        int q = cut_q(item, &range);
        best_q = exactness(range, bare) == 3 && q > 0 && q > best_q ? q : best_q;
    }
    return best_q;
}

bool shoal_accept_gzip(struct shoal_span encodings)
{
    struct shoal_span item;
    int star = 0, gzip = -1;
    for (int i = 0; i < ITEMS_MAX && shoal_span_next(&encodings, ',', &item); i++) {
        struct shoal_span name;
        int q = cut_q(item, &name);
        if (shoal_span_like(name, "gzip")) {
            gzip = q;
        } else if (shoal_span_is(name, "*")) {
            star = q;
        }
    }
    return gzip >= 0 ? gzip > 0 : star > 0;
}

// "fr-CA" is served by "fr-CA", else by "fr".
static const char *find_locale(struct shoal_span tag, const char *const *locales)
{
    const char *primary = NULL;
    for (size_t i = 0; locales[i]; i++) {
        if (shoal_span_like(tag, locales[i])) {
            return locales[i];
        }
        size_t length = strlen(locales[i]);
        if (!primary && tag.length > length && tag.at[length] == '-' &&
            strncasecmp(tag.at, locales[i], length) == 0) {
            primary = locales[i];
        }
    }
    return primary;
}

const char *shoal_accept_locale(struct shoal_span languages, const char *const *locales)
{
    const char *best = locales[0];
    int best_q = 0;
    struct shoal_span item;
    for (int i = 0; i < ITEMS_MAX && shoal_span_next(&languages, ',', &item); i++) {
        struct shoal_span tag;
        int q = cut_q(item, &tag);
        const char *found = q > best_q ? find_locale(tag, locales) : NULL;
        if (found) {
            best = found;
            best_q = q;
        }
    }
    return best;
}
