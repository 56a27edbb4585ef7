// stun_answer_test.c - answers to the byte (vectors of RFC 5769), and what gets none.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stun_answer.h"

#define TRANSACTION \
    0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae
#define HEADER(type, length) 0x01 & (type) >> 8, (type) & 0xff, 0x00, length, 0x21, 0x12, 0xa4, 0x42, TRANSACTION

static const struct stun_source four = {
    .address = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = 1}, .port = 32853};
static const struct stun_source six = {
    .address = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77},
    .port = 32853};

/// The request of RFC 5769, 2.1: with integrity and fingerprint, and PRIORITY, which only ICE's peers understand.
static const unsigned char sample[] = {HEADER(0x0001, 0x58),
    0x80, 0x22, 0x00, 0x10, 'S', 'T', 'U', 'N', ' ', 't', 'e', 's', 't', ' ', 'c', 'l', 'i', 'e', 'n', 't',
    0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36,
    0x00, 0x06, 0x00, 0x09, 'e', 'v', 't', 'j', ':', 'h', '6', 'v', 'Y', ' ', ' ', ' ',
    0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5,
    0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2,
    0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};

/// Asks with a copy that ends where the request does, so that one byte too far is seen.
static size_t ask(const unsigned char *bytes, size_t length, const struct stun_source *source,
    unsigned char out[STUN_ANSWER_MAX])
{
    unsigned char *tight = malloc(length ? length : 1);
    memcpy(tight, bytes, length);
    size_t answer = stun_answer(tight, length, source, out);
    free(tight);
    assert_true(answer <= STUN_ANSWER_MAX && (answer == 0 || answer <= length + 24));
    return answer;
}

static void says_where_a_request_came_from(void **state)
{
    (void)state;
    static const unsigned char request[] = {HEADER(0x0001, 0)};
    static const unsigned char of_four[] = {HEADER(0x0101, 12), 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47,
        0xe1, 0x12, 0xa6, 0x43};
    static const unsigned char of_six[] = {HEADER(0x0101, 24), 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47,
        0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9};
    unsigned char out[STUN_ANSWER_MAX];
    assert_int_equal(ask(request, sizeof request, &four, out), sizeof of_four);
    assert_memory_equal(out, of_four, sizeof of_four);
    assert_int_equal(ask(request, sizeof request, &six, out), sizeof of_six);
    assert_memory_equal(out, of_six, sizeof of_six);
}

static void an_answer_has_a_fingerprint_where_the_request_has_one(void **state)
{
    (void)state;
    static const unsigned char wanted[] = {HEADER(0x0111, 24), 0x00, 0x09, 0x00, 0x04, 0x00, 0x00, 0x04, 0x14,
        0x00, 0x0a, 0x00, 0x02, 0x00, 0x24, 0x00, 0x00, 0x80, 0x28, 0x00, 0x04};
    unsigned char out[STUN_ANSWER_MAX], again[sizeof sample];
    assert_int_equal(ask(sample, sizeof sample, &four, out), sizeof wanted + 4);
    assert_memory_equal(out, wanted, sizeof wanted);
    // The fingerprint of an answer is what would be taken for that of a request.
    memcpy(again, out, sizeof wanted + 4);
    again[0] = 0x00, again[1] = 0x01;
    assert_int_equal(ask(again, sizeof wanted + 4, &four, out), 0);
    memcpy(again, sample, sizeof sample);
    again[40] = 0x80; // PRIORITY becomes one that may be passed over; the fingerprint is wrong now
    assert_int_equal(ask(again, sizeof again, &four, out), 0);
    for (size_t i = 0; i < sizeof sample; i++) { // one bit anywhere; of its type: then it is no fingerprint
        bool is_type = i == sizeof sample - 8 || i == sizeof sample - 7;
        memcpy(again, sample, sizeof sample);
        again[i] ^= 1;
        assert_int_equal(ask(again, sizeof again, &four, out), is_type ? sizeof wanted - 4 : 0);
    }
}

static void names_what_it_does_not_understand(void **state)
{
    (void)state;
    static const unsigned char many[] = {HEADER(0x0001, 28), 0x00, 0x03, 0x00, 0x00, 0x7f, 0xff, 0x00, 0x00,
        0x00, 0x03, 0x00, 0x00, 0x00, 0x24, 0x00, 0x00, 0x00, 0x25, 0x00, 0x00, 0x00, 0x26, 0x00, 0x00,
        0x01, 0x06, 0x00, 0x00};
    static const unsigned char wanted[] = {HEADER(0x0111, 20), 0x00, 0x09, 0x00, 0x04, 0x00, 0x00, 0x04, 0x14,
        0x00, 0x0a, 0x00, 0x08, 0x00, 0x03, 0x7f, 0xff, 0x00, 0x24, 0x00, 0x25};
    static const unsigned char behind[] = {HEADER(0x0001, 28), 0x00, 0x08, 0x00, 0x14, 1, 2, 3, 4, 5, 6, 7, 8, 9,
        10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 0x00, 0x24, 0x00, 0x00};
    unsigned char out[STUN_ANSWER_MAX];
    assert_int_equal(ask(many, sizeof many, &six, out), sizeof wanted);
    assert_memory_equal(out, wanted, sizeof wanted);
    assert_int_equal(ask(behind, sizeof behind, &four, out), 32); // what follows integrity counts for nothing
    assert_int_equal(out[0] << 8 | out[1], 0x0101);
}

static void what_is_no_request_gets_no_answer(void **state)
{
    (void)state;
    static const struct {
        unsigned char bytes[36];
        size_t length;
    } rows[] = {
        {{HEADER(0x0101, 0)}, 20},                               // an answer: two servers could talk for ever
        {{HEADER(0x0111, 0)}, 20},
        {{HEADER(0x0011, 0)}, 20},                               // an indication
        {{HEADER(0x0003, 0)}, 20},                               // TURN's Allocate
        {{0x80, 0x01, 0, 0, 0x21, 0x12, 0xa4, 0x42, TRANSACTION}, 20},
        {{0x00, 0x01, 0, 0, 0x21, 0x12, 0xa4, 0x43, TRANSACTION}, 20}, // no cookie
        {{HEADER(0x0001, 4)}, 20},                               // lengths that do not fit
        {{HEADER(0x0001, 0)}, 24},
        {{HEADER(0x0001, 2)}, 22},
        {{HEADER(0x0001, 0)}, 19},
        {{HEADER(0x0001, 0)}, 0},
        {{HEADER(0x0001, 4), 0x80, 0x22, 0x00, 0x04}, 24},       // attributes that do not fit
        {{HEADER(0x0001, 8), 0x80, 0x22, 0x00, 0x05, 'a', 'b', 'c', 'd'}, 28},
        {{HEADER(0x0001, 8), 0x80, 0x22, 0xff, 0xff, 'a', 'b', 'c', 'd'}, 28},
        {{HEADER(0x0001, 4), 0x80, 0x28, 0x00, 0x00}, 24},       // fingerprints that are none
        {{HEADER(0x0001, 8), 0x80, 0x28, 0x00, 0x04, 0, 0, 0, 0}, 28},
    };
    unsigned char out[STUN_ANSWER_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ask(rows[i].bytes, rows[i].length, &four, out), 0);
    }
    unsigned char large[STUN_REQUEST_MAX + 4] = {HEADER(0x0001, 0)};
    for (size_t more = 0; more <= 4; more += 4) {
        size_t length = STUN_REQUEST_MAX + more;
        large[2] = (unsigned char)((length - 20) >> 8), large[3] = (unsigned char)(length - 20);
        large[20] = 0x80, large[21] = 0x22, large[22] = (unsigned char)((length - 24) >> 8);
        large[23] = (unsigned char)(length - 24);
        assert_int_equal(ask(large, length, &four, out), more == 0 ? 32 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_where_a_request_came_from),
        cmocka_unit_test(an_answer_has_a_fingerprint_where_the_request_has_one),
        cmocka_unit_test(names_what_it_does_not_understand),
        cmocka_unit_test(what_is_no_request_gets_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
