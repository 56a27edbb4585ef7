// paging.c - reads start and count of a list's query, as PeerTube's API has them.
// SPDX-License-Identifier: MIT
#include "paging.h"

#include <stdlib.h>

#include <shoal/error.h>

int paging_read(struct shoal_request *request, int64_t most, int64_t *start, int64_t *count,
    struct shoal_err *err)
{
    const struct {
        const char *name;
        int64_t *out, most;
    } rows[] = {{"start", start, INT32_MAX}, {"count", count, most}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *text = shoal_request_query(request, rows[i].name);
        if (text == NULL) {
            continue;
        }
        char *end = NULL;
        long long value = strtoll(text, &end, 10);
        if (end == text || *end != '\0' || value < 0 || value > rows[i].most) {
            return shoal_fail_field(err, rows[i].name, "%s is a number from 0 to %lld", rows[i].name,
                (long long)rows[i].most);
        }
        *rows[i].out = value;
    }
    return 0;
}
