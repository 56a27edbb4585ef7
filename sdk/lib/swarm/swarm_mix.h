// swarm_mix.h - bytes of strangers as numbers that they cannot foresee.
// SPDX-License-Identifier: MIT
#ifndef SWARM_MIX_H
#define SWARM_MIX_H
#include <stddef.h>
#include <stdint.h>

struct swarm_key {
    uint64_t words[2];
};

/// A key that nobody knows.
void swarm_key_init(struct swarm_key *key);
/// SipHash-1-3: without the key nobody finds two texts with one number, or many in one bucket. [any]
uint64_t swarm_mix(const struct swarm_key *key, const void *bytes, size_t length);

#endif
