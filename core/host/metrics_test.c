// metrics_test.c - counting with labels: what grows, what is set, and where labels end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/metrics.h>

#include "host/metrics_priv.h"
#include "host/registry_priv.h"
#include "host/test_kit.h"

static struct shoal_plugin *const owner = (struct shoal_plugin *)0x1000; // compared alone
static struct shoal_metric counter = {.name = "c", .kind = SHOAL_COUNTER, .label = "kind"};
static struct shoal_metric gauge = {.name = "g", .kind = SHOAL_GAUGE};
static struct shoal_metric histogram = {.name = "h", .kind = SHOAL_HISTOGRAM};

static int begin(void **state)
{
    (void)state;
    shoal_metric_add_to(owner, &counter);
    shoal_metric_add_to(owner, &gauge);
    shoal_metric_add_to(owner, &histogram);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_metrics_remove(owner);
    return counter.state || gauge.state || histogram.state;
}

static const struct shoal_metric_series *series(const struct shoal_metric *metric, const char *name)
{
    const struct shoal_metric_state *state = metric->state;
    for (size_t i = 0; i < state->count; i++) {
        if (strcmp(state->series[i].label, name) == 0) {
            return &state->series[i];
        }
    }
    fail_msg("%s has no series \"%s\"", metric->name, name);
    return NULL;
}

static void counters_only_grow(void **state)
{
    (void)state;
    shoal_metric_add(&counter, "a", 2);
    shoal_metric_add(&counter, "a", -5); // a counter that falls looks like a restart
    shoal_metric_add(&counter, "b", 0.5);
    shoal_metric_add(&counter, NULL, 1);
    assert_true(series(&counter, "a")->value == 2);
    assert_true(series(&counter, "b")->value == 0.5);
    assert_true(series(&counter, "")->value == 1);
    shoal_metric_add(&gauge, NULL, 2);
    shoal_metric_add(&gauge, NULL, -5);
    assert_true(series(&gauge, "")->value == -3);
    shoal_metric_set(&gauge, NULL, 7);
    assert_true(series(&gauge, "")->value == 7);
}

static void a_value_counts_in_every_bucket_that_holds_it(void **state)
{
    (void)state;
    shoal_metric_observe(&histogram, NULL, 0.005);  // on the bound of the first
    shoal_metric_observe(&histogram, NULL, 1800.5); // beyond the last
    for (size_t i = 0; i < SHOAL_METRIC_BUCKETS; i++) {
        shoal_metric_observe(&histogram, NULL, shoal_metric_bounds[i]);
        assert_true(i == 0 || shoal_metric_bounds[i] > shoal_metric_bounds[i - 1]);
    }
    const struct shoal_metric_series *found = series(&histogram, "");
    assert_int_equal(found->count, SHOAL_METRIC_BUCKETS + 2);
    for (size_t i = 0; i < SHOAL_METRIC_BUCKETS; i++) {
        assert_int_equal(found->buckets[i], i + 2);
    }
}

static void labels_without_end_share_one_series(void **state)
{
    (void)state;
    char label[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(label, sizeof(label), "l%d", i);
        shoal_metric_add(&counter, label, 1);
    }
    const struct shoal_metric_state *kept = counter.state;
    assert_int_equal(kept->count, SHOAL_METRIC_LABELS);
    assert_true(kept->other.value == 1000 - SHOAL_METRIC_LABELS);
    shoal_metric_add(&counter, "l0", 1); // those that were there go on
    assert_true(series(&counter, "l0")->value == 2);
}

static void a_metric_that_is_not_registered_counts_nothing(void **state)
{
    (void)state;
    static struct shoal_metric stray = {.name = "s", .kind = SHOAL_COUNTER};
    shoal_metric_add(&stray, NULL, 1);
    shoal_metric_set(&stray, NULL, 1);
    shoal_metric_observe(&stray, NULL, 1);
    assert_null(stray.state);
}

static int note(struct shoal_metric_state *state, void *user)
{
    char *names = user;
    strncat(names, state->metric->name, 8);
    return strcmp(state->metric->name, "stop") == 0 ? SHOAL_EFULL : 0;
}

static void they_come_in_order_and_go_with_their_owner(void **state)
{
    (void)state;
    static struct shoal_metric core = {.name = "stop", .kind = SHOAL_GAUGE};
    static struct shoal_metric last = {.name = "last", .kind = SHOAL_GAUGE};
    char names[64] = "";
    void *kept = counter.state;
    shoal_metric_add_to(owner, &counter); // once more is the same
    assert_ptr_equal(counter.state, kept);
    shoal_metric_add_to(NULL, &core);
    shoal_metric_add_to(owner, &last);
    assert_int_equal(shoal_metrics_each(note, names), SHOAL_EFULL);
    assert_string_equal(names, "cghstop");
    shoal_metrics_remove(NULL); // out of the middle
    names[0] = 0;
    assert_int_equal(shoal_metrics_each(note, names), 0);
    assert_string_equal(names, "cghlast");
    shoal_metrics_remove(owner);
    shoal_metric_add_to(owner, &gauge); // the list can be begun again
    names[0] = 0;
    assert_int_equal(shoal_metrics_each(note, names), 0);
    assert_string_equal(names, "g");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(counters_only_grow),
        CASE(a_value_counts_in_every_bucket_that_holds_it),
        CASE(labels_without_end_share_one_series),
        CASE(a_metric_that_is_not_registered_counts_nothing),
        CASE(they_come_in_order_and_go_with_their_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
