// stream_priv.h - one long connection, and the table of their handles.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_STREAM_PRIV_H
#define SHOAL_CORE_NET_STREAM_PRIV_H
#include <stdatomic.h>

#include <shoal/buf.h>

#include "net/loop_priv.h"
#include "net/request_priv.h"
#include "net/stream.h"

/// Closed because it does not take what is sent to it.
#define SHOAL_STREAM_TOO_SLOW 1013

enum shoal_stream_kind {
    SHOAL_STREAM_WEBSOCKET = 0,
    SHOAL_STREAM_EVENTS = 1,
    SHOAL_STREAM_RAW = 2,
    SHOAL_STREAM_DATAGRAMS = 3,
};

/// What a WebSocket is in the middle of. Buffers are there only while something is in them.
struct shoal_websocket {
    struct shoal_buf held;  ///< bytes of frames that are not whole, or not wanted yet
    struct shoal_buf parts; ///< of a message that came in several frames
    uint32_t message_max;
    int opcode;             ///< of that message; 0: there is none
    bool has_said_goodbye, has_heard_goodbye;
    bool is_deaf; ///< no frame is heard any more
};

/// Lives on its loop and is touched there alone; other threads hold its handle.
struct shoal_stream_conn {
    shoal_stream handle;
    enum shoal_stream_kind kind;
    struct shoal_loop *loop;
    struct shoal_plugin *owner;
    struct shoal_stream_ops ops;
    void *state;
    struct shoal_wire wire;
    struct shoal_address peer;
    _Atomic uint16_t peer_port; ///< of raw listeners; 0: none
    struct sockaddr_storage *sender; ///< of the datagram being looked at; or NULL
    socklen_t sender_length;
    uv_poll_t poll;
    uv_timer_t timer;
    int polled; ///< what uv polls for; -1: nothing yet
    bool is_polled;   ///< uv took its descriptor; else it ends before it began
    int open_handles; ///< uv handles that are not closed yet
    struct shoal_buf out; ///< bytes not yet written
    size_t sent;
    char *rest;           ///< bytes that came before the stream was one
    size_t rest_length;
    struct shoal_websocket socket;
    struct shoal_stream_conn *dirty_before, *dirty_after; ///< those that are written when the turn ends
    _Atomic size_t queued; ///< bytes on their way here
    _Atomic size_t posted; ///< bytes that other threads sent and the loop has not heard of
    size_t queue_max;
    uint32_t idle_ms;
    int64_t heard_ms;     ///< when the peer last said something
    int64_t moved_ms;     ///< when it last took something (raw)
    int close_code;
    int64_t user_id, token_id; ///< whose stream it is; 0: nobody's
    bool is_closing;     ///< nothing more is sent or delivered; a timer waits for the rest
    bool is_lingering;   ///< all is said: what comes is thrown away, so that our last words arrive
    bool is_half_closed; ///< a raw peer said its last
    bool is_gone, is_paused, is_flushing, is_dirty, wants_drained;
    bool stays; ///< outlives a reload; under the lock of the handles
};

// stream.c
/// The stream that says something to its owner on this thread, who mostly answers that one; NULL: none.
extern _Thread_local struct shoal_stream_conn *shoal_stream_heard;
/// [loop] Makes a stream of a wire; its handle works from now on, and closed() is called in the end.
struct shoal_stream_conn *shoal_stream_new(enum shoal_stream_kind kind, struct shoal_loop *loop,
    const struct shoal_wire *wire, const struct shoal_stream_ops *ops, struct shoal_plugin *owner,
    void *state);
/// Whose request opens a stream, for the way from the worker to the loop.
struct shoal_stream_owner {
    int64_t user_id, token_id;
    int64_t asked_ms; ///< when its credential was looked at
};
struct shoal_stream_owner shoal_stream_owner_of(const struct shoal_request *request);
/// [loop] Says whose stream it is. Returns: false when the credential was revoked since.
bool shoal_stream_own(struct shoal_stream_conn *stream, const struct shoal_stream_owner *owner);
/// [loop] Begins to read and write, and calls opened().
void shoal_stream_begin(struct shoal_stream_conn *stream);
/// [loop] The end: closed() is called, the wire closed, the memory freed when uv lets go.
void shoal_stream_end(struct shoal_stream_conn *stream, int code);
/// [loop] The polite end: what waits is sent and the peer told; it has a few seconds.
void shoal_stream_finish(struct shoal_stream_conn *stream, int code, const char *reason);
/// [loop] What waits has three seconds to be taken, whatever the peer does.
void shoal_stream_end_soon(struct shoal_stream_conn *stream);
/// [loop] All is sent: hears the peer out for a few seconds, then ends.
void shoal_stream_linger(struct shoal_stream_conn *stream);
/// [loop] Takes what came, and writes what that made.
void shoal_stream_read(struct shoal_stream_conn *stream);
/// [loop] Writes what waits and says what to poll for.
void shoal_stream_flush(struct shoal_stream_conn *stream);
/// [loop] Adds bytes to what is written next. Returns: 0, or an error when there is no room.
int shoal_stream_queue(struct shoal_stream_conn *stream, const void *data, size_t length);
/// [loop] Writes what the streams of a loop gathered in this turn.
void shoal_streams_flush(struct shoal_loop *loop);
/// [loop] Says anew what to poll for; calls nobody back.
void shoal_stream_repoll(struct shoal_stream_conn *stream);
/// [loop] Sends bytes or a message of the owner.
void shoal_stream_put(struct shoal_stream_conn *stream, const void *data, size_t length,
    bool is_text);
/// [loop] Hands bytes or a message to the owner.
void shoal_stream_deliver(struct shoal_stream_conn *stream, const void *data, size_t length,
    bool is_text);
/// Whether this thread is the stream's loop.
bool shoal_stream_on_loop(const struct shoal_stream_conn *stream);

// stream_handles.c
/// A handle for the stream, 0 when there are too many; and its end.
shoal_stream shoal_stream_enlist(struct shoal_stream_conn *stream);
void shoal_stream_delist(shoal_stream handle);
/// [loop] Reads on in the next turn.
void shoal_stream_read_later(struct shoal_stream_conn *stream);

// websocket.c
int shoal_websocket_start(struct shoal_stream_conn *stream, const struct shoal_socket_route *route);
void shoal_websocket_read(struct shoal_stream_conn *stream);
/// Everything is written: after the last goodbye the connection ends, or the peer is heard out.
void shoal_websocket_written(struct shoal_stream_conn *stream);
void shoal_websocket_fini(struct shoal_stream_conn *stream);
void shoal_websocket_send(struct shoal_stream_conn *stream, const void *data, size_t length,
    bool is_text);
void shoal_websocket_close(struct shoal_stream_conn *stream, int code, const char *reason);
void shoal_websocket_ping(struct shoal_stream_conn *stream);

#endif
