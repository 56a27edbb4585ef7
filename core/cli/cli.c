// cli.c - finds the verb of a command line, helps, runs it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/plugin_verb.h"
#include "host/setting_row.h"

struct topic {
    const char *title;
    const struct shoal_command *commands;
};
static const struct topic topics[] = {
    {"An instance", shoal_cli_instance},
    {"People", shoal_cli_users},
    {"Plugins", shoal_cli_plugins},
    {"Looking inside", shoal_cli_show},
    {"Copies", shoal_cli_backups},
    {NULL, shoal_cli_hidden},
};
#define TOPICS (sizeof topics / sizeof topics[0])

static void help_all(FILE *out)
{
    fputs("Shoal is a federated video server. DIR is the folder of an instance.\n"
          "\n"
          "  shoal init DIR     makes an instance\n"
          "  shoal serve DIR    serves it\n",
        out);
    for (size_t i = 0; i < TOPICS && topics[i].title != NULL; i++) {
        fprintf(out, "\n%s\n", topics[i].title);
        for (const struct shoal_command *c = topics[i].commands; c->verb != NULL; c++) {
            char left[64];
            snprintf(left, sizeof left, "%s %s", c->verb, c->words);
            fprintf(out, "  %-32s %s\n", left, c->help);
        }
    }
    shoal_cli_words_help(out);
    fputs("\nshoal VERB --help says more about one. A plugin's own verbs: shoal PLUGIN VERB DIR …\n"
          "Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 check or doctor found something.\n",
        out);
}

static void help_one(const struct shoal_command *command)
{
    bool has_options = command->options != NULL && command->options[0].name != NULL;
    printf("shoal %s%s%s%s\n  %s\n", command->verb, command->words[0] != '\0' ? " " : "",
        command->words, has_options ? " [OPTIONS]" : "", command->help);
    for (int i = 0; has_options && command->options[i].name != NULL; i++) {
        const struct shoal_option *option = &command->options[i];
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", option->name, option->value != NULL ? " " : "",
            option->value != NULL ? option->value : "");
        printf("  %-28s %s\n", left, option->help);
    }
}

/// Help about a first word that several verbs share; without a stream only whether there is any.
static bool help_group(const char *word, FILE *out)
{
    bool found = false;
    size_t length = strlen(word);
    for (size_t i = 0; i < TOPICS; i++) {
        for (const struct shoal_command *c = topics[i].commands; c->verb != NULL; c++) {
            if (strncmp(c->verb, word, length) == 0 && c->verb[length] == ' ') {
                if (out != NULL) {
                    fprintf(out, "shoal %s %s\n    %s\n", c->verb, c->words, c->help);
                }
                found = true;
            }
        }
    }
    return found;
}

/// The verb that the arguments begin with; *first: behind it.
static const struct shoal_command *find(int argc, char **argv, int *first)
{
    char two[128];
    snprintf(two, sizeof two, "%s %s", argv[1], argc > 2 ? argv[2] : "");
    for (size_t i = 0; i < TOPICS; i++) {
        for (const struct shoal_command *c = topics[i].commands; c->verb != NULL; c++) {
            bool has_two = strchr(c->verb, ' ') != NULL;
            if (strcmp(c->verb, has_two ? two : argv[1]) == 0) {
                *first = has_two ? 3 : 2;
                return c;
            }
        }
    }
    return NULL;
}

/// The verb that somebody probably meant, or NULL.
static const char *nearest(const char *word)
{
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i + 1 < TOPICS; i++) {
        for (const struct shoal_command *c = topics[i].commands; c->verb != NULL && count < 64; c++) {
            names[count++] = c->verb;
        }
    }
    return shoal_nearest(word, names, count);
}

static bool asks_help(int argc, char **argv, int first)
{
    for (int i = first; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

int shoal_cli_run(int argc, char **argv)
{
    if (argc < 2) {
        help_all(stderr);
        return SHOAL_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        (strcmp(argv[1], "help") == 0 && argc == 2)) {
        help_all(stdout);
        return SHOAL_EXIT_FINE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("shoal " SHOAL_VERSION);
        return SHOAL_EXIT_FINE;
    }
    if (strcmp(argv[1], "help") == 0) {
        argv++;
        argc--;
        int at = 0;
        const struct shoal_command *about = find(argc, argv, &at);
        if (about != NULL) {
            help_one(about);
            return SHOAL_EXIT_FINE;
        }
        char option[] = "--help";
        char *line[] = {argv[0], argv[1], option, NULL};
        return help_group(argv[1], stdout) ||
                       shoal_cli_word_run(3, line) == SHOAL_EXIT_FINE
                   ? SHOAL_EXIT_FINE
                   : shoal_cli_usage("there is no verb %s", argv[1]);
    }
    int first = 0;
    const struct shoal_command *command = find(argc, argv, &first);
    int own = command == NULL ? shoal_cli_word_run(argc, argv) : -1;
    if (own >= 0) {
        return own;
    }
    if (command == NULL) {
        bool helps = asks_help(argc, argv, 2);
        if (help_group(argv[1], NULL)) {
            if (!helps && argc > 2) {
                fprintf(stderr, "shoal: there is no verb %s %s\n", argv[1], argv[2]);
            }
            help_group(argv[1], helps ? stdout : stderr);
            return helps ? SHOAL_EXIT_FINE : SHOAL_EXIT_USAGE;
        }
        const char *meant = argc < 4 ? nearest(argv[1]) : NULL; // longer ones may be a plugin's
        return meant != NULL ? shoal_cli_usage("there is no verb %s; did you mean %s?", argv[1], meant)
                             : shoal_cli_plugin_verb(argc, argv);
    }
    if (asks_help(argc, argv, first)) {
        help_one(command);
        return SHOAL_EXIT_FINE;
    }
    struct shoal_args args;
    struct shoal_err err = {0};
    if (shoal_args_parse(&args, command, argc, argv, first, &err) != 0) {
        shoal_cli_say_fail("%s", err.text);
        fprintf(stderr, "shoal %s --help says more\n", command->verb);
        return SHOAL_EXIT_USAGE;
    }
    int code = command->run(&args);
    if (fflush(stdout) != 0 && code == SHOAL_EXIT_FINE) {
        return shoal_cli_say_fail("the output cannot be written");
    }
    return code;
}
