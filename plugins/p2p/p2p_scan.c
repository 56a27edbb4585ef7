// p2p_scan.c - reads an announce, an answer or a scrape of a WebSocket peer in place.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "p2p_scan_json.h"

static bool is(struct p2p_slice string, const char *text)
{
    size_t length = strlen(text);
    return string.length == length + 2 && memcmp(string.at + 1, text, length) == 0;
}

static bool is_null(const struct p2p_text *text)
{
    return text->end - text->at >= 4 && memcmp(text->at, "null", 4) == 0;
}

/// A text that must be 20 bytes; null is as if it were not there.
static enum p2p_fault read_id(struct p2p_text *text, struct p2p_id *id, enum p2p_fault fault)
{
    struct p2p_slice value;
    p2p_json_space(text);
    bool is_absent = is_null(text);
    if (!p2p_json_value(text, &value)) {
        return P2P_NO_JSON;
    }
    id->text.at = NULL;
    if (is_absent) {
        return P2P_FINE;
    }
    if (value.at[0] != '"' || !p2p_json_bytes(value, id->bytes)) {
        return fault;
    }
    id->text = value;
    return P2P_FINE;
}

static enum p2p_fault read_action(struct p2p_text *text, struct p2p_message *message)
{
    struct p2p_slice value;
    if (!p2p_json_value(text, &value)) {
        return P2P_NO_JSON;
    }
    message->action = is(value, "announce") ? P2P_ANNOUNCE
        : is(value, "scrape")               ? P2P_SCRAPE
                                            : P2P_NO_ACTION;
    return P2P_FINE;
}

static enum p2p_fault read_event(struct p2p_text *text, struct p2p_message *message)
{
    static const struct {
        const char *name;
        enum p2p_event event;
    } names[] = {{"", P2P_UPDATE}, {"update", P2P_UPDATE}, {"paused", P2P_UPDATE},
        {"started", P2P_STARTED}, {"stopped", P2P_STOPPED}, {"completed", P2P_COMPLETED}};
    struct p2p_slice value;
    p2p_json_space(text);
    bool is_absent = is_null(text);
    if (!p2p_json_value(text, &value)) {
        return P2P_NO_JSON;
    }
    message->event = is_absent ? P2P_UPDATE : P2P_NO_EVENT;
    for (size_t i = 0; value.at[0] == '"' && i < sizeof names / sizeof names[0]; i++) {
        if (is(value, names[i].name)) {
            message->event = names[i].event;
        }
    }
    return P2P_FINE;
}

/// 0 in any spelling. What is no number is unknown, and then something is left.
static enum p2p_fault read_left(struct p2p_text *text, struct p2p_message *message)
{
    struct p2p_slice value;
    if (!p2p_json_value(text, &value)) {
        return P2P_NO_JSON;
    }
    bool is_number = value.at[0] == '-' || (value.at[0] >= '0' && value.at[0] <= '9');
    for (size_t i = 0; is_number && i < value.length && (value.at[i] | 0x20) != 'e'; i++) {
        is_number = value.at[i] < '1' || value.at[i] > '9';
    }
    message->is_complete = is_number;
    return P2P_FINE;
}

static enum p2p_fault read_offer(struct p2p_text *text, struct p2p_offer *offer)
{
    struct p2p_id id = {.text = {NULL, 0}};
    *offer = (struct p2p_offer){{NULL, 0}, {NULL, 0}};
    if (!p2p_json_take(text, '{')) {
        struct p2p_slice other;
        return p2p_json_value(text, &other) ? P2P_BAD_OFFER : P2P_NO_JSON;
    }
    bool is_first = true;
    while (!p2p_json_take(text, '}')) {
        struct p2p_slice name, value;
        if ((!is_first && !p2p_json_take(text, ',')) || !p2p_json_string(text, &name) ||
            !p2p_json_take(text, ':')) {
            return P2P_NO_JSON;
        }
        is_first = false;
        if (is(name, "offer_id")) {
            enum p2p_fault fault = read_id(text, &id, P2P_BAD_OFFER);
            if (fault != P2P_FINE) {
                return fault;
            }
        } else if (!p2p_json_value(text, &value)) {
            return P2P_NO_JSON;
        } else if (is(name, "offer")) {
            offer->offer = value;
        }
    }
    offer->id = id.text;
    return offer->id.at && offer->offer.at && offer->offer.at[0] == '{' ? P2P_FINE : P2P_BAD_OFFER;
}

static enum p2p_fault read_offers(struct p2p_text *text, size_t max, struct p2p_message *message)
{
    struct p2p_slice other;
    message->offer_count = 0;
    if (!p2p_json_take(text, '[')) {
        bool is_absent = is_null(text);
        return !p2p_json_value(text, &other) ? P2P_NO_JSON : is_absent ? P2P_FINE : P2P_BAD_OFFER;
    }
    if (p2p_json_take(text, ']')) {
        return P2P_FINE;
    }
    for (;;) {
        enum p2p_fault fault = P2P_FINE;
        if (message->offer_count < max) {
            fault = read_offer(text, &message->offers[message->offer_count++]);
        } else if (!p2p_json_value(text, &other)) {
            fault = P2P_NO_JSON;
        }
        if (fault != P2P_FINE) {
            return fault;
        }
        if (p2p_json_take(text, ']')) {
            return P2P_FINE;
        }
        if (!p2p_json_take(text, ',')) {
            return P2P_NO_JSON;
        }
    }
}

static enum p2p_fault read_hash(struct p2p_text *text, struct p2p_message *message)
{
    p2p_json_space(text);
    if (text->at < text->end && *text->at == '[') {
        return p2p_json_value(text, &message->hashes) ? P2P_FINE : P2P_NO_JSON;
    }
    return read_id(text, &message->hash, P2P_BAD_HASH);
}

static enum p2p_fault read_answer(struct p2p_text *text, struct p2p_message *message)
{
    struct p2p_slice value;
    p2p_json_space(text);
    bool is_absent = is_null(text);
    if (!p2p_json_value(text, &value)) {
        return P2P_NO_JSON;
    }
    if (is_absent) {
        return P2P_FINE;
    }
    message->answer = value;
    return value.at[0] == '{' ? P2P_FINE : P2P_BAD_ANSWER;
}

/// By length first: a message has a dozen members, and most names differ there.
static enum p2p_fault read_member(struct p2p_text *text, struct p2p_slice name, size_t offers_max,
    struct p2p_message *message)
{
    struct p2p_slice other;
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
    return p2p_json_value(text, &other) ? P2P_FINE : P2P_NO_JSON;
}

enum p2p_fault p2p_scan(const char *data, size_t length, size_t offers_max,
    struct p2p_message *message)
{
    struct p2p_text text = {data, data + length};
    // Not the whole of it: the offers are two KiB that are written before they are read.
    memset(message, 0, offsetof(struct p2p_message, offers));
    message->offer_count = 0;
    if (offers_max > P2P_OFFERS_MAX) {
        offers_max = P2P_OFFERS_MAX;
    }
    bool is_first = true;
    if (!p2p_json_take(&text, '{')) {
        return P2P_NO_JSON;
    }
    while (!p2p_json_take(&text, '}')) {
        struct p2p_slice name;
        if ((!is_first && !p2p_json_take(&text, ',')) || !p2p_json_string(&text, &name) ||
            !p2p_json_take(&text, ':')) {
            return P2P_NO_JSON;
        }
        is_first = false;
        enum p2p_fault fault = read_member(&text, name, offers_max, message);
        if (fault != P2P_FINE) {
            return fault;
        }
    }
    p2p_json_space(&text);
    return text.at == text.end ? P2P_FINE : P2P_NO_JSON;
}

bool p2p_scan_next(struct p2p_slice *hashes, struct p2p_id *hash)
{
    struct p2p_text text = {hashes->at, hashes->at + hashes->length};
    if (!p2p_json_take(&text, '[') && !p2p_json_take(&text, ',')) {
        return false;
    }
    if (read_id(&text, hash, P2P_BAD_HASH) != P2P_FINE || !hash->text.at) {
        return false;
    }
    *hashes = (struct p2p_slice){text.at, (size_t)(text.end - text.at)};
    return true;
}
