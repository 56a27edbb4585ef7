// swarm.c - swarms by hash: who announces is noted, counted, and told of others.
// SPDX-License-Identifier: MIT
#include "swarm_priv.h"

#include <shoal/base.h>

#define ROOM_LEAST 16

static struct swarm_shard *shard_of(
    struct swarms *swarms, const unsigned char *hash, uint64_t *mixed)
{
    *mixed = swarm_mix(&swarms->key, hash, SWARM_ID_BYTES);
    return &swarms->shards[(*mixed >> 32) % SWARM_SHARDS];
}

static struct swarm **place_of(
    struct swarm_shard *shard, const unsigned char *hash, uint64_t mixed)
{
    if (shard->swarm_room == 0) {
        return NULL;
    }
    struct swarm **at = &shard->swarms[mixed & (shard->swarm_room - 1)];
    while (*at && memcmp((*at)->hash, hash, SWARM_ID_BYTES) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static struct swarm *find(
    struct swarm_shard *shard, const unsigned char *hash, uint64_t mixed)
{
    struct swarm **at = place_of(shard, hash, mixed);
    return at ? *at : NULL;
}

/// Locks the shard of a hash, and finds its swarm there.
static struct swarm *lock_on(
    struct swarms *swarms, const unsigned char *hash, struct swarm_shard **shard)
{
    uint64_t mixed;
    *shard = shard_of(swarms, hash, &mixed);
    pthread_mutex_lock(&(*shard)->lock);
    return find(*shard, hash, mixed);
}

static void resize(struct swarms *swarms, struct swarm_shard *shard)
{
    struct swarm **old = shard->swarms;
    uint32_t old_room = shard->swarm_room;
    shard->swarm_room = old_room ? old_room * 2 : ROOM_LEAST;
    shard->swarms = swarm_alloc(shard->swarm_room * sizeof *shard->swarms);
    for (uint32_t i = 0; i < old_room; i++) {
        while (old[i]) {
            struct swarm *swarm = old[i];
            old[i] = swarm->next;
            uint64_t mixed = swarm_mix(&swarms->key, swarm->hash, SWARM_ID_BYTES);
            struct swarm **bucket = &shard->swarms[mixed & (shard->swarm_room - 1)];
            swarm->next = *bucket;
            *bucket = swarm;
        }
    }
    free(old);
}

static void empty(struct swarms *swarms, struct swarm_shard *shard, struct swarm_crowd *crowd)
{
    while (crowd->count > 0) {
        swarm_peer_remove(swarms, shard, crowd->peers[crowd->count - 1]);
    }
}

static void end(struct swarms *swarms, struct swarm_shard *shard, struct swarm **at)
{
    struct swarm *swarm = *at;
    empty(swarms, shard, &swarm->sockets);
    empty(swarms, shard, &swarm->others);
    *at = swarm->next;
    shard->swarm_count--;
    swarm_video_unref(swarm->video);
    free(swarm);
}

void swarms_init(struct swarms *swarms, struct visitors *visitors)
{
    memset(swarms, 0, sizeof *swarms);
    swarms->visitors = visitors;
    swarms->peers_max = swarms->offers_max = UINT32_MAX;
    swarm_key_init(&swarms->key);
    pthread_mutex_init(&swarms->lock, NULL);
    for (int i = 0; i < SWARM_SHARDS; i++) {
        pthread_mutex_init(&swarms->shards[i].lock, NULL);
        shoal_random(&swarms->shards[i].chance, sizeof swarms->shards[i].chance);
        swarms->shards[i].chance |= 1;
    }
}

/// A peer that is told of the end of its swarm, once the lock is free.
struct ended {
    unsigned char hash[SWARM_ID_BYTES];
    shoal_stream stream;
};
struct ended_list {
    struct ended *items;
    size_t count, room;
};

/// Without memory for more the rest hear it when they announce again.
static void note_end(struct ended_list *list, const struct swarm *swarm)
{
    const struct swarm_crowd *crowd = &swarm->sockets;
    if (list->room - list->count < crowd->count) {
        size_t room = list->room * 2 + crowd->count;
        struct ended *items = realloc(list->items, room * sizeof *items);
        if (!items) {
            return;
        }
        list->items = items;
        list->room = room;
    }
    for (uint32_t i = 0; i < crowd->count; i++) {
        struct ended *item = &list->items[list->count++];
        memcpy(item->hash, swarm->hash, SWARM_ID_BYTES);
        item->stream = crowd->peers[i]->stream;
    }
}

/// Ends swarms of a shard: those of a video (any: 0), but not those that are in use (unless_used).
/// list: who is told of it, or NULL.
static void end_some(struct swarms *swarms, struct swarm_shard *shard, int64_t video_id,
    int64_t unused_since_ms, struct ended_list *list)
{
    for (uint32_t i = 0; i < shard->swarm_room; i++) {
        for (struct swarm **at = &shard->swarms[i]; *at;) {
            const struct swarm *swarm = *at;
            bool is_used = swarm->sockets.count + swarm->others.count > 0 ||
                swarm->checked_ms > unused_since_ms;
            if ((video_id == 0 || swarm->video->id == video_id) &&
                (unused_since_ms == 0 || !is_used)) {
                if (list) {
                    note_end(list, swarm);
                }
                end(swarms, shard, at);
            } else {
                at = &(*at)->next;
            }
        }
    }
}

void swarms_fini(struct swarms *swarms)
{
    for (int i = 0; i < SWARM_SHARDS; i++) {
        struct swarm_shard *shard = &swarms->shards[i];
        end_some(swarms, shard, 0, 0, NULL);
        free(shard->swarms);
        pthread_mutex_destroy(&shard->lock);
    }
    for (size_t i = 0; i < swarms->video_count; i++) {
        swarm_video_unref(swarms->videos[i]);
    }
    free(swarms->videos);
    pthread_mutex_destroy(&swarms->lock);
}

/// Whether it is time to ask again whose it is; said once.
static bool get_stale(struct swarm *swarm, int64_t now_ms)
{
    if (now_ms - swarm->checked_ms <= SWARM_FRESH_MS) {
        return false;
    }
    swarm->checked_ms = now_ms;
    return true;
}

struct swarm_video *swarms_video(
    struct swarms *swarms, const unsigned char *hash, int64_t now_ms, bool *is_stale)
{
    struct swarm_shard *shard;
    struct swarm *swarm = lock_on(swarms, hash, &shard);
    struct swarm_video *video = NULL;
    if (swarm && !atomic_load(&swarm->video->is_gone)) {
        video = swarm_video_ref(swarm->video);
        *is_stale = get_stale(swarm, now_ms);
    }
    pthread_mutex_unlock(&shard->lock);
    return video;
}

struct swarm_video *swarms_open(
    struct swarms *swarms, const unsigned char *hash, int64_t video_id, int64_t now_ms)
{
    struct swarm_video *video = swarm_video_get(swarms, video_id);
    uint64_t mixed;
    struct swarm_shard *shard = shard_of(swarms, hash, &mixed);
    pthread_mutex_lock(&shard->lock);
    struct swarm **at = place_of(shard, hash, mixed);
    if (at && *at && (*at)->video != video) {
        end(swarms, shard, at);
    }
    struct swarm *swarm = find(shard, hash, mixed);
    if (!swarm) {
        if (shard->swarm_count >= shard->swarm_room) {
            resize(swarms, shard);
        }
        swarm = swarm_alloc(sizeof *swarm);
        memcpy(swarm->hash, hash, SWARM_ID_BYTES);
        swarm->video = swarm_video_ref(video);
        struct swarm **bucket = &shard->swarms[mixed & (shard->swarm_room - 1)];
        swarm->next = *bucket;
        *bucket = swarm;
        shard->swarm_count++;
    }
    swarm->checked_ms = now_ms;
    pthread_mutex_unlock(&shard->lock);
    return video;
}

/// With no lock held.
static void tell_ended(struct ended_list *list, swarm_ended_fn *ended, void *arg)
{
    for (size_t i = 0; i < list->count; i++) {
        ended(arg, list->items[i].hash, list->items[i].stream);
    }
    free(list->items);
}

void swarms_close(
    struct swarms *swarms, const unsigned char *hash, swarm_ended_fn *ended, void *arg)
{
    struct ended_list list = {0};
    uint64_t mixed;
    struct swarm_shard *shard = shard_of(swarms, hash, &mixed);
    pthread_mutex_lock(&shard->lock);
    struct swarm **at = place_of(shard, hash, mixed);
    if (at && *at) {
        note_end(&list, *at);
        end(swarms, shard, at);
    }
    pthread_mutex_unlock(&shard->lock);
    tell_ended(&list, ended, arg);
}

void swarms_forget(
    struct swarms *swarms, int64_t video_id, swarm_ended_fn *ended, void *arg)
{
    struct ended_list list = {0};
    atomic_fetch_add(&swarms->changes, 1); // who has just looked it up looks again
    swarm_video_end(swarms, video_id); // first: what is found from now on is another one
    for (int i = 0; i < SWARM_SHARDS; i++) {
        pthread_mutex_lock(&swarms->shards[i].lock);
        end_some(swarms, &swarms->shards[i], video_id, 0, &list);
        pthread_mutex_unlock(&swarms->shards[i].lock);
    }
    tell_ended(&list, ended, arg);
}

static void doubt(const struct swarm_shard *shard, int64_t video_id)
{
    for (uint32_t i = 0; i < shard->swarm_room; i++) {
        for (struct swarm *swarm = shard->swarms[i]; swarm; swarm = swarm->next) {
            if (video_id == 0 || swarm->video->id == video_id) {
                swarm->checked_ms = -SWARM_FRESH_MS;
            }
        }
    }
}

void swarms_renew(struct swarms *swarms, int64_t video_id)
{
    atomic_fetch_add(&swarms->changes, 1);
    for (int i = 0; i < SWARM_SHARDS; i++) {
        pthread_mutex_lock(&swarms->shards[i].lock);
        doubt(&swarms->shards[i], video_id);
        pthread_mutex_unlock(&swarms->shards[i].lock);
    }
}

static struct swarm_counts count(const struct swarm *swarm)
{
    uint32_t all = swarm->sockets.count + swarm->others.count;
    return (struct swarm_counts){swarm->complete, all - swarm->complete, swarm->downloaded};
}

/// Whether the entry may be this peer: nobody takes an id from a socket of somebody else.
static bool may_be(struct swarm_peer *peer, const struct swarm_entry *entry)
{
    return peer->stream == entry->stream ||
        memcmp(&peer->address, &entry->address, sizeof peer->address) == 0;
}

/// The same address with a new socket: its seat goes with it.
static void take_over(struct swarm_peer *peer, const struct swarm_entry *entry)
{
    peer->stream = entry->stream;
    peer->port = entry->port;
    if (peer->seat != entry->seat) {
        swarm_seat_join(entry->seat);
        swarm_seat_part(peer->seat);
        swarm_seat_unref(peer->seat);
        peer->seat = swarm_seat_ref(entry->seat);
    }
}

static enum swarm_outcome note(struct swarms *swarms, struct swarm_shard *shard,
    struct swarm *swarm, const struct swarm_entry *entry, int64_t now_ms,
    struct swarm_peer **noted)
{
    struct swarm_peer *peer = swarm_peer_find(swarms, shard, swarm, entry);
    if (peer && !may_be(peer, entry)) {
        return SWARM_TAKEN;
    }
    if (entry->event == SWARM_STOPPED) {
        if (peer) {
            swarm_peer_remove(swarms, shard, peer);
        }
        return SWARM_DONE;
    }
    if (!peer) {
        if (swarm->sockets.count + swarm->others.count >= swarms->peers_max ||
            (entry->visitor && !visitor_has_room(entry->visitor, entry->peers_max))) {
            return SWARM_FULL;
        }
        peer = swarm_peer_add(swarms, shard, swarm, entry);
    } else {
        take_over(peer, entry);
    }
    swarm_peer_touch(shard, peer, now_ms);
    bool is_complete = entry->is_complete || entry->event == SWARM_COMPLETED;
    if (entry->event == SWARM_COMPLETED && !peer->is_complete) {
        swarm->downloaded++;
    }
    swarm_peer_complete(peer, is_complete || peer->is_complete);
    *noted = peer;
    return SWARM_DONE;
}

enum swarm_outcome swarms_announce(struct swarms *swarms, const struct swarm_entry *entry,
    int64_t now_ms, struct swarm_result *result)
{
    struct swarm_shard *shard;
    struct swarm *swarm = lock_on(swarms, entry->hash, &shard);
    result->count = 0;
    if (!swarm || swarm->video != entry->seat->video || atomic_load(&swarm->video->is_gone)) {
        pthread_mutex_unlock(&shard->lock);
        return SWARM_GONE;
    }
    struct swarm_peer *peer = NULL;
    enum swarm_outcome outcome = note(swarms, shard, swarm, entry, now_ms, &peer);
    if (peer && entry->wanted > 0) {
        swarm_peers_pick(shard, entry->stream ? &swarm->sockets : &swarm->others, peer,
            entry->wanted, atomic_load(&swarms->offers_max), now_ms, result);
    }
    result->counts = count(swarm);
    result->is_stale = get_stale(swarm, now_ms);
    pthread_mutex_unlock(&shard->lock);
    return outcome;
}

struct swarm_seat *swarms_seat(struct swarms *swarms, const struct swarm_entry *entry)
{
    struct swarm_shard *shard;
    struct swarm *swarm = lock_on(swarms, entry->hash, &shard);
    struct swarm_peer *peer = swarm ? swarm_peer_find(swarms, shard, swarm, entry) : NULL;
    struct swarm_seat *seat = peer ? swarm_seat_ref(peer->seat) : NULL;
    pthread_mutex_unlock(&shard->lock);
    return seat;
}

shoal_stream swarms_stream(
    struct swarms *swarms, const unsigned char *hash, const unsigned char *id)
{
    struct swarm_shard *shard;
    struct swarm *swarm = lock_on(swarms, hash, &shard);
    const struct swarm_entry any = {.id = id, .stream = 1};
    const struct swarm_peer *peer = swarm ? swarm_peer_find(swarms, shard, swarm, &any) : NULL;
    shoal_stream stream = peer ? peer->stream : 0;
    pthread_mutex_unlock(&shard->lock);
    return stream;
}

void swarms_leave(struct swarms *swarms, const unsigned char *hash,
    const unsigned char *id, shoal_stream stream)
{
    struct swarm_shard *shard;
    struct swarm *swarm = lock_on(swarms, hash, &shard);
    const struct swarm_entry entry = {.id = id, .stream = stream};
    struct swarm_peer *peer = swarm ? swarm_peer_find(swarms, shard, swarm, &entry) : NULL;
    if (peer && peer->stream == stream) {
        swarm_peer_remove(swarms, shard, peer);
    }
    pthread_mutex_unlock(&shard->lock);
}

struct swarm_counts swarms_count(struct swarms *swarms, const unsigned char *hash)
{
    struct swarm_shard *shard;
    const struct swarm *swarm = lock_on(swarms, hash, &shard);
    struct swarm_counts counts = swarm ? count(swarm) : (struct swarm_counts){0};
    pthread_mutex_unlock(&shard->lock);
    return counts;
}

void swarms_sweep(struct swarms *swarms, int64_t now_ms)
{
    for (int i = 0; i < SWARM_SHARDS; i++) {
        struct swarm_shard *shard = &swarms->shards[i];
        pthread_mutex_lock(&shard->lock);
        while (shard->oldest && now_ms - shard->oldest->heard_ms > SWARM_IDLE_MS) {
            swarm_peer_remove(swarms, shard, shard->oldest);
        }
        if (now_ms > SWARM_FRESH_MS) {
            end_some(swarms, shard, 0, now_ms - SWARM_FRESH_MS, NULL);
        }
        pthread_mutex_unlock(&shard->lock);
    }
    swarm_videos_sweep(swarms);
}
