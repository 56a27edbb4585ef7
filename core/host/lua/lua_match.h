// lua_match.h - Lua's patterns with a bound on the work that one match may take.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_LUA_MATCH_H
#define SHOAL_CORE_HOST_LUA_MATCH_H
#include <stdbool.h>
#include <stddef.h>

#define SHOAL_MATCH_CAPTURES 32
#define SHOAL_MATCH_STEPS    1000000

/// One match under way; text and pattern are borrowed.
struct shoal_match {
    const char *text, *text_end;
    const char *pattern, *pattern_end;
    int level;            ///< captures so far
    struct {
        const char *start;
        ptrdiff_t length; ///< -1: open, -2: a position
    } captures[SHOAL_MATCH_CAPTURES];
    long steps;           ///< left; shared by all attempts of one call
    int depth;
    const char *problem;  ///< why it stopped, or NULL
};

void shoal_match_init(struct shoal_match *match, const char *text, size_t length,
    const char *pattern, size_t pattern_length);
/// Where a match that starts exactly at `at` ends, or NULL; match->problem says whether it gave up.
const char *shoal_match_at(struct shoal_match *match, const char *at);

#endif
