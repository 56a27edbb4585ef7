// query_priv.h - names and values of a query or an urlencoded form.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_QUERY_PRIV_H
#define SHOAL_CORE_NET_QUERY_PRIV_H
#include <shoal/arena.h>
#include <shoal/error.h>

#include "net/span.h"

#define SHOAL_QUERY_MAX 200
#define SHOAL_FORM_MAX  1000

struct shoal_pair {
    const char *name, *value;
};

struct shoal_pairs {
    struct shoal_pair *items;
    size_t count;
};

/// Cuts "a=1&b=2" into at most max pairs, in the arena. SHOAL_EINVAL for broken escapes, bytes that are
/// not UTF-8 and too many pairs.
int shoal_query_parse(struct shoal_arena *arena, struct shoal_span text, size_t max,
    struct shoal_pairs *pairs, struct shoal_err *err);
/// Writes the query with its pairs in order, for cache keys. room: of out. Returns the length, or -1
/// when there are too many pairs, encoded names or too little room.
long shoal_query_sort(struct shoal_span text, char *out, size_t room);

#endif
