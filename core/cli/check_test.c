// check_test.c - shoal check says of every plugin what it may do, and what would go wrong.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <shoal/json.h>

#include "base/file.h"
#include "cli/output_test.h"
#include "host/pin.h"

#define NOBODY 65534

static char folder[] = "/tmp/shoal_check_XXXXXX";
static struct output output;

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(shoal_file_write_whole(path, text, strlen(text), 0644, NULL), 0);
}

static void config_write(const char *plugins)
{
    char text[512];
    snprintf(text, sizeof text, "listen = \"127.0.0.1:9000\"\nplugins = { %s }\n", plugins);
    put("shoal.lua", text);
}

/// Runs the verb in a process of its own, as root becomes the folder's owner with it for good.
static int check(const char *option)
{
    static char word[] = "shoal", verb[] = "check";
    char more[16];
    snprintf(more, sizeof more, "%s", option);
    char *argv[] = {word, verb, folder, *more ? more : NULL, NULL};
    int status = 0;
    output_start(&output);
    pid_t pid = fork();
    if (pid == 0) {
        int code = shoal_cli_run(*more ? 4 : 3, argv);
        fflush(NULL);
        _exit(code);
    }
    waitpid(pid, &status, 0);
    output_stop(&output);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static json_t *check_json(int code)
{
    assert_int_equal(check("--json"), code);
    assert_string_equal(output.err, "");
    json_t *out = json_loads(output.out, 0, NULL);
    assert_non_null(out);
    return out;
}

static void without_plugins_a_configuration_is_fine(void **unused)
{
    (void)unused;
    config_write("");
    assert_int_equal(check(""), SHOAL_EXIT_FINE);
    assert_string_equal(output.out, "The configuration is fine.\n");
    assert_string_equal(output.err, "");
    json_t *out = check_json(SHOAL_EXIT_FINE);
    assert_true(json_is_null(json_object_get(out, "problem")));
    assert_true(json_is_array(json_object_get(out, "plugins")));
    assert_int_equal(json_array_size(json_object_get(out, "plugins")), 0);
    json_decref(out);
}

static void a_broken_configuration_is_a_finding(void **unused)
{
    (void)unused;
    put("shoal.lua", "listen = {");
    assert_int_equal(check(""), SHOAL_EXIT_FINDINGS);
    assert_string_equal(output.out, "");
    assert_int_equal(strncmp(output.err, "shoal: ", 7), 0);
    json_t *out = check_json(SHOAL_EXIT_FINDINGS);
    const char *problem = shoal_text(out, "problem", "");
    assert_true(*problem != '\0');
    assert_true(json_is_array(json_object_get(out, "plugins")));
    json_decref(out);
}

static void what_is_pinned_is_listed_with_what_it_may_do(void **unused)
{
    (void)unused;
    char path[PATH_MAX], digest[65], line[160];
    snprintf(path, sizeof path, "%s/plugins/fish", folder);
    assert_int_equal(shoal_pin_digest(path, digest, NULL), 0);
    snprintf(line, sizeof line, "{ \"fish\", sha256 = \"%s\" }", digest);
    config_write(line);
    assert_int_equal(check(""), SHOAL_EXIT_FINE);
    assert_string_equal(output.out, "ok   fish\n"
                                    "       listens on port 1935\n"
                                    "       adds pages and parts of pages to the site\n"
                                    "The configuration is fine.\n");
    json_t *out = check_json(SHOAL_EXIT_FINE);
    assert_string_equal(shoal_text(out, "plugins.0.name", ""), "fish");
    assert_string_equal(shoal_text(out, "plugins.0.permissions.0", ""), "listens on port 1935");
    assert_true(json_is_null(shoal_get(out, "plugins.0.problem")));
    json_decref(out);
}

static void one_bad_plugin_is_enough_for_a_finding(void **unused)
{
    (void)unused;
    char path[PATH_MAX], digest[65], line[160];
    snprintf(path, sizeof path, "%s/plugins/fish", folder);
    assert_int_equal(shoal_pin_digest(path, digest, NULL), 0);
    snprintf(line, sizeof line, "\"absent\", { \"fish\", sha256 = \"%s\" }", digest);
    config_write(line);
    assert_int_equal(check(""), SHOAL_EXIT_FINDINGS);
    assert_int_equal(strncmp(output.out, "BAD  absent\n       ", 19), 0);
    assert_non_null(strstr(output.out, "there is no plugin absent"));
    assert_non_null(strstr(output.out, "\nok   fish\n")); // the others are looked at all the same
    assert_null(strstr(output.out, "is fine"));
    json_t *out = check_json(SHOAL_EXIT_FINDINGS);
    assert_true(json_is_null(json_object_get(out, "problem"))); // of the configuration itself
    assert_non_null(strstr(shoal_text(out, "plugins.0.problem", ""), "there is no plugin absent"));
    assert_true(json_is_null(shoal_get(out, "plugins.1.problem")));
    json_decref(out);
}

static void a_plugin_that_is_not_pinned_still_says_what_it_may_do(void **unused)
{
    (void)unused;
    config_write("\"fish\"");
    assert_int_equal(check(""), SHOAL_EXIT_FINDINGS);
    assert_int_equal(strncmp(output.out, "BAD  fish\n", 10), 0);
    assert_non_null(strstr(output.out, "is not pinned"));
    assert_non_null(strstr(output.out, "\n       listens on port 1935\n"));
}

static int setup(void **unused)
{
    (void)unused;
    static const char *const folders[] = {"/plugins", "/plugins/fish"};
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s%s", folder, folders[i]);
        assert_int_equal(shoal_folder_make(path, 0755, NULL), 0);
    }
    put("plugins/fish/plugin.json",
        "{\"name\": \"fish\", \"version\": \"1.0.0\", \"summary\": \"Swims\", \"licence\": \"MIT\","
        " \"sdk\": \">=1.0.0 <2.0.0\", \"language\": \"lua\","
        " \"permissions\": [\"listen:1935\", \"pages\"]}");
    put("plugins/fish/fish.lua", "");
    return geteuid() != 0 ? 0 : chown(folder, NOBODY, NOBODY); // root serves no folder of its own
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_plugins_a_configuration_is_fine),
        cmocka_unit_test(a_broken_configuration_is_a_finding),
        cmocka_unit_test(what_is_pinned_is_listed_with_what_it_may_do),
        cmocka_unit_test(one_bad_plugin_is_enough_for_a_finding),
        cmocka_unit_test(a_plugin_that_is_not_pinned_still_says_what_it_may_do),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
