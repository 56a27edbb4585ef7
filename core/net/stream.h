// stream.h - long connections on a loop: what the host builds sockets, events and listeners from.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_STREAM_H
#define SHOAL_CORE_NET_STREAM_H
#include <shoal/stream.h>

#include "base/context.h"

/// Whether a request is a handshake of RFC 6455, from a page that may connect to this endpoint.
int shoal_websocket_check(struct shoal_request *request, const struct shoal_socket_route *route,
    struct shoal_err *err);
/// Answers an upgrade request that was checked: leaves HTTP with 101. The stream opens once that is
/// sent. state: what ops.open gave.
int shoal_websocket_answer(struct shoal_request *request, const struct shoal_socket_route *route,
    struct shoal_plugin *owner, void *state, struct shoal_err *err);
/// Answers with an open text/event-stream.
int shoal_events_answer(struct shoal_request *request, const struct shoal_stream_ops *ops,
    struct shoal_plugin *owner, void *state, struct shoal_err *err);
/// Takes connections or datagrams of an open, bound socket on a loop; the descriptor is the stream's.
int shoal_raw_listen(enum shoal_listener_kind kind, int fd, int loop,
    const struct shoal_stream_ops *ops, struct shoal_plugin *owner, void *arg,
    struct shoal_err *err);
/// Closes the streams of a user whose tokens (or whose one token, when not 0) stopped working; those
/// that are being opened on them too. T30.
void shoal_streams_viewer_remove(int64_t user_id, int64_t token_id);
struct shoal_stream_viewer {
    int64_t user_id, token_id;
};
/// Whose streams are open: each user and token once. Free with free(); NULL when there are none.
struct shoal_stream_viewer *shoal_streams_viewers(size_t *count);
/// Closes every stream, and every listener, of an owner that stops.
void shoal_streams_owner_remove(struct shoal_plugin *owner);
void shoal_listeners_owner_remove(struct shoal_plugin *owner);

#endif
