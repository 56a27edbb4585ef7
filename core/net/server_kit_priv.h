// server_kit_priv.h - for tests: a small app on a server of its own, and a client of raw bytes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_SERVER_KIT_PRIV_H
#define SHOAL_CORE_NET_SERVER_KIT_PRIV_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include <shoal/base.h>
#include <shoal/buf.h>

#include "base/file.h"
#include "net/limit_priv.h"
#include "net/request.h"
#include "net/stream.h"

#define FILE_BYTES 300000

static struct {
    char folder[64];
    int port, tls_port, redirect_port;
    struct shoal_router *router;
    struct shoal_server *server;
    _Atomic uint64_t epoch;
    atomic_int made, cancelled, partial;
    atomic_bool gate; // slow handlers wait for it
    atomic_int waiting;
} world;

// --- a small app ---

static inline int hello(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    const char *name = shoal_request_query(request, "name");
    char text[128];
    snprintf(text, sizeof text, "hello %s", name ? name : "you");
    return shoal_answer_text(request, 200, text);
}

static inline int last(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    assert_int_equal(shoal_answer_header(request, "Connection", "close"), 0);
    return hello(call, request, arg, err);
}

static inline int shared(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    (void)err;
    int count = atomic_fetch_add(&world.made, 1) + 1;
    if (shoal_request_query(request, "slow")) {
        shoal_call_sleep(call, 200);
    }
    if (shoal_request_query(request, "own")) {
        shoal_request_header(request, "user-agent");
    }
    char text[4096];
    memset(text, 'x', sizeof text);
    snprintf(text, sizeof text, "made %d %s", count, shoal_call_locale(call));
    text[strlen(text)] = '.';
    return shoal_answer_bytes(request, 200, "text/plain", text, sizeof text);
}

static inline int slow(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    (void)err;
    atomic_fetch_add(&world.waiting, 1);
    while (!atomic_load(&world.gate) && !shoal_call_cancelled(call)) {
        usleep(1000);
    }
    if (shoal_call_cancelled(call)) {
        atomic_fetch_add(&world.cancelled, 1);
    }
    atomic_fetch_sub(&world.waiting, 1);
    return shoal_answer_text(request, 200, "slow");
}

static inline int echo(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    json_t *body = shoal_request_body(request, err);
    return body ? shoal_answer_json(request, 200, json_incref(body)) : err->code;
}

static inline int guard(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    if (shoal_request_header(request, "x-refuse")) {
        return shoal_fail_api(err, SHOAL_EFORBIDDEN, "quota_reached", "the quota is full");
    }
    return 0;
}

static inline int file(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *path =
        shoal_arena_printf(shoal_call_arena(call), "%s/file.bin", world.folder);
    return shoal_answer_file(request, path, "video/mp4", NULL, 60, err);
}

static inline void free_sum(void *sum)
{
    shoal_sha256_free(sum);
}

static inline int raw_head(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *path = shoal_arena_printf(shoal_call_arena(call), "%s/raw.bin", world.folder);
    const char *offset = shoal_request_query(request, "offset");
    int code = shoal_request_body_to(request, path, offset ? strtoull(offset, NULL, 10) : 0,
        1u << 20, err);
    if (code == 0 && shoal_request_query(request, "sum")) {
        struct shoal_sha256 *sum = shoal_sha256_new();
        shoal_arena_defer(shoal_call_arena(call), free_sum, sum);
        shoal_request_body_sum(request, sum);
        shoal_request_keep(request, sum);
    }
    return code;
}

static inline int raw(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    bool whole;
    uint64_t written = shoal_request_written(request, &whole);
    if (!whole) {
        atomic_store(&world.partial, (int)written);
    }
    struct shoal_sha256 *sum = shoal_request_kept(request);
    char text[128];
    char hex[65] = "";
    if (sum) {
        shoal_sha256_end(sum, hex);
    }
    snprintf(text, sizeof text, "%llu %d%s%s", (unsigned long long)written, whole, sum ? " " : "",
        hex);
    return shoal_answer_text(request, 200, text);
}

static inline int upload_head(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    shoal_request_limit(request, 4u << 20);
    return 0;
}

static inline int upload(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    json_t *body = shoal_request_body(request, err);
    const struct shoal_upload *file_part = shoal_request_upload(request, "videofile");
    if (!body || !file_part) {
        return shoal_fail(err, SHOAL_EINVAL, "no file");
    }
    struct stat info;
    bool is_there = stat(file_part->path, &info) == 0 &&
        (uint64_t)info.st_size == file_part->size_bytes;
    return shoal_answer_json(request, 200,
        json_pack("{s:O, s:s, s:s, s:I, s:s, s:b}", "fields", body, "filename",
            file_part->filename, "sha256", file_part->sha256, "size",
            (json_int_t)file_part->size_bytes, "path", file_part->path, "there", is_there));
}

struct source {
    struct shoal_call *call;
    int left;
    uint64_t at;
    bool waits; // for the gate
};

static int64_t source_read(void *state, void *out, size_t room)
{
    struct source *source = state;
    if (shoal_call_left_ms(source->call) == 0) {
        return SHOAL_ETIMEOUT;
    }
    while (source->waits && !atomic_load(&world.gate)) {
        usleep(1000);
    }
    size_t count = (size_t)source->left < room ? (size_t)source->left : room;
    for (size_t i = 0; i < count; i++) {
        ((char *)out)[i] = (char)('a' + (source->at + i) % 26);
    }
    source->at += count;
    source->left -= (int)count;
    return (int64_t)count;
}

static inline int source_seek(void *state, uint64_t offset)
{
    struct source *source = state;
    source->at = offset;
    source->left = 100000 - (int)offset;
    return 0;
}

static inline int pull(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    (void)err;
    struct source *source = shoal_arena_alloc(shoal_call_arena(call), sizeof *source);
    source->call = call;
    source->left = 100000;
    source->waits = shoal_request_query(request, "wait") != NULL;
    bool is_sized = shoal_request_query(request, "sized") != NULL;
    return shoal_answer_pull(request, 200, "text/plain",
        &(struct shoal_pull){.read = source_read, .state = source,
            .size_bytes = is_sized ? 100000 : -1, .seek = is_sized ? source_seek : NULL});
}

static inline int quick(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    const char *how = shoal_request_query(request, "how");
    if (!how) {
        return shoal_answer_text(request, 200, "quick");
    }
    shoal_request_keep(request, &world);
    shoal_answer_header(request, "X-Half", "made");
    return strcmp(how, "file") == 0 ? file(call, request, arg, err) : SHOAL_EINTERNAL;
}

static inline int thorough(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    return shoal_answer_text(request, 200, shoal_request_kept(request) ? "told" : "thorough");
}

static inline int chat(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    static const struct shoal_stream_ops none;
    static const struct shoal_socket_route route = {
        .path = "/chat", .ops = &none, .any_origin = true};
    int code = shoal_websocket_check(request, &route, err);
    return code < 0 ? code : shoal_websocket_answer(request, &route, NULL, NULL, err);
}

static inline int events(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    static const struct shoal_stream_ops none;
    return shoal_events_answer(request, &none, NULL, NULL, err);
}

static inline void run(void *self, struct shoal_call *call, struct shoal_request *request,
    enum shoal_phase phase)
{
    (void)self;
    struct shoal_err err = {0};
    const char *allow;
    const struct shoal_route *route = shoal_request_route(request, NULL, &allow);
    if (!route) {
        shoal_fail(&err, SHOAL_ENOTFOUND, "there is nothing at %s", shoal_request_path(request));
        shoal_answer_problem(request, &err);
        return;
    }
    if (phase == SHOAL_PHASE_QUICK) {
        route->quick(call, request, route->arg, &err); // whatever it says: an answer counts
        return;
    }
    shoal_handler_fn *fn = phase == SHOAL_PHASE_HEAD ? route->head : route->handler;
    if (fn && fn(call, request, route->arg, &err) < 0) {
        shoal_answer_problem(request, &err);
    }
}

static uint64_t epoch(void *self)
{
    (void)self;
    return atomic_load(&world.epoch);
}

// --- starting it ---

static inline int listen_on(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 128), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static inline void path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", world.folder, name);
}

static inline void make_certificate(const char *name)
{
    char path[128];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
        (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_sign(cert, key, EVP_sha256());
    path_of(path, "key.pem");
    FILE *out = fopen(path, "w");
    PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    fclose(out);
    path_of(path, "cert.pem");
    out = fopen(path, "w");
    PEM_write_X509(out, cert);
    fclose(out);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static inline void make_files(void)
{
    char path[128];
    char *bytes = malloc(FILE_BYTES);
    for (size_t i = 0; i < FILE_BYTES; i++) {
        bytes[i] = (char)('a' + i % 26);
    }
    path_of(path, "file.bin");
    assert_int_equal(shoal_file_write_whole(path, bytes, FILE_BYTES, 0600, NULL), 0);
    free(bytes);
    path_of(path, "acme/.well-known/acme-challenge");
    assert_int_equal(shoal_folder_make(path, 0700, NULL), 0);
    path_of(path, "acme/.well-known/acme-challenge/token-1");
    assert_int_equal(shoal_file_write_whole(path, "proof", 5, 0600, NULL), 0);
}

static inline void add(const struct shoal_route *route)
{
    struct shoal_err err = {0};
    assert_int_equal(shoal_router_add(world.router, route, NULL, &err), 0);
}

static inline void add_routes(void)
{
    world.router = shoal_router_new();
    add(&(struct shoal_route){.method = "GET", .path = "/hello", .handler = hello,
        .rate = SHOAL_RATE_NONE, .cors = true});
    add(&(struct shoal_route){.method = "GET", .path = "/last", .handler = last,
        .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "GET", .path = "/brief", .handler = hello,
        .rate = SHOAL_RATE_NONE, .head_max_bytes = 200});
    add(&(struct shoal_route){
        .method = "GET", .path = "/raw", .handler = hello, .raw_query = true});
    add(&(struct shoal_route){.method = "GET", .path = "/shared", .handler = shared,
        .rate = SHOAL_RATE_NONE, .cache_s = 30});
    add(&(struct shoal_route){.method = "GET", .path = "/slow", .handler = slow,
        .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "GET", .path = "/file", .handler = file,
        .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "GET", .path = "/pull", .handler = pull,
        .rate = SHOAL_RATE_NONE, .timeout_ms = 1000});
    add(&(struct shoal_route){.method = "GET", .path = "/chat", .handler = chat,
        .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "GET", .path = "/events", .handler = events,
        .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "GET", .path = "/quick", .handler = thorough,
        .quick = quick, .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "GET", .path = "/limited", .handler = hello,
        .rate = SHOAL_RATE_SEARCH});
    add(&(struct shoal_route){.method = "POST", .path = "/echo", .handler = echo, .head = guard,
        .body = SHOAL_BODY_DATA, .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "PUT", .path = "/raw", .handler = raw, .head = raw_head,
        .body = SHOAL_BODY_RAW, .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "POST", .path = "/upload", .handler = upload,
        .head = upload_head, .body = SHOAL_BODY_FILES, .rate = SHOAL_RATE_NONE});
    shoal_server_use(world.router);
}

static inline int start(void **state)
{
    (void)state;
    snprintf(world.folder, sizeof world.folder, "/tmp/shoal-net-XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    make_files();
    make_certificate("first");
    add_routes();
    shoal_rate_set(SHOAL_RATE_SEARCH, 3, 60000);
    shoal_limit_clear();
    char cert[128], key[128], acme[128];
    path_of(cert, "cert.pem");
    path_of(key, "key.pem");
    path_of(acme, "acme");
    struct shoal_listen_fd listens[] = {
        {.fd = listen_on(&world.port), .loop = -1},
        {.fd = listen_on(&world.tls_port), .loop = 0, .is_tls = true},
        {.fd = listen_on(&world.redirect_port), .loop = 1, .is_redirect = true},
    };
    static const char *const locales[] = {"en", "fr", NULL};
    static const char *const proxies[] = {"127.0.0.1", NULL};
    struct shoal_err err = {0};
    world.server = shoal_server_start(&(struct shoal_server_options){.loops = 2, .workers = 2,
        .listens = listens, .listen_count = 3, .tls_cert_path = cert, .tls_key_path = key,
        .acme_path = acme, .temp_path = world.folder, .queue_max = 2, .stop_grace_ms = 3000,
        .locales = locales, .trusted_proxies = proxies, .head_ms = 600, .idle_ms = 1500,
        .body_ms = 1000, .app = {.run = run, .epoch = epoch}}, &err);
    assert_non_null(world.server);
    for (int i = 0; i < 3; i++) {
        close(listens[i].fd);
    }
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    shoal_server_stop(world.server);
    shoal_router_free(world.router);
    return shoal_tree_remove(world.folder, NULL);
}

// --- speaking to it ---

static inline int dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    struct timeval most = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    return fd;
}

static inline void say_bytes(int fd, const void *data, size_t length)
{
    const char *at = data;
    while (length > 0) {
        ssize_t count = send(fd, at, length, MSG_NOSIGNAL);
        if (count <= 0) {
            return; // the server has said its last word: the test reads it
        }
        at += count;
        length -= (size_t)count;
    }
}

static inline void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

struct reply {
    int status;
    struct shoal_buf head, body;
    bool is_closed; // before the whole answer was there
};

static inline char *header(struct reply *reply, const char *name)
{
    static char value[512];
    size_t length = strlen(name);
    for (char *line = reply->head.data; line; line = strstr(line, "\r\n")) {
        line += strncmp(line, "\r\n", 2) == 0 ? 2 : 0;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *from = line + length + 2;
            size_t size = strcspn(from, "\r");
            assert_true(size < sizeof value);
            memcpy(value, from, size);
            value[size] = 0;
            return value;
        }
        if (!*line) {
            break;
        }
    }
    return NULL;
}

static inline void forget(struct reply *reply)
{
    shoal_buf_fini(&reply->head);
    shoal_buf_fini(&reply->body);
    *reply = (struct reply){0};
}

static inline bool read_byte(int fd, char *byte)
{
    return recv(fd, byte, 1, 0) == 1;
}

static inline bool read_line(int fd, struct shoal_buf *out)
{
    char byte = 0;
    size_t from = out->length;
    while (out->length - from < 2 || memcmp(out->data + out->length - 2, "\r\n", 2) != 0) {
        if (!read_byte(fd, &byte)) {
            return false;
        }
        shoal_buf_add(out, &byte, 1);
    }
    return true;
}

static inline bool read_count(int fd, struct shoal_buf *out, size_t count)
{
    char block[8192];
    while (count > 0) {
        ssize_t got = recv(fd, block, count < sizeof block ? count : sizeof block, 0);
        if (got <= 0) {
            return false;
        }
        shoal_buf_add(out, block, (size_t)got);
        count -= (size_t)got;
    }
    return true;
}

static inline void read_chunks(int fd, struct reply *reply)
{
    for (;;) {
        struct shoal_buf line = {0};
        bool is_there = read_line(fd, &line);
        size_t size = is_there ? strtoull(line.data, NULL, 16) : 0;
        shoal_buf_fini(&line);
        struct shoal_buf end = {0};
        reply->is_closed = !is_there || !read_count(fd, &reply->body, size) ||
            !read_count(fd, &end, 2);
        shoal_buf_fini(&end);
        if (size == 0 || reply->is_closed) {
            return;
        }
    }
}

static inline void hear(int fd, struct reply *reply, bool has_body)
{
    forget(reply);
    do {
        size_t from = reply->head.length;
        if (!read_line(fd, &reply->head)) {
            reply->is_closed = true;
            return;
        }
        if (reply->head.length - from == 2) {
            break;
        }
    } while (true);
    reply->status = (int)strtol(reply->head.data + 9, NULL, 10);
    if (!has_body || reply->status == 304 || reply->status == 204 || reply->status < 200) {
        return;
    }
    if (header(reply, "Transfer-Encoding")) {
        read_chunks(fd, reply);
        return;
    }
    char *length = header(reply, "Content-Length");
    assert_non_null(length);
    reply->is_closed = !read_count(fd, &reply->body, strtoull(length, NULL, 10));
}

static inline void ask(int fd, struct reply *reply, const char *text)
{
    say(fd, text);
    hear(fd, reply, strncmp(text, "HEAD", 4) != 0);
}

static inline bool is_closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) == 0;
}

#define HOST "Host: localhost\r\n"

#endif
