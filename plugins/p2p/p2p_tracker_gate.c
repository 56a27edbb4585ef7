// p2p_tracker_gate.c - which swarms there may be, and who may join: asked once, then known for a while.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "p2p_tracker.h"

#define UNKNOWN_MS 3000 // a video may be announced before its hashes are written
#define LOOKS_MAX  4
#define REFUSED_MS (P2P_INTERVAL_S * 1000)

static const char changing[] = "too much changes here: try again later";
const char p2p_not_ours[] = "this is no video of this server, or nobody may share it";

/// Returns: what was noted, or NULL.
static const char *noted(
    struct p2p_tracker *tracker, struct p2p_slot *slots, size_t count, uint64_t key)
{
    pthread_mutex_lock(&tracker->lock);
    const struct p2p_slot *slot = &slots[key % count];
    const char *why = slot->key == key && slot->until_ms > shoal_tick_ms() ? slot->why : NULL;
    pthread_mutex_unlock(&tracker->lock);
    return why;
}

static void note(struct p2p_tracker *tracker, struct p2p_slot *slots, size_t count, uint64_t key,
    int64_t for_ms, const char *why)
{
    pthread_mutex_lock(&tracker->lock);
    slots[key % count] = (struct p2p_slot){key, shoal_tick_ms() + for_ms, why};
    pthread_mutex_unlock(&tracker->lock);
}

struct swarm_video *p2p_gate_known(struct p2p_tracker *tracker, const unsigned char *hash,
    const char **why, bool *is_stale)
{
    *why = NULL;
    *is_stale = false;
    struct swarm_video *video =
        swarms_video(&tracker->swarms, hash, shoal_tick_ms(), is_stale);
    if (!video) {
        *why = noted(
            tracker, tracker->unknown, P2P_UNKNOWN_SLOTS, swarm_mix(&tracker->key, hash, SWARM_ID_BYTES));
    }
    return video;
}

struct swarm_video *p2p_gate_find(
    struct p2p_tracker *tracker, struct shoal_call *call, const unsigned char *hash)
{
    const char *why = p2p_not_ours;
    int code = 0;
    for (int i = 0; i < LOOKS_MAX; i++) {
        struct p2p_owner owner = {0};
        struct shoal_err err = {0};
        uint32_t before = atomic_load(&tracker->swarms.changes);
        code = p2p_hash_find(tracker->p2p, call, hash, &owner, &err);
        if (code < 0 && code != SHOAL_ENOTFOUND) {
            shoal_warn("a hash could not be looked up: %s", err.text);
        }
        bool is_elsewhere = code == 0 && owner.is_shared && !owner.is_here;
        why = is_elsewhere ? tracker->p2p->nodes.items[owner.node].elsewhere : p2p_not_ours;
        if (code != 0 || !owner.is_shared || is_elsewhere) {
            break;
        }
        struct swarm_video *video =
            swarms_open(&tracker->swarms, hash, owner.video_id, shoal_tick_ms());
        if (atomic_load(&tracker->swarms.changes) == before) {
            return video;
        }
        swarm_video_unref(video); // a video was hidden meanwhile, maybe this one
        why = changing;
    }
    if (code >= 0 || code == SHOAL_ENOTFOUND) {
        // What nobody could look up goes on as it is.
        p2p_tracker_close(tracker, hash, why == p2p_not_ours ? P2P_NO_LONGER : why);
    }
    note(tracker, tracker->unknown, P2P_UNKNOWN_SLOTS, swarm_mix(&tracker->key, hash, SWARM_ID_BYTES), UNKNOWN_MS, why);
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
    struct {
        int64_t video_id;
        uint32_t changes; // a verdict of before a change is none
        unsigned char id[SWARM_ID_BYTES];
        struct visitor_address address;
    } named = {video_id, atomic_load(&tracker->swarms.changes), {0}, entry->address};
    memcpy(named.id, entry->id, SWARM_ID_BYTES);
    return swarm_mix(&tracker->key, &named, sizeof named);
}

bool p2p_gate_refused(
    struct p2p_tracker *tracker, const struct swarm_entry *entry, int64_t video_id)
{
    return noted(tracker, tracker->refused, P2P_REFUSED_SLOTS,
               refused_key(tracker, entry, video_id)) != NULL;
}

void p2p_gate_refuse(struct p2p_tracker *tracker, const struct swarm_entry *entry, int64_t video_id)
{
    note(tracker, tracker->refused, P2P_REFUSED_SLOTS, refused_key(tracker, entry, video_id),
        REFUSED_MS, "");
}
