// log_test.c - log lines: levels, two forms, whose they are, and text that cannot forge another
// line.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shoal/error.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/log.h"

static int64_t fixed_ms(void *self)
{
    (void)self;
    return 1767225600123; // 2026-01-01T00:00:00.123Z
}

static const struct shoal_clock fixed = {.now_ms = fixed_ms, .tick_ms = fixed_ms};
static int file = -1;

static int start(void **state)
{
    (void)state;
    char path[] = "/tmp/shoal-log-XXXXXX";
    file = mkstemp(path);
    unlink(path);
    shoal_log_set_fd(file);
    shoal_log_set_level(SHOAL_LOG_DEBUG);
    shoal_log_set_format(SHOAL_LOG_HUMAN);
    shoal_clock_set(&fixed);
    return file < 0 ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    shoal_clock_set(NULL);
    shoal_log_set_fd(STDERR_FILENO);
    close(file);
    return 0;
}

/// All that was logged since the last time.
static const char *written(void)
{
    static char text[8192];
    ssize_t length = pread(file, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = 0;
    assert_int_equal(ftruncate(file, 0), 0);
    lseek(file, 0, SEEK_SET);
    return text;
}

static void writes_one_line_for_people(void **state)
{
    (void)state;
    shoal_info("video %d is ready", 42);
    assert_string_equal(written(), "2026-01-01T00:00:00.123Z info  video 42 is ready\n");
    shoal_error("no");
    assert_string_equal(written(), "2026-01-01T00:00:00.123Z error no\n");
}

static void writes_one_line_for_programs(void **state)
{
    (void)state;
    shoal_log_set_format(SHOAL_LOG_JSON);
    shoal_warn("a \"quoted\" \\ word\nand\x1b[0m more");
    json_t *line = json_loads(written(), 0, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "warn");
    assert_string_equal(
        json_string_value(json_object_get(line, "time")), "2026-01-01T00:00:00.123Z");
    assert_string_equal(
        json_string_value(json_object_get(line, "text")), "a \"quoted\" \\ word\nand\x1b[0m more");
    assert_null(json_object_get(line, "plugin"));
    assert_null(json_object_get(line, "id"));
    json_decref(line);
}

static void text_forges_no_second_line(void **state)
{
    (void)state;
    shoal_info("%s", "one\n2026-01-01T00:00:00.000Z error two\r\x7f\x1b");
    const char *text = written();
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_non_null(strstr(text, "one\\n2026"));
    assert_non_null(strstr(text, "two\\u000d\\u007f\\u001b"));
}

static void bytes_that_are_no_text_break_no_line(void **state)
{
    (void)state;
    shoal_log_set_format(SHOAL_LOG_JSON);
    shoal_info("%s", "caf\xc3\xa9 \xff\xc3 \xe2\x82");
    const char *text = written();
    json_t *line = json_loads(text, 0, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "text")),
        "caf\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd");
    json_decref(line);
    shoal_log_set_format(SHOAL_LOG_HUMAN);
    shoal_info("%s", "\xc2\x9b" "31m"); // a terminal would read it as ESC [
    assert_non_null(strstr(written(), "\\u009b31m"));
}

static void drops_what_is_below_the_level(void **state)
{
    (void)state;
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int least = 0; least < 4; least++) {
        enum shoal_log_level level = SHOAL_LOG_INFO;
        assert_int_equal(shoal_log_level_parse(names[least], &level), 0);
        assert_int_equal(level, least);
        shoal_log_set_level(level);
        for (int at = 0; at < 4; at++) {
            assert_int_equal(shoal_log_wants((enum shoal_log_level)at), at >= least);
            shoal_log((enum shoal_log_level)at, "x at least %d", least); // no warning twice
            assert_int_equal(written()[0] != 0, at >= least);
        }
    }
}

static void knows_four_words_for_levels(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "INFO", "warning", "infos", "inf"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum shoal_log_level level = SHOAL_LOG_WARN;
        assert_int_equal(shoal_log_level_parse(bad[i], &level), SHOAL_EINVAL);
        assert_int_equal(level, SHOAL_LOG_WARN);
    }
}

static void names_the_plugin_and_the_request(void **state)
{
    (void)state;
    struct shoal_plugin_id plugin = {.name = "hold_long"};
    struct shoal_call call;
    shoal_call_init(&call);
    memcpy(call.id, "abc", 4);
    shoal_info("of the core");
    assert_string_equal(written(), "2026-01-01T00:00:00.123Z info  of the core [abc]\n");
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&plugin);
    shoal_info("hello");
    assert_string_equal(written(), "2026-01-01T00:00:00.123Z info  hold_long: hello [abc]\n");
    shoal_log_set_format(SHOAL_LOG_JSON);
    shoal_info("hello");
    assert_string_equal(written(), "{\"time\":\"2026-01-01T00:00:00.123Z\",\"level\":\"info\","
                                   "\"plugin\":\"hold_long\",\"id\":\"abc\",\"text\":\"hello\"}\n");
    shoal_call_leave(&call);
    shoal_call_fini(&call);
}

static void cuts_long_text_and_keeps_errno(void **state)
{
    (void)state;
    char text[4000];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = 0;
    errno = EXDEV;
    shoal_info("%s", text);
    assert_int_equal(errno, EXDEV);
    const char *line = written();
    assert_true(strlen(line) < 2200);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

static void a_closed_log_stops_nobody(void **state)
{
    (void)state;
    int none = dup(file);
    close(none);
    shoal_log_set_fd(none);
    errno = 0;
    shoal_error("nobody reads this");
    assert_int_equal(errno, 0);
    assert_string_equal(written(), "");
}

static int64_t later_ms;

static int64_t later(void *self)
{
    (void)self;
    return fixed_ms(NULL) + later_ms;
}

static void says_once_what_the_core_warns_of_again_and_again(void **state)
{
    (void)state;
    static const struct shoal_clock moving = {.now_ms = later, .tick_ms = later};
    shoal_clock_set(&moving);
    later_ms = 0;
    for (int i = 0; i < 1000; i++) {
        shoal_warn("no job could be claimed: %s", "the disk is full");
    }
    const char *text = written();
    assert_non_null(strstr(text, "no job could be claimed: the disk is full\n"));
    assert_int_equal(strlen(text), strcspn(text, "\n") + 1);
    shoal_warn("no job could be claimed: %s", "another reason");
    assert_non_null(strstr(written(), "another reason"));
    later_ms = 600000;
    shoal_warn("no job could be claimed: %s", "the disk is full");
    assert_non_null(strstr(written(), "the disk is full (and 999 times more since then)\n"));
}

static void says_again_what_is_an_error_or_a_request_s(void **state)
{
    (void)state;
    struct shoal_call call;
    for (int i = 0; i < 2; i++) {
        shoal_error("it broke");
        assert_non_null(strstr(written(), "it broke"));
    }
    shoal_call_init(&call);
    call.request = (struct shoal_request *)&call;
    for (int i = 0; i < 2; i++) {
        shoal_warn("its request");
        assert_non_null(strstr(written(), "its request"));
    }
    shoal_call_fini(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_one_line_for_people, start, stop),
        cmocka_unit_test_setup_teardown(writes_one_line_for_programs, start, stop),
        cmocka_unit_test_setup_teardown(text_forges_no_second_line, start, stop),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_text_break_no_line, start, stop),
        cmocka_unit_test_setup_teardown(drops_what_is_below_the_level, start, stop),
        cmocka_unit_test_setup_teardown(knows_four_words_for_levels, start, stop),
        cmocka_unit_test_setup_teardown(names_the_plugin_and_the_request, start, stop),
        cmocka_unit_test_setup_teardown(cuts_long_text_and_keeps_errno, start, stop),
        cmocka_unit_test_setup_teardown(a_closed_log_stops_nobody, start, stop),
        cmocka_unit_test_setup_teardown(
            says_once_what_the_core_warns_of_again_and_again, start, stop),
        cmocka_unit_test_setup_teardown(says_again_what_is_an_error_or_a_request_s, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
