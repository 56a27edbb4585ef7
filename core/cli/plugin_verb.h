// plugin_verb.h - verbs that plugins bring: shoal PLUGIN VERB DIR …
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CLI_PLUGIN_VERB_H
#define SHOAL_CORE_CLI_PLUGIN_VERB_H

int shoal_cli_plugin_verb(int argc, char **argv);

#endif
