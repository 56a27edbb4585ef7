// cli_plugins.c - shoal plugin: what is there, what is wrong with it, what comes and goes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <shoal/json.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/plugins.h"
#include "host/manifest.h"

static int run_list(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_instance instance;
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_HOST, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    json_t *rows = shoal_host_plugins();
    if (shoal_args_has(args, "json")) {
        shoal_cli_print_json(rows);
    } else {
        static const char *const keys[] = {"name", "version", "state", "language", "shipped",
            "sentence", NULL};
        static const char *const headings[] = {"name", "version", "state", "language", "shipped",
            "why", NULL};
        shoal_cli_print_table(rows, keys, headings);
        json_decref(rows);
    }
    shoal_instance_close(&instance);
    return SHOAL_EXIT_FINE;
}

/// Whether the host would take it: what it says of itself, and the file that does it.
static int folder_check(const char *folder, const struct shoal_manifest *manifest,
    struct shoal_err *err)
{
    char path[PATH_MAX];
    struct stat info;
    bool is_c = strcmp(manifest->language, "c") == 0;
    const char *suffix = is_c ? "so" : "lua";
    if (!shoal_version_in_range(SHOAL_SDK_VERSION, manifest->sdk)) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED, "%s wants the SDK %s, and this server has %s",
            manifest->name, manifest->sdk, SHOAL_SDK_VERSION);
    }
    int wrote = snprintf(path, sizeof path, "%s/%s.%s", folder, manifest->name, suffix);
    if (wrote >= (int)sizeof path || stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "%s %s: there is no %s.%s in %s", manifest->name,
            is_c ? "is not built" : "lacks its code", manifest->name, suffix, folder);
    }
    return 0;
}

const struct shoal_manifest *shoal_plugin_manifest(
    struct shoal_arena *arena, const char *folder, struct shoal_err *err)
{
    const struct shoal_manifest *manifest = shoal_manifest_read(arena, folder, NULL, err);
    if (manifest == NULL && err->code == SHOAL_ENOTFOUND) {
        shoal_fail(err, SHOAL_ENOTFOUND,
            "there is no plugin at %s, which would have a plugin.json; `shoal plugin new NAME` begins one",
            folder);
    }
    return manifest;
}

/// Reads one plugin's folder, wherever it lies, without an instance.
static int run_check(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_arena *arena = shoal_arena_new(0);
    const char *folder = args->words[0];
    const struct shoal_manifest *manifest = shoal_plugin_manifest(arena, folder, &err);
    int code = manifest == NULL ? err.code : folder_check(folder, manifest, &err);
    if (shoal_args_has(args, "json")) {
        shoal_cli_print_json(shoal_plugin_json(manifest, folder, code == 0 ? NULL : err.text));
    } else if (code != 0) {
        shoal_cli_fail(&err);
    } else {
        printf("%s %s is fine. It is allowed to:\n", manifest->name, manifest->version);
        shoal_plugin_permissions_print(manifest);
        puts("\nThe line for shoal.lua, in an instance that has this folder below plugins/:");
        shoal_plugin_line_print(folder, manifest->name);
    }
    shoal_arena_free(arena);
    return code == 0 ? SHOAL_EXIT_FINE : SHOAL_EXIT_FINDINGS;
}

static int run_remove(const struct shoal_args *args)
{
    const char *name = args->words[1];
    struct shoal_err err = {0};
    struct shoal_instance instance;
    if (!shoal_manifest_name_valid(name)) {
        return shoal_cli_usage("%s is not the name of a plugin", name);
    }
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_CONFIG, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    int code = 0;
    for (size_t i = 0; i < instance.config->plugin_count; i++) {
        if (strcmp(instance.config->plugins[i].name, name) == 0) {
            code = shoal_fail(&err, SHOAL_ECONFLICT,
                "%s is in use: take it out of shoal.lua (line %d) first, then reload", name,
                instance.config->plugins[i].line);
        }
    }
    char path[PATH_MAX];
    struct stat info;
    int wrote = snprintf(path, sizeof path, "%s/plugins/%s", instance.config->folder, name);
    if (code == 0 && (wrote >= (int)sizeof path || stat(path, &info) != 0)) {
        code = shoal_fail(&err, SHOAL_ENOTFOUND, "there is no plugin %s in this instance's folder",
            name);
    }
    code = code != 0 ? code : shoal_tree_remove(path, &err);
    shoal_instance_close(&instance);
    if (code != 0) {
        return shoal_cli_fail(&err);
    }
    printf("%s is gone. Its tables and settings stay, in case it comes back.\n", name);
    return SHOAL_EXIT_FINE;
}

static int run_clear(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_instance instance;
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_DATA, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    int code = shoal_host_quarantine_store(args->words[1], NULL, &err);
    shoal_instance_close(&instance);
    if (code != 0) {
        return shoal_cli_fail(&err);
    }
    printf("%s gets another chance at the next start or reload.\n", args->words[1]);
    return SHOAL_EXIT_FINE;
}

static const struct shoal_option new_options[] = {
    {"lua", NULL, "in Lua; what it is without --c"},
    {"c", NULL, "in C"},
    {"in", "FOLDER", "makes it there instead of here"},
    {NULL, NULL, NULL},
};
static const struct shoal_option add_options[] = {
    {"sha256", "PIN", "64 hex digits: exactly this package"},
    {"key", "KEY", "Ed25519 key of its author, hex or base64"},
    {"signature", "FILE", "its signature by that key"},
    {"json", NULL, "for scripts"},
    {NULL, NULL, NULL},
};

const struct shoal_command shoal_cli_plugins[] = {
    {"plugin list", "DIR", "which plugins there are, and how they are", shoal_cli_json, run_list},
    {"plugin new", "NAME", "begins a plugin: folder NAME with manifest, code and test", new_options,
        shoal_cli_plugin_new},
    {"plugin check", "FOLDER", "reads a plugin's manifest and says what it may do", shoal_cli_json,
        run_check},
    {"plugin test", "FOLDER", "runs the tests of a plugin on a host of its own", NULL,
        shoal_cli_plugin_test},
    {"plugin add", "DIR PACKAGE", "checks and unpacks a .tar.gz from elsewhere; loads nothing",
        add_options, shoal_cli_plugin_add},
    {"plugin remove", "DIR NAME", "removes the folder of a plugin that is not in use", NULL,
        run_remove},
    {"plugin clear", "DIR NAME", "lifts the quarantine of a plugin", NULL, run_clear},
    {NULL, NULL, NULL, NULL, NULL},
};
