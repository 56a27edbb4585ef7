// p2p_tracker_member.c - the swarms that a socket is in, and what workers find out about them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "p2p_tracker_socket.h"

/// What a worker does for a socket: looks up a hash (seat NULL), or asks whether it may join.
struct question {
    struct p2p_socket *socket;
    struct swarm_seat *seat;
    unsigned char hash[SWARM_ID_BYTES];
    bool is_check;
    bool is_done; ///< a worker had it: a plugin that stops has none
    struct swarm_video *video;
    enum shoal_verdict verdict;
    char sentence[200];
};

struct p2p_member *p2p_member_find(struct p2p_socket *socket, const unsigned char *hash)
{
    for (uint16_t i = 0; i < socket->member_count; i++) {
        if (memcmp(socket->members[i].hash, hash, SWARM_ID_BYTES) == 0) {
            return &socket->members[i];
        }
    }
    return NULL;
}

struct p2p_member *p2p_member_add(struct p2p_socket *socket, const unsigned char *hash)
{
    if (socket->member_count == socket->member_room) {
        socket->member_room = socket->member_room ? (uint16_t)(socket->member_room * 2) : 1;
        socket->members =
            realloc(socket->members, socket->member_room * sizeof(struct p2p_member));
        if (!socket->members) {
            abort();
        }
    }
    struct p2p_member *member = &socket->members[socket->member_count++];
    *member = (struct p2p_member){.seat = NULL};
    memcpy(member->hash, hash, SWARM_ID_BYTES);
    return member;
}

void p2p_member_remove(struct p2p_socket *socket, struct p2p_member *member)
{
    if (member->has_id) {
        swarms_leave(&socket->tracker->swarms, member->hash, member->id, socket->stream);
    }
    swarm_seat_unref(member->seat);
    *member = socket->members[--socket->member_count];
}

void p2p_members_free(struct p2p_socket *socket)
{
    while (socket->member_count > 0) {
        p2p_member_remove(socket, &socket->members[socket->member_count - 1]);
    }
    free(socket->members);
    socket->members = NULL;
    socket->member_room = 0;
    while (socket->seats) {
        struct swarm_seat *seat = socket->seats;
        socket->seats = seat->next;
        swarm_seat_unref(seat);
    }
}

// ---- workers

static const char too_busy[] = "too much is going on here: try again later";

static void answer_question(struct shoal_call *call, void *arg)
{
    struct question *question = arg;
    struct p2p_tracker *tracker = question->socket->tracker;
    question->is_done = true;
    if (question->seat) {
        question->verdict = p2p_gate_ask(tracker, call, question->seat->video->id, "ws",
            question->socket->address_prefix, question->sentence);
        return;
    }
    const char *why;
    bool is_stale = false; // somebody else may have asked meanwhile
    question->video =
        question->is_check ? NULL : p2p_gate_known(tracker, question->hash, &why, &is_stale);
    if (!question->video || is_stale) {
        swarm_video_unref(question->video);
        question->video = p2p_gate_find(tracker, call, question->hash);
    }
}

static void hear_verdict(struct question *question)
{
    struct swarm_seat *seat = question->seat;
    bool may_join = question->is_done && question->verdict == SHOAL_PASS;
    seat->state = may_join ? SWARM_SEAT_TAKEN : SWARM_SEAT_REFUSED;
    if (!may_join) {
        free(seat->sentence);
        seat->sentence = strdup(question->sentence[0] ? question->sentence
                : question->is_done                   ? "this swarm may not be joined"
                                                      : too_busy);
        seat->is_once = !question->is_done;
    }
}

static void hear_answer(void *arg)
{
    struct question *question = arg;
    struct p2p_socket *socket = question->socket;
    if (socket->is_closed) {
        // nobody waits any more
    } else if (question->seat) {
        hear_verdict(question);
        p2p_socket_go_on(socket);
    } else if (!question->is_check) {
        struct p2p_member *member = p2p_member_find(socket, question->hash);
        if (member && !member->seat && question->video) {
            p2p_member_settle(socket, member, question->video);
            p2p_socket_go_on(socket);
        } else if (member && !member->seat) {
            p2p_socket_unknown(socket, question->hash);
        }
    }
    swarm_video_unref(question->video);
    swarm_seat_unref(question->seat);
    p2p_socket_unref(socket);
    free(question);
}

static bool ask(struct question *question)
{
    struct p2p_socket *socket = question->socket;
    atomic_fetch_add(&socket->refs, 1);
    if (shoal_work(socket->tracker->self, answer_question, hear_answer, question, socket->loop) ==
        0) {
        return true;
    }
    swarm_seat_unref(question->seat);
    p2p_socket_unref(socket);
    free(question);
    return false;
}

bool p2p_member_look_up(struct p2p_socket *socket, const unsigned char *hash, bool is_check)
{
    struct question *question = swarm_alloc(sizeof *question);
    question->socket = socket;
    question->is_check = is_check;
    memcpy(question->hash, hash, SWARM_ID_BYTES);
    return ask(question);
}

// ---- seats

bool p2p_seat_is_old(struct p2p_tracker *tracker, const struct swarm_seat *seat)
{
    bool is_refused = seat->state == SWARM_SEAT_REFUSED;
    return atomic_load(&seat->video->is_gone) ||
           (is_refused && seat->since != atomic_load(&tracker->swarms.changes));
}

/// Seats of videos that the socket is in no swarm of are not kept for ever: who comes back is asked anew.
static struct swarm_seat *seat_of(struct p2p_socket *socket, const struct swarm_video *video)
{
    int64_t spare = atomic_load(&socket->tracker->limits.socket_hashes);
    struct swarm_seat *found = NULL;
    for (struct swarm_seat **at = &socket->seats; *at;) {
        struct swarm_seat *seat = *at;
        bool is_idle = atomic_load(&seat->refs) == 1 && --spare < 0;
        bool is_old = seat->is_once || p2p_seat_is_old(socket->tracker, seat);
        if (seat->video == video && !is_old) {
            found = seat;
        } else if (is_idle || is_old) {
            *at = seat->next;
            swarm_seat_unref(seat);
            continue;
        }
        at = &seat->next;
    }
    return found;
}

void p2p_member_settle(
    struct p2p_socket *socket, struct p2p_member *member, struct swarm_video *video)
{
    struct swarm_seat *seat = seat_of(socket, video);
    if (!seat) {
        seat = swarm_seat_new(video);
        seat->since = atomic_load(&socket->tracker->swarms.changes);
        seat->next = socket->seats;
        socket->seats = seat;
        if (!shoal_hook_heard("swarm.join")) {
            seat->state = SWARM_SEAT_TAKEN;
        } else {
            struct question *question = swarm_alloc(sizeof *question);
            question->socket = socket;
            question->seat = swarm_seat_ref(seat);
            if (!ask(question)) { // nobody there who could say yes
                seat->state = SWARM_SEAT_REFUSED;
                seat->sentence = strdup(too_busy);
                seat->is_once = true;
            }
        }
    }
    member->seat = swarm_seat_ref(seat);
}
