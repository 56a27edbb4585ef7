// request_priv.h - a request from its head to its answer.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_REQUEST_PRIV_H
#define SHOAL_CORE_NET_REQUEST_PRIV_H
#include <shoal/buf.h>
#include <stdatomic.h>

#include "net/cache_priv.h"
#include "net/query_priv.h"
#include "net/request.h"
#include "net/server_priv.h"
#include "net/wire_priv.h"

struct shoal_sink;

/// A connection that leaves HTTP: an upgrade (101) or an answer that stays open (events).
struct shoal_taken {
    struct shoal_loop *loop;
    struct shoal_wire wire;      ///< belongs to whoever takes it
    struct shoal_address peer;
    char *rest;                  ///< bytes that came behind the request; free() them
    size_t rest_length;
};
/// [loop] taken is valid during the call only; it is NULL when the client went away first.
typedef void shoal_taken_fn(struct shoal_taken *taken, void *arg);

enum shoal_answer_kind {
    SHOAL_ANSWER_NONE = 0,
    SHOAL_ANSWER_BYTES,
    SHOAL_ANSWER_FILE,
    SHOAL_ANSWER_PULL,
    SHOAL_ANSWER_TAKEN,
};

/// What a handler gave.
struct shoal_answer {
    enum shoal_answer_kind kind;
    int status;
    struct shoal_buf headers; // "Name: value\r\n" each
    bool has_cache_control, has_content_encoding;
    const char *type;         // in the arena, or NULL
    char *body;               // malloc'd
    size_t length;
    int file;                 // descriptor
    uint64_t file_size;
    int64_t file_changed_s;
    uint32_t max_age_s;
    struct shoal_pull pull;
    char *etag;               // with its quotes, in the arena
    shoal_taken_fn *taken;
    void *taken_arg;
    bool is_private;
    bool is_last;             // the connection ends with it
};

/// What goes on the wire: made on a worker, needs nothing of the arena (but for pull sources).
struct shoal_reply {
    int status;
    char *head;               // malloc'd: status line and headers, without the ones of the moment
    size_t head_length;
    char *body;               // malloc'd, or NULL
    size_t length;
    int file;                 // -1: none
    uint64_t file_first, file_length;
    bool is_pull, is_chunked;
    uint64_t pull_length;
    struct shoal_item *item;  // a shared answer instead of head and body
};

struct shoal_param {
    const char *name, *value;
};

enum shoal_await_state {
    SHOAL_AWAIT_NONE = 0,
    SHOAL_AWAIT_LISTED, ///< its handler asked for it and may still give an answer
    SHOAL_AWAIT_CALLED, ///< and the word was said meanwhile
    SHOAL_AWAIT_RESTS,  ///< no thread has it
};

/// What a request waits for without a worker; of await.c, but for what its loop says.
struct shoal_await {
    struct shoal_request *next;
    const char *word; // in the arena
    enum shoal_await_state state;
    uint32_t wait_ms;
    int64_t end_ms; // [loop] when it has waited long enough
    bool is_over;   // nobody wants the answer, or the server stops: it waits no more
};

/// Uploads in the order of the body.
struct shoal_uploads {
    struct shoal_upload items[32];
    int count;
};

struct shoal_request {
    struct shoal_call call; // its arena holds what the request says
    bool has_call;
    struct shoal_server *server;
    struct shoal_loop *loop;
    struct shoal_conn *conn; // [loop] NULL once the client is gone
    bool is_busy;            // [loop] a worker or file thread has it
    atomic_bool cancel;

    const struct shoal_entry *entry; // NULL: no route
    const char *allow;
    struct shoal_param params[SHOAL_PARAM_MAX];
    size_t param_count;
    const struct shoal_header *headers; // values are NUL-ended
    size_t header_count;
    const char *method, *path, *query_string;
    struct shoal_pairs query;
    bool has_query, has_origin, is_internal, is_head, is_old, is_negotiated, has_credential;
    bool takes_gzip, is_same; // of a shared answer
    struct shoal_origin origin;
    const char *host;      ///< of the public address, where there is one
    const char *sent_host; ///< as the client, or a trusted proxy, sent it
    char address[48], address_prefix[56];
    char id[24];
    char limit_lines[160]; // X-RateLimit-*, ready

    enum shoal_body mode;
    bool has_body, expects_continue, has_limit, is_chunked;
    int64_t content_length; // -1: chunked
    uint64_t body_max;
    struct shoal_buf body;
    size_t body_held; // of its capacity, what counts in server->body_bytes
    struct shoal_sink *sink;
    const char *to_path;
    uint64_t to_offset, written;
    struct shoal_sha256 *to_sum; // borrowed; NULL: nobody asked
    bool is_whole, ran_body;
    json_t *json;
    struct shoal_uploads *uploads;
    bool owns_uploads;
    void *kept;
    struct shoal_await await;

    struct shoal_answer answer;
    struct shoal_reply reply;
    struct shoal_ticket *ticket; // this request makes a shared answer
    uint64_t epoch;              // when it began
};

/// [loop] Makes a request of the loop's head and match, whose bytes begin at `bytes`.
struct shoal_request *shoal_request_new(struct shoal_loop *loop, const char *bytes, size_t length,
    const struct shoal_origin *origin);
/// [any but a loop, when it has an arena] Frees all of it.
void shoal_request_free(struct shoal_request *request);
/// [worker] Frees what only the handlers needed; the reply stays.
void shoal_request_drop(struct shoal_request *request);
/// The value of a header, without consequences for sharing; or NULL.
const char *shoal_request_peek(const struct shoal_request *request, const char *name);
/// [worker] Sets the call up, or takes it up again, for a phase on this thread; and leaves it.
void shoal_request_enter(struct shoal_request *request);
void shoal_request_leave(struct shoal_request *request);

/// [loop] Lets a request rest whose handler gave no answer and waits. False: the word was said already.
bool shoal_await_rest(struct shoal_request *request);
/// [loop] Takes a request back that rests; false when it does not, or somebody else was faster.
bool shoal_await_take(struct shoal_request *request);
/// It waits no more: it was answered, or nobody wants the answer.
void shoal_await_end(struct shoal_request *request);
/// [any] exchange.c: runs the handler of a request that waited again; who took it calls this.
void shoal_exchange_again(struct shoal_request *request);

/// [worker] Turns the answer into the reply. Without an answer: a 500.
void shoal_reply_make(struct shoal_request *request);
void shoal_reply_fini(struct shoal_reply *reply);
/// Frees what the answer holds; closes its file or source.
void shoal_answer_drop(struct shoal_request *request);
/// The text of a status ("Not Found").
const char *shoal_status_text(int status);
/// A whole answer as problem+json, for refusals that never reach a worker. free() it.
char *shoal_problem_text(int status, const char *detail, size_t *length);
json_t *shoal_problem_json(int status, const struct shoal_err *err);

/// Hands the connection over once the head (status and headers so far) is sent. [worker]
int shoal_answer_taken(struct shoal_request *request, int status, shoal_taken_fn *taken, void *arg,
    struct shoal_err *err);

#endif
