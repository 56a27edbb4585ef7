// language_c_test.c - shared objects: which are loaded, and why others are not.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dlfcn.h>
#include <limits.h>

#include "host/host_priv.h"
#include "host/language.h"
#include "host/test_kit.h"

static struct kit kit;
static struct shoal_plugin *plugin;
static int stops;

static int begin(void **state)
{
    (void)state;
    kit_folder(&kit);
    plugin = shoal_plugin_new("reef", kit.folder, false);
    stops = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_plugin_free(plugin);
    return shoal_tree_remove(kit.folder, NULL);
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    return self == plugin ? 0 : shoal_fail(err, SHOAL_EINTERNAL, "another plugin");
}

static void stop(struct shoal_plugin *self)
{
    stops += self == plugin;
}

static const struct shoal_plugin_descriptor good = {.size = sizeof(good),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "reef",
    .start = start,
    .stop = stop};

static void a_descriptor_fits_this_server(void **state)
{
    (void)state;
    struct shoal_plugin_descriptor bad[7] = {good, good, good, good, good, good, good};
    static const struct {
        int code;
        const char *sentence;
    } wanted[7] = {
        {SHOAL_EUNSUPPORTED, "take a build of it that is made for this server"},
        {SHOAL_EUNSUPPORTED, "take a build of it that is made for this server"},
        {SHOAL_EUNSUPPORTED, "upgrade the server or take an older build"},
        {SHOAL_EINVAL, "without a name or a start function"},
        {SHOAL_EINVAL, "without a name or a start function"},
        {SHOAL_EINVAL, "without a name or a start function"},
        {SHOAL_EINVAL, "plugin reef calls itself bay in its code"},
    };
    bad[0].abi_major = SHOAL_ABI_MAJOR + 1;
    bad[1].abi_major = SHOAL_ABI_MAJOR - 1;
    bad[2].abi_minor = SHOAL_ABI_MINOR + 1;
    bad[3].size = offsetof(struct shoal_plugin_descriptor, stop); // cut before its last member
    bad[4].name = NULL;
    bad[5].start = NULL;
    bad[6].name = "bay";
    for (size_t i = 0; i < 7; i++) {
        struct shoal_err err = {0};
        plugin->descriptor = &bad[i];
        if (shoal_language_c.load(plugin, &err) != wanted[i].code ||
            !strstr(err.text, wanted[i].sentence)) {
            fail_msg("%zu: %s", i, err.text);
        }
    }
    plugin->descriptor = &good;
    assert_int_equal(shoal_language_c.load(plugin, NULL), 0);
}

static void an_older_and_a_longer_one_fit_too(void **state)
{
    (void)state;
    struct {
        struct shoal_plugin_descriptor known;
        void *later; // a member of a later minor version
    } longer = {.known = good};
    longer.known.size = sizeof(longer);
    plugin->descriptor = &longer.known;
    assert_int_equal(shoal_language_c.load(plugin, NULL), 0);
    if (SHOAL_ABI_MINOR > 0) {
        longer.known.abi_minor = SHOAL_ABI_MINOR - 1;
        assert_int_equal(shoal_language_c.load(plugin, NULL), 0);
    }
}

static void start_and_stop_are_the_plugins(void **state)
{
    (void)state;
    struct shoal_plugin_descriptor silent = good;
    plugin->descriptor = &good;
    assert_int_equal(shoal_language_c.start(plugin, NULL), 0);
    shoal_language_c.stop(plugin);
    assert_int_equal(stops, 1);
    silent.stop = NULL;
    plugin->descriptor = &silent;
    shoal_language_c.stop(plugin);
    assert_int_equal(stops, 1);
}

static void a_file_that_is_no_plugin_says_so(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    Dl_info library;
    char path[PATH_MAX];
    assert_int_equal(shoal_language_c.load(plugin, &err), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "plugin reef cannot be loaded: "));
    assert_non_null(strstr(err.text, "reef.so"));
    kit_write(&kit, "reef.so", "not a library");
    assert_int_equal(shoal_language_c.load(plugin, &err), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "cannot be loaded"));
    // A library, but of something else.
    snprintf(path, sizeof(path), "%s/reef.so", kit.folder);
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(dladdr((void *)(uintptr_t)json_object, &library), 0);
    assert_int_equal(symlink(library.dli_fname, path), 0);
    assert_int_equal(shoal_language_c.load(plugin, &err), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "lacks SHOAL_PLUGIN(...)"));
}

static void languages_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(shoal_language_find("c"), &shoal_language_c);
    assert_ptr_equal(shoal_language_find("lua"), &shoal_language_lua);
    assert_null(shoal_language_find("C"));
    assert_null(shoal_language_find(""));
    assert_string_equal(shoal_language_c.suffix, ".so");
    assert_string_equal(shoal_language_lua.suffix, ".lua");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(a_descriptor_fits_this_server),
        CASE(an_older_and_a_longer_one_fit_too),
        CASE(start_and_stop_are_the_plugins),
        CASE(a_file_that_is_no_plugin_says_so),
        CASE(languages_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
