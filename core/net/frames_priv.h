// frames_priv.h - frames of RFC 6455, read where they lie and written by their heads.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_FRAMES_PRIV_H
#define SHOAL_CORE_NET_FRAMES_PRIV_H
#include <stdbool.h>
#include <stddef.h>

#define SHOAL_FRAME_HEAD 10 ///< most bytes of a head that a server sends

enum shoal_opcode {
    SHOAL_FRAME_MORE = 0,
    SHOAL_FRAME_TEXT = 1,
    SHOAL_FRAME_BINARY = 2,
    SHOAL_FRAME_CLOSE = 8,
    SHOAL_FRAME_PING = 9,
    SHOAL_FRAME_PONG = 10,
};

/// Why a connection ends: what the peer is told.
#define SHOAL_CLOSE_NO_FRAME  1002
#define SHOAL_CLOSE_NO_STATUS 1005 ///< a goodbye without a code; never sent itself
#define SHOAL_CLOSE_NO_TEXT   1007
#define SHOAL_CLOSE_TOO_LARGE 1009

struct shoal_frame {
    int opcode;
    bool is_last; ///< of its message
    char *payload;
    size_t length;
    size_t whole; ///< bytes of head and payload
};

/// Reads the frame of a client at the beginning of the bytes, and takes its mask off in place.
/// room: bytes that a message may still have; what is larger is refused by its head.
/// Returns: 1 when it is whole, 0 when more bytes are needed, or minus the code of the goodbye.
int shoal_frame_read(char *bytes, size_t length, size_t room, struct shoal_frame *frame);
/// Writes the head of a frame that a server sends. Returns: its length.
size_t shoal_frame_head(char out[SHOAL_FRAME_HEAD], int opcode, size_t length);
/// The code of a close frame's payload; 1005 where it has none, or minus the code of the goodbye.
int shoal_frame_goodbye(const struct shoal_frame *frame);

#endif
