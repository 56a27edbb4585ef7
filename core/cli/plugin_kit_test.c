// plugin_kit_test.c - what tests of a plugin can do with their host, and what they are told.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/output_test.h"

#define MANIFEST                                                                                   \
    "{\"name\": \"fish\", \"version\": \"1.0.0\", \"summary\": \"Swims\", \"licence\": \"MIT\","   \
    " \"sdk\": \">=1.0.0 <2.0.0\", \"language\": \"lua\","                                         \
    " \"hooks\": [\"video.publish\", \"video.view\", \"video.published\"],"                        \
    " \"permissions\": [\"routes:/fish\", \"database\", \"pages\", \"read:videos\"]}"

static const char plugin[] =
    "local shoal = require 'shoal'\n"
    "local add = shoal.sql 'INSERT INTO fish_name (name) VALUES ($1)'\n"
    "local all = shoal.sql 'SELECT name FROM fish_name ORDER BY name'\n"
    "shoal.decide('video.publish', function(event)\n"
    "  if event.video.name == 'hold' then return shoal.hold 'wait' end\n"
    "  if event.video.name == 'refuse' then return shoal.refuse 'never' end\n"
    "end)\n"
    "shoal.filter('video.view', function(value) value.video.fish = value.video.name .. '!' end)\n"
    "shoal.tell('video.published', function(event) shoal.exec(add, event.video.name) end)\n"
    "shoal.job('add', function(payload) shoal.exec(add, payload.name) end)\n"
    "shoal.job('break', function() error 'no water' end, { attempts = 1 })\n"
    "shoal.route { path = '/fish', handler = function(request)\n"
    "  request:json(200, { data = shoal.array(shoal.query(all)) })\n"
    "end }\n"
    "shoal.route { method = 'POST', path = '/fish', auth = 'user', handler = function(request)\n"
    "  local body = request:body()\n"
    "  shoal.job_add(body.job, { name = body.name })\n"
    "  request:json(202, { by = shoal.viewer().username })\n"
    "end }\n"
    "shoal.slot('footer', function() return '<b>fish</b>' end)\n";

static char folder[] = "/tmp/shoal_kit_XXXXXX";
static struct output output;

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(shoal_file_write_whole(path, text, strlen(text), 0644, NULL), 0);
}

/// Runs one test with this body, called "one".
static int run(const char *body)
{
    char text[2048];
    char *const at = folder;
    snprintf(text, sizeof text, "test('one', function(kit)\n%s\nend)\n", body);
    put("tests/fish_test.lua", text);
    return OUTPUT_RUN(&output, "plugin", "test", at);
}

static void assert_passes(const char *body)
{
    int code = run(body);
    if (code != SHOAL_EXIT_FINE) {
        fail_msg("%s%s", output.out, output.err);
    }
    assert_string_equal(output.out, "ok - one\n1 passed, 0 failed\n");
}

static void assert_fails(const char *body, const char *sentence)
{
    assert_int_equal(run(body), SHOAL_EXIT_FAILED);
    assert_int_equal(strncmp(output.out, "not ok - one\n  ", 15), 0);
    if (!strstr(output.out, sentence)) {
        fail_msg("%s is not in: %s", sentence, output.out);
    }
    assert_non_null(strstr(output.out, "\n0 passed, 1 failed\n"));
}

static void equal_compares_values_and_says_both(void **unused)
{
    (void)unused;
    assert_passes("equal(1, 1) equal(1, 1.0) equal('a', 'a') equal(true, true) equal(nil, nil)");
    static const char *const rows[][2] = {
        {"equal(1, 2)", "got 1, wanted 2"},
        {"equal('1', 1)", "got 1, wanted 1"}, // a text is no number
        {"equal(nil, false)", "got nil, wanted false"},
        {"equal({}, {})", "got table: "}, // not looked into
        {"equal(1)", "bad argument #2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_fails(rows[i][0], rows[i][1]);
    }
}

static void hooks_answer_as_they_do_on_a_server(void **unused)
{
    (void)unused;
    assert_passes(
        "local verdict, sentence = kit.decide('video.publish',"
        " { video = { name = 'hold' } })\n"
        "equal(verdict, 'hold') equal(sentence, 'wait')\n"
        "verdict, sentence = kit.decide('video.publish', { video = { name = 'refuse' } })\n"
        "equal(verdict, 'refuse') equal(sentence, 'never')\n"
        "equal(kit.decide('video.publish', { video = { name = 'other' } }), 'pass')\n"
        "local value = kit.filter('video.view', { video = { name = 'cod' }, kept = 1 })\n"
        "equal(value.video.fish, 'cod!') equal(value.kept, 1)\n"
        "equal(kit.slot('footer', {}), '<b>fish</b>') equal(kit.slot('head', {}), '')");
}

static void what_is_told_was_heard_when_tell_returns(void **unused)
{
    (void)unused;
    assert_passes("local _, before = kit.request('GET', '/fish')\n"
                  "equal(#before.data, 0)\n"
                  "kit.tell('video.published', { video = { name = 'cod' } })\n"
                  "local status, after = kit.request('GET', '/fish')\n"
                  "equal(status, 200) equal(#after.data, 1) equal(after.data[1].name, 'cod')");
}

static void requests_are_a_strangers_or_the_administrators(void **unused)
{
    (void)unused;
    assert_passes("equal(kit.request('POST', '/fish', { job = 'add', name = 'eel' }), 401)\n"
                  "local status, answer = kit.request('POST', '/fish',"
                  " { job = 'add', name = 'eel' }, 'root')\n"
                  "equal(status, 202) equal(answer.by, 'root')\n"
                  "kit.idle()\n"
                  "local _, all = kit.request('GET', '/fish')\n"
                  "equal(#all.data, 1) equal(all.data[1].name, 'eel')\n"
                  "equal(kit.request('GET', '/no/such/place'), 404)");
    assert_fails("kit.request('GET', '/fish', nil, 'somebody')", "there is no user but \"root\"");
}

static void a_job_that_failed_for_good_fails_the_test(void **unused)
{
    (void)unused;
    assert_fails("kit.request('POST', '/fish', { job = 'break' }, 'root') kit.idle()",
        "a job failed for good: ");
    assert_non_null(strstr(output.out, "no water"));
}

static void each_run_begins_with_an_empty_instance(void **unused)
{
    (void)unused;
    static const char body[] = "kit.tell('video.published', { video = { name = 'cod' } })\n"
                               "local _, all = kit.request('GET', '/fish')\n"
                               "equal(#all.data, 1)";
    assert_passes(body);
    assert_passes(body);
}

static void what_is_no_test_is_told_so(void **unused)
{
    (void)unused;
    char *const at = folder;
    static const char *const rows[][2] = {
        {"test()", "bad argument #1"}, {"test('one')", "bad argument #2"},
        {"test('one', 'two')", "bad argument #2"},
        {"\x1bLua", "attempt to load a binary chunk"}, // bytecode is not run
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put("tests/fish_test.lua", rows[i][0]);
        assert_int_equal(OUTPUT_RUN(&output, "plugin", "test", at), SHOAL_EXIT_FAILED);
        if (!strstr(output.out, rows[i][1])) {
            fail_msg("%s is not in: %s%s", rows[i][1], output.out, output.err);
        }
        assert_non_null(strstr(output.out, "\n0 passed, 1 failed\n"));
    }
}

static int setup(void **unused)
{
    (void)unused;
    static const char *const folders[] = {"tests", "migrations"};
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
        assert_int_equal(shoal_folder_make(path, 0755, NULL), 0);
    }
    put("plugin.json", MANIFEST);
    put("migrations/001_names.sql", "CREATE TABLE fish_name (name TEXT PRIMARY KEY);\n");
    put("fish.lua", plugin);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_compares_values_and_says_both),
        cmocka_unit_test(hooks_answer_as_they_do_on_a_server),
        cmocka_unit_test(what_is_told_was_heard_when_tell_returns),
        cmocka_unit_test(requests_are_a_strangers_or_the_administrators),
        cmocka_unit_test(a_job_that_failed_for_good_fails_the_test),
        cmocka_unit_test(each_run_begins_with_an_empty_instance),
        cmocka_unit_test(what_is_no_test_is_told_so),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
