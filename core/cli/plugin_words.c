// plugin_words.c - words of the command line that plugins claim in their manifests.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/plugin_verb.h"
#include "cli/serve.h"
#include "host/manifest.h"
#include "host/plugin_priv.h"
#include "super/drop.h"
#include "super/super.h"

#define MARK "-- shoal.lua - written anew each time by: shoal "

struct word {
    const struct shoal_manifest *manifest;
    const struct shoal_manifest_command *command;
};
/// Calls each() for the words of the plugins in a folder, until it says true.
static bool words_each(struct shoal_arena *arena, const char *folder,
    bool (*each)(const struct word *word, void *user), void *user)
{
    bool is_over = false;
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir != NULL && !is_over && (entry = readdir(dir)) != NULL;) {
        const char *path = shoal_arena_printf(arena, "%s/%s", folder, entry->d_name);
        const struct shoal_manifest *manifest =
            shoal_manifest_name_valid(entry->d_name)
                ? shoal_manifest_read(arena, path, entry->d_name, NULL)
                : NULL;
        for (size_t i = 0; manifest != NULL && i < manifest->command_count && !is_over; i++) {
            const struct word word = {manifest, &manifest->commands[i]};
            is_over = each(&word, user);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return is_over;
}

static bool print(const struct word *word, void *user)
{
    char left[100];
    const struct shoal_manifest_command *command = word->command;
    snprintf(left, sizeof left, "%s %s%s%s", command->word, command->serves ? "" : "[DIR]",
        command->serves || command->words[0] == '\0' ? "" : " ", command->words);
    fprintf(user, "  %-32s %s\n", left, command->help);
    return false;
}

void shoal_cli_words_help(FILE *out)
{
    char folder[PATH_MAX];
    struct shoal_arena *arena = shoal_arena_new(0);
    if (shoal_path_shipped("plugins", folder)) {
        fputs("\nOf plugins\n", out);
        words_each(arena, folder, print, out);
    }
    shoal_arena_free(arena);
}

struct wanted {
    const char *text;
    struct word found;
};

static bool match(const struct word *word, void *user)
{
    struct wanted *wanted = user;
    bool is_it = strcmp(word->command->word, wanted->text) == 0;
    wanted->found = is_it ? *word : wanted->found;
    return is_it;
}

static bool is_instance(const char *folder)
{
    return shoal_config_there(folder, NULL) == 0;
}

/// The command of struct shoal_command for a word: its settings are options.
static struct shoal_command command_of(struct shoal_arena *arena, const struct word *word)
{
    const struct shoal_manifest_command *claimed = word->command;
    struct shoal_option *options = shoal_arena_alloc(arena, SHOAL_OPTIONS_MAX * sizeof *options);
    size_t count = 0;
    if (claimed->serves != NULL) {
        options[count++] = (struct shoal_option){"folder", "DIR", "where it keeps what it has"};
        options[count++] = (struct shoal_option){
            "listen", "ADDR:PORT", "where it listens; without it 0.0.0.0:9001"};
        options[count++] =
            (struct shoal_option){"set", "KEY=VALUE", "any other setting; may be repeated"};
    }
    for (const char *const *at = claimed->serves; at && *at && count + 1 < SHOAL_OPTIONS_MAX;
         at++) {
        for (size_t i = 0; i < word->manifest->setting_count; i++) {
            const struct shoal_setting_row *row = &word->manifest->settings[i];
            char *name = strcmp(row->name, *at) == 0 ? shoal_arena_strdup(arena, row->name) : NULL;
            char *value = name != NULL ? shoal_arena_strdup(arena, name) : NULL;
            for (size_t j = 0; name != NULL && name[j] != '\0'; j++) {
                name[j] = name[j] == '_' ? '-' : name[j];
                value[j] = (char)toupper((unsigned char)value[j]);
            }
            if (name != NULL) {
                options[count++] = (struct shoal_option){name, value, row->help};
            }
        }
    }
    return (struct shoal_command){
        .verb = claimed->word, .words = claimed->words, .help = claimed->help, .options = options};
}

/// The value of a setting: its option, or the word of the line that is called like it.
static const char *value_of(
    const struct shoal_args *args, const struct shoal_command *command, const char *setting)
{
    char name[64];
    snprintf(name, sizeof name, "%s", setting);
    for (char *at = name; *at != '\0'; at++) {
        *at = *at == '_' ? '-' : *at;
    }
    const char *value = shoal_args_get(args, name);
    const char *at = command->words;
    for (int i = 0; value == NULL && i < args->word_count && *at != '\0'; i++) {
        size_t length = strcspn(at, " ");
        value = length == strlen(setting) && strncasecmp(at, setting, length) == 0 ? args->words[i]
                                                                                   : NULL;
        at += length + strspn(at + length, " ");
    }
    return value;
}

static int config_write(const struct word *word, const struct shoal_args *args,
    const struct shoal_command *command, const char *folder, struct shoal_err *err)
{
    struct shoal_buf out = {0};
    char path[PATH_MAX];
    const char *listen = shoal_args_get(args, "listen");
    listen = listen != NULL ? listen : "0.0.0.0:9001";
    shoal_buf_printf(&out, MARK "%s\n", word->command->word);
    if (listen[0] >= '1' && listen[0] <= '9') { // an address of one machine is one to be found at
        shoal_buf_puts(&out, "url = ");
        char url[300];
        snprintf(url, sizeof url, "http://%s", listen);
        shoal_init_put_string(&out, url);
        shoal_buf_puts(&out, "\n");
    }
    shoal_buf_puts(&out, "listen = { ");
    shoal_init_put_string(&out, listen);
    shoal_buf_puts(&out, " }\nplugins = { { ");
    shoal_init_put_string(&out, word->manifest->name);
    for (const char *const *at = word->command->serves; *at; at++) {
        const char *value = value_of(args, command, *at);
        if (value != NULL) {
            shoal_buf_printf(&out, ", [\"%s\"] = ", *at);
            shoal_init_put_string(&out, value);
        }
    }
    shoal_buf_puts(&out, " } }\n");
    snprintf(path, sizeof path, "%s/shoal.lua", folder);
    int code = shoal_file_write_whole(path, out.data, out.length, 0600, err); // it may hold secrets
    shoal_buf_fini(&out);
    return code;
}

/// Makes the folder, or takes one that an earlier run of this word made.
static int folder_take(const char *folder, const char *word, struct shoal_err *err)
{
    char path[PATH_MAX], line[200] = "";
    char mark[200];
    struct stat info;
    snprintf(path, sizeof path, "%s/shoal.lua", folder);
    snprintf(mark, sizeof mark, MARK "%s\n", word);
    if (!is_instance(folder)) {
        int code = shoal_init_folder(folder, err);
        if (code != 0) {
            return code;
        }
    } else {
        int code = shoal_drop_to_owner(folder, err);
        FILE *file = code == 0 ? fopen(path, "re") : NULL;
        bool is_ours =
            file != NULL && fgets(line, sizeof line, file) != NULL && strcmp(line, mark) == 0;
        if (file != NULL) {
            fclose(file);
        }
        if (code != 0 || !is_ours) {
            return code != 0 ? code
                             : shoal_fail(err, SHOAL_ECONFLICT,
                                   "%s is another instance: shoal %s wants a folder of its own",
                                   folder, word);
        }
    }
    snprintf(path, sizeof path, "%s/shoal.sqlite3", folder);
    return stat(path, &info) == 0 ? 0 : shoal_file_write_whole(path, "", 0, 0640, err);
}

/// Runs the verb on the new instance; its exit code, or a negative error.
static int verb_run(const struct word *word, const char *folder, const char *const *sets,
    size_t count, struct shoal_err *err)
{
    struct shoal_instance instance;
    int code = shoal_instance_open_with(&instance, folder, SHOAL_OPEN_HOST, sets, count, err);
    if (code != 0) {
        return code;
    }
    const struct shoal_plugin *plugin = shoal_plugin_find(word->manifest->name);
    if (plugin != NULL && !shoal_plugin_runs(plugin)) {
        code = shoal_fail(err, SHOAL_EINVAL, "%s", plugin->sentence);
    }
    code = code != 0 ? code
                     : shoal_host_verb_run(
                           &instance.call, word->manifest->name, word->command->verb, 0, NULL, err);
    shoal_instance_close(&instance);
    return code;
}

static int serve_now(char *program, char *folder, const char *const *sets, size_t count)
{
    const char *argv[2 * SHOAL_OVERRIDES_MAX + 4] = {program, "serve", folder};
    size_t used = 3;
    for (size_t i = 0; i < count; i++) {
        argv[used++] = "--set";
        argv[used++] = sets[i];
    }
    argv[used] = NULL;
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    return shoal_cli_say_fail("the server cannot be started: %s", strerror(errno));
}

static int word_serves(
    const struct word *word, const struct shoal_command *command, const struct shoal_args *args)
{
    struct shoal_err err = {0};
    char folder[PATH_MAX];
    const char *sets[SHOAL_OVERRIDES_MAX];
    const char *given = shoal_args_get(args, "folder");
    const char *listen = shoal_args_get(args, "listen");
    if (given == NULL || given[0] == '\0') {
        return shoal_cli_usage("shoal %s needs --folder DIR", command->verb);
    }
    if (listen != NULL && !shoal_init_listen_valid(listen)) {
        return shoal_cli_usage("\"%s\" is no address to listen on, like 0.0.0.0:9001", listen);
    }
    snprintf(folder, sizeof folder, "%s", given);
    for (size_t end = strlen(folder); end > 1 && folder[end - 1] == '/'; end--) {
        folder[end - 1] = '\0';
    }
    size_t count = shoal_super_overrides(args->argc, args->argv, sets);
    int code = folder_take(folder, command->verb, &err);
    code = code != 0 ? code : config_write(word, args, command, folder, &err);
    code = code != 0 ? code : verb_run(word, folder, sets, count, &err);
    return code < 0   ? shoal_cli_fail(&err)
           : code > 0 ? code
                      : serve_now(args->argv[0], folder, sets, count);
}

/// On an instance: DIR is the next argument, or where one stands. What has a slash is meant to be a folder.
static int word_on_instance(const struct word *word, int argc, char **argv)
{
    const char *line[SHOAL_ARGS_MAX + 4] = {argv[0], word->manifest->name, word->command->verb};
    bool has_folder = argc > 2 && (strchr(argv[2], '/') != NULL || is_instance(argv[2]));
    if (!has_folder && !is_instance(".")) {
        return shoal_cli_usage(
            "shoal %s needs DIR, the folder of an instance, unless you are in it",
            word->command->word);
    }
    int used = 3;
    line[used++] = has_folder ? argv[2] : ".";
    for (int i = has_folder ? 3 : 2; i < argc && used < SHOAL_ARGS_MAX; i++) {
        line[used++] = argv[i];
    }
    return shoal_cli_plugin_verb(used, (char **)(uintptr_t)line);
}

static void help_one(const struct word *word, const struct shoal_command *command)
{
    printf("shoal %s %s%s%s\n  %s\n", command->verb, word->command->serves ? "" : "[DIR] ",
        command->words, word->command->serves ? " --folder DIR [OPTIONS]" : "", command->help);
    for (size_t i = 0; command->options[i].name != NULL; i++) {
        char left[80];
        snprintf(left, sizeof left, "--%s %s", command->options[i].name, command->options[i].value);
        printf("  %-28s %s\n", left, command->options[i].help);
    }
}

static int word_run(struct shoal_arena *arena, const struct word *word, int argc, char **argv)
{
    struct shoal_command command = command_of(arena, word);
    struct shoal_args args;
    struct shoal_err err = {0};
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help_one(word, &command);
            return SHOAL_EXIT_FINE;
        }
    }
    if (word->command->serves == NULL) {
        return word_on_instance(word, argc, argv);
    }
    return shoal_args_parse(&args, &command, argc, argv, 2, &err) != 0
               ? shoal_cli_usage("%s", err.text)
               : word_serves(word, &command, &args);
}

int shoal_cli_word_run(int argc, char **argv)
{
    char folder[PATH_MAX];
    struct wanted wanted = {.text = argv[1]};
    struct shoal_arena *arena = shoal_arena_new(0);
    bool found = shoal_path_shipped("plugins", folder) && words_each(arena, folder, match, &wanted);
    if (!found && argc > 2) { // or one of the instance's own
        found = words_each(arena, shoal_arena_printf(arena, "%s/plugins", argv[2]), match, &wanted);
    }
    int code = found ? word_run(arena, &wanted.found, argc, argv) : -1;
    shoal_arena_free(arena);
    return code;
}
