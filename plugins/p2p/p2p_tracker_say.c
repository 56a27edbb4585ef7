// p2p_tracker_say.c - what peers with sockets are told; what they said themselves goes on as it came.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "p2p_tracker.h"

#define SCRAPE_MAX 64 // hashes in one scrape

#define SHORT_BYTES 1024                   // counts or a sentence, and a hash as its peer wrote it
#define LONG_BYTES  (P2P_MESSAGE_MAX + 1024) // the longest message that is relayed, and words around it

/// Small rooms for small words: a large one is touched page by page, whatever is put into it.
struct text {
    char *data;
    size_t room, length;
};

static void put(struct text *text, const char *data, size_t length)
{
    if (length <= text->room - text->length) {
        memcpy(text->data + text->length, data, length);
        text->length += length;
    }
}

#define PUTS(text, words) put(text, words, sizeof(words) - 1)

static void put_number(struct text *text, uint32_t number)
{
    char digits[12];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(text, digits + at, sizeof digits - at);
}

static void put_slice(struct text *text, struct jsontext_slice slice)
{
    put(text, slice.at, slice.length);
}

static void send_to(shoal_stream stream, const struct text *text)
{
    shoal_stream_send(stream, text->data, text->length, true); // one that is gone is noticed
}

void p2p_say_counts(shoal_stream stream, struct jsontext_slice token, const struct swarm_counts *counts)
{
    char room[SHORT_BYTES];
    struct text text = {.data = room, .room = sizeof room};
    PUTS(&text, "{\"complete\":");
    put_number(&text, counts->complete);
    PUTS(&text, ",\"incomplete\":");
    put_number(&text, counts->incomplete);
    PUTS(&text, ",\"action\":\"announce\",\"interval\":");
    put_number(&text, P2P_WS_INTERVAL_S);
    PUTS(&text, ",\"info_hash\":");
    put_slice(&text, token);
    PUTS(&text, "}");
    send_to(stream, &text);
}

/// Sentences of other plugins come here too: whatever JSON would not take as it is becomes a space.
static void put_words(struct text *text, const char *words)
{
    for (; *words; words++) {
        bool is_plain = (unsigned char)*words >= 0x20 && *words != '"' && *words != '\\';
        put(text, is_plain ? words : " ", 1);
    }
}

void p2p_say_failure(shoal_stream stream, struct jsontext_slice token, const char *why)
{
    char room[SHORT_BYTES];
    struct text text = {.data = room, .room = sizeof room};
    if (token.at) {
        PUTS(&text, "{\"action\":\"announce\",\"failure reason\":\"");
    } else {
        PUTS(&text, "{\"failure reason\":\"");
    }
    put_words(&text, why);
    PUTS(&text, "\"");
    if (token.at) {
        PUTS(&text, ",\"info_hash\":");
        put_slice(&text, token);
    }
    PUTS(&text, "}");
    send_to(stream, &text);
}

/// Bytes as the text that travels: each is a character.
static void put_token(struct text *text, const unsigned char hash[SWARM_ID_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    PUTS(text, "\"");
    for (int i = 0; i < SWARM_ID_BYTES; i++) {
        unsigned char c = hash[i];
        if (c >= 0x80) {
            put(text, (char[]){(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))}, 2);
        } else if (c < 0x20 || c == '"' || c == '\\') {
            PUTS(text, "\\u00");
            put(text, (char[]){digits[c >> 4], digits[c & 15]}, 2);
        } else {
            put(text, (char[]){(char)c}, 1);
        }
    }
    PUTS(text, "\"");
}

void p2p_say_dismissed(
    shoal_stream stream, const unsigned char hash[SWARM_ID_BYTES], const char *why)
{
    char room[8 * SWARM_ID_BYTES];
    struct text token = {.data = room, .room = sizeof room};
    put_token(&token, hash);
    p2p_say_failure(stream, (struct jsontext_slice){token.data, token.length}, why);
}

static void put_end(struct text *text, const struct p2p_message *message, struct jsontext_slice id)
{
    PUTS(text, ",\"offer_id\":");
    put_slice(text, id);
    PUTS(text, ",\"peer_id\":");
    put_slice(text, message->peer.text);
    PUTS(text, ",\"info_hash\":");
    put_slice(text, message->hash.text);
    PUTS(text, "}");
}

/// What others make us send may get lost, and never ends the connection of one who is slow to take it.
static void relay(shoal_stream stream, const struct text *text)
{
    if (shoal_stream_queued(stream) < P2P_QUEUE_MAX / 2) {
        send_to(stream, text);
    }
}

void p2p_say_offers(const struct p2p_message *message, const struct swarm_result *result)
{
    char room[LONG_BYTES];
    struct text text = {.data = room, .room = sizeof room};
    for (size_t i = 0; i < result->count && i < message->offer_count; i++) {
        text.length = 0;
        PUTS(&text, "{\"action\":\"announce\",\"offer\":");
        put_slice(&text, message->offers[i].offer);
        put_end(&text, message, message->offers[i].id);
        relay(result->found[i].stream, &text);
    }
}

void p2p_say_answer(shoal_stream stream, const struct p2p_message *message)
{
    char room[LONG_BYTES];
    struct text text = {.data = room, .room = sizeof room};
    PUTS(&text, "{\"action\":\"announce\",\"answer\":");
    put_slice(&text, message->answer);
    put_end(&text, message, message->offer_id.text);
    relay(stream, &text);
}

static void put_counts(struct text *text, struct swarms *swarms, const struct p2p_id *hash)
{
    struct swarm_counts counts = swarms_count(swarms, hash->bytes);
    put_slice(text, hash->text);
    PUTS(text, ":{\"complete\":");
    put_number(text, counts.complete);
    PUTS(text, ",\"incomplete\":");
    put_number(text, counts.incomplete);
    PUTS(text, ",\"downloaded\":");
    put_number(text, counts.downloaded);
    PUTS(text, "}");
}

void p2p_say_scrape(
    struct swarms *swarms, shoal_stream stream, const struct p2p_message *message)
{
    char room[LONG_BYTES];
    struct text text = {.data = room, .room = sizeof room};
    PUTS(&text, "{\"action\":\"scrape\",\"files\":{");
    if (message->hash.text.at) {
        put_counts(&text, swarms, &message->hash);
    }
    struct jsontext_slice hashes = message->hashes;
    struct p2p_id hash;
    for (int i = 0; hashes.at && i < SCRAPE_MAX && p2p_scan_next(&hashes, &hash); i++) {
        if (i > 0 || message->hash.text.at) {
            PUTS(&text, ",");
        }
        put_counts(&text, swarms, &hash);
    }
    PUTS(&text, "},\"flags\":{\"min_request_interval\":");
    put_number(&text, P2P_INTERVAL_S);
    PUTS(&text, "}}");
    send_to(stream, &text);
}
