// delivery_take_test.c - what another plugin had queued comes over whole; and nothing goes out without rules.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "delivery.h"
#include "testkit.h"

extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

SHOAL_SQL(taken_host, "SELECT failures, next, due, urgency FROM delivery_host WHERE host = $1");
SHOAL_SQL(taken_queue, "SELECT q.out_id, q.attempts, q.created, q.subject FROM delivery_queue q WHERE q.inbox = $1"
                       " AND COALESCE(q.replaces, '') = $2");
SHOAL_SQL(taken_out, "SELECT body, passed, is_spread FROM delivery_out WHERE id = $1");
SHOAL_SQL(taken_gone, "SELECT since FROM delivery_gone WHERE inbox = $1");

#define INBOX "https://there.example/inbox"

static struct shoal_kit *kit;
static struct shoal_call *call;
static struct shoal_err err;

static int begin(void **state)
{
    (void)state;
    kit = shoal_kit_new("url = \"https://here.example\"\n");
    err = (struct shoal_err){0};
    if (shoal_kit_load(kit, &shoal_plugin_descriptor, SHOAL_SOURCE_DIR "/plugins/delivery", NULL, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    call = shoal_kit_system(kit);
    shoal_enter(call, &(struct shoal_service){.plugin = "delivery"});
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_leave(call);
    shoal_kit_free(kit);
    return 0;
}

struct taking {
    const char *kind;
    const json_t *row;
    int64_t id;
};

static int take_tx(struct shoal_call *running, struct shoal_db *tx, void *arg, struct shoal_err *e)
{
    struct taking *taking = arg;
    return dlv_take(running, tx, taking->kind, taking->row, &taking->id, e);
}

/// row: taken.
static int take(const char *kind, json_t *row, int64_t *id)
{
    struct taking taking = {.kind = kind, .row = row};
    assert_non_null(row);
    int code = shoal_tx(call, take_tx, &taking, &err);
    json_decref(row);
    if (id != NULL) {
        *id = taking.id;
    }
    return code;
}

/// The first row as "a|b|c"; "" where there is none.
static const char *row_of(const struct shoal_sql *sql, const struct shoal_value *args, size_t count, int columns)
{
    static char text[400];
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), sql, args, count, &err);
    text[0] = '\0';
    assert_non_null(rows);
    for (int i = 0; shoal_rows_next(rows) && i == 0;) {
        for (; i < columns; i++) {
            size_t length = strlen(text);
            snprintf(text + length, sizeof text - length, "%s%s", i > 0 ? "|" : "", shoal_col_text(rows, i));
        }
    }
    assert_int_equal(shoal_rows_close(rows, &err), 0);
    return text;
}

static json_t *said(bool is_spread)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:i, s:s, s:i, s:s, s:b, s:i}", "actor_id", 1, "activity", "", "body", "{}",
        "plan", "{\"actors\": [], \"inboxes\": []}", "priority", 3, "replaces", "", "subject", 77, "passed",
        "https://a.example/inbox", "is_spread", is_spread, "created", 5);
}

static json_t *waiting(int64_t id, const char *host, const char *replaces, int created)
{
    return json_pack("{s:I, s:s, s:s, s:i, s:s?, s:i, s:i, s:i, s:i}", "said", (json_int_t)id, "host", host, "inbox",
        INBOX, "priority", 3, "replaces", replaces, "subject", 77, "attempts", 2, "next", 0, "created", created);
}

static void what_waited_waits_on(void **state)
{
    (void)state;
    int64_t first = 0, second = 0;
    json_t *host = json_pack("{s:s, s:i, s:i, s:i, s:s, s:I}", "host", "there.example", "failures", 4, "silent_since", 1,
        "last_ok", 2, "last_error", "it is silent", "next", (json_int_t)9000000000000);
    assert_int_equal(take("host", host, NULL), 0);
    assert_int_equal(take("said", said(true), &first), 0);
    assert_int_equal(take("said", said(true), &second), 0);
    assert_true(second > first && first > 0);
    assert_int_equal(take("waiting", waiting(first, "there.example", NULL, 5), NULL), 0);
    assert_string_equal(row_of(&taken_host, SHOAL_ARGS(SHOAL_TEXT("there.example")), 4),
        "4|9000000000000|9000000000000|3"); // it is left alone as long as before
    char wanted[80];
    snprintf(wanted, sizeof wanted, "%lld|2|5|77", (long long)first);
    assert_string_equal(row_of(&taken_queue, SHOAL_ARGS(SHOAL_TEXT(INBOX), SHOAL_TEXT("")), 4), wanted);
    // Of one that is there already the newer stays.
    assert_int_equal(take("waiting", waiting(second, "there.example", "views", 8), NULL), 0);
    assert_int_equal(take("waiting", waiting(first, "there.example", "views", 7), NULL), 0);
    snprintf(wanted, sizeof wanted, "%lld|2|8|77", (long long)second);
    assert_string_equal(row_of(&taken_queue, SHOAL_ARGS(SHOAL_TEXT(INBOX), SHOAL_TEXT("views")), 4), wanted);
    // A host that is known here keeps what is known.
    assert_int_equal(take("host", json_pack("{s:s, s:i}", "host", "there.example", "failures", 0), NULL), 0);
    assert_string_equal(row_of(&taken_host, SHOAL_ARGS(SHOAL_TEXT("there.example")), 1), "4");
}

static void what_was_being_queued_goes_on(void **state)
{
    (void)state;
    int64_t id = 0;
    assert_int_equal(take("said", said(false), &id), 0);
    assert_string_equal(row_of(&taken_out, SHOAL_ARGS(SHOAL_I64(id)), 3), "{}|https://a.example/inbox|0");
    assert_int_equal(take("gone", json_pack("{s:s, s:i}", "inbox", INBOX, "since", 6), NULL), 0);
    assert_string_equal(row_of(&taken_gone, SHOAL_ARGS(SHOAL_TEXT(INBOX)), 1), "6");
}

static void what_is_nothing_is_refused(void **state)
{
    (void)state;
    assert_int_equal(take("waiting", waiting(1, "nowhere.example", NULL, 5), NULL), SHOAL_EINVAL);
    assert_string_equal(err.text, "the host nowhere.example was not handed over");
    assert_int_equal(take("thing", json_object(), NULL), SHOAL_EINVAL);
}

static bool yes(struct shoal_call *running, void *arg)
{
    (void)arg;
    assert_string_equal(shoal_plugin_name(shoal_call_plugin(running)), "delivery");
    return true;
}

static void nothing_goes_out_without_rules(void **state)
{
    (void)state;
    static const struct shoal_delivery_rules rules = {
        .size = sizeof rules, .plugin = "delivery", .enabled = yes};
    struct shoal_delivery_rules small = rules;
    small.size = 16;
    assert_false(dlv_enabled(call));
    assert_false(dlv_reaches(call, "there.example"));
    assert_null(dlv_url_host(call, INBOX));
    bool is_modern = false;
    assert_null(dlv_sign(call, 1, INBOX, "{}", 2, &is_modern, &err));
    assert_int_equal(err.code, SHOAL_EBUSY);
    assert_null(dlv_finish(call, 1, NULL, false, json_object(), &err));
    assert_int_equal(dlv_rules_set(&small, &err), SHOAL_EINVAL);
    assert_int_equal(dlv_rules_set(&rules, &err), 0);
    assert_int_equal(dlv_rules_set(&rules, &err), SHOAL_ECONFLICT);
    assert_string_equal(err.text, "there are rules of deliveries of plugin delivery already");
    assert_true(dlv_enabled(call));
    dlv_rules_forget();
    assert_false(dlv_enabled(call));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_waited_waits_on, begin, end),
        cmocka_unit_test_setup_teardown(what_was_being_queued_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(what_is_nothing_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(nothing_goes_out_without_rules, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
