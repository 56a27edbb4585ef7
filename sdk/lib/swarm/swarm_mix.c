// swarm_mix.c - bytes of strangers as numbers that they cannot foresee.
// SPDX-License-Identifier: MIT
#include "swarm_mix.h"

#include <string.h>

#include <shoal/base.h>

struct state {
    uint64_t a, b, c, d;
};

static inline uint64_t turn(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void stir(struct state *s)
{
    s->a += s->b;
    s->b = turn(s->b, 13) ^ s->a;
    s->a = turn(s->a, 32);
    s->c += s->d;
    s->d = turn(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = turn(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = turn(s->b, 17) ^ s->c;
    s->c = turn(s->c, 32);
}

static inline void take(struct state *s, uint64_t word)
{
    s->d ^= word;
    stir(s);
    s->a ^= word;
}

void swarm_key_init(struct swarm_key *key)
{
    shoal_random(key, sizeof *key);
}

uint64_t swarm_mix(const struct swarm_key *key, const void *bytes, size_t length)
{
    struct state s = {key->words[0] ^ 0x736f6d6570736575u, key->words[1] ^ 0x646f72616e646f6du,
        key->words[0] ^ 0x6c7967656e657261u, key->words[1] ^ 0x7465646279746573u};
    const unsigned char *at = bytes;
    uint64_t last = (uint64_t)length << 56, word;
    for (; length >= sizeof word; at += sizeof word, length -= sizeof word) {
        memcpy(&word, at, sizeof word);
        take(&s, word);
    }
    word = 0;
    memcpy(&word, at, length);
    take(&s, last | word);
    s.c ^= 0xff;
    stir(&s);
    stir(&s);
    stir(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}
