// quarantine_test.c - plugins that are left out, and those that are remembered for the next start.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/host_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static atomic_int heard;
static char last[256];

static int begin(void **state)
{
    (void)state;
    kit_open(&kit, "");
    kit_start(&kit, false);
    atomic_store(&heard, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static int do_nothing(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)self;
    (void)err;
    return 0;
}

static int hear(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    snprintf(last, sizeof(last), "%s %s %s", shoal_text(event, "what", ""),
        shoal_text(event, "name", ""), shoal_text(event, "sentence", ""));
    atomic_fetch_add(&heard, 1);
    return 0;
}

static int start_hearing(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    return shoal_tell(self, "health.changed", hear, NULL);
}

static void wait_for(int count, const char *words)
{
    for (int i = 0; i < 1000 && atomic_load(&heard) < count; i++) {
        usleep(10000);
    }
    assert_int_equal(atomic_load(&heard), count);
    assert_string_equal(last, words);
}

static void it_is_told_and_remembered_until_somebody_clears_it(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(
        kit_load("nurse", start_hearing, "\"hooks\": [\"health.changed\"]", NULL, &err), 0);
    assert_int_equal(kit_load("patient", do_nothing, "", NULL, &err), 0);
    assert_int_equal(shoal_jobs_start(1, &err), 0);
    struct shoal_plugin *patient = shoal_plugin_find("patient");
    shoal_host_quarantine("patient", "it hung");
    assert_false(shoal_plugin_runs(patient));
    assert_string_equal(patient->sentence, "it hung");
    wait_for(1, "quarantined patient it hung");
    shoal_host_quarantine("patient", "it hung again"); // it is out already; the next start knows
    assert_string_equal(patient->sentence, "it hung");
    json_t *list = shoal_host_quarantined();
    assert_string_equal(shoal_text(list, "patient.sentence", ""), "it hung again");
    assert_int_equal(strlen(shoal_text(list, "patient.at", "")), 24);
    json_decref(list);
    assert_int_equal(shoal_host_quarantine_store("patient", NULL, &err), 0);
    wait_for(2, "released patient the administrator took it back in");
    list = shoal_host_quarantined();
    assert_int_equal(json_object_size(list), 0);
    json_decref(list);
    assert_false(shoal_plugin_runs(patient)); // that is for the next start
}

static void who_is_not_there_is_remembered_too(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    shoal_host_quarantine("absent", "the server crashed in it");
    json_t *list = shoal_host_quarantined();
    assert_string_equal(shoal_text(list, "absent.sentence", ""), "the server crashed in it");
    json_decref(list);
    assert_int_equal(shoal_host_quarantine_store("other", NULL, &err), SHOAL_ENOTFOUND);
    assert_string_equal(err.text, "plugin other is not quarantined");
}

/// What a broken plugin says of itself may be anything: it is left out all the same.
static void a_sentence_that_is_not_utf8_is_kept(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(
        kit_load("nurse", start_hearing, "\"hooks\": [\"health.changed\"]", NULL, &err), 0);
    assert_int_equal(kit_load("patient", do_nothing, "", NULL, &err), 0);
    assert_int_equal(shoal_jobs_start(1, &err), 0);
    shoal_host_quarantine("patient", "it said \xFF\xFE");
    json_t *list = shoal_host_quarantined();
    assert_non_null(strstr(shoal_text(list, "patient.sentence", ""), "it said"));
    json_decref(list);
    wait_for(1, "quarantined patient it said ??");
    json_t *plugins = shoal_host_plugins();
    assert_string_equal(shoal_text(plugins, "1.sentence", ""), "it said ??");
    json_decref(plugins);
}

static void a_long_sentence_is_cut_between_letters(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char text[1024];
    size_t length = 0;
    assert_int_equal(kit_load("patient", do_nothing, "", NULL, &err), 0);
    while (length < 1000) {
        memcpy(text + length, "\xC3\xA9", 2); // two bytes a letter
        length += 2;
    }
    memmove(text + 1, text, length);
    text[0] = 'x';
    text[length + 1] = 0;
    shoal_host_quarantine("patient", text);
    json_t *plugins = shoal_host_plugins();
    const char *sentence = shoal_text(plugins, "0.sentence", "");
    assert_int_equal(strlen(sentence), 511);
    assert_int_equal(strncmp(sentence, text, 511), 0);
    json_decref(plugins);
    text[0] = 0; // and where the cut would fall into one
    memmove(text, text + 1, length);
    text[length] = 0;
    assert_int_equal(kit_load("second", do_nothing, "", NULL, &err), 0);
    shoal_host_quarantine("second", text);
    plugins = shoal_host_plugins();
    assert_int_equal(strlen(shoal_text(plugins, "1.sentence", "")), 510);
    json_decref(plugins);
}

static int store_nonsense(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    return shoal_store_set(call, tx, "host", "quarantine", arg, err);
}

static void a_damaged_list_is_an_empty_one(void **state)
{
    (void)state;
    json_t *nonsense = json_string("nonsense");
    struct shoal_err err = {0};
    assert_int_equal(shoal_tx(&kit.call, store_nonsense, nonsense, &err), 0);
    json_decref(nonsense);
    json_t *list = shoal_host_quarantined();
    assert_true(json_is_object(list));
    assert_int_equal(json_object_size(list), 0);
    json_decref(list);
    assert_int_equal(shoal_host_quarantine_store("patient", "it hung", &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(it_is_told_and_remembered_until_somebody_clears_it),
        CASE(who_is_not_there_is_remembered_too),
        CASE(a_sentence_that_is_not_utf8_is_kept),
        CASE(a_long_sentence_is_cut_between_letters),
        CASE(a_damaged_list_is_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
