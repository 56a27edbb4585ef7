// sandbox.h - what a media process runs in.
//
// Everything that allocates or can fail with a sentence happens in shoal_sandbox_init(), before the
// fork; shoal_sandbox_exec() runs in the forked process and makes plain system calls only.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_SANDBOX_H
#define SHOAL_CORE_SUPER_SANDBOX_H
#include <linux/filter.h>
#include <sys/types.h>

#include <shoal/error.h>
#include <shoal/process.h>

struct shoal_sandbox {
    void *page;          ///< holds path, argv and envp: the one execve that the filter lets through
    size_t page_bytes;
    const char *path;    ///< the program, absolute
    char *const *argv;
    char *const *envp;
    const char *work;
    struct sock_fprog filter;
    int landlock_fd;     ///< above 9; -1: the kernel has none
    uint64_t memory_bytes, file_bytes;
    uint32_t cpu_s;
    int nice;
    pid_t parent;        ///< whose end is the program's, too
};

/// The program's absolute path on PATH. Errors: SHOAL_EINVAL, SHOAL_ENOTFOUND.
int shoal_sandbox_find(const char *program, char path[4096], struct shoal_err *err);
int shoal_sandbox_init(struct shoal_sandbox *sandbox, const struct shoal_process *what,
    struct shoal_err *err);
void shoal_sandbox_fini(struct shoal_sandbox *sandbox);
/// In the forked process. The three descriptors become 0, 1 and 2; a failure is written to report_fd
/// as an errno (int), which is closed by a successful exec. All of them must be above 9.
_Noreturn void shoal_sandbox_exec(const struct shoal_sandbox *sandbox, int in_fd, int out_fd,
    int error_fd, int report_fd);
/// The version of Landlock that the kernel has, 0 for none.
int shoal_landlock_version(void);

// Parts.
int shoal_sandbox_filter_new(struct shoal_sandbox *sandbox, struct shoal_err *err);
/// In the forked process, before the filter: its signals reach nobody but itself. The server runs as
/// the same user.
int shoal_sandbox_signals_keep(void);
int shoal_sandbox_landlock_open(struct shoal_sandbox *sandbox, const struct shoal_process *what,
    struct shoal_err *err);
int shoal_sandbox_landlock_enter(int ruleset_fd);

#endif
