// p2p_worth_report_test.c - what a report must say, and what is too much to be believed.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "p2p_worth.h"

static json_t *body(void)
{
    return json_pack("{s:i, s:i, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:s}", "resolution", 720,
        "fps", 30, "playerMode", "p2p-media-loader", "resolutionChanges", 1, "errors", 0,
        "downloadedBytesP2P", 300, "downloadedBytesHTTP", 200, "uploadedBytesP2P", 100, "p2pPeers", 2,
        "p2pEnabled", 1, "videoId", "0b1f2c3d-1111-4222-8333-444455556666");
}

static void reads_what_players_send(void **state)
{
    (void)state;
    struct p2p_report report;
    json_t *json = body();
    assert_int_equal(p2p_report_read(json, &report, NULL), 0);
    assert_string_equal(report.video, "0b1f2c3d-1111-4222-8333-444455556666");
    assert_true(report.has_peers);
    assert_int_equal(report.peer_bytes, 300);
    assert_int_equal(report.server_bytes, 200);
    assert_int_equal(report.uploaded_bytes, 100);
    json_object_del(json, "fps");
    json_object_del(json, "p2pPeers");
    json_object_set_new(json, "p2pEnabled", json_string("false")); // a form has texts
    json_object_set_new(json, "downloadedBytesP2P", json_string("17"));
    json_object_set_new(json, "videoId", json_integer(42));
    assert_int_equal(p2p_report_read(json, &report, NULL), 0);
    assert_string_equal(report.video, "42");
    assert_int_equal(report.peer_bytes, 17);
    assert_false(report.has_peers);
    json_decref(json);
}

static void names_the_field_that_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *field, *value; // NULL: left out
    } rows[] = {
        {"resolution", NULL}, {"resolution", "-1"}, {"resolution", "null"}, {"fps", "\"x\""},
        {"fps", "1.5"}, {"p2pPeers", "-1"}, {"bufferStalled", "[]"}, {"resolutionChanges", NULL},
        {"resolutionChanges", "\"-1\""}, {"errors", NULL}, {"errors", "{}"},
        {"downloadedBytesP2P", NULL}, {"downloadedBytesP2P", "-5"},
        {"downloadedBytesHTTP", "9007199254740993"}, {"downloadedBytesHTTP", "1e3"},
        {"downloadedBytesHTTP", "\"1234567890123456\""}, {"uploadedBytesP2P", "true"},
        {"uploadedBytesP2P", "\"\""}, {"p2pEnabled", NULL}, {"p2pEnabled", "2"},
        {"p2pEnabled", "\"yes\""}, {"playerMode", NULL}, {"playerMode", "\"flash\""},
        {"playerMode", "1"}, {"videoId", NULL}, {"videoId", "\"\""}, {"videoId", "0"},
        {"videoId", "-1"}, {"videoId", "\"abc\""}, {"videoId", "\"1 OR 1=1\""}, {"videoId", "{}"},
        {"videoId", "\"0b1f2c3d-1111-4222-8333-4444555566660b1f2c3d-1111-4222-8333-444455556666\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct p2p_report report;
        struct shoal_err err = {0};
        json_t *json = body();
        if (rows[i].value == NULL) {
            json_object_del(json, rows[i].field);
        } else {
            json_object_set_new(
                json, rows[i].field, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        }
        assert_int_equal(p2p_report_read(json, &report, &err), SHOAL_EINVAL);
        assert_string_equal(err.field, rows[i].field);
        json_decref(json);
    }
}

static void believes_no_more_than_can_be(void **state)
{
    (void)state;
    const struct p2p_known small = {.id = 1, .size_bytes = 5000000};
    const struct p2p_known huge = {.id = 1, .size_bytes = INT64_C(1) << 45};
    const struct p2p_known live = {.id = 1};
    const int64_t most = small.size_bytes + P2P_WORTH_SLACK_BYTES;
    const struct {
        struct p2p_report report;
        const struct p2p_known *video;
        const char *field; // NULL: believed
    } rows[] = {
        {{"", true, most, most, P2P_WORTH_REPORT_BYTES}, &small, NULL},
        {{"", true, most + 1, 0, 0}, &small, "downloadedBytesP2P"},
        {{"", true, 0, most + 1, 0}, &small, "downloadedBytesHTTP"},
        {{"", true, 0, 0, P2P_WORTH_REPORT_BYTES + 1}, &small, "uploadedBytesP2P"},
        {{"", true, P2P_WORTH_REPORT_BYTES, P2P_WORTH_REPORT_BYTES, 0}, &huge, NULL},
        {{"", true, P2P_WORTH_REPORT_BYTES + 1, 0, 0}, &huge, "downloadedBytesP2P"},
        {{"", true, 0, P2P_WORTH_REPORT_BYTES, 0}, &live, NULL},
        {{"", true, 0, P2P_WORTH_REPORT_BYTES + 1, 0}, &live, "downloadedBytesHTTP"},
        {{"", false, 0, most, 0}, &small, NULL},
        {{"", false, 1, 0, 0}, &small, "downloadedBytesP2P"},
        {{"", false, 0, 0, 1}, &small, "uploadedBytesP2P"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct shoal_err err = {0};
        int code = p2p_report_check(&rows[i].report, rows[i].video, &err);
        assert_int_equal(code, rows[i].field == NULL ? 0 : SHOAL_EINVAL);
        assert_string_equal(err.field, rows[i].field == NULL ? "" : rows[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_players_send),
        cmocka_unit_test(names_the_field_that_is_wrong),
        cmocka_unit_test(believes_no_more_than_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
