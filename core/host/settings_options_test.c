// settings_options_test.c - what shoal.lua says to a plugin, against the plugin's rows.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/settings_priv.h"
#include "host/test_kit.h"

static const struct shoal_setting_row rows[] = {
    {.name = "size", .type = SHOAL_SETTING_SIZE, .otherwise = "1", .min = 1, .max = 1e9},
    {.name = "smtp.host", .type = SHOAL_SETTING_TEXT, .otherwise = "null"},
    {.name = "smtp.port", .type = SHOAL_SETTING_INT, .otherwise = "25"},
    {.name = "place", .type = SHOAL_SETTING_PATH, .otherwise = "null"},
    {.name = "any", .type = SHOAL_SETTING_JSON, .otherwise = "null"},
    {.name = "ports", .type = SHOAL_SETTING_LIST, .otherwise = "[]", .letters = "abc-"},
    {.name = "home", .type = SHOAL_SETTING_TEXT, .otherwise = "\"\"", .among = "ports"},
    {.name = "pick", .type = SHOAL_SETTING_TEXT, .otherwise = "\"\"", .among = "any"},
};

static struct kit kit;

/// Reads shoal.lua and its first plugin's options: 0 and their JSON, or an error and its sentence.
static int read_it(const char *lua, const char *override, char text[512])
{
    struct shoal_err err = {0};
    json_t *fixed = NULL;
    kit_folder(&kit);
    kit_write(&kit, "shoal.lua", lua);
    kit.config = shoal_config_read(kit.folder, &override, override ? 1 : 0, &err);
    if (!kit.config) {
        fail_msg("%s", err.text);
    }
    int code =
        shoal_settings_options(kit.config, 0, rows, sizeof(rows) / sizeof(rows[0]), &fixed, &err);
    assert_true(code == 0 || (code == SHOAL_EINVAL && !fixed));
    char *dumped = code == 0 ? json_dumps(fixed, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    snprintf(text, 512, "%s", dumped ? dumped : err.text);
    free(dumped);
    json_decref(fixed);
    return code;
}

static void close_it(void)
{
    shoal_config_free(kit.config);
    shoal_tree_remove(kit.folder, NULL);
}

static void options_are_kept_by_dotted_name(void **state)
{
    (void)state;
    static const struct {
        const char *lua, *json;
    } good[] = {
        {"plugins = { \"reef\" }", "{}"},
        {"plugins = { { \"reef\", size = \"2M\" } }", "{\"size\":2097152}"},
        {"plugins = { { \"reef\", smtp = { host = \"a\", port = \"26\" } } }",
            "{\"smtp.host\":\"a\",\"smtp.port\":26}"},
        {"plugins = { { \"reef\", any = { smtp = { 1 } } } }", "{\"any\":{\"smtp\":[1]}}"},
        {"plugins = { { \"reef\", sha256 = \"x\", signature = \"x\", key = \"x\", memory_mb = 5 } "
         "}",
            "{}"}, // of the host
        {"plugins = { { \"reef\", place = \"/a/b\" } }", "{\"place\":\"/a/b\"}"},
        {"plugins = { { \"reef\", place = \"\" } }", "{\"place\":\"\"}"},
        {"plugins = { { \"reef\", ports = { \"a\", \"b-c\" }, home = \"b-c\" } }",
            "{\"home\":\"b-c\",\"ports\":[\"a\",\"b-c\"]}"},
        {"plugins = { { \"reef\", home = \"\" } }", "{\"home\":\"\"}"},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char text[512];
        if (read_it(good[i].lua, NULL, text) < 0 || strcmp(text, good[i].json) != 0) {
            fail_msg("%s: %s", good[i].lua, text);
        }
        close_it();
    }
}

static void relative_paths_are_of_the_folder(void **state)
{
    (void)state;
    char text[512];
    char wanted[160];
    assert_int_equal(read_it("plugins = { { \"reef\", place = \"a/b\" } }", NULL, text), 0);
    snprintf(wanted, sizeof(wanted), "{\"place\":\"%s/a/b\"}", kit.folder);
    assert_string_equal(text, wanted);
    close_it();
}

static void bad_ones_are_named_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *lua, *sentence;
    } bad[] = {
        {"plugins = {\n{ \"reef\",\nsiz = 1 } }",
            "shoal.lua:3: plugin reef has no setting \"siz\"; did you mean \"size\"?"},
        {"plugins = {\n{ \"reef\",\nzzzzzzzzz = 1 } }",
            "shoal.lua:3: plugin reef has no setting \"zzzzzzzzz\""},
        {"plugins = {\n{ \"reef\",\nsize = 0 } }", "shoal.lua:3: plugin reef: "},
        {"plugins = { { \"reef\", smtp = { hots = 1 } } }", "did you mean \"smtp.host\"?"},
        {"plugins = { { \"reef\", smtp = 1 } }", "has no setting \"smtp\""},
        {"plugins = { { \"reef\", smtp = { sha256 = \"x\" } } }", "no setting \"smtp.sha256\""},
        {"plugins = { { \"reef\", size = { a = 1 } } }", "plugin reef: "},
        {"plugins = { { \"reef\", ports = { \"a\", \"B\" } } }", "\"B\" must be of the letters abc-"},
        {"plugins = { { \"reef\",\nports = { \"a\", \"b\" },\nhome = \"c\" } }",
            "shoal.lua:3: plugin reef: \"home\" must be one of \"ports\""},
        {"plugins = { { \"reef\", ports = { \"a\" } } }", "\"home\" must be one of \"ports\""},
        {"plugins = { { \"reef\", home = \"a\" } }", "\"home\" must be one of \"ports\""},
        {"plugins = { { \"reef\", any = { 5 }, pick = \"5\" } }", "\"pick\" must be one of \"any\""},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[512];
        if (read_it(bad[i].lua, NULL, text) == 0 || !strstr(text, bad[i].sentence)) {
            fail_msg("%s: %s", bad[i].lua, text);
        }
        close_it();
    }
}

static void the_command_line_is_named_as_such(void **state)
{
    (void)state;
    char text[512];
    assert_true(read_it("plugins = { { \"reef\", size = 5 } }", "reef.size=0", text) < 0);
    assert_int_equal(strncmp(text, "--set reef.size: ", 17), 0);
    close_it();
    assert_int_equal(read_it("plugins = { { \"reef\", size = 5 } }", "reef.size=7", text), 0);
    assert_string_equal(text, "{\"size\":7}");
    close_it();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_kept_by_dotted_name),
        cmocka_unit_test(relative_paths_are_of_the_folder),
        cmocka_unit_test(bad_ones_are_named_with_their_line),
        cmocka_unit_test(the_command_line_is_named_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
