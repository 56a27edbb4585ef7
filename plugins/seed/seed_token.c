// seed_token.c - the tokens that mirrors show: made once, kept as hashes, listed and revoked.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "seed.h"

#define MIRRORS_MAX 200

SHOAL_SQL(sql_token_add,
    "INSERT INTO seed_mirror (name, token_sha256, created, base_url, state, why, heard, checked,"
    " next_check, failures) VALUES ($1, $2, $3, '', 'unused', '', 0, 0, 0, 0)");
SHOAL_SQL(sql_token_count, "SELECT COUNT(*) FROM seed_mirror");
SHOAL_SQL(sql_token_named, "SELECT id FROM seed_mirror WHERE name = $1");
SHOAL_SQL(sql_token_find, "SELECT id FROM seed_mirror WHERE token_sha256 = $1");
SHOAL_SQL(sql_token_delete, "DELETE FROM seed_mirror WHERE id = $1");
SHOAL_SQL(sql_token_copies_delete, "DELETE FROM seed_copy WHERE mirror_id = $1");

static bool name_valid(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length <= 60 && strspn(name, letters) == length && name[0] != '-' &&
           strcmp(name, "list") != 0 && strcmp(name, "revoke") != 0;
}

struct making {
    const char *name;
    char sha256[65];
};

static int add(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct making *making = arg;
    int64_t count = 0;
    int code = shoal_db_i64(tx, &sql_token_count, SHOAL_NOARGS, &count, err);
    if (code == 0 && count >= MIRRORS_MAX) {
        return shoal_fail(err, SHOAL_EFULL, "there are %d tokens: revoke one", MIRRORS_MAX);
    }
    if (code == 0 && shoal_db_i64(tx, &sql_token_named, SHOAL_ARGS(SHOAL_TEXT(making->name)),
                         &count, NULL) == 0) {
        return shoal_fail(err, SHOAL_ECONFLICT, "there is a token %s already", making->name);
    }
    return code != 0 ? code
                     : shoal_db_exec(tx, &sql_token_add,
                           SHOAL_ARGS(SHOAL_TEXT(making->name), SHOAL_TEXT(making->sha256),
                               SHOAL_I64(shoal_now_ms())),
                           NULL, err);
}

/// The first of mirror, mirror-2, … that is free.
static const char *name_free(struct shoal_call *call)
{
    const char *name = "mirror";
    int64_t id = 0;
    for (int i = 2; i < MIRRORS_MAX + 2 && shoal_db_i64(shoal_call_db(call), &sql_token_named,
                                               SHOAL_ARGS(SHOAL_TEXT(name)), &id, NULL) == 0;
         i++) {
        name = shoal_arena_printf(shoal_call_arena(call), "mirror-%d", i);
    }
    return name;
}

static int make(struct shoal_call *call, const char *name, struct shoal_err *err)
{
    char token[2 * SEED_TOKEN_BYTES + 1];
    struct making making = {.name = name != NULL ? name : name_free(call)};
    if (!name_valid(making.name)) {
        return shoal_fail(err, SHOAL_EINVAL,
            "\"%.80s\" is no name of a token: 1 to 60 letters, digits, \".\", \"_\" and \"-\"",
            making.name);
    }
    shoal_random_hex(token, SEED_TOKEN_BYTES);
    seed_sha256(token, strlen(token), making.sha256);
    int code = shoal_tx(call, add, &making, err);
    if (code != 0) {
        return code;
    }
    json_t *site = shoal_instance_setting("url");
    const char *url = json_string_value(site);
    printf("%s\n", token);
    fprintf(stderr,
        "This is the token of %s. It is shown this once. On the other machine:\n"
        "  shoal seed %s/c/CHANNEL --token TOKEN --folder DIR --base-url https://ITS-ADDRESS\n",
        making.name, url != NULL ? url : "http://ADDRESS-OF-THIS-SITE");
    json_decref(site);
    return 0;
}

static int forget(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const char *name = arg;
    int64_t id = 0;
    int code = shoal_db_i64(tx, &sql_token_named, SHOAL_ARGS(SHOAL_TEXT(name)), &id, err);
    if (code == SHOAL_ENOTFOUND) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "there is no token %.80s", name);
    }
    const struct shoal_value *mirror = &SHOAL_I64(id);
    code = code != 0 ? code : shoal_db_exec(tx, &sql_token_copies_delete, mirror, 1, NULL, err);
    code = code != 0 ? code : shoal_db_exec(tx, &sql_token_delete, mirror, 1, NULL, err);
    return code != 0 ? code : shoal_touch(call, tx, "mirrors", err);
}

static int list(struct shoal_call *call, struct shoal_plugin *self, struct shoal_err *err)
{
    json_t *mirrors = seed_mirrors_json(call, self, err);
    if (mirrors == NULL) {
        return err->code;
    }
    printf("%-20s %-8s %6s  %-20s %-20s %s\n", "NAME", "STATE", "VIDEOS", "HEARD", "CHECKED",
        "ADDRESS, AND WHY");
    size_t index;
    json_t *row;
    json_array_foreach(mirrors, index, row)
    {
        const char *why = shoal_text(row, "why", "");
        printf("%-20s %-8s %6lld  %-20.19s %-20.19s %s%s%s\n", shoal_text(row, "name", ""),
            shoal_text(row, "state", ""), (long long)shoal_integer(row, "videos", 0),
            shoal_text(row, "heardAt", "never"), shoal_text(row, "checkedAt", "never"),
            shoal_text(row, "baseUrl", ""), *why != '\0' ? ": " : "", why);
    }
    json_decref(mirrors);
    return 0;
}

int seed_token_verb(struct shoal_call *call, int argc, const char *const *argv, void *arg)
{
    struct shoal_err err = {0};
    int code = 0;
    if (argc == 1 && strcmp(argv[0], "list") == 0) {
        code = list(call, arg, &err);
    } else if (argc == 2 && strcmp(argv[0], "revoke") == 0) {
        code = shoal_tx(call, forget, (void *)(uintptr_t)argv[1], &err);
        if (code == 0) {
            printf("%s is no mirror any more\n", argv[1]);
        }
    } else if (argc <= 1) {
        code = make(call, argc == 1 ? argv[0] : NULL, &err);
    } else {
        fputs("shoal: seed-token takes a NAME, or list, or revoke NAME\n", stderr);
        return 2;
    }
    if (code != 0) {
        fprintf(stderr, "shoal: %s\n", err.text);
    }
    return code == 0 ? 0 : 1;
}

int seed_mirror_find(
    struct shoal_call *call, struct shoal_request *request, int64_t *id, struct shoal_err *err)
{
    char sha256[65];
    const char *given = shoal_request_header(request, "Authorization");
    if (given == NULL || strncasecmp(given, "Bearer ", 7) != 0 || strlen(given) > 300) {
        return shoal_fail_api(err, SHOAL_EAUTH, SEED_SAYS_NO_TOKEN,
            "a mirror shows its token: Authorization: Bearer TOKEN");
    }
    seed_sha256(given + 7, strlen(given + 7), sha256);
    int code =
        shoal_db_i64(shoal_call_db(call), &sql_token_find, SHOAL_ARGS(SHOAL_TEXT(sha256)), id, err);
    return code == SHOAL_ENOTFOUND ? shoal_fail_api(err, SHOAL_EAUTH, SEED_SAYS_NO_TOKEN,
                                         "this token is not known here, or was revoked")
                                   : code;
}
