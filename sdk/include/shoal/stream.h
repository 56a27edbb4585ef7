// stream.h - long connections: WebSocket, server-sent events, raw TCP, UDP and Unix listeners.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_STREAM_H
#define SHOAL_STREAM_H
#include <jansson.h>

#include <shoal/sized.h>
#include <shoal/version.h>

/// A checked handle: a stale one is noticed, never followed. 0 is none.
typedef uint64_t shoal_stream;

/// What a stream calls back. C callbacks run on the stream's loop and may not block: hand long work
/// to shoal_work(). data is borrowed for the call.
struct shoal_stream_ops {
    /// [worker] Before the upgrade is accepted: return 0 to accept (state in *state), or a negative
    /// error, which answers the request. NULL accepts. Raw listeners have no request (NULL).
    int (*open)(struct shoal_call *call, struct shoal_request *request, void *arg, void **state,
        struct shoal_err *err);
    void (*opened)(shoal_stream stream, void *state);                                   ///< [loop]
    void (*message)(shoal_stream stream, void *state, const void *data, size_t length, bool is_text); ///< [loop]
    void (*drained)(shoal_stream stream, void *state); ///< [loop] the send queue is empty again; or NULL
    void (*closed)(shoal_stream stream, void *state, int code); ///< [loop] last call; free state here
    /// Of raw listeners but UDP: closed after so long in which nothing went either way; 5 minutes when 0.
    /// What is paused is not idle. Since: 1.0.
    uint32_t idle_ms;
};

struct shoal_socket_route {
    const char *path;      ///< "/tracker/socket"
    const char *protocol;  ///< Sec-WebSocket-Protocol to choose, or NULL
    const struct shoal_stream_ops *ops; ///< copied
    void *arg;
    int auth;              ///< enum shoal_auth
    uint32_t message_max_bytes; ///< 64 KiB when 0
    uint32_t queue_max_bytes;   ///< unsent bytes after which the stream is closed; 1 MiB when 0
    uint32_t idle_ms;           ///< closed after so long without a message or pong; 120 s when 0
    bool any_origin;       ///< other sites' scripts may connect; never with cookies
};

/// Adds a WebSocket endpoint. Ping and pong, fragments, UTF-8 and close codes are the host's work.
///
/// Returns: 0 or a negative error. Errors: as shoal_route_add(). Thread: start() only.
/// Blocks:  no. Since: 1.0.
SHOAL_INLINE int shoal_socket_add(struct shoal_plugin *self, const struct shoal_socket_route *route,
    struct shoal_err *err)
{
    return shoal_socket_add_sized(
        self, route, sizeof *route, sizeof(struct shoal_stream_ops), err);
}

/// Sends to a stream from any thread: text or binary message, datagram or raw bytes; copied.
///
/// Returns: 0, SHOAL_EGONE (closed), SHOAL_EBUSY (the queue is full: the stream will be closed).
/// Errors:  those. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_stream_send(shoal_stream stream, const void *data, size_t length, bool is_text);
SHOAL_API void shoal_stream_close(shoal_stream stream, int code, const char *reason);
/// Stops and goes on reading: back-pressure towards the client. Said on the stream's own loop it holds
/// at once: no more raw bytes come after the call. A message that was already taken apart may.
SHOAL_API void shoal_stream_pause(shoal_stream stream, bool paused);
/// Unsent bytes, and the peer's address as text.
SHOAL_API size_t shoal_stream_queued(shoal_stream stream);
SHOAL_API int shoal_stream_address(shoal_stream stream, char out[64]);
SHOAL_API int shoal_stream_loop(shoal_stream stream);
/// The peer's port, of TCP, TLS and UDP listeners; within message() that of the datagram's sender.
///
/// Returns: 1 to 65535; 0 where it has none or a server in front hides it; SHOAL_EGONE.
/// Errors:  SHOAL_EGONE. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_stream_port(shoal_stream stream);

/// Answers a request with server-sent events; the stream lives on after the handler returned.
/// event() from any thread. topic: NULL, or a topic whose messages are sent as events.
///
/// Returns: 0 or a negative error. Errors: SHOAL_EBUSY, SHOAL_EFORBIDDEN (a topic without the
///          permission "topics"). Thread: [worker]. Blocks: no. Since: 1.0.
SHOAL_INLINE int shoal_answer_events(struct shoal_request *request, const char *topic,
    const struct shoal_stream_ops *ops, void *state, struct shoal_err *err)
{
    return shoal_answer_events_sized(request, topic, ops, sizeof *ops, state, err);
}
SHOAL_API int shoal_stream_event(shoal_stream stream, const char *event, const json_t *data);

enum shoal_listener_kind {
    SHOAL_LISTEN_TCP = 0,
    SHOAL_LISTEN_UDP = 1,
    SHOAL_LISTEN_UNIX = 2,
    SHOAL_LISTEN_TLS = 3,
};

/// Listens on a port or path of its own ("0.0.0.0:1935"). The supervisor opens and keeps the socket.
///
/// Returns: 0 or a negative error. Errors: SHOAL_EFORBIDDEN (no permission "listen:PORT"),
///          SHOAL_EBUSY (taken). Thread: start() only. Blocks: no. Since: 1.0.
SHOAL_INLINE int shoal_listen(struct shoal_plugin *self, enum shoal_listener_kind kind,
    const char *address, const struct shoal_stream_ops *ops, void *arg, struct shoal_err *err)
{
    return shoal_listen_sized(self, (int)kind, address, ops, sizeof *ops, arg, err);
}
/// Answers a datagram of a UDP listener: inside message() the stream names its sender.

/// Says that a connection of a listener outlives a reload or upgrade of the server: an ingest that must
/// not be cut off. The old process goes on with it, and with the plugin's timers of each process, until
/// it ends, for at most the setting `streams.stay`; new connections come to the new process. A stop of
/// the server, or a migration, ends it as any other. Two processes run the plugin meanwhile: what they
/// share must be in tables, files and topics.
///
/// Returns: 0, SHOAL_EGONE, or SHOAL_EUNSUPPORTED: no connection of a TCP, TLS or Unix listener.
/// Errors:  those. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_stream_stay(shoal_stream stream, bool stays);

/// Runs fn(call, arg) on a worker, as the plugin, soon; done(arg) then runs on loop `loop` (or NULL).
/// fn has ten seconds: that is the call's deadline, and the watchdog names who is far past it.
///
/// Returns: 0, or SHOAL_EBUSY when the queue is full. Errors: SHOAL_EBUSY.
/// Thread:  [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_work(struct shoal_plugin *self, void (*fn)(struct shoal_call *call, void *arg),
    void (*done)(void *arg), void *arg, int loop);
/// Runs fn(arg) on loop n, soon. From any thread.
SHOAL_API void shoal_loop_post(int loop, void (*fn)(void *arg), void *arg);

#endif
