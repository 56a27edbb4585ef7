// bare.c - a tracker that reads no message: each frame gets the same answer. What it costs is what the
// kernel takes for a message in and one out, so that no server that reads can be quicker.
//
//   bare PORT THREADS
//
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FD_MAX     65536
#define IN_BYTES   65536
#define OUT_BYTES  262144
#define HEAD_BYTES 6 // of a masked frame below 126 bytes
#define READY_MAX  1024

static bool is_open[FD_MAX]; // the handshake is over; each descriptor is one thread's
static char answer[256];
static size_t answer_length;
static int port;

static void make_answer(void)
{
    int length = snprintf(answer + 2, sizeof answer - 2, "{\"complete\":0,\"incomplete\":32,\"action\":\"announce\",\"interval\":120,\"info_hash\":\"bPpsBPG3m8ktWPlseEcJ\"}");
    answer[0] = (char)0x81;
    answer[1] = (char)length;
    answer_length = (size_t)length + 2;
}

static int listen_here(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 512) != 0) {
        perror("bare");
        exit(1);
    }
    return fd;
}

static void poll_for(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void take_in(int epoll, int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        if (fd >= FD_MAX) {
            close(fd);
            continue;
        }
        is_open[fd] = false;
        poll_for(epoll, fd);
    }
}

/// One answer for each frame that is whole; the generator sends no others.
static size_t answer_all(const unsigned char *in, size_t left, char *out)
{
    size_t length = 0;
    while (left >= 4) {
        size_t payload = in[1] & 0x7f, head = HEAD_BYTES;
        if (payload == 126) {
            payload = (size_t)in[2] << 8 | in[3];
            head += 2;
        }
        if (left < head + payload || length + answer_length > OUT_BYTES) {
            break;
        }
        memcpy(out + length, answer, answer_length);
        length += answer_length;
        in += head + payload;
        left -= head + payload;
    }
    return length;
}

static void hear(int fd, char *in, char *out)
{
    static const char switches[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    ssize_t got = recv(fd, in, IN_BYTES, 0);
    if (got <= 0) {
        close(fd);
    } else if (!is_open[fd]) {
        is_open[fd] = true;
        send(fd, switches, sizeof switches - 1, MSG_NOSIGNAL);
    } else {
        size_t length = answer_all((const unsigned char *)in, (size_t)got, out);
        if (length > 0) {
            send(fd, out, length, MSG_NOSIGNAL);
        }
    }
}

static void *serve(void *arg)
{
    (void)arg;
    int listener = listen_here(), epoll = epoll_create1(0);
    char *in = malloc(IN_BYTES), *out = malloc(OUT_BYTES);
    poll_for(epoll, listener);
    for (;;) {
        struct epoll_event ready[READY_MAX];
        int count = epoll_wait(epoll, ready, READY_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.fd == listener) {
                take_in(epoll, listener);
            } else {
                hear(ready[i].data.fd, in, out);
            }
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bare PORT THREADS\n");
        return 2;
    }
    port = (int)strtol(argv[1], NULL, 10);
    make_answer();
    for (long i = strtol(argv[2], NULL, 10); i > 1; i--) {
        pthread_t thread;
        pthread_create(&thread, NULL, serve, NULL);
    }
    serve(NULL);
    return 0;
}
