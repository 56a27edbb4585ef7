// paths.c - where the things that came with the server are, seen from the program itself.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

struct place {
    const char *what;
    const char *paths[3]; ///< from the program's folder: built, beside the source, installed
};
static const struct place places[] = {
    {"plugins", {"plugins", "../lib/shoal/plugins", NULL}},
    {"themes", {"themes", "../themes", "../share/shoal/themes"}},
    {"templates", {"templates", "../sdk/templates", "../share/shoal/templates"}},
    {"include", {"../sdk/include", "../include", NULL}},
};

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool shoal_path_shipped(const char *what, char path[PATH_MAX])
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) {
        return false;
    }
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (size_t j = 0; j < 3 && strcmp(places[i].what, what) == 0; j++) {
            if (places[i].paths[j] == NULL) {
                break;
            }
            // A build may lie one folder deeper than usual (build/test): look above as well.
            static const char *const ups[] = {"", "../"};
            for (size_t k = 0; k < 2; k++) {
                bool climbs = strncmp(places[i].paths[j], "../", 3) == 0;
                int wrote = snprintf(path, PATH_MAX, "%s/%s%s", program, climbs ? ups[k] : "",
                    places[i].paths[j]);
                if (wrote > 0 && wrote < PATH_MAX && is_folder(path)) {
                    return true;
                }
            }
        }
    }
    path[0] = '\0';
    return false;
}
