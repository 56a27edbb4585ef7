// cidr.c - whether an address lies in one of a list of networks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "host/registry_priv.h"

/// IPv4 is read as IPv4-mapped. Returns: the bits of the address family, 0 for text that is none.
static int parse(const char *text, unsigned char out[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (inet_pton(AF_INET6, text, out) == 1) {
        return 128;
    }
    memcpy(out, mapped, sizeof(mapped));
    return inet_pton(AF_INET, text, out + 12) == 1 ? 32 : 0;
}

/// One to three digits and nothing else; -1 for any other text: "10.0.0.0/" is not "10.0.0.0/0".
static int parse_bits(const char *text)
{
    size_t length = strlen(text);
    bool is_number = length > 0 && length <= 3 && strspn(text, "0123456789") == length;
    return is_number ? (int)strtol(text, NULL, 10) : -1;
}

static bool holds(const char *network, const unsigned char address[16])
{
    char text[64];
    unsigned char start[16];
    size_t length = strcspn(network, "/");
    if (length >= sizeof(text)) {
        return false;
    }
    memcpy(text, network, length);
    text[length] = 0;
    int family = parse(text, start);
    int bits = family;
    if (network[length] == '/') {
        bits = parse_bits(network + length + 1);
        if (bits < 0 || bits > family) {
            return false;
        }
    }
    if (family == 0) {
        return false;
    }
    bits += 128 - family;
    size_t whole = (size_t)bits / 8;
    int rest = bits % 8;
    return memcmp(start, address, whole) == 0 &&
           (rest == 0 || ((start[whole] ^ address[whole]) >> (8 - rest)) == 0);
}

bool shoal_cidr_lists(const json_t *list, const char *address)
{
    unsigned char bytes[16];
    bool is_unix = address && strcmp(address, "unix") == 0;
    if (!address || (!is_unix && parse(address, bytes) == 0)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *network = json_string_value(json_array_get(list, i));
        if (network && (is_unix ? strcmp(network, "unix") == 0 : holds(network, bytes))) {
            return true;
        }
    }
    return false;
}
