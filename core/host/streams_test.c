// streams_test.c - sockets and events of plugins: what they need before anything is sent.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/http.h>
#include <shoal/stream.h>
#include <shoal/topics.h>

#include "host/host_priv.h"
#include "host/test_kit.h"
#include "net/request_priv.h"

static struct kit kit;
static struct shoal_socket_route wanted;
static int code;
static struct shoal_err why;

static int begin(void **state)
{
    (void)state;
    kit_open(&kit, "");
    kit_start(&kit, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    why = (struct shoal_err){0};
    code = shoal_socket_add(self, &wanted, &why);
    return 0;
}

static int add(const char *plugin, const char *path, const struct shoal_stream_ops *ops)
{
    struct shoal_err err = {0};
    wanted = (struct shoal_socket_route){.path = path, .ops = ops};
    assert_int_equal(kit_load(plugin, start, "\"permissions\": [\"routes:/s\"]", NULL, &err), 0);
    return code;
}

static void a_socket_is_complete_permitted_and_of_one(void **state)
{
    (void)state;
    static const struct shoal_stream_ops ops;
    char path[] = "/s/one"; // copied
    assert_int_equal(add("p_one", NULL, &ops), SHOAL_EINVAL);
    assert_non_null(strstr(why.text, "a socket of p_one lacks its path or its ops"));
    assert_int_equal(add("p_two", "/s/one", NULL), SHOAL_EINVAL);
    assert_int_equal(add("p_three", "/t", &ops), SHOAL_EFORBIDDEN);
    assert_int_equal(add("p_four", path, &ops), 0);
    memset(path, 'x', 6);
    assert_int_equal(add("p_five", "/s/one", &ops), SHOAL_ECONFLICT);
    assert_non_null(strstr(why.text, "plugin p_four answers GET /s/one already"));
}

static int opened;

static int open_it(struct shoal_call *call, struct shoal_request *request, void *arg, void **state,
    struct shoal_err *err)
{
    (void)call;
    (void)request;
    (void)arg;
    (void)state;
    (void)err;
    opened++;
    return 0;
}

static void a_request_that_is_no_handshake_opens_nothing(void **state)
{
    (void)state;
    static const struct shoal_stream_ops ops = {.open = open_it};
    json_t *answer = NULL;
    int status = 0;
    opened = 0;
    assert_int_equal(add("p_one", "/s/one", &ops), 0);
    assert_int_equal(shoal_inprocess(&kit.call, "GET", "/s/one", NULL, &status, &answer, &why), 0);
    assert_int_equal(status, 400);
    assert_non_null(strstr(shoal_text(answer, "detail", ""), "an Upgrade is needed"));
    assert_int_equal(opened, 0);
    json_decref(answer);
}

static int do_nothing(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)self;
    (void)err;
    return 0;
}

static void messages_are_for_those_that_may_hear_them(void **state)
{
    (void)state;
    struct shoal_request request = {0};
    struct shoal_err err = {0};
    assert_int_equal(kit_load("deaf", do_nothing, "", NULL, &err), 0);
    shoal_call_enter(&kit.call, shoal_plugin_find("deaf"));
    assert_ptr_equal(shoal_call_current(), &kit.call);
    assert_int_equal(shoal_answer_events(&request, "topic", NULL, NULL, &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "no permission \"topics\""));
    shoal_call_leave(&kit.call);
}

static void an_event_is_json_of_some_size_for_a_stream_that_is_there(void **state)
{
    (void)state;
    json_t *data = json_string("x");
    assert_int_equal(shoal_stream_event(0, "hello", data), SHOAL_EGONE);
    assert_int_equal(shoal_stream_event(12345, "two\nlines", data), SHOAL_EGONE);
    json_decref(data);
    assert_int_equal(shoal_stream_event(0, "hello", NULL), SHOAL_EINVAL);
    size_t most = 4u << 20;
    char *text = malloc(most);
    assert_non_null(text);
    memset(text, 'x', most);
    data = json_stringn(text, most);
    assert_int_equal(shoal_stream_event(0, "hello", data), SHOAL_ETOOLARGE);
    json_decref(data);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(a_socket_is_complete_permitted_and_of_one),
        CASE(a_request_that_is_no_handshake_opens_nothing),
        CASE(messages_are_for_those_that_may_hear_them),
        CASE(an_event_is_json_of_some_size_for_a_stream_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
