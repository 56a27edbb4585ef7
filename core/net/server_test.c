// server_test.c - a whole server on a loopback socket does what it should.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"

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
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST
                    "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 65\r\n\r\n"
                    "--b\r\nContent-Disposition: form-data; name=\"n[k]\"\r\n\r\nnull\r\n--b--\r\n");
    assert_string_equal(reply.body.data, "{\"n\":{\"k\":null}}");
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST
                    "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx");
    assert_int_equal(reply.status, 415);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST
                    "Content-Type: application/json\r\nContent-Length: 1\r\n\r\n{");
    assert_int_equal(reply.status, 400);
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n"); // the connection is in step
    assert_int_equal(reply.status, 200);
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
    snprintf(etag, sizeof etag, "%.63s", header(&reply, "ETag"));
    ask(fd, &reply, "GET /file HTTP/1.1\r\n" HOST "Range: bytes=26-51\r\n\r\n");
    assert_int_equal(reply.status, 206);
    assert_string_equal(header(&reply, "Content-Range"), "bytes 26-51/300000");
    assert_string_equal(reply.body.data, "abcdefghijklmnopqrstuvwxyz");
    ask(fd, &reply, "GET /file HTTP/1.1\r\n" HOST "Range: bytes=300000-\r\n\r\n");
    assert_int_equal(reply.status, 416);
    assert_string_equal(header(&reply, "Content-Range"), "bytes */300000");
    assert_null(strstr(header(&reply, "Cache-Control"), "max-age"));
    snprintf(ask_text, sizeof ask_text, "GET /file HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n",
        etag);
    ask(fd, &reply, ask_text);
    assert_int_equal(reply.status, 304);
    snprintf(ask_text, sizeof ask_text, "GET /file HTTP/1.1\r\n" HOST "If-Match: %s\r\n\r\n", etag);
    ask(fd, &reply, ask_text);
    assert_int_equal(reply.status, 200);
    ask(fd, &reply, "GET /file HTTP/1.1\r\n" HOST "If-Match: \"other\"\r\n\r\n");
    assert_int_equal(reply.status, 412);
    assert_int_equal(reply.body.length, 0);
    assert_null(strstr(header(&reply, "Cache-Control"), "max-age"));
    ask(fd, &reply, "GET /file HTTP/1.1\r\n" HOST
        "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
    assert_int_equal(reply.status, 412);
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
    snprintf(etag, sizeof etag, "%.63s", header(&reply, "ETag"));
    ask(fd, &reply, "GET /shared?a=1&b=2 HTTP/1.1\r\n" HOST "\r\n");
    assert_memory_equal(reply.body.data, first, strlen(first));
    snprintf(text, sizeof text, "GET /shared?a=1&b=2 HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n",
        etag);
    ask(fd, &reply, text);
    assert_int_equal(reply.status, 304);
    ask(fd, &reply, "GET /shared?a=1&b=2 HTTP/1.1\r\n" HOST "If-Match: \"other\"\r\n\r\n");
    assert_int_equal(reply.status, 412);
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
    struct shoal_sha256 *sum = shoal_sha256_new();
    char hex[65], wanted[128];
    shoal_sha256_add(sum, big.data + (big.length - 300000), 300000);
    shoal_sha256_end(sum, hex);
    shoal_sha256_free(sum);
    snprintf(wanted, sizeof wanted, "300000 1 %s", hex);
    memcpy(strstr(big.data, "?offset=5"), "?sum=true", 9);
    say_bytes(fd, big.data, big.length);
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, wanted);
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

static void counts_what_it_does(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct shoal_server_stats before, after;
    shoal_server_stats(&before);
    int fd = dial(world.port);
    ask(fd, &reply, "GET /shared?count=1 HTTP/1.1\r\n" HOST "\r\n");
    ask(fd, &reply, "GET /shared?count=1 HTTP/1.1\r\n" HOST "\r\n");
    shoal_server_stats(&after);
    assert_int_equal(after.requests, before.requests + 2);
    assert_int_equal(after.cached, before.cached + 1);
    assert_in_range(after.connections, 1, 100);
    assert_true(after.sent_bytes > before.sent_bytes);
    assert_int_equal(after.sent_files_bytes, before.sent_files_bytes);
    assert_in_range(shoal_server_beat_ms(), shoal_tick_ms() - 1500, shoal_tick_ms());
    close(fd);
    forget(&reply);
}

static void makes_requests_in_process(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    json_t *answer = NULL;
    shoal_call_init(&call);
    json_t *body = json_pack("{s:i}", "a", 1);
    struct shoal_request *request =
        shoal_request_internal_new(&call, NULL, "POST", "/echo?x=y", body, &err);
    assert_non_null(request);
    assert_true(shoal_request_internal(request));
    assert_string_equal(shoal_request_query(request, "x"), "y");
    run(NULL, &call, request, SHOAL_PHASE_BODY);
    assert_int_equal(shoal_request_internal_take(request, &answer), 200);
    assert_int_equal(json_integer_value(json_object_get(answer, "a")), 1);
    json_decref(answer);
    request = shoal_request_internal_new(&call, NULL, "GET", "/none", NULL, &err);
    run(NULL, &call, request, SHOAL_PHASE_HEAD);
    assert_int_equal(shoal_request_internal_take(request, &answer), 404);
    assert_string_equal(json_string_value(json_object_get(answer, "title")), "Not Found");
    json_decref(answer);
    assert_null(shoal_request_internal_new(&call, NULL, "GET", "/a/../b", NULL, &err));
    assert_int_equal(err.code, SHOAL_EINVAL);
    json_decref(body);
    shoal_call_fini(&call);
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

static void slow_sources_do_not_hold_files_up(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fds[8];
    atomic_store(&world.gate, false);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        fds[i] = dial(world.port);
        say(fds[i], "GET /pull?sized=1&wait=1 HTTP/1.1\r\n" HOST "\r\n");
        hear(fds[i], &reply, false);
        assert_int_equal(reply.status, 200);
    }
    int fd = dial(world.port);
    ask(fd, &reply, "PUT /raw HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    assert_int_equal(reply.status, 200);
    close(fd);
    usleep(1100000); // longer than the route may take until it answers
    atomic_store(&world.gate, true);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        struct shoal_buf bytes = {0};
        assert_true(read_count(fds[i], &bytes, 100000));
        shoal_buf_fini(&bytes);
        close(fds[i]);
    }
    forget(&reply);
}

static void answers_events_as_browsers_want_them(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    say(fd, "GET /events HTTP/1.1\r\n" HOST "Accept: text/event-stream\r\n\r\n");
    hear(fd, &reply, false);
    assert_int_equal(reply.status, 200);
    assert_string_equal(header(&reply, "Content-Type"), "text/event-stream");
    assert_string_equal(header(&reply, "Cache-Control"), "no-store");
    assert_null(header(&reply, "Content-Length"));
    close(fd);
    forget(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_connections_open),
        cmocka_unit_test(answers_pipelined_requests_in_order),
        cmocka_unit_test(reads_heads_that_come_byte_by_byte),
        cmocka_unit_test(reads_bodies_of_both_framings),
        cmocka_unit_test(serves_ranges_of_files),
        cmocka_unit_test(drains_pull_sources),
        cmocka_unit_test(shares_answers_until_the_data_moves),
        cmocka_unit_test(lets_one_request_make_what_many_ask_for),
        cmocka_unit_test(compresses_text),
        cmocka_unit_test(writes_raw_bodies_where_the_head_says),
        cmocka_unit_test(takes_multipart_files),
        cmocka_unit_test(serves_tls_and_takes_a_new_certificate_up),
        cmocka_unit_test(slow_sources_do_not_hold_files_up),
        cmocka_unit_test(answers_events_as_browsers_want_them),
        cmocka_unit_test(counts_what_it_does),
        cmocka_unit_test(makes_requests_in_process),
        cmocka_unit_test(stops_when_what_is_under_way_has_ended),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
