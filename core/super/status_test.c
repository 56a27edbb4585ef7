// status_test.c - what the supervisor writes down of itself, and what it tells systemd.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>

#include "base/file.h"
#include "super/supervisor.h"

static char folder[] = "/tmp/shoal_status_XXXXXX";

static json_t *written(void)
{
    char path[PATH_MAX];
    struct shoal_buf text = {0};
    snprintf(path, sizeof path, "%s/run/serve.json", folder);
    assert_int_equal(shoal_file_read_whole(path, 1 << 20, &text, NULL), 0);
    json_t *body = shoal_json_parse(text.data, text.length, NULL);
    shoal_buf_fini(&text);
    assert_non_null(body);
    return body;
}

static void each_state_of_a_child_has_its_name(void **unused)
{
    (void)unused;
    struct shoal_supervisor super = {.child_count = 3, .quarantine = json_object()};
    snprintf(super.folder, sizeof super.folder, "%s", folder);
    super.children[0] = (struct shoal_child){.pid = 11, .generation = 3};
    super.children[1] =
        (struct shoal_child){.pid = 12, .generation = 2, .state = SHOAL_CHILD_READY};
    super.children[2] =
        (struct shoal_child){.pid = 13, .generation = 1, .state = SHOAL_CHILD_DRAINING};
    shoal_supervisor_status(&super);
    json_t *body = written();
    static const char *const names[] = {"starting", "ready", "draining"};
    for (int i = 0; i < 3; i++) {
        const json_t *child = json_array_get(json_object_get(body, "children"), (size_t)i);
        assert_string_equal(shoal_text(child, "state", ""), names[i]);
        assert_int_equal(shoal_integer(child, "pid", 0), 11 + i);
        assert_int_equal(shoal_integer(child, "generation", 0), 3 - i);
    }
    assert_int_equal(shoal_integer(body, "pid", 0), getpid());
    assert_false(shoal_flag(body, "safeMode", true));
    assert_int_equal(json_array_size(json_object_get(body, "crashes")), 0);
    json_decref(body);
    json_decref(super.quarantine);
}

static void what_went_wrong_is_in_it(void **unused)
{
    (void)unused;
    struct shoal_supervisor super = {
        .is_safe_mode = true, .quarantine = json_pack("{s:s}", "far", "it crashed")};
    snprintf(super.folder, sizeof super.folder, "%s", folder);
    struct shoal_crash crash = {.at_ms = 1, .signal = 11};
    shoal_backoff_crash(&super.backoff, &crash, 1);
    shoal_supervisor_status(&super);
    json_t *body = written();
    assert_true(shoal_flag(body, "safeMode", false));
    assert_string_equal(shoal_text(body, "quarantine.far", ""), "it crashed");
    assert_int_equal(json_array_size(json_object_get(body, "crashes")), 1);
    json_decref(body);
    assert_string_equal(shoal_text(super.quarantine, "far", ""), "it crashed"); // not taken
    json_decref(super.quarantine);
}

/// A socket as systemd's; name: a path, or "@name" for one without a file.
static int listener(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, strlen(name) + 1);
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    return fd;
}

static void hears_it(const char *name)
{
    int fd = listener(name);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    shoal_supervisor_notify("READY=1");
    char text[32] = {0};
    assert_int_equal(recv(fd, text, sizeof text - 1, 0), 7);
    assert_string_equal(text, "READY=1");
    close(fd);
}

static void systemd_is_told_where_it_listens(void **unused)
{
    (void)unused;
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/notify", folder);
    hears_it(name);
    snprintf(name, sizeof name, "@shoal-status-test-%d", (int)getpid());
    hears_it(name);
}

static void nobody_is_told_where_nobody_can_be(void **unused)
{
    (void)unused;
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s/other", folder);
    int fd = listener(name);
    char text[8], longer[300];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    unsetenv("NOTIFY_SOCKET");
    shoal_supervisor_notify("READY=1");
    setenv("NOTIFY_SOCKET", "", 1);
    shoal_supervisor_notify("READY=1");
    setenv("NOTIFY_SOCKET", longer, 1);
    shoal_supervisor_notify("READY=1");
    setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
    shoal_supervisor_notify("READY=1");
    assert_int_equal(recv(fd, text, sizeof text, 0), -1);
    close(fd);
}

static int setup(void **unused)
{
    (void)unused;
    char run[PATH_MAX];
    assert_non_null(mkdtemp(folder));
    snprintf(run, sizeof run, "%s/run", folder);
    return shoal_folder_make(run, 0750, NULL);
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(folder, NULL);
}

static int rename_fails(const char *from, const char *to)
{
    (void)from;
    (void)to;
    errno = ENOSPC;
    return -1;
}

static void what_could_not_be_written_is_written_later(void **unused)
{
    (void)unused;
    struct shoal_supervisor super = {.quarantine = json_object()};
    struct shoal_file_calls calls = *shoal_file_system();
    snprintf(super.folder, sizeof super.folder, "%s", folder);
    calls.rename = rename_fails;
    shoal_file_set(&calls);
    shoal_supervisor_status(&super);
    shoal_file_set(NULL);
    assert_true(super.status_at_ms > shoal_tick_ms());
    shoal_supervisor_status(&super);
    assert_int_equal(super.status_at_ms, 0);
    json_decref(super.quarantine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_of_a_child_has_its_name),
        cmocka_unit_test(what_went_wrong_is_in_it),
        cmocka_unit_test(what_could_not_be_written_is_written_later),
        cmocka_unit_test(systemd_is_told_where_it_listens),
        cmocka_unit_test(nobody_is_told_where_nobody_can_be),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
