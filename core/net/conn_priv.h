// conn_priv.h - a connection that speaks HTTP/1.1.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_CONN_PRIV_H
#define SHOAL_CORE_NET_CONN_PRIV_H
#include "net/chunk_priv.h"
#include "net/request_priv.h"

enum shoal_conn_state {
    SHOAL_CONN_HANDSHAKE = 0,
    SHOAL_CONN_HEAD = 1,   ///< between requests, or in a head
    SHOAL_CONN_WORK = 2,   ///< the request is elsewhere
    SHOAL_CONN_BODY = 3,
    SHOAL_CONN_WRITE = 4,
    SHOAL_CONN_LINGER = 5, ///< all is said; what still comes is thrown away for a moment
    SHOAL_CONN_GONE = 6,
};

/// How long a connection without a request may stay when the server stops: one may be on the way.
#define SHOAL_CONN_STOP_MS 300

/// The answer on its way out.
struct shoal_out {
    struct iovec pieces[4];
    int at, count;
    struct shoal_reply reply;      // owned
    struct shoal_request *request; // owned while a pull source needs it
    struct shoal_puller *puller;
    char lines[320];               // headers of the moment: date, request id, connection
    uint64_t file_at, file_left;
    uint64_t known_until;       // the file is in memory up to here: it was just read
    size_t retry;               // TLS must be given these bytes again
    struct shoal_ahead *ahead;  // a file thread reads ahead
    shoal_taken_fn *taken;      // the connection goes to somebody else afterwards
    void *taken_arg;
    bool is_file, is_close;
};

struct shoal_conn {
    struct shoal_loop *loop;
    struct shoal_conn *prev, *next;
    uv_poll_t poll;
    int events;
    enum shoal_conn_state state;
    struct shoal_wire wire;
    struct shoal_address peer;
    bool is_tls, is_redirect;
    bool keep_alive, is_last, saw_end, is_discarding, is_paused, is_in_head;
    char *in; // bytes not yet understood; NULL while there are none
    size_t in_length, in_room, scanned;
    int64_t deadline_ms;
    uint64_t moved; // bytes in this window
    struct shoal_request *request;
    struct shoal_waiter *waiter;
    bool body_is_chunked, body_is_done;
    uint64_t body_left;
    struct shoal_chunked chunked;
    struct shoal_out out;
};

/// [loop] Everything here.
void shoal_conn_start(struct shoal_listener *listener, int fd, const struct sockaddr *peer);
void shoal_conn_close(struct shoal_conn *conn);
/// Goes on with what is buffered, after an answer was sent or a request came back.
void shoal_conn_continue(struct shoal_conn *conn);
void shoal_conn_poll(struct shoal_conn *conn);
/// Looks at the deadline.
void shoal_conn_tick(struct shoal_conn *conn);
/// A request of it that waits for a word waits no more.
void shoal_conn_hurry(struct shoal_conn *conn);
bool shoal_conn_is_idle(const struct shoal_conn *conn);
/// Starts to wait: deadline and state.
void shoal_conn_wait(struct shoal_conn *conn, enum shoal_conn_state state, uint32_t ms);

/// exchange.c: what happens to a head that is complete; `bytes` begin with it.
void shoal_exchange_head(struct shoal_conn *conn, const char *bytes, size_t length);
/// Refuses with problem+json and closes.
void shoal_exchange_refuse(struct shoal_conn *conn, int status, const char *text,
    const char *more_headers);
/// The body of conn->request is whole (or the client went away in it).
void shoal_exchange_body(struct shoal_conn *conn);
/// The request is left without a client.
void shoal_exchange_abandon(struct shoal_request *request);

/// conn_body.c: lowers room to what the body's sink would take. False, and paused, when that is nothing.
bool shoal_conn_body_room(struct shoal_conn *conn, size_t *room);
/// conn_body.c: takes body bytes. Returns how many were used; conn->body_is_done tells the end.
size_t shoal_conn_take_body(struct shoal_conn *conn, const char *data, size_t length);
/// Goes to the body of the request: sink, 100-continue.
void shoal_conn_begin_body(struct shoal_conn *conn);
/// [loop] Frees a request, on a file thread where that may block.
void shoal_request_discard(struct shoal_request *request);

/// conn_out.c: starts to send. The reply moves to the connection.
void shoal_conn_send(struct shoal_conn *conn, struct shoal_reply *reply, const char *id,
    const char *more, bool is_head);
/// Sends the reply of a request that came back; owns the request from now on.
void shoal_conn_send_request(struct shoal_conn *conn, struct shoal_request *request);
/// id, more: of the request that made the item, or NULL.
void shoal_conn_send_item(struct shoal_conn *conn, struct shoal_item *item, const char *id,
    const char *more, bool is_head, bool takes_gzip, bool is_same);
/// Sends on; returns when the wire is full or all is sent.
void shoal_conn_push(struct shoal_conn *conn);
void shoal_out_fini(struct shoal_conn *conn);

/// file.c: one turn of the file. 1: turn done, 0: file done, AGAIN, BROKEN, or WAIT for a file thread.
#define SHOAL_FILE_WAIT (-3)
ssize_t shoal_file_turn(struct shoal_conn *conn);
void shoal_ahead_detach(struct shoal_ahead *ahead);

/// redirect.c: answers of the plain port, and the files of the ACME challenge.
void shoal_redirect_answer(struct shoal_conn *conn, const char *bytes, size_t length);
/// exchange.c: gives a request to a worker; 503 when all are busy.
void shoal_exchange_submit(struct shoal_conn *conn, struct shoal_request *request,
    shoal_pool_fn *fn);
/// [worker] The last step of such a function: makes the reply and goes back to the loop.
void shoal_exchange_replied(struct shoal_request *request);

/// pull.c
struct shoal_puller *shoal_puller_new(struct shoal_conn *conn, struct shoal_request *request);
/// Puts the next pieces into out; 0: end, 1: pieces are there, WAIT, BROKEN.
int shoal_puller_next(struct shoal_conn *conn);
void shoal_puller_detach(struct shoal_puller *puller);

#endif
