// activity.h - what others write in more than one way in their activities: references and audiences.
// SPDX-License-Identifier: MIT
#ifndef ACTIVITY_H
#define ACTIVITY_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/// Everybody, as to and cc have it.
#define ACTIVITY_PUBLIC "https://www.w3.org/ns/activitystreams#Public"

/// The id of a reference: a text, or an object's id; borrowed. NULL for neither, and for an empty one.
const char *activity_id(const json_t *reference);
/// A number for an id (FNV-1a), where a text is too long to keep or compare: two ids may have the same.
uint64_t activity_hash(const char *id);
/// Whether to or cc, a text or a list, names everybody: in one of three spellings, among the first hundred.
bool activity_is_public(const json_t *audience);
/// Whether a document has at most ACTIVITY_VALUES_MAX values: what is read of it, and written, is bounded by that.
#define ACTIVITY_VALUES_MAX 50000
bool activity_is_bounded(const json_t *document);

#endif
