// protocol.h - messages between the supervisor and its children: JSON that may carry descriptors.
//
// One message is one packet of a SOCK_SEQPACKET pair: four bytes of length (big endian), then JSON.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_PROTOCOL_H
#define SHOAL_CORE_SUPER_PROTOCOL_H
#include <jansson.h>

#include <shoal/error.h>

#define SHOAL_MESSAGE_MAX (96 * 1024)
#define SHOAL_MESSAGE_FDS 4

struct shoal_message {
    json_t *body;                ///< an object
    int fds[SHOAL_MESSAGE_FDS];  ///< descriptors that came along, close-on-exec; owned by the message
    size_t fd_count;
};

/// A pair of connected ends, close-on-exec.
int shoal_message_pair(int ends[2], struct shoal_err *err);
/// Sends one message. may_block false: a full queue is SHOAL_EBUSY.
int shoal_message_send(int fd, const json_t *body, const int *fds, size_t fd_count, bool may_block,
    struct shoal_err *err);
/// Receives one message. SHOAL_EGONE: the other end is closed; SHOAL_EBUSY: nothing there
/// (may_block false); SHOAL_EINVAL: not one of ours.
int shoal_message_recv(int fd, bool may_block, struct shoal_message *message,
    struct shoal_err *err);
/// Takes descriptor i out of the message; -1 where there is none.
int shoal_message_take_fd(struct shoal_message *message, size_t i);
void shoal_message_fini(struct shoal_message *message);

#endif
