// children.c - starts the server as a child, hears it, and decides what its end means.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>

#include "super/supervisor.h"

#define ROOM_WAIT_MS 5000

static json_t *refused_requests(const struct shoal_backoff *backoff)
{
    json_t *list = json_array();
    for (size_t i = 0; i < backoff->count; i++) {
        const char *request = backoff->list[i].request;
        if (shoal_backoff_refuses(backoff, request)) {
            json_array_append_new(list, json_string(request));
        }
    }
    return list;
}

/// What the child is told in its environment.
static char *handover(const struct shoal_supervisor *super, int control_fd, int crash_fd)
{
    json_t *body = json_pack("{s:i, s:i, s:i, s:i, s:b, s:i, s:o, s:O, s:o}", "control",
        control_fd, "crash", crash_fd, "lock", super->lock_fd, "generation", super->generation,
        "safe", super->is_safe_mode, "loops", super->loops, "listens",
        shoal_sockets_dump(&super->sockets), "quarantine", super->quarantine, "refuse",
        refused_requests(&super->backoff));
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

static void keep_open(int fd)
{
    fcntl(fd, F_SETFD, 0);
}

/// Where the machine's memory runs out, the kernel is to end the server, which is started again, and
/// not its supervisor.
static void offer_itself(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    ssize_t wrote = fd < 0 ? 0 : write(fd, "500", 3);
    (void)wrote;
    if (fd >= 0) {
        close(fd);
    }
}

/// In the forked process.
_Noreturn static void become_server(const struct shoal_supervisor *super, pid_t parent,
    int control_fd, int crash_fd)
{
    char *text = handover(super, control_fd, crash_fd);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1); // it died before it could be said
    }
    offer_itself();
    keep_open(control_fd);
    keep_open(crash_fd);
    keep_open(super->lock_fd);
    for (size_t i = 0; i < super->sockets.count; i++) {
        if (!super->sockets.list[i].is_plugin && super->sockets.list[i].is_wanted) {
            keep_open(super->sockets.list[i].fd);
        }
    }
    if (text != NULL && setenv("SHOAL_CHILD", text, 1) == 0) {
        unsetenv("NOTIFY_SOCKET");
        execv("/proc/self/exe", super->argv);
    }
    int number = errno;
    dprintf(STDERR_FILENO, "the server cannot be started: %s\n", strerror(number));
    _exit(1);
}

int shoal_child_start(struct shoal_supervisor *super, struct shoal_err *err)
{
    if (super->child_count == SHOAL_CHILDREN_MAX) {
        return shoal_fail(err, SHOAL_EBUSY, "two servers are ending already");
    }
    int control[2], crash[2];
    int code = shoal_message_pair(control, err);
    if (code != 0) {
        return code;
    }
    if (pipe2(crash, O_CLOEXEC) != 0) {
        close(control[0]);
        close(control[1]);
        return shoal_fail(err, SHOAL_EIO, "no pipe for the server: %s", strerror(errno));
    }
    super->generation++;
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_server(super, self, control[1], crash[1]);
    }
    int number = errno;
    close(control[1]);
    close(crash[1]);
    if (pid < 0) {
        close(control[0]);
        close(crash[0]);
        return shoal_fail(err, SHOAL_EBUSY, "the server cannot be started: %s", strerror(number));
    }
    fcntl(crash[0], F_SETFL, O_NONBLOCK);
    struct shoal_child *child = &super->children[super->child_count++];
    *child = (struct shoal_child){
        .pid = pid,
        .channel_fd = control[0],
        .crash_fd = crash[0],
        .generation = super->generation,
        .started_ms = shoal_tick_ms(),
    };
    super->restart_at_ms = 0;
    return 0;
}

struct shoal_child *shoal_child_find(struct shoal_supervisor *super, pid_t pid)
{
    for (size_t i = 0; i < super->child_count; i++) {
        if (super->children[i].pid == pid) {
            return &super->children[i];
        }
    }
    return NULL;
}

void shoal_child_remind(struct shoal_child *child)
{
    json_t *body = json_pack("{s:s, s:s}", "do", "stop", "reason", child->unsaid);
    // Signals are no way out: children are deaf to all but SIGKILL.
    if (shoal_message_send(child->channel_fd, body, NULL, 0, false, NULL) != SHOAL_EBUSY) {
        child->unsaid[0] = '\0';
    }
    json_decref(body);
}

void shoal_child_stop(struct shoal_supervisor *super, struct shoal_child *child,
    const char *reason)
{
    bool must_hurry = child->stays && strcmp(reason, "reload") != 0;
    if (child->kill_at_ms != 0 && !must_hurry) {
        return;
    }
    child->stays = false;
    snprintf(child->unsaid, sizeof child->unsaid, "%s", reason);
    shoal_child_remind(child);
    child->state = SHOAL_CHILD_DRAINING;
    child->kill_at_ms = shoal_tick_ms() + super->stop_grace_ms + 10000;
}

static void answer(const struct shoal_child *child, json_int_t id, int code, const char *text,
    int fd)
{
    json_t *body = json_pack("{s:I, s:i, s:s}", "answer", id, "code", code, "text", text);
    shoal_message_send(child->channel_fd, body, &fd, fd >= 0 ? 1 : 0, false, NULL);
    json_decref(body);
}

/// The child may write alone as soon as every older one has ended.
static void alone(struct shoal_supervisor *super, struct shoal_child *child, json_int_t id)
{
    bool is_alone = true;
    for (size_t i = 0; i < super->child_count; i++) {
        if (super->children[i].generation < child->generation) {
            shoal_child_stop(super, &super->children[i], "migration");
            is_alone = false;
        }
    }
    child->alone_id = is_alone ? 0 : id;
    if (is_alone) {
        answer(child, id, 0, "", -1);
    }
}

static bool hears_topics(const struct shoal_child *child)
{
    return child->state != SHOAL_CHILD_STARTING && child->channel_fd >= 0;
}

/// What one child publishes, the others hear: while a reload lasts there are several.
static void topic_pass(const struct shoal_supervisor *super, const struct shoal_child *from,
    const json_t *body)
{
    for (size_t i = 0; i < super->child_count; i++) {
        const struct shoal_child *child = &super->children[i];
        if (child != from && hears_topics(child)) {
            shoal_message_send(child->channel_fd, body, NULL, 0, false, NULL);
        }
    }
}

static void siblings_tell(const struct shoal_supervisor *super)
{
    int count = 0;
    for (size_t i = 0; i < super->child_count; i++) {
        count += hears_topics(&super->children[i]);
    }
    json_t *body = json_pack("{s:s, s:i}", "do", "siblings", "count", count - 1);
    topic_pass(super, NULL, body);
    json_decref(body);
}

static void ready(struct shoal_supervisor *super, struct shoal_child *child)
{
    child->state = SHOAL_CHILD_READY;
    super->has_served = true;
    shoal_sockets_prune(&super->sockets);
    for (size_t i = 0; i < super->child_count; i++) {
        if (super->children[i].generation < child->generation) {
            shoal_child_stop(super, &super->children[i], "reload");
        }
    }
    siblings_tell(super);
    shoal_supervisor_notify("READY=1");
    shoal_supervisor_status(super);
}

/// Whether a newer child wants to write alone.
static bool is_waited_for(const struct shoal_supervisor *super, const struct shoal_child *child)
{
    for (size_t i = 0; i < super->child_count; i++) {
        const struct shoal_child *other = &super->children[i];
        if (other->alone_id != 0 && other->generation > child->generation) {
            return true;
        }
    }
    return false;
}

/// The child drains, but for streams that outlive it: an ingest of hours.
static void stays(struct shoal_supervisor *super, struct shoal_child *child, int64_t ms)
{
    if (child->state != SHOAL_CHILD_DRAINING) {
        return;
    }
    child->stays = true;
    child->kill_at_ms = shoal_tick_ms() + ms + super->stop_grace_ms + 10000;
    shoal_info("streams of the server of generation %d stay until their end", child->generation);
    // What makes it hurry may have come before its word did.
    if (super->is_stopping || is_waited_for(super, child)) {
        shoal_child_stop(super, child, "hurry");
    }
}

static void listen_for(struct shoal_supervisor *super, const struct shoal_child *child,
    const json_t *body)
{
    struct shoal_err err = {0};
    int fd = shoal_sockets_plugin(&super->sockets, super->folder,
        (int)shoal_integer(body, "kind", 0), shoal_text(body, "address", ""), child->generation,
        &err);
    answer(child, shoal_integer(body, "id", 0), fd < 0 ? fd : 0, err.text, fd);
}

/// A plugin's socket goes when nobody is left who may listen on it: one server serves, and it has asked
/// for all that it wants. Until then a socket is kept for the next server, so that nothing that
/// arrives meanwhile is lost.
static void plugins_prune(struct shoal_supervisor *super)
{
    const struct shoal_child *child = &super->children[0];
    if (super->child_count == 1 && child->state == SHOAL_CHILD_READY && child->has_asked) {
        shoal_sockets_take_back(&super->sockets, child->generation);
        shoal_supervisor_status(super);
    }
}

static void failed(struct shoal_child *child, const json_t *body)
{
    child->has_failed = true;
    child->failed_code = (int)shoal_integer(body, "code", SHOAL_EINTERNAL);
    snprintf(child->sentence, sizeof child->sentence, "%s",
        shoal_text(body, "text", "the server does not start"));
}

void shoal_child_heard(struct shoal_supervisor *super, struct shoal_child *child)
{
    struct shoal_message message;
    struct shoal_err err = {0};
    int code = shoal_message_recv(child->channel_fd, false, &message, &err);
    if (code == SHOAL_EGONE || code == SHOAL_EIO) {
        shoal_media_channel_gone(&super->media, child->channel_fd);
        close(child->channel_fd);
        child->channel_fd = -1;
        return;
    }
    if (code != 0) {
        return;
    }
    const char *verb = shoal_text(message.body, "do", "");
    if (strcmp(verb, "ready") == 0) {
        ready(super, child);
    } else if (strcmp(verb, "failed") == 0) {
        failed(child, message.body);
    } else if (strcmp(verb, "alone") == 0) {
        alone(super, child, shoal_integer(message.body, "id", 0));
    } else if (strcmp(verb, "topic") == 0) {
        topic_pass(super, child, message.body);
    } else if (strcmp(verb, "stays") == 0) {
        stays(super, child, shoal_integer(message.body, "ms", 0));
    } else if (strcmp(verb, "listen") == 0) {
        listen_for(super, child, message.body);
    } else if (strcmp(verb, "asked") == 0) {
        child->has_asked = true;
        plugins_prune(super);
    } else if (!shoal_media_serve(&super->media, child->channel_fd, &message)) {
        shoal_warn("the server asks its supervisor for something unknown: %s", verb);
    }
    shoal_message_fini(&message);
}

void shoal_child_crash_read(struct shoal_child *child)
{
    char drop[512];
    for (;;) {
        size_t room = sizeof child->crash - 1 - child->crash_bytes;
        ssize_t got = room > 0 ? read(child->crash_fd, child->crash + child->crash_bytes, room)
                               : read(child->crash_fd, drop, sizeof drop);
        if (got <= 0) {
            if (got == 0) {
                close(child->crash_fd);
                child->crash_fd = -1;
            }
            return;
        }
        child->crash_bytes += room > 0 ? (size_t)got : 0;
    }
}

static void quarantine(struct shoal_supervisor *super, const struct shoal_crash *crash)
{
    char sentence[256];
    const char *what = crash->sentence[0] == '\0'                           ? "crash"
                       : strcmp(crash->sentence, SHOAL_CRASH_MEMORY) == 0 ? "run out of memory"
                       : strcmp(crash->sentence, SHOAL_CRASH_EXIT) == 0   ? "end"
                                                                          : "hang";
    snprintf(sentence, sizeof sentence, "it made the server %s three times in ten minutes", what);
    shoal_error("plugin %s is quarantined: %s", crash->plugin, sentence);
    json_object_set_new(super->quarantine, crash->plugin, json_string(sentence));
}

/// Reads what it said, and says it.
static struct shoal_crash report(const struct shoal_child *child, int status)
{
    struct shoal_crash crash = {.at_ms = shoal_tick_ms()};
    shoal_crash_read(child->crash, &crash);
    if (crash.signal == 0) {
        crash.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    if (crash.signal == SIGKILL && child->crash_bytes == 0) {
        snprintf(crash.sentence, sizeof crash.sentence,
            "it was killed, as the kernel does where memory runs out");
    }
    if (WIFSIGNALED(status)) {
        shoal_error("the server was ended by signal %d%s%s%s%s", crash.signal,
            crash.plugin[0] != '\0' ? " in plugin " : "", crash.plugin,
            crash.sentence[0] != '\0' ? ": " : "", crash.sentence);
    } else {
        shoal_error("the server ended with code %d", WEXITSTATUS(status));
    }
    for (const char *line = child->crash; *line != '\0';) {
        int length = (int)strcspn(line, "\n");
        shoal_error("  %.*s", length, line);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    return crash;
}

/// A child that was meant to serve is gone: counts, blames, plans the next start.
static void crashed(struct shoal_supervisor *super, struct shoal_child *child, int status)
{
    struct shoal_crash crash = report(child, status);
    enum shoal_remedy remedy =
        shoal_backoff_crash(&super->backoff, &crash, shoal_tick_ms() - child->started_ms);
    if (remedy == SHOAL_REMEDY_QUARANTINE) {
        quarantine(super, &crash);
    } else if (remedy == SHOAL_REMEDY_SAFE_MODE && !super->is_safe_mode) {
        shoal_error("three crashes in ten minutes: safe mode, with the shipped plugins only");
        super->is_safe_mode = true;
    }
    super->restart_at_ms = shoal_tick_ms() + shoal_backoff_delay_ms(&super->backoff);
}

static void others_left(struct shoal_supervisor *super)
{
    for (size_t i = 0; i < super->child_count; i++) {
        if (super->children[i].alone_id != 0) {
            alone(super, &super->children[i], super->children[i].alone_id);
        }
    }
}

/// Whether some child serves or is about to.
static bool is_served(const struct shoal_supervisor *super)
{
    for (size_t i = 0; i < super->child_count; i++) {
        if (super->children[i].state != SHOAL_CHILD_DRAINING) {
            return true;
        }
    }
    return false;
}

void shoal_child_ended(struct shoal_supervisor *super, struct shoal_child *child, int status)
{
    if (child->crash_fd >= 0) {
        shoal_child_crash_read(child);
    }
    // What it said before it ended counts, "failed" above all.
    while (child->channel_fd >= 0 && !child->has_failed) {
        int fd = child->channel_fd;
        struct shoal_message message;
        if (shoal_message_recv(fd, false, &message, NULL) != 0) {
            break;
        }
        if (strcmp(shoal_text(message.body, "do", ""), "failed") == 0) {
            failed(child, message.body);
        }
        shoal_message_fini(&message);
    }
    if (child->channel_fd >= 0) {
        shoal_media_channel_gone(&super->media, child->channel_fd);
        close(child->channel_fd);
    }
    if (child->crash_fd >= 0) {
        close(child->crash_fd);
    }
    struct shoal_child gone = *child;
    gone.crash[gone.crash_bytes] = '\0';
    size_t at = (size_t)(child - super->children);
    memmove(child, child + 1, (super->child_count - at - 1) * sizeof *child);
    super->child_count--;
    others_left(super);
    siblings_tell(super);
    plugins_prune(super);
    if (gone.state == SHOAL_CHILD_STARTING && is_served(super)) {
        shoal_sockets_take_back(&super->sockets, 0); // plugins ask when they serve
    }
    bool is_missed = !super->is_stopping && !(gone.state == SHOAL_CHILD_DRAINING && is_served(super));
    if (gone.crash_bytes > 0 && !is_missed) {
        report(&gone, status); // at its end: nobody waits for it, but somebody has to hear of it
    }
    if (super->is_stopping) {
        return;
    }
    if (gone.has_failed && gone.failed_code == SHOAL_EFULL && !is_served(super)) {
        // Nobody but the disk can mend that, and it needs no hand once it did.
        shoal_warn("the disk is full, and the server starts once there is room: %s", gone.sentence);
        super->restart_at_ms = shoal_tick_ms() + ROOM_WAIT_MS;
        return;
    }
    if (gone.has_failed) {
        shoal_error("%s", gone.sentence);
        if (!super->has_served) {
            super->exit_code = 1;
            super->is_over = true;
        } else if (is_served(super)) {
            shoal_warn("the server goes on with the configuration it has");
        } else {
            super->restart_at_ms = shoal_tick_ms() + 10000;
        }
        return;
    }
    if (gone.state == SHOAL_CHILD_DRAINING && is_served(super)) {
        return;
    }
    bool by_itself = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (gone.state != SHOAL_CHILD_DRAINING || !by_itself) {
        crashed(super, &gone, status);
    } else {
        super->restart_at_ms = shoal_tick_ms() + 100;
    }
    if (is_served(super)) {
        super->restart_at_ms = 0;
    }
}
