// videos_query.h - what a client asks of a list of videos, as arguments of its statements.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_VIDEOS_QUERY_H
#define SHOAL_CORE_CATALOG_VIDEOS_QUERY_H
#include "catalog/catalog_priv.h"

#define CATALOG_VIDEOS_FILTERS 36
#define CATALOG_VIDEOS_ARGS    40

struct catalog_videos_query {
    struct shoal_value args[CATALOG_VIDEOS_ARGS]; ///< $1 is args[0]; see videos_list.c
    struct catalog_page page;
    int shape;
    bool skips_count;
};
extern const char *const catalog_videos_sorts[];

/// Reads and checks a query; who may ask for what is decided here.
int catalog_videos_query_read(struct shoal_call *call, const json_t *query,
    struct catalog_videos_query *out, struct shoal_err *err);

/// How many videos a query finds in all. every: counts with all filters.
int catalog_videos_total(struct shoal_call *call, const struct catalog_videos_query *query,
    const struct shoal_sql *every, int64_t *total, struct shoal_err *err);

#endif
