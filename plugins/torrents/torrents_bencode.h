// torrents_bencode.h - writes bencode, the form of torrents.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef TORRENTS_BENCODE_H
#define TORRENTS_BENCODE_H
#include <shoal/buf.h>

/// Zero it to start, end it with shoal_buf_fini(&out). The first error stays in code, and nothing is
/// written after it. Keys of a dictionary come in the order of their bytes: that is the caller's work.
struct torrents_bencode {
    struct shoal_buf out;
    int code;
};

void torrents_bencode_dictionary(struct torrents_bencode *to);
void torrents_bencode_list(struct torrents_bencode *to);
void torrents_bencode_end(struct torrents_bencode *to); ///< of a dictionary or a list
void torrents_bencode_number(struct torrents_bencode *to, int64_t number);
void torrents_bencode_bytes(struct torrents_bencode *to, const void *data, size_t length);
void torrents_bencode_text(struct torrents_bencode *to, const char *text);

#endif
