// metrics_text_test.c - metrics as OpenMetrics text, and what the host counts itself.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/metrics.h>

#include "host/registry_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static char text[65536];

static int begin(void **state)
{
    (void)state;
    kit_open(&kit, "");
    kit_start(&kit, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static void read_all(void)
{
    struct shoal_buf out = {0};
    assert_int_equal(shoal_metrics_text(&kit.call, &out), 0);
    snprintf(text, sizeof(text), "\n%s", out.data); // a line break before each line
    shoal_buf_fini(&out);
}

static void says(const char *line)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "\n%s\n", line);
    if (!strstr(text, whole)) {
        fail_msg("\"%s\" is not in%s", line, text);
    }
}

static void each_kind_has_its_lines(void **state)
{
    (void)state;
    static struct shoal_metric counter = {
        .name = "fish_caught", .help = "a \"fish\"\n\\", .kind = SHOAL_COUNTER, .label = "sea"};
    static struct shoal_metric gauge = {.name = "fish_now", .help = "now", .kind = SHOAL_GAUGE};
    static struct shoal_metric histogram = {
        .name = "fish_weight", .help = "kg", .kind = SHOAL_HISTOGRAM, .label = "sea"};
    shoal_metric_add_to(NULL, &counter);
    shoal_metric_add_to(NULL, &gauge);
    shoal_metric_add_to(NULL, &histogram);
    shoal_metric_add(&counter, "no\"rth\\ \n", 3);
    shoal_metric_add(&counter, NULL, 1);
    shoal_metric_set(&gauge, "not shown", 0.25);
    shoal_metric_observe(&histogram, "south", 0.2);
    shoal_metric_observe(&histogram, "south", 5000);
    read_all();
    says("# HELP shoal_fish_caught a \\\"fish\\\"\\n\\\\");
    says("# TYPE shoal_fish_caught counter");
    says("shoal_fish_caught_total{sea=\"no\\\"rth\\\\ \\n\"} 3");
    says("shoal_fish_caught_total 1");
    says("# TYPE shoal_fish_now gauge");
    says("shoal_fish_now 0.25"); // it has no label to show
    says("# TYPE shoal_fish_weight histogram");
    says("shoal_fish_weight_bucket{sea=\"south\",le=\"0.1\"} 0");
    says("shoal_fish_weight_bucket{sea=\"south\",le=\"0.25\"} 1");
    says("shoal_fish_weight_bucket{sea=\"south\",le=\"1800\"} 1");
    says("shoal_fish_weight_bucket{sea=\"south\",le=\"+Inf\"} 2");
    says("shoal_fish_weight_sum{sea=\"south\"} 5000.2");
    says("shoal_fish_weight_count{sea=\"south\"} 2");
    assert_string_equal(text + strlen(text) - 7, "\n# EOF\n");
}

static void labels_beyond_the_last_are_others(void **state)
{
    (void)state;
    static struct shoal_metric counter = {
        .name = "many", .help = "many", .kind = SHOAL_COUNTER, .label = "l"};
    char label[16];
    shoal_metric_add_to(NULL, &counter);
    for (int i = 0; i < 70; i++) {
        snprintf(label, sizeof(label), "l%d", i);
        shoal_metric_add(&counter, label, 1);
    }
    read_all();
    says("shoal_many_total{l=\"l63\"} 1");
    says("shoal_many_total{l=\"other\"} 6");
    assert_null(strstr(text, "\"l64\""));
}

static void requests_count_by_the_class_of_their_status(void **state)
{
    (void)state;
    static const int statuses[] = {200, 204, 304, 404, 500, 503};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        shoal_host_metrics_request(statuses[i], "reef", 250);
    }
    read_all();
    says("shoal_http_requests_total{status=\"2xx\"} 2");
    says("shoal_http_requests_total{status=\"3xx\"} 1");
    says("shoal_http_requests_total{status=\"4xx\"} 1");
    says("shoal_http_requests_total{status=\"5xx\"} 2");
    says("shoal_http_failures_total{plugin=\"reef\"} 2"); // what a visitor did wrong is none
    says("shoal_http_seconds_sum 1.5");
    says("shoal_http_seconds_count 6");
}

static int add_job(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    json_t *payload = json_object();
    int code = shoal_job_add(NULL, tx, "core.nothing", payload, NULL, NULL, err);
    json_decref(payload);
    return code;
}

static void others_are_asked_when_somebody_looks(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    read_all();
    says("shoal_jobs{state=\"waiting\"} 0");
    says("shoal_jobs{state=\"active\"} 0");
    says("shoal_jobs{state=\"parked\"} 0");
    says("shoal_connections 0");
    if (shoal_tx(&kit.call, add_job, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
    read_all();
    says("shoal_jobs{state=\"waiting\"} 1");
    assert_null(strstr(text, "\nshoal_memory_bytes 0\n"));
    assert_non_null(strstr(text, "\nshoal_start_time_seconds "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(each_kind_has_its_lines),
        CASE(labels_beyond_the_last_are_others),
        CASE(requests_count_by_the_class_of_their_status),
        CASE(others_are_asked_when_somebody_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
