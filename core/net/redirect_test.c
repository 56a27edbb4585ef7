// redirect_test.c - the plain port: where browsers are sent, and which files of the challenge are
// shown.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"
#include "net/server_priv.h"

static void ask_for(const char *method, const char *target, const char *host, struct reply *reply)
{
    char text[1024];
    int fd = dial(world.redirect_port);
    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: %s\r\n\r\n", method, target, host);
    ask(fd, reply, text);
    close(fd);
}

static void sends_to_the_same_place_with_tls(void **state)
{
    (void)state;
    static const struct {
        const char *target, *host, *location;
    } rows[] = {
        {"/", "tube.example", "https://tube.example/"},
        {"/w/1?a=b&c=%20", "tube.example", "https://tube.example/w/1?a=b&c=%20"},
        {"/x?", "tube.example", "https://tube.example/x?"},
        {"/", "tube.example:8080", "https://tube.example/"}, // the plain port is not the other's
        {"/", "[2001:db8::1]", "https://[2001:db8::1]/"},
        {"/", "[2001:db8::1]:8080", "https://[2001:db8::1]/"},
        {"//evil.example/", "tube.example", "https://tube.example//evil.example/"},
    };
    struct reply reply = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask_for("GET", rows[i].target, rows[i].host, &reply);
        assert_int_equal(reply.status, 308);
        assert_string_equal(header(&reply, "Location"), rows[i].location);
    }
    ask_for("POST", "/api/v1/x", "tube.example", &reply);
    assert_int_equal(reply.status, 308); // which keeps the method
    int fd = dial(world.redirect_port);
    ask(fd, &reply, "GET /a HTTP/1.0\r\n\r\n"); // names no host
    assert_int_equal(reply.status, 400);
    close(fd);
    forget(&reply);
}

static void sends_to_the_public_address_where_it_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *url, *location;
    } rows[] = {
        {"https://tube.example:8443//", "https://tube.example:8443/w?a"},
        {"https://tube.example", "https://tube.example/w?a"},
        {"http://tube.example", "https://asked.example/w?a"}, // no place with TLS
    };
    struct reply reply = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world.server->options.url = rows[i].url;
        ask_for("GET", "/w?a", "asked.example", &reply);
        assert_string_equal(header(&reply, "Location"), rows[i].location);
    }
    world.server->options.url = NULL;
    forget(&reply);
}

#define ACME "/.well-known/acme-challenge/"

static void shows_files_of_the_challenge_and_no_others(void **state)
{
    (void)state;
    char path[128];
    path_of(path, "acme/.well-known/secret");
    assert_int_equal(shoal_file_write_whole(path, "secret", 6, 0600, NULL), 0);
    static const struct {
        const char *method, *target;
        int status;
    } rows[] = {
        {"GET", ACME "token-1", 200},
        {"HEAD", ACME "token-1", 200},
        {"GET", ACME "token-1?x=y", 200},
        {"POST", ACME "token-1", 308},
        {"GET", ACME "none", 404},
        {"GET", ACME, 308},
        {"GET", ACME "../secret", 308},
        {"GET", ACME "%2e%2e/secret", 308},
        {"GET", ACME "token-1/", 308},
        {"GET", ACME "token.1", 308},
        {"GET", "/.well-known/token-1", 308},
    };
    struct reply reply = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask_for(rows[i].method, rows[i].target, "tube.example", &reply);
        assert_int_equal(reply.status, rows[i].status);
        if (rows[i].status == 200 && strcmp(rows[i].method, "GET") == 0) {
            assert_string_equal(reply.body.data, "proof");
        }
    }
    char long_target[300] = ACME;
    memset(long_target + strlen(ACME), 'a', 201);
    ask_for("GET", long_target, "tube.example", &reply);
    assert_int_equal(reply.status, 308);
    forget(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_to_the_same_place_with_tls),
        cmocka_unit_test(sends_to_the_public_address_where_it_is_known),
        cmocka_unit_test(shows_files_of_the_challenge_and_no_others),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
