// stun_answer.h - what a STUN request is answered with (RFC 8489): pure, and without memory of who asked.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef STUN_ANSWER_H
#define STUN_ANSWER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STUN_REQUEST_MAX 1280 ///< bytes; longer ones are dropped
#define STUN_ANSWER_MAX  56

/// Where a request came from, as the server sees it.
struct stun_source {
    unsigned char address[16]; ///< IPv4 is mapped into IPv6
    uint16_t port;
};

/// Answers a Binding request: a success with XOR-MAPPED-ADDRESS, or 420 where it has attributes that must be
/// understood and are not; with FINGERPRINT where the request has one. At most 24 bytes longer than the request.
///
/// Returns: bytes of the answer; 0: there is none, as it is no such request, or a damaged one.
/// Thread: [any]. Blocks: no.
size_t stun_answer(const unsigned char *request, size_t length,
    const struct stun_source *source, unsigned char out[STUN_ANSWER_MAX]);

#endif
