// p2p_http_query_test.c - queries whose values are bytes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "p2p_http_query.h"

#define BYTES "%00%ff%C3(5678901234567890"

static void reads_bytes_and_numbers(void **state)
{
    (void)state;
    struct p2p_query query;
    p2p_query_read("info_hash=" BYTES "&peer_id=-qB4520-123456789012&port=6881&left=0&compact=1"
                   "&event=started&numwant=12&key=&x=%00&&",
        &query);
    assert_true(query.has_hash && query.has_id && query.is_compact);
    assert_memory_equal(query.hash, "\0\xff\xc3(5678901234567890", 20);
    assert_memory_equal(query.id, "-qB4520-123456789012", 20);
    assert_int_equal(query.port, 6881);
    assert_int_equal(query.left, 0);
    assert_int_equal(query.wanted, 12);
    assert_int_equal(query.event, SWARM_STARTED);
}

static void what_is_missing_or_malformed_is_not_there(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "&", "=", "info_hash", "info_hash=", "info_hash=%",
        "info_hash=%1", "info_hash=%zz345678901234567890", "info_hash=1234567890123456789",
        "info_hash=123456789012345678901", "Info_hash=12345678901234567890",
        "info_hash=12345678901234567890&info_hash=x"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct p2p_query query;
        p2p_query_read(rows[i], &query);
        assert_false(query.has_hash);
        assert_int_equal(query.port, -1);
    }
    static const char *const numbers[] = {"port=", "port=x", "port=-1", "port=+1", "port=1.5",
        "port=9999999999999999999", "port=0x10"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct p2p_query query;
        p2p_query_read(numbers[i], &query);
        assert_int_equal(query.port, -1);
    }
}

static void knows_the_events(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum swarm_event event;
    } rows[] = {{"", SWARM_UPDATE}, {"event=", SWARM_UPDATE}, {"event=started", SWARM_STARTED},
        {"event=stopped", SWARM_STOPPED}, {"event=completed", SWARM_COMPLETED},
        {"event=update", SWARM_UPDATE}, {"event=paused", SWARM_UPDATE}, {"event=empty", SWARM_UPDATE},
        {"event=other", SWARM_NO_EVENT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct p2p_query query;
        p2p_query_read(rows[i].text, &query);
        assert_int_equal(query.event, rows[i].event);
    }
}

static void goes_through_the_hashes_of_a_scrape(void **state)
{
    (void)state;
    const char *text = "a=1&info_hash=12345678901234567890&info_hash=short&b";
    unsigned char hash[SWARM_ID_BYTES];
    bool is_good;
    assert_true(p2p_query_next(&text, hash, &is_good));
    assert_true(is_good);
    assert_memory_equal(hash, "12345678901234567890", 20);
    assert_true(p2p_query_next(&text, hash, &is_good));
    assert_false(is_good);
    assert_false(p2p_query_next(&text, hash, &is_good));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_bytes_and_numbers),
        cmocka_unit_test(what_is_missing_or_malformed_is_not_there),
        cmocka_unit_test(knows_the_events),
        cmocka_unit_test(goes_through_the_hashes_of_a_scrape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
