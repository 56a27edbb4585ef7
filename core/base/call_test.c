// call_test.c - the context of a call, and what log lines say of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shoal/error.h>
#include <shoal/json.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/log.h"

static void the_thread_knows_its_innermost_call(void **state)
{
    (void)state;
    struct shoal_call outer, inner;
    assert_null(shoal_call_current());
    shoal_call_init(&outer);
    assert_ptr_equal(shoal_call_current(), &outer);
    shoal_call_init(&inner);
    assert_ptr_equal(shoal_call_current(), &inner);
    assert_string_not_equal(shoal_call_id(&outer), shoal_call_id(&inner));
    shoal_call_fini(&inner);
    assert_ptr_equal(shoal_call_current(), &outer);
    assert_int_equal(shoal_call_viewer(&outer)->kind, SHOAL_VIEWER_SYSTEM);
    assert_string_equal(shoal_call_locale(&outer), "en");
    shoal_call_fini(&outer);
    assert_null(shoal_call_current());
}

static void names_the_innermost_plugin_at_any_depth(void **state)
{
    (void)state;
    struct shoal_plugin_id ids[40];
    struct shoal_call call;
    shoal_call_init(&call);
    assert_null(shoal_call_plugin(&call));
    for (int i = 0; i < 40; i++) {
        shoal_call_enter(&call, (struct shoal_plugin *)(void *)&ids[i]);
        assert_ptr_equal(shoal_call_plugin(&call), &ids[i]);
    }
    shoal_call_enter(&call, NULL);
    assert_null(shoal_call_plugin(&call));
    shoal_call_leave(&call);
    for (int i = 39; i >= 0; i--) {
        assert_ptr_equal(shoal_call_plugin(&call), &ids[i]);
        shoal_call_leave(&call);
    }
    assert_null(shoal_call_plugin(&call));
    shoal_call_fini(&call);
}

static struct shoal_call *watched;
static int watched_times;

static void watch(struct shoal_call *call)
{
    watched = call;
    watched_times++;
}

// A thread that goes on with a call of another for a while holds nothing of it afterwards.
static void who_watches_hears_when_a_thread_takes_up_a_call(void **state)
{
    (void)state;
    struct shoal_call call;
    shoal_call_init(&call);
    shoal_call_adopt(NULL); // another thread has none
    shoal_call_enter(&call, (struct shoal_plugin *)&call);
    shoal_call_watch = watch;
    struct shoal_call *before = shoal_call_adopt(&call);
    assert_ptr_equal(watched, &call);
    shoal_call_enter(&call, (struct shoal_plugin *)&watched);
    shoal_call_leave(&call);
    assert_ptr_equal(watched, &call);
    watched_times = 0;
    shoal_call_adopt(before);
    assert_null(watched);
    assert_int_equal(watched_times, 1);
    shoal_call_watch = NULL;
    shoal_call_leave(&call);
    shoal_call_fini(&call);
}

static void counts_down_to_its_deadline(void **state)
{
    (void)state;
    struct shoal_call call;
    shoal_call_init(&call);
    assert_int_equal(shoal_call_left_ms(&call), INT64_MAX);
    call.deadline_ms = shoal_tick_ms() + 1000;
    assert_in_range(shoal_call_left_ms(&call), 1, 1000);
    call.deadline_ms = shoal_tick_ms() - 1;
    assert_int_equal(shoal_call_left_ms(&call), 0);
    assert_false(shoal_call_cancelled(&call));
    assert_int_equal(shoal_call_sleep(&call, 1000), SHOAL_ECANCELLED);
    shoal_call_fini(&call);
}

static void *cancel_soon(void *arg)
{
    shoal_clock_sleep(20);
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

static void sleep_ends_when_the_call_is_cancelled(void **state)
{
    (void)state;
    atomic_bool cancel = false;
    struct shoal_call call;
    shoal_call_init(&call);
    call.cancel = &cancel;
    int64_t before = shoal_tick_ms();
    assert_int_equal(shoal_call_sleep(&call, 30), 0);
    assert_true(shoal_tick_ms() - before >= 29);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_int_equal(shoal_call_sleep(&call, 60000), SHOAL_ECANCELLED);
    assert_true(shoal_tick_ms() - before < 5000);
    pthread_join(thread, NULL);
    assert_true(shoal_call_cancelled(&call));
    shoal_call_fini(&call);
}

static const char *read_lines(int fd, char *text, size_t size)
{
    ssize_t count = pread(fd, text, size - 1, 0);
    text[count > 0 ? count : 0] = 0;
    assert_int_equal(ftruncate(fd, 0), 0);
    return text;
}

static int open_log(void)
{
    char path[] = "/tmp/shoal-log-XXXXXX";
    int fd = mkostemp(path, O_APPEND);
    assert_true(fd >= 0);
    unlink(path);
    shoal_log_set_fd(fd);
    return fd;
}

static void close_log(int fd)
{
    shoal_log_set_fd(STDERR_FILENO);
    shoal_log_set_level(SHOAL_LOG_INFO);
    shoal_log_set_format(SHOAL_LOG_HUMAN);
    close(fd);
}

static void log_lines_name_plugin_and_request(void **state)
{
    (void)state;
    int fd = open_log();
    char text[4096];
    struct shoal_plugin_id id = {.name = "line_chat"};
    struct shoal_call call;
    shoal_call_init(&call);
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&id);
    shoal_info("a \"room\" of %d\nand a forged line", 7);
    read_lines(fd, text, sizeof(text));
    assert_non_null(strstr(text, "info  line_chat: a \"room\" of 7\\nand a forged line ["));
    assert_non_null(strstr(text, call.id));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    shoal_log_set_format(SHOAL_LOG_JSON);
    shoal_warn("a \"room\"\n\x01\\");
    read_lines(fd, text, sizeof(text));
    json_t *line = shoal_json_parse(text, strlen(text), NULL);
    assert_non_null(line);
    assert_string_equal(shoal_text(line, "level", ""), "warn");
    assert_string_equal(shoal_text(line, "plugin", ""), "line_chat");
    assert_string_equal(shoal_text(line, "id", ""), call.id);
    assert_string_equal(shoal_text(line, "text", ""), "a \"room\"\n\x01\\");
    json_decref(line);
    shoal_call_fini(&call);
    close_log(fd);
}

static void lines_below_the_level_are_dropped(void **state)
{
    (void)state;
    int fd = open_log();
    char text[256];
    shoal_debug("not seen");
    assert_string_equal(read_lines(fd, text, sizeof(text)), "");
    shoal_log_set_level(SHOAL_LOG_DEBUG);
    shoal_debug("seen");
    assert_non_null(strstr(read_lines(fd, text, sizeof(text)), "debug seen"));
    enum shoal_log_level level;
    assert_int_equal(shoal_log_level_parse("warn", &level), 0);
    assert_int_equal(level, SHOAL_LOG_WARN);
    assert_int_equal(shoal_log_level_parse("loud", &level), SHOAL_EINVAL);
    close_log(fd);
}

static void another_arena_serves_for_a_while(void **state)
{
    (void)state;
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_arena *own = shoal_call_arena(&call), *other = shoal_arena_new(0);
    assert_ptr_equal(shoal_call_arena_use(&call, other), own);
    assert_ptr_equal(shoal_call_arena(&call), other);
    assert_ptr_equal(shoal_call_arena_use(&call, own), other);
    shoal_arena_free(other);
    assert_ptr_equal(shoal_call_arena(&call), own);
    shoal_call_fini(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_thread_knows_its_innermost_call),
        cmocka_unit_test(names_the_innermost_plugin_at_any_depth),
        cmocka_unit_test(who_watches_hears_when_a_thread_takes_up_a_call),
        cmocka_unit_test(counts_down_to_its_deadline),
        cmocka_unit_test(another_arena_serves_for_a_while),
        cmocka_unit_test(sleep_ends_when_the_call_is_cancelled),
        cmocka_unit_test(log_lines_name_plugin_and_request),
        cmocka_unit_test(lines_below_the_level_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
