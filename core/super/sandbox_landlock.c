// sandbox_landlock.c - which files a media process may touch, where the kernel has Landlock.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "super/sandbox.h"

// The kernel's numbers; the headers of older systems lack the later ones.
#define LL_VERSION       1u
#define LL_PATH_BENEATH  1
#define LL_EXECUTE       (1ull << 0)
#define LL_WRITE_FILE    (1ull << 1)
#define LL_READ_FILE     (1ull << 2)
#define LL_READ_DIR      (1ull << 3)
#define LL_REMOVE_DIR    (1ull << 4)
#define LL_REMOVE_FILE   (1ull << 5)
#define LL_MAKE_DIR      (1ull << 7)
#define LL_MAKE_REG      (1ull << 8)
#define LL_ALL_1         ((1ull << 13) - 1)
#define LL_REFER         (1ull << 13) // version 2
#define LL_TRUNCATE      (1ull << 14) // version 3
#define LL_IOCTL_DEV     (1ull << 15) // version 5
#define LL_NET_BIND      (1ull << 0)  // version 4
#define LL_NET_CONNECT   (1ull << 1)
#define LL_SCOPE_ABSTRACT (1ull << 0) // version 6
#define LL_SCOPE_SIGNAL  (1ull << 1)

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule       445
#define __NR_landlock_restrict_self  446
#endif

struct ruleset {
    uint64_t files, net, scoped;
};
struct beneath {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

int shoal_landlock_version(void)
{
    long version = syscall(__NR_landlock_create_ruleset, NULL, 0, LL_VERSION);
    return version < 0 ? 0 : (int)version;
}

int shoal_sandbox_landlock_enter(int ruleset_fd)
{
    return (int)syscall(__NR_landlock_restrict_self, ruleset_fd, 0);
}

/// Allows access below a path; what is missing on this system is left out.
static int allow(int ruleset_fd, const char *path, uint64_t access)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : -1;
    }
    struct stat info;
    if (fstat(fd, &info) == 0 && !S_ISDIR(info.st_mode)) {
        access &= LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE;
    }
    struct beneath rule = {.allowed = access, .parent_fd = fd};
    long result = syscall(__NR_landlock_add_rule, ruleset_fd, LL_PATH_BENEATH, &rule, 0);
    close(fd);
    return (int)result;
}

/// The program's loader, which the kernel executes along with it.
static bool loader_read(const char *program, char loader[PATH_MAX])
{
    int fd = open(program, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    Elf64_Ehdr head;
    bool found = false;
    if (pread(fd, &head, sizeof head, 0) == (ssize_t)sizeof head &&
        memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_ident[EI_CLASS] == ELFCLASS64) {
        for (int i = 0; i < head.e_phnum && i < 64 && !found; i++) {
            Elf64_Phdr part;
            off_t at = (off_t)(head.e_phoff + (uint64_t)i * sizeof part);
            if (pread(fd, &part, sizeof part, at) != (ssize_t)sizeof part) {
                break;
            }
            if (part.p_type == PT_INTERP && part.p_filesz > 1 && part.p_filesz < PATH_MAX) {
                ssize_t got = pread(fd, loader, part.p_filesz, (off_t)part.p_offset);
                found = got == (ssize_t)part.p_filesz && loader[got - 1] == '\0';
            }
        }
    }
    close(fd);
    return found;
}

static int rules_add(int fd, const struct shoal_sandbox *sandbox, const struct shoal_process *what,
    uint64_t handled, struct shoal_err *err)
{
    const uint64_t reading = LL_READ_FILE | LL_READ_DIR;
    const uint64_t writing = (reading | LL_WRITE_FILE | LL_REMOVE_DIR | LL_REMOVE_FILE |
                                 LL_MAKE_DIR | LL_MAKE_REG | LL_REFER | LL_TRUNCATE) & handled;
    static const char *const system_paths[] = {"/usr", "/lib", "/lib64", "/etc/ld.so.cache",
        "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/fonts", "/var/cache/fontconfig",
        "/etc/localtime", "/sys/devices/system/cpu", "/sys/devices/system/node", "/proc/cpuinfo",
        "/proc/meminfo", "/dev/urandom", "/dev/random", "/dev/zero"};
    for (size_t i = 0; i < sizeof system_paths / sizeof system_paths[0]; i++) {
        if (allow(fd, system_paths[i], reading) != 0) {
            return shoal_fail(err, SHOAL_EIO, "the sandbox cannot allow %s: %s", system_paths[i],
                strerror(errno));
        }
    }
    if (allow(fd, "/dev/null", LL_READ_FILE | LL_WRITE_FILE) != 0 ||
        allow(fd, sandbox->path, LL_EXECUTE | LL_READ_FILE) != 0) {
        return shoal_fail(err, SHOAL_EIO, "the sandbox cannot allow %s: %s", sandbox->path,
            strerror(errno));
    }
    char loader[PATH_MAX];
    if (loader_read(sandbox->path, loader) &&
        allow(fd, loader, LL_EXECUTE | LL_READ_FILE) != 0) {
        return shoal_fail(err, SHOAL_EIO, "the sandbox cannot allow %s: %s", loader,
            strerror(errno));
    }
    for (size_t i = 0; what->read_paths != NULL && what->read_paths[i] != NULL; i++) {
        if (allow(fd, what->read_paths[i], reading) != 0) {
            return shoal_fail(err, SHOAL_EIO, "the sandbox cannot allow %s: %s",
                what->read_paths[i], strerror(errno));
        }
    }
    if (allow(fd, sandbox->work, writing) != 0) {
        return shoal_fail(err, SHOAL_EIO, "the sandbox cannot allow %s: %s", sandbox->work,
            strerror(errno));
    }
    return 0;
}

int shoal_sandbox_landlock_open(struct shoal_sandbox *sandbox, const struct shoal_process *what,
    struct shoal_err *err)
{
    sandbox->landlock_fd = -1;
    int version = shoal_landlock_version();
    if (version == 0) {
        return 0;
    }
    struct ruleset rules = {.files = LL_ALL_1};
    rules.files |= version >= 2 ? LL_REFER : 0;
    rules.files |= version >= 3 ? LL_TRUNCATE : 0;
    rules.files |= version >= 5 ? LL_IOCTL_DEV : 0;
    rules.net = version >= 4 ? LL_NET_BIND | LL_NET_CONNECT : 0;
    rules.scoped = version >= 6 ? LL_SCOPE_ABSTRACT | LL_SCOPE_SIGNAL : 0;
    size_t size = version >= 6 ? sizeof rules : version >= 4 ? 16 : 8;
    int fd = (int)syscall(__NR_landlock_create_ruleset, &rules, size, 0);
    if (fd < 0) {
        return shoal_fail(err, SHOAL_EIO, "the sandbox's file rules cannot be made: %s",
            strerror(errno));
    }
    int code = rules_add(fd, sandbox, what, rules.files, err);
    if (code != 0) {
        close(fd);
        return code;
    }
    // Out of the way of the descriptors that shoal_sandbox_exec() places.
    sandbox->landlock_fd = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    int number = errno;
    close(fd);
    return sandbox->landlock_fd >= 0
               ? 0
               : shoal_fail(err, SHOAL_EIO, "the sandbox's file rules cannot be kept: %s",
                     strerror(number));
}
