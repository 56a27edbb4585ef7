// stun_url.c - where players of this site ask: its public host, where it has one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "stun_url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool is_public_ipv4(const unsigned char at[4])
{
    bool is_shared = at[0] == 100 && (at[1] & 0xc0) == 64; // of a provider's own network
    bool is_private = at[0] == 10 || (at[0] == 172 && (at[1] & 0xf0) == 16) ||
                      (at[0] == 192 && at[1] == 168);
    bool is_linked = at[0] == 169 && at[1] == 254;
    return at[0] != 0 && at[0] != 127 && at[0] < 224 && !is_shared && !is_private && !is_linked;
}

static bool ends(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length > tail && strcasecmp(name + length - tail, end) == 0;
}

/// Names that say of themselves that the world does not know them, or reaches them by TCP alone (onion).
static bool is_public_name(const char *name)
{
    static const char *const ours[] = {
        ".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test", ".onion"};
    bool is_public = strchr(name, '.') != NULL;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        is_public = is_public && !ends(name, ours[i]);
    }
    return is_public;
}

static bool is_public(const char *host)
{
    unsigned char bits[16];
    if (inet_pton(AF_INET, host, bits) == 1) {
        return is_public_ipv4(bits);
    }
    return inet_pton(AF_INET6, host, bits) == 1 ? (bits[0] & 0xe0) == 0x20 : is_public_name(host);
}

const char *stun_url_of(struct shoal_arena *arena, const char *site_url, const char *listen)
{
    const char *host = strstr(site_url, "://"), *port = strrchr(listen, ':');
    if (host == NULL || port == NULL || port[1] == '\0') {
        return NULL;
    }
    host += 3;
    bool is_bracketed = host[0] == '[';
    host += is_bracketed ? 1 : 0;
    const char *name = shoal_arena_printf(
        arena, "%.*s", (int)strcspn(host, is_bracketed ? "]" : ":/?#"), host);
    return is_public(name) ? shoal_arena_printf(arena, "stun:%s%s%s%s", is_bracketed ? "[" : "", name,
                                 is_bracketed ? "]" : "", port)
                           : NULL;
}
