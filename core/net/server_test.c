// server_test.c - a whole server on a loopback socket, spoken to in raw bytes.
// SPDX-License-Identifier: AGPL-3.0-or-later
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

static int hello(struct shoal_call *call, struct shoal_request *request, void *arg,
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

static int shared(struct shoal_call *call, struct shoal_request *request, void *arg,
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

static int slow(struct shoal_call *call, struct shoal_request *request, void *arg,
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

static int echo(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    json_t *body = shoal_request_body(request, err);
    return body ? shoal_answer_json(request, 200, json_incref(body)) : err->code;
}

static int guard(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    if (shoal_request_header(request, "x-refuse")) {
        return shoal_fail_api(err, SHOAL_EFORBIDDEN, "quota_reached", "the quota is full");
    }
    return 0;
}

static int file(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *path =
        shoal_arena_printf(shoal_call_arena(call), "%s/file.bin", world.folder);
    return shoal_answer_file(request, path, "video/mp4", NULL, 60, err);
}

static int raw_head(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *path = shoal_arena_printf(shoal_call_arena(call), "%s/raw.bin", world.folder);
    const char *offset = shoal_request_query(request, "offset");
    return shoal_request_body_to(request, path, offset ? strtoull(offset, NULL, 10) : 0, 1u << 20,
        err);
}

static int raw(struct shoal_call *call, struct shoal_request *request, void *arg,
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
    char text[64];
    snprintf(text, sizeof text, "%llu %d", (unsigned long long)written, whole);
    return shoal_answer_text(request, 200, text);
}

static int upload_head(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    shoal_request_limit(request, 4u << 20);
    return 0;
}

static int upload(struct shoal_call *call, struct shoal_request *request, void *arg,
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
    int left;
    uint64_t at;
};

static int64_t source_read(void *state, void *out, size_t room)
{
    struct source *source = state;
    size_t count = (size_t)source->left < room ? (size_t)source->left : room;
    for (size_t i = 0; i < count; i++) {
        ((char *)out)[i] = (char)('a' + (source->at + i) % 26);
    }
    source->at += count;
    source->left -= (int)count;
    return (int64_t)count;
}

static int source_seek(void *state, uint64_t offset)
{
    struct source *source = state;
    source->at = offset;
    source->left = 100000 - (int)offset;
    return 0;
}

static int pull(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    (void)err;
    struct source *source = shoal_arena_alloc(shoal_call_arena(call), sizeof *source);
    source->left = 100000;
    bool is_sized = shoal_request_query(request, "sized") != NULL;
    return shoal_answer_pull(request, 200, "text/plain",
        &(struct shoal_pull){.read = source_read, .state = source,
            .size_bytes = is_sized ? 100000 : -1, .seek = is_sized ? source_seek : NULL});
}

static void run(void *self, struct shoal_call *call, struct shoal_request *request,
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

static int listen_on(int *port)
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

static void path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", world.folder, name);
}

static void make_certificate(const char *name)
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

static void make_files(void)
{
    char path[128];
    char *bytes = malloc(FILE_BYTES);
    for (size_t i = 0; i < FILE_BYTES; i++) {
        bytes[i] = (char)('a' + i % 26);
    }
    path_of(path, "file.bin");
    assert_int_equal(shoal_file_write_whole(path, bytes, FILE_BYTES, 0600, NULL), 0);
    free(bytes);
    path_of(path, "acme");
    assert_int_equal(mkdir(path, 0700), 0);
    path_of(path, "acme/token-1");
    assert_int_equal(shoal_file_write_whole(path, "proof", 5, 0600, NULL), 0);
}

static void add(const struct shoal_route *route)
{
    struct shoal_err err = {0};
    assert_int_equal(shoal_router_add(world.router, route, NULL, &err), 0);
}

static void add_routes(void)
{
    world.router = shoal_router_new();
    add(&(struct shoal_route){.method = "GET", .path = "/hello", .handler = hello,
        .rate = SHOAL_RATE_NONE, .cors = true});
    add(&(struct shoal_route){.method = "GET", .path = "/shared", .handler = shared,
        .rate = SHOAL_RATE_NONE, .cache_s = 30});
    add(&(struct shoal_route){.method = "GET", .path = "/slow", .handler = slow,
        .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "GET", .path = "/file", .handler = file,
        .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "GET", .path = "/pull", .handler = pull,
        .rate = SHOAL_RATE_NONE});
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

static int start(void **state)
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

static int stop(void **state)
{
    (void)state;
    shoal_server_stop(world.server);
    shoal_router_free(world.router);
    return shoal_tree_remove(world.folder, NULL);
}

// --- speaking to it ---

static int dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    struct timeval most = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    return fd;
}

static void say_bytes(int fd, const void *data, size_t length)
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

static void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

struct reply {
    int status;
    struct shoal_buf head, body;
    bool is_closed; // before the whole answer was there
};

static char *header(struct reply *reply, const char *name)
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

static void forget(struct reply *reply)
{
    shoal_buf_fini(&reply->head);
    shoal_buf_fini(&reply->body);
    *reply = (struct reply){0};
}

static bool read_byte(int fd, char *byte)
{
    return recv(fd, byte, 1, 0) == 1;
}

static bool read_line(int fd, struct shoal_buf *out)
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

static bool read_count(int fd, struct shoal_buf *out, size_t count)
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

static void read_chunks(int fd, struct reply *reply)
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

static void hear(int fd, struct reply *reply, bool has_body)
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

static void ask(int fd, struct reply *reply, const char *text)
{
    say(fd, text);
    hear(fd, reply, strncmp(text, "HEAD", 4) != 0);
}

static bool is_closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) == 0;
}

#define HOST "Host: localhost\r\n"

// --- cases ---

static void keeps_connections_open(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    for (int i = 0; i < 3; i++) {
        ask(fd, &reply, "GET /hello?name=b%C3%A9 HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body.data, "hello b\xc3\xa9");
        assert_string_equal(header(&reply, "x-powered-by"), "PeerTube");
        assert_string_equal(header(&reply, "X-Content-Type-Options"), "nosniff");
        assert_non_null(header(&reply, "x-request-id"));
        assert_non_null(header(&reply, "Date"));
    }
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_string_equal(header(&reply, "Connection"), "close");
    assert_true(is_closed(fd));
    close(fd);
    forget(&reply);
}

static void answers_pipelined_requests_in_order(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    say(fd, "GET /hello?name=1 HTTP/1.1\r\n" HOST "\r\nGET /shared HTTP/1.1\r\n" HOST
            "\r\nGET /hello?name=3 HTTP/1.1\r\n" HOST "\r\n");
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "hello 1");
    hear(fd, &reply, true);
    assert_memory_equal(reply.body.data, "made ", 5);
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "hello 3");
    close(fd);
    forget(&reply);
}

static void reads_heads_that_come_byte_by_byte(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    const char *text = "GET /hello HTTP/1.1\r\n" HOST "\r\n";
    for (size_t i = 0; text[i]; i++) {
        say_bytes(fd, text + i, 1);
        usleep(1000);
    }
    hear(fd, &reply, true);
    assert_int_equal(reply.status, 200);
    close(fd);
    forget(&reply);
}

static void reads_bodies_of_both_framings(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST
                    "Content-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"a\": 1}");
    assert_string_equal(reply.body.data, "{\"a\":1}");
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST
                    "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3;x=y\r\n{\"a\r\n5\r\n\": 2}\r\n0\r\nTrailer: x\r\n\r\n");
    assert_string_equal(reply.body.data, "{\"a\":2}");
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST
                    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\n\r\n"
                    "a%5B%5D=x&a[]=y+z");
    assert_string_equal(reply.body.data, "{\"a\":[\"x\",\"y z\"]}");
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n"); // the connection is in step
    assert_int_equal(reply.status, 200);
    close(fd);
    forget(&reply);
}

static void asks_for_the_body_only_when_the_head_is_accepted(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(reply.status, 100);
    ask(fd, &reply, "{}");
    assert_int_equal(reply.status, 200);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nX-Refuse: 1\r\n"
                    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(reply.status, 403);
    assert_non_null(strstr(reply.body.data, "\"code\":\"quota_reached\""));
    assert_non_null(strstr(reply.body.data, "\"error\":\"the quota is full\""));
    assert_true(is_closed(fd));
    close(fd);
    forget(&reply);
}

static void refuses_bodies_that_are_too_large(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 500001\r\n\r\n");
    assert_int_equal(reply.status, 413);
    close(fd);
    fd = dial(world.port);
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx");
    assert_int_equal(reply.status, 413);
    close(fd);
    forget(&reply);
}

static void serves_ranges_of_files(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body.length, FILE_BYTES);
    assert_int_equal(reply.body.data[FILE_BYTES - 1], 'a' + (FILE_BYTES - 1) % 26);
    assert_string_equal(header(&reply, "Cache-Control"), "public, max-age=60");
    char etag[64], ask_text[256];
    snprintf(etag, sizeof etag, "%s", header(&reply, "ETag"));
    ask(fd, &reply, "GET /file HTTP/1.1\r\n" HOST "Range: bytes=26-51\r\n\r\n");
    assert_int_equal(reply.status, 206);
    assert_string_equal(header(&reply, "Content-Range"), "bytes 26-51/300000");
    assert_string_equal(reply.body.data, "abcdefghijklmnopqrstuvwxyz");
    ask(fd, &reply, "GET /file HTTP/1.1\r\n" HOST "Range: bytes=300000-\r\n\r\n");
    assert_int_equal(reply.status, 416);
    assert_string_equal(header(&reply, "Content-Range"), "bytes */300000");
    snprintf(ask_text, sizeof ask_text, "GET /file HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n",
        etag);
    ask(fd, &reply, ask_text);
    assert_int_equal(reply.status, 304);
    snprintf(ask_text, sizeof ask_text,
        "GET /file HTTP/1.1\r\n" HOST "If-Range: \"other\"\r\nRange: bytes=0-0\r\n\r\n");
    ask(fd, &reply, ask_text);
    assert_int_equal(reply.status, 200);
    ask(fd, &reply, "HEAD /file HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(header(&reply, "Content-Length"), "300000");
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    close(fd);
    forget(&reply);
}

static void drains_pull_sources(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "GET /pull HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(header(&reply, "Transfer-Encoding"), "chunked");
    assert_int_equal(reply.body.length, 100000);
    ask(fd, &reply, "GET /pull?sized=1 HTTP/1.1\r\n" HOST "Range: bytes=52-77\r\n\r\n");
    assert_int_equal(reply.status, 206);
    assert_string_equal(reply.body.data, "abcdefghijklmnopqrstuvwxyz");
    ask(fd, &reply, "GET /pull?sized=1 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.body.length, 100000);
    close(fd);
    forget(&reply);
}

static void shares_answers_until_the_data_moves(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    atomic_fetch_add(&world.epoch, 1);
    ask(fd, &reply, "GET /shared?b=2&a=1 HTTP/1.1\r\n" HOST "\r\n");
    char first[64], etag[64], text[256];
    snprintf(first, sizeof first, "%.20s", reply.body.data);
    snprintf(etag, sizeof etag, "%s", header(&reply, "ETag"));
    ask(fd, &reply, "GET /shared?a=1&b=2 HTTP/1.1\r\n" HOST "\r\n");
    assert_memory_equal(reply.body.data, first, strlen(first));
    snprintf(text, sizeof text, "GET /shared?a=1&b=2 HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n",
        etag);
    ask(fd, &reply, text);
    assert_int_equal(reply.status, 304);
    ask(fd, &reply, "HEAD /shared?a=1&b=2 HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(header(&reply, "Content-Length"), "4096");
    ask(fd, &reply, "GET /shared?a=1&b=2 HTTP/1.1\r\n" HOST "Accept-Language: fr-CA\r\n\r\n");
    assert_non_null(strstr(reply.body.data, " fr"));
    int made = atomic_load(&world.made);
    ask(fd, &reply, "GET /shared?a=1&b=2 HTTP/1.1\r\n" HOST "Authorization: Bearer x\r\n\r\n");
    assert_int_equal(atomic_load(&world.made), made + 1);
    atomic_fetch_add(&world.epoch, 1);
    ask(fd, &reply, "GET /shared?a=1&b=2 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(atomic_load(&world.made), made + 2);
    ask(fd, &reply, "GET /shared?own=1 HTTP/1.1\r\n" HOST "\r\n");
    ask(fd, &reply, "GET /shared?own=1 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(atomic_load(&world.made), made + 4);
    assert_string_equal(header(&reply, "Cache-Control"), "private, no-cache");
    close(fd);
    forget(&reply);
}

static void lets_one_request_make_what_many_ask_for(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fds[5];
    atomic_fetch_add(&world.epoch, 1);
    int made = atomic_load(&world.made);
    for (int i = 0; i < 5; i++) {
        fds[i] = dial(world.port);
        say(fds[i], "GET /shared?slow=1 HTTP/1.1\r\n" HOST "\r\n");
        usleep(10000);
    }
    close(fds[4]); // one of the waiting goes away
    for (int i = 0; i < 4; i++) {
        hear(fds[i], &reply, true);
        assert_int_equal(reply.status, 200);
        close(fds[i]);
    }
    assert_int_equal(atomic_load(&world.made), made + 1);
    forget(&reply);
}

static void compresses_text(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    for (int i = 0; i < 2; i++) { // made, and from the cache
        ask(fd, &reply, "GET /shared?zip=1 HTTP/1.1\r\n" HOST "Accept-Encoding: gzip\r\n\r\n");
        assert_string_equal(header(&reply, "Content-Encoding"), "gzip");
        assert_non_null(strstr(header(&reply, "Vary"), "Accept-Encoding"));
        unsigned char out[8192];
        z_stream stream = {.next_in = (Bytef *)reply.body.data,
            .avail_in = (uInt)reply.body.length, .next_out = out, .avail_out = sizeof out};
        assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(stream.total_out, 4096);
        inflateEnd(&stream);
    }
    close(fd);
    forget(&reply);
}

static void limits_and_says_so(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    shoal_limit_clear();
    const char *text = "GET /limited HTTP/1.1\r\n" HOST "X-Forwarded-For: 203.0.113.7\r\n\r\n";
    for (int i = 0; i < 3; i++) {
        ask(fd, &reply, text);
        assert_int_equal(reply.status, 200);
        assert_string_equal(header(&reply, "X-RateLimit-Limit"), "3");
    }
    ask(fd, &reply, text);
    assert_int_equal(reply.status, 429);
    assert_non_null(header(&reply, "Retry-After"));
    ask(fd, &reply, "GET /limited HTTP/1.1\r\n" HOST "X-Forwarded-For: 203.0.113.8\r\n\r\n");
    assert_int_equal(reply.status, 200); // another client behind the same proxy
    close(fd);
    forget(&reply);
}

static void says_busy_when_the_workers_are_full(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fds[4];
    atomic_store(&world.gate, false);
    for (int i = 0; i < 4; i++) { // two run, two wait
        fds[i] = dial(world.port);
        say(fds[i], "GET /slow HTTP/1.1\r\n" HOST "\r\n");
        usleep(50000);
    }
    int fd = dial(world.port);
    ask(fd, &reply, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 503);
    assert_non_null(header(&reply, "Retry-After"));
    close(fd);
    atomic_store(&world.gate, true);
    for (int i = 0; i < 4; i++) {
        hear(fds[i], &reply, true);
        assert_int_equal(reply.status, 200);
        close(fds[i]);
    }
    forget(&reply);
}

static void tells_the_handler_that_the_client_went_away(void **state)
{
    (void)state;
    atomic_store(&world.gate, false);
    int before = atomic_load(&world.cancelled);
    int fd = dial(world.port);
    say(fd, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 1000 && atomic_load(&world.waiting) == 0; i++) {
        usleep(1000);
    }
    close(fd);
    for (int i = 0; i < 3000 && atomic_load(&world.cancelled) == before; i++) {
        usleep(1000);
    }
    assert_int_equal(atomic_load(&world.cancelled), before + 1);
    atomic_store(&world.gate, true);
}

static void ends_connections_that_dawdle(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "GET /hello HTT");
    assert_int_equal(reply.status, 408);
    assert_true(is_closed(fd));
    close(fd);
    fd = dial(world.port);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nx");
    assert_int_equal(reply.status, 408);
    close(fd);
    fd = dial(world.port);
    assert_true(is_closed(fd)); // silent from the start: no answer
    close(fd);
    forget(&reply);
}

static void refuses_what_proxies_read_differently(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
        "POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /hello HTTP/1.1\r\n" HOST "X-A: b\r\n folded\r\n\r\n",
        "GET /hello HTTP/1.1\r\n" HOST "X-A : b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\n" "Host: a\n\n",
        "GET /hello HTTP/1.1\r\n" HOST "X-A: b\rc\r\n\r\n",
        "GET /hello HTTP/1.1\r\n" HOST "X@A: b\r\n\r\n",
        "GET http://other/hello HTTP/1.1\r\n" HOST "\r\n",
        "GET hello HTTP/1.1\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reply reply = {0};
        int fd = dial(world.port);
        ask(fd, &reply, cases[i]);
        if (reply.status != 400) {
            print_error("case %zu: %d\n", i, reply.status);
        }
        assert_int_equal(reply.status, 400);
        assert_non_null(strstr(reply.body.data, "\"detail\":\""));
        assert_true(is_closed(fd));
        close(fd);
        forget(&reply);
    }
}

static void refuses_heads_that_are_too_long(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct shoal_buf text = {0};
    shoal_buf_puts(&text, "GET /");
    for (int i = 0; i < 9000; i++) {
        shoal_buf_puts(&text, "a");
    }
    int fd = dial(world.port);
    ask(fd, &reply, text.data);
    assert_int_equal(reply.status, 414);
    close(fd);
    text.length = 0;
    shoal_buf_puts(&text, "GET /hello HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 101; i++) {
        shoal_buf_printf(&text, "X-%d: y\r\n", i);
    }
    shoal_buf_puts(&text, "\r\n");
    fd = dial(world.port);
    ask(fd, &reply, text.data);
    assert_int_equal(reply.status, 431);
    close(fd);
    shoal_buf_fini(&text);
    forget(&reply);
}

static void writes_raw_bodies_where_the_head_says(void **state)
{
    (void)state;
    struct reply reply = {0};
    char path[128];
    int fd = dial(world.port);
    ask(fd, &reply, "PUT /raw HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
    assert_string_equal(reply.body.data, "5 1");
    struct shoal_buf big = {0};
    shoal_buf_puts(&big, "PUT /raw?offset=5 HTTP/1.1\r\n" HOST "Content-Length: 300000\r\n\r\n");
    for (int i = 0; i < 300000; i++) {
        char byte = (char)('0' + i % 10);
        shoal_buf_add(&big, &byte, 1);
    }
    say_bytes(fd, big.data, big.length);
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "300000 1");
    struct shoal_buf file_bytes = {0};
    path_of(path, "raw.bin");
    assert_int_equal(shoal_file_read_whole(path, 1u << 20, &file_bytes, NULL), 0);
    assert_int_equal(file_bytes.length, 300005);
    assert_memory_equal(file_bytes.data, "hello0123456789", 15);
    assert_memory_equal(file_bytes.data + 299995, "0123456789", 10);
    shoal_buf_fini(&file_bytes);
    shoal_buf_fini(&big);
    say(fd, "PUT /raw HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nonly this");
    usleep(100000);
    close(fd); // the handler learns how far it came
    for (int i = 0; i < 3000 && atomic_load(&world.partial) == 0; i++) {
        usleep(1000);
    }
    assert_int_equal(atomic_load(&world.partial), 9);
    forget(&reply);
}

static void takes_multipart_files(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct shoal_buf body = {0}, text = {0};
    shoal_buf_puts(&body, "--bnd\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nmy video\r\n"
                          "--bnd\r\nContent-Disposition: form-data; name=\"tags[0]\"\r\n\r\na\r\n"
                          "--bnd\r\nContent-Disposition: form-data; name=\"support\"\r\n\r\nnull\r\n"
                          "--bnd\r\nContent-Disposition: form-data; name=\"videofile\"; "
                          "filename=\"../a.mp4\"\r\nContent-Type: video/mp4\r\n\r\n");
    for (int i = 0; i < 50000; i++) {
        shoal_buf_puts(&body, "\r\n--bn");
    }
    shoal_buf_puts(&body, "\r\n--bnd--\r\n");
    shoal_buf_printf(&text, "POST /upload HTTP/1.1\r\n" HOST
                            "Content-Type: multipart/form-data; boundary=bnd\r\n"
                            "Content-Length: %zu\r\n\r\n", body.length);
    shoal_buf_add(&text, body.data, body.length);
    int fd = dial(world.port);
    say_bytes(fd, text.data, text.length);
    hear(fd, &reply, true);
    assert_int_equal(reply.status, 200);
    json_t *json = json_loads(reply.body.data, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "filename")), "../a.mp4");
    assert_int_equal(json_integer_value(json_object_get(json, "size")), 300000);
    assert_true(json_is_true(json_object_get(json, "there")));
    assert_int_equal(strlen(json_string_value(json_object_get(json, "sha256"))), 64);
    json_t *fields = json_object_get(json, "fields");
    assert_true(json_is_null(json_object_get(fields, "support")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(fields, "tags"), 0)), "a");
    usleep(50000);
    assert_int_equal(access(json_string_value(json_object_get(json, "path")), F_OK), -1);
    json_decref(json);
    ask(fd, &reply, "POST /upload HTTP/1.1\r\n" HOST
                    "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9\r\n\r\n"
                    "--b\r\nnope");
    assert_int_equal(reply.status, 400);
    close(fd);
    shoal_buf_fini(&body);
    shoal_buf_fini(&text);
    forget(&reply);
}

static void answers_unknown_paths_and_preflights(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "GET /nothing HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 404);
    ask(fd, &reply, "DELETE /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(header(&reply, "Allow"), "GET, HEAD");
    ask(fd, &reply, "OPTIONS /hello HTTP/1.1\r\n" HOST "Origin: https://a.example\r\n\r\n");
    assert_int_equal(reply.status, 204);
    assert_string_equal(header(&reply, "Access-Control-Allow-Origin"), "*");
    ask(fd, &reply, "GET /%2e%2e/etc/passwd HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 400);
    ask(fd, &reply, "GET /hello?a=%zz HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 400);
    close(fd);
    forget(&reply);
}

static void redirects_the_plain_port(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.redirect_port);
    ask(fd, &reply, "GET /w/abc?start=3 HTTP/1.1\r\nHost: tube.example:80\r\n\r\n");
    assert_int_equal(reply.status, 308);
    assert_string_equal(header(&reply, "Location"), "https://tube.example/w/abc?start=3");
    ask(fd, &reply, "GET /.well-known/acme-challenge/token-1 HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(reply.body.data, "proof");
    ask(fd, &reply, "GET /.well-known/acme-challenge/../key.pem HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 308);
    close(fd);
    forget(&reply);
}

static void tls_name(char out[64], size_t expect_bytes)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int fd = dial(world.tls_port);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    X509 *cert = SSL_get1_peer_certificate(ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out, 64);
    X509_free(cert);
    const char *text = "GET /file HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n";
    SSL_write(ssl, text, (int)strlen(text));
    char block[8192];
    size_t total = 0;
    int count;
    while ((count = SSL_read(ssl, block, sizeof block)) > 0) {
        total += (size_t)count;
    }
    assert_true(total > expect_bytes);
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
}

static void serves_tls_and_takes_a_new_certificate_up(void **state)
{
    (void)state;
    char name[64];
    tls_name(name, FILE_BYTES);
    assert_string_equal(name, "first");
    make_certificate("second");
    for (int i = 0; i < 80 && strcmp(name, "second") != 0; i++) {
        usleep(100000);
        tls_name(name, FILE_BYTES);
    }
    assert_string_equal(name, "second");
}

static void *stop_it(void *arg)
{
    shoal_server_stop(arg);
    return NULL;
}

static void stops_when_what_is_under_way_has_ended(void **state)
{
    (void)state;
    struct reply reply = {0};
    atomic_store(&world.gate, false);
    int idle = dial(world.port), fd = dial(world.port);
    ask(idle, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    say(fd, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 1000 && atomic_load(&world.waiting) == 0; i++) {
        usleep(1000);
    }
    pthread_t thread;
    pthread_create(&thread, NULL, stop_it, world.server);
    assert_true(is_closed(idle));
    usleep(100000);
    atomic_store(&world.gate, true);
    hear(fd, &reply, true);
    assert_int_equal(reply.status, 200);
    assert_string_equal(header(&reply, "Connection"), "close");
    close(fd);
    close(idle);
    pthread_join(thread, NULL);
    world.server = NULL;
    forget(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_connections_open),
        cmocka_unit_test(answers_pipelined_requests_in_order),
        cmocka_unit_test(reads_heads_that_come_byte_by_byte),
        cmocka_unit_test(reads_bodies_of_both_framings),
        cmocka_unit_test(asks_for_the_body_only_when_the_head_is_accepted),
        cmocka_unit_test(refuses_bodies_that_are_too_large),
        cmocka_unit_test(serves_ranges_of_files),
        cmocka_unit_test(drains_pull_sources),
        cmocka_unit_test(shares_answers_until_the_data_moves),
        cmocka_unit_test(lets_one_request_make_what_many_ask_for),
        cmocka_unit_test(compresses_text),
        cmocka_unit_test(limits_and_says_so),
        cmocka_unit_test(says_busy_when_the_workers_are_full),
        cmocka_unit_test(tells_the_handler_that_the_client_went_away),
        cmocka_unit_test(ends_connections_that_dawdle),
        cmocka_unit_test(refuses_what_proxies_read_differently),
        cmocka_unit_test(refuses_heads_that_are_too_long),
        cmocka_unit_test(writes_raw_bodies_where_the_head_says),
        cmocka_unit_test(takes_multipart_files),
        cmocka_unit_test(answers_unknown_paths_and_preflights),
        cmocka_unit_test(redirects_the_plain_port),
        cmocka_unit_test(serves_tls_and_takes_a_new_certificate_up),
        cmocka_unit_test(stops_when_what_is_under_way_has_ended),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
