// echo.c - repeats what it hears on every kind of long connection, for the tests of those.
// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/plugin.h>

#define MESSAGE_MAX (1u << 20)
#define CHUNK       16384

static struct shoal_plugin *self;
static struct {
    _Atomic int sockets, events, raw; ///< open now
    _Atomic int opened, drained, last_code;
} counts;

// ---- WebSocket

static int socket_open(struct shoal_call *call, struct shoal_request *request, void *arg,
    void **state, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    if (shoal_request_query(request, "refuse")) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "you asked to be refused");
    }
    *state = malloc(16); // a leak, unless closed() comes
    return *state ? 0 : SHOAL_EINTERNAL;
}

static void socket_opened(shoal_stream stream, void *state)
{
    (void)stream;
    (void)state;
    counts.sockets++;
    counts.opened++;
}

struct job {
    shoal_stream stream;
    size_t length;
    char text[64];
};

/// A text that begins with "zzz" takes two seconds.
static void shout(struct shoal_call *call, void *arg)
{
    struct job *job = arg;
    if (strncmp(job->text, "left", 4) == 0) {
        bool is_bounded = shoal_call_left_ms(call) <= 60000;
        memcpy(job->text, is_bounded ? "some" : "ever", 4);
    }
    if (strncmp(job->text, "zzz", 3) == 0) {
        shoal_call_sleep(call, 2000);
    }
    for (size_t i = 0; i < job->length; i++) {
        job->text[i] = (char)toupper((unsigned char)job->text[i]);
    }
}

static void shouted(void *arg)
{
    struct job *job = arg;
    shoal_stream_send(job->stream, job->text, job->length, true);
    free(job);
}

static void work(shoal_stream stream, const char *text, size_t length)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        return;
    }
    job->stream = stream;
    job->length = length < sizeof job->text ? length : sizeof job->text;
    memcpy(job->text, text, job->length);
    if (shoal_work(self, shout, shouted, job, shoal_stream_loop(stream)) != 0) {
        free(job);
    }
}

/// Sends until the queue is full or all is sent.
static void flood(shoal_stream stream)
{
    static const char chunk[CHUNK];
    for (int i = 0; i < 4096 && shoal_stream_send(stream, chunk, sizeof chunk, false) == 0; i++) {
    }
}

static bool is_word(const void *data, size_t length, const char *word)
{
    return length >= strlen(word) && memcmp(data, word, strlen(word)) == 0;
}

static void socket_message(shoal_stream stream, void *state, const void *data, size_t length,
    bool is_text)
{
    (void)state;
    const char *text = data;
    if (is_text && is_word(data, length, "close ")) {
        char code[8] = "";
        memcpy(code, text + 6, length - 6 < 4 ? length - 6 : 4);
        shoal_stream_close(stream, (int)strtol(code, NULL, 10), "as you wish");
    } else if (is_text && is_word(data, length, "work ")) {
        work(stream, text + 5, length - 5);
    } else if (is_text && is_word(data, length, "flood")) {
        flood(stream);
    } else {
        shoal_stream_send(stream, data, length, is_text);
    }
}

static void socket_drained(shoal_stream stream, void *state)
{
    (void)stream;
    (void)state;
    counts.drained++;
}

static void socket_closed(shoal_stream stream, void *state, int code)
{
    if (stream) {
        counts.sockets--;
    }
    counts.last_code = code;
    free(state);
}

static int add_sockets(struct shoal_err *err)
{
    static const struct shoal_stream_ops ops = {
        socket_open, socket_opened, socket_message, socket_drained, socket_closed};
    struct shoal_socket_route route = {
        .path = "/echo/socket",
        .protocol = "echo",
        .ops = &ops,
        .message_max_bytes = MESSAGE_MAX,
        .queue_max_bytes = 4 * MESSAGE_MAX,
        .idle_ms = 60000,
    };
    int code = shoal_socket_add(self, &route, err);
    route.path = "/echo/short";
    route.idle_ms = 3000; // half of it is what a busy client has for its answer
    code = code < 0 ? code : shoal_socket_add(self, &route, err);
    route.path = "/echo/open";
    route.idle_ms = 60000;
    route.any_origin = true;
    code = code < 0 ? code : shoal_socket_add(self, &route, err);
    route.path = "/echo/members";
    route.any_origin = false;
    route.auth = SHOAL_AUTH_USER;
    return code < 0 ? code : shoal_socket_add(self, &route, err);
}

// ---- events

static void events_opened(shoal_stream stream, void *state)
{
    (void)state;
    counts.events++;
    json_t *hello = json_string("hello");
    shoal_stream_event(stream, "opened", hello);
    json_decref(hello);
}

static void events_closed(shoal_stream stream, void *state, int code)
{
    (void)code;
    if (stream) {
        counts.events--;
    }
    free(state);
}

static int answer_events(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    static const struct shoal_stream_ops ops = {.opened = events_opened, .closed = events_closed};
    void *state = malloc(16);
    int code = shoal_answer_events(request, shoal_request_query(request, "topic"), &ops, state, err);
    if (code < 0) {
        free(state);
    }
    return code;
}

static int answer_publish(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    const char *topic = shoal_request_query(request, "topic");
    const char *text = shoal_request_query(request, "text");
    json_t *message = json_pack("{s:s}", "text", text ? text : "");
    shoal_publish(topic ? topic : "echo", message);
    json_decref(message);
    return shoal_answer_status(request, 204);
}

// ---- listeners

static int raw_open(struct shoal_call *call, struct shoal_request *request, void *arg, void **state,
    struct shoal_err *err)
{
    (void)call;
    (void)request;
    (void)arg;
    (void)err;
    *state = malloc(16);
    return *state ? 0 : SHOAL_EINTERNAL;
}

static void raw_opened(shoal_stream stream, void *state)
{
    (void)stream;
    (void)state;
    counts.raw++;
}

static void raw_message(shoal_stream stream, void *state, const void *data, size_t length,
    bool is_text)
{
    (void)state;
    (void)is_text;
    shoal_stream_send(stream, data, length, false);
    if (is_word(data, length, "stay")) {
        shoal_stream_stay(stream, true);
    }
    if (is_word(data, length, "say ")) {
        json_t *message = json_pack("{s:s%}", "text", (const char *)data + 4, length - 4);
        shoal_publish("echo", message);
        json_decref(message);
    }
    if (is_word(data, length, "bye")) {
        shoal_stream_close(stream, 1000, "");
    }
}

static void raw_closed(shoal_stream stream, void *state, int code)
{
    (void)stream;
    (void)code;
    counts.raw--;
    free(state);
}

static int listen_on(
    enum shoal_listener_kind kind, const char *setting, struct shoal_err *err)
{
    static const struct shoal_stream_ops ops = {
        .open = raw_open, .opened = raw_opened, .message = raw_message, .closed = raw_closed};
    const char *address = shoal_setting_text(self, NULL, setting);
    return *address ? shoal_listen(self, kind, address, &ops, NULL, err) : 0;
}

// ---- fetching

static long query_number(struct shoal_request *request, const char *name)
{
    const char *text = shoal_request_query(request, name);
    return text ? strtol(text, NULL, 10) : 0;
}

static int answer_fetch(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    const char *url = shoal_request_query(request, "url");
    const char *const headers[] = {shoal_request_query(request, "header"), NULL};
    struct shoal_fetch what = {
        .method = shoal_request_query(request, "method"),
        .url = url ? url : "",
        .headers = headers[0] ? headers : NULL,
        .max_bytes = (uint64_t)query_number(request, "max"),
        .timeout_ms = (uint32_t)query_number(request, "timeout"),
        .redirects = (int)query_number(request, "redirects"),
    };
    const char *name = shoal_request_query(request, "file");
    if (name) {
        what.to_path = shoal_arena_printf(
            shoal_call_arena(call), "%s/%s", shoal_plugin_data(self, err), name);
    }
    struct shoal_fetched fetched = {0};
    int code = shoal_fetch(call, &what, &fetched, err);
    if (code < 0) {
        return code;
    }
    const char *note = fetched.header(&fetched, "X-Note");
    return shoal_answer_json(request, 200,
        json_pack("{s:i, s:s, s:s, s:s?, s:s?, s:I}", "status", fetched.status, "url", fetched.url,
            "type", fetched.type, "note", note, "body", fetched.body, "bytes",
            (json_int_t)fetched.body_bytes));
}

// ---- answers whose length nobody knows

/// 100,000 bytes: the alphabet, over and over.
static int64_t read_letters(void *state, void *out, size_t room)
{
    size_t *at = state;
    size_t length = 100000 - *at < room ? 100000 - *at : room;
    for (size_t i = 0; i < length; i++) {
        ((char *)out)[i] = (char)('a' + (*at + i) % 26);
    }
    *at += length;
    return (int64_t)length;
}

static int answer_letters(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    size_t *at = calloc(1, sizeof *at);
    return at ? shoal_answer_pull(request, 200, "application/octet-stream",
                    &(struct shoal_pull){
                        .read = read_letters, .close = free, .state = at, .size_bytes = -1})
              : shoal_fail(err, SHOAL_EINTERNAL, "no memory");
}

static int answer_counts(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    return shoal_answer_json(request, 200,
        json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "sockets", counts.sockets, "events",
            counts.events, "raw", counts.raw, "opened", counts.opened, "drained", counts.drained,
            "lastCode", counts.last_code));
}

static int answer_quick(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    const char *later = shoal_request_query(request, "later");
    shoal_request_keep(request, self);
    return later ? SHOAL_LATER : shoal_answer_json(request, 200, json_pack("{s:s}", "by", "loop"));
}

static int answer_later(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    return shoal_answer_json(request, 200,
        json_pack("{s:s, s:b}", "by", "worker", "told", shoal_request_kept(request) == self));
}

static int start(struct shoal_plugin *plugin, struct shoal_err *err)
{
    self = plugin;
    static const struct shoal_route routes[] = {
        {.method = "GET", .path = "/echo/events", .handler = answer_events, .rate = SHOAL_RATE_NONE},
        {.method = "GET", .path = "/echo/publish", .handler = answer_publish, .rate = SHOAL_RATE_NONE},
        {.method = "GET",
            .path = "/echo/fetch",
            .handler = answer_fetch,
            .timeout_ms = 30000,
            .rate = SHOAL_RATE_NONE},
        {.method = "GET", .path = "/echo/letters", .handler = answer_letters, .rate = SHOAL_RATE_NONE},
        {.method = "GET", .path = "/echo/counts", .handler = answer_counts, .rate = SHOAL_RATE_NONE},
        {.method = "GET",
            .path = "/echo/quick",
            .handler = answer_later,
            .quick = answer_quick,
            .auth = SHOAL_AUTH_NONE,
            .rate = SHOAL_RATE_NONE},
    };
    int code = add_sockets(err);
    for (size_t i = 0; code == 0 && i < sizeof routes / sizeof routes[0]; i++) {
        code = shoal_route_add(plugin, &routes[i], err);
    }
    code = code < 0 ? code : listen_on(SHOAL_LISTEN_TCP, "tcp", err);
    code = code < 0 ? code : listen_on(SHOAL_LISTEN_UDP, "udp", err);
    code = code < 0 ? code : listen_on(SHOAL_LISTEN_TLS, "tls", err);
    return code < 0 ? code : listen_on(SHOAL_LISTEN_UNIX, "unix", err);
}

SHOAL_PLUGIN(.name = "echo", .start = start);
