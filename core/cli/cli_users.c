// cli_users.c - shoal user: adds people, sets passwords, lists who is there.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include <shoal/catalog.h>
#include <shoal/json.h>

#include "cli/cli.h"

#define PAGE 100

/// The password: of the option, asked for, or the first line of stdin.
static int password_get(const struct shoal_args *args, char *out, size_t room,
    struct shoal_err *err)
{
    const char *given = shoal_args_get(args, "password");
    if (given != NULL) {
        snprintf(out, room, "%s", given);
    } else if (shoal_ask_can()) {
        char again[512] = "";
        shoal_ask("Password:", true, out, room);
        shoal_ask("Once more:", true, again, sizeof again);
        bool differs = strcmp(out, again) != 0;
        sodium_memzero(again, sizeof again);
        if (differs) {
            return shoal_fail(err, SHOAL_EINVAL, "the two passwords differ");
        }
    } else if (fgets(out, (int)room, stdin) != NULL) {
        out[strcspn(out, "\r\n")] = '\0';
    }
    if (out[0] == '\0') {
        return shoal_fail(err, SHOAL_EINVAL,
            "a password is needed: --password PASSWORD, or the first line of the input");
    }
    return 0;
}

static int role_of(const char *name)
{
    static const char *const names[] = {"admin", "moderator", "user"};
    for (int i = 0; name != NULL && i < 3; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return name == NULL ? SHOAL_ROLE_USER : -1;
}

static int run_add(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    char password[512] = "";
    int role = role_of(shoal_args_get(args, "role"));
    if (role < 0) {
        return shoal_cli_usage("--role is admin, moderator or user");
    }
    if (shoal_config_there(args->words[0], &err) != 0) { // before anybody is asked
        return shoal_cli_fail(&err);
    }
    if (password_get(args, password, sizeof password, &err) != 0) {
        return shoal_cli_usage("%s", err.text);
    }
    struct shoal_instance instance;
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_HOST, &err) != 0) {
        sodium_memzero(password, sizeof password);
        return shoal_cli_fail(&err);
    }
    const char *email = shoal_args_get(args, "email");
    char made_up[128];
    snprintf(made_up, sizeof made_up, "%s@localhost.invalid", args->words[1]);
    json_t *fields = json_pack("{s:s, s:s, s:s, s:i}", "username", args->words[1], "password",
        password, "email", email != NULL ? email : made_up, "role", role);
    sodium_memzero(password, sizeof password);
    json_t *made = fields == NULL ? NULL
                                  : shoal_user_create(&instance.call, fields, "admin", &err);
    json_decref(fields);
    if (fields == NULL) {
        shoal_fail(&err, SHOAL_EINVAL, "name and password must be UTF-8");
    }
    int code = made == NULL ? shoal_cli_fail(&err) : SHOAL_EXIT_FINE;
    if (made != NULL && shoal_args_has(args, "json")) {
        shoal_cli_print_json(json_incref(json_object_get(made, "user")));
        json_decref(made);
    } else if (made != NULL) {
        printf("%s was added, with the channel %s_channel.\n", args->words[1], args->words[1]);
        json_decref(made);
    }
    shoal_instance_close(&instance);
    return code;
}

/// Calls each for every user; each returns true to go on.
static int users_each(struct shoal_instance *instance, bool (*each)(const json_t *user, void *arg),
    void *arg, struct shoal_err *err)
{
    for (int start = 0;; start += PAGE) {
        json_t *query = json_pack("{s:i, s:i, s:s}", "start", start, "count", PAGE, "sort",
            "createdAt");
        json_t *page = shoal_user_list(&instance->call, query, err);
        json_decref(query);
        if (page == NULL) {
            return err->code != 0 ? err->code : SHOAL_EIO;
        }
        const json_t *data = json_object_get(page, "data");
        size_t count = json_array_size(data);
        bool goes_on = count == PAGE;
        for (size_t i = 0; i < count; i++) {
            if (!each(json_array_get(data, i), arg)) {
                goes_on = false;
                break;
            }
        }
        json_decref(page);
        if (!goes_on) {
            return 0;
        }
    }
}

struct wanted {
    const char *name;
    json_int_t id;
};

static bool is_wanted(const json_t *user, void *arg)
{
    struct wanted *wanted = arg;
    if (strcasecmp(shoal_text(user, "username", ""), wanted->name) == 0) {
        wanted->id = shoal_integer(user, "id", 0);
        return false;
    }
    return true;
}

static int run_password(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    char password[512] = "";
    if (shoal_config_there(args->words[0], &err) != 0) {
        return shoal_cli_fail(&err);
    }
    if (password_get(args, password, sizeof password, &err) != 0) {
        return shoal_cli_usage("%s", err.text);
    }
    struct shoal_instance instance;
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_CATALOG, &err) != 0) {
        sodium_memzero(password, sizeof password);
        return shoal_cli_fail(&err);
    }
    struct wanted wanted = {.name = args->words[1]};
    int code = users_each(&instance, is_wanted, &wanted, &err);
    if (code == 0 && wanted.id == 0) {
        code = shoal_fail(&err, SHOAL_ENOTFOUND, "there is no user %s", wanted.name);
    }
    if (code == 0) {
        json_t *fields = json_pack("{s:s}", "password", password);
        code = shoal_user_update(&instance.call, wanted.id, fields, &err);
        json_decref(fields);
    }
    sodium_memzero(password, sizeof password);
    if (code == 0) {
        printf("%s has a new password.\n", wanted.name);
    }
    shoal_instance_close(&instance);
    return code == 0 ? SHOAL_EXIT_FINE : shoal_cli_fail(&err);
}

static bool gather(const json_t *user, void *arg)
{
    json_t *rows = arg;
    json_t *row = json_copy((json_t *)(uintptr_t)user);
    const char *role = shoal_text(user, "role.label", NULL);
    json_object_set_new(row, "roleName", json_string(role != NULL ? role : ""));
    json_array_append_new(rows, row);
    return true;
}

static int run_list(const struct shoal_args *args)
{
    struct shoal_err err = {0};
    struct shoal_instance instance;
    if (shoal_instance_open(&instance, args->words[0], SHOAL_OPEN_CATALOG, &err) != 0) {
        return shoal_cli_fail(&err);
    }
    json_t *rows = json_array();
    int code = users_each(&instance, gather, rows, &err);
    if (code == 0 && shoal_args_has(args, "json")) {
        shoal_cli_print_json(json_incref(rows));
    } else if (code == 0) {
        static const char *const keys[] = {"id", "username", "roleName", "email", "blocked",
            "createdAt", NULL};
        static const char *const headings[] = {"id", "name", "role", "email", "blocked", "since",
            NULL};
        shoal_cli_print_table(rows, keys, headings);
    }
    json_decref(rows);
    shoal_instance_close(&instance);
    return code == 0 ? SHOAL_EXIT_FINE : shoal_cli_fail(&err);
}

static const struct shoal_option add_options[] = {
    {"email", "ADDRESS", "where mail goes"},
    {"role", "ROLE", "admin, moderator or user; without it user"},
    {"password", "PASSWORD", "without it it is asked for, or read from the input"},
    {"json", NULL, "for scripts"},
    {NULL, NULL, NULL},
};
static const struct shoal_option password_options[] = {
    {"password", "PASSWORD", "without it it is asked for, or read from the input"},
    {NULL, NULL, NULL},
};

const struct shoal_command shoal_cli_users[] = {
    {"user add", "DIR NAME", "adds somebody, with account and channel", add_options, run_add},
    {"user password", "DIR NAME", "sets somebody's password", password_options, run_password},
    {"user list", "DIR", "lists who is there", shoal_cli_json, run_list},
    {NULL, NULL, NULL, NULL, NULL},
};
