// http.h - routes, requests and answers.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_HTTP_H
#define SHOAL_HTTP_H
#include <jansson.h>

#include <shoal/sized.h>
#include <shoal/version.h>

/// Who may come in. The host checks before the handler runs.
enum shoal_auth {
    SHOAL_AUTH_OPTIONAL = 0, ///< anonymous is fine; a bad token is 401 all the same
    SHOAL_AUTH_USER = 1,
    SHOAL_AUTH_MODERATOR = 2,
    SHOAL_AUTH_ADMIN = 3,
    SHOAL_AUTH_NONE = 4, ///< tokens and cookies are not even looked at
};

/// How a body is taken in.
enum shoal_body {
    SHOAL_BODY_NONE = 0, ///< a body is refused with 413
    SHOAL_BODY_DATA = 1, ///< JSON, form or small multipart in memory, at most body_max_bytes
    SHOAL_BODY_FILES = 2, ///< multipart whose file parts go to temporary files, hashed on the way
    SHOAL_BODY_RAW = 3,   ///< any bytes, to the file and offset that the head handler names
};

/// Which limiter a request spends from; each bucket is a setting ("http.rate.api").
enum shoal_rate {
    SHOAL_RATE_API = 0,
    SHOAL_RATE_LOGIN = 1,
    SHOAL_RATE_REGISTER = 2,
    SHOAL_RATE_WRITE = 3,
    SHOAL_RATE_SEARCH = 4,
    SHOAL_RATE_PAGE = 5,
    SHOAL_RATE_NONE = 6, ///< media and what costs nothing
    SHOAL_RATE_FFMPEG = 7, ///< calls after which ffmpeg works: uploads, pictures
    SHOAL_RATE_PEER = 8,   ///< what other servers send by themselves, many of them for thousands of people
};

/// Answers a request: give one answer with shoal_answer_*() and return 0, or fill err and return a
/// negative error, which becomes problem+json (or the error page).
typedef int shoal_handler_fn(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err);

/// One route. Fields that are 0 have the defaults said here.
struct shoal_route {
    const char *method;   ///< "GET" (answers HEAD too), "POST", …
    const char *path;     ///< "/api/v1/videos/{id}"; a literal segment beats {x}; "{x...}" takes the rest
    const char *produces; ///< media type for Accept negotiation, or NULL for any
    shoal_handler_fn *handler; ///< [worker] the request is whole
    shoal_handler_fn *head;    ///< [worker] the head is complete, before the body is read; or NULL.
                               ///< An answer or an error given here ends the request.
    void *arg;
    enum shoal_auth auth;
    enum shoal_body body;
    uint64_t body_max_bytes; ///< 500 kB for DATA; for FILES and RAW the head handler may set it
    uint32_t timeout_ms;     ///< for the handler: 10 s. Bodies have their own, by progress
    enum shoal_rate rate;
    uint32_t cache_s; ///< answers to anonymous requests are shared for so long; 0: never
    bool cors;        ///< Access-Control-Allow-Origin: *
    uint32_t head_max_bytes; ///< request line and headers; 32 KiB, which is the most for any route
    /// The query is not taken apart, and may be bytes that are no UTF-8: the handler reads
    /// shoal_request_query_string() itself. Since: 1.0.
    bool raw_query;
    /// [loop] Tried before the handler, by the loop that read the request: no queue, no other thread. For short
    /// answers out of the plugin's own memory. A loop serves thousands meanwhile, so it must not block: it may
    /// call what is [any], and read the request and give bytes, text or JSON with the functions below;
    /// no hook, no database, no file, no request of its own. Where it gives no answer, whatever it returns,
    /// the handler runs on a worker as if it had been the first; shoal_request_keep() hands something on.
    /// Only for routes with auth NONE, without a body, a head handler and cache_s. Since: 1.0.
    shoal_handler_fn *quick;
    /// Where another route has the same path, this one is for clients whose Accept names `produces` itself, and
    /// likes nothing of the other better (q): "*/*" and an absent header get the other. Since: 1.0.
    bool named_only;
};

/// Adds a route. Two plugins with the same route: the later in the configuration is quarantined.
///
/// route:   copied; its strings must outlive the plugin.
/// Returns: 0 or a negative error. Errors: SHOAL_ECONFLICT, SHOAL_EFORBIDDEN (no permission
///          "routes:/PREFIX"), SHOAL_EINVAL (bad pattern). Thread: start() only. Blocks: no.
/// Since:   1.0.
SHOAL_INLINE int shoal_route_add(struct shoal_plugin *self, const struct shoal_route *route,
    struct shoal_err *err)
{
    return shoal_route_add_sized(self, route, sizeof *route, err);
}

// What a request says. All text is borrowed and lives as long as the request. Reading a header,
// cookie or credential makes the answer private to this client: it is not put in the shared cache.
// Returns: NULL where there is none. Errors: none. Thread: [worker]. Blocks: no. Since: 1.0.

SHOAL_API const char *shoal_request_method(const struct shoal_request *request);
SHOAL_API const char *shoal_request_path(const struct shoal_request *request);
/// The decoded value of a path parameter ("id").
SHOAL_API const char *shoal_request_param(const struct shoal_request *request, const char *name);
/// The first value of a query key, and all values ("a=1&a=2", "a[]=1") as an array, NULL-ended.
SHOAL_API const char *shoal_request_query(const struct shoal_request *request, const char *name);
SHOAL_API const char *const *shoal_request_query_all(const struct shoal_request *request,
    const char *name);
/// The raw query, without "?".
SHOAL_API const char *shoal_request_query_string(const struct shoal_request *request);
SHOAL_API const char *shoal_request_header(struct shoal_request *request, const char *name);
SHOAL_API const char *shoal_request_cookie(struct shoal_request *request, const char *name);
/// The client's address as the trusted proxies tell it ("203.0.113.9"), and the /64 or /24 of it.
SHOAL_API const char *shoal_request_address(struct shoal_request *request);
SHOAL_API const char *shoal_request_address_prefix(struct shoal_request *request);
/// "https" or "http", and the host that the client asked for, checked against the settings.
SHOAL_API const char *shoal_request_scheme(struct shoal_request *request);
SHOAL_API const char *shoal_request_host(struct shoal_request *request);
/// Whether this is a call that a page makes in-process rather than one from the network.
SHOAL_API bool shoal_request_internal(const struct shoal_request *request);

/// The body as JSON: parsed JSON, or the form's fields ("tags[0]", "scheduleUpdate[updateAt]" and
/// repeated names become arrays and objects, the text "null" becomes null in multipart forms).
///
/// Returns: borrowed, an empty object without a body; NULL with err for a bad one.
/// Errors:  SHOAL_EINVAL, SHOAL_ETYPE. Thread: [worker]. Blocks: no. Since: 1.0.
SHOAL_API json_t *shoal_request_body(struct shoal_request *request, struct shoal_err *err);
SHOAL_API const char *shoal_request_body_bytes(struct shoal_request *request, size_t *length);

/// A file part of a multipart body, in a temporary file that goes away with the request unless its
/// handler renames it.
struct shoal_upload {
    const char *field;
    const char *filename;  ///< as the client named it: text, never a path
    const char *mime;      ///< as the client said
    const char *path;      ///< the temporary file
    uint64_t size_bytes;
    const char *sha256;    ///< 64 lower-case hex characters
};
SHOAL_API const struct shoal_upload *shoal_request_upload(struct shoal_request *request,
    const char *field);

/// In a head handler of a RAW route: where the body goes. Bytes are written at offset_bytes;
/// more than max_bytes is 413.
///
/// Returns: 0 or a negative error. Errors: SHOAL_EIO. Thread: [worker], head handler only.
/// Blocks:  no. Since: 1.0.
SHOAL_API int shoal_request_body_to(struct shoal_request *request, const char *path,
    uint64_t offset_bytes, uint64_t max_bytes, struct shoal_err *err);
/// In a head handler, after shoal_request_body_to: adds the bytes that are written to a sum, in their
/// order, so that nobody has to read them again. It is the request's until its handler runs, which it
/// does also for a body that broke off.
///
/// Returns: nothing. Errors: none. Thread: [worker], head handler only. Blocks: no. Since: 1.0.
SHOAL_API void shoal_request_body_sum(struct shoal_request *request, struct shoal_sha256 *sum);
/// In a head handler: the body limit of this request.
SHOAL_API void shoal_request_limit(struct shoal_request *request, uint64_t max_bytes);
/// The declared length (-1: chunked), and in the handler of a RAW route the bytes that were written
/// and, when they arrived whole, true.
SHOAL_API int64_t shoal_request_content_length(const struct shoal_request *request);
SHOAL_API uint64_t shoal_request_written(const struct shoal_request *request, bool *whole);
/// A pointer that travels from the head handler to the handler.
SHOAL_API void shoal_request_keep(struct shoal_request *request, void *value);
SHOAL_API void *shoal_request_kept(const struct shoal_request *request);

// Answers. One of them a request; headers first. Values with control characters are refused, and so are
// headers that frame the message; "Connection: close" ends the connection with the answer.

SHOAL_API int shoal_answer_header(struct shoal_request *request, const char *name,
    const char *value);
/// JSON; takes the reference.
SHOAL_API int shoal_answer_json(struct shoal_request *request, int status, json_t *value);
/// Bytes, copied. type NULL for an answer without a body.
SHOAL_API int shoal_answer_bytes(struct shoal_request *request, int status, const char *type,
    const void *data, size_t length);
SHOAL_API int shoal_answer_text(struct shoal_request *request, int status, const char *text);
/// Only a status (204 and the like), and a redirect.
SHOAL_API int shoal_answer_status(struct shoal_request *request, int status);
SHOAL_API int shoal_answer_redirect(struct shoal_request *request, int status, const char *url);
/// A file of this machine; Range, If-Range, ETag and HEAD are the host's work. download_name: sent as
/// attachment, or NULL. max_age_s: Cache-Control; 0: private, no-cache; immutable for a year and more.
SHOAL_API int shoal_answer_file(struct shoal_request *request, const char *path, const char *type,
    const char *download_name, uint32_t max_age_s, struct shoal_err *err);

/// Lets a request wait without a worker: where its handler then returns 0 and gives no answer, it is called
/// again, on a worker, once the word was said with shoal_request_wake() or wait_ms are over; what it
/// kept is still kept. A word counts from this call on, so ask first, call this, and look again.
///
/// word:    "PLUGIN:what"; copied.
/// Returns: 0 or a negative error. Errors: SHOAL_EUNSUPPORTED (in-process, or with files or a raw body),
///          SHOAL_EBUSY (too many wait, or the server stops). Thread: [worker], handler only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_request_await(struct shoal_request *request, const char *word, uint32_t wait_ms,
    struct shoal_err *err);
/// Says a word: the handlers of all requests that wait for it are called again.
///
/// Returns: nothing. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API void shoal_request_wake(const char *word);

/// A body that is made while the client takes it: for remote storage and generated downloads. The call
/// of the handler lives until close() returns; read() and seek() may use it (for storage, fetches and
/// sleeps), and the host gives it a new deadline before each of them.
struct shoal_pull {
    /// [file thread] Gives up to `room` bytes. Returns the count, 0 at the end, or a negative error.
    int64_t (*read)(void *state, void *out, size_t room);
    void (*close)(void *state); ///< called once, whatever happens
    void *state;
    int64_t size_bytes; ///< -1 when unknown (chunked); otherwise Range is served when seek is given
    int (*seek)(void *state, uint64_t offset_bytes); ///< or NULL
};
SHOAL_INLINE int shoal_answer_pull(struct shoal_request *request, int status, const char *type,
    const struct shoal_pull *pull)
{
    return shoal_answer_pull_sized(request, status, type, pull, sizeof *pull);
}
/// ETag made of this text instead of the body's hash; a matching If-None-Match answers 304.
SHOAL_API void shoal_answer_etag(struct shoal_request *request, const char *tag);
/// The answer may not be shared, whatever the route says.
SHOAL_API void shoal_answer_private(struct shoal_request *request);

/// Makes a request to a route of this server, as the same viewer, on this very worker.
///
/// method, path:  path with query. body: borrowed JSON or NULL.
/// status, answer: out; *answer is a new reference or NULL (not JSON or no body).
/// Returns: 0 also for error statuses; negative where no answer could be made.
/// Errors:  SHOAL_EINVAL, SHOAL_ECANCELLED. Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_inprocess(struct shoal_call *call, const char *method, const char *path,
    const json_t *body, int *status, json_t **answer, struct shoal_err *err);
/// The same for a handler that passes its own client's files and form on.
SHOAL_API int shoal_inprocess_from(struct shoal_call *call, struct shoal_request *from,
    const char *method, const char *path, const json_t *body, int *status, json_t **answer,
    struct shoal_err *err);

/// An absolute URL of this site for a path that begins with "/"; in the call's arena.
SHOAL_API const char *shoal_url(struct shoal_call *call, const char *path);

/// Answers what no route or handler could: an unknown page, a refused one, a failed one.
///
/// why: the error with its status by shoal_error_status(). An answer and 0, or a negative error, upon
/// which problem+json is sent.
typedef int shoal_fallback_fn(struct shoal_call *call, struct shoal_request *request, int status,
    const struct shoal_err *why, void *arg, struct shoal_err *err);
/// Renders errors for requests that prefer text/html, outside /api/. One plugin has it.
///
/// Returns: 0 or a negative error. Errors: SHOAL_ECONFLICT, SHOAL_EFORBIDDEN (no permission "pages").
/// Thread:  start() only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_fallback_set(struct shoal_plugin *self, shoal_fallback_fn *fn, void *arg,
    struct shoal_err *err);

/// The form token of this visitor's session, for a hidden field "csrf" or the header x-shoal-csrf.
/// What changes state with a cookie needs a matching Origin, Sec-Fetch-Site or this.
///
/// Returns: text in the call's arena, "" without a session cookie. Errors: none.
/// Thread:  [worker]. Blocks: yes. Since: 1.0.
SHOAL_API const char *shoal_csrf(struct shoal_call *call, struct shoal_request *request);

/// Percent-encodes for one path segment or query value; in the arena.
SHOAL_API const char *shoal_url_encode(struct shoal_arena *arena, const char *text);

#endif
