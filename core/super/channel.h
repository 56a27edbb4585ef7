// channel.h - this process's end of the control channel: asks the supervisor, hears its orders.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_CHANNEL_H
#define SHOAL_CORE_SUPER_CHANNEL_H
#include <jansson.h>

#include <shoal/call.h>
#include <shoal/error.h>

/// Starts the thread that reads the channel; fd becomes the channel's. order (or NULL) gets messages
/// that answer nothing, on that thread; NULL body: the other end is gone.
int shoal_channel_start(int fd, void (*order)(const json_t *body, void *user), void *user,
    struct shoal_err *err);
void shoal_channel_stop(void);
bool shoal_channel_runs(void);
/// Sends without waiting for an answer. Takes the reference.
int shoal_channel_tell(json_t *body, struct shoal_err *err);
/// The same, but dropped when the supervisor has no room for it now.
void shoal_channel_try(json_t *body);
/// Sends and waits for the answer, at most timeout_ms (-1: without end) and until the call (or NULL)
/// is cancelled. Takes the reference of body. answer: new reference. fd (or NULL): the descriptor
/// that came along, -1 for none. id (or NULL): what the message was called.
/// Errors: those of the answer; SHOAL_ETIMEOUT, SHOAL_ECANCELLED, SHOAL_EGONE, SHOAL_EUNSUPPORTED.
int shoal_channel_ask(struct shoal_call *call, json_t *body, const int *fds, size_t fd_count,
    int64_t timeout_ms, json_t **answer, int *fd, json_int_t *id, struct shoal_err *err);

#endif
