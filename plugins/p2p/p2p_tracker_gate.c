// p2p_tracker_gate.c - which swarms there may be, and who may join: asked once, then known for a while.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "p2p_tracker.h"

#define UNKNOWN_MS 3000 // a video may be announced before its hashes are written
#define LOOKS_MAX  4
#define REFUSED_MS (P2P_INTERVAL_S * 1000)

static bool is_noted(struct p2p_tracker *tracker, struct p2p_slot *slots, size_t count, uint64_t key)
{
    pthread_mutex_lock(&tracker->lock);
    const struct p2p_slot *slot = &slots[key % count];
    bool is_same = slot->key == key && slot->until_ms > shoal_tick_ms();
    pthread_mutex_unlock(&tracker->lock);
    return is_same;
}

static void note(struct p2p_tracker *tracker, struct p2p_slot *slots, size_t count, uint64_t key,
    int64_t for_ms)
{
    pthread_mutex_lock(&tracker->lock);
    slots[key % count] = (struct p2p_slot){key, shoal_tick_ms() + for_ms};
    pthread_mutex_unlock(&tracker->lock);
}

struct swarm_video *p2p_gate_known(struct p2p_tracker *tracker, const unsigned char *hash,
    bool *is_unknown, bool *is_stale)
{
    *is_unknown = *is_stale = false;
    struct swarm_video *video =
        swarms_video(&tracker->swarms, hash, shoal_tick_ms(), is_stale);
    if (!video) {
        *is_unknown = is_noted(
            tracker, tracker->unknown, P2P_UNKNOWN_SLOTS, swarm_mix(tracker->seed, hash));
    }
    return video;
}

struct swarm_video *p2p_gate_find(
    struct p2p_tracker *tracker, struct shoal_call *call, const unsigned char *hash)
{
    int code = 0;
    for (int i = 0; i < LOOKS_MAX; i++) {
        struct p2p_owner owner = {0};
        struct shoal_err err = {0};
        uint32_t before = atomic_load(&tracker->swarms.forgotten);
        code = p2p_hash_find(tracker->self, call, hash, &owner, &err);
        if (code < 0 && code != SHOAL_ENOTFOUND) {
            shoal_warn("a hash could not be looked up: %s", err.text);
        }
        if (code != 0 || !owner.is_shared) {
            break;
        }
        struct swarm_video *video =
            swarms_open(&tracker->swarms, hash, owner.video_id, shoal_tick_ms());
        if (atomic_load(&tracker->swarms.forgotten) == before) {
            return video;
        }
        swarm_video_unref(video); // a video was hidden meanwhile, maybe this one
    }
    if (code >= 0 || code == SHOAL_ENOTFOUND) {
        swarms_close(&tracker->swarms, hash); // what nobody could look up goes on as it is
    }
    note(tracker, tracker->unknown, P2P_UNKNOWN_SLOTS, swarm_mix(tracker->seed, hash), UNKNOWN_MS);
    return NULL;
}

enum shoal_verdict p2p_gate_ask(struct p2p_tracker *tracker, struct shoal_call *call,
    int64_t video_id, const char *kind, const char *address_prefix, char sentence[200])
{
    (void)tracker;
    struct shoal_decision decision = {.verdict = SHOAL_PASS};
    json_t *payload = json_pack("{s:I, s:s, s:s}", "video_id", (json_int_t)video_id, "kind", kind,
        "address_prefix", address_prefix);
    enum shoal_verdict verdict = shoal_fire_decide(call, "swarm.join", payload, &decision);
    json_decref(payload);
    static const char before[] = P2P_NOT_SHARED;
    const size_t start = sizeof before - 1;
    size_t length = strnlen(decision.sentence, 199 - start);
    while (length > 0 && ((unsigned char)decision.sentence[length] & 0xc0) == 0x80) {
        length--; // not within a letter
    }
    memcpy(sentence, before, start);
    memcpy(sentence + start, decision.sentence, length);
    sentence[start + length] = 0;
    return verdict == SHOAL_PASS ? SHOAL_PASS : SHOAL_REFUSE; // nobody comes back to a swarm that holds
}

static uint64_t refused_key(
    const struct p2p_tracker *tracker, const struct swarm_entry *entry, int64_t video_id)
{
    unsigned char text[SWARM_ID_BYTES] = {0};
    memcpy(text, entry->address.bytes, sizeof entry->address);
    uint64_t seed = tracker->seed ^ (uint64_t)video_id; // a verdict of before a change is none
    seed += atomic_load(&tracker->swarms.forgotten);
    return swarm_mix(swarm_mix(seed, text), entry->id);
}

bool p2p_gate_refused(
    struct p2p_tracker *tracker, const struct swarm_entry *entry, int64_t video_id)
{
    return is_noted(tracker, tracker->refused, P2P_REFUSED_SLOTS,
        refused_key(tracker, entry, video_id));
}

void p2p_gate_refuse(struct p2p_tracker *tracker, const struct swarm_entry *entry, int64_t video_id)
{
    note(tracker, tracker->refused, P2P_REFUSED_SLOTS, refused_key(tracker, entry, video_id),
        REFUSED_MS);
}
