// paging.c - reads numbers of a list's query, start and count among them, as PeerTube's API has them.
// SPDX-License-Identifier: MIT
#include "paging.h"

#include <stdlib.h>
#include <string.h>

#include <shoal/error.h>

#define DIGITS_MAX 15

int64_t paging_digits(const char *text)
{
    size_t length = text == NULL ? 0 : strspn(text, "0123456789");
    return length > 0 && length <= DIGITS_MAX && text[length] == '\0' ? strtoll(text, NULL, 10) : -1;
}

int paging_number(struct shoal_request *request, const char *name, int64_t most, int64_t *out,
    struct shoal_err *err)
{
    const char *text = shoal_request_query(request, name);
    int64_t value = paging_digits(text);
    if (text == NULL) {
        return 0;
    }
    if (value < 0 || value > most) {
        return shoal_fail_field(
            err, name, "Should have a number %s (max: %lld)", name, (long long)most);
    }
    *out = value;
    return 0;
}

int paging_read(struct shoal_request *request, int64_t most, int64_t *start, int64_t *count,
    struct shoal_err *err)
{
    int code = paging_number(request, "start", INT32_MAX, start, err);
    return code == 0 ? paging_number(request, "count", most, count, err) : code;
}
