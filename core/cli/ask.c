// ask.c - asks a person at the terminal.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sodium.h>

#include "cli/cli.h"

bool shoal_ask_can(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

int shoal_ask(const char *question, bool is_secret, char *answer, size_t room)
{
    struct termios before, quiet;
    bool is_changed = false;
    fprintf(stderr, "%s ", question);
    fflush(stderr);
    if (is_secret && tcgetattr(STDIN_FILENO, &before) == 0) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        is_changed = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
    }
    bool got = fgets(answer, (int)room, stdin) != NULL;
    if (is_changed) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (!got) {
        sodium_memzero(answer, room);
        return SHOAL_EINVAL;
    }
    // The rest of a longer line is not the answer to the next question.
    for (int c = 0; strchr(answer, '\n') == NULL && c != '\n' && c != EOF;) {
        c = fgetc(stdin);
    }
    answer[strcspn(answer, "\r\n")] = '\0';
    return 0;
}
