// p2p_scan_json.h - steps over JSON where it lies, and checks that it is well-formed.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_SCAN_JSON_H
#define P2P_SCAN_JSON_H
#include "p2p_scan.h"

/// What is left to read.
struct p2p_text {
    const char *at, *end;
};

void p2p_json_space(struct p2p_text *text);
/// Steps over one character, and over white space before it. Returns: whether it was there.
bool p2p_json_take(struct p2p_text *text, char wanted);
/// Steps over a string; the slice has its quotes.
bool p2p_json_string(struct p2p_text *text, struct p2p_slice *string);
/// Steps over any value.
bool p2p_json_value(struct p2p_text *text, struct p2p_slice *value);
/// Decodes a string of exactly 20 characters below U+0100 into their bytes.
bool p2p_json_bytes(struct p2p_slice string, unsigned char out[P2P_ID_BYTES]);

#endif
