// drill.c - kills the server at a named place, when a test asked for it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "base/drill.h"

#ifdef SHOAL_DEBUG
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void shoal_drill_point(const char *name)
{
    const char *path = getenv("SHOAL_DRILL");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return;
    }
    char wanted[64] = "";
    ssize_t got = read(fd, wanted, sizeof wanted - 1);
    close(fd);
    wanted[got > 0 ? got : 0] = '\0';
    if (strcmp(wanted, name) == 0 && unlink(path) == 0) {
        kill(getppid(), SIGKILL);
        raise(SIGKILL);
    }
}

int64_t shoal_drill_ms(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoll(text, NULL, 10) : otherwise;
}
#endif
