// p2p_policy.h - who shares with whom: the parts of the policy.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_POLICY_H
#define P2P_POLICY_H
#include <shoal/buf.h>

#include "p2p.h"

/// Of p2p_off.
enum p2p_kind {
    P2P_OFF_VIDEO = 1,
    P2P_OFF_CHANNEL = 2
};

/// Whether the owner said anything in the video's form, and whether he said that it is not shared. video:
/// VideoDetails.
bool p2p_form_is_asked(const json_t *video);
bool p2p_form_is_off(const json_t *video);
/// The box in the video's form.
int p2p_form_slot(struct shoal_call *call, const char *slot, const json_t *data,
    struct shoal_buf *out, void *arg, struct shoal_err *err);
/// The link to the page of channels.
int p2p_form_menu(struct shoal_call *call, const char *slot, const json_t *data,
    struct shoal_buf *out, void *arg, struct shoal_err *err);

/// ICE servers as browsers want them: [{urls, username, credential}]; what is no such thing is left
/// out. stun, turn: the settings; a STUN server may be written without "stun:". New reference.
json_t *p2p_ice_servers(const json_t *stun, const json_t *turn);

/// Those of a page. is_shared: whether its video is; else there are no STUN servers. New reference. Thread: [worker].
json_t *p2p_ice_of(struct p2p *p2p, struct shoal_call *call, bool is_shared);
/// STUN servers as texts with "stun:", those of the setting or our own. New reference. Thread: [worker].
json_t *p2p_ice_names(struct p2p *p2p, struct shoal_call *call);

/// Who is told of the trackers.
enum p2p_reach {
    P2P_REACH_NOBODY,
    P2P_REACH_OURS, ///< our own player: others cannot be told to use relays alone
    P2P_REACH_ALL
};
/// mode: the setting viewers; ice: servers that may be used.
enum p2p_reach p2p_reach_of(
    const char *mode, bool has_tracker, bool is_relayed, const json_t *ice);

/// As the settings are now. Thread: [worker].
enum p2p_reach p2p_policy_reach(struct p2p *p2p, struct shoal_call *call);

/// Whether its owner switched a video off, by its number; its channel is not asked about. Thread: [worker].
bool p2p_off_has_video(struct shoal_call *call, int64_t video_id);
/// What was switched off: hears of videos, answers about channels.
int p2p_off_start(struct p2p *p2p, struct shoal_err *err);

#endif
