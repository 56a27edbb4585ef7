// manifest_test.c - plugin.json: what is accepted, and the sentence for each thing that is not.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>

#include "host/manifest.h"
#include "host/permissions.h"
#include "host/test_kit.h"

static const struct shoal_manifest *parse(
    struct shoal_arena *arena, const char *more, struct shoal_err *err)
{
    char *text = kit_manifest("hello", more);
    const struct shoal_manifest *manifest =
        shoal_manifest_parse(arena, text, strlen(text), "hello", err);
    free(text);
    return manifest;
}

static void refuses(const char *more, const char *part)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    struct shoal_err err = {0};
    assert_null(parse(arena, more, &err));
    if (strncmp(err.text, "plugin.json: ", 13) != 0 || !strstr(err.text, part)) {
        fail_msg("\"%s\" should say \"%s\"", err.text, part);
    }
    shoal_arena_free(arena);
}

static void reads_every_part(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    struct shoal_err err = {0};
    const struct shoal_manifest *manifest = parse(arena,
        "\"provides\": [\"storage\"], \"after\": [\"web\"], \"hooks\": {\"video.publish\": 10},"
        "\"fires\": [{\"name\": \"greet.begin\", \"kind\": \"decide\", \"failure\": \"closed\","
        "\"moment\": \"before a greeting\"}],"
        "\"permissions\": [\"routes:/hello\", \"http:any\", \"read:videos\"],"
        "\"settings\": [{\"name\": \"max_bytes\", \"type\": \"size\", \"default\": \"2M\","
        "\"min\": 1, \"max\": \"1G\", \"help\": \"most\"}]",
        &err);
    assert_non_null(manifest);
    int priority = 0;
    assert_true(shoal_manifest_hook_find(manifest, "video.publish", &priority));
    assert_int_equal(priority, 10);
    assert_false(shoal_manifest_hook_find(manifest, "video.changed", &priority));
    assert_int_equal(manifest->fires[0].kind, SHOAL_HOOK_DECIDE);
    assert_int_equal(manifest->fires[0].failure, SHOAL_FAIL_CLOSED);
    assert_string_equal(manifest->settings[0].otherwise, "2097152");
    assert_true(manifest->settings[0].max > 1073741823.0);
    const char *const *views = shoal_permission_views(arena, manifest->permissions);
    assert_string_equal(views[0], "v1_video");
    assert_null(views[1]);
    shoal_arena_free(arena);
}

static void a_command_names_its_verb_and_settings(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    struct shoal_err err = {0};
    const struct shoal_manifest *manifest = parse(arena,
        "\"settings\": [{\"name\": \"url\", \"type\": \"text\", \"help\": \"where\"}],"
        "\"commands\": [{\"word\": \"fish-feed\", \"help\": \"feeds\", \"verb\": \"feed\"},"
        "{\"word\": \"fish\", \"words\": \"URL\", \"help\": \"swims\", \"verb\": \"swim\","
        "\"serves\": [\"url\"]}]",
        &err);
    assert_non_null(manifest);
    assert_int_equal(manifest->command_count, 2);
    assert_string_equal(manifest->commands[0].word, "fish-feed");
    assert_string_equal(manifest->commands[0].words, "");
    assert_null(manifest->commands[0].serves);
    assert_string_equal(manifest->commands[1].words, "URL");
    assert_string_equal(manifest->commands[1].verb, "swim");
    assert_string_equal(manifest->commands[1].serves[0], "url");
    assert_null(manifest->commands[1].serves[1]);
    shoal_arena_free(arena);
    refuses("\"commands\": {}", "\"commands\" must be a list");
    refuses("\"commands\": [1]", "\"commands\" must be a list of objects");
    refuses("\"commands\": [{\"word\": \"Fish\", \"help\": \"x\", \"verb\": \"y\"}]",
        "\"commands.word\" must be");
    refuses("\"commands\": [{\"word\": \"fish\", \"verb\": \"y\"}]", "\"commands.help\"");
    refuses("\"commands\": [{\"word\": \"fish\", \"help\": \"x\", \"verb\": \"y\","
            " \"serves\": [\"sea\"]}]",
        "names \"sea\", which is no setting");
    refuses("\"commands\": [{\"word\": \"fish\", \"help\": \"x\", \"verb\": \"y\", \"z\": 1}]",
        "unknown key \"commands.z\"");
}

static void hooks_may_be_a_plain_list(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    int priority = 0;
    const struct shoal_manifest *manifest = parse(arena, "\"hooks\": [\"video.publish\"]", NULL);
    assert_true(shoal_manifest_hook_find(manifest, "video.publish", &priority));
    assert_int_equal(priority, 100);
    shoal_arena_free(arena);
}

static void names_what_is_wrong(void **state)
{
    (void)state;
    refuses("\"permisions\": []", "did you mean \"permissions\"");
    refuses("\"permissions\": [\"fly\"]", "there is no permission \"fly\"");
    refuses("\"permissions\": [\"listen:x\"]", "must name a port");
    refuses("\"permissions\": [\"pages:/x\"]", "nothing behind a colon");
    refuses("\"permissions\": [\"routes:hello\"]", "must name a path");
    refuses("\"hooks\": {\"video.publish\": \"soon\"}", "whole number");
    refuses("\"needs\": [\"Not A Name\"]", "no plugin's name");
    refuses("\"fires\": [{\"name\": \"a.b\", \"kind\": \"shout\", \"moment\": \"x\"}]", "kind");
    refuses("\"fires\": [{\"name\": \"a.b\", \"kind\": \"filter\", \"failure\": \"closed\", "
            "\"moment\": \"x\"}]",
        "cannot have the failure");
    refuses(
        "\"settings\": [{\"name\": \"a\", \"type\": \"bool\", \"default\": 3, \"help\": \"x\"}]",
        "true or false");
    refuses("\"settings\": [{\"name\": \"a\", \"type\": \"colour\", \"help\": \"x\"}]", "type");
    refuses(
        "\"settings\": [{\"name\": \"a\", \"type\": \"int\", \"help\": \"x\"}, {\"name\": \"a\", "
        "\"type\": \"int\", \"help\": \"x\"}]",
        "twice");
    refuses("\"settings\": [{\"name\": \"sha256\", \"type\": \"text\", \"help\": \"x\"}]",
        "belongs to the host");
    refuses("\"name\": \"again\"", "plugin.json");
}

static void checks_the_head(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    struct shoal_err err = {0};
    static const char other[] = "{\"name\": \"other\", \"version\": \"1.0\", \"summary\": \"s\", "
                                "\"licence\": \"MIT\", \"sdk\": \"^1.0\", \"language\": \"c\"}";
    assert_null(shoal_manifest_parse(arena, other, strlen(other), "hello", &err));
    assert_non_null(strstr(err.text, "its folder is called hello"));
    static const char newer[] = "{\"name\": \"other\", \"version\": \"1.0\", \"summary\": \"s\", "
                                "\"licence\": \"MIT\", \"sdk\": \"^2.0\", \"language\": \"c\"}";
    assert_null(shoal_manifest_parse(arena, newer, strlen(newer), NULL, &err));
    assert_non_null(strstr(err.text, "it needs SDK ^2.0"));
    assert_null(shoal_manifest_parse(arena, "[]", 2, NULL, &err));
    assert_false(shoal_manifest_name_valid("core"));
    assert_false(shoal_manifest_name_valid("../x"));
    assert_true(shoal_manifest_name_valid("storage_fs"));
    shoal_arena_free(arena);
}

static void manifests_of_the_shipped_plugins_are_right(void **state)
{
    (void)state;
    DIR *folder = opendir(SHOAL_SOURCE_DIR "/plugins");
    assert_non_null(folder);
    int seen = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[1024];
        struct shoal_err err = {0};
        struct shoal_arena *arena = shoal_arena_new(0);
        snprintf(path, sizeof(path), SHOAL_SOURCE_DIR "/plugins/%s", entry->d_name);
        bool is_plugin = entry->d_name[0] != '.' && entry->d_type == DT_DIR;
        if (is_plugin && !shoal_manifest_read(arena, path, entry->d_name, &err) &&
            err.code != SHOAL_ENOTFOUND) {
            fail_msg("%s: %s", entry->d_name, err.text);
        }
        seen += is_plugin && err.code == 0;
        shoal_arena_free(arena);
    }
    closedir(folder);
    assert_true(seen > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_part),
        cmocka_unit_test(a_command_names_its_verb_and_settings),
        cmocka_unit_test(hooks_may_be_a_plain_list),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(checks_the_head),
        cmocka_unit_test(manifests_of_the_shipped_plugins_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
