// overrides.c - what the command line of `serve` says over the configuration file.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "super/super.h"

size_t shoal_super_overrides(int argc, char **argv, const char *out[SHOAL_OVERRIDES_MAX])
{
    static char listen[256];
    size_t count = 0;
    for (int i = 1; i < argc && count < SHOAL_OVERRIDES_MAX; i++) {
        const char *address = NULL;
        if (strcmp(argv[i], "--set") == 0 && i + 1 < argc) {
            out[count++] = argv[++i];
        } else if (strncmp(argv[i], "--set=", 6) == 0) {
            out[count++] = argv[i] + 6;
        } else if (strcmp(argv[i], "--listen") == 0 && i + 1 < argc) {
            address = argv[++i];
        } else if (strncmp(argv[i], "--listen=", 9) == 0) {
            address = argv[i] + 9;
        }
        if (address != NULL) {
            snprintf(listen, sizeof listen, "listen=%s", address);
            out[count++] = listen;
        }
    }
    return count;
}
