// hostile.c - a program that tries what a media process must not be able to do.
//
// hostile WHAT [PATH]: exit code 0 when the attempt was refused, 1 when it worked.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refused(long result)
{
    printf("%ld %s\n", result, strerror(errno));
    return result < 0 ? 0 : 1;
}

static int try_fork(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    return refused(pid);
}

static int try_exec(const char *path)
{
    char *argv[] = {(char *)(size_t)path, NULL};
    char *envp[] = {NULL};
    execve(path, argv, envp);
    return 0;
}

static int try_memory(void)
{
    size_t eaten = 0;
    for (;;) {
        const size_t step = 64u << 20;
        char *more = malloc(step);
        if (more == NULL) {
            printf("%zu MiB\n", eaten >> 20);
            return 0;
        }
        memset(more, 1, step);
        eaten += step;
        if (eaten > 3ull << 30) {
            return 1;
        }
    }
}

static int try_file(void)
{
    int fd = open("big", O_CREAT | O_WRONLY, 0600);
    signal(SIGXFSZ, SIG_IGN);
    static char data[1 << 20];
    for (int i = 0; i < 64; i++) {
        if (write(fd, data, sizeof data) != (ssize_t)sizeof data) {
            return 0;
        }
    }
    return 1;
}

static void *in_thread(void *arg)
{
    *(int *)arg = 1;
    return NULL;
}

/// The other way round: 0 when a thread can be started.
static int needs_thread(void)
{
    pthread_t thread;
    int ran = 0;
    if (pthread_create(&thread, NULL, in_thread, &ran) != 0) {
        return 1;
    }
    pthread_join(thread, NULL);
    return ran ? 0 : 1;
}

static int try_limits(void)
{
    struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    return refused(setrlimit(RLIMIT_AS, &none));
}

static int is_clean(void)
{
    extern char **environ;
    int count = 0;
    for (char **at = environ; *at != NULL; at++) {
        count++;
        if (strncmp(*at, "SECRET", 6) == 0) {
            return 1;
        }
    }
    for (int fd = 3; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            return 1;
        }
    }
    return count <= 4 ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const char *path = argc > 2 ? argv[2] : "";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    if (strcmp(what, "socket") == 0) {
        return refused(socket(AF_INET, SOCK_STREAM, 0));
    } else if (strcmp(what, "unix") == 0) {
        return refused(socket(AF_UNIX, SOCK_STREAM, 0));
    } else if (strcmp(what, "connect") == 0) {
        return refused(connect(0, (struct sockaddr *)&address, sizeof address));
    } else if (strcmp(what, "fork") == 0) {
        return try_fork();
    } else if (strcmp(what, "clone3") == 0) {
        return refused(syscall(SYS_clone3, NULL, 0));
    } else if (strcmp(what, "exec") == 0) {
        return try_exec(path);
    } else if (strcmp(what, "open") == 0) {
        return refused(open(path, O_RDONLY));
    } else if (strcmp(what, "write") == 0) {
        return refused(open(path, O_WRONLY | O_CREAT, 0600));
    } else if (strcmp(what, "link") == 0) {
        return refused(symlink("/etc/passwd", "link"));
    } else if (strcmp(what, "ptrace") == 0) {
        return refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    } else if (strcmp(what, "mount") == 0) {
        return refused(mount("none", "/mnt", "tmpfs", 0, NULL));
    } else if (strcmp(what, "io_uring") == 0) {
        return refused(syscall(425, 8, NULL));
    } else if (strcmp(what, "bpf") == 0) {
        return refused(syscall(SYS_bpf, 0, NULL, 0));
    } else if (strcmp(what, "kill") == 0) {
        return refused(kill(getppid(), 0));
    } else if (strcmp(what, "tgkill") == 0) {
        return refused(syscall(SYS_tgkill, getppid(), getppid(), 0));
    } else if (strcmp(what, "owner") == 0) {
        return refused(fcntl(0, F_SETOWN, getppid()));
    } else if (strcmp(what, "raise") == 0) { // the other way round: 0 when it works
        signal(SIGUSR1, SIG_IGN);
        return raise(SIGUSR1) == 0 ? 0 : 1;
    } else if (strcmp(what, "limits") == 0) {
        return try_limits();
    } else if (strcmp(what, "memory") == 0) {
        return try_memory();
    } else if (strcmp(what, "file") == 0) {
        return try_file();
    } else if (strcmp(what, "clean") == 0) {
        return is_clean();
    } else if (strcmp(what, "thread") == 0) {
        return needs_thread();
    } else if (strcmp(what, "sleep") == 0) {
        signal(SIGTERM, SIG_IGN);
        sleep(60);
        return 1;
    } else if (strcmp(what, "chatter") == 0) {
        for (int i = 0; i < 20000; i++) {
            fprintf(stderr, "line %d of many\n", i);
        }
        return 0;
    } else if (strcmp(what, "echo") == 0) {
        char data[256];
        ssize_t got = read(0, data, sizeof data);
        return got > 0 && write(1, data, (size_t)got) == got ? 0 : 1;
    }
    return 2;
}
