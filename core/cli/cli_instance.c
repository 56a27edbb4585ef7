// cli_instance.c - the verbs about an instance as a whole.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>

#include <shoal/json.h>

#include "cli/cli.h"
#include "cli/serve.h"
#include "super/super.h"

static int order(const struct shoal_args *args, char what)
{
    struct shoal_err err = {0};
    int code = shoal_config_there(args->words[0], &err);
    code = code != 0 ? code : shoal_super_order(args->words[0], what, &err);
    return code == 0 ? SHOAL_EXIT_FINE : shoal_cli_fail(&err);
}

static int run_reload(const struct shoal_args *args)
{
    // A mistake is better said here than in the log of the server.
    struct shoal_err err = {0};
    struct shoal_config *config = shoal_config_read(args->words[0], NULL, 0, &err);
    if (config == NULL) {
        return shoal_cli_fail(&err);
    }
    struct shoal_host_options options = shoal_instance_host_options(config, NULL);
    json_t *plugins = shoal_host_check(&options);
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const char *problem = shoal_text(json_array_get(plugins, i), "problem", NULL);
        if (problem != NULL) {
            fprintf(stderr, "shoal: not all of it will start: %s\n", problem);
        }
    }
    json_decref(plugins);
    shoal_config_free(config);
    return order(args, 'r');
}

static int run_upgrade(const struct shoal_args *args)
{
    return order(args, 'u');
}

static int run_stop(const struct shoal_args *args)
{
    return order(args, 's');
}

static int run_version(const struct shoal_args *args)
{
    if (shoal_args_has(args, "json")) {
        shoal_cli_print_json(json_pack("{s:s, s:s, s:[i,i]}", "version", SHOAL_VERSION, "sdk",
            SHOAL_SDK_VERSION, "abi", SHOAL_ABI_MAJOR, SHOAL_ABI_MINOR));
    } else {
        puts("shoal " SHOAL_VERSION " (SDK " SHOAL_SDK_VERSION ")");
    }
    return SHOAL_EXIT_FINE;
}

static const struct shoal_option init_options[] = {
    {"listen", "ADDR:PORT", "where it listens; without it 127.0.0.1:9000"},
    {"url", "URL", "its public address, like https://videos.example.org"},
    {"admin", "NAME", "name of the first administrator; without it root"},
    {"password", "PASSWORD", "their password; without it one is made and shown"},
    {"json", NULL, "for scripts"},
    {NULL, NULL, NULL},
};
static const struct shoal_option serve_options[] = {
    {"set", "PLUGIN.KEY=VALUE", "a setting for this run, over the file; may be repeated"},
    {"listen", "ADDR:PORT", "listens here instead of where the file says"},
    {"dev", NULL,
        "for writing plugins and themes: chatty, templates are read anew, pins only warn"},
    {NULL, NULL, NULL},
};

const struct shoal_command shoal_cli_instance[] = {
    {"init", "DIR", "makes an instance: folder, shoal.lua, database, administrator", init_options,
        shoal_cli_init},
    {"check", "DIR", "reads the configuration and the plugins' manifests, starts nothing",
        shoal_cli_json, shoal_cli_check},
    {"serve", "DIR", "serves it, until it is told to stop", serve_options, shoal_cli_serve},
    {"reload", "DIR", "takes up a changed shoal.lua without losing a connection", NULL, run_reload},
    {"upgrade", "DIR",
        "goes on with the program that is installed now, without losing a connection", NULL,
        run_upgrade},
    {"stop", "DIR", "lets requests end, then ends the server", NULL, run_stop},
    {"doctor", "DIR", "looks for what is wrong, and says what to do", shoal_cli_json,
        shoal_cli_doctor},
    {"version", "", "this program's version", shoal_cli_json, run_version},
    {NULL, NULL, NULL, NULL, NULL},
};
