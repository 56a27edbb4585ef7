// status.c - tells others what the supervisor does: run/serve.json, and systemd.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/file.h"
#include "super/supervisor.h"

#define AGAIN_MS 5000

void shoal_supervisor_status(struct shoal_supervisor *super)
{
    json_t *children = json_array();
    for (size_t i = 0; i < super->child_count; i++) {
        static const char *const states[] = {"starting", "ready", "draining"};
        json_array_append_new(children, json_pack("{s:i, s:i, s:s}", "pid",
            (int)super->children[i].pid, "generation", super->children[i].generation, "state",
            states[super->children[i].state]));
    }
    json_t *body = json_pack("{s:i, s:s, s:b, s:O, s:o, s:o, s:o}", "pid", (int)getpid(),
        "version", SHOAL_VERSION, "safeMode", super->is_safe_mode, "quarantine",
        super->quarantine, "children", children, "listens", shoal_sockets_dump(&super->sockets),
        "crashes", shoal_backoff_dump(&super->backoff));
    char *text = json_dumps(body, JSON_INDENT(2));
    json_decref(body);
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/run/serve.json", super->folder);
    struct shoal_err err = {0};
    super->status_at_ms = 0;
    if (text != NULL &&
        shoal_file_write_whole(path, text, strlen(text), 0640, &err) != 0) {
        shoal_warn("what runs is not written down: %s", err.text);
        super->status_at_ms = shoal_tick_ms() + AGAIN_MS;
    }
    free(text);
}

void shoal_supervisor_notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || path[0] == '\0' || strlen(path) >= sizeof address.sun_path) {
        return;
    }
    size_t length = strlen(path);
    memcpy(address.sun_path, path, length + 1);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    close(fd);
}
