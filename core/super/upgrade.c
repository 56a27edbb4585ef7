// upgrade.c - the supervisor replaces itself and keeps sockets, children and media processes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>

#include "super/drop.h"
#include "super/supervisor.h"

#define STATE_MAX (4 * 1024 * 1024)

static json_t *children_dump(const struct shoal_supervisor *super)
{
    json_t *list = json_array();
    for (size_t i = 0; i < super->child_count; i++) {
        const struct shoal_child *child = &super->children[i];
        json_array_append_new(list, json_pack("{s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:b, s:b, s:s}", "pid",
            (int)child->pid, "channel", child->channel_fd, "crash", child->crash_fd, "generation",
            child->generation, "state", (int)child->state, "started",
            (json_int_t)child->started_ms, "kill_at", (json_int_t)child->kill_at_ms, "alone",
            child->alone_id, "asked", child->has_asked, "stays", child->stays, "unsaid",
            child->unsaid));
    }
    return list;
}

/// Lets every descriptor that the next program needs through the exec, or not.
static void descriptors_keep(const struct shoal_supervisor *super, int state_fd, bool keeps)
{
    int flags = keeps ? 0 : FD_CLOEXEC;
    fcntl(super->lock_fd, F_SETFD, flags);
    fcntl(state_fd, F_SETFD, flags);
    for (size_t i = 0; i < super->sockets.count; i++) {
        fcntl(super->sockets.list[i].fd, F_SETFD, flags);
    }
    for (size_t i = 0; i < super->child_count; i++) {
        fcntl(super->children[i].channel_fd, F_SETFD, flags);
        fcntl(super->children[i].crash_fd, F_SETFD, flags);
    }
    for (size_t i = 0; i < super->media.count; i++) {
        fcntl(super->media.list[i]->errors_pipe, F_SETFD, flags);
        fcntl(super->media.list[i]->errors_file, F_SETFD, flags);
    }
}

static int state_write(const struct shoal_supervisor *super)
{
    json_t *body = json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:O, s:b}", "lock",
        super->lock_fd, "generation", super->generation, "loops", super->loops, "sockets",
        shoal_sockets_dump(&super->sockets), "children", children_dump(super), "media",
        shoal_media_dump(&super->media), "crashes", shoal_backoff_dump(&super->backoff),
        "quarantine", super->quarantine, "safe", super->is_safe_mode);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    int fd = text == NULL ? -1 : memfd_create("state", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
        close(fd);
        fd = -1;
    }
    free(text);
    return fd;
}

void shoal_supervisor_upgrade(struct shoal_supervisor *super)
{
    if (super->is_stopping) {
        shoal_warn("no upgrade: the server is stopping");
        return; // the next program would not know it, and serve on
    }
    int fd = state_write(super);
    if (fd < 0) {
        shoal_error("no upgrade: its state cannot be written: %s", strerror(errno));
        return;
    }
    char number[16];
    snprintf(number, sizeof number, "%d", fd);
    setenv("SHOAL_SUPER", number, 1);
    descriptors_keep(super, fd, true);
    shoal_drop_keep_over_exec();
    shoal_info("upgrade: starting %s anew", super->program);
    execv(super->program, super->argv);
    shoal_error("no upgrade: %s cannot be started: %s", super->program, strerror(errno));
    unsetenv("SHOAL_SUPER");
    descriptors_keep(super, fd, false);
    close(fd);
}

static json_t *state_read(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    if (size <= 0 || size > STATE_MAX) {
        return NULL;
    }
    char *text = malloc((size_t)size);
    json_t *body = NULL;
    if (text != NULL && pread(fd, text, (size_t)size, 0) == size) {
        body = shoal_json_parse(text, (size_t)size, NULL);
    }
    free(text);
    return body;
}

bool shoal_supervisor_resume(struct shoal_supervisor *super)
{
    const char *number = getenv("SHOAL_SUPER");
    if (number == NULL) {
        return false;
    }
    int fd = (int)strtol(number, NULL, 10);
    unsetenv("SHOAL_SUPER");
    json_t *body = state_read(fd);
    close(fd);
    if (body == NULL) {
        return false;
    }
    super->lock_fd = (int)shoal_integer(body, "lock", -1);
    super->generation = (int)shoal_integer(body, "generation", 0);
    super->loops = (int)shoal_integer(body, "loops", 1);
    super->is_safe_mode = shoal_flag(body, "safe", false);
    super->has_served = true;
    shoal_sockets_load(&super->sockets, json_object_get(body, "sockets"));
    shoal_media_load(&super->media, json_object_get(body, "media"));
    shoal_backoff_load(&super->backoff, json_object_get(body, "crashes"));
    json_decref(super->quarantine);
    super->quarantine = json_incref(json_object_get(body, "quarantine"));
    const json_t *children = json_object_get(body, "children");
    for (size_t i = 0; i < json_array_size(children) && i < SHOAL_CHILDREN_MAX; i++) {
        const json_t *row = json_array_get(children, i);
        super->children[super->child_count++] = (struct shoal_child){
            .pid = (pid_t)shoal_integer(row, "pid", 0),
            .channel_fd = (int)shoal_integer(row, "channel", -1),
            .crash_fd = (int)shoal_integer(row, "crash", -1),
            .generation = (int)shoal_integer(row, "generation", 0),
            .state = (enum shoal_child_state)shoal_integer(row, "state", 0),
            .started_ms = shoal_integer(row, "started", 0),
            .kill_at_ms = shoal_integer(row, "kill_at", 0),
            .alone_id = shoal_integer(row, "alone", 0),
            .has_asked = shoal_flag(row, "asked", false),
            .stays = shoal_flag(row, "stays", false),
        };
        struct shoal_child *child = &super->children[super->child_count - 1];
        snprintf(child->unsaid, sizeof child->unsaid, "%s", shoal_text(row, "unsaid", ""));
    }
    json_decref(body);
    descriptors_keep(super, -1, false);
    return true;
}
