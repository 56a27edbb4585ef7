// child.c - the server's side of its supervisor: what it was given, what it says, what it is told.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>
#include <shoal/plugin.h>

#include "data/data.h"
#include "super/channel.h"
#include "super/drop.h"
#include "super/super.h"

// Orders may come before the server is ready to obey: the first one is kept until then.
static struct {
    void (*stop)(const char *reason, void *user);
    void *user;
    char reason[32];
    bool is_due;
} orders;

static void topic_forward(const char *topic, const json_t *message)
{
    json_t *copy = message == NULL ? json_null() : json_deep_copy(message);
    shoal_channel_try(json_pack("{s:s, s:s, s:o}", "do", "topic", "topic", topic, "message", copy));
}

static void order_take(const json_t *body, void *user)
{
    (void)user;
    if (body == NULL) {
        // Killed, or it would have said so. The kernel ends us as well; should it not, the next
        // server waits for this folder and its ports.
        _exit(1);
    }
    const char *verb = shoal_text(body, "do", "");
    if (strcmp(verb, "topic") == 0) {
        shoal_topics_hear(shoal_text(body, "topic", ""), json_object_get(body, "message"));
    } else if (strcmp(verb, "siblings") == 0) {
        shoal_topics_forward(shoal_integer(body, "count", 0) > 0 ? topic_forward : NULL);
    }
    if (strcmp(verb, "stop") != 0) {
        return;
    }
    const char *reason = shoal_text(body, "reason", "stop");
    void (*stop)(const char *, void *) = __atomic_load_n(&orders.stop, __ATOMIC_ACQUIRE);
    if (stop != NULL) {
        stop(reason, orders.user);
        return;
    }
    size_t length = strnlen(reason, sizeof orders.reason - 1);
    memcpy(orders.reason, reason, length);
    orders.reason[length] = '\0';
    __atomic_store_n(&orders.is_due, true, __ATOMIC_RELEASE);
}

static void listens_read(struct shoal_super_child *child, const json_t *list)
{
    child->listens = calloc(json_array_size(list) + 1, sizeof *child->listens);
    if (child->listens == NULL) {
        abort();
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        int fd = (int)shoal_integer(row, "fd", -1);
        if (shoal_flag(row, "plugin", false) || !shoal_flag(row, "wanted", true) ||
            fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
            continue;
        }
        child->listens[child->listen_count++] = (struct shoal_listen_fd){
            .fd = fd,
            .loop = (int)shoal_integer(row, "loop", -1),
            .is_tls = shoal_flag(row, "tls", false),
            .is_redirect = shoal_flag(row, "redirect", false),
        };
    }
}

int shoal_super_child_read(struct shoal_super_child *child, struct shoal_err *err)
{
    *child = (struct shoal_super_child){.control_fd = -1, .crash_fd = -1};
    const char *text = getenv("SHOAL_CHILD");
    if (text == NULL) {
        return SHOAL_ENOTFOUND;
    }
    json_t *body = shoal_json_parse(text, strlen(text), err);
    unsetenv("SHOAL_CHILD");
    if (body == NULL) {
        return SHOAL_EINVAL;
    }
    child->control_fd = (int)shoal_integer(body, "control", -1);
    child->crash_fd = (int)shoal_integer(body, "crash", -1);
    child->generation = (int)shoal_integer(body, "generation", 1);
    child->is_safe_mode = shoal_flag(body, "safe", false);
    child->loops = (int)shoal_integer(body, "loops", 1);
    child->quarantine = json_incref(json_object_get(body, "quarantine"));
    child->refuse = json_incref(json_object_get(body, "refuse"));
    listens_read(child, json_object_get(body, "listens"));
    int lock_fd = (int)shoal_integer(body, "lock", -1);
    json_decref(body);
    if (fcntl(child->control_fd, F_SETFD, FD_CLOEXEC) != 0) {
        return shoal_fail(err, SHOAL_EINVAL, "the supervisor's channel is not there");
    }
    fcntl(child->crash_fd, F_SETFD, FD_CLOEXEC);
    fcntl(lock_fd, F_SETFD, FD_CLOEXEC); // held as long as we are there
    prctl(PR_SET_NAME, "shoal"); // it was started as /proc/self/exe
    // The terminal's ^C goes to everybody; only the supervisor's word counts here.
    static const int deaf[] = {SIGINT, SIGHUP, SIGTERM, SIGUSR2, SIGPIPE};
    for (size_t i = 0; i < sizeof deaf / sizeof deaf[0]; i++) {
        signal(deaf[i], SIG_IGN);
    }
    return shoal_channel_start(child->control_fd, order_take, NULL, err);
}

/// A socket that the next configuration drops would stay open here, and take connections in that
/// nobody looks at, for as long as this child drains.
void shoal_super_child_listens(struct shoal_super_child *child)
{
    for (size_t i = 0; i < child->listen_count; i++) {
        close(child->listens[i].fd);
    }
    child->listen_count = 0;
}

int shoal_super_child_ready(struct shoal_super_child *child,
    void (*stop)(const char *reason, void *user), void *user, struct shoal_err *err)
{
    orders.user = user;
    __atomic_store_n(&orders.stop, stop, __ATOMIC_RELEASE);
    if (__atomic_exchange_n(&orders.is_due, false, __ATOMIC_ACQ_REL)) {
        stop(orders.reason, user);
        return 0;
    }
    return shoal_channel_tell(json_pack("{s:s, s:i}", "do", "ready", "generation",
        child->generation), err);
}

void shoal_super_child_failed(const struct shoal_err *err)
{
    shoal_channel_tell(json_pack("{s:s, s:i, s:s}", "do", "failed", "code", err->code, "text",
        err->text), NULL);
}

void shoal_super_child_stays(int64_t stay_ms)
{
    shoal_channel_tell(json_pack("{s:s, s:I}", "do", "stays", "ms", (json_int_t)stay_ms), NULL);
}

int shoal_super_child_alone(struct shoal_err *err)
{
    if (!shoal_channel_runs()) {
        return 0;
    }
    json_t *answer = NULL;
    int code = shoal_channel_ask(NULL, json_pack("{s:s}", "do", "alone"), NULL, 0, 120000, &answer,
        NULL, NULL, err);
    json_decref(answer);
    return code;
}

int shoal_super_listen(int kind, const char *address, int *fd, struct shoal_err *err)
{
    json_t *answer = NULL;
    *fd = -1;
    int code = shoal_channel_ask(NULL,
        json_pack("{s:s, s:i, s:s}", "do", "listen", "kind", kind, "address", address), NULL, 0,
        10000, &answer, fd, NULL, err);
    json_decref(answer);
    if (code == 0 && *fd < 0) {
        return shoal_fail(err, SHOAL_EIO, "the supervisor gave no socket for %s", address);
    }
    return code;
}

void shoal_super_child_asked(void)
{
    shoal_channel_tell(json_pack("{s:s}", "do", "asked"), NULL);
}

void shoal_super_child_close(struct shoal_super_child *child)
{
    shoal_channel_stop();
    json_decref(child->quarantine);
    json_decref(child->refuse);
    free(child->listens);
    *child = (struct shoal_super_child){.control_fd = -1, .crash_fd = -1};
}

int shoal_instance_end(const char *why, struct shoal_err *err)
{
    const char *folder = shoal_instance_path("data");
    shoal_info("this server ends: %s", why);
    return shoal_super_order(folder ? folder : "", 's', err);
}

int shoal_super_order(const char *folder, char what, struct shoal_err *err)
{
    pid_t pid = shoal_lock_holder(folder);
    if (pid <= 1) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "no server works on %s", folder);
    }
    int number = what == 'r' ? SIGHUP : what == 'u' ? SIGUSR2 : SIGTERM;
    if (kill(pid, number) != 0) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "process %d cannot be told: %s", (int)pid,
            strerror(errno));
    }
    return 0;
}
