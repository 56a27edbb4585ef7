// p2p_policy.c - what the administrator decided: read from the settings, told to pages, players and
// trackers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdatomic.h>
#include <string.h>

#include <named.h>
#include <shoal/db.h>

#include "p2p_policy.h"

#define LOOK_MS       INT64_C(1000)
#define OPEN_UNKNOWN  (-1)

// It ends in " private" where those videos are shared.
SHOAL_SQL(p2p_policy_base, "SELECT base FROM p2p_video WHERE video_id = $1");

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

bool p2p_policy_is_relayed(const struct p2p *p2p)
{
    return shoal_setting_bool(p2p->self, "relay_only");
}

enum p2p_reach p2p_policy_reach(struct p2p *p2p, struct shoal_call *call)
{
    bool is_relayed = p2p_policy_is_relayed(p2p);
    json_t *ice = is_relayed ? p2p_ice_of(p2p, call, false) : NULL;
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

// While no public URL is set, a page's URLs begin as its visitor wrote the address, but the names of the swarms are
// made of one of them. Returns: the playlist's URL that they are made of; NULL: it is the page's own, or unknown.
static json_t *named_playlist(struct shoal_call *call, const json_t *video)
{
    const char *url = shoal_text(video, "streamingPlaylists.0.playlistUrl", "");
    const char *here = shoal_url(call, "/");
    size_t length = strlen(here);
    struct shoal_err why = {0};
    struct shoal_rows *rows =
        strncmp(url, here, length) != 0
            ? NULL
            : shoal_db_query(shoal_call_db(call), &p2p_policy_base,
                  SHOAL_ARGS(SHOAL_I64(shoal_integer(video, "id", 0))), &why);
    json_t *named = NULL;
    if (rows != NULL && shoal_rows_next(rows)) {
        const char *base = shoal_col_text(rows, 0);
        size_t base_length = strcspn(base, " ");
        bool is_other = base_length > 0 && (base_length != length || strncmp(base, here, length) != 0);
        named = is_other ? json_sprintf("%.*s%s", (int)base_length, base, url + length) : NULL;
    }
    if (rows != NULL) {
        shoal_rows_close(rows, &why);
    }
    return named;
}

// What the player of a video's page needs before it asks anybody anything. NULL: nobody shares. New reference.
static json_t *for_player(struct p2p *p2p, struct shoal_call *call, const json_t *video)
{
    enum p2p_reach reach = p2p_policy_reach(p2p, call);
    if (reach == P2P_REACH_NOBODY || !json_is_object(video)) {
        return NULL;
    }
    bool is_relayed = reach == P2P_REACH_OURS;
    bool is_shared = json_array_size(json_object_get(video, "trackerUrls")) > 0;
    json_t *swarm = json_pack("{s:s, s:I, s:b, s:b, s:o, s:o*}", "mode",
        shoal_setting_text(p2p->self, call, "viewers"), "from",
        (json_int_t)shoal_setting_i64(p2p->self, "from_viewers"), "relayOnly", is_relayed,
        "private", shoal_setting_bool(p2p->self, "private"), "ice",
        p2p_ice_of(p2p, call, is_shared), "playlist", named_playlist(call, video));
    if (is_relayed) {
        json_object_set_new(swarm, "trackers", trackers_for_page(p2p, call, video));
    }
    return swarm;
}

static int show_page(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)err;
    json_t *data = json_object_get(*value, "data");
    json_t *swarm = for_player(arg, call, json_object_get(data, "video"));
    if (swarm != NULL) {
        json_object_set_new(data, "swarm", swarm);
    }
    return 0;
}

// What a page would be told now, for one that was told long ago: of what it alone knows nothing else tells it.
static int show_player(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    json_t *video = named_video(call, request, NULL, err);
    if (video == NULL) {
        return err->code;
    }
    json_t *swarm = for_player(arg, call, video);
    json_decref(video);
    return shoal_answer_json(request, 200, json_pack("{s:o?}", "swarm", swarm));
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
    bool is_told = p2p_policy_reach(p2p, call) == P2P_REACH_ALL;
    bool is_unasked = is_told && strcmp(mode, "opt-out") == 0;
    shoal_json_set(*value, "value.defaults.p2p.webapp.enabled", json_boolean(is_unasked));
    shoal_json_set(*value, "value.defaults.p2p.embed.enabled", json_boolean(is_unasked));
    shoal_json_set(*value, "value.tracker.enabled", json_boolean(is_told));
    shoal_json_set(*value, "value.webrtc.iceTransportPolicy",
        json_string(p2p_policy_is_relayed(p2p) ? "relay" : "all"));
    shoal_json_set(*value, "value.webrtc.stunServers",
        is_told ? p2p_ice_names(p2p, call) : json_array());
    return 0;
}

// The form says it first; the table follows, and has the channels.
static int show_video(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    json_t *video = json_object_get(*value, "video");
    if (json_array_size(json_object_get(video, "trackerUrls")) > 0 &&
        (p2p_form_is_off(video) || !p2p_policy_shares(call, shoal_integer(video, "id", 0)))) {
        json_object_set_new(video, "trackerUrls", json_array());
    }
    return 0;
}

static enum shoal_verdict join(struct shoal_call *call, json_t *event, void *arg)
{
    bool is_browser = strcmp(shoal_text(event, "kind", "ws"), "http") != 0;
    if (is_browser && p2p_policy_reach(arg, call) == P2P_REACH_NOBODY) {
        return shoal_refuse(call, "viewers do not share on this site");
    }
    if (!is_browser && p2p_policy_is_relayed(arg)) {
        return shoal_refuse(call, "on this site peers do not learn each other's address");
    }
    return p2p_policy_shares(call, shoal_integer(event, "video_id", 0))
               ? SHOAL_PASS
               : shoal_refuse(call, "this video is not shared");
}

// --- what changes while viewers are connected ---

// The less it is, the fewer may share, or the less they may show of themselves: who has an address and no
// socket is let go by that, too, where browsers share with nobody.
static int openness_of(struct p2p *p2p, struct shoal_call *call)
{
    return 2 * (int)p2p_policy_reach(p2p, call) + (p2p_policy_is_relayed(p2p) ? 0 : 1);
}

// Who may not share any more is sent away; who was refused before may ask again, and hears the new word: the
// tracker has read it by then. is_told: a switch was turned, maybe to and fro since the last look, and who
// came between is let go too.
static void look_now(struct shoal_call *call, struct p2p *p2p, bool is_told)
{
    p2p_tracker_settings(p2p->tracker);
    int now = openness_of(p2p, call);
    int before = atomic_exchange(&p2p->openness, now);
    bool is_other = before != now && before != OPEN_UNKNOWN;
    bool is_shut = is_told && now / 2 == P2P_REACH_NOBODY;
    if (is_other || is_shut) {
        p2p_tracker_forget(p2p->tracker, 0, is_shut || now < before);
    }
}

// After a reload another process has the new settings: sockets are closed by the old one, and their peers ask
// here.
static int look(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)err;
    look_now(call, arg, false);
    return 0;
}

static int on_setting(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    static const char *const switches[] = {"viewers", "tracker", "relay_only"};
    (void)err;
    bool is_switch = false;
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        is_switch = is_switch || strcmp(shoal_text(event, "key", ""), switches[i]) == 0;
    }
    if (strcmp(shoal_text(event, "plugin", ""), "p2p") == 0) {
        look_now(call, arg, is_switch);
    }
    return 0;
}

static int watch(struct p2p *p2p)
{
    p2p->openness = OPEN_UNKNOWN;
    int code = shoal_timer_add(p2p->self, "openness", LOOK_MS, false, look, p2p);
    return code != 0 ? code : shoal_tell(p2p->self, "settings.changed", on_setting, p2p);
}

int p2p_policy_start(struct p2p *p2p, struct shoal_err *err)
{
    struct shoal_plugin *self = p2p->self;
    const struct shoal_route route = {.method = "GET", .path = "/api/v1/p2p/videos/{id}", .handler = show_player, .arg = p2p};
    int code = p2p_off_start(p2p, err);
    code = code != 0 ? code : shoal_route_add(self, &route, err);
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
    code = code != 0 ? code : watch(p2p);
    return code != 0 ? shoal_fail(err, code, "the policy cannot hear what it needs") : 0;
}
