// p2p_bencode.h - writes bencode, the form of torrents and of a tracker's answers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_BENCODE_H
#define P2P_BENCODE_H
#include <shoal/plugin.h>

/// Zero it to start, end it with shoal_buf_fini(&out). The first error stays in code, and nothing is
/// written after it. Keys of a dictionary come in the order of their bytes: that is the caller's work.
struct p2p_bencode {
    struct shoal_buf out;
    int code;
};

void p2p_bencode_dictionary(struct p2p_bencode *to);
void p2p_bencode_list(struct p2p_bencode *to);
void p2p_bencode_end(struct p2p_bencode *to); ///< of a dictionary or a list
void p2p_bencode_number(struct p2p_bencode *to, int64_t number);
void p2p_bencode_bytes(struct p2p_bencode *to, const void *data, size_t length);
void p2p_bencode_text(struct p2p_bencode *to, const char *text);

#endif
