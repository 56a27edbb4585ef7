// protocol.c - sends and receives the messages of the control channel.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "super/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shoal/json.h>

#define HEAD_BYTES 4

int shoal_message_pair(int ends[2], struct shoal_err *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return shoal_fail(err, SHOAL_EIO, "a control channel cannot be made: %s", strerror(errno));
    }
    return 0;
}

static void head_write(unsigned char head[HEAD_BYTES], size_t length)
{
    head[0] = (unsigned char)(length >> 24 & 0xff);
    head[1] = (unsigned char)(length >> 16 & 0xff);
    head[2] = (unsigned char)(length >> 8 & 0xff);
    head[3] = (unsigned char)(length & 0xff);
}

static size_t head_read(const unsigned char head[HEAD_BYTES])
{
    return (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | (size_t)head[3];
}

static int packet_send(int fd, struct msghdr *packet, bool may_block, struct shoal_err *err)
{
    for (;;) {
        if (sendmsg(fd, packet, MSG_NOSIGNAL | (may_block ? 0 : MSG_DONTWAIT)) >= 0) {
            return 0;
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            return shoal_fail(err, SHOAL_EBUSY, "the control channel is full");
        }
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
            return shoal_fail(err, SHOAL_EGONE, "the other end of the control channel is gone");
        }
        return shoal_fail(err, SHOAL_EIO, "the control channel failed: %s", strerror(errno));
    }
}

int shoal_message_send(int fd, const json_t *body, const int *fds, size_t fd_count, bool may_block,
    struct shoal_err *err)
{
    if (fd_count > SHOAL_MESSAGE_FDS) {
        return shoal_fail(err, SHOAL_EINVAL, "a message carries at most %d descriptors",
            SHOAL_MESSAGE_FDS);
    }
    char *text = json_dumps(body, JSON_COMPACT);
    if (text == NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "a message is not JSON");
    }
    size_t length = strlen(text);
    if (length > SHOAL_MESSAGE_MAX) {
        free(text);
        return shoal_fail(err, SHOAL_ETOOLARGE, "a message of %zu bytes is too long", length);
    }
    unsigned char head[HEAD_BYTES];
    head_write(head, length);
    struct iovec parts[2] = {{head, HEAD_BYTES}, {text, length}};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * SHOAL_MESSAGE_FDS)];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr packet = {.msg_iov = parts, .msg_iovlen = 2};
    if (fd_count > 0) {
        packet.msg_control = control.bytes;
        packet.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&packet);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(rights), fds, sizeof(int) * fd_count);
    }
    int code = packet_send(fd, &packet, may_block, err);
    free(text);
    return code;
}

/// Moves the descriptors of a packet into the message; more than fit are closed.
static void rights_read(struct msghdr *packet, struct shoal_message *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(packet); part != NULL;
         part = CMSG_NXTHDR(packet, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd = -1;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
            if (message->fd_count < SHOAL_MESSAGE_FDS) {
                message->fds[message->fd_count++] = fd;
            } else {
                close(fd);
            }
        }
    }
}

static int body_read(const unsigned char *data, size_t length, struct shoal_message *message,
    struct shoal_err *err)
{
    if (length < HEAD_BYTES || head_read(data) != length - HEAD_BYTES) {
        return shoal_fail(err, SHOAL_EINVAL, "a control message has the wrong length");
    }
    message->body = shoal_json_parse((const char *)data + HEAD_BYTES, length - HEAD_BYTES, err);
    if (message->body == NULL) {
        return SHOAL_EINVAL;
    }
    if (!json_is_object(message->body)) {
        return shoal_fail(err, SHOAL_EINVAL, "a control message is not an object");
    }
    return 0;
}

int shoal_message_recv(int fd, bool may_block, struct shoal_message *message,
    struct shoal_err *err)
{
    *message = (struct shoal_message){0};
    size_t room = HEAD_BYTES + SHOAL_MESSAGE_MAX;
    unsigned char *data = malloc(room);
    if (data == NULL) {
        abort();
    }
    struct iovec part = {data, room};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * SHOAL_MESSAGE_FDS)];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr packet = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do {
        got = recvmsg(fd, &packet, MSG_CMSG_CLOEXEC | (may_block ? 0 : MSG_DONTWAIT));
    } while (got < 0 && errno == EINTR);
    int code = 0;
    if (got > 0) {
        rights_read(&packet, message);
        code = (packet.msg_flags & MSG_TRUNC) != 0
                   ? shoal_fail(err, SHOAL_ETOOLARGE, "a control message is too long")
                   : body_read(data, (size_t)got, message, err);
    } else if (got == 0 || errno == ECONNRESET) {
        code = shoal_fail(err, SHOAL_EGONE, "the other end of the control channel is gone");
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        code = SHOAL_EBUSY;
    } else {
        code = shoal_fail(err, SHOAL_EIO, "the control channel failed: %s", strerror(errno));
    }
    free(data);
    if (code != 0) {
        shoal_message_fini(message);
    }
    return code;
}

int shoal_message_take_fd(struct shoal_message *message, size_t i)
{
    if (i >= message->fd_count) {
        return -1;
    }
    int fd = message->fds[i];
    message->fds[i] = -1;
    return fd;
}

void shoal_message_fini(struct shoal_message *message)
{
    for (size_t i = 0; i < message->fd_count; i++) {
        if (message->fds[i] >= 0) {
            close(message->fds[i]);
        }
    }
    json_decref(message->body);
    *message = (struct shoal_message){0};
}
