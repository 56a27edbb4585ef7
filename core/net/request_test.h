// request_test.h - what tests of requests and answers share: a request from its head, without a
// server.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_REQUEST_TEST_H
#define SHOAL_CORE_NET_REQUEST_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/log.h"
#include "net/request_priv.h"

/// What a request points to: a server and a loop that never run, and the route that was found.
static struct {
    struct shoal_server server;
    struct shoal_loop loop;
    struct shoal_entry entry;
} made;

/// Makes a request as a loop does, of "GET /path HTTP/1.1" and header lines that each end with
/// CRLF.
static inline struct shoal_request *make_request(const char *line, const char *headers)
{
    static const char *const locales[] = {"en", "fr", NULL};
    char text[8192];
    int length = snprintf(text, sizeof text, "%s\r\nHost: asked.example\r\n%s\r\n", line, headers);
    assert_true(length > 0 && (size_t)length < sizeof text);
    shoal_log_set_level(SHOAL_LOG_ERROR); // refusals are what is tested
    made.loop.server = &made.server;
    made.server.locales = locales;
    struct shoal_refusal refusal = {0};
    assert_int_equal(shoal_head_parse(text, (size_t)length, &made.loop.head, &refusal), 0);
    struct shoal_origin origin = {.host = made.loop.head.host};
    assert_true(shoal_address_parse(shoal_span("203.0.113.9"), &origin.address));
    return shoal_request_new(&made.loop, text, (size_t)length, &origin);
}

/// The value of a header in a head or in an answer's lines; NULL without it.
static inline const char *line_of(const char *lines, const char *name)
{
    static char value[2][512];
    static int turn;
    size_t length = strlen(name);
    for (const char *line = lines; line && *line; line = strstr(line, "\r\n")) {
        line += strncmp(line, "\r\n", 2) == 0 ? 2 : 0;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            turn = !turn;
            snprintf(value[turn], sizeof value[turn], "%.*s", (int)strcspn(line + length + 2, "\r"),
                line + length + 2);
            return value[turn];
        }
    }
    return NULL;
}

#endif
