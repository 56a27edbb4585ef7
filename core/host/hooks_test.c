// hooks_test.c - order, failure rules, and verdicts that beat each other.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/test_kit.h"

#include <time.h>

static struct kit kit;
static char asked[256];

static int setup(void **state)
{
    (void)state;
    kit_open(&kit, "");
    kit_start(&kit, false);
    asked[0] = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

/// What a test's decider does, by the plugin's name.
static enum shoal_verdict judge(struct shoal_call *call, json_t *event, void *arg)
{
    (void)event;
    const char *name = arg;
    strncat(asked, name, sizeof(asked) - strlen(asked) - 1);
    strncat(asked, " ", sizeof(asked) - strlen(asked) - 1);
    if (strncmp(name, "hold", 4) == 0) {
        return shoal_hold(call, "%s holds", name);
    }
    if (strncmp(name, "refuse", 6) == 0) {
        return shoal_refuse(call, "%s refuses", name);
    }
    if (strncmp(name, "accept", 6) == 0) {
        return SHOAL_ACCEPT;
    }
    return strncmp(name, "broken", 6) == 0 ? SHOAL_VERDICT_FAILED : SHOAL_PASS;
}

static int start_judge(struct shoal_plugin *self, struct shoal_err *err)
{
    void *name = shoal_arena_strdup(shoal_plugin_arena(self), shoal_plugin_name(self));
    for (size_t i = 0; i < self->manifest->hook_count; i++) {
        int code = shoal_decide(self, self->manifest->hooks[i].name, judge, name);
        if (code < 0) {
            return shoal_fail(err, code, "no");
        }
    }
    return 0;
}

static void load_judge(const char *name, const char *hook, int priority, const char *permission)
{
    char more[256];
    struct shoal_err err = {0};
    snprintf(more, sizeof(more), "\"hooks\": {\"%s\": %d}, \"permissions\": [%s]", hook, priority,
        permission);
    if (kit_load(name, start_judge, more, NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

static enum shoal_verdict fire(const char *hook, struct shoal_decision *decision)
{
    json_t *payload = json_pack("{s:{s:s}}", "video", "uuid", "u");
    enum shoal_verdict verdict = shoal_fire_decide(&kit.call, hook, payload, decision);
    json_decref(payload);
    assert_int_equal(kit.call.depth, 0);
    return verdict;
}

static void nobody_listens_and_it_passes(void **state)
{
    (void)state;
    struct shoal_decision decision;
    assert_false(shoal_hook_heard("video.publish"));
    assert_int_equal(fire("video.publish", &decision), SHOAL_PASS);
    assert_string_equal(decision.plugin, "");
}

static void what_is_fired_too_deep_does_not_pass(void **state)
{
    (void)state;
    struct shoal_decision decision;
    kit.call.depth = 32;
    assert_int_equal(shoal_fire_decide(&kit.call, "video.publish", NULL, NULL), SHOAL_PASS);
    kit.call.depth = 0;
    load_judge("pass_it", "video.publish", 50, "");
    asked[0] = 0;
    kit.call.depth = 32;
    enum shoal_verdict verdict = shoal_fire_decide(&kit.call, "video.publish", NULL, &decision);
    kit.call.depth = 0;
    assert_int_equal(verdict, SHOAL_HOLD); // its failure mode: nobody could be asked
    assert_true(decision.failed);
    assert_string_equal(asked, "");
}

static void lower_numbers_are_asked_first_and_names_break_ties(void **state)
{
    (void)state;
    load_judge("pass_c", "video.publish", 50, "");
    load_judge("pass_b", "video.publish", 10, "");
    load_judge("pass_a", "video.publish", 50, "");
    assert_int_equal(fire("video.publish", NULL), SHOAL_PASS);
    assert_string_equal(asked, "pass_b pass_a pass_c ");
    json_t *hooks = shoal_host_hooks();
    assert_int_equal(json_array_size(hooks), 3);
    assert_string_equal(shoal_text(hooks, "0.plugin", ""), "pass_b");
    json_decref(hooks);
}

static void a_refusal_beats_a_hold_and_ends_the_asking(void **state)
{
    (void)state;
    struct shoal_decision decision;
    load_judge("hold_it", "video.publish", 1, "");
    load_judge("refuse_it", "video.publish", 2, "");
    load_judge("pass_it", "video.publish", 3, "");
    assert_int_equal(fire("video.publish", &decision), SHOAL_REFUSE);
    assert_string_equal(asked, "hold_it refuse_it ");
    assert_string_equal(decision.plugin, "refuse_it");
    assert_string_equal(decision.sentence, "refuse_it refuses");
    assert_false(decision.failed);
}

static void the_first_hold_is_remembered_while_others_are_asked(void **state)
{
    (void)state;
    struct shoal_decision decision;
    load_judge("hold_a", "video.publish", 1, "");
    load_judge("hold_b", "video.publish", 2, "");
    load_judge("pass_it", "video.publish", 3, "");
    assert_int_equal(fire("video.publish", &decision), SHOAL_HOLD);
    assert_string_equal(asked, "hold_a hold_b pass_it ");
    assert_string_equal(decision.plugin, "hold_a");
}

static void accept_needs_its_permission(void **state)
{
    (void)state;
    struct shoal_decision decision;
    load_judge("accept_a", "user.login", 1, "");
    load_judge("pass_it", "user.login", 2, "");
    assert_int_equal(fire("user.login", &decision), SHOAL_REFUSE);
    assert_true(decision.failed);
    load_judge("accept_b", "video.publish", 1, "\"moderation.override\"");
    load_judge("refuse_it", "video.publish", 2, "");
    asked[0] = 0;
    assert_int_equal(fire("video.publish", &decision), SHOAL_PASS);
    assert_string_equal(asked, "accept_b ");
}

static void each_failure_rule_counts_as_it_says(void **state)
{
    (void)state;
    struct shoal_decision decision;
    load_judge("broken_a", "route.enter", 1, "");
    load_judge("broken_b", "user.login", 1, "");
    load_judge("broken_c", "video.publish", 1, "");
    assert_int_equal(fire("route.enter", &decision), SHOAL_PASS);
    assert_int_equal(fire("user.login", &decision), SHOAL_REFUSE);
    assert_true(decision.failed);
    assert_string_equal(decision.plugin, "broken_b");
    assert_non_null(strstr(decision.sentence, "try again later"));
    assert_int_equal(fire("video.publish", &decision), SHOAL_HOLD);
    assert_true(decision.failed);
    assert_int_equal(atomic_load(&shoal_plugin_find("broken_b")->strikes), 1);
}

static void a_quarantined_decider_goes_on_holding(void **state)
{
    (void)state;
    struct shoal_decision decision;
    load_judge("pass_a", "user.login", 1, "");
    load_judge("pass_b", "route.enter", 1, "");
    assert_int_equal(fire("user.login", &decision), SHOAL_PASS);
    shoal_host_quarantine("pass_a", "it crashed the server");
    shoal_host_quarantine("pass_b", "it crashed the server");
    assert_int_equal(fire("user.login", &decision), SHOAL_HOLD);
    assert_true(decision.failed);
    assert_int_equal(fire("route.enter", &decision), SHOAL_PASS);
    json_t *kept = shoal_host_quarantined();
    assert_string_equal(shoal_text(kept, "pass_a.sentence", ""), "it crashed the server");
    json_decref(kept);
    json_t *health = shoal_host_health();
    assert_string_equal(shoal_text(health, "status", ""), "degraded");
    json_decref(health);
    assert_int_equal(shoal_host_quarantine_store("pass_a", NULL, NULL), 0);
    assert_int_equal(shoal_host_quarantine_store("pass_a", NULL, NULL), SHOAL_ENOTFOUND);
}

static int add_one(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    json_t *number = json_object_get(*value, "n");
    json_object_set_new(*value, "n", json_integer(json_integer_value(number) + 1));
    return 0;
}

static int spoil(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    json_object_set_new(*value, "n", json_string("spoilt"));
    return shoal_fail(err, SHOAL_EINTERNAL, "broken half way");
}

static int turn(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    json_decref(*value);
    *value = json_array();
    return 0;
}

static int drop(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    json_decref(*value);
    *value = json_null();
    return 0;
}

static int start_filters(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    shoal_filter(self, "video.view", spoil, NULL);
    shoal_filter(self, "video.view", turn, NULL);
    shoal_filter(self, "user.view", drop, NULL);
    return shoal_filter(self, "video.view", add_one, NULL);
}

static void filters_that_fail_leave_the_value_as_it_was(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(kit_load("filters", start_filters,
                         "\"hooks\": [\"video.view\", \"user.view\"]", NULL, &err),
        0);
    json_t *value = json_pack("{s:i}", "n", 1);
    shoal_fire_filter(&kit.call, "video.view", &value);
    assert_int_equal(shoal_integer(value, "n", 0), 2);
    shoal_fire_filter(&kit.call, "user.view", &value);
    assert_true(json_is_null(value));
    json_decref(value);
}

static atomic_int heard;
static int listen_to(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    if (shoal_flag(event, "fails", false) && atomic_fetch_add(&heard, 1) == 0) {
        return shoal_fail(err, SHOAL_EBUSY, "not yet");
    }
    atomic_fetch_add(&heard, 1);
    return 0;
}

static int start_tells(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    shoal_tell(self, "video.state", listen_to, NULL);
    return shoal_tell(self, "video.changed", listen_to, NULL);
}

static int fire_changed(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_fire_durable(tx, "video.changed", arg, err);
}

static void tells_are_heard_in_memory(void **state)
{
    (void)state;
    atomic_store(&heard, 0);
    assert_int_equal(kit_load("tells", start_tells,
                         "\"hooks\": [\"video.state\", \"video.changed\"]", NULL, NULL),
        0);
    shoal_fire_tell("video.state", json_object());
    shoal_fire_tell("video.state", json_object());
    shoal_host_tells_wait();
    assert_int_equal(atomic_load(&heard), 2);
}

static void durable_tells_are_delivered_by_jobs_until_they_are_heard(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    atomic_store(&heard, 0);
    assert_int_equal(kit_load("tells", start_tells,
                         "\"hooks\": [\"video.state\", \"video.changed\"]", NULL, NULL),
        0);
    json_t *event = json_pack("{s:b}", "fails", 1);
    assert_int_equal(shoal_tx(&kit.call, fire_changed, event, &err), 0);
    json_decref(event);
    assert_int_equal(shoal_jobs_start(1, &err), 0);
    for (int i = 0; i < 1200 && atomic_load(&heard) < 3; i++) {
        struct timespec pause = {.tv_nsec = 10000000};
        nanosleep(&pause, NULL);
    }
    assert_int_equal(atomic_load(&heard), 3);
}

static int start_wrong(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    assert_int_equal(shoal_decide(self, "video.publish", judge, NULL), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_decide(self, "nobody.fires", judge, NULL), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_tell(self, "video.view", listen_to, NULL), SHOAL_EINVAL);
    return 0;
}

static void subscriptions_are_checked(void **state)
{
    (void)state;
    assert_int_equal(
        kit_load("wrong", start_wrong, "\"hooks\": [\"nobody.fires\", \"video.view\"]", NULL, NULL),
        0);
    struct shoal_plugin *plugin = shoal_plugin_find("wrong");
    assert_int_equal(shoal_filter(plugin, "video.view", add_one, NULL), SHOAL_EINVAL);
}

static int start_nothing(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)self;
    (void)err;
    return 0;
}

static void plugins_fire_hooks_of_their_own(void **state)
{
    (void)state;
    struct shoal_decision decision;
    assert_int_equal(kit_load("firing", start_nothing,
                         "\"fires\": [{\"name\": \"greet.begin\", \"kind\": \"decide\", "
                         "\"failure\": \"closed\", \"moment\": \"before a greeting\"}]",
                         NULL, NULL),
        0);
    load_judge("refuse_it", "greet.begin", 1, "");
    assert_int_equal(fire("greet.begin", &decision), SHOAL_REFUSE);
    struct shoal_err err = {0};
    assert_true(kit_load("thief", start_nothing,
                    "\"fires\": [{\"name\": \"greet.begin\", \"kind\": \"decide\", "
                    "\"moment\": \"x\"}]",
                    NULL, &err) < 0);
    assert_non_null(strstr(err.text, "of firing already"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nobody_listens_and_it_passes),
        CASE(what_is_fired_too_deep_does_not_pass),
        CASE(lower_numbers_are_asked_first_and_names_break_ties),
        CASE(a_refusal_beats_a_hold_and_ends_the_asking),
        CASE(the_first_hold_is_remembered_while_others_are_asked),
        CASE(accept_needs_its_permission),
        CASE(each_failure_rule_counts_as_it_says),
        CASE(a_quarantined_decider_goes_on_holding),
        CASE(filters_that_fail_leave_the_value_as_it_was),
        CASE(tells_are_heard_in_memory),
        CASE(durable_tells_are_delivered_by_jobs_until_they_are_heard),
        CASE(subscriptions_are_checked),
        CASE(plugins_fire_hooks_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
