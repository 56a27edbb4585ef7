// p2p_stun.c - listens for STUN requests, counts those of an address, and says where players ask.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_stun.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "p2p_stun_answer.h"
#include "p2p_tracker.h"

/// Of the plugin and of its listener, whichever ends last. Its visitors are not those of the tracker: anybody
/// can write another's address on a datagram, and must not use up what that one may say there.
struct p2p_stun {
    struct p2p_tracker *tracker;
    struct visitors visitors;
    _Atomic int refs;
    _Atomic bool is_open; ///< the port is ours, and is heard
};

static void unref(struct p2p_stun *stun)
{
    if (atomic_fetch_sub(&stun->refs, 1) == 1) {
        visitors_fini(&stun->visitors);
        p2p_tracker_unref(stun->tracker);
        free(stun);
    }
}

// --- the listener ---

static int opened(struct shoal_call *call, struct shoal_request *request, void *arg, void **state,
    struct shoal_err *err)
{
    (void)call;
    (void)request;
    (void)err;
    struct p2p_stun *stun = arg;
    atomic_fetch_add(&stun->refs, 1);
    atomic_store(&stun->is_open, true);
    *state = stun;
    return 0;
}

static void closed(shoal_stream stream, void *state, int code)
{
    (void)stream;
    (void)code;
    struct p2p_stun *stun = state;
    atomic_store(&stun->is_open, false);
    unref(stun);
}

static bool may_ask(struct p2p_stun *stun, const struct visitor_address *address)
{
    struct visitor *visitor = visitor_ref(&stun->visitors, address);
    bool may = visitor_message_take(
        visitor, atomic_load(&stun->tracker->limits.address_messages), shoal_tick_ms());
    visitor_unref(&stun->visitors, visitor);
    return may;
}

static void asked(
    shoal_stream stream, void *state, const void *data, size_t length, bool is_text)
{
    (void)is_text;
    char text[64] = "";
    struct visitor_address address;
    int port = shoal_stream_port(stream);
    if (port <= 0 || shoal_stream_address(stream, text) != 0 ||
        !visitor_address_parse(text, &address) || !may_ask(state, &address)) {
        return;
    }
    struct p2p_stun_source source = {.port = (uint16_t)port};
    memcpy(source.address, address.bytes, sizeof source.address);
    unsigned char out[P2P_STUN_ANSWER_MAX];
    size_t bytes = p2p_stun_answer(data, length, &source, out);
    if (bytes > 0) {
        shoal_stream_send(stream, out, bytes, false); // one that gets lost is asked for again
    }
}

int p2p_stun_start(struct p2p *p2p, struct shoal_err *err)
{
    static const struct shoal_stream_ops ops = {
        .open = opened, .message = asked, .closed = closed};
    const char *address = shoal_setting_text(p2p->self, NULL, "stun_listen");
    if (address == NULL || address[0] == '\0') {
        return 0;
    }
    struct p2p_stun *stun = swarm_alloc(sizeof *stun);
    stun->tracker = p2p->tracker;
    p2p_tracker_ref(stun->tracker);
    visitors_init(&stun->visitors);
    stun->refs = 1;
    p2p->stun = stun;
    return shoal_listen(p2p->self, SHOAL_LISTEN_UDP, address, &ops, stun, err);
}

void p2p_stun_stop(struct p2p *p2p)
{
    if (p2p->stun) {
        unref(p2p->stun);
        p2p->stun = NULL;
    }
}

// --- where players ask ---

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

const char *p2p_stun_url_of(struct shoal_arena *arena, const char *site_url, const char *listen)
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

const char *p2p_stun_url(struct p2p *p2p, struct shoal_call *call)
{
    if (p2p->stun == NULL || !atomic_load(&p2p->stun->is_open)) {
        return NULL;
    }
    return p2p_stun_url_of(shoal_call_arena(call), shoal_url(call, "/"),
        shoal_setting_text(p2p->self, call, "stun_listen"));
}
