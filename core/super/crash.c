// crash.c - what a dying server says: the signal, whose code it was in, where.
//
// Everything here runs in a signal handler on a stack of its own: only plain reads of memory that
// was prepared before, and write(2).
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shoal/http.h>

#include "base/context.h"
#include "super/backoff.h"
#include "super/super.h"
#include "super/watchdog.h"

#define MODULES_MAX 512
#define FRAMES_MAX  48
#define STACK_BYTES (64 * 1024)

struct module {
    uintptr_t start, end, base;
    char name[64]; ///< of its file, without folder and ".so"
};

// A signal handler has no other way to its data than static storage.
static struct {
    int fd;
    atomic_size_t count;
    struct module list[MODULES_MAX];
    atomic_int is_dying;
} crash = {.fd = -1};

static void name_copy(char out[64], const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".so") == 0) {
        length -= 3;
    }
    length = length > 63 ? 63 : length;
    memcpy(out, name, length);
    out[length] = '\0';
}

static int module_add(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    size_t *count = user;
    for (int i = 0; i < info->dlpi_phnum && *count < MODULES_MAX; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0) {
            continue;
        }
        struct module *module = &crash.list[(*count)++];
        module->base = info->dlpi_addr;
        module->start = info->dlpi_addr + part->p_vaddr;
        module->end = module->start + part->p_memsz;
        name_copy(module->name, info->dlpi_name[0] == '\0' ? "shoal" : info->dlpi_name);
    }
    return 0;
}

void shoal_crash_modules(void)
{
    size_t count = 0;
    atomic_store(&crash.count, 0);
    dl_iterate_phdr(module_add, &count);
    atomic_store(&crash.count, count);
}

static const struct module *module_of(uintptr_t address)
{
    size_t count = atomic_load(&crash.count);
    for (size_t i = 0; i < count; i++) {
        if (address >= crash.list[i].start && address < crash.list[i].end) {
            return &crash.list[i];
        }
    }
    return NULL;
}

static void say(const char *text)
{
    ssize_t sent = write(crash.fd, text, strlen(text));
    (void)sent;
}

static void say_number(uint64_t number, unsigned base)
{
    char text[24];
    size_t at = sizeof text;
    text[--at] = '\0';
    do {
        text[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    say(text + at);
}

static void say_place(const char *word, uintptr_t address)
{
    const struct module *module = module_of(address);
    say(word);
    say(" ");
    say(module != NULL ? module->name : "?");
    say(" +0x");
    say_number(module != NULL ? address - module->base : address, 16);
    say("\n");
}

static void say_plugin(const struct shoal_plugin_id *plugin)
{
    if (plugin != NULL && plugin->name != NULL) {
        say(plugin->is_shipped ? "shipped " : "elsewhere ");
        say(plugin->name);
        say("\n");
    }
}

/// The plugins that the thread was in, the innermost first, and what a client had asked for: of
/// requests within requests the outermost, which is the one that can be refused.
static void say_call(void)
{
    const struct shoal_call *call = shoal_call_current();
    if (call == NULL) {
        say_plugin((const struct shoal_plugin_id *)(const void *)shoal_call_marked());
        return;
    }
    int depth = call->depth < SHOAL_PLUGIN_STACK ? call->depth : SHOAL_PLUGIN_STACK;
    for (int i = depth - 1; i >= 0; i--) {
        say_plugin(call->plugins[i]);
    }
    say("call ");
    say(call->id);
    say("\n");
    if (call->asked != NULL) {
        char hash[20];
        shoal_crash_request_hash(shoal_request_method(call->asked), shoal_request_path(call->asked),
            shoal_request_query_string(call->asked), hash);
        say("request ");
        say(hash);
        say("\n");
    }
}

static uintptr_t program_counter(const void *context)
{
#if defined(__x86_64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    if (atomic_exchange(&crash.is_dying, 1) == 0) {
        say("signal ");
        say_number((uint64_t)number, 10);
        say("\n");
        uintptr_t at = program_counter(context);
        const struct module *module = module_of(at);
        say("module ");
        say(module != NULL ? module->name : "?");
        say("\n");
        say_place("at", at);
        if (number == SIGSEGV || number == SIGBUS) {
            say("address 0x");
            say_number((uint64_t)(uintptr_t)info->si_addr, 16);
            say("\n");
        }
        say_call();
        void *frames[FRAMES_MAX];
        int count = backtrace(frames, FRAMES_MAX);
        for (int i = 0; i < count; i++) {
            say_place("frame", (uintptr_t)frames[i]);
        }
    }
    signal(number, SIG_DFL);
    raise(number);
}

void shoal_crash_request_hash(const char *method, const char *path, const char *query, char out[20])
{
    const char *const parts[] = {method, path, query};
    uint64_t hash = 14695981039346656037ull;
    for (size_t i = 0; i < 3; i++) {
        for (const char *at = parts[i] == NULL ? "" : parts[i]; *at != '\0'; at++) {
            hash = (hash ^ (unsigned char)*at) * 1099511628211ull;
        }
        hash = (hash ^ 0xff) * 1099511628211ull;
    }
    for (int i = 15; i >= 0; i--) {
        out[i] = "0123456789abcdef"[hash & 15];
        hash >>= 4;
    }
    out[16] = '\0';
}

void *shoal_crash_stack(void *stack)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (stack == NULL) {
        stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        stack = stack == MAP_FAILED ? NULL : stack;
    }
    stack_t place = {.ss_sp = stack, .ss_size = STACK_BYTES};
    if (stack != NULL) {
        sigaltstack(&place, NULL);
    }
#endif
    return stack;
}

#if defined(__SANITIZE_ADDRESS__)
void __sanitizer_set_death_callback(void (*callback)(void));

/// The sanitizer has said what is wrong; whose code it was is said here.
static void on_death(void)
{
    if (atomic_exchange(&crash.is_dying, 1) == 0) {
        say_call();
    }
}
#endif

/// exit() within a plugin ends everything as a crash does.
static void on_exit_within(void)
{
    const struct shoal_call *call = shoal_call_current();
    bool is_within = (call != NULL && call->depth > 0) || shoal_call_marked() != NULL;
    if (is_within && atomic_exchange(&crash.is_dying, 1) == 0) {
        say("says " SHOAL_CRASH_EXIT "\n");
        say_call();
    }
}

void shoal_crash_install(int fd)
{
    crash.fd = fd;
    shoal_crash_modules();
    atexit(on_exit_within);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_death_callback(on_death);
#endif
#if !defined(__SANITIZE_ADDRESS__)
    // The first backtrace() loads a library: not in the handler. (It counts as a leak.)
    void *frames[4];
    backtrace(frames, 4);
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    shoal_crash_stack(NULL);
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
#else
    static const int deadly[] = {SIGABRT}; // a sanitizer has handlers of its own for the others
#endif
    struct sigaction action = {.sa_sigaction = on_crash,
        .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
        sigaction(deadly[i], &action, NULL);
    }
}
