// faults.c - calls of the system that fail on a test's word; in the program of the tests alone.
//
// The dynamic linker takes what the program exports before what libc does, so that these stand in
// for the calls of the server, its plugins and its libraries (SQLite's too). $SHOAL_FAULTS names a
// file that is read again when it was replaced. A line of it:
//
//     CALL ERRNO [WHEN] [PART]
//
// CALL is open, make (an open that may make a file), read, write, sync, rename, link, mkdir, truncate, unlink or alloc. WHEN is "all", a
// number n (the n-th call from now on alone) or p%SEED (so many of a hundred, the same ones with the
// same seed). PART is some of the path, which matters as a whole: "/instance/"; without it every file
// below a folder of that name counts. For alloc it is how many bytes are a large block. Each call
// that was made to fail is a line in the file with ".hits" at the end of its name.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RULES_MAX   8
#define LARGE_BYTES ((size_t)256 * 1024)
#define EXPORTED    __attribute__((visibility("default")))

struct rule {
    char call[12], part[128];
    int number;      // the errno
    uint64_t nth;    // 0: not by number
    uint64_t chance; // of a hundred; 0: each
    uint64_t seed, seen, large;
};

static struct {
    atomic_flag lock;
    char path[512], hits[520];
    bool is_asked, is_on;
    struct stat info; // of the file as it was read
    struct rule rules[RULES_MAX];
    size_t count;
} faults = {.lock = ATOMIC_FLAG_INIT};

// What ASan watches goes on by its own way, the rest straight to the kernel.
void *__interceptor_malloc(size_t size);
void *__interceptor_calloc(size_t count, size_t size);
void *__interceptor_realloc(void *memory, size_t size);
ssize_t __interceptor_read(int fd, void *data, size_t length);
ssize_t __interceptor_pread64(int fd, void *data, size_t length, off64_t offset);
ssize_t __interceptor_write(int fd, const void *data, size_t length);
ssize_t __interceptor_pwrite64(int fd, const void *data, size_t length, off64_t offset);

static int number_of(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } names[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EMFILE", EMFILE},
        {"ENFILE", ENFILE}, {"ENOMEM", ENOMEM}, {"EROFS", EROFS}, {"EACCES", EACCES},
        {"EINTR", EINTR}, {"EFBIG", EFBIG}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i].name) == 0) {
            return names[i].number;
        }
    }
    return EIO;
}

// The next word of a line, without strtok(): nothing here may come back into this file.
static const char *word(const char *at, char *out, size_t room)
{
    size_t length = 0;
    at += strspn(at, " ");
    for (; *at != '\0' && *at != ' ' && *at != '\n'; at++) {
        if (length + 1 < room) {
            out[length++] = *at;
        }
    }
    out[length] = '\0';
    return at;
}

static void rule_read(const char *line)
{
    struct rule *rule = &faults.rules[faults.count];
    char number[16], when[32];
    *rule = (struct rule){.large = LARGE_BYTES};
    line = word(line, rule->call, sizeof rule->call);
    line = word(line, number, sizeof number);
    line = word(line, when, sizeof when);
    word(line, rule->part, sizeof rule->part);
    char *end = NULL;
    uint64_t count = strtoull(when, &end, 10);
    if (*end == '%') {
        rule->chance = count;
        rule->seed = strtoull(end + 1, NULL, 10);
    } else {
        rule->nth = count;
    }
    rule->number = number_of(number);
    if (strcmp(rule->call, "alloc") == 0 && rule->part[0] != '\0') {
        rule->large = strtoull(rule->part, NULL, 10);
        rule->part[0] = '\0';
    } else if (rule->part[0] == '\0') {
        strcpy(rule->part, "/instance/");
    }
    faults.count += rule->call[0] != '\0' ? 1 : 0;
}

static void rules_read(void)
{
    char text[2048];
    long fd = syscall(SYS_openat, AT_FDCWD, faults.path, O_RDONLY | O_CLOEXEC, 0);
    long got = fd < 0 ? -1 : syscall(SYS_read, fd, text, sizeof text - 1);
    if (fd >= 0) {
        syscall(SYS_close, fd);
    }
    faults.count = 0;
    text[got > 0 ? got : 0] = '\0';
    for (const char *line = text; *line != '\0' && faults.count < RULES_MAX;) {
        rule_read(line);
        line += strcspn(line, "\n");
        line += *line == '\n' ? 1 : 0;
    }
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

// Whether there is any rule now. The lock is held.
static bool is_armed(void)
{
    struct stat info = {0};
    if (!faults.is_asked) {
        const char *path = getenv("SHOAL_FAULTS");
        faults.is_asked = true;
        faults.is_on = path != NULL && strlen(path) < sizeof faults.path;
        snprintf(faults.path, sizeof faults.path, "%s", faults.is_on ? path : "");
        snprintf(faults.hits, sizeof faults.hits, "%s.hits", faults.path);
    }
    if (!faults.is_on) {
        return false;
    }
    if (fstatat(AT_FDCWD, faults.path, &info, 0) != 0) {
        faults.count = 0;
        faults.info = (struct stat){0};
    } else if (!is_same(&info, &faults.info)) {
        faults.info = info;
        rules_read();
    }
    return faults.count > 0;
}

// The same numbers in the same order for the same seed.
static uint64_t mixed(uint64_t value)
{
    value += 0x9E3779B97F4A7C15u;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    return value ^ (value >> 31);
}

static bool is_due(struct rule *rule)
{
    rule->seen++;
    if (rule->chance > 0) {
        return mixed(rule->seed * 1000003 + rule->seen) % 100 < rule->chance;
    }
    return rule->nth == 0 || rule->seen == rule->nth;
}

static void hit(const struct rule *rule, const char *path)
{
    char line[1024];
    int length = snprintf(line, sizeof line, "%s %.900s\n", rule->call, path);
    long fd = syscall(SYS_openat, AT_FDCWD, faults.hits,
        O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd >= 0) {
        syscall(SYS_write, fd, line, (size_t)length);
        syscall(SYS_close, fd);
    }
}

/// The errno with which this call shall fail, or 0. path NULL: that of fd.
static int fails(const char *call, int fd, const char *path, size_t bytes)
{
    static _Thread_local bool is_inside;
    if (is_inside || (faults.is_asked && !faults.is_on)) {
        return 0;
    }
    is_inside = true;
    int saved = errno, number = 0;
    while (atomic_flag_test_and_set_explicit(&faults.lock, memory_order_acquire)) {
        sched_yield();
    }
    char link[40], whole[1024] = "";
    if (is_armed()) {
        size_t length = 0;
        if (path == NULL || path[0] != '/') {
            snprintf(link, sizeof link, fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
            ssize_t got = bytes > 0 ? 0 : readlink(link, whole, sizeof whole - 1);
            length = got > 0 ? (size_t)got : 0;
        }
        if (path != NULL) {
            snprintf(whole + length, sizeof whole - length, "%s%s", length > 0 ? "/" : "", path);
        }
        for (size_t i = 0; i < faults.count && number == 0; i++) {
            struct rule *rule = &faults.rules[i];
            bool is_it = strcmp(rule->call, call) == 0 &&
                         (bytes > 0 ? bytes >= rule->large : strstr(whole, rule->part) != NULL);
            if (is_it && is_due(rule)) {
                number = rule->number;
                hit(rule, whole);
            }
        }
    }
    atomic_flag_clear_explicit(&faults.lock, memory_order_release);
    errno = number != 0 ? number : saved;
    is_inside = false;
    return number;
}

static int opened(int folder, const char *path, int flags, mode_t mode)
{
    if (fails("open", folder, path, 0) != 0 ||
        ((flags & O_CREAT) != 0 && fails("make", folder, path, 0) != 0)) {
        return -1;
    }
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

static mode_t mode_in(int flags, va_list *args)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(*args, mode_t) : 0;
}

#define OPEN(name, folder, ...)                                                                    \
    EXPORTED int name(__VA_ARGS__, ...)                                                            \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode_t mode = mode_in(flags, &args);                                                       \
        va_end(args);                                                                              \
        return opened(folder, path, flags, mode);                                                  \
    }
OPEN(open, AT_FDCWD, const char *path, int flags)
OPEN(open64, AT_FDCWD, const char *path, int flags)
OPEN(openat, folder, int folder, const char *path, int flags)
OPEN(openat64, folder, int folder, const char *path, int flags)

EXPORTED ssize_t read(int fd, void *data, size_t length)
{
    return fails("read", fd, NULL, 0) != 0 ? -1 : __interceptor_read(fd, data, length);
}

EXPORTED ssize_t pread(int fd, void *data, size_t length, off_t offset)
{
    return fails("read", fd, NULL, 0) != 0 ? -1 : __interceptor_pread64(fd, data, length, offset);
}

EXPORTED ssize_t pread64(int fd, void *data, size_t length, off64_t offset)
{
    return pread(fd, data, length, offset);
}

EXPORTED ssize_t write(int fd, const void *data, size_t length)
{
    return fails("write", fd, NULL, 0) != 0 ? -1 : __interceptor_write(fd, data, length);
}

EXPORTED ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
    return fails("write", fd, NULL, 0) != 0 ? -1 : __interceptor_pwrite64(fd, data, length, offset);
}

EXPORTED ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset)
{
    return pwrite(fd, data, length, offset);
}

EXPORTED ssize_t copy_file_range(
    int from, off64_t *from_at, int to, off64_t *to_at, size_t length, unsigned flags)
{
    return fails("write", to, NULL, 0) != 0
               ? -1
               : syscall(SYS_copy_file_range, from, from_at, to, to_at, length, flags);
}

EXPORTED int fsync(int fd)
{
    return fails("sync", fd, NULL, 0) != 0 ? -1 : (int)syscall(SYS_fsync, fd);
}

EXPORTED int fdatasync(int fd)
{
    return fails("sync", fd, NULL, 0) != 0 ? -1 : (int)syscall(SYS_fdatasync, fd);
}

EXPORTED int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return fails("rename", to_folder, to, 0) != 0
               ? -1
               : (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

EXPORTED int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

EXPORTED int link(const char *from, const char *to)
{
    return fails("link", AT_FDCWD, to, 0) != 0
               ? -1
               : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORTED int mkdirat(int folder, const char *path, mode_t mode)
{
    return fails("mkdir", folder, path, 0) != 0 ? -1
                                                : (int)syscall(SYS_mkdirat, folder, path, mode);
}

EXPORTED int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

EXPORTED int ftruncate64(int fd, off64_t length)
{
    return fails("truncate", fd, NULL, 0) != 0 ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

EXPORTED int ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}

EXPORTED int unlinkat(int folder, const char *path, int flags)
{
    return fails("unlink", folder, path, 0) != 0 ? -1
                                                 : (int)syscall(SYS_unlinkat, folder, path, flags);
}

EXPORTED int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

EXPORTED void *malloc(size_t size)
{
    return size >= LARGE_BYTES && fails("alloc", 0, "", size) != 0 ? NULL
                                                                   : __interceptor_malloc(size);
}

EXPORTED void *calloc(size_t count, size_t size)
{
    size_t bytes = size != 0 && count > SIZE_MAX / size ? 0 : count * size;
    return bytes >= LARGE_BYTES && fails("alloc", 0, "", bytes) != 0
               ? NULL
               : __interceptor_calloc(count, size);
}

EXPORTED void *realloc(void *memory, size_t size)
{
    return size >= LARGE_BYTES && fails("alloc", 0, "", size) != 0
               ? NULL
               : __interceptor_realloc(memory, size);
}
