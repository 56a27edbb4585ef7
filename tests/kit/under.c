// under.c - preloaded into the supervisor: its server is started under another program (valgrind).
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 64

/// The supervisor starts its server as /proc/self/exe, which under valgrind would be valgrind. SHOAL_UNDER
/// is what comes before it, separated by spaces; SHOAL_UNDER_PROGRAM is where it lies.
int execv(const char *path, char *const argv[])
{
    char *under = getenv("SHOAL_UNDER"), *program = getenv("SHOAL_UNDER_PROGRAM");
    if (strcmp(path, "/proc/self/exe") != 0 || under == NULL || program == NULL) {
        return execve(path, argv, environ);
    }
    char *words[WORDS_MAX], *state = NULL;
    size_t count = 0;
    for (char *word = strtok_r(under, " ", &state); word && count < WORDS_MAX / 2;
         word = strtok_r(NULL, " ", &state)) {
        words[count++] = word;
    }
    words[count++] = program;
    for (size_t i = 1; argv[i] != NULL && count + 1 < WORDS_MAX; i++) {
        words[count++] = argv[i];
    }
    words[count] = NULL;
    unsetenv("LD_PRELOAD");
    return execvp(words[0], words);
}
