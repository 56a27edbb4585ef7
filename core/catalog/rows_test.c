// rows_test.c - numbers of many rows, no more than there is room for, and texts that may be nothing.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"
#include "catalog/catalog_test.h"

SHOAL_SQL(test_numbers, "SELECT q.n FROM (SELECT 3 AS n UNION ALL SELECT 1 AS n UNION ALL "
                        "SELECT 2 AS n) AS q WHERE q.n > CAST($1 AS BIGINT) ORDER BY q.n");
SHOAL_SQL(test_texts, "SELECT 'here', CAST(NULL AS TEXT)");
SHOAL_SQL(test_wrong, "SELECT n FROM catalog_no_table");

static struct shoal_kit *kit;
static struct shoal_call *call;

static int setup(void **state)
{
    (void)state;
    kit = shoal_kit_new(NULL);
    call = shoal_kit_system(kit);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(kit);
    return 0;
}

static void numbers_are_read_as_far_as_there_is_room(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_db *db = shoal_call_db(call);
    int64_t ids[3] = {0};
    size_t count = 9;
    assert_int_equal(
        catalog_ids_read(db, &test_numbers, SHOAL_ARGS(SHOAL_I64(0)), ids, 3, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[2], 3);
    assert_int_equal(
        catalog_ids_read(db, &test_numbers, SHOAL_ARGS(SHOAL_I64(1)), ids, 1, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(ids[0], 2);
    assert_int_equal(
        catalog_ids_read(db, &test_numbers, SHOAL_ARGS(SHOAL_I64(3)), ids, 3, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_true(catalog_ids_read(db, &test_wrong, SHOAL_NOARGS, ids, 3, &count, &err) < 0);
    assert_int_equal(count, 0);
    assert_int_not_equal(err.code, 0);
}

static void a_text_outlives_its_row_and_may_be_none(void **state)
{
    (void)state;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &test_texts, SHOAL_NOARGS, NULL);
    assert_true(shoal_rows_next(rows));
    const char *text = catalog_col_text(call, rows, 0);
    assert_null(catalog_col_text(call, rows, 1));
    assert_int_equal(shoal_rows_close(rows, NULL), 0);
    assert_string_equal(text, "here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_far_as_there_is_room),
        cmocka_unit_test(a_text_outlives_its_row_and_may_be_none),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
