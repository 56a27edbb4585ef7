// api_query.h - reads and checks what stands behind the "?" of a list.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_QUERY_H
#define API_QUERY_H
#include <shoal/plugin.h>

enum api_query_type {
    API_QUERY_TEXT = 0,
    API_QUERY_BOOL = 1, ///< true, false, 1, 0
    API_QUERY_BOTH = 2, ///< a bool, or "both"
    API_QUERY_INT = 3,
    API_QUERY_INTS = 4,
    API_QUERY_TEXTS = 5,
};

/// One parameter that a list takes; others are ignored.
struct api_query_row {
    const char *name;
    enum api_query_type type;
    int64_t min, max; ///< of a number; of the length of a text. Both 0: no bounds, 1000 characters
};

/// Checks the values of one parameter (NULL-ended) and gives them as JSON.
int api_query_value(const struct api_query_row *row, const char *const *values, json_t **out,
    struct shoal_err *err);
/// Whether `sort` is one of the space-separated `fields`, maybe behind a "-".
bool api_query_sorts(const char *fields, const char *sort);

/// What a list takes besides start, count and sort.
struct api_list {
    const char *name;     ///< for the filter list.query: "videos", "channels", …
    const char *sorts;    ///< fields that it sorts by, separated by spaces
    const char *sort;     ///< the order when none is asked for
    const struct api_query_row *rows;
    size_t row_count;
};
/// Reads the query of a request: {start, count, sort, …}; a new reference, or NULL with err.
json_t *api_query_read(struct shoal_request *request, const struct api_list *list,
    struct shoal_err *err);
/// Passes a checked query through the filter list.query. Takes the reference and gives it back.
json_t *api_query_filter(struct shoal_call *call, const struct api_list *list, json_t *query);

#endif
