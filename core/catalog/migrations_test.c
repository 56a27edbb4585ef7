// migrations_test.c - the tables of the catalog are made in steps that never change their order.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"
#include "data/data.h"

static void steps_are_numbered_and_named(void **state)
{
    (void)state;
    size_t count = 0;
    const struct shoal_migration *list = shoal_catalog_migrations(&count);
    assert_true(count >= 5);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list[i].number, (int)i + 1);
        assert_true(list[i].name[0] != '\0' && list[i].sql[0] != '\0');
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(list[i].name, list[j].name);
        }
    }
    // What released servers have made already.
    static const char *const released[] = {
        "people", "videos", "files", "published views", "pictures of actors"};
    for (size_t i = 0; i < sizeof released / sizeof released[0]; i++) {
        assert_string_equal(list[i].name, released[i]);
    }
}

static void each_step_is_sql_of_both_databases(void **state)
{
    (void)state;
    size_t count = 0;
    const struct shoal_migration *list = shoal_catalog_migrations(&count);
    static const char *const dialects[] = {"sqlite", "postgresql"};
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < 2; j++) {
            struct shoal_err err = {0};
            char *sql = shoal_migration_translate(list[i].sql, dialects[j], &err);
            if (sql == NULL) {
                fail_msg("%s: %s", list[i].name, err.text);
            }
            assert_null(strstr(sql, " I64"));
            assert_null(strstr(sql, "  id ID"));
            free(sql);
        }
    }
}

static void a_second_start_changes_nothing(void **state)
{
    (void)state;
    struct shoal_kit *kit = shoal_kit_new(NULL);
    size_t count = 0;
    const struct shoal_migration *list = shoal_catalog_migrations(&count);
    assert_int_equal(shoal_migrations_pending_builtin("core.catalog", list, count, NULL), 0);
    assert_int_equal(shoal_catalog_migrate(NULL, NULL), 0);
    assert_int_equal(shoal_migrations_pending_builtin("core.catalog", list, count, NULL), 0);
    shoal_kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_numbered_and_named),
        cmocka_unit_test(each_step_is_sql_of_both_databases),
        cmocka_unit_test(a_second_start_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
