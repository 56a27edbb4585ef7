// cli_show.c - shoal hooks, routes and jobs: what is in effect, and what is under way.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/jobs.h>
#include <shoal/json.h>

#include "cli/cli.h"
#include "data/data.h"
#include "host/plugin_priv.h"

#define JOBS_MOST 1000

/// Prints rows as the options say; takes the reference.
static int show(const struct shoal_args *args, json_t *rows, const char *const *keys,
    const char *const *headings)
{
    const char *plugin = shoal_args_get(args, "plugin");
    if (plugin != NULL && strcmp(plugin, "core") != 0 && shoal_plugin_find(plugin) == NULL) {
        json_decref(rows);
        return shoal_cli_say_fail("there is no plugin %s in this instance", plugin);
    }
    for (size_t i = json_array_size(rows); plugin != NULL && i-- > 0;) {
        if (strcmp(shoal_text(json_array_get(rows, i), "plugin", ""), plugin) != 0) {
            json_array_remove(rows, i);
        }
    }
    if (shoal_args_has(args, "json")) {
        shoal_cli_print_json(rows);
        return SHOAL_EXIT_FINE;
    }
    shoal_cli_print_table(rows, keys, headings);
    json_decref(rows);
    return SHOAL_EXIT_FINE;
}

static int run_hooks(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_instance instance;
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_HOST, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    static const char *const keys[] = {"hook", "kind", "priority", "plugin", NULL};
    int code = show(args, shoal_host_hooks(), keys, keys);
    shoal_instance_close(&instance);
    return code;
}

static void route_add(const struct shoal_route *route, struct shoal_plugin *owner, void *user)
{
    static const char *const auths[] = {"optional", "user", "moderator", "admin", "none"};
    const struct shoal_plugin_id *id = (const struct shoal_plugin_id *)(const void *)owner;
    json_array_append_new(
        user, json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "method", route->method, "path",
                  route->path, "produces", route->produces != NULL ? route->produces : "*/*",
                  "auth", (unsigned)route->auth < 5 ? auths[route->auth] : "?", "plugin",
                  id != NULL ? id->name : "core", "cache", (int)route->cache_s));
}

static int run_routes(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_instance instance;
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_HOST, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    json_t *rows = json_array();
    shoal_router_each(instance.router, route_add, rows);
    static const char *const keys[] = {"method", "path", "auth", "produces", "plugin", NULL};
    int code = show(args, rows, keys, keys);
    shoal_instance_close(&instance);
    return code;
}

static int run_jobs(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_instance instance;
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_DATA, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    int code = SHOAL_EXIT_FINE;
    json_t *rows =
        shoal_jobs_list(&instance.call, shoal_args_get(args, "state"), 0, JOBS_MOST, &err);
    if (rows == NULL) {
        code = shoal_cli_fail(&err);
    } else {
        static const char *const keys[] = {
            "id", "kind", "state", "attempt", "progress", "subject", "error", NULL};
        code = show(args, rows, keys, keys);
    }
    shoal_instance_close(&instance);
    return code;
}

static int on_job(const struct shoal_args *args,
    int (*act)(struct shoal_call *call, int64_t id, struct shoal_err *err), const char *done)
{
    struct shoal_err err = {0};
    struct shoal_instance instance;
    char *end = NULL;
    long long id = strtoll(args->words[1], &end, 10);
    if (end == args->words[1] || *end != '\0' || id <= 0) {
        return shoal_cli_usage("%s is not the number of a job", args->words[1]);
    }
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_DATA, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    int code = act(&instance.call, id, &err);
    if (code == 0) {
        printf("Job %lld %s.\n", id, done);
    }
    shoal_instance_close(&instance);
    return code == 0 ? SHOAL_EXIT_FINE : shoal_cli_fail(&err);
}

static int run_retry(const struct shoal_args *args)
{
    return on_job(args, shoal_jobs_retry, "will be tried again");
}

static int run_cancel(const struct shoal_args *args)
{
    return on_job(args, shoal_job_cancel, "is cancelled");
}

static const struct shoal_option plugin_options[] = {
    {"plugin", "NAME", "of this plugin alone"},
    {"json", NULL, "for scripts"},
    {NULL, NULL, NULL},
};
static const struct shoal_option jobs_options[] = {
    {"state", "STATE", "waiting, active, parked, done or cancelled"},
    {"json", NULL, "for scripts"},
    {NULL, NULL, NULL},
};

const struct shoal_command shoal_cli_show[] = {
    {"hooks", "DIR", "who listens to which hook, in the order in which they are asked",
        plugin_options, run_hooks},
    {"routes", "DIR", "what is answered, in the order of matching", plugin_options, run_routes},
    {"jobs list", "DIR", "work that waits, runs or was given up", jobs_options, run_jobs},
    {"jobs retry", "DIR ID", "tries a parked or cancelled job again", NULL, run_retry},
    {"jobs cancel", "DIR ID", "gives a job up", NULL, run_cancel},
    {NULL, NULL, NULL, NULL, NULL},
};
