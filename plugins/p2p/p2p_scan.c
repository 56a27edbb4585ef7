// p2p_scan.c - reads an announce, an answer or a scrape of a WebSocket peer in place.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_scan.h"

#include <string.h>

static bool is(struct jsontext_slice string, const char *text)
{
    size_t length = strlen(text);
    return string.length == length + 2 && memcmp(string.at + 1, text, length) == 0;
}

static bool is_null(const struct jsontext *text)
{
    return text->end - text->at >= 4 && memcmp(text->at, "null", 4) == 0;
}

/// A text that must be 20 bytes; null is as if it were not there.
static enum p2p_fault read_id(struct jsontext *text, struct p2p_id *id, enum p2p_fault fault)
{
    struct jsontext_slice value;
    jsontext_space(text);
    bool is_absent = is_null(text);
    if (!jsontext_value(text, &value)) {
        return P2P_NO_JSON;
    }
    id->text.at = NULL;
    if (is_absent) {
        return P2P_FINE;
    }
    if (value.at[0] != '"' || !jsontext_bytes(value, id->bytes, SWARM_ID_BYTES)) {
        return fault;
    }
    id->text = value;
    return P2P_FINE;
}

static enum p2p_fault read_action(struct jsontext *text, struct p2p_message *message)
{
    struct jsontext_slice value;
    if (!jsontext_value(text, &value)) {
        return P2P_NO_JSON;
    }
    message->action = is(value, "announce") ? P2P_ANNOUNCE
        : is(value, "scrape")               ? P2P_SCRAPE
                                            : P2P_NO_ACTION;
    return P2P_FINE;
}

static enum p2p_fault read_event(struct jsontext *text, struct p2p_message *message)
{
    static const struct {
        const char *name;
        enum swarm_event event;
    } names[] = {{"", SWARM_UPDATE}, {"update", SWARM_UPDATE}, {"paused", SWARM_UPDATE},
        {"started", SWARM_STARTED}, {"stopped", SWARM_STOPPED}, {"completed", SWARM_COMPLETED}};
    struct jsontext_slice value;
    jsontext_space(text);
    bool is_absent = is_null(text);
    if (!jsontext_value(text, &value)) {
        return P2P_NO_JSON;
    }
    message->event = is_absent ? SWARM_UPDATE : SWARM_NO_EVENT;
    for (size_t i = 0; value.at[0] == '"' && i < sizeof names / sizeof names[0]; i++) {
        if (is(value, names[i].name)) {
            message->event = names[i].event;
        }
    }
    return P2P_FINE;
}

/// 0 in any spelling. What is no number is unknown, and then something is left.
static enum p2p_fault read_left(struct jsontext *text, struct p2p_message *message)
{
    struct jsontext_slice value;
    if (!jsontext_value(text, &value)) {
        return P2P_NO_JSON;
    }
    bool is_number = value.at[0] == '-' || (value.at[0] >= '0' && value.at[0] <= '9');
    for (size_t i = 0; is_number && i < value.length && (value.at[i] | 0x20) != 'e'; i++) {
        is_number = value.at[i] < '1' || value.at[i] > '9';
    }
    message->is_complete = is_number;
    return P2P_FINE;
}

static enum p2p_fault read_offer(struct jsontext *text, struct p2p_offer *offer)
{
    struct p2p_id id = {.text = {NULL, 0}};
    *offer = (struct p2p_offer){{NULL, 0}, {NULL, 0}};
    if (!jsontext_take(text, '{')) {
        struct jsontext_slice other;
        return jsontext_value(text, &other) ? P2P_BAD_OFFER : P2P_NO_JSON;
    }
    bool is_first = true;
    while (!jsontext_take(text, '}')) {
        struct jsontext_slice name, value;
        if ((!is_first && !jsontext_take(text, ',')) || !jsontext_string(text, &name) ||
            !jsontext_take(text, ':')) {
            return P2P_NO_JSON;
        }
        is_first = false;
        if (is(name, "offer_id")) {
            enum p2p_fault fault = read_id(text, &id, P2P_BAD_OFFER);
            if (fault != P2P_FINE) {
                return fault;
            }
        } else if (!jsontext_value(text, &value)) {
            return P2P_NO_JSON;
        } else if (is(name, "offer")) {
            offer->offer = value;
        }
    }
    offer->id = id.text;
    return offer->id.at && offer->offer.at && offer->offer.at[0] == '{' ? P2P_FINE : P2P_BAD_OFFER;
}

static enum p2p_fault read_offers(struct jsontext *text, size_t max, struct p2p_message *message)
{
    struct jsontext_slice other;
    message->offer_count = 0;
    if (!jsontext_take(text, '[')) {
        bool is_absent = is_null(text);
        return !jsontext_value(text, &other) ? P2P_NO_JSON : is_absent ? P2P_FINE : P2P_BAD_OFFER;
    }
    if (jsontext_take(text, ']')) {
        return P2P_FINE;
    }
    for (;;) {
        enum p2p_fault fault = P2P_FINE;
        if (message->offer_count < max) {
            fault = read_offer(text, &message->offers[message->offer_count++]);
        } else if (!jsontext_value(text, &other)) {
            fault = P2P_NO_JSON;
        }
        if (fault != P2P_FINE) {
            return fault;
        }
        if (jsontext_take(text, ']')) {
            return P2P_FINE;
        }
        if (!jsontext_take(text, ',')) {
            return P2P_NO_JSON;
        }
    }
}

static enum p2p_fault read_hash(struct jsontext *text, struct p2p_message *message)
{
    jsontext_space(text);
    if (text->at < text->end && *text->at == '[') {
        return jsontext_value(text, &message->hashes) ? P2P_FINE : P2P_NO_JSON;
    }
    return read_id(text, &message->hash, P2P_BAD_HASH);
}

static enum p2p_fault read_answer(struct jsontext *text, struct p2p_message *message)
{
    struct jsontext_slice value;
    jsontext_space(text);
    bool is_absent = is_null(text);
    if (!jsontext_value(text, &value)) {
        return P2P_NO_JSON;
    }
    if (is_absent) {
        return P2P_FINE;
    }
    message->answer = value;
    return value.at[0] == '{' ? P2P_FINE : P2P_BAD_ANSWER;
}

/// By length first: a message has a dozen members, and most names differ there.
static enum p2p_fault read_member(struct jsontext *text, struct jsontext_slice name, size_t offers_max,
    struct p2p_message *message)
{
    struct jsontext_slice other;
    switch (name.length - 2) {
    case 4:
        if (is(name, "left")) {
            return read_left(text, message);
        }
        break;
    case 5:
        if (is(name, "event")) {
            return read_event(text, message);
        }
        break;
    case 6:
        if (is(name, "action")) {
            return read_action(text, message);
        }
        if (is(name, "offers")) {
            return read_offers(text, offers_max, message);
        }
        if (is(name, "answer")) {
            return read_answer(text, message);
        }
        break;
    case 7:
        if (is(name, "peer_id")) {
            return read_id(text, &message->peer, P2P_BAD_PEER);
        }
        break;
    case 8:
        if (is(name, "offer_id")) {
            return read_id(text, &message->offer_id, P2P_BAD_OFFER);
        }
        break;
    case 9:
        if (is(name, "info_hash")) {
            return read_hash(text, message);
        }
        break;
    case 10:
        if (is(name, "to_peer_id")) {
            return read_id(text, &message->target, P2P_BAD_TARGET);
        }
        break;
    default:
        break;
    }
    return jsontext_value(text, &other) ? P2P_FINE : P2P_NO_JSON;
}

enum p2p_fault p2p_scan(const char *data, size_t length, size_t offers_max,
    struct p2p_message *message)
{
    struct jsontext text = {data, data + length};
    // Not the whole of it: the offers are two KiB that are written before they are read.
    memset(message, 0, offsetof(struct p2p_message, offers));
    message->offer_count = 0;
    if (offers_max > P2P_OFFERS_MAX) {
        offers_max = P2P_OFFERS_MAX;
    }
    bool is_first = true;
    if (!jsontext_take(&text, '{')) {
        return P2P_NO_JSON;
    }
    while (!jsontext_take(&text, '}')) {
        struct jsontext_slice name;
        if ((!is_first && !jsontext_take(&text, ',')) || !jsontext_string(&text, &name) ||
            !jsontext_take(&text, ':')) {
            return P2P_NO_JSON;
        }
        is_first = false;
        enum p2p_fault fault = read_member(&text, name, offers_max, message);
        if (fault != P2P_FINE) {
            return fault;
        }
    }
    jsontext_space(&text);
    return text.at == text.end ? P2P_FINE : P2P_NO_JSON;
}

bool p2p_scan_next(struct jsontext_slice *hashes, struct p2p_id *hash)
{
    struct jsontext text = {hashes->at, hashes->at + hashes->length};
    if (!jsontext_take(&text, '[') && !jsontext_take(&text, ',')) {
        return false;
    }
    if (read_id(&text, hash, P2P_BAD_HASH) != P2P_FINE || !hash->text.at) {
        return false;
    }
    *hashes = (struct jsontext_slice){text.at, (size_t)(text.end - text.at)};
    return true;
}
