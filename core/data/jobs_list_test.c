// jobs_list_test.c - jobs as lists and counts: which, how many, in which order.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/jobs_priv.h"

static const char *const states[] = {"waiting", "active", "parked", "done", "cancelled"};
static struct shoal_call call;

static int open_with_jobs(void **state)
{
    kit_open(state);
    shoal_call_init(&call);
    for (int i = 0; i < 10; i++) {
        char text[512];
        snprintf(text, sizeof(text),
            "INSERT INTO job (kind, payload, state, priority, run_at_ms, subject, attempt, "
            "attempts,"
            " backoff_ms, lease_ms, fence, is_later, is_cancel_asked, is_told, tells, progress,"
            " created_ms) VALUES ('k%d', '{}', '%s', 0, 5, 's%d', 1, 3, 1, 1, 0, FALSE, FALSE, "
            "TRUE,"
            " 0, 40, 4)",
            i, states[i < 7 ? 0 : i - 6], i);
        kit_run(text);
    }
    return 0;
}

static int close_call(void **state)
{
    shoal_call_fini(&call);
    return kit_close(state);
}

static json_t *list(const char *state, int start, int count)
{
    struct shoal_err err = {0};
    json_t *found = shoal_jobs_list(&call, state, start, count, &err);
    if (!found) {
        fail_msg("%s", err.text);
    }
    return found;
}

static void what_waits_or_runs_is_open(void **state)
{
    (void)state;
    // 1 to 7 wait, then one of each other state; there is no eleventh.
    static const bool open[12] = {false, true, true, true, true, true, true, true, true};
    for (int64_t id = 0; id < 12; id++) {
        bool is_open = !open[id];
        assert_int_equal(shoal_jobs_is_open(&call, id, &is_open, NULL), 0);
        assert_int_equal(is_open, open[id]);
    }
}

static void the_newest_come_first(void **state)
{
    (void)state;
    json_t *all = list(NULL, 0, 100);
    assert_int_equal(json_array_size(all), 10);
    assert_string_equal(shoal_text(all, "0.kind", ""), "k9");
    assert_string_equal(shoal_text(all, "9.kind", ""), "k0");
    assert_int_equal(shoal_integer(all, "0.attempt", 0), 1);
    assert_int_equal(shoal_integer(all, "0.progress", 0), 40);
    assert_int_equal(shoal_integer(all, "0.created", 0), 4);
    assert_int_equal(shoal_integer(all, "0.run_at", 0), 5);
    assert_string_equal(shoal_text(all, "0.subject", ""), "s9");
    assert_true(json_is_null(shoal_get(all, "0.error")));
    assert_null(shoal_get(all, "0.payload")); // it may hold a secret
    json_decref(all);
}

static void a_state_and_a_page_can_be_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        json_t *some = list(states[i], 0, 100);
        assert_int_equal(json_array_size(some), i == 0 ? 7 : i < 4 ? 1 : 0);
        json_decref(some);
    }
    static const struct {
        int start, count, size;
    } rows[] = {
        {0, 3, 3}, {8, 3, 2}, {10, 3, 0}, {0, 0, 0}, {0, -1, 0}, {-5, 3, 3}, {0, 1 << 30, 10}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *some = list(NULL, rows[i].start, rows[i].count);
        assert_int_equal(json_array_size(some), rows[i].size);
        json_decref(some);
    }
    struct shoal_err err = {0};
    assert_null(shoal_jobs_list(&call, "lost", 0, 10, &err));
    assert_int_equal(err.code, SHOAL_EINVAL);
    assert_string_equal(err.field, "state");
}

static void what_is_not_over_is_counted(void **state)
{
    (void)state;
    json_t *counts = shoal_jobs_count(&call, NULL);
    char *text = json_dumps(counts, JSON_COMPACT);
    assert_string_equal(text, "{\"waiting\":7,\"active\":1,\"parked\":1}");
    free(text);
    json_decref(counts);
}

static void what_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_run("DROP TABLE job");
    assert_null(shoal_jobs_list(&call, NULL, 0, 10, &err));
    assert_true(err.code < 0);
    assert_null(shoal_jobs_count(&call, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_with_jobs, close_call)
        CASE(what_waits_or_runs_is_open),
        CASE(the_newest_come_first),
        CASE(a_state_and_a_page_can_be_asked_for),
        CASE(what_is_not_over_is_counted),
        CASE(what_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
