// p2p_http_query.c - takes a query apart whose values are bytes, not UTF-8.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_http_query.h"

#include <string.h>

#define VALUE_MAX 64 // decoded; what is longer is none of the values that are wanted

struct pair {
    const char *name;
    size_t name_length;
    unsigned char value[VALUE_MAX];
    size_t length; ///< of the value; VALUE_MAX + 1: too long, or badly encoded
};

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode(const char *at, const char *end, struct pair *pair)
{
    pair->length = 0;
    while (at < end) {
        int byte = (unsigned char)*at++;
        if (byte == '%') {
            int high = end - at >= 2 ? hex(at[0]) : -1, low = high >= 0 ? hex(at[1]) : -1;
            byte = low >= 0 ? high * 16 + low : -1;
            at += 2;
        } else if (byte == '+') {
            byte = ' ';
        }
        if (byte < 0 || pair->length == VALUE_MAX) {
            pair->length = VALUE_MAX + 1;
            return;
        }
        pair->value[pair->length++] = (unsigned char)byte;
    }
}

/// Takes the next pair. Returns: false at the end.
static bool next(const char **text, struct pair *pair)
{
    if (!**text) {
        return false;
    }
    const char *start = *text, *end = strchrnul(start, '&');
    const char *equals = memchr(start, '=', (size_t)(end - start));
    pair->name = start;
    pair->name_length = (size_t)((equals ? equals : end) - start);
    decode(equals ? equals + 1 : end, end, pair);
    *text = *end ? end + 1 : end;
    return true;
}

static bool is(const struct pair *pair, const char *name)
{
    return pair->name_length == strlen(name) && memcmp(pair->name, name, pair->name_length) == 0;
}

static int64_t number(const struct pair *pair)
{
    int64_t value = 0;
    if (pair->length == 0 || pair->length > 18) {
        return -1;
    }
    for (size_t i = 0; i < pair->length; i++) {
        if (pair->value[i] < '0' || pair->value[i] > '9') {
            return -1;
        }
        value = value * 10 + pair->value[i] - '0';
    }
    return value;
}

static bool bytes(const struct pair *pair, unsigned char out[SWARM_ID_BYTES])
{
    if (pair->length != SWARM_ID_BYTES) {
        return false;
    }
    memcpy(out, pair->value, SWARM_ID_BYTES);
    return true;
}

static enum swarm_event event(const struct pair *pair)
{
    static const struct {
        const char *name;
        enum swarm_event event;
    } names[] = {{"", SWARM_UPDATE}, {"update", SWARM_UPDATE}, {"paused", SWARM_UPDATE},
        {"empty", SWARM_UPDATE}, {"started", SWARM_STARTED}, {"stopped", SWARM_STOPPED},
        {"completed", SWARM_COMPLETED}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (pair->length == strlen(names[i].name) &&
            memcmp(pair->value, names[i].name, pair->length) == 0) {
            return names[i].event;
        }
    }
    return SWARM_NO_EVENT;
}

void p2p_query_read(const char *text, struct p2p_query *query)
{
    *query = (struct p2p_query){.port = -1, .left = -1, .wanted = -1};
    struct pair pair;
    while (next(&text, &pair)) {
        if (is(&pair, "info_hash")) {
            query->has_hash = bytes(&pair, query->hash);
        } else if (is(&pair, "peer_id")) {
            query->has_id = bytes(&pair, query->id);
        } else if (is(&pair, "port")) {
            query->port = number(&pair);
        } else if (is(&pair, "left")) {
            query->left = number(&pair);
        } else if (is(&pair, "numwant")) {
            query->wanted = number(&pair);
        } else if (is(&pair, "compact")) {
            query->is_compact = number(&pair) == 1;
        } else if (is(&pair, "event")) {
            query->event = event(&pair);
        }
    }
}

bool p2p_query_next(const char **text, unsigned char hash[SWARM_ID_BYTES], bool *is_good)
{
    struct pair pair;
    while (next(text, &pair)) {
        if (is(&pair, "info_hash")) {
            *is_good = bytes(&pair, hash);
            return true;
        }
    }
    return false;
}
