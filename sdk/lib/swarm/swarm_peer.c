// swarm_peer.c - the peers of a shard: found by id, heard in order, chosen by chance.
// SPDX-License-Identifier: MIT
#include "swarm_priv.h"

#define ROOM_LEAST 16

static struct swarm_crowd *crowd_of(struct swarm_peer *peer)
{
    return peer->stream ? &peer->swarm->sockets : &peer->swarm->others;
}

/// HTTP peers are told apart by their address too: one client has an id and two addresses.
static uint64_t hash_of(
    const struct swarms *swarms, const struct swarm *swarm, const struct swarm_entry *entry)
{
    struct {
        const struct swarm *swarm;
        unsigned char id[SWARM_ID_BYTES];
        struct visitor_address address;
    } named = {.swarm = swarm, .address = entry->address};
    memcpy(named.id, entry->id, SWARM_ID_BYTES);
    return swarm_mix(&swarms->key, &named,
        entry->stream ? offsetof(__typeof__(named), address) : offsetof(__typeof__(named), address) + sizeof named.address);
}

static bool is_entry(const struct swarm_peer *peer, const struct swarm *swarm,
    const struct swarm_entry *entry)
{
    return peer->swarm == swarm && !peer->stream == !entry->stream &&
        memcmp(peer->id, entry->id, SWARM_ID_BYTES) == 0 &&
        (peer->stream || memcmp(&peer->address, &entry->address, sizeof peer->address) == 0);
}

struct swarm_peer *swarm_peer_find(struct swarms *swarms, struct swarm_shard *shard,
    const struct swarm *swarm, const struct swarm_entry *entry)
{
    if (shard->peer_room == 0) {
        return NULL;
    }
    struct swarm_peer *peer = shard->peers[hash_of(swarms, swarm, entry) & (shard->peer_room - 1)];
    while (peer && !is_entry(peer, swarm, entry)) {
        peer = peer->next;
    }
    return peer;
}

static struct swarm_peer **bucket_of(
    struct swarms *swarms, struct swarm_shard *shard, const struct swarm_peer *peer)
{
    struct swarm_entry entry = {.id = peer->id, .stream = peer->stream, .address = peer->address};
    return &shard->peers[hash_of(swarms, peer->swarm, &entry) & (shard->peer_room - 1)];
}

static void resize(struct swarms *swarms, struct swarm_shard *shard, uint32_t room)
{
    struct swarm_peer **old = shard->peers;
    uint32_t old_room = shard->peer_room;
    shard->peers = swarm_alloc(room * sizeof *shard->peers);
    shard->peer_room = room;
    for (uint32_t i = 0; i < old_room; i++) {
        while (old[i]) {
            struct swarm_peer *peer = old[i];
            old[i] = peer->next;
            struct swarm_peer **bucket = bucket_of(swarms, shard, peer);
            peer->next = *bucket;
            *bucket = peer;
        }
    }
    free(old);
}

static void take_out(struct swarm_shard *shard, struct swarm_peer *peer)
{
    *(peer->older ? &peer->older->newer : &shard->oldest) = peer->newer;
    *(peer->newer ? &peer->newer->older : &shard->newest) = peer->older;
}

static void put_last(struct swarm_shard *shard, struct swarm_peer *peer)
{
    peer->older = shard->newest;
    peer->newer = NULL;
    *(shard->newest ? &shard->newest->newer : &shard->oldest) = peer;
    shard->newest = peer;
}

static void enter(struct swarm_crowd *crowd, struct swarm_peer *peer)
{
    if (crowd->count == crowd->room) {
        crowd->room = crowd->room ? crowd->room * 2 : 4;
        crowd->peers = realloc(crowd->peers, crowd->room * sizeof(struct swarm_peer *));
        if (!crowd->peers) {
            abort();
        }
    }
    peer->at = crowd->count;
    crowd->peers[crowd->count++] = peer;
}

static void leave(struct swarm_crowd *crowd, struct swarm_peer *peer)
{
    struct swarm_peer *last = crowd->peers[--crowd->count];
    crowd->peers[peer->at] = last;
    last->at = peer->at;
    if (crowd->count == 0) {
        free(crowd->peers);
        *crowd = (struct swarm_crowd){0};
    }
}

struct swarm_peer *swarm_peer_add(struct swarms *swarms, struct swarm_shard *shard,
    struct swarm *swarm, const struct swarm_entry *entry)
{
    if (shard->peer_count >= shard->peer_room) {
        resize(swarms, shard, shard->peer_room ? shard->peer_room * 2 : ROOM_LEAST);
    }
    struct swarm_peer *peer = swarm_alloc(sizeof *peer);
    memcpy(peer->id, entry->id, SWARM_ID_BYTES);
    peer->stream = entry->stream;
    peer->address = entry->address;
    peer->port = entry->port;
    peer->swarm = swarm;
    peer->seat = swarm_seat_ref(entry->seat);
    if (entry->visitor) {
        peer->visitor = visitor_ref(swarms->visitors, &entry->address);
        visitor_peers_add(peer->visitor, 1);
    }
    struct swarm_peer **bucket = bucket_of(swarms, shard, peer);
    peer->next = *bucket;
    *bucket = peer;
    shard->peer_count++;
    put_last(shard, peer);
    enter(crowd_of(peer), peer);
    swarm_seat_join(peer->seat);
    return peer;
}

void swarm_peer_remove(struct swarms *swarms, struct swarm_shard *shard, struct swarm_peer *peer)
{
    swarm_peer_complete(peer, false);
    struct swarm_peer **at = bucket_of(swarms, shard, peer);
    while (*at != peer) {
        at = &(*at)->next;
    }
    *at = peer->next;
    shard->peer_count--;
    take_out(shard, peer);
    leave(crowd_of(peer), peer);
    swarm_seat_part(peer->seat);
    swarm_seat_unref(peer->seat);
    if (peer->visitor) {
        visitor_peers_add(peer->visitor, -1);
        visitor_unref(swarms->visitors, peer->visitor);
    }
    free(peer);
    if (shard->peer_count == 0) {
        free(shard->peers);
        shard->peers = NULL;
        shard->peer_room = 0;
    }
}

void swarm_peer_touch(struct swarm_shard *shard, struct swarm_peer *peer, int64_t now_ms)
{
    peer->heard_ms = now_ms;
    if (shard->newest != peer) {
        take_out(shard, peer);
        put_last(shard, peer);
    }
}

void swarm_peer_complete(struct swarm_peer *peer, bool is_complete)
{
    if (peer->is_complete != is_complete) {
        peer->is_complete = is_complete;
        peer->swarm->complete += is_complete ? 1 : (uint32_t)-1;
    }
}

static uint32_t below(struct swarm_shard *shard, uint32_t count)
{
    shard->chance ^= shard->chance << 13;
    shard->chance ^= shard->chance >> 7;
    shard->chance ^= shard->chance << 17;
    return (uint32_t)(((shard->chance >> 32) * count) >> 32);
}

static void swap(struct swarm_crowd *crowd, uint32_t a, uint32_t b)
{
    struct swarm_peer *peer = crowd->peers[a];
    crowd->peers[a] = crowd->peers[b];
    crowd->peers[b] = peer;
    crowd->peers[a]->at = a;
    crowd->peers[b]->at = b;
}

/// The list has no order that means anything, so that those who are chosen are moved to its front:
/// as many steps as peers are wanted, however many there are, and SWARM_FOUND_MAX where some have enough.
void swarm_peers_pick(struct swarm_shard *shard, struct swarm_crowd *crowd, const struct swarm_peer *self,
    size_t wanted, uint32_t offers_max, int64_t now_ms, struct swarm_result *result)
{
    uint32_t count = crowd->count;
    if (self && count > 0) {
        swap(crowd, self->at, --count);
    }
    for (uint32_t i = 0; i < count && result->count < wanted && i < SWARM_FOUND_MAX; i++) {
        swap(crowd, i, i + below(shard, count - i));
        struct swarm_peer *peer = crowd->peers[i];
        if (peer->stream && !visitor_rate_take(&peer->offers, offers_max, now_ms)) {
            continue;
        }
        struct swarm_found *found = &result->found[result->count++];
        memcpy(found->id, peer->id, SWARM_ID_BYTES);
        found->address = peer->address;
        found->port = peer->port;
        found->stream = peer->stream;
    }
}
