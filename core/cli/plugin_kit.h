// plugin_kit.h - what the tests of a plugin can do with the host that runs it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CLI_PLUGIN_KIT_H
#define SHOAL_CORE_CLI_PLUGIN_KIT_H
#include "host/plugin_priv.h"

struct shoal_test_counts {
    int passed, failed;
};

/// Runs one file of tests on the host of this process and prints a line for each of them.
int shoal_plugin_kit_run(struct shoal_plugin *plugin, const char *path,
    struct shoal_test_counts *counts, struct shoal_err *err);

#endif
