// check.c - shoal check: the configuration and the manifests, without starting anything.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>

#include <shoal/json.h>

#include "cli/cli.h"
#include "cli/serve.h"

static void print_plugin(const json_t *row)
{
    const char *problem = shoal_text(row, "problem", NULL);
    printf("%s %s\n", problem == NULL ? "ok  " : "BAD ", shoal_text(row, "name", "?"));
    if (problem != NULL) {
        printf("       %s\n", problem);
    }
    const json_t *permissions = json_object_get(row, "permissions");
    for (size_t i = 0; i < json_array_size(permissions); i++) {
        printf("       %s\n", json_string_value(json_array_get(permissions, i)));
    }
}

int shoal_cli_check(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_instance instance;
    bool is_json = shoal_args_has(args, "json");
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_CONFIG, &err) != 0) {
        if (is_json) {
            shoal_cli_print_json(json_pack("{s:s, s:[]}", "problem", err.text, "plugins"));
        } else {
            fprintf(stderr, "shoal: %s\n", err.text);
        }
        return SHOAL_EXIT_FINDINGS;
    }
    struct shoal_host_options options = shoal_instance_host_options(instance.config, NULL);
    json_t *plugins = shoal_host_check(&options);
    int problems = 0;
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        const json_t *row = json_array_get(plugins, i);
        problems += shoal_text(row, "problem", NULL) != NULL ? 1 : 0;
        if (!is_json) {
            print_plugin(row);
        }
    }
    if (is_json) {
        shoal_cli_print_json(json_pack("{s:n, s:O}", "problem", "plugins", plugins));
    } else if (problems == 0) {
        puts("The configuration is fine.");
    }
    json_decref(plugins);
    shoal_instance_close(&instance);
    return problems == 0 ? SHOAL_EXIT_FINE : SHOAL_EXIT_FINDINGS;
}
