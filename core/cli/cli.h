// cli.h - the command line: a table of verbs, one file each, and what they share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CLI_CLI_H
#define SHOAL_CORE_CLI_CLI_H
#include <limits.h>

#include <jansson.h>

#include <shoal/error.h>

#include "base/context.h"
#include "host/config.h"
#include "host/host.h"

enum shoal_exit {
    SHOAL_EXIT_FINE = 0,
    SHOAL_EXIT_FAILED = 1,
    SHOAL_EXIT_USAGE = 2,
    SHOAL_EXIT_FINDINGS = 3, ///< doctor and check found something
};

/// One option of a verb: "--name VALUE", "--name=VALUE", or "--name" alone when it takes no value.
struct shoal_option {
    const char *name;      ///< "listen"
    const char *value;     ///< what the help calls its value ("ADDR:PORT"); NULL: it takes none
    const char *help;
};
extern const struct shoal_option shoal_cli_json[]; ///< of verbs that have "--json" alone
#define SHOAL_OPTIONS_MAX 16
#define SHOAL_ARGS_MAX    64

struct shoal_command;
/// A command line as parsed.
struct shoal_args {
    const struct shoal_command *command;
    const char *options[SHOAL_OPTIONS_MAX]; ///< value by row of the table; "" for one without value
    const char *words[SHOAL_ARGS_MAX];      ///< what is no option
    int word_count;
    int argc;
    char **argv;                            ///< the whole line, as the process got it
};

/// One verb. Its options end with a row without name.
struct shoal_command {
    const char *verb;    ///< "user add"
    const char *words;   ///< "DIR NAME"; "…" at the end takes any number, "[X]" is optional
    const char *help;    ///< one line
    const struct shoal_option *options;
    int (*run)(const struct shoal_args *args);
};

/// The tables of the files below, NULL-ended by verb.
extern const struct shoal_command shoal_cli_instance[]; ///< init check serve doctor reload version
extern const struct shoal_command shoal_cli_users[];
extern const struct shoal_command shoal_cli_plugins[];
extern const struct shoal_command shoal_cli_show[];     ///< hooks routes jobs
extern const struct shoal_command shoal_cli_backups[];
extern const struct shoal_command shoal_cli_hidden[];   ///< sql: for tests, not in the help

/// Runs a command line; returns the exit code.
int shoal_cli_run(int argc, char **argv);

/// Sorts arguments into options and words. first: index of the first argument behind the verb.
/// Errors: SHOAL_EINVAL with a sentence.
int shoal_args_parse(struct shoal_args *args, const struct shoal_command *command, int argc,
    char **argv, int first, struct shoal_err *err);
/// The value of an option, NULL when it was not given.
const char *shoal_args_get(const struct shoal_args *args, const char *name);
bool shoal_args_has(const struct shoal_args *args, const char *name);

/// Prints "shoal: SENTENCE" to stderr and gives SHOAL_EXIT_FAILED.
int shoal_cli_fail(const struct shoal_err *err);
int shoal_cli_say_fail(const char *format, ...) SHOAL_PRINTF(1, 2);
int shoal_cli_usage(const char *format, ...) SHOAL_PRINTF(1, 2);
/// Prints JSON with a line break, and takes the reference.
void shoal_cli_print_json(json_t *value);
/// Prints an array of objects as columns: keys and headings, both NULL-ended and of one length.
void shoal_cli_print_table(const json_t *rows, const char *const *keys,
    const char *const *headings);

/// How much of an instance a verb needs.
enum shoal_open {
    SHOAL_OPEN_CONFIG = 0,
    SHOAL_OPEN_DATA = 1,    ///< the database too, with the tables as they are
    SHOAL_OPEN_CATALOG = 2, ///< the catalog too, its tables migrated
    SHOAL_OPEN_HOST = 3,    ///< plugins too, for commands
};
/// An instance that a verb works on; it runs as the folder's owner.
struct shoal_instance {
    struct shoal_config *config;
    struct shoal_router *router;
    struct shoal_call call;  ///< as the system
    enum shoal_open level;
    bool has_call;
};
int shoal_instance_open(struct shoal_instance *instance, const char *folder,
    enum shoal_open level, struct shoal_err *err);
/// The same without becoming the folder's owner: for instances that live as long as the command.
int shoal_instance_open_as_is(struct shoal_instance *instance, const char *folder,
    enum shoal_open level, struct shoal_err *err);
/// The same with overrides, as shoal_config_read() takes them.
int shoal_instance_open_with(struct shoal_instance *instance, const char *folder,
    enum shoal_open level, const char *const *sets, size_t count, struct shoal_err *err);
void shoal_instance_close(struct shoal_instance *instance);
/// What the host is started with: the shipped folders of this server.
struct shoal_host_options shoal_instance_host_options(const struct shoal_config *config,
    struct shoal_router *router);
/// Where the database of an instance lies.
const char *shoal_instance_database(const struct shoal_config *config, char path[PATH_MAX]);

/// Where this server's own things are, found from the program's place: "plugins", "themes",
/// "templates", "include". Returns: false where there is none.
bool shoal_path_shipped(const char *what, char path[PATH_MAX]);

/// Whether somebody can be asked, and asking: with echo, or without for secrets.
bool shoal_ask_can(void);
int shoal_ask(const char *question, bool is_secret, char *answer, size_t room);

#endif
