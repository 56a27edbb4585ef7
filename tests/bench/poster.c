// poster.c - posts requests that were made and signed before: what sends costs little, what takes is measured.
//
//   poster HOST:PORT FILE CONNECTIONS
//
// FILE has the requests one behind the other, each after its length in decimal and a line feed. Each connection
// sends the next one when it has the answer to its last. Prints one line of JSON when all are answered.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define ANSWER_MAX      65536

struct request {
    const char *bytes;
    size_t length;
};

struct connection {
    int fd;
    size_t answer_length;
    char answer[ANSWER_MAX];
};

static struct sockaddr_in server;
static struct request *requests;
static size_t request_count, sent, answered, taken, refused;
static char first_refusal[512];
static int epoll;

static void die(const char *what)
{
    fprintf(stderr, "poster: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void read_requests(const char *path)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &info) != 0) {
        die(path);
    }
    size_t size = (size_t)info.st_size, at = 0;
    char *bytes = malloc(size + 1);
    if (bytes == NULL || fread(bytes, 1, size, file) != size) {
        die(path);
    }
    fclose(file);
    bytes[size] = '\0';
    while (at < size) {
        char *end = NULL;
        size_t length = strtoull(bytes + at, &end, 10);
        at = (size_t)(end - bytes) + 1;
        if (*end != '\n' || length == 0 || length > size - at) {
            errno = EINVAL;
            die("a request has no length");
        }
        if ((request_count & (request_count + 1)) == 0 || requests == NULL) {
            requests = realloc(requests, (request_count + 1) * 2 * sizeof *requests);
        }
        requests[request_count++] = (struct request){bytes + at, length};
        at += length;
    }
}

// Requests are a few kilobytes: a socket that was answered takes one at once.
static void send_next(struct connection *connection)
{
    if (sent == request_count) {
        return;
    }
    const struct request *request = &requests[sent++];
    size_t at = 0;
    while (at < request->length) {
        ssize_t wrote = send(connection->fd, request->bytes + at, request->length - at, MSG_NOSIGNAL);
        if (wrote <= 0) {
            die("send");
        }
        at += (size_t)wrote;
    }
}

static void open_connection(struct connection *connection)
{
    int on = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    connection->answer_length = 0;
    if (connection->fd < 0 ||
        connect(connection->fd, (struct sockaddr *)&server, sizeof server) != 0) {
        die("connect");
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        die("epoll");
    }
}

// How long the answer is with its body, or 0 while its head is not there yet.
static size_t answer_size(const struct connection *connection)
{
    const char *end = strstr(connection->answer, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }
    size_t head = (size_t)(end - connection->answer) + 4;
    for (const char *line = strstr(connection->answer, "\r\n"); line < end; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, "content-length:", 15) == 0) {
            return head + strtoull(line + 17, NULL, 10);
        }
    }
    return head;
}

static void take_answer(struct connection *connection)
{
    bool is_good = connection->answer_length > 12 && connection->answer[9] == '2';
    if (!is_good && refused++ == 0) {
        snprintf(first_refusal, sizeof first_refusal, "%s", connection->answer);
        for (char *c = first_refusal; *c != '\0'; c++) {
            *c = *c < 0x20 || *c == '"' || *c == '\\' ? ' ' : *c;
        }
    }
    taken += is_good ? 1 : 0;
    answered++;
    connection->answer_length = 0;
    send_next(connection);
}

static void read_some(struct connection *connection)
{
    char *to = connection->answer + connection->answer_length;
    size_t room = sizeof connection->answer - 1 - connection->answer_length;
    ssize_t got = recv(connection->fd, to, room, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        die("the server closed a connection");
    }
    connection->answer_length += (size_t)got;
    connection->answer[connection->answer_length] = '\0';
    size_t size = answer_size(connection);
    if (size > 0 && connection->answer_length >= size) {
        take_answer(connection);
    }
}

int main(int argc, char **argv)
{
    char *colon = argc == 4 ? strchr(argv[1], ':') : NULL;
    long count = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (colon == NULL || count < 1 || count > CONNECTIONS_MAX) {
        fprintf(stderr, "poster HOST:PORT FILE CONNECTIONS\n");
        return 2;
    }
    *colon = '\0';
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) {
        die(argv[1]);
    }
    read_requests(argv[2]);
    epoll = epoll_create1(0);
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    for (long i = 0; i < count; i++) {
        open_connection(&connections[i]);
    }
    double from = now();
    for (long i = 0; i < count; i++) {
        send_next(&connections[i]);
    }
    struct epoll_event events[64];
    while (answered < request_count) {
        int ready = epoll_wait(epoll, events, 64, 60000);
        if (ready <= 0) {
            die("no answer for a minute");
        }
        for (int i = 0; i < ready; i++) {
            read_some(events[i].data.ptr);
        }
    }
    printf("{\"seconds\": %.6f, \"taken\": %zu, \"refused\": %zu, \"first\": \"%s\"}\n", now() - from, taken,
        refused, first_refusal);
    return 0;
}
