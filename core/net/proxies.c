// proxies.c - finds the client behind proxies that the administrator trusts, and only those.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "base/alloc.h"
#include "net/address_priv.h"

#define HOPS_MAX 16

static int read_bits(struct shoal_span text, int most)
{
    int bits = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (i == 3 || text.at[i] < '0' || text.at[i] > '9') {
            return -1;
        }
        bits = bits * 10 + (text.at[i] - '0');
    }
    return text.length == 0 || bits > most ? -1 : bits;
}

static bool read_block(const char *text, struct shoal_block *block)
{
    struct shoal_span address = shoal_span(text);
    const char *slash = strchr(text, '/');
    if (slash) {
        address.length = (size_t)(slash - text);
    }
    if (!shoal_address_parse(address, &block->address)) {
        return false;
    }
    bool is_ipv4 = shoal_address_is_ipv4(&block->address) && !strchr(text, ':');
    int most = is_ipv4 ? 32 : 128;
    int bits = slash ? read_bits(shoal_span(slash + 1), most) : most;
    block->bits = is_ipv4 ? bits + 96 : bits;
    return bits >= 0;
}

int shoal_proxies_init(struct shoal_proxies *proxies, const char *const *list,
    struct shoal_err *err)
{
    *proxies = (struct shoal_proxies){0};
    size_t count = 0;
    while (list && list[count]) {
        count++;
    }
    proxies->blocks = count > 0 ? shoal_alloc(count, sizeof *proxies->blocks) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], "unix") == 0) {
            proxies->trusts_unix = true;
        } else if (!read_block(list[i], &proxies->blocks[proxies->count++])) {
            shoal_proxies_fini(proxies);
            return shoal_fail(err, SHOAL_EINVAL,
                "trusted proxy \"%s\" is neither an address nor a network", list[i]);
        }
    }
    return 0;
}

void shoal_proxies_fini(struct shoal_proxies *proxies)
{
    free(proxies->blocks);
    *proxies = (struct shoal_proxies){0};
}

static bool holds(const struct shoal_block *block, const struct shoal_address *address)
{
    size_t bytes = (size_t)block->bits / 8;
    int rest = block->bits % 8;
    if (memcmp(block->address.bytes, address->bytes, bytes) != 0) {
        return false;
    }
    return rest == 0 || (block->address.bytes[bytes] ^ address->bytes[bytes]) >> (8 - rest) == 0;
}

bool shoal_proxies_trust(const struct shoal_proxies *proxies, const struct shoal_address *address)
{
    static const struct shoal_address none;
    if (memcmp(address, &none, sizeof none) == 0) {
        return proxies->trusts_unix;
    }
    for (size_t i = 0; i < proxies->count; i++) {
        if (holds(&proxies->blocks[i], address)) {
            return true;
        }
    }
    return false;
}

static struct shoal_span unquote(struct shoal_span text)
{
    if (text.length >= 2 && text.at[0] == '"' && text.at[text.length - 1] == '"') {
        text.at++;
        text.length -= 2;
    }
    return text;
}

static struct shoal_span forwarded_part(struct shoal_span hop, const char *name)
{
    struct shoal_span item;
    size_t length = strlen(name);
    while (shoal_span_next(&hop, ';', &item)) {
        if (item.length > length && item.at[length] == '=' &&
            strncasecmp(item.at, name, length) == 0) {
            return unquote((struct shoal_span){item.at + length + 1, item.length - length - 1});
        }
    }
    return (struct shoal_span){0};
}

// Cuts the next hop off. Each comma ends one, also behind a quotation mark: a client may open one that
// it never closes, and what the proxies add after it is theirs all the same. No part of a hop that is
// read here can hold a comma.
static bool next_hop(struct shoal_span *list, struct shoal_span *hop)
{
    if (list->length == 0) {
        return false;
    }
    const char *comma = memchr(list->at, ',', list->length);
    size_t length = comma ? (size_t)(comma - list->at) : list->length;
    size_t used = comma ? length + 1 : length;
    *hop = shoal_span_trim((struct shoal_span){list->at, length});
    list->at += used;
    list->length -= used;
    return true;
}

// The last hops of a list, the nearest first.
static size_t list_hops(struct shoal_span list, struct shoal_span hops[HOPS_MAX])
{
    struct shoal_span all[HOPS_MAX], item;
    size_t count = 0;
    while (next_hop(&list, &item)) {
        all[count++ % HOPS_MAX] = item;
    }
    size_t kept = count < HOPS_MAX ? count : HOPS_MAX;
    for (size_t i = 0; i < kept; i++) {
        hops[i] = all[(count - 1 - i) % HOPS_MAX];
    }
    return kept;
}

// Headers may come several times; the nearest proxy wrote the last one.
static struct shoal_span last_header(const struct shoal_head *head, const char *name)
{
    for (size_t i = head->header_count; i > 0; i--) {
        if (shoal_span_like(head->headers[i - 1].name, name)) {
            return head->headers[i - 1].value;
        }
    }
    return (struct shoal_span){0};
}

static void read_forwarded(const struct shoal_proxies *proxies, struct shoal_span list,
    struct shoal_origin *origin)
{
    struct shoal_span hops[HOPS_MAX];
    size_t count = list_hops(list, hops);
    for (size_t i = 0; i < count; i++) {
        struct shoal_span proto = forwarded_part(hops[i], "proto");
        struct shoal_span host = forwarded_part(hops[i], "host");
        origin->is_https = proto.at ? shoal_span_like(proto, "https") : origin->is_https;
        origin->host = host.length > 0 ? host : origin->host;
        struct shoal_address address;
        if (!shoal_address_parse(forwarded_part(hops[i], "for"), &address)) {
            return;
        }
        origin->address = address;
        if (!shoal_proxies_trust(proxies, &address)) {
            return;
        }
    }
}

static void read_x_forwarded(const struct shoal_proxies *proxies, const struct shoal_head *head,
    struct shoal_origin *origin)
{
    struct shoal_span hops[HOPS_MAX];
    size_t count = list_hops(last_header(head, "x-forwarded-for"), hops);
    for (size_t i = 0; i < count; i++) {
        struct shoal_address address;
        if (!shoal_address_parse(hops[i], &address)) {
            break;
        }
        origin->address = address;
        if (!shoal_proxies_trust(proxies, &address)) {
            break;
        }
    }
    struct shoal_span list = last_header(head, "x-forwarded-proto"), proto;
    while (next_hop(&list, &proto)) {
        origin->is_https = shoal_span_like(proto, "https");
    }
    list = last_header(head, "x-forwarded-host");
    struct shoal_span host;
    while (next_hop(&list, &host)) {
        origin->host = host.length > 0 ? host : origin->host;
    }
}

void shoal_origin_read(const struct shoal_proxies *proxies, const struct shoal_address *peer,
    bool is_tls, const struct shoal_head *head, struct shoal_origin *origin)
{
    *origin = (struct shoal_origin){.address = *peer, .is_https = is_tls, .host = head->host};
    if ((proxies->count == 0 && !proxies->trusts_unix) || !shoal_proxies_trust(proxies, peer)) {
        return;
    }
    if (proxies->reads_forwarded) {
        read_forwarded(proxies, last_header(head, "forwarded"), origin);
    } else {
        read_x_forwarded(proxies, head, origin);
    }
    if (!shoal_is_host(origin->host)) {
        origin->host = head->host;
    }
}
