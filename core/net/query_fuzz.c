// query_fuzz.c - any bytes as a query, and its pairs as a form.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "net/body_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct shoal_span text = {(const char *)bytes, length};
    struct shoal_arena *arena = shoal_arena_new(0);
    struct shoal_pairs pairs;
    char key[1024];
    shoal_query_sort(text, key, sizeof key);
    if (shoal_query_parse(arena, text, SHOAL_FORM_MAX, &pairs, NULL) == 0) {
        json_decref(shoal_form_to_json(pairs.items, pairs.count, true, NULL));
    }
    shoal_arena_free(arena);
    return 0;
}
