// sandbox_filter_test.c - the filter's verdicts, worked out step by step as the kernel does.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "super/sandbox.h"

#if defined(__x86_64__)
#define ARCH       AUDIT_ARCH_X86_64
#define OTHER_ARCH AUDIT_ARCH_I386
#else
#define ARCH       AUDIT_ARCH_AARCH64
#define OTHER_ARCH AUDIT_ARCH_ARM
#endif
#define ALLOWED     SECCOMP_RET_ALLOW
#define REFUSED     (SECCOMP_RET_ERRNO | EPERM)
#define UNSUPPORTED (SECCOMP_RET_ERRNO | ENOSYS)

static struct shoal_sandbox sandbox;

static uint32_t word_at(const struct seccomp_data *data, uint32_t offset)
{
    uint32_t word = 0;
    assert_true(offset % 4 == 0 && offset + 4 <= sizeof *data);
    for (size_t i = 0; i < 4; i++) {
        ((unsigned char *)&word)[i] = ((const unsigned char *)data)[offset + i];
    }
    return word;
}

static bool jumps(const struct sock_filter *step, uint32_t a)
{
    switch (BPF_OP(step->code)) {
    case BPF_JEQ:
        return a == step->k;
    case BPF_JGT:
        return a > step->k;
    case BPF_JGE:
        return a >= step->k;
    case BPF_JSET:
        return (a & step->k) != 0;
    default:
        fail_msg("a jump that this test does not know: %d", step->code);
        return false;
    }
}

static uint32_t judge(uint32_t arch, long number, const uint64_t args[3])
{
    struct seccomp_data data = {.nr = (int)number, .arch = arch};
    uint32_t a = 0;
    for (int i = 0; args != NULL && i < 3; i++) {
        data.args[i] = args[i];
    }
    for (size_t at = 0; at < sandbox.filter.len; at++) {
        const struct sock_filter *step = &sandbox.filter.filter[at];
        if (step->code == (BPF_LD | BPF_W | BPF_ABS)) {
            a = word_at(&data, step->k);
        } else if (step->code == (BPF_ALU | BPF_AND | BPF_K)) {
            a &= step->k;
        } else if (step->code == (BPF_RET | BPF_K)) {
            return step->k;
        } else if (step->code == (BPF_JMP | BPF_JA)) {
            at += step->k;
        } else if (BPF_CLASS(step->code) == BPF_JMP) {
            at += jumps(step, a) ? step->jt : step->jf;
        } else {
            fail_msg("a step that this test does not know: %d", step->code);
        }
    }
    fail_msg("the filter has no end");
    return 0;
}

struct row {
    long number;
    uint64_t args[3];
    uint32_t verdict;
};

static void judged(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t verdict = judge(ARCH, rows[i].number, rows[i].args);
        if (verdict != rows[i].verdict) {
            fail_msg("row %zu (call %ld) is 0x%x", i, rows[i].number, verdict);
        }
    }
}

static void what_decoding_needs_is_allowed(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {SYS_read, {0}, ALLOWED},
        {SYS_write, {0}, ALLOWED},
        {SYS_openat, {0}, ALLOWED},
        {SYS_mmap, {0}, ALLOWED},
        {SYS_futex, {0}, ALLOWED},
        {SYS_getrandom, {0}, ALLOWED},
        {SYS_exit_group, {0}, ALLOWED},
    };
    judged(rows, sizeof rows / sizeof rows[0]);
}

static void doors_to_the_outside_are_shut(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {SYS_socket, {0}, REFUSED},
        {SYS_socketpair, {0}, REFUSED},
        {SYS_connect, {0}, REFUSED},
        {SYS_ptrace, {0}, REFUSED},
        {SYS_mount, {0}, REFUSED},
        {SYS_bpf, {0}, REFUSED},
        {SYS_io_uring_setup, {0}, REFUSED},
        {SYS_keyctl, {0}, REFUSED},
        {SYS_kill, {0}, REFUSED},
        {SYS_tkill, {0}, REFUSED},
        {SYS_setns, {0}, REFUSED},
        {SYS_unshare, {0}, REFUSED},
        {SYS_execveat, {0}, REFUSED},
        {SYS_symlinkat, {0}, REFUSED},
        {SYS_linkat, {0}, REFUSED},
        {SYS_fchmodat, {0}, REFUSED},
        {SYS_process_vm_writev, {0}, REFUSED},
        {9999, {0}, REFUSED},
    };
    judged(rows, sizeof rows / sizeof rows[0]);
}

static void threads_are_no_processes(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {SYS_clone, {CLONE_THREAD | CLONE_VM | CLONE_SIGHAND}, ALLOWED},
        {SYS_clone, {CLONE_VM}, REFUSED},
        {SYS_clone, {17}, REFUSED}, // fork()
        {SYS_clone3, {0}, UNSUPPORTED},
    };
    judged(rows, sizeof rows / sizeof rows[0]);
}

static void one_exec_passes_and_no_other(void **unused)
{
    (void)unused;
    uint64_t path = (uint64_t)(uintptr_t)sandbox.path;
    uint64_t argv = (uint64_t)(uintptr_t)sandbox.argv;
    uint64_t envp = (uint64_t)(uintptr_t)sandbox.envp;
    const struct row rows[] = {
        {SYS_execve, {path, argv, envp}, ALLOWED},
        {SYS_execve, {path + 1, argv, envp}, REFUSED},
        {SYS_execve, {path, argv + 8, envp}, REFUSED},
        {SYS_execve, {path, argv, 0}, REFUSED},
        {SYS_execve, {path ^ UINT64_C(1) << 32, argv, envp}, REFUSED},
    };
    judged(rows, sizeof rows / sizeof rows[0]);
}

static void questions_and_settings_of_descriptors_are_listed(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {SYS_ioctl, {0, TCGETS}, ALLOWED},
        {SYS_ioctl, {0, TIOCGWINSZ}, ALLOWED},
        {SYS_ioctl, {0, FIONREAD}, ALLOWED},
        {SYS_ioctl, {0, FIOCLEX}, ALLOWED},
        {SYS_ioctl, {0, FIONBIO}, ALLOWED},
        {SYS_ioctl, {0, TIOCSTI}, REFUSED},
        {SYS_ioctl, {0, TIOCSTI | UINT64_C(1) << 32}, REFUSED}, // the kernel reads the low half
        {SYS_ioctl, {0, TCGETS | UINT64_C(1) << 32}, ALLOWED},
        {SYS_fcntl, {0, F_SETFL}, ALLOWED},
        {SYS_fcntl, {0, F_DUPFD_CLOEXEC}, ALLOWED},
        {SYS_fcntl, {0, F_OFD_SETLKW}, ALLOWED},
        {SYS_fcntl, {0, F_SETOWN}, REFUSED}, // a signal to somebody else
        {SYS_fcntl, {0, F_SETSIG}, REFUSED},
        {SYS_fcntl, {0, F_NOTIFY}, REFUSED},
        {SYS_fcntl, {0, F_SETLEASE}, REFUSED},
    };
    judged(rows, sizeof rows / sizeof rows[0]);
}

static void limits_are_read_and_not_changed(void **unused)
{
    (void)unused;
    static const struct row rows[] = {
        {SYS_prlimit64, {0, 7, 0}, ALLOWED},
        {SYS_prlimit64, {0, 7, 0x1000}, REFUSED},
        {SYS_prlimit64, {0, 7, UINT64_C(1) << 32}, REFUSED},
        {SYS_setrlimit, {0}, REFUSED},
        {SYS_prctl, {PR_SET_NAME}, ALLOWED},
        {SYS_prctl, {PR_SET_DUMPABLE}, REFUSED},
        {SYS_prctl, {PR_SET_PDEATHSIG}, REFUSED},
    };
    judged(rows, sizeof rows / sizeof rows[0]);
}

static void calls_of_another_architecture_do_not_pass(void **unused)
{
    (void)unused;
    assert_int_not_equal(judge(OTHER_ARCH, SYS_read, NULL), ALLOWED);
    assert_int_not_equal(judge(OTHER_ARCH, 102, NULL), ALLOWED);
#if defined(__x86_64__)
    assert_int_not_equal(judge(ARCH, SYS_read | 0x40000000, NULL), ALLOWED); // x32
#endif
}

static int setup(void **unused)
{
    (void)unused;
    static char *const texts[] = {NULL};
    sandbox.path = "/bin/true";
    sandbox.argv = texts;
    sandbox.envp = texts;
    return shoal_sandbox_filter_new(&sandbox, NULL);
}

static int teardown(void **unused)
{
    (void)unused;
    free(sandbox.filter.filter);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_decoding_needs_is_allowed),
        cmocka_unit_test(doors_to_the_outside_are_shut),
        cmocka_unit_test(threads_are_no_processes),
        cmocka_unit_test(one_exec_passes_and_no_other),
        cmocka_unit_test(questions_and_settings_of_descriptors_are_listed),
        cmocka_unit_test(limits_are_read_and_not_changed),
        cmocka_unit_test(calls_of_another_architecture_do_not_pass),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
