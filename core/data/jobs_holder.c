// jobs_holder.c - names the process that holds a job, and tells whether another one is gone.
//
// NODE/PID.START.CHANCE: the node is this boot and this namespace of processes, so that a number of
// a process means the same to whoever compares it.
//
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "data/jobs_priv.h"

static void make_node(char out[JOB_NODE_LENGTH + 1])
{
    struct shoal_buf text = {0};
    char link[64] = "";
    if (readlink("/proc/self/ns/pid", link, sizeof(link) - 1) < 0 ||
        shoal_file_read_whole("/proc/sys/kernel/random/boot_id", 256, &text, NULL) < 0) {
        shoal_random_hex(out, JOB_NODE_LENGTH / 2); // no one will ever be found gone
        shoal_buf_fini(&text);
        return;
    }
    shoal_buf_puts(&text, link);
    unsigned char bytes[JOB_NODE_LENGTH / 2 < crypto_generichash_BYTES_MIN
                            ? crypto_generichash_BYTES_MIN
                            : JOB_NODE_LENGTH / 2];
    crypto_generichash(
        bytes, sizeof(bytes), (const unsigned char *)text.data, text.length, NULL, 0);
    sodium_bin2hex(out, JOB_NODE_LENGTH + 1, bytes, JOB_NODE_LENGTH / 2);
    shoal_buf_fini(&text);
}

/// When a process started, in ticks since boot; 0: there is no such process, -1: nobody knows.
static long long started_at(long pid)
{
    char path[64];
    struct shoal_buf text = {0};
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    int code = shoal_file_read_whole(path, 4096, &text, NULL);
    if (code < 0) {
        shoal_buf_fini(&text);
        return code == SHOAL_ENOTFOUND ? 0 : -1;
    }
    // The name of the program may hold anything; fields are counted from behind its bracket.
    char *at = strrchr(text.data, ')');
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    long long started = at ? strtoll(at + 1, NULL, 10) : -1;
    shoal_buf_fini(&text);
    return started;
}

void jobs_holder_make(char out[96])
{
    char node[JOB_NODE_LENGTH + 1];
    char chance[17];
    make_node(node);
    shoal_random_hex(chance, 8);
    snprintf(out, 96, "%s/%ld.%lld.%s", node, (long)getpid(), started_at((long)getpid()), chance);
}

bool jobs_holder_is_gone(const char *holder, const char *self)
{
    if (!holder || strcmp(holder, self) == 0 || strncmp(holder, self, JOB_NODE_LENGTH + 1) != 0) {
        return false;
    }
    char *end;
    errno = 0;
    long pid = strtol(holder + JOB_NODE_LENGTH + 1, &end, 10);
    if (errno != 0 || pid <= 0 || *end != '.') {
        return false;
    }
    long long started = strtoll(end + 1, NULL, 10);
    long long found = started_at(pid);
    if (found < 0) {
        return false;
    }
    // This very process under another name is an earlier runner, which was stopped.
    return found != started || pid == (long)getpid();
}
