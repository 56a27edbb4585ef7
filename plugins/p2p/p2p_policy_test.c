// p2p_policy_test.c - servers for connections from the settings, and the box in the form.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "p2p_policy.h"

static void names_servers(void **state)
{
    (void)state;
    json_t *stun = json_pack("[s, s, s, i]", "stun.example.org:3478", "stuns:b.example.org", "", 5);
    json_t *turn = json_pack("[{s:s, s:s, s:s}, {s:[s]}, {s:s}, s]", "urls", "turn:a.example.org",
        "username", "u", "credential", "c", "urls", "turns:b.example.org", "urls",
        "http://c.example.org", "turn:d.example.org");
    json_t *ice = p2p_ice_servers(stun, turn);
    assert_int_equal(json_array_size(ice), 4);
    assert_string_equal(shoal_text(ice, "0.urls", ""), "stun:stun.example.org:3478");
    assert_string_equal(shoal_text(ice, "1.urls", ""), "stuns:b.example.org");
    assert_string_equal(shoal_text(ice, "2.username", ""), "u");
    assert_string_equal(shoal_text(ice, "3.urls.0", ""), "turns:b.example.org");
    json_decref(ice);
    ice = p2p_ice_servers(NULL, NULL);
    assert_int_equal(json_array_size(ice), 0);
    json_decref(ice);
    json_decref(stun);
    json_decref(turn);
}

static void bounds_servers(void **state)
{
    (void)state;
    json_t *stun = json_array();
    for (int i = 0; i < 100; i++) {
        json_array_append_new(stun, json_string("stun.example.org"));
    }
    json_t *ice = p2p_ice_servers(stun, NULL);
    assert_int_equal(json_array_size(ice), 8);
    json_decref(ice);
    json_decref(stun);
}

static void tells_no_stranger_without_relays(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        bool has_tracker, is_relayed, has_relay;
        enum p2p_reach reach;
    } rows[] = {
        {"opt-out", true, false, false, P2P_REACH_ALL},
        {"opt-in", true, false, true, P2P_REACH_ALL},
        {"opt-out", true, true, true, P2P_REACH_OURS},
        {"opt-out", true, true, false, P2P_REACH_NOBODY},
        {"opt-out", false, false, true, P2P_REACH_NOBODY},
        {"off", true, true, true, P2P_REACH_NOBODY},
        {NULL, true, false, true, P2P_REACH_NOBODY},
    };
    json_t *turn = json_pack("[{s:s}]", "urls", "turn:turn.example.org");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *ice = p2p_ice_servers(NULL, rows[i].has_relay ? turn : NULL);
        assert_int_equal(
            p2p_reach_of(rows[i].mode, rows[i].has_tracker, rows[i].is_relayed, ice), rows[i].reach);
        json_decref(ice);
    }
    json_decref(turn);
}

static void reads_the_box(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        bool is_asked, is_off;
    } rows[] = {
        {"{}", false, false},
        {"{\"pluginData\": {}}", false, false},
        {"{\"pluginData\": {\"p2p\": 5}}", false, false},
        {"{\"pluginData\": {\"p2p\": {\"asked\": \"true\", \"shared\": \"true\"}}}", true, false},
        {"{\"pluginData\": {\"p2p\": {\"asked\": \"true\"}}}", true, true},
        {"{\"pluginData\": {\"p2p\": {\"shared\": \"false\"}}}", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *video = json_loads(rows[i].json, 0, NULL);
        assert_int_equal(p2p_form_is_asked(video), rows[i].is_asked);
        assert_int_equal(p2p_form_is_off(video), rows[i].is_off);
        json_decref(video);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_servers),
        cmocka_unit_test(bounds_servers),
        cmocka_unit_test(tells_no_stranger_without_relays),
        cmocka_unit_test(reads_the_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
