// seed_playlist.c - a playlist of a stranger may only name files of its own video.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <m3u8.h>

#include "seed.h"

int seed_playlist_check(const char *text, size_t length,
    bool (*known)(const char *name, void *user), void *user, struct shoal_err *err)
{
    struct m3u8_reader reader;
    m3u8_open(&reader, text, length);
    for (;;) {
        char name[SEED_NAME_MAX + 1];
        struct m3u8_part part = m3u8_next(&reader);
        if (part.kind == M3U8_END) {
            return 0;
        }
        if (part.kind == M3U8_BAD) {
            return shoal_fail(err, SHOAL_EUNREADABLE, "it is no playlist");
        }
        if (part.kind == M3U8_TEXT) {
            continue;
        }
        size_t bytes = part.length < sizeof name ? part.length : sizeof name - 1;
        memcpy(name, part.text, bytes);
        name[bytes] = '\0';
        if (bytes != part.length || strlen(name) != bytes ||
            seed_name_kind(name) == SEED_KIND_NONE || !known(name, user)) {
            return shoal_fail(err, SHOAL_EUNREADABLE,
                "a playlist leads to \"%.*s\", which is no file of this video",
                (int)(part.length < 100 ? part.length : 100), part.text);
        }
    }
}
