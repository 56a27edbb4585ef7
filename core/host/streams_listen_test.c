// streams_listen_test.c - listeners that plugins ask for: when they open, where, and by whom.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <shoal/stream.h>

#include "host/host_priv.h"
#include "host/streams.h"
#include "host/test_kit.h"

static struct kit kit;
static struct shoal_server *server;
static const struct shoal_stream_ops ops;
static int wanted_kind;
static const char *wanted_address;
static int code;
static struct shoal_err why;
static char opened[512];

/// Notes what it is asked for and leaves the opening to the host.
static int note_only(int kind, const char *address, int *fd, struct shoal_err *err)
{
    (void)fd;
    (void)err;
    size_t length = strlen(opened);
    snprintf(opened + length, sizeof(opened) - length, "%d %s;", kind, address);
    return SHOAL_EUNSUPPORTED;
}

static int refuse(int kind, const char *address, int *fd, struct shoal_err *err)
{
    note_only(kind, address, fd, err);
    return shoal_fail(err, SHOAL_EBUSY, "taken");
}

static int begin(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_open(&kit, "");
    kit_start(&kit, false);
    struct shoal_server_options options = {.loops = 1,
        .workers = 1,
        .temp_path = kit.folder,
        .app = shoal_host_app(),
        .stop_grace_ms = 1000};
    server = shoal_server_start(&options, &err);
    if (!server) {
        fail_msg("%s", err.text);
    }
    opened[0] = 0;
    shoal_host_opener_set(note_only);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_server_stop(server);
    kit_close(&kit);
    shoal_host_opener_set(NULL);
    return 0;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    why = (struct shoal_err){0};
    code = shoal_listen(self, (enum shoal_listener_kind)wanted_kind, wanted_address, &ops, NULL, &why);
    return 0;
}

static int ask(const char *plugin, int kind, const char *address)
{
    struct shoal_err err = {0};
    wanted_kind = kind;
    wanted_address = address;
    assert_int_equal(kit_load(plugin, start, "\"permissions\": [\"listen:0\"]", NULL, &err), 0);
    return code;
}

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int connected = connect(fd, (struct sockaddr *)&address, sizeof(address));
    close(fd);
    return connected;
}

static void they_open_once_the_server_runs_and_only_once(void **state)
{
    (void)state;
    char path[160];
    char wanted[256];
    assert_int_equal(ask("first", SHOAL_LISTEN_UNIX, "s"), 0);
    assert_int_equal(ask("second", SHOAL_LISTEN_TCP, "127.0.0.1:0"), 0);
    snprintf(path, sizeof(path), "%s/data/first/s", kit.folder); // in the plugin's own folder
    assert_string_equal(opened, "");
    assert_int_equal(dial(path), -1);
    shoal_listeners_open();
    snprintf(
        wanted, sizeof(wanted), "%d %s;%d 127.0.0.1:0;", SHOAL_LISTEN_UNIX, path, SHOAL_LISTEN_TCP);
    assert_string_equal(opened, wanted);
    assert_int_equal(dial(path), 0);
    shoal_listeners_open(); // what is open stays as it is
    assert_string_equal(opened, wanted);
}

static void an_address_needs_its_permission_a_socket_of_its_own_does_not(void **state)
{
    (void)state;
    assert_int_equal(ask("first", SHOAL_LISTEN_TCP, "127.0.0.1:80"), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(why.text, "listen:127.0.0.1:80"));
    assert_int_equal(ask("second", SHOAL_LISTEN_UDP, "127.0.0.1:80"), SHOAL_EFORBIDDEN);
    assert_int_equal(ask("third", SHOAL_LISTEN_UNIX, "s"), 0);
    assert_int_equal(
        shoal_listen(shoal_plugin_find("third"), SHOAL_LISTEN_UNIX, "t", &ops, NULL, &why),
        SHOAL_EINVAL); // outside of its start
    shoal_listeners_open();
    assert_null(strstr(opened, ":80"));
}

static void one_that_cannot_open_is_tried_again_and_stops_no_other(void **state)
{
    (void)state;
    char path[160];
    assert_int_equal(ask("first", SHOAL_LISTEN_TCP, "nowhere:0"), 0); // no address
    assert_int_equal(ask("second", SHOAL_LISTEN_UNIX, "s"), 0);
    snprintf(path, sizeof(path), "%s/data/second/s", kit.folder);
    shoal_host_opener_set(refuse);
    shoal_listeners_open();
    assert_int_equal(dial(path), -1); // who opens sockets has the last word
    shoal_host_opener_set(note_only);
    opened[0] = 0;
    shoal_listeners_open();
    assert_non_null(strstr(opened, "nowhere:0;"));
    assert_int_equal(dial(path), 0);
}

static void they_go_with_their_plugin(void **state)
{
    (void)state;
    char path[160];
    assert_int_equal(ask("first", SHOAL_LISTEN_UNIX, "s"), 0);
    assert_int_equal(ask("second", SHOAL_LISTEN_UNIX, "s"), 0);
    shoal_streams_remove(shoal_plugin_find("first")); // before it was opened
    shoal_listeners_open();
    assert_null(strstr(opened, "/first/"));
    snprintf(path, sizeof(path), "%s/data/second/s", kit.folder);
    assert_int_equal(dial(path), 0);
    shoal_streams_remove(shoal_plugin_find("second"));
    int connected = 0;
    for (int i = 0; i < 1000 && connected == 0; i++) {
        usleep(10000);
        connected = dial(path);
    }
    assert_int_equal(connected, -1);
}

static int start_too_many(struct shoal_plugin *self, struct shoal_err *err)
{
    char name[16];
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        assert_int_equal(shoal_listen(self, SHOAL_LISTEN_UNIX, name, &ops, NULL, err), 0);
    }
    return shoal_listen(self, SHOAL_LISTEN_UNIX, "last", &ops, NULL, err);
}

static void there_is_an_end_to_them(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(kit_load("greedy", start_too_many, "", NULL, &err), SHOAL_EBUSY);
    shoal_listeners_open();
    assert_string_equal(opened, ""); // none of them stayed
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(they_open_once_the_server_runs_and_only_once),
        CASE(an_address_needs_its_permission_a_socket_of_its_own_does_not),
        CASE(one_that_cannot_open_is_tried_again_and_stops_no_other),
        CASE(they_go_with_their_plugin),
        CASE(there_is_an_end_to_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
