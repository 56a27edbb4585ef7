// url_test.c - absolute URLs of this site, and where the instance keeps things.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/host_priv.h"
#include "host/test_kit.h"
#include "net/request_priv.h"

static struct kit kit;

static int end(void **state)
{
    (void)state;
    kit.call.request = NULL;
    kit_close(&kit);
    return 0;
}

static void open_it(const char *lua)
{
    kit_open(&kit, lua);
    kit_start(&kit, false);
}

static const char *url_for(const char *host, bool is_https)
{
    struct shoal_request request = {.host = host, .origin.is_https = is_https};
    kit.call.request = host ? &request : NULL;
    const char *url = shoal_url(&kit.call, "/x");
    kit.call.request = NULL;
    return url;
}

static void the_public_url_wins(void **state)
{
    (void)state;
    open_it("url = \"https://reef.example\"");
    assert_string_equal(url_for(NULL, false), "https://reef.example/x");
    assert_string_equal(url_for("localhost:9000", false), "https://reef.example/x");
}

/// While no public URL is set, a host is believed when it names a machine nearby: no stranger's
/// header becomes a link.
static void hosts_nearby_are_believed(void **state)
{
    (void)state;
    static const char *const nearby[] = {"localhost", "LOCALHOST:9000", "127.0.0.1", "127.9.9.9:80",
        "10.1.2.3", "172.16.0.1", "172.31.255.255:80", "192.168.1.1", "169.254.1.1", "[::1]:9000",
        "[fd00::1]", "[fe80::1]", "[febf::1]", "nas.local", "a.localhost:80"};
    static const char *const others[] = {"", "reef.example", "128.0.0.1", "11.0.0.1", "172.15.0.1",
        "172.32.0.1", "192.169.0.1", "169.253.1.1", "[::2]", "[2001:db8::1]", "[fec0::1]",
        "localhost.evil.example", "evil.example:80", ".local", ".localhost", "notlocalhost",
        "127.0.0.1.evil.example", "[::1].evil.example", "[::1]evil", "[::1", "localhost:80.evil",
        "localhost:", "localhost:x", "[::1]:", "127.0.0.1:80:80"};
    open_it("listen = { \"127.0.0.1:7777\" }");
    for (size_t i = 0; i < sizeof(nearby) / sizeof(nearby[0]); i++) {
        char wanted[160];
        snprintf(wanted, sizeof(wanted), "http://%s/x", nearby[i]);
        assert_string_equal(url_for(nearby[i], false), wanted);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(url_for(others[i], false), "http://127.0.0.1:7777/x") != 0) {
            fail_msg("\"%s\" was believed", others[i]);
        }
    }
    assert_string_equal(url_for("localhost", true), "https://localhost/x");
}

static void without_a_request_it_is_the_first_address(void **state)
{
    (void)state;
    static const struct {
        const char *lua, *url;
    } rows[] = {
        {"listen = { \"0.0.0.0:8080\" }", "http://localhost:8080/x"},
        {"listen = { \"[::]:8080\" }", "http://localhost:8080/x"},
        {"listen = { \"[::1]:8080\" }", "http://[::1]:8080/x"},
        {"listen = { \"unix:run/s\", \"127.0.0.1:8080\" }", "http://127.0.0.1:8080/x"},
        {"listen = { \"unix:run/s\" }", "http://localhost/x"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_it(rows[i].lua);
        assert_string_equal(url_for(NULL, false), rows[i].url);
        end(NULL);
    }
}

static void things_have_their_folders(void **state)
{
    (void)state;
    char path[200];
    struct shoal_host_options *options = &shoal_host_get()->options;
    assert_null(shoal_instance_path("data")); // no host yet
    open_it("");
    assert_string_equal(shoal_instance_path("data"), kit.folder);
    snprintf(path, sizeof(path), "%s/tmp", kit.folder);
    assert_string_equal(shoal_instance_path("tmp"), path);
    snprintf(path, sizeof(path), "%s/media", kit.folder);
    assert_string_equal(shoal_instance_path("media"), path);
    assert_null(shoal_instance_path("themes"));
    assert_null(shoal_instance_path("no such"));
    assert_null(shoal_instance_path("vendor"));
    char themes[160];
    snprintf(themes, sizeof(themes), "%s/themes", kit.folder);
    snprintf(path, sizeof(path), "%s/vendor", kit.folder);
    assert_int_equal(shoal_folder_make(themes, 0700, NULL), 0);
    assert_int_equal(shoal_folder_make(path, 0700, NULL), 0);
    options->themes = themes;
    assert_string_equal(shoal_instance_path("themes"), themes);
    snprintf(path, sizeof(path), "%s/../vendor", themes); // beside the themes once installed
    assert_string_equal(shoal_instance_path("vendor"), path);
    options->themes = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_public_url_wins, end),
        cmocka_unit_test_teardown(hosts_nearby_are_believed, end),
        cmocka_unit_test(without_a_request_it_is_the_first_address),
        cmocka_unit_test_teardown(things_have_their_folders, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
