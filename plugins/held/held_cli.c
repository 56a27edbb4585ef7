// held_cli.c - `shoal held list|release|refuse`: what waits, for who runs this server.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "held.h"

static int fail(const struct shoal_err *err)
{
    fprintf(stderr, "shoal: %s\n", err->text[0] != '\0' ? err->text : shoal_error_text(err->code));
    return 1;
}

// What strangers wrote must not move the cursor.
static void print(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        bool is_control = (unsigned char)*at < 0x20 || *at == 0x7f ||
                          ((unsigned char)*at == 0xc2 && (unsigned char)at[1] < 0xa0);
        putchar(is_control ? ' ' : *at);
    }
}

static int list(struct shoal_call *call, int argc, const char *const *argv, void *arg)
{
    (void)arg;
    struct shoal_err err = {0};
    json_t *held = held_list(call, argc > 0 ? argv[0] : NULL, 0, HELD_COUNT_MAX, &err);
    if (held == NULL) {
        return fail(&err);
    }
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(held, "data"), i, row)
    {
        const char *title = shoal_text(row, "what.title", shoal_text(row, "subject", ""));
        const char *name = shoal_text(row, "what.account.name", NULL);
        printf("%-6lld %.16s  %-16s ", (long long)shoal_integer(row, "id", 0), shoal_text(row, "at", ""),
            shoal_text(row, "hook", ""));
        print(title);
        if (name != NULL) {
            printf(" (%s@%s)", name, shoal_text(row, "what.account.host", ""));
        }
        printf("\n       %s: ", shoal_text(row, "plugin", ""));
        print(shoal_text(row, "sentence", ""));
        printf("\n");
        if (!shoal_flag(row, "canRelease", true)) {
            printf("       the plugin that goes on with it is not enabled: refuse has it forgotten\n");
        }
    }
    long long total = shoal_integer(held, "total", 0);
    if (total == 0) {
        printf("Nothing waits.\n");
    } else if (total > HELD_COUNT_MAX) {
        printf("These are the oldest %d of %lld.\n", HELD_COUNT_MAX, total);
    }
    json_decref(held);
    return 0;
}

/// arg: the verb.
static int answer(struct shoal_call *call, int argc, const char *const *argv, void *arg)
{
    const char *verb = arg;
    struct shoal_err err = {0};
    char *end = NULL;
    int64_t id = argc > 0 ? strtoll(argv[0], &end, 10) : 0;
    if (argc < 1 || argc > 2 || id < 1 || *end != '\0') {
        fprintf(stderr, "shoal: held %s needs a number of `shoal held list`: shoal held %s DIR 7 [\"why\"]\n",
            verb, verb);
        return 2;
    }
    int code = held_answer(call, id, strcmp(verb, "release") == 0, NULL, argc > 1 ? argv[1] : NULL, &err);
    return code != 0 ? fail(&err) : 0;
}

int held_cli_start(struct shoal_plugin *self, struct shoal_err *err)
{
    int code = shoal_cli_add(self, "list", "what plugins hold for a moderator, the oldest first: [HOOK]", list, NULL);
    code = code != 0 ? code
                     : shoal_cli_add(self, "release", "lets one of them through: ID [WHY]", answer, (void *)"release");
    code = code != 0 ? code
                     : shoal_cli_add(self, "refuse", "refuses one of them for good: ID [WHY]", answer, (void *)"refuse");
    return code != 0 ? shoal_fail(err, code, "what is held has no commands") : 0;
}
