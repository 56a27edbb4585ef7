// p2p_http.c - announces and scrapes of seedboxes and desktop clients, over HTTP.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <string.h>

#include "p2p_http_query.h"
#include "p2p_tracker.h"

#define WANTED      50
#define SCRAPE_MAX  64
#define ANSWER_BYTES 512
#define PEER_BYTES6 18
#define UNKNOWN_A_MINUTE 240 // lookups of one address

/// An announce as it is answered: on the loop (call is NULL there) as far as memory has the answer, else
/// by a worker, which is told what the loop did.
struct asked {
    struct p2p_tracker *tracker;
    struct shoal_call *call;
    struct shoal_request *request;
    bool is_counted; ///< against the limit of its address
    bool must_look;  ///< the hash has to be looked up, which the swarms tell to one caller
};

static const char not_meant[] = P2P_ELSEWHERE "this is another node of the site than its address says";
static char counted[] = "counted", looking[] = "looking"; // what the worker finds with the request

static int hand_over(const struct asked *asked)
{
    shoal_request_keep(asked->request, asked->must_look ? looking : counted);
    return SHOAL_LATER;
}

static int answer(struct shoal_request *request, struct shoal_buf *out)
{
    shoal_answer_private(request);
    int code = shoal_answer_bytes(request, 200, "text/plain", out->data, out->length);
    shoal_buf_fini(out);
    return code;
}

/// "NAMEi123e", where NAME is bencoded already. printf would be half of the work of an announce.
static void put_number(struct shoal_buf *out, const char *name, uint32_t number, char end)
{
    char digits[12];
    size_t at = sizeof digits;
    digits[--at] = end;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    shoal_buf_puts(out, name);
    shoal_buf_add(out, digits + at, sizeof digits - at);
}

/// Errors are bencoded too, with the status 200: that is how clients read them.
static int fail(struct shoal_request *request, const char *why)
{
    struct shoal_buf out = {0};
    shoal_buf_printf(&out, "d14:failure reason%zu:%se", strlen(why), why);
    return answer(request, &out);
}

static void put_compact(struct shoal_buf *out, const struct swarm_result *result, bool is_ipv4)
{
    size_t skipped = is_ipv4 ? 12 : 0, length = 0;
    char text[P2P_OFFERS_MAX * PEER_BYTES6];
    for (size_t i = 0; i < result->count; i++) {
        const struct swarm_found *peer = &result->found[i];
        if (visitor_address_is_ipv4(&peer->address) == is_ipv4) {
            memcpy(text + length, peer->address.bytes + skipped, 16 - skipped);
            length += 16 - skipped;
            text[length++] = (char)(peer->port >> 8);
            text[length++] = (char)(peer->port & 0xff);
        }
    }
    if (is_ipv4 || length > 0) {
        put_number(out, is_ipv4 ? "5:peers" : "6:peers6", (uint32_t)length, ':');
        shoal_buf_add(out, text, length);
    }
}

static void put_list(struct shoal_buf *out, const struct swarm_result *result)
{
    shoal_buf_puts(out, "5:peersl");
    for (size_t i = 0; i < result->count; i++) {
        const struct swarm_found *peer = &result->found[i];
        char text[INET6_ADDRSTRLEN];
        if (visitor_address_is_ipv4(&peer->address)) {
            inet_ntop(AF_INET, peer->address.bytes + 12, text, sizeof text);
        } else {
            inet_ntop(AF_INET6, peer->address.bytes, text, sizeof text);
        }
        shoal_buf_printf(out, "d2:ip%zu:%s7:peer id%d:", strlen(text), text, SWARM_ID_BYTES);
        shoal_buf_add(out, peer->id, SWARM_ID_BYTES);
        shoal_buf_printf(out, "4:porti%uee", (unsigned)peer->port);
    }
    shoal_buf_puts(out, "e");
}

static int answer_announce(struct shoal_request *request, const struct p2p_query *query,
    const struct swarm_result *result)
{
    struct shoal_buf out = {0};
    shoal_buf_reserve(&out, ANSWER_BYTES); // most are no longer
    put_number(&out, "d8:completei", result->counts.complete, 'e');
    put_number(&out, "10:incompletei", result->counts.incomplete, 'e');
    put_number(&out, "8:intervali", P2P_INTERVAL_S, 'e');
    if (query->is_compact) {
        put_compact(&out, result, true);
        put_compact(&out, result, false);
    } else {
        put_list(&out, result);
    }
    shoal_buf_puts(&out, "e");
    return answer(request, &out);
}

/// The seat that the peer has, or a new one when it may join. Returns: 0, SHOAL_LATER where somebody has
/// to be asked and this is the loop, or SHOAL_EFORBIDDEN.
static int find_seat(const struct asked *asked, struct swarm_entry *entry, struct swarm_video *video)
{
    struct p2p_tracker *tracker = asked->tracker;
    entry->seat = swarms_seat(&tracker->swarms, entry);
    if (!entry->seat && entry->event != SWARM_STOPPED && shoal_hook_heard("swarm.join")) {
        char sentence[200];
        if (p2p_gate_refused(tracker, entry, video->id)) {
            return SHOAL_EFORBIDDEN;
        }
        if (!asked->call) {
            return SHOAL_LATER;
        }
        if (p2p_gate_ask(tracker, asked->call, video->id, "http",
                shoal_request_address_prefix(asked->request), sentence) != SHOAL_PASS) {
            p2p_gate_refuse(tracker, entry, video->id);
            return SHOAL_EFORBIDDEN;
        }
    }
    entry->seat = entry->seat ? entry->seat : swarm_seat_new(video);
    return 0;
}

static int announce_in(const struct asked *asked, const struct p2p_query *query,
    struct swarm_entry *entry, struct swarm_video *video)
{
    struct shoal_request *request = asked->request;
    int code = find_seat(asked, entry, video);
    if (code != 0) {
        return code == SHOAL_LATER ? hand_over(asked)
                                   : fail(request, "this swarm may not be joined");
    }
    struct swarm_result result;
    enum swarm_outcome outcome =
        swarms_announce(&asked->tracker->swarms, entry, shoal_tick_ms(), &result);
    swarm_seat_unref(entry->seat);
    switch (outcome) {
    case SWARM_DONE:
        return answer_announce(request, query, &result);
    case SWARM_FULL:
        return fail(request, "this swarm is full, or your address has its places");
    default:
        return fail(request, "this swarm has just ended");
    }
}

static int announce_of(
    struct asked *asked, const struct p2p_query *query, struct swarm_entry *entry)
{
    struct p2p_tracker *tracker = asked->tracker;
    const char *why;
    bool is_stale;
    struct swarm_video *video = p2p_gate_known(tracker, query->hash, &why, &is_stale);
    asked->must_look = !why && (!video || is_stale || asked->must_look);
    if (asked->must_look && !asked->call) {
        swarm_video_unref(video);
        return hand_over(asked);
    }
    if (asked->must_look && !video &&
        !visitor_unknown_take(entry->visitor, UNKNOWN_A_MINUTE, shoal_tick_ms())) {
        why = "too much is asked for from your address: try again later"; // it may well be ours
    } else if (asked->must_look) {
        swarm_video_unref(video);
        video = p2p_gate_find(tracker, asked->call, query->hash);
        if (!video) {
            swarm_video_unref(p2p_gate_known(tracker, query->hash, &why, &is_stale));
        }
    }
    int code = video ? announce_in(asked, query, entry, video)
                     : fail(asked->request, why ? why : p2p_not_ours);
    swarm_video_unref(video);
    return code;
}

static int announce_as(struct asked *asked, struct swarm_entry *entry)
{
    struct p2p_tracker *tracker = asked->tracker;
    struct shoal_request *request = asked->request;
    struct p2p_query query;
    if (!atomic_load(&tracker->limits.is_on)) {
        return fail(request, "Tracker is disabled on this instance.");
    }
    if (!p2p_node_is_meant(&tracker->p2p->nodes, request)) {
        return fail(request, not_meant);
    }
    if (!asked->is_counted &&
        !visitor_message_take(
            entry->visitor, atomic_load(&tracker->limits.address_messages), shoal_tick_ms())) {
        return fail(request, "too many announces: wait a minute");
    }
    p2p_query_read(shoal_request_query_string(request), &query);
    if (!query.has_hash || !query.has_id) {
        return fail(request, query.has_hash ? "invalid peer_id: it has to be 20 bytes"
                                            : "invalid info_hash: it has to be 20 bytes");
    }
    if (query.port < 1 || query.port > 65535) {
        return fail(request, "invalid port");
    }
    if (query.event == SWARM_NO_EVENT) {
        return fail(request, "invalid event");
    }
    entry->hash = query.hash;
    entry->id = query.id;
    entry->port = (uint16_t)query.port;
    entry->event = query.event;
    entry->is_complete = query.left == 0;
    entry->wanted = query.event == SWARM_STOPPED ? 0
        : query.wanted < 0                     ? WANTED
        : query.wanted < P2P_OFFERS_MAX        ? (size_t)query.wanted
                                               : P2P_OFFERS_MAX;
    return announce_of(asked, &query, entry);
}

static int answer_to(struct asked *asked)
{
    struct p2p_tracker *tracker = asked->tracker;
    struct swarm_entry entry = {
        .peers_max = (int)atomic_load(&tracker->limits.address_peers)};
    visitor_address_parse(shoal_request_address(asked->request), &entry.address);
    entry.visitor = visitor_ref(&tracker->visitors, &entry.address);
    int code = announce_as(asked, &entry);
    visitor_unref(&tracker->visitors, entry.visitor);
    return code;
}

/// [loop] Nearly all announces are of peers and videos that are known.
static int announce_quick(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)err;
    return answer_to(&(struct asked){.tracker = arg, .request = request});
}

static int announce(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)err;
    const void *kept = shoal_request_kept(request);
    return answer_to(&(struct asked){.tracker = arg,
        .call = call,
        .request = request,
        .is_counted = kept != NULL,
        .must_look = kept == looking});
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, SWARM_ID_BYTES);
}

/// Reads the hashes, in the order that a dictionary has. Returns: how many, or -1 for one that is none.
static int read_hashes(const char *text, unsigned char hashes[SCRAPE_MAX][SWARM_ID_BYTES])
{
    int count = 0;
    bool is_good = true;
    while (count < SCRAPE_MAX && p2p_query_next(&text, hashes[count], &is_good)) {
        if (!is_good) {
            return -1;
        }
        count++;
    }
    qsort(hashes, (size_t)count, SWARM_ID_BYTES, by_bytes);
    return count;
}

/// Scrapes are messages as announces are.
static bool may_scrape(struct p2p_tracker *tracker, struct shoal_request *request)
{
    struct visitor_address address;
    visitor_address_parse(shoal_request_address(request), &address);
    struct visitor *visitor = visitor_ref(&tracker->visitors, &address);
    bool may = visitor_message_take(
        visitor, atomic_load(&tracker->limits.address_messages), shoal_tick_ms());
    visitor_unref(&tracker->visitors, visitor);
    return may;
}

/// [loop] and [worker]
static int scrape(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)err;
    struct p2p_tracker *tracker = arg;
    if (!atomic_load(&tracker->limits.is_on)) {
        return fail(request, "Tracker is disabled on this instance.");
    }
    if (!p2p_node_is_meant(&tracker->p2p->nodes, request)) {
        return fail(request, not_meant);
    }
    if (!may_scrape(tracker, request)) {
        return fail(request, "too many scrapes: wait a minute");
    }
    unsigned char hashes[SCRAPE_MAX][SWARM_ID_BYTES];
    int count = read_hashes(shoal_request_query_string(request), hashes);
    if (count <= 0) {
        return fail(request, count < 0 ? "invalid info_hash: it has to be 20 bytes"
                                       : "invalid info_hash: a scrape names its hashes");
    }
    struct shoal_buf out = {0};
    shoal_buf_puts(&out, "d5:filesd");
    for (int i = 0; i < count; i++) {
        if (i > 0 && memcmp(hashes[i], hashes[i - 1], SWARM_ID_BYTES) == 0) {
            continue;
        }
        struct swarm_counts counts = swarms_count(&tracker->swarms, hashes[i]);
        shoal_buf_printf(&out, "%d:", SWARM_ID_BYTES);
        shoal_buf_add(&out, hashes[i], SWARM_ID_BYTES);
        shoal_buf_printf(&out, "d8:completei%ue10:downloadedi%ue10:incompletei%uee",
            counts.complete, counts.downloaded, counts.incomplete);
    }
    shoal_buf_printf(&out, "e5:flagsd20:min_request_intervali%deee", P2P_INTERVAL_S);
    return answer(request, &out);
}

int p2p_http_start(struct p2p_tracker *tracker, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        {.method = "GET", .path = "/tracker/announce", .handler = announce, .quick = announce_quick},
        {.method = "GET", .path = "/tracker/scrape", .handler = scrape, .quick = scrape},
        {.method = "GET", .path = "/tracker/{node}/announce", .handler = announce, .quick = announce_quick},
        {.method = "GET", .path = "/tracker/{node}/scrape", .handler = scrape, .quick = scrape},
    };
    size_t count = tracker->p2p->nodes.count > 0 ? 4 : 2;
    for (size_t i = 0; i < count; i++) {
        struct shoal_route route = routes[i];
        route.arg = tracker;
        route.auth = SHOAL_AUTH_NONE;
        route.rate = SHOAL_RATE_NONE; // it counts by itself, and cheaper
        route.cors = true;
        route.raw_query = true;
        int code = shoal_route_add(tracker->self, &route, err);
        if (code < 0) {
            return code;
        }
    }
    return 0;
}
