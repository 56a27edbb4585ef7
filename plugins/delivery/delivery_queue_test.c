// delivery_queue_test.c - the queues of hosts: order, replacing, who holds a host, what is left of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery.h"
#include "testkit.h"

extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

SHOAL_SQL(test_out, "INSERT INTO delivery_out (actor_id, activity, body, plan, priority, replaces,"
                    " is_spread, created) VALUES (1, '', '{}', '{}', 0, '', TRUE, 1) RETURNING id");
SHOAL_SQL(test_outs, "SELECT COUNT(*) FROM delivery_out");
SHOAL_SQL(test_due, "SELECT due FROM delivery_host WHERE host = $1");
SHOAL_SQL(test_clear, "DELETE FROM delivery_queue");
SHOAL_SQL(test_clear_hosts, "DELETE FROM delivery_host");
SHOAL_SQL(test_clear_outs, "DELETE FROM delivery_out");
SHOAL_SQL(test_clear_gone, "DELETE FROM delivery_gone");
SHOAL_SQL(test_age, "UPDATE delivery_queue SET created = 1 WHERE inbox LIKE $1");
SHOAL_SQL(test_ahead, "UPDATE delivery_host SET next = $2, due = $2, held_until = $2 WHERE host = $1");
SHOAL_SQL(test_ahead_queue, "UPDATE delivery_queue SET next = $2 WHERE host_id IN"
                            " (SELECT id FROM delivery_host WHERE host = $1)");
SHOAL_SQL(test_let_go, "UPDATE delivery_host SET held_until = 0");

static struct shoal_kit *kit;
static struct shoal_call *call;
static struct shoal_err err;

static int open_kit(void **state)
{
    (void)state;
    kit = shoal_kit_new("url = \"http://127.0.0.1:9\"\nplugins = {}\n");
    int code = shoal_kit_load(
        kit, &shoal_plugin_descriptor, SHOAL_SOURCE_DIR "/plugins/delivery", NULL, &err) /* without rules nothing is sent */;
    if (code != 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    call = shoal_kit_system(kit);
    shoal_enter(call, &(struct shoal_service){.plugin = "delivery"});
    return 0;
}

static int close_kit(void **state)
{
    (void)state;
    shoal_leave(call);
    shoal_kit_free(kit);
    return 0;
}

static int clear_tx(struct shoal_call *caller, struct shoal_db *tx, void *arg, struct shoal_err *e)
{
    (void)caller;
    (void)arg;
    int code = shoal_db_exec(tx, &test_clear, SHOAL_NOARGS, NULL, e);
    code = code != 0 ? code : shoal_db_exec(tx, &test_clear_hosts, SHOAL_NOARGS, NULL, e);
    code = code != 0 ? code : shoal_db_exec(tx, &test_clear_gone, SHOAL_NOARGS, NULL, e);
    return code != 0 ? code : shoal_db_exec(tx, &test_clear_outs, SHOAL_NOARGS, NULL, e);
}

static int start(void **state)
{
    (void)state;
    err = (struct shoal_err){0};
    return shoal_tx(call, clear_tx, NULL, &err);
}

struct add {
    const char *host, *inbox;
    struct dlv_out out;
};

static int out_tx(struct shoal_call *caller, struct shoal_db *tx, void *arg, struct shoal_err *e)
{
    (void)caller;
    return shoal_db_i64(tx, &test_out, SHOAL_NOARGS, arg, e);
}

static int64_t make_out(void)
{
    int64_t id = 0;
    assert_int_equal(shoal_tx(call, out_tx, &id, &err), 0);
    return id;
}

static int add_tx(struct shoal_call *caller, struct shoal_db *tx, void *arg, struct shoal_err *e)
{
    (void)caller;
    const struct add *add = arg;
    int64_t host_id = 0;
    int code = dlv_queue_add(tx, &host_id, add->host, add->inbox, &add->out, e);
    return code != 0 ? code : dlv_queue_due(tx, host_id, add->out.priority, e);
}

static void add(const char *host, const char *inbox, int64_t out_id, int priority, const char *replaces)
{
    struct add what = {host, inbox,
        {.id = out_id, .priority = priority, .replaces = replaces != NULL ? replaces : ""}};
    assert_int_equal(shoal_tx(call, add_tx, &what, &err), 0);
}

struct ahead {
    const char *host;
    int64_t by_ms;
};

static int ahead_tx(struct shoal_call *caller, struct shoal_db *tx, void *arg, struct shoal_err *e)
{
    (void)caller;
    const struct ahead *ahead = arg;
    int64_t at_ms = shoal_now_ms() + ahead->by_ms;
    int code = shoal_db_exec(tx, &test_ahead, SHOAL_ARGS(SHOAL_TEXT(ahead->host), SHOAL_I64(at_ms)), NULL, e);
    return code != 0 ? code
                     : shoal_db_exec(tx, &test_ahead_queue,
                           SHOAL_ARGS(SHOAL_TEXT(ahead->host), SHOAL_I64(at_ms)), NULL, e);
}

static bool none_used(int64_t id, void *arg)
{
    const int64_t *used = arg;
    return used != NULL && id == *used;
}

static struct dlv_host hosts[8];

static int claim(const char *holder)
{
    int count = 0;
    assert_int_equal(dlv_queue_claim(call, holder, hosts, 8, &count, &err), 0);
    return count;
}

static void forget(void)
{
    for (int i = 0; i < 8; i++) {
        free(hosts[i].name);
        hosts[i] = (struct dlv_host){0};
    }
}

static int64_t number(const struct shoal_sql *sql, const char *arg)
{
    int64_t value = -1;
    const struct shoal_value value_of = SHOAL_TEXT(arg);
    shoal_db_i64(shoal_call_db(call), sql, &value_of, arg != NULL ? 1 : 0, &value, &err);
    return value;
}

static void the_urgent_come_first_then_the_oldest(void **state)
{
    (void)state;
    int64_t out = make_out();
    add("a.example", "https://a.example/1", out, 5, NULL);
    add("a.example", "https://a.example/2", out, 0, NULL);
    add("a.example", "https://a.example/3", out, 5, NULL);
    add("b.example", "https://b.example/1", out, 9, NULL);
    assert_int_equal(claim("me"), 2);
    assert_string_equal(hosts[0].name, "a.example");
    struct dlv_item items[8];
    assert_int_equal(dlv_queue_next(call, hosts[0].id, 8, none_used, NULL, items, &err), 3);
    assert_string_equal(items[0].inbox, "https://a.example/2");
    assert_string_equal(items[1].inbox, "https://a.example/1");
    int64_t used = items[0].id;
    for (int i = 0; i < 3; i++) {
        free(items[i].inbox);
    }
    assert_int_equal(dlv_queue_next(call, hosts[0].id, 2, none_used, &used, items, &err), 1);
    assert_string_equal(items[0].inbox, "https://a.example/1");
    free(items[0].inbox);
    forget();
}

static void the_newest_of_one_key_replaces_those_that_wait(void **state)
{
    (void)state;
    int64_t old = make_out(), middle = make_out(), newest = make_out();
    add("a.example", "https://a.example/1", middle, 10, "counts:1");
    add("a.example", "https://a.example/1", newest, 10, "counts:1");
    add("a.example", "https://a.example/1", old, 10, "counts:1"); // came late
    add("a.example", "https://a.example/1", old, 10, "counts:2");
    add("a.example", "https://a.example/2", old, 10, "counts:1");
    assert_int_equal(claim("me"), 1);
    struct dlv_item items[8];
    assert_int_equal(dlv_queue_next(call, hosts[0].id, 8, none_used, NULL, items, &err), 3);
    assert_int_equal(items[0].out_id, newest);
    // What was under way when a newer one came stays in the queue, for the newer one.
    items[0].out_id = middle;
    items[0].verdict = DLV_DELIVERED;
    hosts[0].is_leaving = true;
    struct dlv_item *ended[] = {&items[0]};
    const struct dlv_results results = {"me", ended, 1, hosts, 8};
    assert_int_equal(dlv_queue_write(call, &results, &err), 0);
    int64_t waiting, count;
    dlv_queue_count(call, &waiting, &count);
    assert_int_equal(waiting, 3);
    for (int i = 0; i < 3; i++) {
        free(items[i].inbox);
    }
    forget();
}

/// As if the time of who holds them were over.
static int let_go_tx(struct shoal_call *caller, struct shoal_db *tx, void *arg, struct shoal_err *e)
{
    (void)caller;
    (void)arg;
    return shoal_db_exec(tx, &test_let_go, SHOAL_NOARGS, NULL, e);
}

static void one_holds_a_host_until_it_lets_go_or_is_gone(void **state)
{
    (void)state;
    int64_t out = make_out();
    add("a.example", "https://a.example/1", out, 0, NULL);
    assert_int_equal(claim("one"), 1);
    forget();
    assert_int_equal(claim("other"), 0);
    assert_true(dlv_queue_next_due(call) > shoal_now_ms());
    assert_int_equal(shoal_tx(call, let_go_tx, NULL, &err), 0);
    assert_int_equal(claim("other"), 1);
    // Who was too late changes nothing.
    hosts[0].breaker.failures = 7;
    hosts[0].is_touched = hosts[0].is_leaving = true;
    const struct dlv_results late = {"one", NULL, 0, hosts, 8};
    assert_int_equal(dlv_queue_write(call, &late, &err), 0);
    json_t *list = dlv_hosts(call, "a.example", 0, 0, &err);
    assert_int_equal(shoal_integer(list, "0.failures", -1), 0);
    json_decref(list);
    forget();
    assert_int_equal(claim("third"), 0);
}

static void what_became_of_deliveries_is_written_together(void **state)
{
    (void)state;
    int64_t out = make_out(), other = make_out();
    add("a.example", "https://a.example/1", out, 0, NULL);
    add("a.example", "https://a.example/2", out, 0, NULL);
    add("a.example", "https://a.example/2", other, 0, NULL);
    add("a.example", "https://a.example/3", other, 0, NULL);
    assert_int_equal(claim("me"), 1);
    struct dlv_item items[8];
    assert_int_equal(dlv_queue_next(call, hosts[0].id, 8, none_used, NULL, items, &err), 4);
    items[0].verdict = DLV_DELIVERED;
    items[1].verdict = DLV_INBOX_GONE; // and with it the other that waits for that inbox
    items[3].verdict = DLV_LATER;
    items[3].again_ms = shoal_now_ms() + 60000;
    dlv_breaker_ok(&hosts[0].breaker, 12345);
    hosts[0].is_touched = hosts[0].is_leaving = true;
    struct dlv_item *ended[] = {&items[0], &items[1], &items[3]};
    const struct dlv_results results = {"me", ended, 3, hosts, 8};
    assert_int_equal(dlv_queue_write(call, &results, &err), 0);
    int64_t waiting, count;
    dlv_queue_count(call, &waiting, &count);
    assert_int_equal(waiting, 1);
    assert_int_equal(number(&test_outs, NULL), 1); // the bytes that nobody waits for are gone
    assert_int_equal(number(&test_due, "a.example"), items[3].again_ms);
    assert_true(dlv_gone_any(call));
    assert_true(dlv_gone(call, "https://a.example/2"));
    assert_false(dlv_gone(call, "https://a.example/1"));
    json_t *list = dlv_hosts(call, "a.example", 0, 0, &err);
    assert_int_equal(shoal_integer(list, "0.waiting", 0), 1);
    assert_int_equal(shoal_integer(list, "0.last_ok_ms", 0), 12345);
    assert_string_equal(shoal_text(list, "0.state", ""), "well");
    json_decref(list);
    for (int i = 0; i < 4; i++) {
        free(items[i].inbox);
    }
    forget();
}

static void a_host_that_fails_waits_and_can_be_asked_at_once(void **state)
{
    (void)state;
    int64_t out = make_out();
    add("a.example", "https://a.example/1", out, 0, NULL);
    assert_int_equal(claim("me"), 1);
    for (int64_t i = 1; i <= 3; i++) {
        hosts[0].change = dlv_breaker_failed(
            &hosts[0].breaker, shoal_now_ms() + i, shoal_now_ms() + i, 10000, "it is silent");
    }
    assert_int_equal(hosts[0].change, DLV_SLOW);
    hosts[0].is_touched = hosts[0].is_leaving = true;
    const struct dlv_results results = {"me", NULL, 0, hosts, 8};
    assert_int_equal(dlv_queue_write(call, &results, &err), 0);
    forget();
    assert_true(number(&test_due, "a.example") > shoal_now_ms() + 60000);
    assert_int_equal(claim("me"), 0);
    add("a.example", "https://a.example/2", out, 0, NULL); // what is new waits with the rest
    assert_int_equal(claim("me"), 0);
    json_t *list = dlv_hosts(call, NULL, 0, 10, &err);
    assert_string_equal(shoal_text(list, "0.state", ""), "slow");
    assert_string_equal(shoal_text(list, "0.last_error", ""), "it is silent");
    json_decref(list);
    assert_int_equal(dlv_host_retry(call, "never.example", &err), SHOAL_ENOTFOUND);
    assert_int_equal(dlv_host_retry(call, "a.example", &err), 0);
    assert_true(number(&test_due, "a.example") <= shoal_now_ms());
}

static int age_tx(struct shoal_call *caller, struct shoal_db *tx, void *arg, struct shoal_err *e)
{
    (void)caller;
    return shoal_db_exec(tx, &test_age, SHOAL_ARGS(SHOAL_TEXT((const char *)arg)), NULL, e);
}

static void what_is_too_old_goes_with_its_bytes(void **state)
{
    (void)state;
    int64_t out = make_out(), other = make_out();
    add("a.example", "https://a.example/1", out, 0, NULL);
    add("b.example", "https://b.example/1", other, 0, NULL);
    assert_int_equal(shoal_tx(call, age_tx, (void *)(uintptr_t) "https://a.%", &err), 0);
    assert_int_equal(dlv_queue_tidy(call, NULL, &err), 0);
    int64_t waiting, count;
    dlv_queue_count(call, &waiting, &count);
    assert_int_equal(waiting, 1);
    assert_int_equal(count, 1);
    assert_int_equal(number(&test_outs, NULL), 1);
    assert_int_equal(number(&test_due, "a.example"), 0);
}

static void a_clock_that_was_ahead_keeps_nobody_waiting(void **state)
{
    (void)state;
    int64_t out = make_out();
    add("a.example", "https://a.example/1", out, 0, NULL);
    add("b.example", "https://b.example/1", out, 0, NULL);
    int64_t year_ms = (int64_t)365 * 24 * 3600 * 1000, hour_ms = 3600 * 1000;
    assert_int_equal(shoal_tx(call, ahead_tx, &(struct ahead){"a.example", year_ms}, &err), 0);
    assert_int_equal(shoal_tx(call, ahead_tx, &(struct ahead){"b.example", hour_ms}, &err), 0);
    assert_int_equal(claim("sender"), 0);
    assert_int_equal(dlv_queue_tidy(call, NULL, &err), 0);
    assert_int_equal(claim("sender"), 1);
    assert_string_equal(hosts[0].name, "a.example");
    struct dlv_item items[2];
    assert_int_equal(dlv_queue_next(call, hosts[0].id, 2, none_used, NULL, items, &err), 1);
    free(items[0].inbox);
}

static void add_about(const char *inbox, int64_t out_id, int priority, int64_t subject)
{
    struct add what = {"a.example", inbox,
        {.id = out_id, .priority = priority, .subject = subject, .replaces = ""}};
    assert_int_equal(shoal_tx(call, add_tx, &what, &err), 0);
}

static void what_is_said_of_one_object_arrives_in_its_order(void **state)
{
    (void)state;
    int64_t create = make_out(), delete = make_out(), other = make_out();
    add_about("https://a.example/1", create, 5, 77);
    add_about("https://a.example/1", delete, 0, 77); // more urgent, and yet second
    add_about("https://a.example/1", other, 3, 78);
    add_about("https://a.example/2", delete, 0, 77); // another inbox
    assert_int_equal(claim("me"), 1);
    struct dlv_item items[8];
    assert_int_equal(dlv_queue_next(call, hosts[0].id, 8, none_used, NULL, items, &err), 3);
    assert_string_equal(items[0].inbox, "https://a.example/2");
    assert_int_equal(items[1].out_id, other);
    assert_int_equal(items[2].out_id, create);
    // What fails again and again does not stand in the way for ever.
    struct dlv_item *failed[] = {&items[2]};
    items[2].verdict = DLV_HOST_FAILED;
    const struct dlv_results results = {"me", failed, 1, hosts, 8};
    struct dlv_item now[8];
    for (int i = 1; i <= 3; i++) {
        items[2].tries = i;
        assert_int_equal(dlv_queue_write(call, &results, &err), 0);
        int count = dlv_queue_next(call, hosts[0].id, 8, none_used, NULL, now, &err);
        assert_int_equal(count, i < 3 ? 3 : 4);
        for (int j = 0; j < count; j++) {
            free(now[j].inbox);
        }
    }
    for (int i = 0; i < 3; i++) {
        free(items[i].inbox);
    }
    forget();
}

static void an_activity_is_about_an_object(void **state)
{
    (void)state;
    json_t *create = json_pack("{s:s, s:s, s:{s:s, s:s}}", "type", "Create", "id", "https://h/v/1/activity",
        "object", "type", "Video", "id", "https://h/v/1");
    json_t *delete = json_pack("{s:s, s:s, s:s}", "type", "Delete", "id", "https://h/v/1/delete", "object",
        "https://h/v/1");
    assert_true(dlv_subject(create) == dlv_subject(delete));
    assert_true(dlv_subject(create) > 0);
    json_decref(create);
    json_decref(delete);
}

static json_t *said(const char *type, const char *actor, const char *object)
{
    return json_pack("{s:s, s:s++, s:s, s:s}", "type", type, "id", actor, "/", type, "actor", actor, "object", object);
}

// A like that is taken back, a dislike behind it: one word each of the same thing, and the last one counts.
static void what_an_actor_says_of_one_thing_has_one_order(void **state)
{
    (void)state;
    json_t *like = said("Like", "https://h/a", "https://h/v/1");
    json_t *undo = json_pack("{s:s, s:s, s:s, s:O}", "type", "Undo", "id", "https://h/l/1/undo", "actor", "https://h/a",
        "object", like);
    json_t *dislike = said("Dislike", "https://h/a", "https://h/v/1");
    json_t *of_another = said("Like", "https://h/a", "https://h/v/2");
    json_t *by_another = said("Like", "https://h/b", "https://h/v/1");
    assert_true(dlv_subject(like) == dlv_subject(undo));
    assert_true(dlv_subject(like) == dlv_subject(dislike));
    assert_true(dlv_subject(like) != dlv_subject(of_another));
    assert_true(dlv_subject(like) != dlv_subject(by_another));
    json_t *create = said("Create", "https://h/a", "https://h/v/1");
    assert_true(dlv_subject(like) != dlv_subject(create));
    json_t *const all[] = {like, undo, dislike, of_another, by_another, create};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        json_decref(all[i]);
    }
}

extern const struct shoal_sql *const __start_shoal_sql[];

// Each minute, and two of them in the only writer: none of it may take longer the more waits.
static void what_is_looked_after_each_minute_reads_no_queue_whole(void **state)
{
    (void)state;
    static const char *const names[] = {"tidy_old", "tidy_old_remove", "tidy_outs", "tidy_idle", "tidy_lost"};
    static struct {
        char text[1000];
        struct shoal_sql sql; // is known by its address
    } plans[sizeof names / sizeof *names];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct shoal_sql *const *at = __start_shoal_sql;
        while (strcmp((*at)->name, names[i]) != 0) {
            at++;
        }
        snprintf(plans[i].text, sizeof plans[i].text, "EXPLAIN QUERY PLAN %s", (*at)->text);
        plans[i].sql = (struct shoal_sql){names[i], plans[i].text};
        const struct shoal_value args[] = {SHOAL_I64(1)};
        size_t count = strchr((*at)->text, '$') != NULL ? 1 : 0;
        struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &plans[i].sql, args, count, &err);
        int steps = 0;
        for (; rows != NULL && shoal_rows_next(rows); steps++) {
            const char *step = shoal_col_text(rows, 3);
            if (strncmp(step, "SCAN", 4) == 0 && strcmp(step, "SCAN delivery_host") != 0) {
                fail_msg("%s: %s", names[i], step);
            }
        }
        assert_true(steps > 0);
        assert_int_equal(shoal_rows_close(rows, &err), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup(name, start)
        CASE(the_urgent_come_first_then_the_oldest),
        CASE(the_newest_of_one_key_replaces_those_that_wait),
        CASE(what_is_said_of_one_object_arrives_in_its_order),
        CASE(an_activity_is_about_an_object),
        CASE(what_an_actor_says_of_one_thing_has_one_order),
        CASE(one_holds_a_host_until_it_lets_go_or_is_gone),
        CASE(what_became_of_deliveries_is_written_together),
        CASE(a_host_that_fails_waits_and_can_be_asked_at_once),
        CASE(what_is_too_old_goes_with_its_bytes),
        CASE(a_clock_that_was_ahead_keeps_nobody_waiting),
        CASE(what_is_looked_after_each_minute_reads_no_queue_whole),
    };
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
