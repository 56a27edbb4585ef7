// torrents_bencode.c - writes bencode, the form of torrents.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "torrents_bencode.h"

#include <inttypes.h>
#include <string.h>

static void put(struct torrents_bencode *to, const char *text)
{
    if (to->code == 0) {
        to->code = shoal_buf_puts(&to->out, text);
    }
}

void torrents_bencode_dictionary(struct torrents_bencode *to)
{
    put(to, "d");
}

void torrents_bencode_list(struct torrents_bencode *to)
{
    put(to, "l");
}

void torrents_bencode_end(struct torrents_bencode *to)
{
    put(to, "e");
}

void torrents_bencode_number(struct torrents_bencode *to, int64_t number)
{
    if (to->code == 0) {
        to->code = shoal_buf_printf(&to->out, "i%" PRId64 "e", number);
    }
}

void torrents_bencode_bytes(struct torrents_bencode *to, const void *data, size_t length)
{
    if (to->code == 0) {
        to->code = shoal_buf_printf(&to->out, "%zu:", length);
    }
    if (to->code == 0 && length > 0) {
        to->code = shoal_buf_add(&to->out, data, length);
    }
}

void torrents_bencode_text(struct torrents_bencode *to, const char *text)
{
    torrents_bencode_bytes(to, text, strlen(text));
}
