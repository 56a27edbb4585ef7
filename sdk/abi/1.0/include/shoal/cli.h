// cli.h - verbs that a plugin adds to the command line: shoal PLUGIN VERB.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_CLI_H
#define SHOAL_CLI_H
#include <shoal/version.h>

/// Adds a verb. fn gets the arguments behind it and prints to stdout; its result is the exit code.
///
/// Returns: 0 or a negative error. Errors: SHOAL_EFORBIDDEN (no permission "cli"), SHOAL_ECONFLICT.
/// Thread:  start() only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_cli_add(struct shoal_plugin *self, const char *verb, const char *help,
    int (*fn)(struct shoal_call *call, int argc, const char *const *argv, void *arg), void *arg);

#endif
