// federation_admin.c - `shoal federation status|follow|unfollow|retry`: other servers, for who runs this one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include <shoal/follows.h>

#include "federation_inbox.h"

#define SHOWN_MAX 200
#define FOLLOWS_MAX 100

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

static int64_t ours_count(struct shoal_call *call, const char *side, const char *state)
{
    return fed_follows_count(call, side, "peertube", state, NULL, NULL);
}

static void show_follows(struct shoal_call *call)
{
    int64_t asking = ours_count(call, "target", "pending");
    int64_t asked = ours_count(call, "follower", "pending");
    printf("%lld follow this server", (long long)ours_count(call, "target", "accepted"));
    if (asking > 0) {
        printf(", %lld ask to: see /admin/federation/followers", (long long)asking);
    }
    printf(".\nIt follows %lld", (long long)ours_count(call, "follower", "accepted"));
    if (asked > 0) {
        printf(", and has asked %lld that did not answer yet", (long long)asked);
    }
    printf(".\n");
}

/// One host: what the two are to each other.
static void show_follow(struct shoal_call *call, const char *side, const char *other, const char *host, const char *words)
{
    json_t *query = json_pack("{s:s, s:s, s:i, s:i}", side, "peertube", "host", host, "start", 0, "count", FOLLOWS_MAX);
    json_t *list = shoal_follow_list(call, query, NULL);
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(list, "data"), i, row)
    {
        printf("%s %s@%s: %s.\n", words, shoal_text(json_object_get(row, other), "name", ""), host,
            shoal_text(row, "state", ""));
    }
    json_decref(list);
    json_decref(query);
}

static int status(struct shoal_call *call, int argc, const char *const *argv, void *arg)
{
    (void)arg;
    struct shoal_err err = {0};
    int64_t waiting = 0, hosts = 0;
    if (!fed_enabled(call)) {
        printf("This server does not federate: it needs a fixed url, and federation.enabled.\n");
    }
    const char *only = argc > 0 ? fed_name_read(call, argv[0]) : NULL;
    if (argc > 0 && only == NULL) {
        fprintf(stderr, "shoal: \"%.80s\" is no host like videos.example.org\n", argv[0]);
        return 2;
    }
    if (only != NULL) {
        show_follow(call, "target", "follower", only, "It is followed by");
        show_follow(call, "follower", "following", only, "It follows");
    } else {
        show_follows(call);
    }
    fed_waiting(call, &waiting, &hosts);
    printf("%lld deliveries wait for %lld servers.\n", (long long)waiting, (long long)hosts);
    json_t *list = fed_hosts(call, only, 0, SHOWN_MAX, &err);
    if (list == NULL) {
        return fail(&err);
    }
    size_t index;
    const json_t *host;
    json_array_foreach(list, index, host)
    {
        if (index == 0) {
            printf("%-40s %-7s %8s  %-12s %s\n", "server", "state", "waiting", "last reached", "why not");
        }
        int64_t next = shoal_integer(host, "next_ms", 0) - shoal_now_ms();
        const char *why = shoal_text(host, "last_error", ""), *state = shoal_text(host, "state", "");
        printf("%-40s %-7s %8lld  %-12s %s", shoal_text(host, "host", ""),
            strcmp(state, "well") == 0 && why[0] != '\0' ? "failing" : state,
            (long long)shoal_integer(host, "waiting", 0), ago(call, shoal_integer(host, "last_ok_ms", 0)), why);
        printf(next > 0 ? " (again in %lld s)\n" : "\n", (long long)(next / 1000));
    }
    if (only != NULL && json_array_size(list) == 0) {
        printf("Nothing was ever sent to %s.\n", only);
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
    const char *name = fed_name_read(call, argv[0]);
    int code = strcmp(verb, "retry") == 0
                   ? fed_host_retry(call, name != NULL ? name : argv[0], &err)
                   : fed_server_follow(call, argv[0], strcmp(verb, "follow") == 0, &err);
    if (code != 0) {
        return fail(&err);
    }
    printf(strcmp(verb, "unfollow") == 0 ? "%s is followed no longer.\n" : "%s is asked now: `shoal federation status` says what comes of it.\n", argv[0]);
    return 0;
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
