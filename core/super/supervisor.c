// supervisor.c - the loop that keeps a server running: signals, children, media processes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "super/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>

#include "base/log.h"
#include "super/drop.h"
#include "super/super.h"

#define DESCRIPTORS 65536 // of one process
#define REMIND_MS   100   // until a stop is said again, where the channel was full
#define RESUME_MS   10000 // until another server is tried, where an upgrade found none
#define POLL_MAX (1 + 2 * SHOAL_CHILDREN_MAX + SHOAL_MEDIA_RUNNING_MAX)

static int loops_of(const struct shoal_config *config)
{
    const json_t *value = shoal_config_get(config, "loops");
    json_int_t loops = json_is_integer(value) ? json_integer_value(value) : 0;
    if (loops <= 0) {
        loops = sysconf(_SC_NPROCESSORS_ONLN);
    }
    return loops < 1 ? 1 : loops > 64 ? 64 : (int)loops;
}

int shoal_supervisor_configure(struct shoal_supervisor *super, struct shoal_err *err)
{
    const char *sets[SHOAL_OVERRIDES_MAX];
    size_t count = shoal_super_overrides(super->argc, super->argv, sets);
    struct shoal_config *config = shoal_config_read(super->folder, sets, count, err);
    if (config == NULL) {
        return SHOAL_EINVAL;
    }
    int loops = loops_of(config);
    int code = shoal_sockets_open(&super->sockets, config, loops, err);
    if (code == 0) {
        super->loops = loops;
        const json_t *grace = shoal_config_get(config, "http.stop_grace");
        super->stop_grace_ms = json_is_integer(grace) ? (int)json_integer_value(grace) : 30000;
    }
    shoal_config_free(config);
    return code;
}

/// At most two generations: one that still drains has to hurry, but for the last few where a stream
/// stays.
static void hurry(struct shoal_supervisor *super)
{
    size_t staying = 0;
    for (size_t i = super->child_count; i > 0; i--) {
        struct shoal_child *child = &super->children[i - 1];
        int64_t soon = shoal_tick_ms() + 5000;
        if (child->stays && staying < SHOAL_STAYING_MAX) {
            staying++;
            continue;
        }
        if (child->stays) {
            shoal_child_stop(super, child, "hurry");
        }
        if (child->kill_at_ms > soon) {
            child->kill_at_ms = soon;
        }
    }
}

static void reload(struct shoal_supervisor *super, bool is_order)
{
    if (super->is_stopping) {
        shoal_warn("no reload: the server is stopping");
        return;
    }
    for (size_t i = 0; i < super->child_count; i++) {
        if (super->children[i].state == SHOAL_CHILD_STARTING) {
            super->wants_reload = true;
            return;
        }
    }
    super->wants_reload = false;
    struct shoal_err err = {0};
    int code = shoal_supervisor_configure(super, &err);
    if (code == 0) {
        hurry(super);
    }
    if (code == 0 && is_order) {
        // The administrator has looked at it: plugins and crashes get another chance.
        json_object_clear(super->quarantine);
        super->is_safe_mode = false;
        super->backoff = (struct shoal_backoff){0};
    }
    code = code != 0 ? code : shoal_child_start(super, &err);
    if (code != 0) {
        shoal_error("no reload: %s; the server goes on as it was", err.text);
    }
}

static void stop(struct shoal_supervisor *super)
{
    if (super->is_stopping) {
        for (size_t i = 0; i < super->child_count; i++) {
            kill(super->children[i].pid, SIGKILL);
        }
        return;
    }
    super->is_stopping = true;
    super->restart_at_ms = 0;
    shoal_supervisor_notify("STOPPING=1");
    for (size_t i = 0; i < super->child_count; i++) {
        shoal_child_stop(super, &super->children[i], "stop");
    }
}

static void reap(struct shoal_supervisor *super)
{
    int status;
    struct rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        struct shoal_child *child = shoal_child_find(super, pid);
        if (child != NULL) {
            shoal_child_ended(super, child, status);
            shoal_supervisor_status(super);
        } else {
            shoal_media_ended(&super->media, pid, status, &usage);
        }
    }
}

static void signals(struct shoal_supervisor *super)
{
    struct signalfd_siginfo info;
    while (read(super->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGTERM:
        case SIGINT:
            stop(super);
            break;
        case SIGHUP:
            reload(super, true);
            break;
        case SIGUSR2:
            shoal_supervisor_upgrade(super);
            break;
        default:
            break;
        }
    }
    reap(super);
}

static int64_t min_ms(int64_t left, int64_t at_ms, int64_t now)
{
    if (at_ms == 0) {
        return left;
    }
    int64_t until = at_ms > now ? at_ms - now : 0;
    return left < 0 || until < left ? until : left;
}

static int timeout_ms(struct shoal_supervisor *super)
{
    int64_t now = shoal_tick_ms();
    int64_t left = shoal_media_tick(&super->media);
    left = min_ms(left, super->restart_at_ms, now);
    left = min_ms(left, super->status_at_ms, now);
    for (size_t i = 0; i < super->child_count; i++) {
        left = min_ms(left, super->children[i].kill_at_ms, now);
        left = super->children[i].unsaid[0] != '\0' ? min_ms(left, now + REMIND_MS, now) : left;
    }
    return left > 60000 ? 60000 : (int)left;
}

/// What has become due.
static void tick(struct shoal_supervisor *super)
{
    int64_t now = shoal_tick_ms();
    for (size_t i = 0; i < super->child_count; i++) {
        struct shoal_child *child = &super->children[i];
        if (child->unsaid[0] != '\0') {
            shoal_child_remind(child);
        }
        if (child->kill_at_ms != 0 && now >= child->kill_at_ms) {
            shoal_warn("the server of generation %d does not end; it is killed", child->generation);
            kill(child->pid, SIGKILL);
            child->kill_at_ms = now + 5000;
        }
    }
    if (super->restart_at_ms != 0 && now >= super->restart_at_ms && !super->is_stopping) {
        struct shoal_err err = {0};
        if (shoal_supervisor_configure(super, &err) != 0) { // the child reads the same file
            shoal_warn("the sockets stay as they were: %s", err.text);
        }
        if (shoal_child_start(super, &err) != 0) {
            shoal_error("%s", err.text);
            super->restart_at_ms = now + 5000;
        }
    }
    if (super->wants_reload && !super->is_stopping) {
        reload(super, false);
    }
    if (super->status_at_ms != 0 && now >= super->status_at_ms) {
        shoal_supervisor_status(super);
    }
}

static void turn(struct shoal_supervisor *super)
{
    struct pollfd fds[POLL_MAX];
    size_t count = 0;
    fds[count++] = (struct pollfd){.fd = super->signal_fd, .events = POLLIN};
    for (size_t i = 0; i < super->child_count; i++) {
        fds[count++] = (struct pollfd){.fd = super->children[i].channel_fd, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = super->children[i].crash_fd, .events = POLLIN};
    }
    size_t children = count;
    count += shoal_media_poll(&super->media, fds + count, POLL_MAX - count);
    if (poll(fds, (nfds_t)count, timeout_ms(super)) < 0 && errno != EINTR) {
        shoal_error("the supervisor cannot wait: %s", strerror(errno));
        usleep(100000);
    }
    for (size_t i = children; i < count; i++) {
        if (fds[i].revents != 0) {
            shoal_media_read(&super->media, fds[i].fd);
        }
    }
    for (size_t i = 0; i < super->child_count; i++) {
        if (fds[1 + 2 * i].revents != 0 && super->children[i].channel_fd >= 0) {
            shoal_child_heard(super, &super->children[i]);
        }
        if (fds[2 + 2 * i].revents != 0 && super->children[i].crash_fd >= 0) {
            shoal_child_crash_read(&super->children[i]);
        }
    }
    // Last: these change the list of children.
    signals(super);
    tick(super);
}

static int prepare_signals(struct shoal_supervisor *super, struct shoal_err *err)
{
    sigset_t set;
    sigemptyset(&set);
    static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD, SIGPIPE};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        sigaddset(&set, wanted[i]);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigdelset(&set, SIGPIPE);
    super->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (super->signal_fd < 0) {
        return shoal_fail(err, SHOAL_EIO, "no signals: %s", strerror(errno));
    }
    return 0;
}

/// A shell gives 1024 descriptors, which are that many connections: takes as many as it may have. Root
/// may have more than was foreseen, before it is root no more.
static void raise_descriptors(void)
{
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= DESCRIPTORS) {
        return;
    }
    struct rlimit wanted = {DESCRIPTORS, now.rlim_max > DESCRIPTORS ? now.rlim_max : DESCRIPTORS};
    struct rlimit most = {now.rlim_max < DESCRIPTORS ? now.rlim_max : DESCRIPTORS, now.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &wanted) != 0 && setrlimit(RLIMIT_NOFILE, &most) != 0) {
        shoal_warn("only %llu files and connections may be open at once: %s",
            (unsigned long long)now.rlim_cur, strerror(errno));
    }
}

static int prepare(struct shoal_supervisor *super, struct shoal_err *err)
{
    raise_descriptors();
    int code = shoal_drop_to_owner(super->folder, err);
    if (code != 0) {
        (void)shoal_config_there(super->folder, err); // where it is no instance, say that first
        return code;
    }
    umask(027);
    bool is_resumed = shoal_supervisor_resume(super);
    if (!is_resumed) {
        code = shoal_config_there(super->folder, err); // before anything is written there
        code = code != 0 ? code : shoal_lock_take(super->folder, &super->lock_fd, err);
    }
    code = code != 0 ? code : prepare_signals(super, err);
    if (code != 0) {
        return code;
    }
    code = shoal_supervisor_configure(super, err);
    code = code != 0 ? code : shoal_child_start(super, err);
    if (is_resumed && code != 0) {
        shoal_error("%s; the server goes on as it was", err->text);
        // Where none goes on, as one had just failed, another is tried.
        super->restart_at_ms = super->child_count == 0 ? shoal_tick_ms() + RESUME_MS : 0;
        return 0;
    }
    return code;
}

int shoal_super_run(const char *folder, int argc, char **argv)
{
    struct shoal_supervisor *super = calloc(1, sizeof *super);
    struct shoal_err err = {0};
    if (super == NULL) {
        abort();
    }
    super->argc = argc;
    super->argv = argv;
    super->lock_fd = super->signal_fd = -1;
    super->quarantine = json_object();
    super->stop_grace_ms = 30000;
    shoal_media_table_init(&super->media);
    int code = 0;
    if (realpath(folder, super->folder) == NULL) {
        code = shoal_config_there(folder, &err);
        code = code != 0 ? code : shoal_fail(&err, SHOAL_EIO, "%s: %s", folder, strerror(errno));
    }
    ssize_t length = readlink("/proc/self/exe", super->program, sizeof super->program - 1);
    super->program[length > 0 ? length : 0] = '\0';
    code = code != 0 ? code : prepare(super, &err);
    if (code != 0) {
        fprintf(stderr, "shoal: %s\n", err.text);
        super->exit_code = 1;
    } else {
        while (!super->is_over && !(super->is_stopping && super->child_count == 0)) {
            turn(super);
        }
        char path[PATH_MAX + 32];
        snprintf(path, sizeof path, "%s/run/serve.json", super->folder);
        unlink(path);
    }
    shoal_media_table_fini(&super->media);
    shoal_sockets_fini(&super->sockets);
    json_decref(super->quarantine);
    code = super->exit_code;
    free(super);
    return code;
}
