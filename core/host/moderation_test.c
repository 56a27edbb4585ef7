// moderation_test.c - what was held: kept once, listed, let go by who may, and told of.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/moderation.h>

#include "host/host_priv.h"
#include "host/moderation_priv.h"
#include "host/registry_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static char resumed[256];
static char heard[512];
static atomic_int hearings;

static int resume(struct shoal_call *call, const char *hook, const char *subject, bool released,
    const char *sentence, void *arg, struct shoal_err *err)
{
    const struct shoal_plugin *runs = shoal_call_plugin(call);
    if (strcmp(subject, "video:stuck") == 0) {
        return shoal_fail(err, SHOAL_EBUSY, "not now");
    }
    if (strcmp(subject, "video:twice") == 0) { // while it is answered another one answers it
        struct shoal_err other = {0};
        assert_int_equal(
            shoal_refuse_held(call, hook, subject, "", &other), SHOAL_ECONFLICT);
    }
    shoal_call_enter(call, arg); // left open: the host tidies up
    snprintf(resumed, sizeof(resumed), "%s %s %d %s by %s", hook, subject, released, sentence,
        runs ? runs->id.name : "core");
    return 0;
}

static int hear(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    snprintf(heard, sizeof(heard), "%s %s %s %s %s %s", shoal_text(event, "hook", "?"),
        shoal_text(event, "subject", "?"), shoal_text(event, "verdict", "?"),
        shoal_text(event, "plugin", "?"), shoal_text(event, "sentence", "?"),
        shoal_text(event, "by", "-"));
    atomic_fetch_add(&hearings, 1);
    return 0;
}

static int do_nothing(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)self;
    (void)err;
    return 0;
}

static int start_hearing(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    return shoal_tell(self, "verdict.given", hear, NULL);
}

static int begin(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_open(&kit, "");
    kit_start(&kit, false);
    resumed[0] = heard[0] = 0;
    atomic_store(&hearings, 0);
    assert_int_equal(
        kit_load("ear", start_hearing, "\"hooks\": [\"verdict.given\"]", NULL, &err), 0);
    assert_int_equal(kit_load("rule", do_nothing, "", NULL, &err), 0);
    assert_int_equal(
        kit_load("judge", do_nothing, "\"permissions\": [\"moderation.override\"]", NULL, &err), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    shoal_resumers_remove(NULL);
    return 0;
}

struct held {
    const char *hook, *subject, *plugin, *sentence;
};

static int add_one(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct held *held = arg;
    struct shoal_decision decision = {.verdict = SHOAL_HOLD};
    snprintf(decision.plugin, sizeof(decision.plugin), "%s", held->plugin);
    snprintf(decision.sentence, sizeof(decision.sentence), "%s", held->sentence);
    (void)call;
    return shoal_held_add(tx, held->hook, held->subject, &decision, err);
}

static void hold(const char *hook, const char *subject, const char *plugin, const char *sentence)
{
    struct held held = {hook, subject, plugin, sentence};
    assert_int_equal(shoal_tx(&kit.call, add_one, &held, NULL), 0);
}

static void a_subject_is_held_once_with_the_last_words(void **state)
{
    (void)state;
    hold("video.publish", "video:a", "rule", "long");
    hold("video.publish", "video:a", "judge", "loud");
    hold("user.register", "video:a", "rule", "new"); // of another hook
    hold("video.publish", "video:b", "rule", "dark");
    json_t *list = shoal_held_list(&kit.call, NULL, 0, 10, NULL);
    assert_int_equal(shoal_integer(list, "total", 0), 3);
    assert_string_equal(shoal_text(list, "data.0.sentence", ""), "loud");
    assert_string_equal(shoal_text(list, "data.0.plugin", ""), "judge");
    assert_int_equal(strlen(shoal_text(list, "data.0.at", "")), 24);
    json_decref(list);
    list = shoal_held_list(&kit.call, "video.publish", 1, 1, NULL); // a page of them
    assert_int_equal(shoal_integer(list, "total", 0), 2);
    assert_int_equal(json_array_size(shoal_get(list, "data")), 1);
    assert_string_equal(shoal_text(list, "data.0.subject", ""), "video:b");
    int64_t id = shoal_integer(list, "data.0.id", 0);
    json_decref(list);
    json_t *one = shoal_held_get(&kit.call, id, NULL);
    assert_string_equal(shoal_text(one, "subject", ""), "video:b");
    assert_string_equal(shoal_text(one, "sentence", ""), "dark");
    json_decref(one);
    struct shoal_err gone = {0};
    assert_null(shoal_held_get(&kit.call, id + 1, &gone));
    assert_int_equal(gone.code, SHOAL_ENOTFOUND);
    list = shoal_held_list(&kit.call, "no.such", 0, 10, NULL);
    assert_int_equal(shoal_integer(list, "total", 9), 0);
    json_decref(list);
}

/// Of the first that is held: whether it can be let go; -1: nothing is.
static int can_release(void)
{
    json_t *list = shoal_held_list(&kit.call, NULL, 0, 1, NULL);
    int can = json_array_size(shoal_get(list, "data")) == 0 ? -1 : shoal_flag(list, "data.0.canRelease", false);
    json_decref(list);
    return can;
}

static int start_resumer(struct shoal_plugin *self, struct shoal_err *err)
{
    assert_int_equal(shoal_resumer_add(self, "video.publish", resume, NULL, err), 0);
    assert_int_equal(shoal_resumer_add(self, "video.publish", resume, NULL, err), 0); // the same
    assert_int_equal(shoal_resumer_add(self, "no.such", resume, NULL, err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_resumer_add(self, "verdict.given", resume, NULL, err), SHOAL_ENOTFOUND);
    return 0;
}

static void of_a_hook_one_goes_on_and_it_goes_with_its_plugin(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    hold("video.publish", "video:a", "rule", "long");
    assert_int_equal(shoal_release(&kit.call, "video.publish", "video:a", "", &err), SHOAL_EBUSY);
    assert_int_equal(can_release(), 0);
    assert_int_equal(kit_load("owner", start_resumer, "", NULL, &err), 0);
    assert_int_equal(can_release(), 1);
    assert_int_equal(shoal_resumer_add(NULL, "video.publish", resume, NULL, &err), SHOAL_ECONFLICT);
    assert_int_equal(
        shoal_resumer_add(shoal_plugin_find("owner"), "user.login", resume, NULL, &err),
        SHOAL_EINVAL); // outside of its start
    assert_int_equal(shoal_release(&kit.call, "video.publish", "video:a", NULL, &err), 0);
    assert_string_equal(resumed, "video.publish video:a 1  by owner");
    assert_null(shoal_call_plugin(&kit.call));
    hold("video.publish", "video:a", "rule", "long");
    resumed[0] = 0;
    shoal_host_quarantine("owner", "it hung");
    assert_int_equal(shoal_release(&kit.call, "video.publish", "video:a", "", &err), SHOAL_EBUSY);
    assert_int_equal(can_release(), 0);
    err = (struct shoal_err){0};
    assert_int_equal(shoal_refuse_held(&kit.call, "video.publish", "video:a", "", &err), SHOAL_EBUSY);
    assert_string_equal(
        err.text, "plugin owner, which goes on with video.publish, does not run now: it stays held");
    assert_string_equal(resumed, "");
    assert_int_equal(can_release(), 0);
    assert_int_equal(kit_load("heir", start_resumer, "", NULL, &err), 0); // another one takes over
    assert_int_equal(shoal_refuse_held(&kit.call, "video.publish", "video:a", "no", &err), 0);
    assert_string_equal(resumed, "video.publish video:a 0 no by heir");
    assert_int_equal(can_release(), -1);
}

static void what_nobody_goes_on_with_is_forgotten_once_all_plugins_run(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    hold("video.publish", "video:a", "rule", "long");
    shoal_host_quarantine("ear", "it hung"); // it never said what it goes on with
    assert_int_equal(shoal_refuse_held(&kit.call, "video.publish", "video:a", "", &err), SHOAL_EBUSY);
    assert_string_equal(
        err.text, "plugin ear, which may go on with video.publish, does not run now: it stays held");
    assert_int_equal(can_release(), 0);
    shoal_plugin_find("ear")->state = SHOAL_PLUGIN_RUNNING;
    assert_int_equal(shoal_refuse_held(&kit.call, "video.publish", "video:a", "", &err), 0);
    assert_string_equal(resumed, "");
    assert_int_equal(can_release(), -1);
}

static void while_its_plugin_stops_a_refusal_waits(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(kit_load("owner", start_resumer, "", NULL, &err), 0);
    hold("video.publish", "video:a", "rule", "long");
    shoal_plugin_stop(shoal_plugin_find("owner"));
    assert_int_equal(shoal_refuse_held(&kit.call, "video.publish", "video:a", "", &err), SHOAL_EBUSY);
    assert_int_equal(shoal_release(&kit.call, "video.publish", "video:a", "", &err), SHOAL_EBUSY);
    assert_string_equal(resumed, "");
    assert_int_equal(can_release(), 0);
}

SHOAL_SQL(test_many, "INSERT INTO held (hook, subject, plugin, sentence, held_at) WITH RECURSIVE n (i) AS "
                     "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10010) "
                     "SELECT 'user.login', 'user:' || i, '', '', 0 FROM n");

static int add_many(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    return shoal_db_exec(tx, &test_many, SHOAL_NOARGS, NULL, err);
}

static void no_more_are_counted_than_anybody_reads(void **state)
{
    (void)state;
    assert_int_equal(shoal_tx(&kit.call, add_many, NULL, NULL), 0);
    hold("video.publish", "video:a", "rule", "long");
    static const struct {
        const char *hook;
        int total;
    } rows[] = {{NULL, 10000}, {"", 10000}, {"user.login", 10000}, {"video.publish", 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *list = shoal_held_list(&kit.call, rows[i].hook, 0, 10, NULL);
        assert_int_equal(shoal_integer(list, "total", 0), rows[i].total);
        json_decref(list);
    }
    json_t *list = shoal_held_list(&kit.call, NULL, 10010, 10, NULL); // behind those that were counted
    assert_string_equal(shoal_text(list, "data.0.subject", ""), "video:a");
    json_decref(list);
}

static void answers_are_given_once_and_told(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(shoal_resumer_add(NULL, "video.publish", resume, NULL, &err), 0);
    assert_int_equal(shoal_jobs_start(1, &err), 0);
    hold("video.publish", "video:a", "rule", "long");
    hold("video.publish", "video:stuck", "rule", "long");
    kit.call.viewer = (struct shoal_viewer){
        .kind = SHOAL_VIEWER_USER, .role = SHOAL_ROLE_MODERATOR, .username = "mo"};
    assert_int_equal(shoal_refuse_held(&kit.call, "video.publish", "video:a", "too long", &err), 0);
    assert_string_equal(resumed, "video.publish video:a 0 too long by core");
    for (int i = 0; i < 1000 && atomic_load(&hearings) < 1; i++) {
        usleep(10000);
    }
    assert_string_equal(heard, "video.publish video:a refuse  too long mo");
    assert_int_equal(
        shoal_refuse_held(&kit.call, "video.publish", "video:a", "", &err), SHOAL_ENOTFOUND);
    hold("video.publish", "video:twice", "rule", "long");
    assert_int_equal(shoal_release(&kit.call, "video.publish", "video:twice", "", &err), 0);
    assert_string_equal(resumed, "video.publish video:twice 1  by core");
    // Who cannot go on now leaves it held.
    assert_int_equal(
        shoal_release(&kit.call, "video.publish", "video:stuck", "", &err), SHOAL_EBUSY);
    json_t *list = shoal_held_list(&kit.call, NULL, 0, 10, NULL);
    assert_int_equal(shoal_integer(list, "total", 0), 1);
    json_decref(list);
}

static int answer_as(const char *plugin, enum shoal_viewer_kind kind, enum shoal_role role)
{
    struct shoal_err err = {0};
    hold("video.publish", "video:a", "rule", "long");
    kit.call.viewer = (struct shoal_viewer){.kind = kind, .role = role};
    if (plugin) {
        shoal_call_enter(&kit.call, shoal_plugin_find(plugin));
    }
    int code = shoal_release(&kit.call, "video.publish", "video:a", "", &err);
    if (plugin) {
        shoal_call_leave(&kit.call);
    }
    return code;
}

static void a_plugin_answers_what_it_held_itself(void **state)
{
    (void)state;
    static const struct {
        const char *plugin;
        enum shoal_viewer_kind kind;
        enum shoal_role role;
        int code;
    } rows[] = {
        {NULL, SHOAL_VIEWER_ANONYMOUS, SHOAL_ROLE_USER, 0}, // the core knows what it does
        {"rule", SHOAL_VIEWER_ANONYMOUS, SHOAL_ROLE_USER, 0},
        {"judge", SHOAL_VIEWER_ANONYMOUS, SHOAL_ROLE_USER, 0},
        {"ear", SHOAL_VIEWER_ANONYMOUS, SHOAL_ROLE_ADMIN, SHOAL_EFORBIDDEN},
        {"ear", SHOAL_VIEWER_SYSTEM, SHOAL_ROLE_ADMIN, SHOAL_EFORBIDDEN},
        {"ear", SHOAL_VIEWER_USER, SHOAL_ROLE_USER, SHOAL_EFORBIDDEN},
        {"ear", SHOAL_VIEWER_USER, SHOAL_ROLE_MODERATOR, 0},
        {"ear", SHOAL_VIEWER_USER, SHOAL_ROLE_ADMIN, 0},
    };
    assert_int_equal(shoal_resumer_add(NULL, "video.publish", resume, NULL, NULL), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (answer_as(rows[i].plugin, rows[i].kind, rows[i].role) != rows[i].code) {
            fail_msg("row %zu", i);
        }
    }
}

static enum shoal_verdict hold_loudly(struct shoal_call *call, json_t *event, void *arg)
{
    char text[1024];
    (void)event;
    (void)arg;
    for (size_t i = 0; i < 1022; i += 2) {
        memcpy(text + i, "\xC3\xA9", 3);
    }
    return shoal_hold(call, "\xFF%s", text);
}

static int start_holding(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    return shoal_decide(self, "user.login", hold_loudly, NULL);
}

/// However long it is and whatever its bytes are: moderators see it, and it can be let go.
static void what_a_plugin_says_hides_nothing(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_decision decision;
    assert_int_equal(
        kit_load("holder", start_holding, "\"hooks\": [\"user.login\"]", NULL, &err), 0);
    json_t *payload = json_object();
    assert_int_equal(shoal_fire_decide(&kit.call, "user.login", payload, &decision), SHOAL_HOLD);
    json_decref(payload);
    hold("user.login", "user:a", decision.plugin, decision.sentence);
    json_t *list = shoal_held_list(&kit.call, NULL, 0, 10, NULL);
    assert_int_equal(json_array_size(shoal_get(list, "data")), 1);
    assert_int_equal(strncmp(shoal_text(list, "data.0.sentence", ""), "?\xC3\xA9", 3), 0);
    json_decref(list);
    assert_int_equal(shoal_resumer_add(NULL, "user.login", resume, NULL, NULL), 0);
    assert_int_equal(shoal_release(&kit.call, "user.login", "user:a", "fine \xFF", &err), 0);
    list = shoal_held_list(&kit.call, NULL, 0, 10, NULL);
    assert_int_equal(shoal_integer(list, "total", 9), 0);
    json_decref(list);
}

static void a_verdict_names_its_subject(void **state)
{
    (void)state;
    char url[256] = "https://a.example/";
    static const struct {
        const char *payload, *subject;
    } rows[] = {
        {"{\"video\": {\"uuid\": \"u\"}, \"user\": {\"username\": \"x\"}}", "video:u"},
        {"{\"comment\": {\"url\": \"https://a/1\"}}", "comment:https://a/1"},
        {"{\"user\": {\"username\": \"ada\"}}", "user:ada"},
        {"{\"username\": \"ada\"}", "user:ada"},
        {"{\"host\": \"a.example\"}", "host:a.example"},
        {"{\"video\": {\"uuid\": 5}}", ""},
        {"{}", ""},
    };
    struct shoal_decision decision = {.verdict = SHOAL_REFUSE, .plugin = "rule", .sentence = "no"};
    struct shoal_err err = {0};
    int told = 0;
    assert_int_equal(shoal_jobs_start(1, &err), 0);
    for (size_t i = 0; i <= sizeof(rows) / sizeof(rows[0]); i++) {
        char wanted[256];
        bool is_long = i == sizeof(rows) / sizeof(rows[0]);
        json_t *payload = NULL;
        if (is_long) { // letters of two bytes, the cut falls into one of them
            size_t length = strlen(url);
            url[length++] = 'x';
            for (; length < 200; length += 2) {
                memcpy(url + length, "\xC3\xA9", 3);
            }
            payload = json_pack("{s:{s:s}}", "comment", "url", url);
            snprintf(wanted, sizeof(wanted), "user.login comment:%.99s refuse rule no -", url);
        } else {
            payload = json_loads(rows[i].payload, 0, NULL);
            snprintf(wanted, sizeof(wanted), "user.login %s refuse rule no -", rows[i].subject);
        }
        assert_non_null(payload);
        shoal_verdict_tell(&kit.call, "user.login", payload, &decision);
        json_decref(payload);
        told++;
        for (int wait = 0; wait < 1000 && atomic_load(&hearings) < told; wait++) {
            usleep(10000);
        }
        assert_int_equal(atomic_load(&hearings), told);
        assert_string_equal(heard, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(a_subject_is_held_once_with_the_last_words),
        CASE(of_a_hook_one_goes_on_and_it_goes_with_its_plugin),
        CASE(what_nobody_goes_on_with_is_forgotten_once_all_plugins_run),
        CASE(while_its_plugin_stops_a_refusal_waits),
        CASE(no_more_are_counted_than_anybody_reads),
        CASE(answers_are_given_once_and_told),
        CASE(a_plugin_answers_what_it_held_itself),
        CASE(what_a_plugin_says_hides_nothing),
        CASE(a_verdict_names_its_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
