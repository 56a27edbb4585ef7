// federation_admin.c - `shoal federation status|follow|unfollow|retry`: other servers, for who runs this one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "federation_inbox.h"

#define SHOWN_MAX 200

/// "3 h", "2 d": how long ago a time is.
static const char *ago(struct shoal_call *call, int64_t time_ms)
{
    if (time_ms == 0) {
        return "never";
    }
    int64_t seconds = (shoal_now_ms() - time_ms) / 1000;
    static const struct {
        int64_t from, unit;
        const char *name;
    } units[] = {{172800, 86400, "d"}, {7200, 3600, "h"}, {120, 60, "min"}, {0, 1, "s"}};
    size_t i = 0;
    while (seconds < units[i].from && units[i].from > 0) {
        i++;
    }
    return shoal_arena_printf(shoal_call_arena(call), "%lld %s ago", (long long)(seconds / units[i].unit),
        units[i].name);
}

static int fail(const struct shoal_err *err)
{
    fprintf(stderr, "%s\n", err->text[0] != '\0' ? err->text : shoal_error_text(err->code));
    return 1;
}

static int status(struct shoal_call *call, int argc, const char *const *argv, void *arg)
{
    (void)arg;
    struct shoal_err err = {0};
    int64_t waiting = 0, hosts = 0;
    if (!fed_enabled(call)) {
        printf("This server does not federate: it needs a fixed url, and federation.enabled.\n");
    }
    fed_waiting(call, &waiting, &hosts);
    printf("%lld deliveries wait for %lld servers.\n", (long long)waiting, (long long)hosts);
    json_t *list = fed_hosts(call, argc > 0 ? argv[0] : NULL, 0, SHOWN_MAX, &err);
    if (list == NULL) {
        return fail(&err);
    }
    size_t index;
    const json_t *host;
    json_array_foreach(list, index, host)
    {
        if (index == 0) {
            printf("%-40s %-5s %8s  %-12s %s\n", "server", "state", "waiting", "last reached", "why not");
        }
        int64_t next = shoal_integer(host, "next_ms", 0) - shoal_now_ms();
        printf("%-40s %-5s %8lld  %-12s %s", shoal_text(host, "host", ""),
            shoal_text(host, "state", ""), (long long)shoal_integer(host, "waiting", 0),
            ago(call, shoal_integer(host, "last_ok_ms", 0)), shoal_text(host, "last_error", ""));
        printf(next > 0 ? " (again in %lld s)\n" : "\n", (long long)(next / 1000));
    }
    if (json_array_size(list) == SHOWN_MAX) {
        printf("These are the first %d, those that fail before the others.\n", SHOWN_MAX);
    }
    json_decref(list);
    return 0;
}

/// arg: the verb.
static int on_host(struct shoal_call *call, int argc, const char *const *argv, void *arg)
{
    const char *verb = arg;
    struct shoal_err err = {0};
    if (argc != 1) {
        fprintf(stderr, "shoal: federation %s needs one server: shoal federation %s DIR videos.example.org\n", verb, verb);
        return 2;
    }
    bool is_retry = strcmp(verb, "retry") == 0;
    int code = is_retry ? fed_host_retry(call, argv[0], &err)
                        : fed_server_follow(call, argv[0], strcmp(verb, "follow") == 0, &err);
    return code != 0 ? fail(&err) : 0;
}

int fed_admin_start(struct shoal_plugin *self, struct shoal_err *err)
{
    static char verbs[][12] = {"status", "retry", "follow", "unfollow"};
    static const char *const help[] = {
        "other servers, how they answer and what waits for them: [HOST]",
        "asks a server again now, whatever happened before: HOST",
        "this server follows another one, or somebody there: HOST or NAME@HOST",
        "and no longer: HOST or NAME@HOST"};
    int code = 0;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs && code == 0; i++) {
        code = shoal_cli_add(self, verbs[i], help[i], i == 0 ? status : on_host, verbs[i]);
    }
    return code != 0 ? shoal_fail(err, code, "federation has no commands") : 0;
}
