// testkit_test.c - the test kit itself: a host, a plugin in it, requests as different people.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "testkit.h"

static const char manifest[] =
    "{\"name\": \"hello\", \"version\": \"1.0.0\", \"summary\": \"says hello\", \"licence\": "
    "\"MIT\","
    "\"sdk\": \"^1.0\", \"language\": \"c\", \"permissions\": [\"routes:/hello\"],"
    "\"settings\": [{\"name\": \"word\", \"type\": \"text\", \"default\": \"Hello\", \"help\": "
    "\"the "
    "word\"}]}";

static int job_runs;

static int say_hello(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)err;
    const char *name = shoal_call_viewer(call)->username;
    return shoal_answer_json(request, 200,
        json_pack("{s:s, s:s}", "word", shoal_setting_text(arg, call, "word"), "to",
            name ? name : "you"));
}

static int work(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)job;
    (void)arg;
    (void)err;
    job_runs++;
    return 0;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route route = {
        .method = "GET", .path = "/hello", .handler = say_hello, .arg = self};
    const struct shoal_job_kind kind = {.kind = "work", .run = work};
    int code = shoal_job_kind_add(self, &kind, err);
    return code < 0 ? code : shoal_route_add(self, &route, err);
}

static const struct shoal_plugin_descriptor hello = {.size = sizeof(hello),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "hello",
    .start = start};

static int add_work(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    json_t *payload = json_object();
    int code = shoal_job_add(arg, tx, "work", payload, NULL, NULL, err);
    json_decref(payload);
    return code;
}

static void a_plugin_answers_different_people(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_kit *kit = shoal_kit_new(NULL);
    json_t *answer = NULL;
    json_t *options = json_pack("{s:s}", "word", "Salut");
    assert_int_equal(shoal_kit_load_text(kit, &hello, manifest, options, &err), 0);
    assert_int_equal(
        shoal_kit_request(shoal_kit_anonymous(kit), "GET", "/hello", NULL, &answer), 200);
    assert_string_equal(shoal_text(answer, "word", ""), "Salut");
    assert_string_equal(shoal_text(answer, "to", ""), "you");
    json_decref(answer);
    shoal_kit_request(shoal_kit_admin(kit), "GET", "/hello", NULL, &answer);
    assert_string_equal(shoal_text(answer, "to", ""), "root");
    json_decref(answer);
    shoal_kit_request(shoal_kit_user(kit, "lea"), "GET", "/hello", NULL, &answer);
    assert_string_equal(shoal_text(answer, "to", ""), "lea");
    json_decref(answer);
    assert_int_equal(shoal_kit_request(shoal_kit_anonymous(kit), "GET", "/none", NULL, NULL), 404);
    shoal_kit_free(kit);
}

static void jobs_run_until_nothing_is_due(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_kit *kit = shoal_kit_new(NULL);
    job_runs = 0;
    assert_int_equal(shoal_kit_load_text(kit, &hello, manifest, NULL, &err), 0);
    assert_int_equal(
        shoal_tx(shoal_kit_system(kit), add_work, shoal_kit_plugin(kit, "hello"), &err), 0);
    assert_true(shoal_kit_idle(kit, 10000));
    assert_int_equal(job_runs, 1);
    shoal_kit_free(kit);
}

static void shared_objects_of_the_build_are_loaded(void **state)
{
    (void)state;
    struct shoal_service service;
    struct shoal_kit *kit = shoal_kit_new("plugins = { \"storage_fs\" }\n");
    assert_true(shoal_service_find("storage", NULL, &service));
    assert_string_equal(service.plugin, "storage_fs");
    shoal_kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_answers_different_people),
        cmocka_unit_test(jobs_run_until_nothing_is_due),
        cmocka_unit_test(shared_objects_of_the_build_are_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
