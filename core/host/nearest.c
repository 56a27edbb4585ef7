// nearest.c - finds the name that somebody probably meant.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/setting_row.h"

#include <string.h>

#define WORD_MAX 64

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/// Edits (insert, remove, replace, swap of neighbours) between two words; WORD_MAX where one is
/// long.
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    if (a_length > WORD_MAX || b_length > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = least(row[j - 1] + 1, above[j] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && rows[(i - 2) % 3][j - 2] + 1 < row[j]) {
                row[j] = rows[(i - 2) % 3][j - 2] + 1;
            }
        }
    }
    return rows[a_length % 3][b_length];
}

const char *shoal_nearest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_edits = strlen(word) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        const char *dot = strrchr(names[i], '.');
        if (dot && strcmp(dot + 1, word) == 0) {
            return names[i]; // right, but for the table that it stands in
        }
        size_t edits = distance(word, names[i]);
        if (edits < best_edits && edits < strlen(names[i])) {
            best = names[i];
            best_edits = edits;
        }
    }
    return best;
}
