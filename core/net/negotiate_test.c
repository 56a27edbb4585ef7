// negotiate_test.c - media types, encodings, languages, dates, ranges and compression.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/date_priv.h"
#include "net/gzip_priv.h"
#include "net/negotiate.h"
#include "net/range_priv.h"

static int q(const char *accept, const char *type)
{
    return shoal_accept_q(shoal_span(accept), type);
}

static void weighs_media_types(void **state)
{
    (void)state;
    assert_int_equal(q(NULL, "text/html"), 1000);
    assert_int_equal(q("text/html", "text/html"), 1000);
    assert_int_equal(q("text/html;q=0.5, */*;q=0.1", "text/html; charset=utf-8"), 500);
    assert_int_equal(q("text/*;q=0.3, */*;q=0.1", "text/html"), 300);
    assert_int_equal(q("*/*;q=0.1", "text/html"), 100);
    assert_int_equal(q("application/json", "text/html"), 0);
    assert_int_equal(q("text/html;q=0, */*", "text/html"), 0);
    assert_int_equal(q("text/html;q=abc", "text/html"), 0);
    assert_int_equal(q("text/html;q=9", "text/html"), 0);
    assert_int_equal(q("a/b;x=\",\", text/html", "text/html"), 1000);
    assert_int_equal(q("text/html", NULL), 1);
}

static bool names(const char *accept, const char *type)
{
    return shoal_accept_named_q(shoal_span(accept), type) > 0;
}

static void tells_what_is_named_from_what_would_do(void **state)
{
    (void)state;
    static const char ld[] = "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"";
    assert_true(names("application/ld+json", ld));
    assert_true(names("text/html, Application/LD+json;profile=\"x, y\";q=0.2", ld));
    assert_false(names("*/*", ld));
    assert_false(names("application/*", ld));
    assert_false(names("application/ld+json;q=0, */*", ld));
    assert_false(names("application/json", ld));
    assert_false(names(NULL, ld));
    assert_int_equal(shoal_accept_named_q(shoal_span("*/*, application/ld+json;q=0.2"), ld), 200);
    assert_int_equal(
        shoal_accept_named_q(shoal_span("application/ld+json;q=0, application/ld+json; profile=\"x\";q=0.4, "
                                        "application/ld+json;profile=y;q=0.3"),
            ld),
        400);
    assert_int_equal(shoal_accept_named_q(shoal_span("application/ld+json;q=0, */*"), ld), -1);
}

static void weighs_encodings(void **state)
{
    (void)state;
    assert_true(shoal_accept_gzip(shoal_span("deflate, gzip")));
    assert_true(shoal_accept_gzip(shoal_span("GZIP;q=0.1")));
    assert_true(shoal_accept_gzip(shoal_span("*")));
    assert_false(shoal_accept_gzip(shoal_span("gzip;q=0, *")));
    assert_false(shoal_accept_gzip(shoal_span("br")));
    assert_false(shoal_accept_gzip(shoal_span(NULL)));
}

static void chooses_languages(void **state)
{
    (void)state;
    static const char *const locales[] = {"en", "fr", "pt-BR", NULL};
    assert_string_equal(shoal_accept_locale(shoal_span(NULL), locales), "en");
    assert_string_equal(shoal_accept_locale(shoal_span("fr"), locales), "fr");
    assert_string_equal(shoal_accept_locale(shoal_span("de, fr-CA;q=0.8, en;q=0.5"), locales), "fr");
    assert_string_equal(shoal_accept_locale(shoal_span("pt-br"), locales), "pt-BR");
    assert_string_equal(shoal_accept_locale(shoal_span("en;q=0.1, fr;q=0.2"), locales), "fr");
    assert_string_equal(shoal_accept_locale(shoal_span("frisian"), locales), "en");
}

static void writes_and_reads_dates(void **state)
{
    (void)state;
    char date[SHOAL_DATE_SIZE];
    shoal_date_format(784111777, date);
    assert_string_equal(date, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_int_equal(shoal_date_parse(shoal_span(date)), 784111777);
    assert_int_equal(shoal_date_parse(shoal_span("Sunday, 06-Nov-94 08:49:37 GMT")), -1);
    assert_int_equal(shoal_date_parse(shoal_span("Sun, 99 Nov 1994 08:49:37 GMT")), -1);
    assert_int_equal(shoal_date_parse(shoal_span("Sun, 06 Xxx 1994 08:49:37 GMT")), -1);
    assert_int_equal(shoal_date_parse(shoal_span("")), -1);
}

static void check_range(const char *text, uint64_t size, enum shoal_range expected, uint64_t first,
    uint64_t length)
{
    uint64_t found_first = 0, found_length = 0;
    assert_int_equal(shoal_range_parse(shoal_span(text), size, &found_first, &found_length),
        expected);
    if (expected == SHOAL_RANGE_PART) {
        assert_int_equal(found_first, first);
        assert_int_equal(found_length, length);
    }
}

static void reads_ranges(void **state)
{
    (void)state;
    check_range("bytes=0-0", 10, SHOAL_RANGE_PART, 0, 1);
    check_range("bytes=2-", 10, SHOAL_RANGE_PART, 2, 8);
    check_range("bytes=2-100", 10, SHOAL_RANGE_PART, 2, 8);
    check_range("bytes=-3", 10, SHOAL_RANGE_PART, 7, 3);
    check_range("bytes=-30", 10, SHOAL_RANGE_PART, 0, 10);
    check_range("bytes=9-9", 10, SHOAL_RANGE_PART, 9, 1);
    check_range("bytes=10-", 10, SHOAL_RANGE_NONE, 0, 0);
    check_range("bytes=-0", 10, SHOAL_RANGE_NONE, 0, 0);
    check_range("bytes=0-", 0, SHOAL_RANGE_NONE, 0, 0);
    check_range("bytes=5-2", 10, SHOAL_RANGE_ALL, 0, 0);
    check_range("bytes=0-1,3-4", 10, SHOAL_RANGE_ALL, 0, 0);
    check_range("bytes=a-b", 10, SHOAL_RANGE_ALL, 0, 0);
    check_range("bytes=1-2x", 10, SHOAL_RANGE_ALL, 0, 0);
    check_range("bytes=99999999999999999999-", 10, SHOAL_RANGE_ALL, 0, 0);
    check_range("lines=1-2", 10, SHOAL_RANGE_ALL, 0, 0);
    check_range("bytes=", 10, SHOAL_RANGE_ALL, 0, 0);
}

static void compares_entity_tags(void **state)
{
    (void)state;
    assert_true(shoal_etag_listed(shoal_span("\"a\", \"b\""), "\"b\"", false));
    assert_true(shoal_etag_listed(shoal_span("W/\"b\""), "\"b\"", true));
    assert_false(shoal_etag_listed(shoal_span("W/\"b\""), "\"b\"", false));
    assert_true(shoal_etag_listed(shoal_span("*"), "\"b\"", false));
    assert_false(shoal_etag_listed(shoal_span("\"bb\""), "\"b\"", false));
    assert_true(shoal_etag_listed(shoal_span("\"a,b\""), "\"a,b\"", false));
}

static void compresses_only_what_shrinks(void **state)
{
    (void)state;
    char text[4000] = {0};
    size_t length = 0;
    char *small = shoal_gzip(text, sizeof text, &length);
    assert_non_null(small);
    assert_true(length < 100);
    free(small);
    assert_null(shoal_gzip("ab", 2, &length));
    assert_true(shoal_gzip_fits("text/html; charset=utf-8"));
    assert_true(shoal_gzip_fits("application/json; charset=utf-8"));
    assert_false(shoal_gzip_fits("video/mp4"));
    assert_false(shoal_gzip_fits("text/event-stream"));
    assert_false(shoal_gzip_fits(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weighs_media_types),
        cmocka_unit_test(tells_what_is_named_from_what_would_do),
        cmocka_unit_test(weighs_encodings),
        cmocka_unit_test(chooses_languages),
        cmocka_unit_test(writes_and_reads_dates),
        cmocka_unit_test(reads_ranges),
        cmocka_unit_test(compares_entity_tags),
        cmocka_unit_test(compresses_only_what_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
