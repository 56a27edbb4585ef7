// options.c - sorts a command line into options and words.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

const struct shoal_option shoal_cli_json[] = {{"json", NULL, "for scripts"}, {NULL, NULL, NULL}};

static int row_find(const struct shoal_command *command, const char *name, size_t length)
{
    for (int i = 0; command->options != NULL && command->options[i].name != NULL; i++) {
        const char *row = command->options[i].name;
        if (strlen(row) == length && strncmp(row, name, length) == 0) {
            return i;
        }
    }
    return -1;
}

static int option_take(struct shoal_args *args, int *i, struct shoal_err *err)
{
    const char *name = args->argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    int row = row_find(args->command, name, length);
    if (row < 0) {
        return shoal_fail(err, SHOAL_EINVAL, "shoal %s has no option --%.*s",
            args->command->verb, (int)length, name);
    }
    const struct shoal_option *option = &args->command->options[row];
    if (option->value == NULL) {
        args->options[row] = "";
        return equals == NULL ? 0
                              : shoal_fail(err, SHOAL_EINVAL, "--%s takes no value", option->name);
    }
    if (equals != NULL) {
        args->options[row] = equals + 1;
        return 0;
    }
    if (*i + 1 >= args->argc) {
        return shoal_fail(err, SHOAL_EINVAL, "--%s needs %s", option->name, option->value);
    }
    args->options[row] = args->argv[++*i];
    return 0;
}

/// How many words a verb wants at least and at most.
static void words_count(const char *words, int *least, int *most)
{
    *least = *most = 0;
    while (words != NULL && *words != '\0') {
        size_t length = strcspn(words, " ");
        if (strncmp(words, "…", strlen("…")) == 0) {
            *most = SHOAL_ARGS_MAX;
        } else {
            *least += words[0] == '[' ? 0 : 1;
            *most += 1;
        }
        words += length;
        words += *words == ' ' ? 1 : 0;
    }
}

int shoal_args_parse(struct shoal_args *args, const struct shoal_command *command, int argc,
    char **argv, int first, struct shoal_err *err)
{
    *args = (struct shoal_args){.command = command, .argc = argc, .argv = argv};
    bool only_words = false;
    for (int i = first; i < argc; i++) {
        const char *text = argv[i];
        if (!only_words && strcmp(text, "--") == 0) {
            only_words = true;
        } else if (!only_words && text[0] == '-' && text[1] == '-') {
            int code = option_take(args, &i, err);
            if (code != 0) {
                return code;
            }
        } else if (!only_words && text[0] == '-' && text[1] != '\0') {
            return shoal_fail(err, SHOAL_EINVAL, "shoal %s has no option %s", command->verb, text);
        } else if (args->word_count == SHOAL_ARGS_MAX) {
            return shoal_fail(err, SHOAL_EINVAL, "too many arguments");
        } else {
            args->words[args->word_count++] = text;
        }
    }
    int least, most;
    words_count(command->words, &least, &most);
    if (args->word_count < least) {
        return shoal_fail(err, SHOAL_EINVAL, "shoal %s needs %s", command->verb, command->words);
    }
    if (args->word_count > most) {
        return shoal_fail(err, SHOAL_EINVAL, "shoal %s does not know what to do with \"%s\"",
            command->verb, args->words[most]);
    }
    return 0;
}

const char *shoal_args_get(const struct shoal_args *args, const char *name)
{
    int row = row_find(args->command, name, strlen(name));
    return row < 0 ? NULL : args->options[row];
}

bool shoal_args_has(const struct shoal_args *args, const char *name)
{
    return shoal_args_get(args, name) != NULL;
}
