// plugin_verb.c - runs a verb of a plugin: shoal PLUGIN VERB DIR …
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "cli/plugin_verb.h"

#include <stdio.h>
#include <string.h>

#include <shoal/arena.h>
#include <shoal/json.h>

#include "cli/cli.h"
#include "host/manifest.h"
#include "host/plugin_priv.h"
#include "super/super.h"

static int list_verbs(const char *plugin)
{
    json_t *verbs = shoal_host_verbs();
    int found = 0;
    for (size_t i = 0; i < json_array_size(verbs); i++) {
        const json_t *row = json_array_get(verbs, i);
        if (strcmp(shoal_text(row, "plugin", ""), plugin) == 0) {
            fprintf(stderr, "  shoal %s %s DIR …   %s\n", plugin, shoal_text(row, "verb", ""),
                shoal_text(row, "help", ""));
            found++;
        }
    }
    json_decref(verbs);
    return found;
}

static bool is_shipped(const char *name)
{
    char folder[PATH_MAX];
    if (!shoal_path_shipped("plugins", folder)) {
        return false;
    }
    struct shoal_arena *arena = shoal_arena_new(0);
    const char *path = shoal_arena_printf(arena, "%s/%s", folder, name);
    bool is = shoal_manifest_read(arena, path, name, NULL) != NULL;
    shoal_arena_free(arena);
    return is;
}

/// verb: NULL: only says which there are.
static int run(const char *folder, const char *name, const char *verb, int argc,
    const char *const *argv)
{
    struct shoal_instance instance;
    struct shoal_err err = {0};
    if (shoal_super_local(&err) != 0 ||
        shoal_instance_open(&instance, folder, SHOAL_OPEN_HOST, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    int code = verb == NULL ? SHOAL_ENOTFOUND
                            : shoal_host_verb_run(&instance.call, name, verb, argc, argv, &err);
    if (code == SHOAL_ENOTFOUND && shoal_plugin_find(name) == NULL) {
        code = shoal_cli_usage("there is no verb %s%s%s, and no plugin %s in this instance", name,
            verb == NULL ? "" : " ", verb == NULL ? "" : verb, name);
    } else if (code == SHOAL_ENOTFOUND) {
        fprintf(stderr, "shoal: plugin %s has %s%s in this instance\n", name,
            verb == NULL ? "these verbs" : "no verb ", verb == NULL ? "" : verb);
        list_verbs(name);
        code = SHOAL_EXIT_USAGE;
    } else if (code < 0) {
        code = shoal_cli_fail(&err);
    }
    shoal_instance_close(&instance);
    return code;
}

int shoal_cli_plugin_verb(int argc, char **argv)
{
    struct shoal_err err = {0};
    const char *name = argv[1];
    if (!shoal_manifest_name_valid(name)) {
        return shoal_cli_usage("there is no verb %s", name);
    }
    bool is_known = is_shipped(name);
    if (argc == 3 && shoal_config_there(argv[2], NULL) == 0) {
        return run(argv[2], name, NULL, 0, NULL);
    }
    if (argc < 4) {
        return shoal_cli_usage("%s%s; a plugin's verb is called as: shoal %s %s DIR",
            is_known ? "the folder of an instance is needed for plugin " : "there is no verb ", name,
            name, argc < 3 || !is_known ? "VERB" : argv[2]);
    }
    if (shoal_config_there(argv[3], &err) == 0) {
        return run(argv[3], name, argv[2], argc - 4, (const char *const *)argv + 4);
    }
    return is_known
               ? shoal_cli_fail(&err)
               : shoal_cli_usage("there is no verb %s; if it is one of a plugin: %s", name, err.text);
}
