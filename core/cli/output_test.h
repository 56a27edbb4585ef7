// output_test.h - what the tests of verbs share: runs one and keeps what it prints.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CLI_OUTPUT_TEST_H
#define SHOAL_CORE_CLI_OUTPUT_TEST_H
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cli.h"

/// What was printed since output_start().
struct output {
    char out[65536], err[16384];
    int fds[2], saved[2];
};

static inline void output_start(struct output *output)
{
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        output->saved[i] = dup(i + 1);
        output->fds[i] = memfd_create("output", MFD_CLOEXEC);
        dup2(output->fds[i], i + 1);
    }
}

static inline void output_stop(struct output *output)
{
    char *const texts[] = {output->out, output->err};
    const size_t rooms[] = {sizeof output->out, sizeof output->err};
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        dup2(output->saved[i], i + 1);
        close(output->saved[i]);
        ssize_t got = pread(output->fds[i], texts[i], rooms[i] - 1, 0);
        texts[i][got > 0 ? got : 0] = '\0';
        close(output->fds[i]);
    }
}

/// Runs a command line, NULL-ended and without the program's name.
static inline int output_run(struct output *output, const char *const *words)
{
    const char *argv[32] = {"shoal"};
    int argc = 1;
    for (; words[argc - 1] != NULL && argc < 31; argc++) {
        argv[argc] = words[argc - 1];
    }
    argv[argc] = NULL;
    output_start(output);
    int code = shoal_cli_run(argc, (char **)(uintptr_t)argv);
    output_stop(output);
    return code;
}
#define OUTPUT_RUN(output, ...) output_run(output, (const char *const[]){__VA_ARGS__, NULL})

#endif
