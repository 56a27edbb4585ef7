// plugin_words_test.c - words that a plugin of an instance claims: found, helped with, run.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/output_test.h"
#include "host/pin.h"

#define NOBODY 65534
#define MANIFEST                                                                                   \
    "{\"name\": \"fish\", \"version\": \"1.0.0\", \"summary\": \"Swims\", \"licence\": \"MIT\","   \
    " \"sdk\": \">=1.0.0 <2.0.0\", \"language\": \"lua\", \"permissions\": [\"cli\"],"             \
    " \"commands\": [{\"word\": \"fish-feed\", \"words\": \"[FOOD]\", \"help\": \"feeds them\","   \
    " \"verb\": \"feed\"}]}"
#define PLUGIN                                                                                     \
    "local shoal = require \"shoal\"\n"                                                            \
    "shoal.cli(\"feed\", \"feeds them\", function(food) return \"fed \" .. (food or "              \
    "\"nothing\"), "                                                                               \
    "food and 0 or 7 end)\n"

static char folder[] = "/tmp/shoal_words_XXXXXX";
static char place[64];
static struct output output;

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", place, name);
    assert_int_equal(shoal_file_write_whole(path, text, strlen(text), 0644, NULL), 0);
}

static int make_instance(void **unused)
{
    (void)unused;
    char path[PATH_MAX], digest[65], config[300];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(place, sizeof place, "%s/one", folder);
    assert_int_equal(shoal_folder_make(place, 0755, NULL), 0);
    snprintf(path, sizeof path, "%s/plugins", place);
    assert_int_equal(shoal_folder_make(path, 0755, NULL), 0);
    snprintf(path, sizeof path, "%s/plugins/fish", place);
    assert_int_equal(shoal_folder_make(path, 0755, NULL), 0);
    put("plugins/fish/plugin.json", MANIFEST);
    put("plugins/fish/fish.lua", PLUGIN);
    assert_int_equal(shoal_pin_digest(path, digest, NULL), 0);
    snprintf(config, sizeof config, "plugins = { { \"fish\", sha256 = \"%s\" } }\n", digest);
    put("shoal.lua", config);
    put("shoal.sqlite3", "");
    static const char *const all[] = {"..", ".", "shoal.lua", "shoal.sqlite3", "plugins",
        "plugins/fish", "plugins/fish/plugin.json", "plugins/fish/fish.lua"};
    for (size_t i = 0; geteuid() == 0 && i < sizeof all / sizeof all[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", place, all[i]);
        assert_int_equal(chown(path, NOBODY, NOBODY), 0); // root serves no folder of its own
    }
    return 0;
}

static void a_word_runs_the_verb_on_the_instance(void **unused)
{
    (void)unused;
    char *const at = place;
    assert_int_equal(OUTPUT_RUN(&output, "fish-feed", at, "flies"), SHOAL_EXIT_FINE);
    assert_non_null(strstr(output.out, "fed flies"));
    assert_int_equal(OUTPUT_RUN(&output, "fish-feed", at), 7);
    assert_int_equal(OUTPUT_RUN(&output, "fish-feed", at, "--help"), SHOAL_EXIT_FINE);
    assert_non_null(strstr(output.out, "shoal fish-feed [DIR] [FOOD]\n  feeds them"));
}

static void a_word_of_nobody_is_wrong_usage(void **unused)
{
    (void)unused;
    char *const at = place;
    assert_int_equal(OUTPUT_RUN(&output, "fish-food", at, "flies"), SHOAL_EXIT_USAGE);
    assert_int_equal(OUTPUT_RUN(&output, "fish-feed", "/nowhere/at/all"), SHOAL_EXIT_USAGE);
    assert_non_null(strstr(output.err, "fish-feed"));
}

static int remove_instance(void **unused)
{
    (void)unused;
    shoal_tree_remove(folder, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_of_nobody_is_wrong_usage),
        cmocka_unit_test(a_word_runs_the_verb_on_the_instance),
    };
    return cmocka_run_group_tests(tests, make_instance, remove_instance);
}
