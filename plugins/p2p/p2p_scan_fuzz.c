// p2p_scan_fuzz.c - any bytes as a message of a peer: what is passed on is JSON, and part of the message.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "p2p_http_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check(const char *text, size_t length, struct jsontext_slice slice)
{
    if (slice.at && (slice.at < text || slice.at + slice.length > text + length || slice.length < 2)) {
        abort();
    }
}

/// A peer that gets a slice has to be able to read it.
static void check_json(struct jsontext_slice slice)
{
    json_t *value = json_loadb(
        slice.at, slice.length, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    json_t *text = json_stringn(slice.at, slice.length); // frames are looked at before: UTF-8
    bool has_odd = memmem(slice.at, slice.length, "\\u", 2) || memchr(slice.at, 'e', slice.length) ||
        memchr(slice.at, 'E', slice.length); // lone surrogates and huge numbers are not its taste
    if (!value && text && !has_odd) {
        abort();
    }
    json_decref(text);
    json_decref(value);
}

static void check_message(const char *text, size_t length)
{
    struct p2p_message message;
    if (p2p_scan(text, length, 5, &message) != P2P_FINE) {
        return;
    }
    check(text, length, message.hash.text);
    check(text, length, message.peer.text);
    check(text, length, message.target.text);
    check(text, length, message.offer_id.text);
    check(text, length, message.answer);
    if (message.answer.at) {
        check_json(message.answer);
    }
    if (message.offer_count > 5) {
        abort();
    }
    for (size_t i = 0; i < message.offer_count; i++) {
        check(text, length, message.offers[i].offer);
        check(text, length, message.offers[i].id);
        check_json(message.offers[i].offer);
    }
    struct p2p_id hash;
    while (message.hashes.at && p2p_scan_next(&message.hashes, &hash)) {
        check(text, length, hash.text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length > 65536) {
        return 0;
    }
    char *exact = malloc(length + 1);
    if (length > 0) {
        memcpy(exact, bytes, length);
    }
    char *tight = malloc(length ? length : 1); // so that one byte too far is seen
    if (length > 0) {
        memcpy(tight, bytes, length);
    }
    check_message(tight, length);
    exact[length] = 0;
    struct p2p_query query;
    p2p_query_read(exact, &query);
    free(tight);
    free(exact);
    return 0;
}
