// sockets.c - opens, keeps and closes listening sockets.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "super/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <shoal/json.h>
#include <shoal/stream.h>

#define BACKLOG      1024
#define SOCKETS_MAX  512

static int address_read(const char *host, int port, struct sockaddr_storage *address,
    socklen_t *length, struct shoal_err *err)
{
    char service[12];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const char *name = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    if (port < 0 || port > 65535 ||
        getaddrinfo(name[0] == '\0' || strcmp(name, "*") == 0 ? "::" : name, service, &hints,
            &found) != 0) {
        return shoal_fail(err, SHOAL_EINVAL, "%s:%d is not an address to listen on", host, port);
    }
    memcpy(address, found->ai_addr, found->ai_addrlen);
    *length = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int bind_fail(const char *host, int port, int number, struct shoal_err *err)
{
    if (number == EADDRINUSE) {
        return shoal_fail(err, SHOAL_EBUSY,
            "port %d of %s is taken by another program: stop that one, or choose another port in "
            "shoal.lua (listen)", port, host);
    }
    if (number == EACCES || number == EPERM) {
        return shoal_fail(err, SHOAL_EFORBIDDEN,
            "port %d may not be opened by this user: start the server as root (it gives those "
            "rights up), or choose a port above 1023", port);
    }
    if (number == EADDRNOTAVAIL) {
        return shoal_fail(err, SHOAL_EINVAL, "%s is not an address of this machine", host);
    }
    return shoal_fail(err, SHOAL_EIO, "cannot listen on %s:%d: %s", host, port, strerror(number));
}

/// Binds one socket. shares: more of the same will follow.
static int bound(const char *host, int port, int type, bool shares, struct shoal_err *err)
{
    struct sockaddr_storage address = {0};
    socklen_t length = 0;
    int code = address_read(host, port, &address, &length, err);
    if (code != 0) {
        return code;
    }
    int fd = socket(address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return shoal_fail(err, SHOAL_EIO, "cannot listen on %s:%d: %s", host, port,
            strerror(errno));
    }
    int on = 1, off = 0;
    if (type == SOCK_STREAM) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (shares) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    }
    if (address.ss_family == AF_INET6) {
        bool is_any = strcmp(host, "::") == 0 || strcmp(host, "*") == 0 || host[0] == '\0';
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_any ? &off : &on, sizeof on);
    }
    // Listening is part of the probe: two sockets with SO_REUSEADDR may share a bound port.
    if (bind(fd, (struct sockaddr *)&address, length) != 0 ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) != 0)) {
        int number = errno;
        close(fd);
        return bind_fail(host, port, number, err);
    }
    return fd;
}

int shoal_sockets_probe(const char *host, int port, bool is_udp, struct shoal_err *err)
{
    int fd = bound(host, port, is_udp ? SOCK_DGRAM : SOCK_STREAM, false, err);
    if (fd < 0) {
        return fd;
    }
    close(fd);
    return 0;
}

static int port_of(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        return 0;
    }
    return address.ss_family == AF_INET6
               ? ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port)
               : ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}

static int unix_open(const char *path, struct shoal_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return shoal_fail(err, SHOAL_EINVAL, "the path of the socket %s is too long", path);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return shoal_fail(err, SHOAL_EIO, "cannot listen on %s: %s", path, strerror(errno));
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN) {
        close(fd);
        return shoal_fail(err, SHOAL_EBUSY, "the socket %s is taken by another program", path);
    }
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode)) {
        unlink(path);
    }
    close(fd);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(path, 0666) != 0 || listen(fd, BACKLOG) != 0) {
        int number = errno;
        if (fd >= 0) {
            close(fd);
        }
        return shoal_fail(err, SHOAL_EIO, "cannot listen on %s: %s", path, strerror(number));
    }
    return fd;
}

static struct shoal_socket *find(struct shoal_sockets *sockets, const char *name, int loop)
{
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->list[i].loop == loop && strcmp(sockets->list[i].name, name) == 0) {
            return &sockets->list[i];
        }
    }
    return NULL;
}

static struct shoal_socket *add(struct shoal_sockets *sockets, const char *name, int fd, int loop)
{
    sockets->list = realloc(sockets->list, (sockets->count + 1) * sizeof(struct shoal_socket));
    if (sockets->list == NULL) {
        abort();
    }
    struct shoal_socket *socket = &sockets->list[sockets->count++];
    *socket = (struct shoal_socket){.fd = fd, .loop = loop, .is_wanted = true};
    snprintf(socket->name, sizeof socket->name, "%s", name);
    return socket;
}

static void wanted(struct shoal_socket *socket, const struct shoal_config_listen *line)
{
    socket->is_wanted = true;
    socket->is_tls = line->is_tls;
    socket->is_redirect = line->is_redirect;
}

static int open_tcp(struct shoal_sockets *sockets, const struct shoal_config_listen *line,
    int loops, struct shoal_err *err)
{
    char name[200];
    snprintf(name, sizeof name, "tcp %s %d", line->host, line->port);
    int port = line->port;
    if (find(sockets, name, 0) == NULL) {
        int code = shoal_sockets_probe(line->host, port, false, err);
        if (code != 0) {
            return code;
        }
    } else {
        port = find(sockets, name, 0)->port;
    }
    for (int loop = 0; loop < loops; loop++) {
        struct shoal_socket *socket = find(sockets, name, loop);
        if (socket == NULL) {
            int fd = bound(line->host, port, SOCK_STREAM, true, err);
            if (fd < 0) {
                return fd;
            }
            socket = add(sockets, name, fd, loop);
            socket->port = port = port_of(fd);
        }
        wanted(socket, line);
    }
    return 0;
}

static int open_unix(struct shoal_sockets *sockets, const char *folder,
    const struct shoal_config_listen *line, struct shoal_err *err)
{
    char path[PATH_MAX], name[200];
    snprintf(path, sizeof path, "%s%s%s", line->host[0] == '/' ? "" : folder,
        line->host[0] == '/' ? "" : "/", line->host);
    snprintf(name, sizeof name, "unix %s", line->host);
    struct shoal_socket *socket = find(sockets, name, -1);
    if (socket == NULL) {
        int fd = unix_open(path, err);
        if (fd < 0) {
            return fd;
        }
        socket = add(sockets, name, fd, -1);
    }
    wanted(socket, line);
    return 0;
}

static void close_from(struct shoal_sockets *sockets, size_t first)
{
    for (size_t i = first; i < sockets->count; i++) {
        close(sockets->list[i].fd);
    }
    sockets->count = first;
}

int shoal_sockets_open(struct shoal_sockets *sockets, const struct shoal_config *config, int loops,
    struct shoal_err *err)
{
    size_t before = sockets->count;
    if (config->listen_count * (size_t)loops > SOCKETS_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "shoal.lua has too many listen lines");
    }
    for (size_t i = 0; i < sockets->count; i++) {
        sockets->list[i].is_wanted = sockets->list[i].is_plugin;
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        const struct shoal_config_listen *line = &config->listens[i];
        int code = line->is_unix ? open_unix(sockets, config->folder, line, err)
                                 : open_tcp(sockets, line, loops, err);
        if (code != 0) {
            close_from(sockets, before);
            for (size_t j = 0; j < sockets->count; j++) {
                sockets->list[j].is_wanted = true; // the old child still uses them
            }
            return code;
        }
    }
    return 0;
}

void shoal_sockets_take_back(struct shoal_sockets *sockets, int generation)
{
    for (size_t i = 0; i < sockets->count; i++) {
        struct shoal_socket *socket = &sockets->list[i];
        socket->is_wanted =
            socket->is_plugin ? socket->generation >= generation : socket->is_served;
    }
    shoal_sockets_prune(sockets);
}

void shoal_sockets_prune(struct shoal_sockets *sockets)
{
    size_t kept = 0;
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->list[i].is_wanted) {
            sockets->list[i].is_served = true;
            sockets->list[kept++] = sockets->list[i];
        } else {
            close(sockets->list[i].fd);
        }
    }
    sockets->count = kept;
}

int shoal_sockets_plugin(struct shoal_sockets *sockets, const char *folder, int kind,
    const char *address, int generation, struct shoal_err *err)
{
    char name[200], host[108], path[PATH_MAX];
    snprintf(name, sizeof name, "plugin %d %s", kind, address);
    struct shoal_socket *socket = find(sockets, name, -1);
    if (socket != NULL) {
        socket->generation = generation > socket->generation ? generation : socket->generation;
        return socket->fd;
    }
    if (sockets->count >= SOCKETS_MAX) {
        return shoal_fail(err, SHOAL_EBUSY, "too many listeners");
    }
    int fd;
    if (kind == SHOAL_LISTEN_UNIX) {
        snprintf(path, sizeof path, "%s%s%s", address[0] == '/' ? "" : folder,
            address[0] == '/' ? "" : "/", address);
        fd = unix_open(path, err);
    } else {
        const char *colon = strrchr(address, ':');
        size_t length = colon == NULL ? 0 : (size_t)(colon - address);
        if (length == 0 || length >= sizeof host) {
            return shoal_fail(err, SHOAL_EINVAL, "%s is not an address with a port", address);
        }
        bool has_brackets = address[0] == '[' && address[length - 1] == ']' && length > 2;
        snprintf(host, sizeof host, "%.*s", (int)(has_brackets ? length - 2 : length),
            address + (has_brackets ? 1 : 0));
        fd = bound(host, (int)strtol(colon + 1, NULL, 10),
            kind == SHOAL_LISTEN_UDP ? SOCK_DGRAM : SOCK_STREAM, false, err);
    }
    if (fd < 0) {
        return fd;
    }
    socket = add(sockets, name, fd, -1);
    socket->is_plugin = true;
    socket->generation = generation;
    socket->is_tls = kind == SHOAL_LISTEN_TLS;
    return fd;
}

json_t *shoal_sockets_dump(const struct shoal_sockets *sockets)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sockets->count; i++) {
        const struct shoal_socket *socket = &sockets->list[i];
        json_array_append_new(list,
            json_pack("{s:s, s:i, s:i, s:b, s:b, s:b, s:i, s:i, s:b, s:b}", "name", socket->name,
                "fd", socket->fd, "loop", socket->loop, "tls", socket->is_tls, "redirect",
                socket->is_redirect, "plugin", socket->is_plugin, "generation",
                socket->generation, "port", socket->port, "wanted", socket->is_wanted, "served",
                socket->is_served));
    }
    return list;
}

void shoal_sockets_load(struct shoal_sockets *sockets, const json_t *dump)
{
    for (size_t i = 0; i < json_array_size(dump) && i < SOCKETS_MAX; i++) {
        const json_t *row = json_array_get(dump, i);
        struct shoal_socket *socket = add(sockets, shoal_text(row, "name", ""),
            (int)shoal_integer(row, "fd", -1), (int)shoal_integer(row, "loop", -1));
        socket->is_tls = shoal_flag(row, "tls", false);
        socket->is_redirect = shoal_flag(row, "redirect", false);
        socket->is_plugin = shoal_flag(row, "plugin", false);
        socket->generation = (int)shoal_integer(row, "generation", 0);
        socket->port = (int)shoal_integer(row, "port", 0);
        socket->is_served = shoal_flag(row, "served", true);
    }
}

void shoal_sockets_fini(struct shoal_sockets *sockets)
{
    close_from(sockets, 0);
    free(sockets->list);
    *sockets = (struct shoal_sockets){0};
}
