// p2p_tracker_socket.c - peers with a WebSocket: what they say, and what is done about it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_tracker_socket.h"

#include <stdio.h>
#include <string.h>

#define PATH              "/tracker/socket"
#define NODE_PATH         "/tracker/{node}/socket"
#define WAITING_MAX       32
#define WAITING_BYTES_MAX (32u << 20) // of all sockets together
#define UNKNOWN_MAX       16          // hashes that are none of ours, and then the socket is closed
#define UNKNOWN_A_MINUTE  120         // of one address
#define CLOSE_POLICY      1008

static const struct jsontext_slice no_hash;
static const char too_much[] = "too much is going on here: try again later";

// ---- the beginning and the end

/// The path to the letter: some clients take what is a little different for another tracker.
static int check_path(
    const struct p2p_nodes *nodes, const struct shoal_request *request, struct shoal_err *err)
{
    const char *node = shoal_request_param(request, "node");
    char path[sizeof NODE_PATH + P2P_NODE_BYTES] = PATH;
    if (node) {
        snprintf(path, sizeof path, "/tracker/%s/socket", nodes->items[nodes->self].name);
    }
    if (!p2p_node_is_meant(nodes, request)) {
        return shoal_fail(err, SHOAL_EMISDIRECTED, "this node of the site is at %s", path);
    }
    return *shoal_request_query_string(request) || strcmp(shoal_request_path(request), path) != 0
               ? shoal_fail(err, SHOAL_ENOTFOUND, "the tracker is at exactly %s", path)
               : 0;
}

static int open_socket(struct shoal_call *call, struct shoal_request *request, void *arg,
    void **state, struct shoal_err *err)
{
    (void)call;
    struct p2p_tracker *tracker = arg;
    int code = check_path(&tracker->p2p->nodes, request, err);
    if (code != 0) {
        return code;
    }
    struct visitor_address address;
    visitor_address_parse(shoal_request_address(request), &address);
    struct visitor *visitor = visitor_ref(&tracker->visitors, &address);
    // Coming counts as a message: who comes and goes all the time keeps no worker for himself.
    int64_t most = atomic_load(&tracker->limits.address_messages);
    bool may_speak = visitor_message_take(visitor, most, shoal_tick_ms());
    if (!may_speak || !visitor_socket_add(visitor, atomic_load(&tracker->limits.address_sockets))) {
        visitor_unref(&tracker->visitors, visitor);
        return may_speak
                   ? shoal_fail(err, SHOAL_EBUSY, "your address has as many sockets as it may have")
                   : shoal_fail(err, SHOAL_ERATE, "too many messages: wait a minute");
    }
    struct p2p_socket *socket = swarm_alloc(sizeof *socket);
    socket->tracker = tracker;
    socket->refs = 1;
    socket->address = address;
    socket->visitor = visitor;
    const char *prefix = shoal_request_address_prefix(request);
    memcpy(socket->address_prefix, prefix, strnlen(prefix, sizeof socket->address_prefix - 1));
    socket->last_waiting = &socket->first_waiting;
    p2p_tracker_ref(tracker);
    *state = socket;
    return 0;
}

static void opened(shoal_stream stream, void *state)
{
    struct p2p_socket *socket = state;
    socket->stream = stream;
    socket->loop = shoal_stream_loop(stream);
}

static struct p2p_waiting *take_waiting(struct p2p_socket *socket)
{
    struct p2p_waiting *first = socket->first_waiting;
    socket->first_waiting = NULL;
    socket->last_waiting = &socket->first_waiting;
    socket->waiting_count = 0;
    return first;
}

static void drop(struct p2p_tracker *tracker, struct p2p_waiting *waiting)
{
    atomic_fetch_sub(&tracker->waiting_bytes, waiting->length);
    free(waiting);
}

void p2p_socket_unref(struct p2p_socket *socket)
{
    if (atomic_fetch_sub(&socket->refs, 1) == 1) {
        struct p2p_tracker *tracker = socket->tracker;
        free(socket);
        p2p_tracker_unref(tracker);
    }
}

static void closed(shoal_stream stream, void *state, int code)
{
    (void)stream;
    (void)code;
    struct p2p_socket *socket = state;
    socket->is_closed = true;
    p2p_members_free(socket);
    for (struct p2p_waiting *next, *each = take_waiting(socket); each; each = next) {
        next = each->next;
        drop(socket->tracker, each);
    }
    visitor_socket_remove(socket->visitor);
    visitor_unref(&socket->tracker->visitors, socket->visitor);
    p2p_socket_unref(socket);
}

// ---- messages that wait

static void let_wait(struct p2p_socket *socket, const struct p2p_message *message,
    const char *data, size_t length)
{
    struct p2p_tracker *tracker = socket->tracker;
    size_t before = atomic_fetch_add(&tracker->waiting_bytes, length);
    if (socket->waiting_count >= WAITING_MAX || before + length > WAITING_BYTES_MAX) {
        atomic_fetch_sub(&tracker->waiting_bytes, length);
        p2p_say_failure(socket->stream, message->hash.text, "too much waits: try again later");
        return;
    }
    struct p2p_waiting *waiting = swarm_alloc(sizeof *waiting + length);
    waiting->length = length;
    memcpy(waiting->data, data, length);
    *socket->last_waiting = waiting;
    socket->last_waiting = &waiting->next;
    socket->waiting_count++;
}

// ---- announces

static void refuse(
    struct p2p_socket *socket, const struct p2p_message *message, const char *why)
{
    p2p_say_failure(socket->stream, message->hash.text, why);
}

/// Counts an unknown hash against the socket and its address.
static void count_unknown(struct p2p_socket *socket)
{
    if (++socket->unknown >= UNKNOWN_MAX) {
        shoal_stream_close(socket->stream, CLOSE_POLICY, "these are not videos of this server");
    }
}

void p2p_socket_unknown(struct p2p_socket *socket, const unsigned char *hash)
{
    struct p2p_member *member = p2p_member_find(socket, hash);
    socket->lost = member && member->was_in ? hash : NULL;
    if (member) {
        p2p_member_remove(socket, member);
    }
    p2p_socket_go_on(socket); // that it is unknown is noted by now
    socket->lost = NULL;
}

static void relay_answer(struct p2p_socket *socket, const struct p2p_message *message)
{
    shoal_stream to = swarms_stream(
        &socket->tracker->swarms, message->hash.bytes, message->target.bytes);
    if (to) {
        p2p_say_answer(to, message);
    }
}

/// Of a member that may join. Returns: whether its swarm is still there.
static bool announce(struct p2p_socket *socket, struct p2p_member *member,
    const struct p2p_message *message)
{
    struct p2p_tracker *tracker = socket->tracker;
    bool is_answer = message->answer.at != NULL;
    if (member->has_id && memcmp(member->id, message->peer.bytes, SWARM_ID_BYTES) != 0) {
        swarms_leave(&tracker->swarms, member->hash, member->id, socket->stream);
        member->has_id = false;
    }
    const struct swarm_entry entry = {
        .hash = message->hash.bytes,
        .id = message->peer.bytes,
        .stream = socket->stream,
        .address = socket->address,
        .seat = member->seat,
        .event = message->event,
        .is_complete = message->is_complete,
        .wanted = message->event == SWARM_STOPPED ? 0 : message->offer_count,
    };
    struct swarm_result result;
    switch (swarms_announce(&tracker->swarms, &entry, socket->now_ms, &result)) {
    case SWARM_GONE:
        return false;
    case SWARM_TAKEN:
        refuse(socket, message, "somebody else has this peer id");
        return true;
    case SWARM_FULL:
        refuse(socket, message, "this swarm is full");
        return true;
    case SWARM_DONE:
        break;
    }
    if (result.is_stale) {
        p2p_member_look_up(socket, message->hash.bytes, true); // nobody waits for that
    }
    memcpy(member->id, message->peer.bytes, SWARM_ID_BYTES);
    member->has_id = message->event != SWARM_STOPPED;
    if (is_answer) {
        relay_answer(socket, message);
        return true;
    }
    p2p_say_counts(socket->stream, message->hash.text, &result.counts);
    if (result.count > 0) { // most announces come without offers
        p2p_say_offers(message, &result);
    }
    if (message->event == SWARM_STOPPED) {
        p2p_member_remove(socket, member);
    }
    return true;
}

/// A member that is new here: its video is known, or has to be looked up. was_in: in a swarm that has ended.
static struct p2p_member *enter(
    struct p2p_socket *socket, const struct p2p_message *message, bool was_in)
{
    struct p2p_tracker *tracker = socket->tracker;
    const char *why;
    bool is_stale;
    if (socket->member_count >= atomic_load(&tracker->limits.socket_hashes)) {
        refuse(socket, message, "you are in as many swarms as one socket may be");
        return NULL;
    }
    struct swarm_video *video =
        p2p_gate_known(tracker, message->hash.bytes, &why, &is_stale);
    if (why && why != p2p_not_ours) {
        refuse(socket, message, why); // another node has it: nothing is held against who asks
        return NULL;
    }
    if (!why && !video && !visitor_unknown_take(socket->visitor, UNKNOWN_A_MINUTE, shoal_tick_ms())) {
        refuse(socket, message, too_much); // it may well be ours: others of the address asked for so many
        return NULL;
    }
    if (why) {
        was_in = was_in || (socket->lost && memcmp(socket->lost, message->hash.bytes, SWARM_ID_BYTES) == 0);
        refuse(socket, message, was_in ? P2P_NO_LONGER : p2p_not_ours);
        count_unknown(socket);
        return NULL;
    }
    struct p2p_member *member = p2p_member_add(socket, message->hash.bytes);
    member->was_in = was_in;
    if (video && is_stale) {
        p2p_member_look_up(socket, message->hash.bytes, true); // told to nobody else
    }
    if (video) {
        p2p_member_settle(socket, member, video);
    } else if (!p2p_member_look_up(socket, message->hash.bytes, false)) {
        refuse(socket, message, too_much);
        p2p_member_remove(socket, member);
        member = NULL;
    }
    swarm_video_unref(video);
    return member;
}

static void hear_announce(struct p2p_socket *socket, const struct p2p_message *message,
    const char *data, size_t length)
{
    bool was_in = false;
    for (int i = 0; i < 2; i++) {
        struct p2p_member *member = p2p_member_find(socket, message->hash.bytes);
        if (!member && message->event == SWARM_STOPPED) {
            struct swarm_counts counts =
                swarms_count(&socket->tracker->swarms, message->hash.bytes);
            p2p_say_counts(socket->stream, message->hash.text, &counts);
            return;
        }
        member = member ? member : enter(socket, message, was_in);
        if (!member) {
            return;
        }
        if (!member->seat || member->seat->state == SWARM_SEAT_ASKING) {
            let_wait(socket, message, data, length);
            return;
        }
        bool is_old = p2p_seat_is_old(socket->tracker, member->seat);
        if (!is_old && member->seat->state == SWARM_SEAT_REFUSED) {
            refuse(socket, message, member->seat->sentence);
            if (member->seat->is_once || message->event == SWARM_STOPPED) {
                p2p_member_remove(socket, member);
            }
            return;
        }
        if (!is_old && announce(socket, member, message)) {
            return;
        }
        was_in = was_in || member->has_id || member->was_in;
        p2p_member_remove(socket, member); // as if it had never been here
    }
    refuse(socket, message, p2p_not_ours);
}

static bool has_address(struct jsontext_slice description)
{
    static const char *const kinds[] = {" typ host", " typ srflx", " typ prflx"};
    bool has = false;
    for (size_t i = 0; description.at && i < sizeof kinds / sizeof *kinds; i++) {
        has = has || memmem(description.at, description.length, kinds[i], strlen(kinds[i]));
    }
    return has;
}

/// Whether a peer would show where it is: a page that was loaded before the administrator said no.
static bool shows_address(const struct p2p_message *message)
{
    bool shows = has_address(message->answer);
    for (size_t i = 0; !shows && i < message->offer_count; i++) {
        shows = has_address(message->offers[i].offer);
    }
    return shows;
}

static void hear_message(struct p2p_socket *socket, const char *data, size_t length)
{
    static const char *const faults[] = {
        [P2P_NO_JSON] = "the message is no JSON object",
        [P2P_BAD_HASH] = "invalid info_hash: it has to be 20 bytes",
        [P2P_BAD_PEER] = "invalid peer_id: it has to be 20 bytes",
        [P2P_BAD_TARGET] = "invalid to_peer_id: it has to be 20 bytes",
        [P2P_BAD_OFFER] = "invalid offers: each has an offer and an offer_id of 20 bytes",
        [P2P_BAD_ANSWER] = "invalid answer: it has to be an object",
    };
    struct p2p_message message;
    enum p2p_fault fault = p2p_scan(
        data, length, (size_t)atomic_load(&socket->tracker->limits.offers), &message);
    if (fault != P2P_FINE) {
        p2p_say_failure(socket->stream, no_hash, faults[fault]);
    } else if (message.action == P2P_SCRAPE && !atomic_load(&socket->tracker->limits.is_on)) {
        p2p_say_failure(socket->stream, no_hash, "Tracker is disabled on this instance.");
    } else if (message.action == P2P_SCRAPE && (message.hash.text.at || message.hashes.at)) {
        p2p_say_scrape(&socket->tracker->swarms, socket->stream, &message);
    } else if (message.action != P2P_ANNOUNCE) {
        p2p_say_failure(socket->stream, no_hash,
            message.action == P2P_SCRAPE ? "invalid info_hash: a scrape names its hashes"
                                         : "invalid action");
    } else if (!message.hash.text.at) {
        p2p_say_failure(socket->stream, no_hash, faults[P2P_BAD_HASH]);
    } else if (!message.peer.text.at) {
        p2p_say_failure(socket->stream, no_hash, faults[P2P_BAD_PEER]);
    } else if (message.event == SWARM_NO_EVENT) {
        refuse(socket, &message, "invalid event");
    } else if (message.answer.at && !message.target.text.at) {
        p2p_say_failure(socket->stream, no_hash, faults[P2P_BAD_TARGET]);
    } else if (message.answer.at && !message.offer_id.text.at) {
        p2p_say_failure(socket->stream, no_hash, faults[P2P_BAD_OFFER]);
    } else if (!atomic_load(&socket->tracker->limits.is_on)) {
        refuse(socket, &message, "Tracker is disabled on this instance.");
    } else if (atomic_load(&socket->tracker->limits.is_relayed) && shows_address(&message)) {
        refuse(socket, &message, P2P_NOT_SHARED "viewers connect through relays alone");
    } else {
        hear_announce(socket, &message, data, length);
    }
}

void p2p_socket_go_on(struct p2p_socket *socket)
{
    for (struct p2p_waiting *next, *each = take_waiting(socket); each; each = next) {
        next = each->next;
        if (!socket->is_closed) {
            hear_message(socket, each->data, each->length);
        }
        drop(socket->tracker, each);
    }
}

/// Before anything is read of it: a flood costs one comparison a message, and in the end its socket.
static bool may_speak(struct p2p_socket *socket)
{
    struct p2p_limits *limits = &socket->tracker->limits;
    int64_t most = atomic_load(&limits->socket_messages);
    socket->now_ms = shoal_tick_ms();
    if (visitor_rate_take(&socket->messages, most, socket->now_ms) &&
        visitor_message_take(
            socket->visitor, atomic_load(&limits->address_messages), socket->now_ms)) {
        socket->dropped = 0;
        return true;
    }
    if (socket->dropped++ == 0) {
        p2p_say_failure(socket->stream, no_hash, "too many messages: wait a minute");
    } else if (socket->dropped > most) {
        shoal_stream_close(socket->stream, CLOSE_POLICY, "too many messages");
    }
    return false;
}

static void message(
    shoal_stream stream, void *state, const void *data, size_t length, bool is_text)
{
    (void)stream;
    struct p2p_socket *socket = state;
    if (!may_speak(socket)) {
        return;
    }
    if (is_text) {
        hear_message(socket, data, length);
    } else {
        p2p_say_failure(socket->stream, no_hash, "messages are text");
    }
}

int p2p_sockets_start(struct p2p_tracker *tracker, struct shoal_err *err)
{
    static const struct shoal_stream_ops ops = {
        .open = open_socket, .opened = opened, .message = message, .closed = closed};
    struct shoal_socket_route route = {
        .path = PATH,
        .ops = &ops,
        .arg = tracker,
        .auth = SHOAL_AUTH_NONE,
        .message_max_bytes = P2P_MESSAGE_MAX,
        .queue_max_bytes = P2P_QUEUE_MAX,
        .any_origin = true,
    };
    int code = shoal_socket_add(tracker->self, &route, err);
    route.path = NODE_PATH;
    return code != 0 || tracker->p2p->nodes.count == 0
               ? code
               : shoal_socket_add(tracker->self, &route, err);
}
