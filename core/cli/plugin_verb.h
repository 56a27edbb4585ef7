// plugin_verb.h - verbs that plugins bring: shoal PLUGIN VERB DIR …, and words of their own.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CLI_PLUGIN_VERB_H
#define SHOAL_CORE_CLI_PLUGIN_VERB_H

#include <stdio.h>

int shoal_cli_plugin_verb(int argc, char **argv);

/// Runs the first word of a line where a plugin's manifest claims it. Returns: the exit code; -1 where
/// none does.
int shoal_cli_word_run(int argc, char **argv);
/// The words that plugins claim, a line each.
void shoal_cli_words_help(FILE *out);

#endif
