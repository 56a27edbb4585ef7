// swarm_mix_test.c - the numbers of SipHash-1-3, and what a key is for.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "swarm_mix.h"

/// Of the bytes 0, 1, 2… with the key 0, 1, … 15.
static void it_is_siphash(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        uint64_t number;
    } rows[] = {
        {0, 0xabac0158050fc4dcu},
        {1, 0xc9f49bf37d57ca93u},
        {7, 0xd3927d989bb11140u},
        {8, 0x369095118d299a8eu},
        {15, 0xd320d86d2a519956u},
        {16, 0xcc4fdd1a7d908b66u},
        {20, 0xc0dc2f46a6cce040u},
        {28, 0xfb0bed02ef6cd00du},
        {44, 0xc2ca1cedfaf8876bu},
    };
    const struct swarm_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
    unsigned char bytes[44];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)i;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(swarm_mix(&key, bytes, rows[i].length) == rows[i].number);
    }
}

/// Ids that differ in the bits which a product hands on to its highest bit alone: with any seed they would
/// stay together in a table that goes by the low bits.
static void ids_that_were_chosen_do_not_stay_together(void **state)
{
    (void)state;
    int together = 0;
    for (int i = 0; i < 64; i++) {
        struct swarm_key key;
        unsigned char one[20] = "-PM0202-abcdefghijk", other[20];
        memcpy(other, one, sizeof one);
        other[15] ^= 0x80;
        other[19] ^= 0x80;
        swarm_key_init(&key);
        together += (swarm_mix(&key, one, sizeof one) ^ swarm_mix(&key, other, sizeof other)) % 65536 == 0;
    }
    assert_true(together <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_siphash),
        cmocka_unit_test(ids_that_were_chosen_do_not_stay_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
