// schema_test.c - what the tables of this room refuse, and that other databases can have them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/migrate_priv.h"

#define JOB                                                                                        \
    "INSERT INTO job (kind, payload, state, priority, run_at_ms, unique_key, attempt, attempts,"   \
    " backoff_ms, lease_ms, fence, is_later, is_cancel_asked, is_told, tells, progress,"           \
    " created_ms) VALUES ('k', '{}', "
#define REST ", 0, 1, 1, 1, 0, FALSE, FALSE, TRUE, 0, 0, 1)"

static int run(const char *text)
{
    struct shoal_call call;
    char copy[1024];
    snprintf(copy, sizeof(copy), "%s", text);
    shoal_call_init(&call);
    int code = shoal_tx(&call, kit_run_closure, copy, NULL);
    shoal_call_fini(&call);
    return code;
}

static void a_job_has_a_known_state(void **state)
{
    (void)state;
    static const char *const states[] = {"waiting", "active", "parked", "done", "cancelled"};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), JOB "'%s', 0, 1, NULL" REST, states[i]);
        assert_int_equal(run(text), 0);
    }
    assert_int_equal(run(JOB "'lost', 0, 1, NULL" REST), SHOAL_ECONFLICT);
}

static void a_unique_key_counts_while_the_job_waits(void **state)
{
    (void)state;
    assert_int_equal(run(JOB "'waiting', 0, 1, 'a'" REST), 0);
    assert_int_equal(run(JOB "'waiting', 0, 1, 'a'" REST), SHOAL_ECONFLICT);
    assert_int_equal(run(JOB "'waiting', 0, 1, 'b'" REST), 0);
    assert_int_equal(run(JOB "'active', 0, 1, 'a'" REST), 0);
    assert_int_equal(run(JOB "'waiting', 0, 1, NULL" REST), 0);
    assert_int_equal(run(JOB "'waiting', 0, 1, NULL" REST), 0);
}

static void a_name_has_one_row(void **state)
{
    (void)state;
    static const char *const once[] = {
        "INSERT INTO setting VALUES ('', 'k', '1', 1)",
        "INSERT INTO epoch VALUES ('k', 1)",
        "INSERT INTO timer_lease VALUES ('k', 'me', 1, 1)",
        "INSERT INTO migration VALUES ('k', 1, 'start', 'hash', 1)",
    };
    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
        assert_int_equal(run(once[i]), 0);
        assert_int_equal(run(once[i]), SHOAL_ECONFLICT);
    }
}

static void the_list_starts_with_the_table_of_migrations(void **state)
{
    (void)state;
    size_t count = 0;
    const struct shoal_migration *all = shoal_data_migrations(&count);
    assert_int_equal(count, data_schema_count + 1);
    assert_string_equal(all[0].sql, data_migration_table);
    assert_ptr_equal(all + 1, data_schema);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(all[i].number, i); // no gap, no number twice
        assert_true(all[i].name[0] != 0);
    }
}

static void the_own_tables_translate_for_postgresql(void **state)
{
    (void)state;
    for (size_t i = 0; i < data_schema_count; i++) {
        struct shoal_err err = {0};
        char *text = shoal_migration_translate(data_schema[i].sql, "postgresql", &err);
        assert_non_null(text);
        assert_null(strstr(text, "AUTOINCREMENT"));
        assert_null(strstr(text, "I64"));
        assert_true(i > 0 || strstr(text, "IDENTITY") != NULL);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, kit_open, kit_close)
        CASE(a_job_has_a_known_state),
        CASE(a_unique_key_counts_while_the_job_waits),
        CASE(a_name_has_one_row),
        cmocka_unit_test(the_list_starts_with_the_table_of_migrations),
        cmocka_unit_test(the_own_tables_translate_for_postgresql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
