// urlhost.h - which host a URL is on, written the way handles have it, and what else is taken from a URL.
//
// Strict: what is in doubt has no host. Public names alone, unless private networks are open: then http,
// names without a dot and "[::1]" have one as well.
// SPDX-License-Identifier: MIT
#ifndef URLHOST_H
#define URLHOST_H
#include <stdbool.h>

#include <shoal/arena.h>

#define URLHOST_MAX 2000 ///< bytes of a URL; a longer one has no host

/// Host and port at the start of text ("Example.org:8443/x"), lower case, without the usual port ("443"); in
/// the arena, NULL for what is none.
const char *urlhost_read(
    struct shoal_arena *arena, const char *text, const char *usual_port, bool is_private);
/// Those of an https URL (an http one as well where is_private); NULL for anything else.
const char *urlhost_of(struct shoal_arena *arena, const char *url, bool is_private);
/// How a host of which the name alone is known is asked: "https", among servers of a private network as this one,
/// whose own URL is given, is.
const char *urlhost_scheme(const char *own, bool is_private);
/// Whether both lie on one host, in whatever network, by the same scheme; false where one of them has none.
bool urlhost_same(struct shoal_arena *arena, const char *url, const char *other);
/// A URL without "#fragment".
const char *urlhost_bare(struct shoal_arena *arena, const char *url);
/// Path and query of a URL, borrowed ("" where there is none).
const char *urlhost_target(const char *url);
/// Where a Location leads; NULL for forms that nobody needs ("//host", "x/y").
const char *urlhost_join(struct shoal_arena *arena, const char *base, const char *location);

#endif
