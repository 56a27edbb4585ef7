// config_test.c - shoal.lua: values, lines of errors, overrides.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <limits.h>
#include <sys/stat.h>

#include "host/config_priv.h"
#include "host/test_kit.h"

static struct shoal_config *read_text(
    struct kit *kit, const char *text, const char *override, struct shoal_err *err)
{
    kit_folder(kit);
    kit_write(kit, "shoal.lua", text);
    return shoal_config_read(kit->folder, &override, override ? 1 : 0, err);
}

static void drop(struct kit *kit, struct shoal_config *config)
{
    shoal_config_free(config);
    shoal_tree_remove(kit->folder, NULL);
}

/// Expects a sentence that begins with `place` and contains `part`.
static void expect_error(
    const char *text, const char *override, const char *place, const char *part)
{
    struct kit kit;
    struct shoal_err err = {0};
    struct shoal_config *config = read_text(&kit, text, override, &err);
    assert_null(config);
    if (strncmp(err.text, place, strlen(place)) != 0 || !strstr(err.text, part)) {
        fail_msg("\"%s\" should begin with \"%s\" and say \"%s\"", err.text, place, part);
    }
    drop(&kit, config);
}

static void reads_a_whole_file(void **state)
{
    (void)state;
    struct kit kit;
    struct shoal_err err = {0};
    setenv("KIT_URL", "https://videos.example.org", 1);
    struct shoal_config *config = read_text(&kit,
        "url = env(\"KIT_URL\")\n"
        "listen = { \"127.0.0.1:9000\", \"[::]:9443 tls\", \"0.0.0.0:80 redirect\", "
        "\"unix:run/a.sock\" }\n"
        "tls = { certificate = \"c.pem\", key = \"/k.pem\" }\n"
        "instance = { name = \"Reef\", languages = { \"en\", \"fr\" } }\n"
        "user = { video_quota = \"2G\" }\n"
        "video = { delete_after = \"2h\" }\n"
        "plugins = { \"api\", { \"web\", theme = \"default\" } }\n",
        NULL, &err);
    assert_non_null(config);
    assert_string_equal(config->url, "https://videos.example.org");
    assert_int_equal(config->listen_count, 4);
    assert_int_equal(config->listens[0].port, 9000);
    assert_string_equal(config->listens[1].host, "::");
    assert_true(config->listens[1].is_tls);
    assert_true(config->listens[2].is_redirect);
    assert_true(config->listens[3].is_unix);
    assert_non_null(strstr(config->listens[3].host, "/run/a.sock"));
    assert_int_equal(config->plugin_count, 2);
    assert_string_equal(config->plugins[1].name, "web");
    assert_string_equal(shoal_text(config->plugins[1].options, "theme", ""), "default");
    assert_int_equal(config->plugins[1].line, 7);
    assert_int_equal(shoal_integer(config->values, "user.video_quota", 0), 2147483648);
    assert_int_equal(shoal_integer(config->values, "video.delete_after", 0), 7200000);
    assert_int_equal(shoal_config_line(config, "instance.name"), 4);
    const char *certificate = json_string_value(shoal_config_get(config, "tls.certificate"));
    assert_true(certificate[0] == '/' && strstr(certificate, "/c.pem"));
    drop(&kit, config);
}

static void an_empty_file_listens_on_loopback(void **state)
{
    (void)state;
    struct kit kit;
    struct shoal_config *config = read_text(&kit, "", NULL, NULL);
    assert_non_null(config);
    assert_int_equal(config->listen_count, 1);
    assert_string_equal(config->listens[0].host, "127.0.0.1");
    assert_null(config->url);
    drop(&kit, config);
}

static void secrets_come_from_files_beside_it(void **state)
{
    (void)state;
    struct kit kit;
    kit_folder(&kit);
    kit_write(&kit, "name.txt", "Reef\n");
    kit_write(&kit, "shoal.lua", "instance = { name = file(\"name.txt\") }\n");
    struct shoal_config *config = shoal_config_read(kit.folder, NULL, 0, NULL);
    assert_non_null(config);
    assert_string_equal(shoal_text(config->values, "instance.name", ""), "Reef");
    drop(&kit, config);
    expect_error("\ninstance = { name = file(\"none\") }", NULL, "shoal.lua:2:", "none");
}

static void an_unknown_key_is_named_with_its_line_and_the_nearest(void **state)
{
    (void)state;
    expect_error("-- a comment\ninstance = {\n  nmae = \"x\",\n}\n", NULL,
        "shoal.lua:3:", "did you mean \"instance.name\"");
    expect_error(
        "--[[ long\ncomment ]]\nlisen = \"x\"\n", NULL, "shoal.lua:3:", "did you mean \"listen\"");
    expect_error("zzzzzzzzzzzz = 1\n", NULL, "shoal.lua:1:", "unknown key \"zzzzzzzzzzzz\"");
}

static void bad_values_are_named_with_their_line(void **state)
{
    (void)state;
    expect_error("\nurl = \"example.org\"\n", NULL, "shoal.lua:2:", "https://");
    expect_error("user = {\n  video_quota = \"lots\" }\n", NULL, "shoal.lua:2:", "a size");
    expect_error("listen = {\n \"127.0.0.1:9000\",\n \"nonsense:x\" }\n", NULL,
        "shoal.lua:3:", "nonsense:x");
    expect_error("listen = \"[::]:443 tls\"\n", NULL, "shoal.lua", "needs tls");
    expect_error("plugins = {\n\"api\",\n\"api\" }\n", NULL, "shoal.lua:3:", "twice");
    expect_error("plugins = { \"Bad Name\" }\n", NULL, "shoal.lua:1:", "must be a name");
    expect_error("log = \"info\"\n", NULL, "shoal.lua:1:", "must be a table");
    expect_error("workers = 99999\n", NULL, "shoal.lua:1:", "1024");
}

static void syntax_errors_name_their_line(void **state)
{
    (void)state;
    expect_error("url = \n=\n", NULL, "shoal.lua:2:", "unexpected");
}

static void the_environment_is_empty(void **state)
{
    (void)state;
    expect_error("x = os.getenv(\"HOME\")\n", NULL, "shoal.lua:1:", "os");
    expect_error("require(\"socket\")\n", NULL, "shoal.lua:1:", "require");
    expect_error("url = (\"a\"):rep(1e9)\n", NULL, "shoal.lua:1:", "index");
}

static void endless_files_end(void **state)
{
    (void)state;
    expect_error("while true do end\n", NULL, "shoal.lua:1:", "too long");
    expect_error("t = {} for i = 1, 1e9 do t[i] = {} end\n", NULL, "", "");
}

static void the_command_line_wins(void **state)
{
    (void)state;
    struct kit kit;
    struct shoal_config *config = read_text(
        &kit, "instance = { name = \"Reef\" }\nplugins = {\"web\"}", "instance.name=Lagoon", NULL);
    assert_string_equal(shoal_text(config->values, "instance.name", ""), "Lagoon");
    assert_true(shoal_config_is_override(config, "instance.name"));
    drop(&kit, config);
    config = read_text(&kit, "plugins = {\"web\"}", "web.theme=dark", NULL);
    assert_string_equal(shoal_text(config->plugins[0].options, "theme", ""), "dark");
    drop(&kit, config);
    expect_error("", "nothing.here=1", "--set nothing.here", "no such key");
    expect_error("", "instance.nam=1", "--set", "did you mean \"instance.name\"");
    expect_error("", "novalue", "--set", "PLUGIN.KEY=VALUE");
}

static void what_is_no_instance_is_said_of_what_is_there(void **state)
{
    (void)state;
    struct kit kit;
    struct shoal_err err = {0};
    char path[300];
    kit_folder(&kit);
    assert_int_equal(shoal_config_there(kit.folder, &err), SHOAL_ENOTFOUND);
    assert_non_null(strstr(err.text, "(no shoal.lua is in it); `shoal init /"));
    snprintf(path, sizeof(path), "%s/none", kit.folder);
    assert_int_equal(shoal_config_there(path, &err), SHOAL_ENOTFOUND);
    assert_non_null(strstr(err.text, "(nor a folder); `shoal init /"));
    kit_write(&kit, "shoal.lua", "");
    assert_int_equal(shoal_config_there(kit.folder, &err), 0);
    snprintf(path, sizeof(path), "%s/shoal.lua", kit.folder);
    assert_int_equal(shoal_config_there(path, &err), SHOAL_ENOTFOUND);
    assert_non_null(strstr(err.text, "is not a folder"));
    assert_null(shoal_config_read(path, NULL, 0, &err));
    assert_non_null(strstr(err.text, "is not a folder"));
    char endless[PATH_MAX + 1];
    memset(endless, 'x', PATH_MAX);
    endless[PATH_MAX] = '\0';
    assert_int_equal(shoal_config_there(endless, &err), SHOAL_ENOTFOUND);
    // Of somebody else, who lets nobody in.
    assert_int_equal(chmod(kit.folder, 0), 0);
    assert_true(geteuid() != 0 || seteuid(65534) == 0);
    int code = shoal_config_there(kit.folder, &err);
    assert_true(getuid() != 0 || seteuid(0) == 0);
    assert_int_equal(chmod(kit.folder, 0700), 0);
    assert_int_equal(code, SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "sudo"));
    shoal_tree_remove(kit.folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_whole_file),
        cmocka_unit_test(an_empty_file_listens_on_loopback),
        cmocka_unit_test(secrets_come_from_files_beside_it),
        cmocka_unit_test(an_unknown_key_is_named_with_its_line_and_the_nearest),
        cmocka_unit_test(bad_values_are_named_with_their_line),
        cmocka_unit_test(syntax_errors_name_their_line),
        cmocka_unit_test(the_environment_is_empty),
        cmocka_unit_test(endless_files_end),
        cmocka_unit_test(the_command_line_wins),
        cmocka_unit_test(what_is_no_instance_is_said_of_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
