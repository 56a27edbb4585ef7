// guard.c - which addresses this server may open a connection to on somebody else's word.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/guard.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct network {
    unsigned char address[16];
    int bits;
};

#define V4(a, b, c, d, bits)                                                                       \
    {                                                                                              \
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, 96 + (bits)                       \
    }

/// IANA's special-purpose registries: nothing in here is a public server.
static const struct network special[] = {
    V4(0, 0, 0, 0, 8),
    V4(10, 0, 0, 0, 8),
    V4(100, 64, 0, 0, 10),
    V4(127, 0, 0, 0, 8),
    V4(169, 254, 0, 0, 16),
    V4(172, 16, 0, 0, 12),
    V4(192, 0, 0, 0, 24),
    V4(192, 0, 2, 0, 24),
    V4(192, 31, 196, 0, 24),
    V4(192, 52, 193, 0, 24),
    V4(192, 88, 99, 0, 24),
    V4(192, 168, 0, 0, 16),
    V4(192, 175, 48, 0, 24),
    V4(198, 18, 0, 0, 15),
    V4(198, 51, 100, 0, 24),
    V4(203, 0, 113, 0, 24),
    V4(224, 0, 0, 0, 4),
    V4(240, 0, 0, 0, 4),
};

/// Only 2000::/3 is given out at all; these parts of it are special.
static const struct network special_v6[] = {
    {{0x20, 0x01, 0x00}, 23},
    {{0x20, 0x01, 0x0d, 0xb8}, 32},
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48},
    {{0x3f, 0xff, 0x00}, 20},
};

static bool is_within(const unsigned char *address, const unsigned char *network, int bits)
{
    int bytes = bits / 8;
    if (memcmp(address, network, (size_t)bytes) != 0) {
        return false;
    }
    int rest = bits % 8;
    return rest == 0 || (address[bytes] ^ network[bytes]) >> (8 - rest) == 0;
}

static bool is_v4(const unsigned char *address)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address, mapped, sizeof mapped) == 0;
}

/// Writes the IPv4 address that an IPv6 address carries, as a mapped one.
static bool inner_v4(const unsigned char *address, unsigned char out[16])
{
    static const unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    static const unsigned char zero[12] = {0};
    const unsigned char *inner = NULL;
    if (memcmp(address, nat64, sizeof nat64) == 0 || memcmp(address, zero, sizeof zero) == 0) {
        inner = address + 12;
    } else if (address[0] == 0x20 && address[1] == 0x02) {
        inner = address + 2;
    } else {
        return false;
    }
    memset(out, 0, 10);
    out[10] = out[11] = 0xff;
    memcpy(out + 12, inner, 4);
    return true;
}

static bool is_public(const unsigned char *address)
{
    unsigned char carried[16];
    if (inner_v4(address, carried)) {
        address = carried;
    }
    if (is_v4(address)) {
        for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
            if (is_within(address, special[i].address, special[i].bits)) {
                return false;
            }
        }
        return true;
    }
    if ((address[0] & 0xe0) != 0x20) {
        return false;
    }
    for (size_t i = 0; i < sizeof special_v6 / sizeof special_v6[0]; i++) {
        if (is_within(address, special_v6[i].address, special_v6[i].bits)) {
            return false;
        }
    }
    return true;
}

static bool read_address(const struct sockaddr *address, unsigned char out[16])
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        memset(out, 0, 10);
        out[10] = out[11] = 0xff;
        memcpy(out + 12, &v4.sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        memcpy(out, &v6.sin6_addr, 16);
        return true;
    }
    return false;
}

bool shoal_guard_passes(const struct shoal_guard *guard, const struct sockaddr *address)
{
    unsigned char bytes[16];
    if (!read_address(address, bytes)) {
        return false;
    }
    if (is_public(bytes)) {
        return true;
    }
    for (int i = 0; guard && i < guard->count; i++) {
        if (is_within(bytes, guard->allowed[i].address, guard->allowed[i].bits)) {
            return true;
        }
    }
    return false;
}

int shoal_guard_allow(struct shoal_guard *guard, const char *network, struct shoal_err *err)
{
    char text[64];
    size_t length = strcspn(network, "/");
    if (guard->count == (int)(sizeof guard->allowed / sizeof guard->allowed[0])) {
        return shoal_fail(err, SHOAL_EINVAL, "more than 64 private networks are listed");
    }
    if (length >= sizeof text) {
        return shoal_fail(err, SHOAL_EINVAL, "\"%s\" is not a network", network);
    }
    memcpy(text, network, length);
    text[length] = '\0';
    struct shoal_guard_network *entry = &guard->allowed[guard->count];
    memset(entry, 0, sizeof *entry);
    int offset = 0;
    if (inet_pton(AF_INET, text, entry->address + 12) == 1) {
        entry->address[10] = entry->address[11] = 0xff;
        offset = 96;
    } else if (inet_pton(AF_INET6, text, entry->address) != 1) {
        return shoal_fail(err, SHOAL_EINVAL, "\"%s\" is not an address or network", network);
    }
    long bits = 128 - offset;
    if (network[length] == '/') {
        char *end = NULL;
        bits = strtol(network + length + 1, &end, 10);
        if (end == network + length + 1 || *end != '\0' || bits < 0 || bits > 128 - offset) {
            return shoal_fail(err, SHOAL_EINVAL, "\"%s\": bad prefix length", network);
        }
    }
    entry->bits = offset + (int)bits;
    guard->count++;
    return 0;
}
