// p2p_ice.c - the servers by which players learn their own address, or are relayed.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <ask.h>
#include <shoal/svc/stun.h>

#include "p2p_policy.h"

#define SERVERS_MAX 8

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

// What the administrator names takes the place of our own. New reference.
static json_t *stun_of(struct p2p *p2p, struct shoal_call *call)
{
    json_t *stun = shoal_setting_json(p2p->self, "stun");
    const char *own = json_array_size(stun) == 0 ? ASK(call, stun, NULL, NULL, url) : NULL;
    if (own != NULL) {
        json_decref(stun);
        stun = json_pack("[s]", own);
    }
    return stun;
}

json_t *p2p_ice_of(struct p2p *p2p, struct shoal_call *call, bool is_shared)
{
    // Where only relays may be used, no other server learns who watches; nor where nobody shares.
    json_t *stun = p2p_policy_is_relayed(p2p) || !is_shared ? NULL : stun_of(p2p, call);
    json_t *turn = turn_of(p2p);
    json_t *out = p2p_ice_servers(stun, turn);
    json_decref(stun);
    json_decref(turn);
    return out;
}

json_t *p2p_ice_names(struct p2p *p2p, struct shoal_call *call)
{
    json_t *stun = stun_of(p2p, call), *out = json_array();
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
