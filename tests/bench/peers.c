// peers.c - many peers of a tracker in one thread: what a bench loads ours and others' with alike.
//
//   peers plain|offers|idle HOST:PORT PATH HASH SOCKETS SECONDS WINDOW [RATE]
//   peers http HOST:PORT PATH HASH CONNECTIONS SECONDS
//
// HASH is 40 hex digits; WINDOW announces are under way on each socket, RATE is announces a second of all
// (none: as fast as they are answered). Prints one line of JSON. idle connects and announces once, prints,
// and stays until its input ends.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define OFFERS     5
#define FRAME_MAX  16384
#define READ_BYTES 262144

struct peer {
    int fd;
    bool is_open; // the handshake is over
    int under_way;
    char id[21];
    char *frame; // its announce, masked
    size_t frame_length;
    char *held;  // the beginning of a frame
    size_t held_length;
};

static struct sockaddr_in server;
static char host[64], hash_text[160], hash_query[64], input[READ_BYTES * 2];
static const char *path, *mode;
static int peer_count, window = 1, epoll;
static double seconds, rate;
static struct peer *peers;
static uint64_t announces, offers, failures;

static void die(const char *what)
{
    fprintf(stderr, "peers: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void read_hash(const char *hex)
{
    size_t text = 0, query = 0;
    for (int i = 0; i < 20; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0};
        long byte = strtol(pair, NULL, 16);
        bool is_plain = byte > 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        text += is_plain ? (size_t)snprintf(hash_text + text, sizeof hash_text - text, "%c", (char)byte) : (size_t)snprintf(hash_text + text, sizeof hash_text - text, "\\u00%s", pair);
        query += (size_t)snprintf(hash_query + query, sizeof hash_query - query, "%%%s", pair);
    }
}

static int connect_one(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    if (fd < 0) {
        die("socket");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0 && errno != EINPROGRESS) {
        die("connect");
    }
    return fd;
}

static void send_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t put = send(fd, data, length, MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN) {
            failures++;
            return;
        }
        if (put > 0) {
            data += put;
            length -= (size_t)put;
        }
    }
}

/// An SDP of the size that browsers make, with a host candidate or two.
static size_t put_offer(char *out, size_t room, int n)
{
    size_t at = (size_t)snprintf(out, room, "{\"offer\":{\"type\":\"offer\",\"sdp\":\"v=0\\r\\no=- 4611731400430051336 2 IN IP4 127.0.0.1\\r\\ns=-\\r\\nt=0 0\\r\\na=group:BUNDLE 0\\r\\na=msid-semantic: WMS\\r\\nm=application 51472 UDP/DTLS/SCTP webrtc-datachannel\\r\\nc=IN IP4 198.51.100.17\\r\\n");
    for (int i = 0; i < 4; i++) {
        at += (size_t)snprintf(out + at, room - at, "a=candidate:%d 1 udp 2113937151 192.168.1.%d 5147%d typ host generation 0 network-cost 999\\r\\n", 842163049 + i, i + 2, i);
    }
    at += (size_t)snprintf(out + at, room - at, "a=ice-ufrag:Ox7%d\\r\\na=ice-pwd:7Q8rUuGZ0yYcXl3nQw5tKb2H\\r\\na=fingerprint:sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:3C:4B:65:2E:7D:46:3F:54:42:CD:54:F1\\r\\na=setup:actpass\\r\\na=mid:0\\r\\na=sctp-port:5000\\r\\na=max-message-size:262144\\r\\n\"},\"offer_id\":\"offer-number-%07d\"}", n, n);
    return at;
}

static void make_frame(struct peer *peer, int number)
{
    static char text[FRAME_MAX];
    size_t length = (size_t)snprintf(text, sizeof text, "{\"action\":\"announce\",\"info_hash\":\"%s\",\"peer_id\":\"%s\",\"numwant\":5,\"uploaded\":0,\"downloaded\":0,\"left\":null", hash_text, peer->id);
    if (strcmp(mode, "offers") == 0) {
        for (int i = 0; i < OFFERS; i++) {
            length += (size_t)snprintf(text + length, sizeof text - length, "%s", i ? "," : ",\"offers\":[");
            length += put_offer(text + length, sizeof text - length, number * OFFERS + i);
        }
        length += (size_t)snprintf(text + length, sizeof text - length, "]");
    }
    length += (size_t)snprintf(text + length, sizeof text - length, "}");
    static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    peer->frame = malloc(length + 8);
    size_t at = 0;
    peer->frame[at++] = (char)0x81;
    if (length < 126) {
        peer->frame[at++] = (char)(0x80 | length);
    } else {
        peer->frame[at++] = (char)0xfe;
        peer->frame[at++] = (char)(length >> 8);
        peer->frame[at++] = (char)(length & 255);
    }
    memcpy(peer->frame + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < length; i++) {
        peer->frame[at + i] = (char)(text[i] ^ mask[i & 3]);
    }
    peer->frame_length = at + length;
}

static void announce(struct peer *peer)
{
    peer->under_way++;
    send_all(peer->fd, peer->frame, peer->frame_length);
}

static void hear(struct peer *peer, const unsigned char *text, size_t length, int opcode)
{
    if (opcode == 9) {
        char pong[6] = {(char)0x8a, (char)0x80, 0, 0, 0, 0};
        send_all(peer->fd, pong, sizeof pong);
    } else if (opcode == 8) {
        failures++;
    } else if (memmem(text, length < 200 ? length : 200, "\"interval\"", 10)) {
        announces++;
        peer->under_way--;
    } else if (memmem(text, length < 200 ? length : 200, "\"offer\"", 7)) {
        offers++;
    } else if (failures++ == 0) {
        fprintf(stderr, "peers: heard %.*s\n", (int)(length < 200 ? length : 200), text);
    }
}

/// Takes the whole frames; what is left is held.
static void take(struct peer *peer, const unsigned char *data, size_t length)
{
    while (length >= 2) {
        size_t head = 2, payload = data[1] & 0x7f;
        if (payload == 126 && length >= 4) {
            payload = (size_t)data[2] << 8 | data[3];
            head = 4;
        } else if (payload >= 126) {
            break;
        }
        if (length < head + payload) {
            break;
        }
        hear(peer, data + head, payload, data[0] & 15);
        data += head + payload;
        length -= head + payload;
    }
    free(peer->held);
    peer->held = length ? malloc(length) : NULL;
    peer->held_length = length;
    if (length) {
        memcpy(peer->held, data, length);
    }
}

static bool read_peer(struct peer *peer)
{
    memcpy(input, peer->held ? peer->held : "", peer->held_length);
    ssize_t got = recv(peer->fd, input + peer->held_length, READ_BYTES, 0);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) {
            return true;
        }
        failures++;
        epoll_ctl(epoll, EPOLL_CTL_DEL, peer->fd, NULL);
        return false;
    }
    size_t length = peer->held_length + (size_t)got;
    const char *data = input;
    if (!peer->is_open) {
        input[length] = 0;
        char *end = strstr(input, "\r\n\r\n");
        if (!end || strncmp(input, "HTTP/1.1 101", 12) != 0) {
            fprintf(stderr, "peers: no upgrade: %.100s\n", input);
            exit(1);
        }
        peer->is_open = true;
        length -= (size_t)(end + 4 - input);
        data = end + 4;
    }
    take(peer, (const unsigned char *)data, length);
    return true;
}

static void open_peer(struct peer *peer, int number)
{
    char text[512];
    peer->fd = connect_one();
    snprintf(peer->id, sizeof peer->id, "-PM0202-%012d", number);
    make_frame(peer, number);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = peer};
    epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &event);
    for (struct epoll_event ready; epoll_wait(epoll, &ready, 1, 5000) == 1 && ready.data.ptr != peer;) {
    }
    int length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, host);
    send_all(peer->fd, text, (size_t)length);
    event.events = EPOLLIN;
    epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
    for (struct epoll_event ready; !peer->is_open && epoll_wait(epoll, &ready, 1, 5000) == 1;) {
        read_peer(ready.data.ptr);
    }
    if (!peer->is_open) {
        die("a socket did not open");
    }
}

static void turn(int timeout_ms)
{
    struct epoll_event ready[256];
    int count = epoll_wait(epoll, ready, 256, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct peer *peer = ready[i].data.ptr;
        bool is_there = read_peer(peer);
        while (is_there && rate == 0 && seconds > 0 && peer->under_way < window) {
            announce(peer);
        }
    }
}

static void run_sockets(void)
{
    bool is_idle = strcmp(mode, "idle") == 0;
    peers = calloc((size_t)peer_count, sizeof *peers);
    double length = seconds;
    seconds = 0; // nothing goes on by itself yet
    for (int i = 0; i < peer_count; i++) {
        open_peer(&peers[i], i);
        announce(&peers[i]);
        for (int j = 0; peers[i].under_way > 0 && j < 1000; j++) {
            turn(5);
        }
    }
    if (is_idle) {
        printf("{\"announces\": %llu, \"failures\": %llu}\n", (unsigned long long)announces, (unsigned long long)failures);
        fflush(stdout);
        char byte;
        while (read(0, &byte, 1) > 0) {
        }
        return;
    }
    printf("ready\n"); // all are connected: whoever counts the server's time begins now
    fflush(stdout);
    char byte;
    if (read(0, &byte, 1) != 1) {
        return;
    }
    seconds = length;
    announces = offers = 0;
    double start = now(), end = start + seconds;
    for (int i = 0; rate == 0 && i < peer_count; i++) {
        while (peers[i].under_way < window) {
            announce(&peers[i]);
        }
    }
    uint64_t sent = 0;
    while (now() < end) {
        for (; rate > 0 && (double)sent < (now() - start) * rate; sent++) {
            announce(&peers[sent % (uint64_t)peer_count]);
        }
        turn(1);
    }
    printf("{\"announces\": %llu, \"offers\": %llu, \"failures\": %llu, \"seconds\": %.3f}\n", (unsigned long long)announces, (unsigned long long)offers, (unsigned long long)failures, now() - start);
}

// ---- HTTP: a connection for each announce, as clients do

static void ask(struct peer *peer, uint64_t number)
{
    peer->fd = connect_one();
    peer->under_way = (int)(number % 1000000);
    peer->is_open = false;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = peer};
    epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &event);
}

static void run_http(void)
{
    uint64_t number = 0;
    peers = calloc((size_t)peer_count, sizeof *peers);
    printf("ready\n");
    fflush(stdout);
    char byte;
    if (read(0, &byte, 1) != 1) {
        return;
    }
    double start = now(), end = start + seconds;
    for (int i = 0; i < peer_count; i++) {
        ask(&peers[i], number++);
    }
    while (now() < end) {
        struct epoll_event ready[256];
        int count = epoll_wait(epoll, ready, 256, 10);
        for (int i = 0; i < count; i++) {
            struct peer *peer = ready[i].data.ptr;
            if (!peer->is_open) {
                char text[512];
                int length = snprintf(text, sizeof text, "GET %s?info_hash=%s&peer_id=-qB4520-%012d&port=6881&uploaded=0&downloaded=0&left=100&compact=1&numwant=50 HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, hash_query, peer->under_way % 500, host);
                send_all(peer->fd, text, (size_t)length);
                peer->is_open = true;
                struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
                epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
                continue;
            }
            ssize_t got = recv(peer->fd, input, sizeof input, 0);
            if (got > 0 && memmem(input, (size_t)got, "8:interval", 10)) {
                announces++;
            } else if (got > 0) {
                failures++;
            } else if (got == 0 || errno != EAGAIN) {
                close(peer->fd);
                ask(peer, number++);
            }
        }
    }
    printf("{\"announces\": %llu, \"failures\": %llu, \"seconds\": %.3f}\n", (unsigned long long)announces, (unsigned long long)failures, now() - start);
}

int main(int argc, char **argv)
{
    char *colon = argc >= 7 ? strchr(argv[2], ':') : NULL;
    if (!colon || strlen(argv[4]) != 40) {
        fprintf(stderr, "usage: see the top of peers.c\n");
        return 2;
    }
    mode = argv[1];
    snprintf(host, sizeof host, "%s", argv[2]);
    *colon = 0;
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10))};
    inet_pton(AF_INET, argv[2], &server.sin_addr);
    path = argv[3];
    read_hash(argv[4]);
    peer_count = (int)strtol(argv[5], NULL, 10);
    seconds = strtod(argv[6], NULL);
    window = argc > 7 ? (int)strtol(argv[7], NULL, 10) : 1;
    rate = argc > 8 ? strtod(argv[8], NULL) : 0;
    epoll = epoll_create1(0);
    if (strcmp(mode, "http") == 0) {
        run_http();
    } else {
        run_sockets();
    }
    return 0;
}
