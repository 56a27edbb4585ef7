// address.c - network addresses as 16 bytes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/address_priv.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void set_ipv4(struct shoal_address *address, const void *bytes)
{
    memcpy(address->bytes, mapped, 12);
    memcpy(address->bytes + 12, bytes, 4);
}

void shoal_address_from(const struct sockaddr *peer, struct shoal_address *address)
{
    memset(address, 0, sizeof *address);
    if (peer->sa_family == AF_INET) {
        set_ipv4(address, &((const struct sockaddr_in *)(const void *)peer)->sin_addr);
    } else if (peer->sa_family == AF_INET6) {
        memcpy(address->bytes, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, 16);
    }
}

uint16_t shoal_address_port(const struct sockaddr *peer)
{
    if (peer->sa_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)(const void *)peer)->sin_port);
    }
    return peer->sa_family == AF_INET6
               ? ntohs(((const struct sockaddr_in6 *)(const void *)peer)->sin6_port)
               : 0;
}

bool shoal_address_is_ipv4(const struct shoal_address *address)
{
    return memcmp(address->bytes, mapped, 12) == 0;
}

// "1.2.3.4", "1.2.3.4:80", "[::1]:80", "::1".
bool shoal_address_parse(struct shoal_span text, struct shoal_address *address)
{
    char copy[64];
    if (text.length == 0) {
        return false; // there may be no bytes at all to look into
    }
    if (text.at[0] == '[') {
        const char *end = memchr(text.at, ']', text.length);
        if (!end) {
            return false;
        }
        text = (struct shoal_span){text.at + 1, (size_t)(end - text.at) - 1};
    } else {
        const char *colon = memchr(text.at, ':', text.length);
        size_t before = colon ? (size_t)(colon - text.at) : 0;
        if (colon && !memchr(colon + 1, ':', text.length - before - 1)) {
            text.length = before;
        }
    }
    if (text.length == 0 || text.length >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.at, text.length);
    copy[text.length] = 0;
    struct in_addr four;
    if (inet_pton(AF_INET, copy, &four) == 1) {
        set_ipv4(address, &four);
        return true;
    }
    return inet_pton(AF_INET6, copy, address->bytes) == 1;
}

static bool is_none(const struct shoal_address *address)
{
    static const struct shoal_address none;
    return memcmp(address, &none, sizeof none) == 0;
}

void shoal_address_format(const struct shoal_address *address, char out[48])
{
    if (is_none(address)) {
        snprintf(out, 48, "unix");
    } else if (shoal_address_is_ipv4(address)) {
        inet_ntop(AF_INET, address->bytes + 12, out, 48);
    } else {
        inet_ntop(AF_INET6, address->bytes, out, 48);
    }
}

void shoal_address_prefix(const struct shoal_address *address, char out[56])
{
    struct shoal_address cut = *address;
    char text[48];
    bool is_ipv4 = shoal_address_is_ipv4(address);
    memset(cut.bytes + (is_ipv4 ? 15 : 8), 0, is_ipv4 ? 1 : 8);
    shoal_address_format(&cut, text);
    snprintf(out, 56, "%s%s", text, is_none(address) ? "" : is_ipv4 ? "/24" : "/64");
}

struct shoal_address shoal_address_group(const struct shoal_address *address)
{
    struct shoal_address group = *address;
    if (!shoal_address_is_ipv4(address)) {
        memset(group.bytes + 8, 0, 8);
    }
    return group;
}
