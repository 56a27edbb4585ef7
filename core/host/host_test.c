// host_test.c - the life of plugins: order, quarantine, settings, permissions, what is held.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/host_priv.h"
#include "host/test_kit.h"

#include <stdatomic.h>

static struct kit kit;
static char started[256];

static int open_kit(const char *lua)
{
    kit_open(&kit, lua);
    started[0] = 0;
    return 0;
}

static int start_noting(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    assert_in_range(shoal_call_left_ms(shoal_call_current()), 1, 60000); // for the watchdog
    strncat(started, shoal_plugin_name(self), sizeof(started) - strlen(started) - 2);
    strncat(started, " ", sizeof(started) - strlen(started) - 1);
    return 0;
}

static void write_plugin(const char *name, const char *more)
{
    char path[256];
    struct shoal_err err = {0};
    snprintf(path, sizeof(path), "%s/plugins/%s", kit.folder, name);
    assert_int_equal(shoal_folder_make(path, 0700, &err), 0);
    char *text = kit_manifest(name, more);
    char file[64];
    snprintf(file, sizeof(file), "plugins/%s/plugin.json", name);
    kit_write(&kit, file, text);
    free(text);
}

static const char *sentence_of(const char *name)
{
    struct shoal_plugin *plugin = shoal_plugin_find(name);
    assert_non_null(plugin);
    return atomic_load(&plugin->state) == SHOAL_PLUGIN_QUARANTINED ? plugin->sentence : "";
}

static void expect_out(const char *name, const char *part)
{
    if (!strstr(sentence_of(name), part) || !*sentence_of(name)) {
        fail_msg("%s: \"%s\" should say \"%s\"", name, sentence_of(name), part);
    }
}

static void what_is_missing_or_broken_is_quarantined_alone(void **state)
{
    (void)state;
    open_kit("plugins = {\n\"missing\",\n\"broken\",\n\"unpinned\",\n\"needy\",\n\"rival\" }");
    write_plugin("broken", "\"surprise\": 1");
    write_plugin("unpinned", "");
    write_plugin("needy", "\"needs\": [\"missing\"]");
    write_plugin("rival", "\"conflicts\": [\"unpinned\"]");
    kit_write(&kit, "plugins/unpinned/unpinned.so", "not a library");
    kit_start(&kit, false);
    expect_out("missing", "shoal.lua:2: there is no plugin missing");
    expect_out("broken", "unknown key \"surprise\"");
    expect_out("unpinned", "sha256 = ");
    expect_out("needy", "needs the plugin missing, which is quarantined");
    expect_out("rival", "does not go together with unpinned");
    json_t *plugins = shoal_host_plugins();
    assert_int_equal(json_array_size(plugins), 5);
    assert_string_equal(shoal_text(plugins, "0.state", ""), "quarantined");
    json_decref(plugins);
    kit_close(&kit);
}

static void plugins_that_wait_for_each_other_do_not_stop_the_rest(void **state)
{
    (void)state;
    open_kit("plugins = { \"ring_a\", \"ring_b\" }");
    write_plugin("ring_a", "\"after\": [\"ring_b\"]");
    write_plugin("ring_b", "\"needs\": [\"ring_a\"]");
    kit_start(&kit, false);
    expect_out("ring_a", "in a ring");
    expect_out("ring_b", "needs the plugin ring_a");
    kit_close(&kit);
}

static void safe_mode_and_crashes_keep_plugins_away(void **state)
{
    (void)state;
    open_kit("plugins = { \"stranger\", \"crasher\" }");
    write_plugin("stranger", "");
    write_plugin("crasher", "\"hooks\": [\"user.login\"]");
    assert_int_equal(shoal_host_quarantine_store("crasher", "it crashed thrice", NULL), 0);
    kit_start(&kit, true);
    expect_out("stranger", "safe mode");
    expect_out("crasher", "it crashed thrice");
    struct shoal_decision decision;
    json_t *payload = json_object();
    assert_int_equal(shoal_fire_decide(&kit.call, "user.login", payload, &decision), SHOAL_HOLD);
    json_decref(payload);
    kit_close(&kit);
}

static const char settings_manifest[] =
    "\"settings\": [{\"name\": \"max_bytes\", \"type\": \"size\", \"default\": \"2M\", \"min\": 1, "
    "\"max\": \"1G\", \"help\": \"most\"}, {\"name\": \"title\", \"type\": \"text\", \"default\": "
    "\"none\", \"help\": \"a title\"}, {\"name\": \"token\", \"type\": \"text\", \"help\": \"a "
    "secret\", \"secret\": true}], \"hooks\": [\"settings.changed\"]";
static atomic_int changes;
static char changed_to[128];

static int hear_change(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    snprintf(changed_to, sizeof(changed_to), "%s=%s", shoal_text(event, "key", ""),
        shoal_text(event, "to", ""));
    atomic_fetch_add(&changes, 1);
    return 0;
}

static int start_settings(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    assert_int_equal(shoal_setting_i64(self, "max_bytes"), 3145728);
    assert_string_equal(shoal_setting_text(self, NULL, "title"), "none");
    return shoal_tell(self, "settings.changed", hear_change, NULL);
}

static int set(const char *key, const char *value, struct shoal_err *err)
{
    json_t *json = json_string(value);
    int code = shoal_setting_set(&kit.call, "sized", key, json, err);
    json_decref(json);
    return code;
}

static void settings_lie_in_layers(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    open_kit("instance = { name = \"Reef\" }");
    kit_start(&kit, false);
    json_t *options = json_pack("{s:s}", "max_bytes", "3M");
    assert_int_equal(kit_load("sized", start_settings, settings_manifest, options, &err), 0);
    struct shoal_plugin *self = shoal_plugin_find("sized");
    assert_int_equal(set("max_bytes", "1M", &err), SHOAL_ELOCKED);
    assert_int_equal(set("title", "Lagoon", &err), 0);
    assert_string_equal(shoal_setting_text(self, &kit.call, "title"), "Lagoon");
    assert_int_equal(set("nothing", "x", &err), SHOAL_EINVAL);
    assert_int_equal(set("token", "sesame", &err), 0);
    json_t *list = shoal_host_settings("sized");
    assert_true(shoal_flag(list, "0.locked", false));
    assert_string_equal(shoal_text(list, "1.source", ""), "database");
    assert_string_equal(shoal_text(list, "2.value", ""), "********");
    json_decref(list);
    assert_int_equal(shoal_jobs_start(1, &err), 0);
    for (int i = 0; i < 500 && atomic_load(&changes) < 2; i++) {
        usleep(10000);
    }
    assert_int_equal(atomic_load(&changes), 2);
    assert_null(strstr(changed_to, "sesame"));

    json_t *name = json_string("Other");
    assert_int_equal(shoal_setting_set(&kit.call, "", "instance.name", name, &err), SHOAL_ELOCKED);
    assert_int_equal(shoal_setting_set(&kit.call, "", "instance.terms", name, &err), 0);
    json_decref(name);
    json_t *terms = shoal_instance_setting("instance.terms");
    assert_string_equal(json_string_value(terms), "Other");
    json_decref(terms);
    assert_null(shoal_instance_setting("no.such"));
    kit.call.viewer = (struct shoal_viewer){.kind = SHOAL_VIEWER_USER, .role = SHOAL_ROLE_USER};
    assert_int_equal(set("title", "Mine", &err), SHOAL_EFORBIDDEN);
    kit_close(&kit);
}

static void options_of_a_plugin_are_checked(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    open_kit("");
    kit_start(&kit, false);
    json_t *options = json_pack("{s:s}", "max_byte", "3M");
    assert_true(kit_load("sized", start_settings, settings_manifest, options, &err) < 0);
    assert_non_null(strstr(err.text, "did you mean \"max_bytes\""));
    kit_close(&kit);
}

static int answer(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    return shoal_answer_text(request, 200, "hello");
}

static int start_route(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route route = {.method = "GET", .path = "/hello", .handler = answer};
    return shoal_route_add(self, &route, err);
}

static void of_two_owners_of_a_route_the_later_is_quarantined(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    open_kit("");
    kit_start(&kit, false);
    static const char may[] = "\"permissions\": [\"routes:/hello\"]";
    assert_int_equal(kit_load("first", start_route, may, NULL, &err), 0);
    assert_true(kit_load("second", start_route, may, NULL, &err) < 0);
    expect_out("second", "/hello");
    assert_true(kit_load("third", start_route, "", NULL, &err) < 0);
    expect_out("third", "no permission \"routes:/hello\"");
    assert_true(shoal_plugin_runs(shoal_plugin_find("first")));
    struct shoal_err late = {0};
    assert_int_equal(start_route(shoal_plugin_find("first"), &late), SHOAL_EINVAL);
    kit_close(&kit);
}

static int start_everything(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_plugin_descriptor table;
    assert_int_equal(shoal_slot_add(self, "footer", NULL, NULL, err), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_cli_add(self, "verb", "help", NULL, NULL), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_provide(self, "storage", &table, NULL, err), SHOAL_EFORBIDDEN);
    struct shoal_stream_ops ops = {0};
    assert_int_equal(
        shoal_listen(self, SHOAL_LISTEN_TCP, "127.0.0.1:1", &ops, NULL, err), SHOAL_EFORBIDDEN);
    struct shoal_fetch what = {.url = "https://example.org/"};
    struct shoal_fetched fetched = {0};
    assert_int_equal(shoal_fetch(shoal_call_current(), &what, &fetched, err), SHOAL_EFORBIDDEN);
    return 0;
}

static void what_the_manifest_does_not_list_is_refused(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    open_kit("");
    kit_start(&kit, false);
    assert_int_equal(kit_load("greedy", start_everything, "", NULL, &err), 0);
    kit_close(&kit);
}

static int run_verb(struct shoal_call *call, int argc, const char *const *argv, void *arg)
{
    assert_ptr_equal(shoal_call_plugin(call), arg);
    assert_string_equal(argv[0], "now");
    return argc + 6;
}

static int fill(struct shoal_call *call, const char *slot, const json_t *data,
    struct shoal_buf *out, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)slot;
    shoal_buf_puts(out, "<p>");
    shoal_html_escape(out, shoal_text(data, "title", "<&>"));
    shoal_buf_puts(out, "</p>");
    return arg ? shoal_fail(err, SHOAL_EIO, "half way") : 0;
}

static const int provided = 7;
static int start_good(struct shoal_plugin *self, struct shoal_err *err)
{
    assert_int_equal(shoal_slot_add(self, "footer", fill, NULL, err), 0);
    assert_int_equal(shoal_slot_add(self, "footer", fill, self, err), 0);
    assert_int_equal(shoal_slot_add(self, "foter", fill, self, err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_cli_add(self, "count", "counts", run_verb, self), 0);
    assert_int_equal(shoal_cli_add(self, "count", "counts", run_verb, self), SHOAL_ECONFLICT);
    return shoal_provide_single(self, "search", &provided, self, err);
}

static void slots_verbs_and_services_work_and_go_with_their_plugin(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_buf out = {0};
    struct shoal_service service;
    static const char *const argv[] = {"now"};
    open_kit("");
    kit_start(&kit, false);
    static const char may[] = "\"provides\": [\"search\"], \"permissions\": [\"pages\", \"cli\"]";
    assert_int_equal(kit_load("good", start_good, may, NULL, &err), 0);
    assert_true(kit_load("better", start_good, may, NULL, &err) < 0);
    expect_out("better", "good provides the service search already");
    shoal_slot_render(&kit.call, "footer", NULL, &out);
    assert_string_equal(out.data, "<p>&lt;&amp;&gt;</p>");
    assert_int_equal(shoal_host_verb_run(&kit.call, "good", "count", 1, argv, &err), 7);
    assert_true(shoal_service_find("search", NULL, &service));
    assert_string_equal(service.plugin, "good");
    assert_ptr_equal(service.table, &provided);
    shoal_host_quarantine("good", "it hung");
    assert_false(shoal_service_find("search", NULL, &service));
    assert_int_equal(
        shoal_host_verb_run(&kit.call, "good", "count", 1, argv, &err), SHOAL_ENOTFOUND);
    out.length = 0;
    out.data[0] = 0;
    shoal_slot_render(&kit.call, "footer", NULL, &out);
    assert_string_equal(out.data, "");
    shoal_buf_fini(&out);
    kit_close(&kit);
}

static char resumed[256];
static int resume(struct shoal_call *call, const char *hook, const char *subject, bool released,
    const char *sentence, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    if (strcmp(subject, "video:stuck") == 0) {
        return shoal_fail(err, SHOAL_EBUSY, "not now");
    }
    snprintf(resumed, sizeof(resumed), "%s %s %d %s", hook, subject, released, sentence);
    return 0;
}

static int hold_three(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    int code = shoal_held_add(tx, "video.publish", "video:a", arg, err);
    code = code < 0 ? code : shoal_held_add(tx, "video.publish", "video:a", arg, err);
    code = code < 0 ? code : shoal_held_add(tx, "video.publish", "video:stuck", arg, err);
    return code < 0 ? code : shoal_held_add(tx, "user.register", "user:b", NULL, err);
}

static void what_is_held_is_let_go_or_refused_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_decision decision = {.verdict = SHOAL_HOLD, .plugin = "rule", .sentence = "long"};
    open_kit("");
    kit_start(&kit, false);
    assert_int_equal(shoal_resumer_add(NULL, "video.publish", resume, NULL, &err), 0);
    assert_int_equal(shoal_resumer_add(NULL, "video.changed", resume, NULL, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_tx(&kit.call, hold_three, &decision, &err), 0);
    json_t *list = shoal_held_list(&kit.call, "video.publish", 0, 10, &err);
    assert_int_equal(shoal_integer(list, "total", 0), 2);
    assert_string_equal(shoal_text(list, "data.0.sentence", ""), "long");
    json_decref(list);
    assert_int_equal(
        shoal_release(&kit.call, "video.publish", "video:none", NULL, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_release(&kit.call, "video.publish", "video:a", "fine", &err), 0);
    assert_string_equal(resumed, "video.publish video:a 1 fine");
    assert_int_equal(
        shoal_release(&kit.call, "video.publish", "video:a", "fine", &err), SHOAL_ENOTFOUND);
    assert_int_equal(
        shoal_refuse_held(&kit.call, "video.publish", "video:stuck", NULL, &err), SHOAL_EBUSY);
    assert_int_equal(shoal_release(&kit.call, "user.register", "user:b", NULL, &err), SHOAL_EBUSY);
    list = shoal_held_list(&kit.call, NULL, 0, 10, &err);
    assert_int_equal(shoal_integer(list, "total", 0), 2);
    json_decref(list);
    kit_close(&kit);
}

static int start_abi(struct shoal_plugin *self, struct shoal_err *err)
{
    return start_noting(self, err);
}

static void another_interface_is_refused_with_a_sentence(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    open_kit("");
    kit_start(&kit, false);
    static struct shoal_plugin_descriptor descriptor = {.size = sizeof(descriptor),
        .abi_major = SHOAL_ABI_MAJOR + 1,
        .name = "future",
        .start = start_abi};
    char *manifest = kit_manifest("future", "");
    assert_int_equal(shoal_host_builtin(&descriptor, manifest, "", NULL, &err), SHOAL_EUNSUPPORTED);
    free(manifest);
    expect_out("future", "was built for version 2");
    assert_string_equal(started, "");
    static struct shoal_plugin_descriptor minor = {.size = sizeof(minor),
        .abi_major = SHOAL_ABI_MAJOR,
        .abi_minor = SHOAL_ABI_MINOR + 1,
        .name = "newer",
        .start = start_abi};
    manifest = kit_manifest("newer", "");
    assert_int_equal(shoal_host_builtin(&minor, manifest, "", NULL, &err), SHOAL_EUNSUPPORTED);
    free(manifest);
    assert_int_equal(kit_load("current", start_abi, "", NULL, &err), 0);
    assert_string_equal(started, "current ");
    kit_close(&kit);
}

static atomic_int core_timer; // 1: it runs, 2: it has ended

static int until_cancelled(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    atomic_store(&core_timer, 1);
    while (!shoal_call_cancelled(call)) {
        assert_non_null(shoal_instance_path("data")); // a sweep asks where its folders are
        usleep(100);
    }
    usleep(20000);
    atomic_store(&core_timer, 2);
    return 0;
}

static void timers_of_the_core_end_before_the_host_does(void **state)
{
    (void)state;
    open_kit("");
    kit_start(&kit, false);
    assert_int_equal(
        shoal_timers_add(NULL, "asks_the_host", 1000, false, until_cancelled, NULL), 0);
    while (atomic_load(&core_timer) == 0) {
        usleep(10000);
    }
    shoal_host_stop();
    assert_int_equal(atomic_load(&core_timer), 2);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_of_the_core_end_before_the_host_does),
        cmocka_unit_test(what_is_missing_or_broken_is_quarantined_alone),
        cmocka_unit_test(plugins_that_wait_for_each_other_do_not_stop_the_rest),
        cmocka_unit_test(safe_mode_and_crashes_keep_plugins_away),
        cmocka_unit_test(settings_lie_in_layers),
        cmocka_unit_test(options_of_a_plugin_are_checked),
        cmocka_unit_test(of_two_owners_of_a_route_the_later_is_quarantined),
        cmocka_unit_test(what_the_manifest_does_not_list_is_refused),
        cmocka_unit_test(slots_verbs_and_services_work_and_go_with_their_plugin),
        cmocka_unit_test(what_is_held_is_let_go_or_refused_once),
        cmocka_unit_test(another_interface_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
