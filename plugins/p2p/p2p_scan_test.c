// p2p_scan_test.c - messages of peers: what is taken from them, and what is refused.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "p2p_scan.h"

#define HASH "\"12345678901234567890\""

static enum p2p_fault scan(const char *text, struct p2p_message *message)
{
    return p2p_scan(text, strlen(text), 10, message);
}

static void assert_slice(struct jsontext_slice slice, const char *text)
{
    assert_int_equal(slice.length, strlen(text));
    assert_memory_equal(slice.at, text, slice.length);
}

static void takes_an_announce_apart(void **state)
{
    (void)state;
    struct p2p_message message;
    assert_int_equal(scan(" { \"action\" : \"announce\", \"info_hash\":" HASH
                          ",\"peer_id\":\"\\u0000\\u00ff\u00e9\\n\\\"\\\\78901234567890\","
                          "\"event\":\"started\",\"left\":0,\"x\":[{}],\"offers\":["
                          "{\"offer\":{\"sdp\": \"a\\\"b\"},\"offer_id\":" HASH "},"
                          "{\"offer_id\":" HASH ",\"more\":1,\"offer\":{}}]} ",
                         &message),
        P2P_FINE);
    assert_int_equal(message.action, P2P_ANNOUNCE);
    assert_int_equal(message.event, SWARM_STARTED);
    assert_true(message.is_complete);
    assert_memory_equal(message.hash.bytes, "12345678901234567890", 20);
    assert_slice(message.hash.text, HASH);
    assert_memory_equal(message.peer.bytes, "\0\xff\xe9\n\"\\78901234567890", 20);
    assert_int_equal(message.offer_count, 2);
    assert_slice(message.offers[0].offer, "{\"sdp\": \"a\\\"b\"}");
    assert_slice(message.offers[1].offer, "{}");
    assert_slice(message.offers[1].id, HASH);
    assert_null(message.answer.at);
}

static void counts_characters_not_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        {"12345678901234567890", true},
        {"1234567890123456789", false},
        {"123456789012345678901", false},
        {"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9", false}, // 20 bytes
        {"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e91234567890", true},
        {"\\u00e9\\u00E9\\u0000\\n\\t\\r\\b\\f\\/\\\\\\\"123456789", true},
        {"\\u0100123456789012345678", false},
        {"\u0100123456789012345678", false},
        {"\u20ac1234567890123456789", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "{\"info_hash\":\"%s\"}", rows[i].text);
        struct p2p_message message;
        assert_int_equal(scan(text, &message), rows[i].is_good ? P2P_FINE : P2P_BAD_HASH);
    }
}

/// Texts are read by eight bytes: whatever is odd is seen at each place of them.
static void sees_what_is_odd_at_any_place(void **state)
{
    (void)state;
    static const struct {
        const char *odd; // in place of as many digits
        enum p2p_fault fault;
    } rows[] = {{"\\n", P2P_BAD_HASH}, {"\u00e9", P2P_BAD_HASH}, {"\x01", P2P_NO_JSON},
        {"\x1f", P2P_NO_JSON}, {"\"", P2P_BAD_HASH}, {"\\", P2P_NO_JSON}, {" ", P2P_FINE},
        {"\x7f", P2P_FINE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].odd);
        for (size_t at = 0; at + length <= SWARM_ID_BYTES; at++) {
            char digits[] = "12345678901234567890", text[64];
            struct p2p_message message;
            memcpy(digits + at, rows[i].odd, length);
            snprintf(text, sizeof text, "{\"info_hash\":\"%s\"}", digits);
            assert_int_equal(scan(text, &message), rows[i].fault);
            if (rows[i].fault == P2P_FINE) {
                assert_memory_equal(message.hash.bytes, digits, SWARM_ID_BYTES);
            }
        }
    }
}

static void knows_the_events(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum swarm_event event;
    } rows[] = {{"\"started\"", SWARM_STARTED}, {"\"stopped\"", SWARM_STOPPED},
        {"\"completed\"", SWARM_COMPLETED}, {"\"\"", SWARM_UPDATE}, {"\"update\"", SWARM_UPDATE},
        {"\"paused\"", SWARM_UPDATE}, {"null", SWARM_UPDATE}, {"\"other\"", SWARM_NO_EVENT},
        {"7", SWARM_NO_EVENT}, {"\"starte\"", SWARM_NO_EVENT}};
    struct p2p_message message;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "{\"event\":%s}", rows[i].text);
        assert_int_equal(scan(text, &message), P2P_FINE);
        assert_int_equal(message.event, rows[i].event);
    }
    assert_int_equal(scan("{}", &message), P2P_FINE);
    assert_int_equal(message.event, SWARM_UPDATE);
}

static void only_nothing_left_is_complete(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_complete;
    } rows[] = {{"0", true}, {"0.0", true}, {"-0", true}, {"0e5", true}, {"1", false}, {"0.1", false},
        {"100", false}, {"null", false}, {"\"0\"", false}, {"1e-9", false}, {"false", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "{\"left\":%s}", rows[i].text);
        struct p2p_message message;
        assert_int_equal(scan(text, &message), P2P_FINE);
        assert_int_equal(message.is_complete, rows[i].is_complete);
    }
}

static void refuses_what_is_no_json(void **state)
{
    (void)state;
    static const char *const rows[] = {"", " ", "[]", "1", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{,}", "{\"a\":1 \"b\":2}", "{\"a\":1}x", "{a:1}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}",
        "{\"a\":1e}", "{\"a\":+1}", "{\"a\":-}", "{\"a\":tru}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}",
        "{\"a\":\"\n\"}", "{\"a\":\"", "{\"a\":\"\\", "{\"a\":\"\\u", "{\"a\":[1,]}", "{\"a\":[1}",
        "{\"a\":{\"b\":1}", "{\"offers\":[{]}", "{\"offers\":[{\"a\":1,}]}", "{\"offers\":[{},]}",
        "{\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct p2p_message message;
        enum p2p_fault fault = scan(rows[i], &message);
        assert_true(fault == P2P_NO_JSON || fault == P2P_BAD_OFFER);
    }
}

/// A message is no text that ends with a zero: nothing behind its last byte may be read.
static void stops_where_the_message_ends(void **state)
{
    (void)state;
    static const char whole[] = "{\"info_hash\":" HASH ",\"event\":\"started\",\"left\":null,"
                                "\"offers\":[{\"offer\":{\"sdp\":\"\\u00e9\"},\"offer_id\":" HASH "}]}";
    for (size_t length = 0; length < sizeof whole - 1; length++) {
        char *cut = malloc(length + 1);
        memcpy(cut, whole, length);
        struct p2p_message message;
        char *exact = memcpy(malloc(length ? length : 1), cut, length);
        assert_int_not_equal(p2p_scan(exact, length, 10, &message), P2P_FINE);
        free(exact);
        free(cut);
    }
}

static void reads_over_offers_past_the_bound(void **state)
{
    (void)state;
    char text[20000] = "{\"offers\":[";
    for (int i = 0; i < 100; i++) {
        strncat(text, i ? ",{\"offer\":{},\"offer_id\":" HASH "}" : "{\"offer\":{},\"offer_id\":" HASH "}",
            sizeof text - strlen(text) - 1);
    }
    strncat(text, "],\"event\":\"stopped\"}", sizeof text - strlen(text) - 1);
    struct p2p_message message;
    assert_int_equal(p2p_scan(text, strlen(text), 3, &message), P2P_FINE);
    assert_int_equal(message.offer_count, 3);
    assert_int_equal(message.event, SWARM_STOPPED);
    assert_int_equal(p2p_scan(text, strlen(text), 1000, &message), P2P_FINE);
    assert_int_equal(message.offer_count, P2P_OFFERS_MAX);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum p2p_fault fault;
    } rows[] = {{"{\"info_hash\":\"x\"}", P2P_BAD_HASH}, {"{\"peer_id\":7}", P2P_BAD_PEER},
        {"{\"to_peer_id\":\"\"}", P2P_BAD_TARGET}, {"{\"offer_id\":[]}", P2P_BAD_OFFER},
        {"{\"offers\":7}", P2P_BAD_OFFER}, {"{\"offers\":null}", P2P_FINE},
        {"{\"offers\":[7]}", P2P_BAD_OFFER}, {"{\"offers\":[{\"offer\":{}}]}", P2P_BAD_OFFER},
        {"{\"offers\":[{\"offer\":7,\"offer_id\":" HASH "}]}", P2P_BAD_OFFER},
        {"{\"answer\":7}", P2P_BAD_ANSWER}, {"{\"answer\":null,\"peer_id\":null}", P2P_FINE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct p2p_message message;
        assert_int_equal(scan(rows[i].text, &message), rows[i].fault);
    }
}

static void goes_through_the_hashes_of_a_scrape(void **state)
{
    (void)state;
    struct p2p_message message;
    struct p2p_id hash;
    assert_int_equal(
        scan("{\"action\":\"scrape\",\"info_hash\":[" HASH " , \"abcdefghijabcdefghij\",7]}", &message),
        P2P_FINE);
    assert_int_equal(message.action, P2P_SCRAPE);
    assert_null(message.hash.text.at);
    assert_true(p2p_scan_next(&message.hashes, &hash));
    assert_memory_equal(hash.bytes, "12345678901234567890", 20);
    assert_true(p2p_scan_next(&message.hashes, &hash));
    assert_memory_equal(hash.bytes, "abcdefghijabcdefghij", 20);
    assert_false(p2p_scan_next(&message.hashes, &hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_an_announce_apart),
        cmocka_unit_test(counts_characters_not_bytes),
        cmocka_unit_test(sees_what_is_odd_at_any_place),
        cmocka_unit_test(knows_the_events),
        cmocka_unit_test(only_nothing_left_is_complete),
        cmocka_unit_test(refuses_what_is_no_json),
        cmocka_unit_test(stops_where_the_message_ends),
        cmocka_unit_test(reads_over_offers_past_the_bound),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(goes_through_the_hashes_of_a_scrape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
