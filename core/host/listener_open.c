// listener_open.c - opens a listening socket without a supervisor: for tests and plain processes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/listener_open.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <shoal/stream.h>

#define BACKLOG 512

static int parse(const char *text, struct sockaddr_storage *out, socklen_t *length)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    size_t host_length = colon ? (size_t)(colon - text) : 0;
    if (!colon || host_length == 0 || host_length >= sizeof(host)) {
        return SHOAL_EINVAL;
    }
    bool is_bracketed = text[0] == '[' && colon[-1] == ']' && host_length > 2;
    host_length -= is_bracketed ? 2 : 0;
    memcpy(host, text + (is_bracketed ? 1 : 0), host_length);
    host[host_length] = 0;
    char *end = NULL;
    long port = strtol(colon + 1, &end, 10);
    if (*end || end == colon + 1 || port < 0 || port > 65535) {
        return SHOAL_EINVAL;
    }
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)out;
    if (inet_pton(AF_INET, host, &ipv4->sin_addr) == 1) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons((uint16_t)port);
        *length = sizeof(*ipv4);
        return 0;
    }
    if (inet_pton(AF_INET6, host, &ipv6->sin6_addr) == 1) {
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons((uint16_t)port);
        *length = sizeof(*ipv6);
        return 0;
    }
    return SHOAL_EINVAL;
}

static int parse_unix(const char *path, struct sockaddr_storage *out, socklen_t *length)
{
    struct sockaddr_un *local = (struct sockaddr_un *)out;
    if (strlen(path) >= sizeof(local->sun_path)) {
        return SHOAL_EINVAL;
    }
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path, strlen(path) + 1);
    *length = sizeof(*local);
    // What a process that died left behind; anything else in its place is somebody's file.
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode)) {
        unlink(path);
    }
    return 0;
}

int shoal_listener_open(int kind, const char *address, int *fd, struct shoal_err *err)
{
    struct sockaddr_storage where = {0};
    socklen_t length = 0;
    int code = kind == SHOAL_LISTEN_UNIX ? parse_unix(address, &where, &length)
                                         : parse(address, &where, &length);
    if (code < 0) {
        return shoal_fail(err, code, "\"%s\" is not an address to listen on", address);
    }
    int type = kind == SHOAL_LISTEN_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int opened = socket(where.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (opened < 0) {
        return shoal_fail(err, SHOAL_EIO, "no socket for %s: %s", address, strerror(errno));
    }
    int on = 1;
    setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(opened, (struct sockaddr *)&where, length) < 0 ||
        (type == SOCK_STREAM && listen(opened, BACKLOG) < 0)) {
        int number = errno;
        close(opened);
        return shoal_fail(err, number == EADDRINUSE ? SHOAL_EBUSY : SHOAL_EIO,
            "cannot listen on %s: %s", address, strerror(number));
    }
    *fd = opened;
    return 0;
}
