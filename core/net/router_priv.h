// router_priv.h - what the loops ask the router.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_ROUTER_PRIV_H
#define SHOAL_CORE_NET_ROUTER_PRIV_H
#include "net/server.h"
#include "net/span.h"

#define SHOAL_PARAM_MAX   8
#define SHOAL_PATH_MAX    2048
#define SHOAL_SEGMENT_MAX 32

/// A route as the router keeps it. Stays readable until the router is freed, also when it was removed.
struct shoal_entry {
    struct shoal_route route;
    struct shoal_plugin *owner;
    const char *names[SHOAL_PARAM_MAX]; ///< of the parameters, in the order of the path
    size_t name_count;
    struct shoal_entry *next; ///< of the same node, or of the removed
};

enum shoal_matched {
    SHOAL_MATCHED = 0,
    SHOAL_MATCHED_NO_PATH = 1,
    SHOAL_MATCHED_NO_METHOD = 2, ///< allow is set
    SHOAL_MATCHED_BAD_PATH = 3,  ///< 400: traversal, bad UTF-8, too long
};

struct shoal_match {
    const struct shoal_entry *entry;
    uint16_t values[SHOAL_PARAM_MAX]; ///< offsets of NUL-ended values in text
    size_t value_count;
    bool is_negotiated; ///< several routes differ by media type only: Vary
    bool has_cors;      ///< some route of this path has cors (for preflights)
    char allow[64];
    char text[SHOAL_PATH_MAX + SHOAL_SEGMENT_MAX]; ///< decoded segments, each with its NUL
};

/// Finds the route for a raw (still encoded) path. accept: the Accept header, or an empty span.
enum shoal_matched shoal_router_match(struct shoal_router *router, struct shoal_span method,
    struct shoal_span path, struct shoal_span accept, struct shoal_match *match);
/// The router of the process, set by shoal_server_use().
struct shoal_router *shoal_router_current(void);

#endif
