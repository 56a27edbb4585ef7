// sandbox.c - starts a program that can reach nothing but its own folder.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "super/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/seccomp.h>

#define ARGS_MAX  1024
#define BYTES_MAX (256 * 1024)

int shoal_sandbox_find(const char *program, char path[4096], struct shoal_err *err)
{
    size_t length = program == NULL ? 0 : strlen(program);
    if (length == 0 || length > 64 || strchr(program, '/') != NULL || program[0] == '.') {
        return shoal_fail(err, SHOAL_EINVAL, "a program is named without its folder");
    }
    const char *folders = getenv("PATH");
    if (folders == NULL || folders[0] == '\0') {
        folders = "/usr/local/bin:/usr/bin:/bin";
    }
    while (*folders != '\0') {
        size_t part = strcspn(folders, ":");
        if (part > 0 && folders[0] == '/' && part + length + 2 <= 4096) {
            snprintf(path, 4096, "%.*s/%s", (int)part, folders, program);
            struct stat info;
            if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0) {
                return 0;
            }
        }
        folders += part + (folders[part] == ':' ? 1 : 0);
    }
    return shoal_fail(err, SHOAL_ENOTFOUND, "the program %s is not installed", program);
}

/// Puts path, arguments and environment into one private page range.
static int page_new(struct shoal_sandbox *sandbox, const char *path,
    const struct shoal_process *what, struct shoal_err *err)
{
    const char *texts[ARGS_MAX + 8];
    char home[PATH_MAX + 8], temporary[PATH_MAX + 8];
    snprintf(home, sizeof home, "HOME=%s", what->work_path);
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", what->work_path);
    size_t count = 0;
    texts[count++] = path;
    for (size_t i = 0; what->args != NULL && what->args[i] != NULL; i++) {
        if (count >= ARGS_MAX) {
            return shoal_fail(err, SHOAL_ETOOLARGE, "%s has too many arguments", what->program);
        }
        texts[count++] = what->args[i];
    }
    size_t argc = count;
    texts[count++] = "PATH=/usr/bin:/bin";
    texts[count++] = "LANG=C.UTF-8";
    texts[count++] = home;
    texts[count++] = temporary;
    texts[count++] = what->work_path;
    size_t bytes = (count + 2) * sizeof(char *);
    for (size_t i = 0; i < count; i++) {
        bytes += strlen(texts[i]) + 1;
    }
    if (bytes > BYTES_MAX) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "the arguments of %s are too long", what->program);
    }
    sandbox->page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (sandbox->page == MAP_FAILED) {
        sandbox->page = NULL;
        return shoal_fail(err, SHOAL_EFULL, "there is no memory to start %s", what->program);
    }
    sandbox->page_bytes = bytes;
    char **argv = sandbox->page;
    char **envp = argv + argc + 1;
    char *text = (char *)(argv + count + 2);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(texts[i]) + 1;
        memcpy(text, texts[i], length);
        if (i < argc) {
            argv[i] = text;
        } else if (i + 1 < count) {
            envp[i - argc] = text;
        } else {
            sandbox->work = text;
        }
        text += length;
    }
    sandbox->path = argv[0];
    sandbox->argv = argv;
    sandbox->envp = envp;
    return 0;
}

static int paths_check(const struct shoal_process *what, struct shoal_err *err)
{
    struct stat info;
    if (what->work_path == NULL || what->work_path[0] != '/' ||
        strlen(what->work_path) >= PATH_MAX || stat(what->work_path, &info) != 0 ||
        !S_ISDIR(info.st_mode)) {
        return shoal_fail(err, SHOAL_EINVAL, "%s needs a folder to work in, %s is none",
            what->program, what->work_path == NULL ? "(none)" : what->work_path);
    }
    for (size_t i = 0; what->read_paths != NULL && what->read_paths[i] != NULL; i++) {
        if (i >= 64 || what->read_paths[i][0] != '/') {
            return shoal_fail(err, SHOAL_EINVAL, "%s gets at most 64 absolute paths to read",
                what->program);
        }
        if (stat(what->read_paths[i], &info) != 0) {
            return shoal_fail(err, SHOAL_ENOTFOUND, "%s cannot be read by %s: %s",
                what->read_paths[i], what->program, strerror(errno));
        }
    }
    return 0;
}

int shoal_sandbox_init(struct shoal_sandbox *sandbox, const struct shoal_process *what,
    struct shoal_err *err)
{
    *sandbox = (struct shoal_sandbox){
        .landlock_fd = -1,
        .memory_bytes = what->memory_bytes != 0 ? what->memory_bytes : 2ull << 30,
        .file_bytes = what->file_bytes != 0 ? what->file_bytes : 64ull << 30,
        .cpu_s = what->cpu_s,
        .nice = what->nice < 0 ? 0 : what->nice > 19 ? 19 : what->nice,
        .parent = getpid(),
    };
    char path[4096];
    int code = shoal_sandbox_find(what->program, path, err);
    code = code != 0 ? code : paths_check(what, err);
    code = code != 0 ? code : page_new(sandbox, path, what, err);
    code = code != 0 ? code : shoal_sandbox_filter_new(sandbox, err);
    code = code != 0 ? code : shoal_sandbox_landlock_open(sandbox, what, err);
    if (code != 0) {
        shoal_sandbox_fini(sandbox);
    }
    return code;
}

void shoal_sandbox_fini(struct shoal_sandbox *sandbox)
{
    if (sandbox->page != NULL) {
        munmap(sandbox->page, sandbox->page_bytes);
    }
    free(sandbox->filter.filter);
    if (sandbox->landlock_fd >= 0) {
        close(sandbox->landlock_fd);
    }
    *sandbox = (struct shoal_sandbox){.landlock_fd = -1};
}

// From here on: in the forked process, system calls only.

_Noreturn static void report(int fd, int error)
{
    ssize_t sent = write(fd, &error, sizeof error);
    _exit(sent == (ssize_t)sizeof error ? 127 : 126);
}

static int limit(int what, uint64_t value)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) != 0) {
        return -1;
    }
    rlim_t wanted = (rlim_t)value;
    if (now.rlim_max != RLIM_INFINITY && wanted > now.rlim_max) {
        wanted = now.rlim_max;
    }
    struct rlimit next = {wanted, wanted};
    return setrlimit((__rlimit_resource_t)what, &next);
}

static int limits(const struct shoal_sandbox *sandbox)
{
    if (limit(RLIMIT_AS, sandbox->memory_bytes) != 0 ||
        limit(RLIMIT_FSIZE, sandbox->file_bytes) != 0 || limit(RLIMIT_NOFILE, 256) != 0 ||
        limit(RLIMIT_CORE, 0) != 0) {
        return -1;
    }
    if (sandbox->cpu_s > 0 && limit(RLIMIT_CPU, sandbox->cpu_s) != 0) {
        return -1;
    }
    // Who was started as nicer than that may not become less so, and need not.
    return sandbox->nice > getpriority(PRIO_PROCESS, 0)
               ? setpriority(PRIO_PROCESS, 0, sandbox->nice)
               : 0;
}

/// A network of its own with nothing in it. Where the system allows none, the filter and Landlock
/// still refuse every socket.
static void network_leave(void)
{
    if (geteuid() == 0 && unshare(CLONE_NEWNET | CLONE_NEWIPC) == 0) {
        return;
    }
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) != 0) {
        return;
    }
}

/// Whatever this user is, the program gets no capability, not even as root.
static void capabilities_drop(void)
{
    for (int capability = 0; capability <= 63; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno == EINVAL) {
            break;
        }
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    syscall(SYS_capset, &head, none);
}

static void signals_reset(void)
{
    struct sigaction normal = {.sa_handler = SIG_DFL};
    for (int number = 1; number < 65; number++) {
        sigaction(number, &normal, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int descriptors_place(int in_fd, int out_fd, int error_fd, int report_fd, int landlock_fd)
{
    if (dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(error_fd, 2) < 0 ||
        dup3(report_fd, 3, O_CLOEXEC) < 0) {
        return -1;
    }
    if (landlock_fd >= 0 && dup3(landlock_fd, 4, O_CLOEXEC) < 0) {
        return -1;
    }
    if (syscall(SYS_close_range, 5u, ~0u, 0u) != 0) {
        for (int fd = 5; fd < 4096; fd++) {
            close(fd);
        }
    }
    return 0;
}

_Noreturn void shoal_sandbox_exec(const struct shoal_sandbox *sandbox, int in_fd, int out_fd,
    int error_fd, int report_fd)
{
    bool has_landlock = sandbox->landlock_fd >= 0;
    setsid();
    signals_reset();
    if (descriptors_place(in_fd, out_fd, error_fd, report_fd, sandbox->landlock_fd) != 0) {
        report(report_fd, errno);
    }
    if (chdir(sandbox->work) != 0) {
        report(3, errno); // the other one is closed by now, and silence means that it runs
    }
    umask(077);
    network_leave();
    capabilities_drop();
    if (limits(sandbox) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        report(3, errno);
    }
    if (getppid() != sandbox->parent) {
        _exit(1); // it died before it could be said
    }
    if (has_landlock && shoal_sandbox_landlock_enter(4) != 0) {
        report(3, errno);
    }
    close(4);
    if (shoal_sandbox_signals_keep() != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &sandbox->filter) != 0) {
        report(3, errno);
    }
    execve(sandbox->path, sandbox->argv, sandbox->envp);
    report(3, errno);
}
