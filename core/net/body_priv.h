// body_priv.h - bodies on their way to memory and files, and as JSON.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_BODY_PRIV_H
#define SHOAL_CORE_NET_BODY_PRIV_H
#include "net/request_priv.h"

/// Fields of a form, in the order of the body.
struct shoal_form {
    struct shoal_pair *items;
    size_t count, room;
};

/// Puts "a[b]", "a[]", "a[0]" and repeated names together. has_null_text: "null" is null.
/// Returns: a new reference, or NULL. Errors: SHOAL_EINVAL.
json_t *shoal_form_to_json(const struct shoal_pair *pairs, size_t count, bool has_null_text,
    struct shoal_err *err);

/// Where body bytes go that are not kept in memory: blocks that a file thread writes.
struct shoal_sink *shoal_sink_new(struct shoal_request *request, struct shoal_err *err);
/// [loop] Takes bytes; returns how many (fewer when its blocks are full: pause until it calls back).
size_t shoal_sink_take(struct shoal_sink *sink, const char *data, size_t length);
/// [loop] How many bytes it would take now.
size_t shoal_sink_room(struct shoal_sink *sink);
bool shoal_sink_has_ended(const struct shoal_sink *sink);
/// [loop] The body is whole, or (is_whole false) will never be. Then shoal_exchange_body() follows.
void shoal_sink_end(struct shoal_sink *sink, bool is_whole);
/// The error of the file side, or NULL. [loop]
const struct shoal_err *shoal_sink_error(const struct shoal_sink *sink);
void shoal_sink_free(struct shoal_sink *sink);

/// Removes the temporary files that nobody renamed. Blocks.
void shoal_uploads_remove(struct shoal_request *request);

#endif
