// websocket_test.c - RFC 6455: the handshake, frames of every kind, and how each wrong one ends.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/stream_test.h"

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define ASK     UPGRADE VERSION KEY

static void checks_handshakes(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool any_origin;
        int code;
    } rows[] = {
        {ASK, false, 0},
        {"Upgrade: h2c, WebSocket\r\nConnection: upgrade\r\n" VERSION KEY, false, 0},
        {VERSION KEY, false, SHOAL_EINVAL},
        {"Upgrade: websockets\r\nConnection: Upgrade\r\n" VERSION KEY, false, SHOAL_EINVAL},
        {"Upgrade: websocket\r\nConnection: keep-alive\r\n" VERSION KEY, false, SHOAL_EINVAL},
        {UPGRADE KEY, false, SHOAL_EINVAL},
        {UPGRADE "Sec-WebSocket-Version: 8\r\n" KEY, false, SHOAL_EINVAL},
        {UPGRADE VERSION, false, SHOAL_EINVAL},
        {UPGRADE VERSION "Sec-WebSocket-Key: c2hvcnQ=\r\n", false, SHOAL_EINVAL},
        {ASK "Origin: http://asked.example\r\n", false, 0},
        {ASK "Origin: https://ASKED.example\r\n", false, 0},
        {ASK "Origin: https://evil.example\r\n", false, SHOAL_EFORBIDDEN},
        {ASK "Origin: https://asked.example.evil\r\n", false, SHOAL_EFORBIDDEN},
        {ASK "Origin: null\r\n", false, SHOAL_EFORBIDDEN},
        {ASK "Origin: https://evil.example\r\n", true, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_err err = {0};
        struct shoal_request *request = make_request("GET /socket HTTP/1.1", rows[i].headers);
        const struct shoal_socket_route route = {.any_origin = rows[i].any_origin};
        assert_int_equal(shoal_websocket_check(request, &route, &err), rows[i].code);
        shoal_request_free(request);
    }
    for (int is_https = 0; is_https < 2; is_https++) {
        struct shoal_request *plain =
            make_request("GET /socket HTTP/1.1", ASK "Origin: http://asked.example\r\n");
        plain->origin.is_https = is_https == 1;
        assert_int_equal(shoal_websocket_check(plain, &(struct shoal_socket_route){0}, NULL),
            is_https ? SHOAL_EFORBIDDEN : 0);
        shoal_request_free(plain);
    }
    struct shoal_request *request =
        make_request("GET /socket HTTP/1.1", UPGRADE "Sec-WebSocket-Version: 8\r\n" KEY);
    assert_int_equal(
        shoal_websocket_check(request, &(struct shoal_socket_route){0}, NULL), SHOAL_EINVAL);
    const char *lines = request->answer.headers.data; // which it would speak
    assert_string_equal(line_of(lines, "Sec-WebSocket-Version"), "13");
    shoal_request_free(request);
}

static void answers_the_key_and_chooses_our_protocol(void **state)
{
    (void)state;
    static const struct {
        const char *asked, *ours;
        bool is_chosen;
    } rows[] = {{"", "chat", false}, {"Sec-WebSocket-Protocol: a, chat\r\n", "chat", true},
        {"Sec-WebSocket-Protocol: chatter\r\n", "chat", false},
        {"Sec-WebSocket-Protocol: chat\r\n", NULL, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char headers[400];
        snprintf(headers, sizeof headers, "%s%s", ASK, rows[i].asked);
        heard.closed = 0;
        struct shoal_request *request = make_request("GET /socket HTTP/1.1", headers);
        const struct shoal_socket_route route = {.protocol = rows[i].ours, .ops = &hearing};
        assert_int_equal(shoal_websocket_answer(request, &route, NULL, NULL, NULL), 0);
        assert_int_equal(request->answer.status, 101);
        const char *lines = request->answer.headers.data;
        assert_string_equal(line_of(lines, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_string_equal(line_of(lines, "Upgrade"), "websocket");
        assert_int_equal(line_of(lines, "Sec-WebSocket-Protocol") != NULL, rows[i].is_chosen);
        shoal_request_free(request); // the client went away before: the owner is told
        assert_int_equal(heard.closed, 1);
    }
}

static shoal_stream open_socket(const struct shoal_socket_route *route, const char *rest, int *peer)
{
    static const struct shoal_socket_route usual;
    struct shoal_stream_conn *stream = make_stream(SHOAL_STREAM_WEBSOCKET, peer);
    shoal_stream handle = stream->handle;
    stream->rest_length = rest ? strlen(rest) : 0;
    stream->rest = rest ? strdup(rest) : NULL;
    assert_int_equal(shoal_websocket_start(stream, route ? route : &usual), 0);
    shoal_stream_begin(stream);
    return handle;
}

/// A client's frame; its mask is of zeros, so that the payload reads as it is.
static size_t frame(unsigned char *out, unsigned first, const char *payload, size_t length)
{
    size_t at = 0;
    out[at++] = (unsigned char)first;
    if (length < 126) {
        out[at++] = (unsigned char)(0x80 | length);
    } else {
        out[at++] = 0xfe;
        out[at++] = (unsigned char)(length >> 8);
        out[at++] = (unsigned char)length;
    }
    memset(out + at, 0, 4);
    memcpy(out + at + 4, payload, length);
    return at + 4 + length;
}

static void say(int peer, unsigned first, const char *payload)
{
    unsigned char out[2000];
    size_t length = frame(out, first, payload, strlen(payload));
    write_peer(peer, out, length);
}

static void assert_said(int peer, const char *bytes, size_t length)
{
    char out[256];
    bool is_end;
    assert_int_equal(read_peer(peer, out, length, &is_end), length);
    assert_memory_equal(out, bytes, length);
}

static void carries_messages_both_ways(void **state)
{
    (void)state;
    int peer;
    shoal_stream stream = open_socket(NULL, NULL, &peer);
    say(peer, 0x81, "h\xc3\xa9llo");
    assert_heard("h\xc3\xa9llo");
    assert_true(heard.is_text);
    say(peer, 0x82, "\xff bytes");
    assert_heard("\xff bytes");
    assert_false(heard.is_text);
    say(peer, 0x01, "in ");
    say(peer, 0x89, "ping"); // between two parts of a message
    say(peer, 0x00, "three ");
    assert_int_equal(heard.messages, 2);
    say(peer, 0x80, "parts");
    assert_heard("in three parts");
    assert_said(peer, "\x8a\x04ping", 6);
    assert_int_equal(shoal_stream_send(stream, "text", 4, true), 0);
    assert_int_equal(shoal_stream_send(stream, "\0\1", 2, false), 0);
    assert_said(peer, "\x81\x04text\x82\x02\0\1", 10);
    assert_int_equal(shoal_stream_queued(stream), 0);
    close(peer);
    turn();
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.code, 1006);
}

static void hears_what_came_with_the_handshake(void **state)
{
    (void)state;
    int peer;
    // An odd mask, as a client has it: "ab" under "1234".
    open_socket(NULL,
        "\x81\x82"
        "1234"
        "\x50\x50",
        &peer);
    assert_heard("ab");
    close(peer);
}

static void says_goodbye_when_the_peer_does(void **state)
{
    (void)state;
    int peer;
    char out[16];
    bool is_end;
    open_socket(NULL, NULL, &peer);
    say(peer, 0x88,
        "\x03\xe9"
        "bye");
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.code, 1001);
    assert_said(peer,
        "\x88\x05\x03\xe9"
        "bye",
        7);
    read_peer(peer, out, sizeof out, &is_end);
    assert_true(is_end);
    close(peer);
}

static void waits_for_the_goodbye_of_the_peer(void **state)
{
    (void)state;
    int peer;
    shoal_stream stream = open_socket(NULL, NULL, &peer);
    shoal_stream_close(stream, 4002, "enough");
    turn();
    assert_said(peer,
        "\x88\x08\x0f\xa2"
        "enough",
        10);
    assert_int_equal(heard.closed, 0);
    say(peer, 0x81, "late");
    assert_int_equal(heard.messages, 0);
    say(peer, 0x88, "\x0f\xa2");
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.code, 4002);
    close(peer);
}

static void cuts_a_long_reason_at_a_character(void **state)
{
    (void)state;
    char reason[200], out[256];
    int peer;
    bool is_end;
    memset(reason, 'a', 119);
    snprintf(reason + 119, sizeof reason - 119, "\xc3\xa9 and more");
    shoal_stream_close(open_socket(NULL, NULL, &peer), 1000, reason);
    size_t length = read_peer(peer, out, sizeof out, &is_end);
    assert_int_equal(length, 2 + 2 + 119);
    assert_int_equal(out[length - 1], 'a');
    say(peer, 0x88, "\x03\xe8");
    close(peer);
}

static void ends_what_is_no_frame(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        unsigned code; // that the peer is told; 0: none
    } rows[] = {
        {"\x81\x02hi", 4, 1002},                         // not masked
        {"\xc1\x80\0\0\0\0", 6, 1002},                   // a reserved bit
        {"\x83\x80\0\0\0\0", 6, 1002},                   // a reserved kind
        {"\x80\x80\0\0\0\0", 6, 1002},                   // goes on with nothing
        {"\x08\x80\0\0\0\0", 6, 0},                      // a goodbye in parts
        {"\x09\x80\0\0\0\0", 6, 0},                      // a ping in parts
        {"\x88\x81\0\0\0\0\x03", 7, 1002},               // half a code
        {"\x88\x82\0\0\0\0\x03\xed", 8, 1002},           // 1005 is never sent
        {"\x81\x81\0\0\0\0\xff", 7, 1007},               // not UTF-8
        {"\x81\xff\0\0\0\0\0\1\0\1\0\0\0\0x", 15, 1009}, // 65537 bytes begin
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int peer;
        char out[256];
        bool is_end;
        heard.closed = 0;
        open_socket(NULL, NULL, &peer);
        write_peer(peer, rows[i].bytes, rows[i].length);
        size_t length = read_peer(peer, out, sizeof out, &is_end);
        assert_true(length == 2 || length >= 4);
        assert_int_equal((unsigned char)out[0], 0x88);
        unsigned code = length == 2 ? 0 : (unsigned char)out[2] * 256u + (unsigned char)out[3];
        assert_int_equal(code, rows[i].code);
        assert_int_equal(heard.messages, 0);
        close(peer);
        turn();
        assert_int_equal(heard.closed, 1);
    }
}

static void messages_are_as_long_as_the_route_says(void **state)
{
    (void)state;
    static const struct shoal_socket_route route = {.message_max_bytes = 200};
    char text[202], out[16];
    int peer;
    bool is_end;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    open_socket(&route, NULL, &peer);
    text[200] = 0;
    say(peer, 0x81, text);
    assert_int_equal(heard.data.length, 200);
    text[200] = 'x';
    say(peer, 0x81, text);
    assert_int_equal(heard.messages, 1);
    assert_int_equal(read_peer(peer, out, 4, &is_end), 4);
    assert_int_equal((unsigned char)out[0], 0x88);
    close(peer);
}

static void a_ping_is_a_frame_and_its_pong_no_message(void **state)
{
    (void)state;
    int peer;
    struct shoal_stream_conn *stream = make_stream(SHOAL_STREAM_WEBSOCKET, &peer);
    assert_int_equal(shoal_websocket_start(stream, &(struct shoal_socket_route){0}), 0);
    shoal_stream_begin(stream);
    shoal_websocket_ping(stream);
    shoal_stream_flush(stream);
    assert_said(peer, "\x89\x00", 2);
    say(peer, 0x8a, ""); // the pong is no message
    assert_int_equal(heard.messages, 0);
    close(peer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start_loop, stop_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(checks_handshakes),
        CASE(answers_the_key_and_chooses_our_protocol),
        CASE(carries_messages_both_ways),
        CASE(hears_what_came_with_the_handshake),
        CASE(says_goodbye_when_the_peer_does),
        CASE(waits_for_the_goodbye_of_the_peer),
        CASE(cuts_a_long_reason_at_a_character),
        CASE(ends_what_is_no_frame),
        CASE(messages_are_as_long_as_the_route_says),
        CASE(a_ping_is_a_frame_and_its_pong_no_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
