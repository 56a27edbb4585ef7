// stun_answer.c - reads a STUN request to its last byte, and writes the answer.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "stun_answer.h"

#include <string.h>

#define HEADER_BYTES       20
#define COOKIE             0x2112a442u
#define BINDING_REQUEST    0x0001
#define BINDING_SUCCESS    0x0101
#define BINDING_ERROR      0x0111
#define ERROR_CODE         0x0009
#define INTEGRITY          0x0008
#define UNKNOWN_ATTRIBUTES 0x000a
#define INTEGRITY_SHA256   0x001c
#define XOR_MAPPED_ADDRESS 0x0020
#define FINGERPRINT        0x8028
#define FINGERPRINT_XOR    0x5354554eu
#define OPTIONAL_FROM      0x8000 // who does not understand an attribute from here on passes over it
#define UNKNOWN_MAX        4

struct request {
    bool has_integrity, has_fingerprint;
    size_t unknown_count;
    unsigned unknown[UNKNOWN_MAX];
};

static unsigned read16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static uint32_t read32(const unsigned char *at)
{
    return (uint32_t)read16(at) << 16 | read16(at + 2);
}

static void write16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

static void write32(unsigned char *at, uint32_t value)
{
    write16(at, value >> 16);
    write16(at + 2, value & 0xffff);
}

static uint32_t fingerprint(const unsigned char *bytes, size_t length)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
        }
    }
    return ~crc ^ FINGERPRINT_XOR;
}

/// Those of requests that RFC 8489 itself defines: nobody has to prove who he is here, so they say nothing.
static bool is_known(unsigned type)
{
    static const unsigned char known[] = {0x06, 0x08, 0x14, 0x15, 0x1c, 0x1d, 0x1e};
    return type >= OPTIONAL_FROM || (type <= 0xff && memchr(known, (int)type, sizeof known) != NULL);
}

static void note_unknown(struct request *request, unsigned type)
{
    for (size_t i = 0; i < request->unknown_count; i++) {
        if (request->unknown[i] == type) {
            return;
        }
    }
    if (request->unknown_count < UNKNOWN_MAX) {
        request->unknown[request->unknown_count++] = type;
    }
}

/// Returns: false where its attributes do not fit into the message, or it is not what its fingerprint says.
static bool read_attributes(const unsigned char *bytes, size_t length, struct request *request)
{
    for (size_t at = HEADER_BYTES; at < length;) {
        if (length - at < 4 || request->has_fingerprint) { // which is the last one
            return false;
        }
        unsigned type = read16(bytes + at);
        size_t size = read16(bytes + at + 2), padded = (size + 3) & ~(size_t)3;
        if (padded > length - at - 4) {
            return false;
        }
        if (type == FINGERPRINT) {
            request->has_fingerprint = true;
            if (size != 4 || read32(bytes + at + 4) != fingerprint(bytes, at)) {
                return false;
            }
        } else if (!request->has_integrity && !is_known(type)) { // what follows integrity is passed over
            note_unknown(request, type);
        }
        request->has_integrity |= type == INTEGRITY || type == INTEGRITY_SHA256;
        at += 4 + padded;
    }
    return true;
}

static bool is_binding(const unsigned char *bytes, size_t length)
{
    return length >= HEADER_BYTES && length <= STUN_REQUEST_MAX && length % 4 == 0 &&
           read16(bytes) == BINDING_REQUEST && read16(bytes + 2) == length - HEADER_BYTES &&
           read32(bytes + 4) == COOKIE;
}

static unsigned char *put_attribute(unsigned char *at, unsigned type, size_t size)
{
    write16(at, type);
    write16(at + 2, (unsigned)size);
    return at + 4;
}

/// The address is mixed with cookie and transaction, which the header has: routers that look for addresses in
/// what they pass on find none.
static unsigned char *put_address(
    unsigned char *at, const unsigned char *header, const struct stun_source *source)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool is_ipv4 = memcmp(source->address, mapped, sizeof mapped) == 0;
    size_t size = is_ipv4 ? 4 : 16;
    const unsigned char *address = source->address + 16 - size;
    at = put_attribute(at, XOR_MAPPED_ADDRESS, 4 + size);
    write16(at, is_ipv4 ? 1 : 2);
    write16(at + 2, source->port ^ (COOKIE >> 16));
    for (size_t i = 0; i < size; i++) {
        at[4 + i] = address[i] ^ header[4 + i];
    }
    return at + 4 + size;
}

/// 420: what was not understood.
static unsigned char *put_unknown(unsigned char *at, const struct request *request)
{
    at = put_attribute(at, ERROR_CODE, 4);
    write32(at, 4 << 8 | 20);
    at = put_attribute(at + 4, UNKNOWN_ATTRIBUTES, 2 * request->unknown_count);
    for (size_t i = 0; i < request->unknown_count; i++, at += 2) {
        write16(at, request->unknown[i]);
    }
    if (request->unknown_count % 2 == 1) {
        write16(at, 0);
        at += 2;
    }
    return at;
}

size_t stun_answer(const unsigned char *bytes, size_t length,
    const struct stun_source *source, unsigned char out[STUN_ANSWER_MAX])
{
    struct request request = {0};
    if (!is_binding(bytes, length) || !read_attributes(bytes, length, &request)) {
        return 0;
    }
    bool is_error = request.unknown_count > 0;
    memcpy(out, bytes, HEADER_BYTES);
    write16(out, is_error ? BINDING_ERROR : BINDING_SUCCESS);
    unsigned char *end = is_error ? put_unknown(out + HEADER_BYTES, &request)
                                  : put_address(out + HEADER_BYTES, out, source);
    size_t whole = (size_t)(end - out) + (request.has_fingerprint ? 8 : 0);
    write16(out + 2, (unsigned)(whole - HEADER_BYTES));
    if (request.has_fingerprint) { // of all before it, with the length that the message will have
        uint32_t value = fingerprint(out, (size_t)(end - out));
        write32(put_attribute(end, FINGERPRINT, 4), value);
    }
    return whole;
}
