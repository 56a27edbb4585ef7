// plugin_tests.c - shoal plugin test: runs a plugin's tests on a host of its own.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shoal/arena.h>
#include <shoal/base.h>

#include "base/file.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "cli/cli.h"
#include "cli/plugin_kit.h"
#include "cli/plugins.h"
#include "data/data.h"
#include "host/manifest.h"
#include "host/pin.h"
#include "super/super.h"

#define TESTS_MAX 100

/// shoal.lua of the temporary instance: what the plugin needs, and the plugin.
static int write_config(struct shoal_arena *arena, const struct shoal_manifest *manifest,
    const char *source, const char *folder, struct shoal_err *err)
{
    char digest[65];
    const char *text = "log = { level = \"warn\" }\nplugins = {\n";
    int code = shoal_pin_digest(source, digest, err);
    if (code != 0) {
        return code;
    }
    for (size_t i = 0; manifest->needs && manifest->needs[i]; i++) {
        text = shoal_arena_printf(arena, "%s  \"%s\",\n", text, manifest->needs[i]);
    }
    text = shoal_arena_printf(arena, "%s  { \"%s\", sha256 = \"%s\" },\n}\n", text, manifest->name,
        digest);
    return shoal_file_write_whole(shoal_arena_printf(arena, "%s/shoal.lua", folder), text,
        strlen(text), 0600, err);
}

/// Puts an administrator into the instance, as plugins expect one.
static int found_instance(struct shoal_instance *instance, struct shoal_err *err)
{
    char password[33];
    shoal_random_hex(password, 16);
    return shoal_catalog_found(&instance->call, "root", password, NULL, err);
}

static int run_file(struct shoal_plugin *plugin, const char *path, struct shoal_test_counts *counts)
{
    struct shoal_err err = {0};
    if (shoal_plugin_kit_run(plugin, path, counts, &err) != 0) {
        printf("not ok - %s\n  %s\n", path, err.text);
        counts->failed++;
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/// Every *_test.lua of the folder's tests/, by name.
static int run_files(struct shoal_arena *arena, struct shoal_plugin *plugin, const char *source,
    struct shoal_test_counts *counts, struct shoal_err *err)
{
    const char *tests = shoal_arena_printf(arena, "%s/tests", source);
    const char *names[TESTS_MAX];
    size_t count = 0;
    DIR *dir = opendir(tests);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry && count < TESTS_MAX;
         entry = readdir(dir)) {
        size_t length = strlen(entry->d_name);
        if (length > 9 && strcmp(entry->d_name + length - 9, "_test.lua") == 0) {
            names[count++] = shoal_arena_strdup(arena, entry->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
    if (count == 0) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "%s has no file that ends in _test.lua", tests);
    }
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        run_file(plugin, shoal_arena_printf(arena, "%s/%s", tests, names[i]), counts);
    }
    return 0;
}

static int run_on_host(struct shoal_arena *arena, const char *name, const char *source,
    const char *folder, struct shoal_test_counts *counts, struct shoal_err *err)
{
    struct shoal_instance instance;
    int code = shoal_file_write_whole(shoal_arena_printf(arena, "%s/shoal.sqlite3", folder), "", 0,
        0600, err);
    if (code != 0) {
        return code;
    }
    code = shoal_instance_open_as_is(&instance, folder, SHOAL_OPEN_HOST, err);
    if (code != 0) {
        return code;
    }
    code = found_instance(&instance, err);
    struct shoal_plugin *plugin = shoal_plugin_find(name);
    if (code == 0 && (!plugin || plugin->state != SHOAL_PLUGIN_RUNNING)) {
        code = shoal_fail(err, SHOAL_EINVAL, "%s does not start: %s", name,
            plugin ? plugin->sentence : "the host did not find it");
    }
    code = code == 0 ? shoal_jobs_start(1, err) : code;
    if (code == 0) {
        code = run_files(arena, plugin, source, counts, err);
        shoal_jobs_stop();
    }
    shoal_instance_close(&instance);
    return code;
}

int shoal_cli_plugin_test(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_test_counts counts = {0};
    struct shoal_arena *arena = shoal_arena_new(0);
    char source[PATH_MAX], folder[] = "/tmp/shoal-test-XXXXXX";
    const struct shoal_manifest *manifest = NULL;
    int code = 0;
    shoal_log_set_level(SHOAL_LOG_WARN);
    if (!(manifest = shoal_plugin_manifest(arena, args->words[0], &err))) {
        code = err.code;
    } else if (!realpath(args->words[0], source)) {
        code = shoal_fail(&err, SHOAL_ENOTFOUND, "there is no folder %s", args->words[0]);
    } else if (!mkdtemp(folder)) {
        code = shoal_fail(&err, SHOAL_EIO, "no temporary folder can be made");
    }
    if (code == 0) {
        const char *plugins = shoal_arena_printf(arena, "%s/plugins", folder);
        code = shoal_folder_make(plugins, 0700, &err);
        if (code == 0 &&
            symlink(source, shoal_arena_printf(arena, "%s/%s", plugins, manifest->name)) != 0) {
            code = shoal_fail(&err, SHOAL_EIO, "the plugin cannot be linked into %s", plugins);
        }
        code = code == 0 ? write_config(arena, manifest, source, folder, &err) : code;
        code = code == 0 ? run_on_host(arena, manifest->name, source, folder, &counts, &err) : code;
        shoal_tree_remove(folder, NULL);
    }
    shoal_arena_free(arena);
    if (code != 0) {
        return shoal_cli_fail(&err);
    }
    printf("%d passed, %d failed\n", counts.passed, counts.failed);
    return counts.failed == 0 ? SHOAL_EXIT_FINE : SHOAL_EXIT_FAILED;
}
