// seedlist_fuzz.c - any bytes as a list of hashes: the pieces lie one behind the other, to the end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdint.h>
#include <stdlib.h>

#include "seed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint64_t media_bytes = 1 << 20;
    struct shoal_arena *arena = shoal_arena_new(0);
    struct seed_pieces pieces = {0};
    json_t *list = shoal_json_parse((const char *)data, size, NULL);
    const char *name = NULL;
    json_t *rows = NULL;
    json_object_foreach(list, name, rows)
    {
        uint64_t at = 0;
        if (seed_pieces_read(arena, list, name, media_bytes, &pieces, NULL) != 0) {
            continue;
        }
        for (size_t i = 0; i < pieces.count; i++) {
            if (pieces.items[i].offset != at || pieces.items[i].length == 0) {
                abort();
            }
            at += pieces.items[i].length;
        }
        if (at != media_bytes) {
            abort();
        }
    }
    json_decref(list);
    shoal_arena_free(arena);
    return 0;
}
