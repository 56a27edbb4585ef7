// frames.c - frames of RFC 6455, read where they lie and written by their heads.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/frames_priv.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

#define CONTROL_MAX 125
#define MASK_BYTES  4

static uint64_t big_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static void unmask(char *data, size_t length, const unsigned char *mask)
{
    uint64_t eight;
    unsigned char twice[8];
    memcpy(twice, mask, MASK_BYTES);
    memcpy(twice + MASK_BYTES, mask, MASK_BYTES);
    memcpy(&eight, twice, 8);
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, 8);
        word ^= eight;
        memcpy(data + i, &word, 8);
    }
    for (; i < length; i++) {
        data[i] = (char)(data[i] ^ (char)mask[i % MASK_BYTES]);
    }
}

/// What the first two bytes must say, before anything is believed of them.
static int check_start(const unsigned char *at)
{
    int opcode = at[0] & 15;
    bool is_control = opcode >= SHOAL_FRAME_CLOSE;
    if ((at[0] & 0x70) || !(at[1] & 0x80) || (opcode > SHOAL_FRAME_BINARY && !is_control) ||
        opcode > SHOAL_FRAME_PONG) {
        return -SHOAL_CLOSE_NO_FRAME;
    }
    if (is_control && (!(at[0] & 0x80) || (at[1] & 0x7f) > CONTROL_MAX)) {
        return -SHOAL_CLOSE_NO_STATUS;
    }
    return 0;
}

int shoal_frame_read(char *bytes, size_t length, size_t room, struct shoal_frame *frame)
{
    const unsigned char *at = (const unsigned char *)bytes;
    if (length < 2) {
        return 0;
    }
    int code = check_start(at);
    if (code < 0) {
        return code;
    }
    int more = (at[1] & 0x7f) == 126 ? 2 : (at[1] & 0x7f) == 127 ? 8 : 0;
    size_t head = 2 + (size_t)more + MASK_BYTES;
    if (length < 2 + (size_t)more) {
        return 0;
    }
    uint64_t payload = more ? big_endian(at + 2, more) : at[1] & 0x7fu;
    if (more && payload <= (more == 2 ? CONTROL_MAX : UINT16_MAX)) {
        return -SHOAL_CLOSE_NO_FRAME; // a length has one spelling
    }
    frame->opcode = at[0] & 15;
    if (frame->opcode < SHOAL_FRAME_CLOSE && payload > room) {
        return -SHOAL_CLOSE_TOO_LARGE;
    }
    if (length < head || length - head < payload) {
        return 0;
    }
    frame->is_last = (at[0] & 0x80) != 0;
    frame->payload = bytes + head;
    frame->length = (size_t)payload;
    frame->whole = head + (size_t)payload;
    unmask(frame->payload, frame->length, at + head - MASK_BYTES);
    return 1;
}

size_t shoal_frame_head(char out[SHOAL_FRAME_HEAD], int opcode, size_t length)
{
    out[0] = (char)(0x80 | opcode);
    if (length <= CONTROL_MAX) {
        out[1] = (char)length;
        return 2;
    }
    int more = length <= UINT16_MAX ? 2 : 8;
    out[1] = more == 2 ? 126 : 127;
    for (int i = 0; i < more; i++) {
        out[2 + i] = (char)((uint64_t)length >> (8 * (more - 1 - i)) & 0xff);
    }
    return 2 + (size_t)more;
}

int shoal_frame_goodbye(const struct shoal_frame *frame)
{
    if (frame->length == 0) {
        return SHOAL_CLOSE_NO_STATUS;
    }
    if (frame->length == 1) {
        return -SHOAL_CLOSE_NO_FRAME;
    }
    int code = (int)big_endian((const unsigned char *)frame->payload, 2);
    bool is_named = code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
    if (!is_named && (code < 3000 || code > 4999)) {
        return -SHOAL_CLOSE_NO_FRAME;
    }
    return shoal_is_utf8(frame->payload + 2, frame->length - 2) ? code : -SHOAL_CLOSE_NO_TEXT;
}
