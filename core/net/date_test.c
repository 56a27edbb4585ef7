// date_test.c - dates as HTTP writes them: each month, leap days, and text that only looks like
// one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net/date_priv.h"

static const struct {
    int64_t seconds;
    const char *text;
} rows[] = {
    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
    {1109635199, "Mon, 28 Feb 2005 23:59:59 GMT"},
    {1110067200, "Sun, 06 Mar 2005 00:00:00 GMT"},
    {1114819200, "Sat, 30 Apr 2005 00:00:00 GMT"},
    {1115164800, "Wed, 04 May 2005 00:00:00 GMT"},
    {1117756800, "Fri, 03 Jun 2005 00:00:00 GMT"},
    {1120348800, "Sun, 03 Jul 2005 00:00:00 GMT"},
    {1123027200, "Wed, 03 Aug 2005 00:00:00 GMT"},
    {1125705600, "Sat, 03 Sep 2005 00:00:00 GMT"},
    {1128297600, "Mon, 03 Oct 2005 00:00:00 GMT"},
    {1130976000, "Thu, 03 Nov 2005 00:00:00 GMT"},
    {1133568000, "Sat, 03 Dec 2005 00:00:00 GMT"},
    {4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
    {250278163199, "Mon, 31 Dec 9900 23:59:59 GMT"},
};

static void writes_and_reads_every_month(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[SHOAL_DATE_SIZE];
        shoal_date_format(rows[i].seconds, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(shoal_date_parse(shoal_span(text)), rows[i].seconds);
    }
}

static void writes_something_whatever_the_number(void **state)
{
    (void)state;
    static const int64_t odd[] = {INT64_MIN, INT64_MAX, -62135596800 - 1, 400000000000};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        char text[SHOAL_DATE_SIZE];
        shoal_date_format(odd[i], text);
        assert_int_equal(strlen(text), SHOAL_DATE_SIZE - 1);
        assert_string_equal(text + 25, " GMT");
    }
}

static void refuses_what_is_no_such_date(void **state)
{
    (void)state;
    static const char *const bad[] = {"Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 gmt", "Sun, 06 Nov 1994 08:49:37  GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1899 08:49:37 GMT", "Sun, 06 Nov 199x 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 -8:49:37 GMT",
        "Sun, 06 Nov 1994 08:4 :37 GMT", "Sun Nov  6 08:49:37 1994     ", "GMT"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(shoal_date_parse(shoal_span(bad[i])), -1);
    }
    assert_int_equal(shoal_date_parse((struct shoal_span){0}), -1);
    assert_int_equal(shoal_date_parse(shoal_span("Sat, 31 Dec 2016 23:59:60 GMT")), 1483228800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads_every_month),
        cmocka_unit_test(writes_something_whatever_the_number),
        cmocka_unit_test(refuses_what_is_no_such_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
