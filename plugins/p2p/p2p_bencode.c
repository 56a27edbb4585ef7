// p2p_bencode.c - writes bencode, the form of torrents and of a tracker's answers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_bencode.h"

#include <inttypes.h>
#include <string.h>

static void put(struct p2p_bencode *to, const char *text)
{
    if (to->code == 0) {
        to->code = shoal_buf_puts(&to->out, text);
    }
}

void p2p_bencode_dictionary(struct p2p_bencode *to)
{
    put(to, "d");
}

void p2p_bencode_list(struct p2p_bencode *to)
{
    put(to, "l");
}

void p2p_bencode_end(struct p2p_bencode *to)
{
    put(to, "e");
}

void p2p_bencode_number(struct p2p_bencode *to, int64_t number)
{
    if (to->code == 0) {
        to->code = shoal_buf_printf(&to->out, "i%" PRId64 "e", number);
    }
}

void p2p_bencode_bytes(struct p2p_bencode *to, const void *data, size_t length)
{
    if (to->code == 0) {
        to->code = shoal_buf_printf(&to->out, "%zu:", length);
    }
    if (to->code == 0 && length > 0) {
        to->code = shoal_buf_add(&to->out, data, length);
    }
}

void p2p_bencode_text(struct p2p_bencode *to, const char *text)
{
    p2p_bencode_bytes(to, text, strlen(text));
}
