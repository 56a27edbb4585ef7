// stun.c - listens for STUN requests, counts those of an address, and says where players ask.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include <shoal/plugin.h>
#include <shoal/svc/stun.h>
#include <visitors.h>

#include "stun_answer.h"
#include "stun_url.h"

/// Of the plugin and of its listener, whichever ends last.
struct stun {
    struct shoal_plugin *self;
    struct visitors visitors;
    int64_t requests_max; ///< of one address, a minute
    _Atomic int refs;
    _Atomic bool is_open; ///< the port is ours, and is heard
};

static void unref(struct stun *stun)
{
    if (stun && atomic_fetch_sub(&stun->refs, 1) == 1) {
        visitors_fini(&stun->visitors);
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
    struct stun *stun = arg;
    atomic_fetch_add(&stun->refs, 1);
    atomic_store(&stun->is_open, true);
    *state = stun;
    return 0;
}

static void closed(shoal_stream stream, void *state, int code)
{
    (void)stream;
    (void)code;
    struct stun *stun = state;
    atomic_store(&stun->is_open, false);
    unref(stun);
}

static bool may_ask(struct stun *stun, const struct visitor_address *address)
{
    struct visitor *visitor = visitor_ref(&stun->visitors, address);
    bool may = visitor_message_take(visitor, stun->requests_max, shoal_tick_ms());
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
    struct stun_source source = {.port = (uint16_t)port};
    memcpy(source.address, address.bytes, sizeof source.address);
    unsigned char out[STUN_ANSWER_MAX];
    size_t bytes = stun_answer(data, length, &source, out);
    if (bytes > 0) {
        shoal_stream_send(stream, out, bytes, false); // one that gets lost is asked for again
    }
}

// --- the service ---

static const char *url(struct shoal_call *call, void *arg)
{
    struct stun *stun = arg;
    return atomic_load(&stun->is_open)
               ? stun_url_of(shoal_call_arena(call), shoal_url(call, "/"),
                     shoal_setting_text(stun->self, call, "listen"))
               : NULL;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_stun table = {.size = sizeof table, .url = url};
    static const struct shoal_stream_ops ops = {
        .open = opened, .message = asked, .closed = closed};
    struct stun *stun = calloc(1, sizeof *stun);
    if (!stun) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory");
    }
    stun->self = self;
    stun->refs = 1;
    stun->requests_max = shoal_setting_i64(self, "requests");
    visitors_init(&stun->visitors);
    shoal_plugin_keep(self, stun);
    const char *address = shoal_setting_text(self, NULL, "listen");
    int code = shoal_provide_single(self, "stun", &table, stun, err);
    return code != 0 || address == NULL || address[0] == '\0'
               ? code
               : shoal_listen(self, SHOAL_LISTEN_UDP, address, &ops, stun, err);
}

static void stop(struct shoal_plugin *self)
{
    unref(shoal_plugin_kept(self));
}

SHOAL_PLUGIN(.name = "stun", .start = start, .stop = stop);
