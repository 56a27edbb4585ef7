// p2p_tracker.c - the tracker as a whole: its settings, its clock, its beginning and its end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_tracker.h"

#define SWEEP_MS 10000

void p2p_tracker_ref(struct p2p_tracker *tracker)
{
    atomic_fetch_add(&tracker->refs, 1);
}

void p2p_tracker_unref(struct p2p_tracker *tracker)
{
    if (atomic_fetch_sub(&tracker->refs, 1) != 1) {
        return;
    }
    swarms_fini(&tracker->swarms);
    visitors_fini(&tracker->visitors); // after the peers that hold them
    pthread_mutex_destroy(&tracker->lock);
    free(tracker);
}

void p2p_tracker_settings(struct p2p_tracker *tracker)
{
    struct shoal_plugin *self = tracker->self;
    struct p2p_limits *limits = &tracker->limits;
    limits->is_on = shoal_setting_bool(self, "tracker");
    limits->is_relayed = shoal_setting_bool(self, "relay_only");
    limits->address_sockets = shoal_setting_i64(self, "address_sockets");
    limits->address_peers = shoal_setting_i64(self, "address_peers");
    limits->address_messages = shoal_setting_i64(self, "address_messages");
    limits->socket_messages = shoal_setting_i64(self, "socket_messages");
    limits->socket_hashes = shoal_setting_i64(self, "socket_hashes");
    limits->offers = shoal_setting_i64(self, "offers");
    tracker->swarms.peers_max = (uint32_t)shoal_setting_i64(self, "swarm_peers");
    tracker->swarms.offers_max = (uint32_t)shoal_setting_i64(self, "peer_offers");
}

static int sweep(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)err;
    struct p2p_tracker *tracker = arg;
    swarms_sweep(&tracker->swarms, shoal_tick_ms());
    return 0;
}

/// Nobody can see the video any more: its viewers are let go at once.
static int leave(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)err;
    p2p_video_forget(arg, call, shoal_integer(event, "video.id", -1), true);
    return 0;
}

static void dismiss(void *arg, const unsigned char hash[SWARM_ID_BYTES], shoal_stream stream)
{
    const char *const *why = arg;
    p2p_say_dismissed(stream, hash, *why);
}

void p2p_tracker_close(
    struct p2p_tracker *tracker, const unsigned char hash[SWARM_ID_BYTES], const char *why)
{
    swarms_close(&tracker->swarms, hash, dismiss, &why);
}

void p2p_tracker_forget(struct p2p_tracker *tracker, int64_t video_id, bool is_dismissed)
{
    const char *why = P2P_NO_LONGER;
    if (is_dismissed) {
        swarms_forget(&tracker->swarms, video_id, dismiss, &why);
    } else {
        swarms_renew(&tracker->swarms, video_id);
    }
}

int p2p_tracker_peers(struct p2p_tracker *tracker, int64_t video_id)
{
    return swarms_viewers(&tracker->swarms, video_id);
}

int p2p_tracker_start(struct p2p *p2p, struct shoal_err *err)
{
    struct p2p_tracker *tracker = swarm_alloc(sizeof *tracker);
    tracker->p2p = p2p;
    tracker->self = p2p->self;
    tracker->refs = 1;
    pthread_mutex_init(&tracker->lock, NULL);
    swarm_key_init(&tracker->key);
    visitors_init(&tracker->visitors);
    swarms_init(&tracker->swarms, &tracker->visitors);
    p2p_tracker_settings(tracker);
    p2p->tracker = tracker;
    int code = shoal_timer_add(p2p->self, "sweep", SWEEP_MS, false, sweep, tracker);
    code = code < 0 ? code : shoal_tell(p2p->self, "video.hidden", leave, p2p);
    code = code < 0 ? code : shoal_tell(p2p->self, "video.deleted", leave, p2p);
    code = code < 0 ? code : p2p_sockets_start(tracker, err);
    return code < 0 ? code : p2p_http_start(tracker, err);
}

void p2p_tracker_stop(struct p2p *p2p)
{
    if (p2p->tracker) {
        p2p_tracker_unref(p2p->tracker);
        p2p->tracker = NULL;
    }
}
