// version_range.c - whether a version lies in a range: "^1.0", ">=1.0 <2", "1.x", "*".
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "host/manifest.h"

struct version {
    long part[3];
    int count; ///< parts that were said
};

/// Reads "1", "1.2" or "1.2.3", "1.x" too. Returns: what follows, or NULL.
static const char *parse(const char *text, struct version *out)
{
    *out = (struct version){0};
    while (out->count < 3) {
        if (*text == 'x' || *text == '*') {
            return text + 1;
        }
        if (*text < '0' || *text > '9') {
            return NULL;
        }
        char *end = NULL;
        out->part[out->count++] = strtol(text, &end, 10);
        text = end;
        if (*text != '.') {
            return text;
        }
        text++;
    }
    return NULL;
}

static int compare(const struct version *a, const struct version *b)
{
    for (int i = 0; i < 3; i++) {
        if (a->part[i] != b->part[i]) {
            return a->part[i] < b->part[i] ? -1 : 1;
        }
    }
    return 0;
}

static bool same_start(const struct version *a, const struct version *b, int count)
{
    for (int i = 0; i < count; i++) {
        if (a->part[i] != b->part[i]) {
            return false;
        }
    }
    return true;
}

/// Reads one comparator. Returns: what follows, or NULL; *fits says whether version passes.
static const char *test_one(const struct version *version, const char *text, bool *fits)
{
    size_t length = strspn(text, "<>=^~");
    struct version wanted;
    const char *rest = parse(text + length, &wanted);
    if (!rest) {
        return NULL;
    }
    int order = compare(version, &wanted);
    if (length == 0 || (length == 1 && *text == '=')) {
        *fits = same_start(version, &wanted, wanted.count);
    } else if (length == 1 && *text == '^') {
        bool is_zero = wanted.part[0] == 0 && wanted.count > 1;
        *fits = order >= 0 && same_start(version, &wanted, is_zero ? 2 : 1);
    } else if (length == 1 && *text == '~') {
        *fits = order >= 0 && same_start(version, &wanted, wanted.count > 1 ? 2 : 1);
    } else if (length == 2 && text[1] == '=' && (*text == '<' || *text == '>')) {
        *fits = *text == '<' ? order <= 0 : order >= 0;
    } else if (length == 1) {
        *fits = *text == '<' ? order < 0 : order > 0;
    } else {
        return NULL;
    }
    return rest;
}

static bool test_all(const struct version *version, const char *range, bool *fits)
{
    *fits = true;
    bool any = false;
    while (*range) {
        if (*range == ' ') {
            range++;
            continue;
        }
        bool one = false;
        range = test_one(version, range, &one);
        if (!range || (*range && *range != ' ')) {
            return false;
        }
        *fits = *fits && one;
        any = true;
    }
    return any;
}

bool shoal_version_range_valid(const char *range)
{
    struct version zero = {0};
    bool fits = false;
    return test_all(&zero, range, &fits);
}

bool shoal_version_in_range(const char *text, const char *range)
{
    struct version version;
    bool fits = false;
    return parse(text, &version) && test_all(&version, range, &fits) && fits;
}
