// api_range_test.c - Content-Range lines, good and bad, and the ids of uploads.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include <shoal/error.h>

#include "api_range.h"

static void reads_a_chunk_with_both_ends_inclusive(void **state)
{
    (void)state;
    struct api_range range;
    assert_int_equal(api_range_parse("bytes 0-262143/2469036", &range), 0);
    assert_false(range.is_query);
    assert_int_equal(range.first, 0);
    assert_int_equal(range.last, 262143);
    assert_true(range.has_total);
    assert_int_equal(range.total, 2469036);
    assert_int_equal(api_range_parse("bytes 5-5/6", &range), 0);
}

static void reads_a_question_how_far_we_are(void **state)
{
    (void)state;
    struct api_range range;
    assert_int_equal(api_range_parse("bytes */2469036", &range), 0);
    assert_true(range.is_query);
    assert_int_equal(range.total, 2469036);
    assert_int_equal(api_range_parse("bytes */*", &range), 0);
    assert_true(range.is_query);
    assert_false(range.has_total);
}

static void reads_an_unknown_total(void **state)
{
    (void)state;
    struct api_range range;
    assert_int_equal(api_range_parse("bytes 10-19/*", &range), 0);
    assert_false(range.has_total);
    assert_int_equal(range.last, 19);
}

static void refuses_what_is_not_exactly_a_range(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "bytes", "bytes ", "bytes 1-0/10", "bytes 0-10/10",
        "bytes 0-9", "bytes 0-9/", "bytes 0-9/10 ", "bytes=0-9/10", "Bytes 0-9/10", "bytes -9/10",
        "bytes 0-/10", "bytes 0-9/10/11", "bytes +0-9/10", "bytes 0-9999999999999999999999/*",
        "bytes 0x0-9/10", "bytes */", "bytes *", "bytes */-1", "items 0-9/10", "bytes 0 -9/10"};
    struct api_range range;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(api_range_parse(bad[i], &range), SHOAL_EINVAL);
    }
    assert_int_equal(api_range_parse(NULL, &range), SHOAL_EINVAL);
}

static void gives_the_same_id_for_the_same_upload(void **state)
{
    (void)state;
    static const char *const parts[] = {"a.mp4", "100", NULL};
    static const char *const other[] = {"a.mp41", "00", NULL};
    char first[API_UPLOAD_ID_LENGTH + 1];
    char second[API_UPLOAD_ID_LENGTH + 1];
    api_upload_id(7, parts, first);
    api_upload_id(7, parts, second);
    assert_string_equal(first, second);
    assert_true(api_upload_id_valid(first));
    api_upload_id(7, other, second);
    assert_string_not_equal(first, second);
}

static void knows_whose_an_id_is(void **state)
{
    (void)state;
    static const char *const parts[] = {"a.mp4", NULL};
    char id[API_UPLOAD_ID_LENGTH + 1];
    char other[API_UPLOAD_ID_LENGTH + 1];
    api_upload_id(7, parts, id);
    api_upload_id(8, parts, other);
    assert_true(api_upload_id_owned(id, 7));
    assert_false(api_upload_id_owned(id, 8));
    assert_int_equal(memcmp(id, other, 16) != 0, 1);
}

static void refuses_ids_that_could_be_paths(void **state)
{
    (void)state;
    assert_false(api_upload_id_valid(NULL));
    assert_false(api_upload_id_valid(""));
    assert_false(api_upload_id_valid("../../../../../../../../../../../../../etc/passwd"));
    assert_false(api_upload_id_valid("ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789"));
    assert_true(api_upload_id_valid("abcdef0123456789abcdef0123456789abcdef0123456789"));
    assert_false(api_upload_id_valid("abcdef0123456789abcdef0123456789abcdef01234567890"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_chunk_with_both_ends_inclusive),
        cmocka_unit_test(reads_a_question_how_far_we_are),
        cmocka_unit_test(reads_an_unknown_total),
        cmocka_unit_test(refuses_what_is_not_exactly_a_range),
        cmocka_unit_test(gives_the_same_id_for_the_same_upload),
        cmocka_unit_test(knows_whose_an_id_is),
        cmocka_unit_test(refuses_ids_that_could_be_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
