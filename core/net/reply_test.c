// reply_test.c - answers as heads and bodies: conditions, ranges, gzip, sources, sharing.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/request_test.h"

#include "base/file.h"

static char folder[] = "/tmp/shoal-reply-XXXXXX";
static char path[64];

static int start(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/file", folder);
    return shoal_file_write_whole(path, "0123456789", 10, 0600, NULL);
}

static int stop(void **state)
{
    (void)state;
    return shoal_tree_remove(folder, NULL);
}

/// The value of a header of the reply.
static const char *says(const struct shoal_request *request, const char *name)
{
    return line_of(request->reply.head, name);
}

static void check(const char *value, const char *expected)
{
    if (expected) {
        assert_non_null(value);
        assert_string_equal(value, expected);
    } else {
        assert_null(value);
    }
}

static struct shoal_request *reply_with_text(
    const char *line, const char *headers, int status, const char *text)
{
    struct shoal_request *request = make_request(line, headers);
    assert_int_equal(shoal_answer_text(request, status, text), 0);
    shoal_reply_make(request);
    return request;
}

static void frames_by_status_and_method(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *line, *length;
        bool has_body, has_etag;
    } rows[] = {
        {200, "GET / HTTP/1.1", "5", true, true},
        {200, "HEAD / HTTP/1.1", "5", true, true}, // the loop leaves it away
        {200, "POST / HTTP/1.1", "5", true, false},
        {404, "GET / HTTP/1.1", "5", true, false},
        {204, "GET / HTTP/1.1", NULL, false, false},
        {304, "GET / HTTP/1.1", NULL, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_request *request = reply_with_text(rows[i].line, "", rows[i].status, "hello");
        assert_int_equal(request->reply.status, rows[i].status);
        check(says(request, "Content-Length"), rows[i].length);
        assert_int_equal(request->reply.body != NULL, rows[i].has_body);
        assert_int_equal(says(request, "ETag") != NULL, rows[i].has_etag);
        assert_string_equal(says(request, "X-Content-Type-Options"), "nosniff");
        shoal_request_free(request);
    }
}

static void a_handler_without_an_answer_is_an_error(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    shoal_reply_make(request);
    assert_int_equal(request->reply.status, 500);
    assert_non_null(strstr(request->reply.body, "gave no answer"));
    shoal_request_free(request);
}

static void a_308_without_a_place_is_a_half_upload(void **state)
{
    (void)state;
    struct shoal_request *request = reply_with_text("PUT / HTTP/1.1", "", 308, "");
    assert_memory_equal(request->reply.head, "HTTP/1.1 308 Resume Incomplete\r\n", 32);
    shoal_request_free(request);
    request = make_request("GET / HTTP/1.1", "");
    assert_int_equal(shoal_answer_redirect(request, 308, "/b"), 0);
    shoal_reply_make(request);
    assert_memory_equal(request->reply.head, "HTTP/1.1 308 Permanent Redirect\r\n", 33);
    shoal_request_free(request);
}

static void says_who_may_keep_it(void **state)
{
    (void)state;
    struct shoal_request *request = reply_with_text("GET / HTTP/1.1", "", 200, "x");
    check(says(request, "Cache-Control"), "no-cache");
    check(says(request, "Vary"), "Accept-Encoding");
    check(says(request, "Access-Control-Allow-Origin"), NULL);
    shoal_request_free(request);
    request = reply_with_text("GET /api/v1/none HTTP/1.1", "Cookie: a=b\r\n", 404, "x");
    check(says(request, "Cache-Control"), "private, no-cache"); // though nobody read the cookie
    check(says(request, "Access-Control-Allow-Origin"), "*");
    shoal_request_free(request);
    made.entry.route = (struct shoal_route){.cors = true, .cache_s = 9};
    request = make_request("GET / HTTP/1.1", "");
    request->entry = &made.entry;
    request->is_negotiated = true;
    shoal_answer_private(request);
    shoal_answer_text(request, 200, "x");
    shoal_reply_make(request);
    check(says(request, "Cache-Control"), "private, no-cache");
    check(says(request, "Vary"), "Accept, Accept-Language, Accept-Encoding");
    check(says(request, "Access-Control-Allow-Origin"), "*");
    shoal_request_free(request);
    made.entry = (struct shoal_entry){0};
}

static void squeezes_text_for_who_takes_it(void **state)
{
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct shoal_request *request =
        reply_with_text("GET / HTTP/1.1", "Accept-Encoding: gzip\r\n", 200, text);
    check(says(request, "Content-Encoding"), "gzip");
    assert_memory_equal(says(request, "ETag"), "W/\"", 3); // ranges of the two never mix
    assert_true(request->reply.length < 200);
    assert_int_equal(strtoull(says(request, "Content-Length"), NULL, 10), request->reply.length);
    shoal_request_free(request);
    static const char *const headers[] = {
        "", "Accept-Encoding: br\r\n", "Accept-Encoding: gzip;q=0\r\n"};
    for (size_t i = 0; i < 3; i++) {
        request = reply_with_text("GET / HTTP/1.1", headers[i], 200, text);
        check(says(request, "Content-Encoding"), NULL);
        check(says(request, "Content-Length"), "2999");
        shoal_request_free(request);
    }
    text[1000] = 0; // less than it is worth
    request = reply_with_text("GET / HTTP/1.1", "Accept-Encoding: gzip\r\n", 200, text);
    check(says(request, "Content-Encoding"), NULL);
    shoal_request_free(request);
}

static void answers_conditions_of_a_tag(void **state)
{
    (void)state;
    static const struct {
        const char *line, *headers;
        int status, expected;
    } rows[] = {
        {"GET / HTTP/1.1", "If-None-Match: \"v\"\r\n", 200, 304},
        {"HEAD / HTTP/1.1", "If-None-Match: W/\"v\"\r\n", 200, 304},
        {"GET / HTTP/1.1", "If-None-Match: *\r\n", 200, 304},
        {"GET / HTTP/1.1", "If-None-Match: \"w\"\r\n", 200, 200},
        {"POST / HTTP/1.1", "If-None-Match: \"v\"\r\n", 200, 200},
        {"GET / HTTP/1.1", "If-None-Match: \"v\"\r\n", 404, 404},
        {"GET / HTTP/1.1", "If-Match: \"v\"\r\n", 200, 200},
        {"GET / HTTP/1.1", "If-Match: W/\"v\"\r\n", 200, 412},
        {"GET / HTTP/1.1", "If-Match: \"w\"\r\n", 200, 412},
        {"GET / HTTP/1.1", "If-Match: *\r\n", 200, 200},
        {"GET / HTTP/1.1", "If-Match: \"w\"\r\nIf-None-Match: \"v\"\r\n", 200, 412},
        {"GET / HTTP/1.1", "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT\r\n", 200, 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_request *request = make_request(rows[i].line, rows[i].headers);
        shoal_answer_etag(request, "v");
        shoal_answer_header(request, "X-Of-The-Answer", "1");
        assert_int_equal(shoal_answer_text(request, rows[i].status, "hello"), 0);
        shoal_reply_make(request);
        assert_int_equal(request->reply.status, rows[i].expected);
        assert_int_equal(request->reply.body != NULL, rows[i].expected == rows[i].status);
        assert_int_equal(says(request, "X-Of-The-Answer") != NULL, rows[i].expected != 412);
        shoal_request_free(request);
    }
}

static void answers_ranges_and_dates_of_a_file(void **state)
{
    (void)state;
    static const char *const then = "Sat, 01 Jan 2000 00:00:00 GMT",
                             *const later = "Fri, 31 Dec 2100 00:00:00 GMT";
    static const struct {
        const char *line, *headers, *tag; // tag: of If-Range
        int status;
        const char *range, *length;
    } rows[] = {
        {"GET / HTTP/1.1", "", NULL, 200, NULL, "10"},
        {"GET / HTTP/1.1", "Range: bytes=2-4\r\n", NULL, 206, "bytes 2-4/10", "3"},
        {"GET / HTTP/1.1", "Range: bytes=0-\r\n", NULL, 206, "bytes 0-9/10", "10"},
        {"GET / HTTP/1.1", "Range: bytes=10-\r\n", NULL, 416, "bytes */10", "0"},
        {"GET / HTTP/1.1", "Range: bytes=0-1,3-4\r\n", NULL, 200, NULL, "10"},
        {"GET / HTTP/1.1", "Range: rubbish\r\n", NULL, 200, NULL, "10"},
        {"HEAD / HTTP/1.1", "Range: bytes=2-4\r\n", NULL, 206, "bytes 2-4/10", "3"},
        {"POST / HTTP/1.1", "Range: bytes=2-4\r\n", NULL, 200, NULL, "10"},
        {"GET / HTTP/1.1", "Range: bytes=2-4\r\n", "\"v\"", 206, "bytes 2-4/10", "3"},
        {"GET / HTTP/1.1", "Range: bytes=2-4\r\n", "\"w\"", 200, NULL, "10"},
        {"GET / HTTP/1.1", "Range: bytes=2-4\r\n", "W/\"v\"", 200, NULL, "10"},
        {"GET / HTTP/1.1", "Range: bytes=2-4\r\n", "date", 206, "bytes 2-4/10", "3"},
        {"GET / HTTP/1.1", "Range: bytes=2-4\r\n", "old", 200, NULL, "10"},
        {"GET / HTTP/1.1", "Range: bytes=2-4\r\n", "new", 200, NULL, "10"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char headers[300], date[SHOAL_DATE_SIZE];
        struct shoal_request *request = make_request(rows[i].line, "");
        assert_int_equal(shoal_answer_file(request, path, NULL, NULL, 60, NULL), 0);
        shoal_date_format(request->answer.file_changed_s, date);
        shoal_request_free(request);
        const char *tag = rows[i].tag ? rows[i].tag : "";
        const char *value = strcmp(tag, "date") == 0  ? date
                            : strcmp(tag, "old") == 0 ? then
                            : strcmp(tag, "new") == 0 ? later
                                                      : tag;
        snprintf(headers, sizeof headers, "%s%s%s%s", rows[i].headers, *tag ? "If-Range: " : "",
            value, *tag ? "\r\n" : "");
        request = make_request(rows[i].line, headers);
        shoal_answer_etag(request, "v");
        assert_int_equal(shoal_answer_file(request, path, NULL, NULL, 60, NULL), 0);
        shoal_reply_make(request);
        assert_int_equal(request->reply.status, rows[i].status);
        check(says(request, "Content-Range"), rows[i].range);
        check(says(request, "Content-Length"), rows[i].length);
        bool is_sent = rows[i].status < 300 && !request->is_head;
        assert_int_equal(request->reply.file >= 0, is_sent);
        if (rows[i].status == 206 && is_sent) {
            assert_int_equal(request->reply.file_length, strtoull(rows[i].length, NULL, 10));
        }
        shoal_request_free(request);
    }
}

static void answers_dates_of_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int status;
    } rows[] = {
        {"If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT\r\n", 304},
        {"If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n", 200},
        {"If-Modified-Since: yesterday\r\n", 200},
        {"If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n", 412},
        {"If-Unmodified-Since: Fri, 31 Dec 2100 00:00:00 GMT\r\n", 200},
        {"If-Unmodified-Since: yesterday\r\n", 200},
        {"If-None-Match: \"w\"\r\nIf-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT\r\n", 200},
        {"If-Match: *\r\nIf-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT\r\n", 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_request *request = make_request("GET / HTTP/1.1", rows[i].headers);
        assert_int_equal(shoal_answer_file(request, path, NULL, NULL, 60, NULL), 0);
        shoal_reply_make(request);
        assert_int_equal(request->reply.status, rows[i].status);
        assert_int_equal(says(request, "Last-Modified") != NULL, rows[i].status != 412);
        shoal_request_free(request);
    }
}

static int64_t read_none(void *source, void *out, size_t room)
{
    (void)source;
    (void)out;
    (void)room;
    return 0;
}

static int seek_to(void *source, uint64_t offset)
{
    *(uint64_t *)source = offset;
    return offset == 7 ? SHOAL_EIO : 0;
}

static void frames_sources(void **state)
{
    (void)state;
    static const struct {
        const char *line, *headers;
        int64_t size;
        bool has_seek;
        int status;
        const char *length, *coding;
        bool is_pull;
        uint64_t seek;
    } rows[] = {
        {"GET / HTTP/1.1", "", -1, false, 200, NULL, "chunked", true, 99},
        {"GET / HTTP/1.0", "", -1, false, 200, NULL, NULL, true, 99},
        {"HEAD / HTTP/1.1", "", -1, false, 200, NULL, "chunked", false, 99},
        {"GET / HTTP/1.1", "", 10, false, 200, "10", NULL, true, 99},
        {"GET / HTTP/1.1", "", 0, false, 200, "0", NULL, false, 99},
        {"GET / HTTP/1.1", "Range: bytes=3-4\r\n", 10, false, 200, "10", NULL, true, 99},
        {"GET / HTTP/1.1", "Range: bytes=3-4\r\n", 10, true, 206, "2", NULL, true, 3},
        {"GET / HTTP/1.1", "Range: bytes=0-4\r\n", 10, true, 206, "5", NULL, true, 99},
        {"GET / HTTP/1.1", "Range: bytes=10-\r\n", 10, true, 416, "0", NULL, false, 99},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t at = 99;
        struct shoal_request *request = make_request(rows[i].line, rows[i].headers);
        const struct shoal_pull pull = {.read = read_none,
            .state = &at,
            .size_bytes = rows[i].size,
            .seek = rows[i].has_seek ? seek_to : NULL};
        assert_int_equal(shoal_answer_pull(request, 200, "a/b", &pull), 0);
        shoal_reply_make(request);
        assert_int_equal(request->reply.status, rows[i].status);
        check(says(request, "Content-Length"), rows[i].length);
        check(says(request, "Transfer-Encoding"), rows[i].coding);
        assert_int_equal(request->reply.is_pull, rows[i].is_pull);
        assert_int_equal(at, rows[i].seek);
        shoal_request_free(request);
    }
    for (int64_t size = -1; size < 2; size++) { // 204 has no body to be framed
        struct shoal_request *request = make_request("GET / HTTP/1.1", "");
        const struct shoal_pull none = {.read = read_none, .size_bytes = size};
        assert_int_equal(shoal_answer_pull(request, 204, NULL, &none), 0);
        shoal_reply_make(request);
        check(says(request, "Content-Length"), NULL);
        check(says(request, "Transfer-Encoding"), NULL);
        assert_false(request->reply.is_pull);
        assert_false(request->reply.is_chunked);
        shoal_request_free(request);
    }
    uint64_t at = 0;
    struct shoal_request *request = make_request("GET / HTTP/1.1", "Range: bytes=7-\r\n");
    const struct shoal_pull pull = {
        .read = read_none, .state = &at, .size_bytes = 10, .seek = seek_to};
    assert_int_equal(shoal_answer_pull(request, 200, "a/b", &pull), 0);
    shoal_reply_make(request);
    assert_int_equal(request->reply.status, 500); // a source that cannot go there
    assert_false(request->reply.is_pull);
    shoal_request_free(request);
}

static void shares_what_is_nobodys_own(void **state)
{
    (void)state;
    static const struct {
        int status;
        bool is_private, is_shared;
    } rows[] = {{200, false, true}, {200, true, false}, {404, false, true}, {410, false, true},
        {301, false, true}, {308, false, true}, {302, false, false}, {403, false, false},
        {500, false, false}};
    struct shoal_cache *cache = shoal_cache_new(1 << 20);
    made.entry.route = (struct shoal_route){.cache_s = 30};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %zu", i);
        struct shoal_request *request = make_request("GET / HTTP/1.1", "");
        struct shoal_item *item = NULL;
        request->entry = &made.entry;
        int64_t now_ms = shoal_tick_ms();
        assert_int_equal(
            shoal_cache_find(cache, shoal_span(key), 0, now_ms, NULL, &item, &request->ticket),
            SHOAL_LOOKUP_MAKE);
        assert_non_null(request->ticket);
        if (rows[i].is_private) {
            shoal_answer_private(request);
            assert_null(request->ticket); // nobody waits from here on, however long it takes
        }
        assert_int_equal(shoal_answer_text(request, rows[i].status, "hello"), 0);
        shoal_reply_make(request);
        assert_null(request->ticket); // given back in any case
        assert_int_equal(request->reply.item != NULL, rows[i].is_shared);
        if (rows[i].is_shared) {
            assert_int_equal(request->reply.item->status, rows[i].status);
            assert_int_equal(request->reply.item->same_head != NULL, rows[i].status == 200);
        }
        shoal_request_free(request);
        struct shoal_ticket *ticket = NULL;
        enum shoal_lookup found =
            shoal_cache_find(cache, shoal_span(key), 0, now_ms, NULL, &item, &ticket);
        assert_int_equal(found == SHOAL_LOOKUP_HIT, rows[i].is_shared);
        if (found == SHOAL_LOOKUP_HIT) {
            shoal_item_unref(item);
        } else if (ticket) {
            shoal_cache_settle(ticket, NULL, false);
        }
    }
    made.entry = (struct shoal_entry){0};
    shoal_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_by_status_and_method),
        cmocka_unit_test(a_handler_without_an_answer_is_an_error),
        cmocka_unit_test(a_308_without_a_place_is_a_half_upload),
        cmocka_unit_test(says_who_may_keep_it),
        cmocka_unit_test(squeezes_text_for_who_takes_it),
        cmocka_unit_test(answers_conditions_of_a_tag),
        cmocka_unit_test(answers_ranges_and_dates_of_a_file),
        cmocka_unit_test(answers_dates_of_a_file),
        cmocka_unit_test(frames_sources),
        cmocka_unit_test(shares_what_is_nobodys_own),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
