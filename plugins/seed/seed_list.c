// seed_list.c - reads a list of hashes and cuts a file into the pieces that it covers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "seed.h"

#define PIECES_MAX 200000

/// "FIRST-LAST", both counted in.
static bool range_read(const char *text, uint64_t *offset, uint64_t *length)
{
    char *end = NULL;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 15 || text[digits] != '-') {
        return false;
    }
    *offset = strtoull(text, &end, 10);
    digits = strspn(end + 1, "0123456789");
    if (digits == 0 || digits > 15 || end[1 + digits] != '\0') {
        return false;
    }
    uint64_t last = strtoull(end + 1, NULL, 10);
    *length = last - *offset + 1;
    return last >= *offset;
}

static bool hash_valid(const char *text)
{
    return text != NULL && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static int by_offset(const void *a, const void *b)
{
    const struct seed_piece *one = a;
    const struct seed_piece *two = b;
    return one->offset < two->offset ? -1 : one->offset > two->offset;
}

static int rows_read(
    const json_t *rows, uint64_t size, struct seed_piece *out, struct shoal_err *err)
{
    const char *range = NULL;
    json_t *hash = NULL;
    size_t count = 0;
    json_object_foreach((json_t *)(uintptr_t)rows, range, hash)
    {
        struct seed_piece *piece = &out[count++];
        const char *text = json_string_value(hash);
        if (!range_read(range, &piece->offset, &piece->length) || !hash_valid(text) ||
            piece->offset >= size || piece->length > size - piece->offset) {
            return shoal_fail(
                err, SHOAL_EUNREADABLE, "the list of hashes has a wrong row: %.60s", range);
        }
        if (piece->length > SEED_PIECE_BYTES) {
            return shoal_fail(err, SHOAL_ETOOLARGE, "segment %.60s is too large", range);
        }
        piece->has_hash = true;
        memcpy(piece->sha256, text, 65);
    }
    qsort(out, count, sizeof *out, by_offset);
    return 0;
}

/// What lies between two pieces, in pieces of its own.
static size_t gap_put(struct seed_piece *out, size_t room, uint64_t from, uint64_t to)
{
    size_t count = 0;
    while (from < to && count < room) {
        uint64_t length = to - from < SEED_PIECE_BYTES ? to - from : SEED_PIECE_BYTES;
        out[count++] = (struct seed_piece){.offset = from, .length = length};
        from += length;
    }
    return count;
}

int seed_pieces_read(struct shoal_arena *arena, const json_t *list, const char *name, uint64_t size,
    struct seed_pieces *pieces, struct shoal_err *err)
{
    const json_t *rows = json_object_get(list, name);
    size_t count = json_object_size(rows);
    if (count == 0) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "the list of hashes does not know %.120s", name);
    }
    if (count > PIECES_MAX || size > (uint64_t)SEED_MEDIA_BYTES) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "%.120s is too large", name);
    }
    size_t room = 2 * count + 1 + (size_t)(size / SEED_PIECE_BYTES);
    struct seed_piece *rows_of = shoal_arena_try(arena, count * sizeof *rows_of);
    pieces->items = shoal_arena_try(arena, room * sizeof *pieces->items);
    if (rows_of == NULL || pieces->items == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory for the hashes of %.120s", name);
    }
    int code = rows_read(rows, size, rows_of, err);
    if (code != 0) {
        return code;
    }
    pieces->count = 0;
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows_of[i].offset < at) {
            return shoal_fail(err, SHOAL_EUNREADABLE, "segments of %.120s overlap", name);
        }
        pieces->count +=
            gap_put(pieces->items + pieces->count, room - pieces->count, at, rows_of[i].offset);
        pieces->items[pieces->count++] = rows_of[i];
        at = rows_of[i].offset + rows_of[i].length;
    }
    pieces->count += gap_put(pieces->items + pieces->count, room - pieces->count, at, size);
    return 0;
}
