// config_listen_test.c - the addresses and the plugins that shoal.lua lists.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/config_priv.h"
#include "host/test_kit.h"

static struct kit kit;

static int begin(void **state)
{
    (void)state;
    kit_folder(&kit);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return shoal_tree_remove(kit.folder, NULL);
}

static struct shoal_config *read_it(const char *lua, struct shoal_err *err)
{
    *err = (struct shoal_err){0};
    kit_write(&kit, "shoal.lua", lua);
    return shoal_config_read(kit.folder, NULL, 0, err);
}

static void addresses_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        int port;
        bool is_redirect;
    } rows[] = {
        {"127.0.0.1:9000", "127.0.0.1", 9000, false},
        {"8080", "127.0.0.1", 8080, false},
        {":8080", "0.0.0.0", 8080, false},
        {"[::]:443", "::", 443, false},
        {"[2001:db8::1]:65535", "2001:db8::1", 65535, false},
        {"0.0.0.0:80 redirect", "0.0.0.0", 80, true},
        {"0.0.0.0:80  redirect ", "0.0.0.0", 80, true},
        {"127.0.0.1:0", "127.0.0.1", 0, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_err err;
        char lua[128];
        snprintf(lua, sizeof(lua), "listen = \"%s\"", rows[i].text);
        struct shoal_config *config = read_it(lua, &err);
        if (!config) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(config->listen_count, 1);
        assert_string_equal(config->listens[0].host, rows[i].host);
        assert_int_equal(config->listens[0].port, rows[i].port);
        assert_int_equal(config->listens[0].is_redirect, rows[i].is_redirect);
        assert_false(config->listens[0].is_unix);
        shoal_config_free(config);
    }
}

static void sockets_lie_in_the_folder(void **state)
{
    (void)state;
    struct shoal_err err;
    char path[128];
    struct shoal_config *config = read_it("listen = { \"unix:run/s\", \"unix:/run/s\" }", &err);
    assert_non_null(config);
    snprintf(path, sizeof(path), "%s/run/s", kit.folder);
    assert_string_equal(config->listens[0].host, path);
    assert_true(config->listens[0].is_unix);
    assert_string_equal(config->listens[1].host, "/run/s");
    shoal_config_free(config);
}

static void refuses(const char *lua, const char *sentence)
{
    struct shoal_err err;
    struct shoal_config *config = read_it(lua, &err);
    if (config || !strstr(err.text, sentence)) {
        shoal_config_free(config);
        fail_msg("%s: %s", lua, err.text);
    }
}

static void what_is_no_address_is_named_with_its_line(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "x", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
        "127.0.0.1:65536", "127.0.0.1:80808080", "::1:80", "[::1]", "[::1]80", "[::1:80",
        "127.0.0.1:80 tsl", "127.0.0.1:80 tls redirect", "unix:", "unix: x", "-1", " 80"};
    char lua[512];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char sentence[160];
        snprintf(lua, sizeof(lua), "listen = {\n\"127.0.0.1:1\",\n\"%s\" }", bad[i]);
        snprintf(sentence, sizeof(sentence), "shoal.lua:3: \"%s\" is not an address", bad[i]);
        refuses(lua, sentence);
    }
    char path[120];
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = 0;
    snprintf(lua, sizeof(lua), "listen = \"unix:/%s\"", path);
    refuses(lua, "is not an address");
    refuses("\nlisten = 80", "shoal.lua:2:");
    refuses("listen = \"127.0.0.1:443 tls\"", "needs tls = {");
    char many[33 * 8 + 32] = "listen = {";
    for (int i = 0; i < 33; i++) {
        size_t length = strlen(many);
        snprintf(many + length, sizeof(many) - length, "\"%d\",", 9000 + i);
    }
    strncat(many, "}", sizeof(many) - strlen(many) - 1);
    refuses(many, "more than 32 addresses");
}

static void plugins_are_names_with_options(void **state)
{
    (void)state;
    struct shoal_err err;
    struct shoal_config *config =
        read_it("plugins = {\n\"api\",\n{ \"web\", theme = \"dark\", 5 },\n}", &err);
    assert_non_null(config);
    assert_int_equal(config->plugin_count, 2);
    assert_string_equal(config->plugins[0].name, "api");
    assert_int_equal(json_object_size(config->plugins[0].options), 0);
    assert_string_equal(config->plugins[1].name, "web");
    assert_int_equal(config->plugins[1].line, 3);
    assert_string_equal(shoal_text(config->plugins[1].options, "theme", ""), "dark");
    assert_null(json_object_get(config->plugins[1].options, "1"));
    shoal_config_free(config);
    config = read_it("plugins = { { \"api\" } }", &err); // its options were commented out
    assert_non_null(config);
    assert_string_equal(config->plugins[0].name, "api");
    assert_int_equal(json_object_size(config->plugins[0].options), 0);
    shoal_config_free(config);
    refuses("plugins = { { \"api\", \"web\" } }", "entry 1 of plugins must be a name");
    config = read_it("plugins = {}", &err);
    assert_non_null(config);
    assert_int_equal(config->plugin_count, 0);
    shoal_config_free(config);
    refuses("plugins = \"api\"", "plugins must be a list");
    refuses("plugins = { api = true }", "plugins must be a list");
    refuses("plugins = {\n\"api\",\n5 }", "shoal.lua:3: entry 2 of plugins must be a name");
    refuses("plugins = {\n\"../api\" }", "shoal.lua:2: entry 1");
    refuses("plugins = {\n{ theme = \"dark\" } }", "entry 1 of plugins must be a name");
    refuses("plugins = {\n\"api\",\n{ \"api\" } }", "shoal.lua:3: plugin api is listed twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(addresses_are_read),
        CASE(sockets_lie_in_the_folder),
        CASE(what_is_no_address_is_named_with_its_line),
        CASE(plugins_are_names_with_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
