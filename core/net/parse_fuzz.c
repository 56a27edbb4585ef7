// parse_fuzz.c - any bytes as a head, and the rest of them as a chunked body.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "net/chunk_priv.h"
#include "net/parse_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *data = (const char *)bytes;
    static struct shoal_head head;
    struct shoal_refusal refusal;
    size_t scanned = 0;
    long end = shoal_head_find(data, length, &scanned, &refusal);
    if (end <= 0) {
        return 0;
    }
    char *exact = malloc((size_t)end);
    memcpy(exact, data, (size_t)end);
    if (shoal_head_parse(exact, (size_t)end, &head, &refusal) == 0) {
        char *copy = malloc((size_t)end + 1);
        shoal_head_move(&head, exact, memcpy(copy, exact, (size_t)end));
        for (size_t i = 0; i < head.header_count; i++) {
            if (strlen(head.headers[i].name.at) != head.headers[i].name.length) {
                abort();
            }
        }
        free(copy);
    }
    free(exact);
    struct shoal_chunked chunked = {0};
    size_t at = (size_t)end;
    while (at < length && !chunked.is_done) {
        const char *body;
        size_t body_length;
        long used = shoal_chunked_feed(&chunked, data + at, length - at, &body, &body_length);
        if (used <= 0) {
            break;
        }
        at += (size_t)used;
    }
    return 0;
}
