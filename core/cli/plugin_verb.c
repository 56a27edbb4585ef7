// plugin_verb.c - runs a verb of a plugin: shoal PLUGIN VERB DIR …
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "cli/plugin_verb.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

int shoal_cli_plugin_verb(int argc, char **argv)
{
    char file[PATH_MAX];
    struct stat info;
    if (!shoal_manifest_name_valid(argv[1])) {
        return shoal_cli_usage("there is no verb %s", argv[1]);
    }
    int wrote = argc < 4 ? 0 : snprintf(file, sizeof file, "%s/shoal.lua", argv[3]);
    if (wrote <= 0 || wrote >= (int)sizeof file || stat(file, &info) != 0) {
        return shoal_cli_usage("there is no verb %s; a plugin's verb is called as: shoal %s VERB DIR",
            argv[1], argv[1]);
    }
    struct shoal_instance instance;
    struct shoal_err err = {0};
    if (shoal_super_local(&err) != 0 ||
        shoal_instance_open(&instance, argv[3], SHOAL_OPEN_HOST, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    int code = shoal_host_verb_run(&instance.call, argv[1], argv[2], argc - 4,
        (const char *const *)argv + 4, &err);
    if (code == SHOAL_ENOTFOUND && shoal_plugin_find(argv[1]) == NULL) {
        code = shoal_cli_usage("there is no verb %s %s, and no plugin %s in this instance", argv[1],
            argv[2], argv[1]);
    } else if (code == SHOAL_ENOTFOUND) {
        fprintf(stderr, "shoal: plugin %s has no verb %s in this instance\n", argv[1], argv[2]);
        list_verbs(argv[1]);
        code = SHOAL_EXIT_USAGE;
    } else if (code < 0) {
        code = shoal_cli_fail(&err);
    }
    shoal_instance_close(&instance);
    return code;
}
