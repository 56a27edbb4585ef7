// sandbox_filter.c - which system calls a media process may make.
//
// A list of what decoding and encoding need; everything else fails with EPERM: no sockets, no new
// processes, no tracing, mounting, keys, BPF, io_uring. execve passes with the very pointers of our
// own path, arguments and environment, which name memory that the new program no longer has.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "super/sandbox.h"

// Names that this architecture or libseccomp does not know are left out of the filter.
static const char *const allowed[] = {
    // bytes and files
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
    "pwritev2", "open", "openat", "close", "close_range", "creat", "stat", "fstat", "lstat",
    "newfstatat", "fstatat64", "statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2",
    "lseek", "_llseek", "dup", "dup2", "dup3", "flock", "fsync", "fdatasync",
    "sync_file_range", "ftruncate", "truncate", "fallocate", "fadvise64", "rename", "renameat",
    "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "readlink", "readlinkat",
    "getcwd", "getdents", "getdents64", "umask", "pipe", "pipe2", "sendfile", "sendfile64",
    "copy_file_range", "readahead",
    // memory
    "mmap", "mmap2", "munmap", "mprotect", "mremap", "madvise", "brk", "mincore", "membarrier",
    "msync", "get_mempolicy",
    // threads and signals of its own
    "futex", "futex_time64", "set_robust_list", "get_robust_list", "set_tid_address", "rseq",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait",
    "sigaltstack", "sigreturn", "restart_syscall", "exit", "exit_group", "tgkill", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler",
    "sched_get_priority_max", "sched_get_priority_min", "getcpu", "pause",
    // waiting and time
    "poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64",
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd",
    "eventfd2", "nanosleep", "clock_nanosleep", "clock_nanosleep_time64", "clock_gettime",
    "clock_gettime64", "clock_getres", "gettimeofday", "time", "times", "alarm", "setitimer",
    "getitimer",
    // about itself
    "getpid", "gettid", "getppid", "getpgrp", "getuid", "geteuid", "getgid", "getegid", "getresuid",
    "getresgid", "getgroups", "getrusage", "sysinfo", "uname", "getrlimit", "ugetrlimit",
    "getpriority", "getrandom", "arch_prctl", "set_thread_area", "set_tls", "cacheflush",
};

static int rules_calls(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        int number = seccomp_syscall_resolve_name(allowed[i]);
        if (number == __NR_SCMP_ERROR) {
            continue;
        }
        int code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
        if (code != 0 && code != -EDOM) {
            return code;
        }
    }
    return 0;
}

static int rules_special(scmp_filter_ctx filter, const struct shoal_sandbox *sandbox)
{
    const scmp_datum_t path = (scmp_datum_t)(uintptr_t)sandbox->path;
    const scmp_datum_t argv = (scmp_datum_t)(uintptr_t)sandbox->argv;
    const scmp_datum_t envp = (scmp_datum_t)(uintptr_t)sandbox->envp;
    int code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(execve), 3,
        SCMP_A0(SCMP_CMP_EQ, path), SCMP_A1(SCMP_CMP_EQ, argv), SCMP_A2(SCMP_CMP_EQ, envp));
    // Threads, not processes. clone3 hides its flags in memory: glibc falls back to clone.
    code = code != 0 ? code : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
        SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    code = code != 0 ? code : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    // What a program asks of its descriptors; terminals' TIOCSTI and the like stay out.
    static const unsigned long questions[] = {TCGETS, TIOCGWINSZ, FIONREAD, FIOCLEX, FIONBIO};
    for (size_t i = 0; code == 0 && i < sizeof questions / sizeof questions[0]; i++) {
        code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
            SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, questions[i]));
    }
    code = code != 0 ? code : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
        SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    code = code != 0 ? code : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
        SCMP_A0(SCMP_CMP_EQ, PR_SET_VMA));
    // What a program sets of its descriptors; not whom a signal goes to when something can be read.
    static const int settings[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL,
        F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_GETPIPE_SZ,
        F_SETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS};
    const int calls[] = {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)};
    for (size_t i = 0; code == 0 && i < 2 * (sizeof settings / sizeof settings[0]); i++) {
        code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i % 2], 1,
            SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)settings[i / 2]));
        code = code == -EDOM ? 0 : code; // a call that this architecture does not have
    }
    // Reading limits is fine, changing them is not.
    code = code != 0 ? code : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
        SCMP_A2(SCMP_CMP_EQ, 0));
    return code;
}

/// Compiles the filter in memory: the forked process may not allocate.
static int filter_export(scmp_filter_ctx filter, struct sock_fprog *program)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    struct stat info;
    int code = seccomp_export_bpf(filter, fd);
    if (code == 0 && (fstat(fd, &info) != 0 || info.st_size <= 0)) {
        code = -EIO;
    }
    if (code == 0) {
        size_t bytes = (size_t)info.st_size;
        program->filter = malloc(bytes);
        program->len = (unsigned short)(bytes / sizeof(struct sock_filter));
        if (program->filter == NULL ||
            pread(fd, program->filter, bytes, 0) != (ssize_t)bytes) {
            code = -EIO;
        }
    }
    close(fd);
    return code;
}

int shoal_sandbox_signals_keep(void)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    const uint32_t low = 4;
#else
    const uint32_t low = 0;
#endif
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_tgkill, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, args) + low),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof steps / sizeof steps[0], steps};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

int shoal_sandbox_filter_new(struct shoal_sandbox *sandbox, struct shoal_err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL) {
        return shoal_fail(err, SHOAL_EINTERNAL, "the sandbox's filter cannot be made");
    }
    int code = rules_calls(filter);
    code = code != 0 ? code : rules_special(filter, sandbox);
    code = code != 0 ? code : filter_export(filter, &sandbox->filter);
    seccomp_release(filter);
    if (code != 0) {
        return shoal_fail(err, SHOAL_EINTERNAL, "the sandbox's filter cannot be made: %s",
            strerror(-code));
    }
    return 0;
}
