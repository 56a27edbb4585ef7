// answer_test.c - what a handler may say: one answer, clean headers, files, and what it holds is
// let go.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/request_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"

static char folder[] = "/tmp/shoal-answer-XXXXXX";

static int start(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    return shoal_tree_remove(folder, NULL);
}

static void refuses_headers_that_are_ours_or_none(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        int code;
    } rows[] = {
        {"Content-Length", "1", SHOAL_EINVAL},
        {"transfer-encoding", "chunked", SHOAL_EINVAL},
        {"Connection", "keep-alive", SHOAL_EINVAL},
        {"Date", "x", SHOAL_EINVAL},
        {"Content-Type", "x/y", SHOAL_EINVAL},
        {"Keep-Alive", "x", SHOAL_EINVAL},
        {"Content-Range", "bytes 0-1/2", SHOAL_EINVAL},
        {"", "x", SHOAL_EINVAL},
        {"X Y", "x", SHOAL_EINVAL},
        {"X:Y", "x", SHOAL_EINVAL},
        {"X-Y", NULL, SHOAL_EINVAL},
        {"X-Y", "a\r\nSet-Cookie: b", SHOAL_EINVAL},
        {"X-Y", "a\x7f", SHOAL_EINVAL},
        {"X-Y", "a\tb", 0},
        {"X-Y", "", 0},
        {"X-Y", "caf\xc3\xa9", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_request *request = make_request("GET / HTTP/1.1", "");
        assert_int_equal(shoal_answer_header(request, rows[i].name, rows[i].value), rows[i].code);
        assert_int_equal(request->answer.headers.length > 0, rows[i].code == 0);
        shoal_request_free(request);
    }
}

static void notices_headers_that_change_the_rest(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    const struct shoal_answer *answer = &request->answer;
    assert_int_equal(shoal_answer_header(request, "cache-control", "no-store"), 0);
    assert_true(answer->has_cache_control && !answer->has_content_encoding && !answer->is_private);
    assert_int_equal(shoal_answer_header(request, "Content-Encoding", "br"), 0);
    assert_true(answer->has_content_encoding && !answer->is_private);
    assert_int_equal(shoal_answer_header(request, "Set-Cookie", "a=b"), 0);
    assert_true(answer->is_private); // a cookie is for one client
    assert_int_equal(shoal_answer_header(request, "ETag", "v1"), 0);
    assert_string_equal(answer->etag, "\"v1\"");
    assert_null(line_of(answer->headers.data, "ETag"));
    assert_int_equal(shoal_answer_header(request, "Connection", "close"), 0);
    assert_true(answer->is_last);
    assert_null(line_of(answer->headers.data, "Connection")); // written with the lines of the moment
    assert_int_equal(shoal_answer_header(request, "Connection", "Upgrade"), 0);
    assert_string_equal(line_of(answer->headers.data, "Connection"), "Upgrade");
    shoal_request_free(request);
}

static void bounds_all_headers_together(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    char value[1000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = 0;
    int code = 0, count = 0;
    while (code == 0 && count < 100) {
        code = shoal_answer_header(request, "X-Long", value);
        count++;
    }
    assert_int_equal(code, SHOAL_ETOOLARGE);
    assert_int_equal(count, 17); // sixteen of 1009 bytes are in 16 KiB
    shoal_request_free(request);
}

static void takes_one_answer_with_a_real_status(void **state)
{
    (void)state;
    static const int statuses[] = {0, 99, 600, -200, 100000};
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        assert_int_equal(shoal_answer_text(request, statuses[i], "x"), SHOAL_EINVAL);
        assert_int_equal(shoal_answer_json(request, statuses[i], json_true()), SHOAL_EINVAL);
    }
    assert_int_equal(shoal_answer_bytes(request, 200, "a/b\r\nX: y", "x", 1), SHOAL_EINVAL);
    assert_int_equal(shoal_answer_json(request, 200, NULL), SHOAL_EINVAL);
    int status = 1;
    assert_false(shoal_request_answered(request, &status));
    assert_int_equal(shoal_answer_text(request, 201, "first"), 0);
    assert_int_equal(shoal_answer_text(request, 200, "second"), SHOAL_EINVAL);
    assert_int_equal(shoal_answer_json(request, 200, json_object()), SHOAL_EINVAL);
    assert_true(shoal_request_answered(request, &status));
    assert_int_equal(status, 201);
    assert_string_equal(request->answer.body, "first");
    shoal_answer_private(request);
    shoal_request_unanswer(request);
    assert_false(shoal_request_answered(request, &status));
    assert_true(shoal_request_is_private(request)); // what was read stays read
    assert_int_equal(shoal_answer_status(request, 204), 0);
    assert_null(request->answer.body);
    shoal_request_free(request);
}

static void writes_json_by_its_status(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    assert_int_equal(shoal_answer_json(request, 200, json_pack("{s:i}", "a", 1)), 0);
    assert_string_equal(request->answer.body, "{\"a\":1}");
    assert_string_equal(request->answer.type, "application/json; charset=utf-8");
    shoal_request_unanswer(request);
    assert_int_equal(shoal_answer_json(request, 404, json_string("no")), 0);
    assert_string_equal(request->answer.body, "\"no\"");
    assert_string_equal(request->answer.type, "application/problem+json; charset=utf-8");
    shoal_request_free(request);
}

static void redirects_only_to_clean_places(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    assert_int_equal(shoal_answer_redirect(request, 302, "/a\r\nX: y"), SHOAL_EINVAL);
    assert_false(shoal_request_answered(request, NULL));
    assert_int_equal(shoal_answer_redirect(request, 302, "/w/1?a=b"), 0);
    assert_string_equal(line_of(request->answer.headers.data, "Location"), "/w/1?a=b");
    shoal_request_free(request);
}

static void keeps_tags_that_can_be_one(void **state)
{
    (void)state;
    static const struct {
        const char *tag, *etag;
    } rows[] = {{"a", "\"a\""}, {"\"a\"", "\"a\""}, {"a\"b", NULL}, {"a\nb", NULL},
        {"0123456789012345678901234567890123456789012345678901234567890123", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_request *request = make_request("GET / HTTP/1.1", "");
        shoal_answer_etag(request, rows[i].tag);
        if (rows[i].etag) {
            assert_string_equal(request->answer.etag, rows[i].etag);
        } else {
            assert_null(request->answer.etag);
        }
        shoal_request_free(request);
    }
}

static int answer_file(struct shoal_request *request, const char *name, const char *download,
    uint32_t max_age_s, struct shoal_err *err)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return shoal_answer_file(request, path, NULL, download, max_age_s, err);
}

static void opens_files_and_nothing_else(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(shoal_file_write_whole(path, "hello", 5, 0600, NULL), 0);
    snprintf(path, sizeof path, "%s/link", folder);
    assert_int_equal(symlink("file", path), 0);
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    static const char *const none[] = {"none", "link", "fifo", "", "file/under"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct shoal_err err = {0};
        struct shoal_request *request = make_request("GET / HTTP/1.1", "");
        assert_int_equal(answer_file(request, none[i], NULL, 0, &err), SHOAL_ENOTFOUND);
        assert_false(shoal_request_answered(request, NULL));
        shoal_request_free(request);
    }
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    assert_int_equal(answer_file(request, "file", NULL, 0, NULL), 0);
    assert_int_equal(request->answer.file_size, 5);
    assert_string_equal(request->answer.type, "application/octet-stream");
    assert_non_null(request->answer.etag);
    int file = request->answer.file;
    shoal_request_free(request);
    assert_int_equal(fcntl(file, F_GETFD), -1); // closed with the answer
}

static void says_how_long_a_file_keeps_and_what_it_is_called(void **state)
{
    (void)state;
    static const struct {
        uint32_t max_age_s;
        const char *cache, *download, *disposition;
    } rows[] = {
        {0, "private, no-cache", NULL, NULL},
        {60, "public, max-age=60", "a b.mp4",
            "attachment; filename=\"a b.mp4\"; filename*=UTF-8''a%20b.mp4"},
        {31536000, "public, max-age=31536000, immutable", "x\"\r\n/\\%;\xc3\xa9",
            "attachment; filename=\"x_________\"; filename*=UTF-8''x%22%0D%0A%2F%5C%25%3B%C3%A9"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_request *request = make_request("GET / HTTP/1.1", "");
        assert_int_equal(
            answer_file(request, "file", rows[i].download, rows[i].max_age_s, NULL), 0);
        const char *lines = request->answer.headers.data;
        assert_string_equal(line_of(lines, "Cache-Control"), rows[i].cache);
        if (rows[i].disposition) {
            assert_string_equal(line_of(lines, "Content-Disposition"), rows[i].disposition);
        } else {
            assert_null(line_of(lines, "Content-Disposition"));
        }
        shoal_request_free(request);
    }
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    shoal_answer_header(request, "Cache-Control", "no-store");
    assert_int_equal(answer_file(request, "file", NULL, 60, NULL), 0);
    assert_null(strstr(request->answer.headers.data, "max-age")); // the handler's own word counts
    shoal_request_free(request);
}

static int closes;

static void count_close(void *source)
{
    (void)source;
    closes++;
}

static void count_taken(struct shoal_taken *taken, void *arg)
{
    assert_null(taken);
    ++*(int *)arg;
}

static void lets_sources_and_takers_know_once(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    closes = 0;
    const struct shoal_pull pull = {.close = count_close, .size_bytes = -1};
    assert_int_equal(shoal_answer_pull(request, 200, "a/b", &pull), 0);
    shoal_request_unanswer(request);
    assert_int_equal(closes, 1);
    int taken = 0;
    assert_int_equal(shoal_answer_taken(request, 101, count_taken, &taken, NULL), 0);
    assert_int_equal(shoal_answer_taken(request, 101, count_taken, &taken, NULL), SHOAL_EINVAL);
    shoal_request_free(request);
    assert_int_equal(closes, 1);
    assert_int_equal(taken, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_headers_that_are_ours_or_none),
        cmocka_unit_test(notices_headers_that_change_the_rest),
        cmocka_unit_test(bounds_all_headers_together),
        cmocka_unit_test(takes_one_answer_with_a_real_status),
        cmocka_unit_test(writes_json_by_its_status),
        cmocka_unit_test(redirects_only_to_clean_places),
        cmocka_unit_test(keeps_tags_that_can_be_one),
        cmocka_unit_test(opens_files_and_nothing_else),
        cmocka_unit_test(says_how_long_a_file_keeps_and_what_it_is_called),
        cmocka_unit_test(lets_sources_and_takers_know_once),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
