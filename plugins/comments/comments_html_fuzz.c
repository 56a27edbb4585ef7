// comments_html_fuzz.c - any bytes as HTML of another server, and what it becomes as the text of a comment.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "comments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    const char *html = shoal_arena_strndup(arena, (const char *)data, size);
    const char *text = comments_html_text(arena, html);
    const char *clean = text != NULL ? comments_text_clean(arena, text) : NULL;
    if (clean != NULL && strlen(comments_text_shown(arena, clean)) < strlen(clean)) {
        abort(); // nothing that was said is lost when it is shown
    }
    shoal_arena_free(arena);
    return 0;
}
