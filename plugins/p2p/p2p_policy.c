// p2p_policy.c - what the administrator decided: read from the settings, told to pages, players and
// trackers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "p2p_policy.h"

#define SERVERS_MAX 8

// --- ICE servers ---

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static json_t *stun_url(const char *text)
{
    bool is_whole = starts(text, "stun:") || starts(text, "stuns:");
    return is_whole ? json_string(text) : json_sprintf("stun:%s", text);
}

static bool is_turn(const json_t *server)
{
    const json_t *urls = json_object_get(server, "urls");
    const json_t *first = json_is_array(urls) ? json_array_get(urls, 0) : urls;
    const char *url = json_string_value(first);
    return url != NULL && (starts(url, "turn:") || starts(url, "turns:"));
}

json_t *p2p_ice_servers(const json_t *stun, const json_t *turn)
{
    json_t *out = json_array();
    size_t index;
    json_t *item;
    json_array_foreach(stun, index, item)
    {
        const char *text = json_string_value(item);
        if (text != NULL && text[0] != '\0' && json_array_size(out) < SERVERS_MAX) {
            json_array_append_new(out, json_pack("{s:o}", "urls", stun_url(text)));
        }
    }
    json_array_foreach(turn, index, item)
    {
        if (is_turn(item) && json_array_size(out) < SERVERS_MAX) {
            json_array_append_new(
                out, json_pack("{s:O, s:s, s:s}", "urls", json_object_get(item, "urls"), "username",
                         shoal_text(item, "username", ""), "credential",
                         shoal_text(item, "credential", "")));
        }
    }
    return out;
}

// A table in shoal.lua; JSON as a text behind --set.
static json_t *turn_of(struct p2p *p2p)
{
    json_t *turn = shoal_setting_json(p2p->self, "turn");
    if (json_is_string(turn)) {
        json_t *parsed = shoal_json_parse(json_string_value(turn), json_string_length(turn), NULL);
        json_decref(turn);
        turn = parsed;
    }
    return turn;
}

static json_t *ice_of(struct p2p *p2p)
{
    // Where only relays may be used, no other server learns who watches.
    json_t *stun =
        shoal_setting_bool(p2p->self, "relay_only") ? NULL : shoal_setting_json(p2p->self, "stun");
    json_t *turn = turn_of(p2p);
    json_t *out = p2p_ice_servers(stun, turn);
    json_decref(stun);
    json_decref(turn);
    return out;
}

// --- what others are told ---

enum p2p_reach p2p_reach_of(const char *mode, bool has_tracker, bool is_relayed, const json_t *ice)
{
    if (mode == NULL || strcmp(mode, "off") == 0 || !has_tracker) {
        return P2P_REACH_NOBODY;
    }
    if (!is_relayed) {
        return P2P_REACH_ALL;
    }
    return json_array_size(ice) > 0 ? P2P_REACH_OURS : P2P_REACH_NOBODY; // no relay, no connection
}

static enum p2p_reach reach_of(struct p2p *p2p, struct shoal_call *call)
{
    bool is_relayed = shoal_setting_bool(p2p->self, "relay_only");
    json_t *ice = is_relayed ? ice_of(p2p) : NULL;
    enum p2p_reach reach = p2p_reach_of(shoal_setting_text(p2p->self, call, "viewers"),
        shoal_setting_bool(p2p->self, "tracker"), is_relayed, ice);
    json_decref(ice);
    return reach;
}

// The page alone tells the trackers where its player alone may know them.
static json_t *trackers_for_page(struct p2p *p2p, struct shoal_call *call, const json_t *video)
{
    struct shoal_err why = {0};
    json_t *urls = p2p_form_is_off(video)
                       ? NULL
                       : p2p_service_trackers(p2p, call, shoal_text(video, "uuid", ""), &why);
    return urls != NULL ? urls : json_array(); // who cannot be asked does not share
}

// The page of a video: what its player needs before it asks anybody anything.
static int show_page(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)err;
    struct p2p *p2p = arg;
    json_t *data = json_object_get(*value, "data");
    const json_t *video = json_object_get(data, "video");
    enum p2p_reach reach = reach_of(p2p, call);
    if (reach == P2P_REACH_NOBODY || !json_is_object(video)) {
        return 0;
    }
    bool is_relayed = reach == P2P_REACH_OURS;
    json_t *swarm = json_pack("{s:s, s:I, s:b, s:b, s:o}", "mode",
        shoal_setting_text(p2p->self, call, "viewers"), "from",
        (json_int_t)shoal_setting_i64(p2p->self, "from_viewers"), "relayOnly", is_relayed,
        "private", shoal_setting_bool(p2p->self, "private"), "ice", ice_of(p2p));
    if (is_relayed) {
        json_object_set_new(swarm, "trackers", trackers_for_page(p2p, call, video));
    }
    json_object_set_new(data, "swarm", swarm);
    return 0;
}

static json_t *stun_names(json_t *stun)
{
    json_t *out = json_array();
    size_t index;
    json_t *item;
    json_array_foreach(stun, index, item)
    {
        if (json_string_length(item) > 0) {
            json_array_append_new(out, stun_url(json_string_value(item)));
        }
    }
    json_decref(stun);
    return out;
}

// Players of PeerTube know three of our settings: whether at all, whether unasked, and STUN. None
// of them can be told to use relays alone, so with that they stay out.
static int show_config(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)err;
    struct p2p *p2p = arg;
    if (strcmp(shoal_text(*value, "document", ""), "config") != 0) {
        return 0;
    }
    const char *mode = shoal_setting_text(p2p->self, call, "viewers");
    bool is_told = reach_of(p2p, call) == P2P_REACH_ALL;
    bool is_unasked = is_told && strcmp(mode, "opt-out") == 0;
    shoal_json_set(*value, "value.defaults.p2p.webapp.enabled", json_boolean(is_unasked));
    shoal_json_set(*value, "value.defaults.p2p.embed.enabled", json_boolean(is_unasked));
    shoal_json_set(*value, "value.tracker.enabled", json_boolean(is_told));
    shoal_json_set(*value, "value.webrtc.stunServers",
        stun_names(is_told ? shoal_setting_json(p2p->self, "stun") : NULL));
    return 0;
}

// The form says it first; the table follows, and has the channels.
static int show_video(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)err;
    json_t *video = json_object_get(*value, "video");
    if (json_array_size(json_object_get(video, "trackerUrls")) > 0 &&
        (reach_of(arg, call) != P2P_REACH_ALL || p2p_form_is_off(video) ||
            !p2p_policy_shares(call, shoal_integer(video, "id", 0)))) {
        json_object_set_new(video, "trackerUrls", json_array());
    }
    return 0;
}

static enum shoal_verdict join(struct shoal_call *call, json_t *event, void *arg)
{
    bool is_browser = strcmp(shoal_text(event, "kind", "ws"), "http") != 0;
    if (is_browser && reach_of(arg, call) == P2P_REACH_NOBODY) {
        return shoal_refuse(call, "viewers do not share on this site");
    }
    return p2p_policy_shares(call, shoal_integer(event, "video_id", 0))
               ? SHOAL_PASS
               : shoal_refuse(call, "this video is not shared");
}

int p2p_policy_start(struct p2p *p2p, struct shoal_err *err)
{
    struct shoal_plugin *self = p2p->self;
    int code = p2p_off_start(p2p, err);
    if (code != 0) {
        return code;
    }
    code = shoal_slot_add(self, "video.form", p2p_form_slot, p2p, err);
    code = code != 0 ? code : shoal_slot_add(self, "my.menu", p2p_form_menu, p2p, err);
    if (code != 0) {
        return code;
    }
    code = shoal_filter(self, "page.data", show_page, p2p);
    code = code != 0 ? code : shoal_filter(self, "video.view", show_video, p2p);
    code = code != 0 ? code : shoal_filter(self, "instance.view", show_config, p2p);
    code = code != 0 ? code : shoal_decide(self, "swarm.join", join, p2p);
    return code != 0 ? shoal_fail(err, code, "the policy cannot hear what it needs") : 0;
}
