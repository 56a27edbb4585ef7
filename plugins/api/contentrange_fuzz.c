// contentrange_fuzz.c - any line as Content-Range: what is accepted makes sense.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api_range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    struct api_range range;
    if (api_range_parse(text, &range) == 0 && !range.is_query) {
        if (range.last < range.first || (range.has_total && range.last >= range.total)) {
            abort();
        }
    }
    free(text);
    return 0;
}
