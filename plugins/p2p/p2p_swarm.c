// p2p_swarm.c - swarms by hash: who announces is noted, counted, and told of others.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_swarm_priv.h"

#include <shoal/base.h>

#define ROOM_LEAST 16

static struct p2p_shard *shard_of(
    struct p2p_swarms *swarms, const unsigned char *hash, uint64_t *mixed)
{
    *mixed = p2p_mix(swarms->seed, hash);
    return &swarms->shards[(*mixed >> 32) % P2P_SHARDS];
}

static struct p2p_swarm **place_of(
    struct p2p_shard *shard, const unsigned char *hash, uint64_t mixed)
{
    if (shard->swarm_room == 0) {
        return NULL;
    }
    struct p2p_swarm **at = &shard->swarms[mixed & (shard->swarm_room - 1)];
    while (*at && memcmp((*at)->hash, hash, P2P_ID_BYTES) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static struct p2p_swarm *find(
    struct p2p_shard *shard, const unsigned char *hash, uint64_t mixed)
{
    struct p2p_swarm **at = place_of(shard, hash, mixed);
    return at ? *at : NULL;
}

/// Locks the shard of a hash, and finds its swarm there.
static struct p2p_swarm *lock_on(
    struct p2p_swarms *swarms, const unsigned char *hash, struct p2p_shard **shard)
{
    uint64_t mixed;
    *shard = shard_of(swarms, hash, &mixed);
    pthread_mutex_lock(&(*shard)->lock);
    return find(*shard, hash, mixed);
}

static void resize(struct p2p_swarms *swarms, struct p2p_shard *shard)
{
    struct p2p_swarm **old = shard->swarms;
    uint32_t old_room = shard->swarm_room;
    shard->swarm_room = old_room ? old_room * 2 : ROOM_LEAST;
    shard->swarms = p2p_alloc(shard->swarm_room * sizeof *shard->swarms);
    for (uint32_t i = 0; i < old_room; i++) {
        while (old[i]) {
            struct p2p_swarm *swarm = old[i];
            old[i] = swarm->next;
            uint64_t mixed = p2p_mix(swarms->seed, swarm->hash);
            struct p2p_swarm **bucket = &shard->swarms[mixed & (shard->swarm_room - 1)];
            swarm->next = *bucket;
            *bucket = swarm;
        }
    }
    free(old);
}

static void empty(struct p2p_swarms *swarms, struct p2p_shard *shard, struct p2p_crowd *crowd)
{
    while (crowd->count > 0) {
        p2p_peer_remove(swarms, shard, crowd->peers[crowd->count - 1]);
    }
}

static void end(struct p2p_swarms *swarms, struct p2p_shard *shard, struct p2p_swarm **at)
{
    struct p2p_swarm *swarm = *at;
    empty(swarms, shard, &swarm->sockets);
    empty(swarms, shard, &swarm->others);
    *at = swarm->next;
    shard->swarm_count--;
    p2p_video_unref(swarm->video);
    free(swarm);
}

void p2p_swarms_init(struct p2p_swarms *swarms, struct p2p_visitors *visitors)
{
    memset(swarms, 0, sizeof *swarms);
    swarms->visitors = visitors;
    swarms->peers_max = UINT32_MAX;
    shoal_random(&swarms->seed, sizeof swarms->seed);
    pthread_mutex_init(&swarms->lock, NULL);
    for (int i = 0; i < P2P_SHARDS; i++) {
        pthread_mutex_init(&swarms->shards[i].lock, NULL);
        shoal_random(&swarms->shards[i].chance, sizeof swarms->shards[i].chance);
        swarms->shards[i].chance |= 1;
    }
}

/// Ends swarms of a shard: those of a video (any: 0), but not those that are in use (unless_used).
static void end_some(struct p2p_swarms *swarms, struct p2p_shard *shard, int64_t video_id,
    int64_t unused_since_ms)
{
    for (uint32_t i = 0; i < shard->swarm_room; i++) {
        for (struct p2p_swarm **at = &shard->swarms[i]; *at;) {
            const struct p2p_swarm *swarm = *at;
            bool is_used = swarm->sockets.count + swarm->others.count > 0 ||
                swarm->checked_ms > unused_since_ms;
            if ((video_id == 0 || swarm->video->id == video_id) &&
                (unused_since_ms == 0 || !is_used)) {
                end(swarms, shard, at);
            } else {
                at = &(*at)->next;
            }
        }
    }
}

void p2p_swarms_fini(struct p2p_swarms *swarms)
{
    for (int i = 0; i < P2P_SHARDS; i++) {
        struct p2p_shard *shard = &swarms->shards[i];
        end_some(swarms, shard, 0, 0);
        free(shard->swarms);
        pthread_mutex_destroy(&shard->lock);
    }
    for (size_t i = 0; i < swarms->video_count; i++) {
        p2p_video_unref(swarms->videos[i]);
    }
    free(swarms->videos);
    pthread_mutex_destroy(&swarms->lock);
}

/// Whether it is time to ask again whose it is; said once.
static bool get_stale(struct p2p_swarm *swarm, int64_t now_ms)
{
    if (now_ms - swarm->checked_ms <= P2P_FRESH_MS) {
        return false;
    }
    swarm->checked_ms = now_ms;
    return true;
}

struct p2p_video *p2p_swarms_video(
    struct p2p_swarms *swarms, const unsigned char *hash, int64_t now_ms, bool *is_stale)
{
    struct p2p_shard *shard;
    struct p2p_swarm *swarm = lock_on(swarms, hash, &shard);
    struct p2p_video *video = NULL;
    if (swarm && !atomic_load(&swarm->video->is_gone)) {
        video = p2p_video_ref(swarm->video);
        *is_stale = get_stale(swarm, now_ms);
    }
    pthread_mutex_unlock(&shard->lock);
    return video;
}

struct p2p_video *p2p_swarms_open(
    struct p2p_swarms *swarms, const unsigned char *hash, int64_t video_id, int64_t now_ms)
{
    struct p2p_video *video = p2p_video_get(swarms, video_id);
    uint64_t mixed;
    struct p2p_shard *shard = shard_of(swarms, hash, &mixed);
    pthread_mutex_lock(&shard->lock);
    struct p2p_swarm **at = place_of(shard, hash, mixed);
    if (at && *at && (*at)->video != video) {
        end(swarms, shard, at);
    }
    struct p2p_swarm *swarm = find(shard, hash, mixed);
    if (!swarm) {
        if (shard->swarm_count >= shard->swarm_room) {
            resize(swarms, shard);
        }
        swarm = p2p_alloc(sizeof *swarm);
        memcpy(swarm->hash, hash, P2P_ID_BYTES);
        swarm->video = p2p_video_ref(video);
        struct p2p_swarm **bucket = &shard->swarms[mixed & (shard->swarm_room - 1)];
        swarm->next = *bucket;
        *bucket = swarm;
        shard->swarm_count++;
    }
    swarm->checked_ms = now_ms;
    pthread_mutex_unlock(&shard->lock);
    return video;
}

void p2p_swarms_close(struct p2p_swarms *swarms, const unsigned char *hash)
{
    uint64_t mixed;
    struct p2p_shard *shard = shard_of(swarms, hash, &mixed);
    pthread_mutex_lock(&shard->lock);
    struct p2p_swarm **at = place_of(shard, hash, mixed);
    if (at && *at) {
        end(swarms, shard, at);
    }
    pthread_mutex_unlock(&shard->lock);
}

void p2p_swarms_forget(struct p2p_swarms *swarms, int64_t video_id)
{
    atomic_fetch_add(&swarms->forgotten, 1); // who has just looked it up looks again
    p2p_video_end(swarms, video_id); // first: what is found from now on is another one
    for (int i = 0; i < P2P_SHARDS; i++) {
        pthread_mutex_lock(&swarms->shards[i].lock);
        end_some(swarms, &swarms->shards[i], video_id, 0);
        pthread_mutex_unlock(&swarms->shards[i].lock);
    }
}

static struct p2p_counts count(const struct p2p_swarm *swarm)
{
    uint32_t all = swarm->sockets.count + swarm->others.count;
    return (struct p2p_counts){swarm->complete, all - swarm->complete, swarm->downloaded};
}

/// Whether the entry may be this peer: nobody takes an id from a socket of somebody else.
static bool may_be(struct p2p_peer *peer, const struct p2p_entry *entry)
{
    return peer->stream == entry->stream ||
        memcmp(&peer->address, &entry->address, sizeof peer->address) == 0;
}

/// The same address with a new socket: its seat goes with it.
static void take_over(struct p2p_peer *peer, const struct p2p_entry *entry)
{
    peer->stream = entry->stream;
    peer->port = entry->port;
    if (peer->seat != entry->seat) {
        p2p_seat_join(entry->seat);
        p2p_seat_part(peer->seat);
        p2p_seat_unref(peer->seat);
        peer->seat = p2p_seat_ref(entry->seat);
    }
}

static enum p2p_outcome note(struct p2p_swarms *swarms, struct p2p_shard *shard,
    struct p2p_swarm *swarm, const struct p2p_entry *entry, int64_t now_ms,
    struct p2p_peer **noted)
{
    struct p2p_peer *peer = p2p_peer_find(swarms, shard, swarm, entry);
    if (peer && !may_be(peer, entry)) {
        return P2P_TAKEN;
    }
    if (entry->event == P2P_STOPPED) {
        if (peer) {
            p2p_peer_remove(swarms, shard, peer);
        }
        return P2P_DONE;
    }
    if (!peer) {
        if (swarm->sockets.count + swarm->others.count >= swarms->peers_max ||
            (entry->visitor && atomic_load(&entry->visitor->peers) >= entry->peers_max)) {
            return P2P_FULL;
        }
        peer = p2p_peer_add(swarms, shard, swarm, entry);
    } else {
        take_over(peer, entry);
    }
    p2p_peer_touch(shard, peer, now_ms);
    bool is_complete = entry->is_complete || entry->event == P2P_COMPLETED;
    if (entry->event == P2P_COMPLETED && !peer->is_complete) {
        swarm->downloaded++;
    }
    p2p_peer_complete(peer, is_complete || peer->is_complete);
    *noted = peer;
    return P2P_DONE;
}

enum p2p_outcome p2p_swarms_announce(struct p2p_swarms *swarms, const struct p2p_entry *entry,
    int64_t now_ms, struct p2p_result *result)
{
    struct p2p_shard *shard;
    struct p2p_swarm *swarm = lock_on(swarms, entry->hash, &shard);
    result->count = 0;
    if (!swarm || swarm->video != entry->seat->video || atomic_load(&swarm->video->is_gone)) {
        pthread_mutex_unlock(&shard->lock);
        return P2P_GONE;
    }
    struct p2p_peer *peer = NULL;
    enum p2p_outcome outcome = note(swarms, shard, swarm, entry, now_ms, &peer);
    if (peer && entry->wanted > 0) {
        p2p_peers_pick(shard, entry->stream ? &swarm->sockets : &swarm->others, peer,
            entry->wanted, result);
    }
    result->counts = count(swarm);
    result->is_stale = get_stale(swarm, now_ms);
    pthread_mutex_unlock(&shard->lock);
    return outcome;
}

struct p2p_seat *p2p_swarms_seat(struct p2p_swarms *swarms, const struct p2p_entry *entry)
{
    struct p2p_shard *shard;
    struct p2p_swarm *swarm = lock_on(swarms, entry->hash, &shard);
    struct p2p_peer *peer = swarm ? p2p_peer_find(swarms, shard, swarm, entry) : NULL;
    struct p2p_seat *seat = peer ? p2p_seat_ref(peer->seat) : NULL;
    pthread_mutex_unlock(&shard->lock);
    return seat;
}

shoal_stream p2p_swarms_stream(
    struct p2p_swarms *swarms, const unsigned char *hash, const unsigned char *id)
{
    struct p2p_shard *shard;
    struct p2p_swarm *swarm = lock_on(swarms, hash, &shard);
    const struct p2p_entry any = {.id = id, .stream = 1};
    const struct p2p_peer *peer = swarm ? p2p_peer_find(swarms, shard, swarm, &any) : NULL;
    shoal_stream stream = peer ? peer->stream : 0;
    pthread_mutex_unlock(&shard->lock);
    return stream;
}

void p2p_swarms_leave(struct p2p_swarms *swarms, const unsigned char *hash,
    const unsigned char *id, shoal_stream stream)
{
    struct p2p_shard *shard;
    struct p2p_swarm *swarm = lock_on(swarms, hash, &shard);
    const struct p2p_entry entry = {.id = id, .stream = stream};
    struct p2p_peer *peer = swarm ? p2p_peer_find(swarms, shard, swarm, &entry) : NULL;
    if (peer && peer->stream == stream) {
        p2p_peer_remove(swarms, shard, peer);
    }
    pthread_mutex_unlock(&shard->lock);
}

struct p2p_counts p2p_swarms_count(struct p2p_swarms *swarms, const unsigned char *hash)
{
    struct p2p_shard *shard;
    const struct p2p_swarm *swarm = lock_on(swarms, hash, &shard);
    struct p2p_counts counts = swarm ? count(swarm) : (struct p2p_counts){0};
    pthread_mutex_unlock(&shard->lock);
    return counts;
}

void p2p_swarms_sweep(struct p2p_swarms *swarms, int64_t now_ms)
{
    for (int i = 0; i < P2P_SHARDS; i++) {
        struct p2p_shard *shard = &swarms->shards[i];
        pthread_mutex_lock(&shard->lock);
        while (shard->oldest && now_ms - shard->oldest->heard_ms > P2P_IDLE_MS) {
            p2p_peer_remove(swarms, shard, shard->oldest);
        }
        if (now_ms > P2P_FRESH_MS) {
            end_some(swarms, shard, 0, now_ms - P2P_FRESH_MS);
        }
        pthread_mutex_unlock(&shard->lock);
    }
    p2p_videos_sweep(swarms);
}
