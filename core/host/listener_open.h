// listener_open.h - opens a listening socket without a supervisor.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_LISTENER_OPEN_H
#define SHOAL_CORE_HOST_LISTENER_OPEN_H
#include <shoal/error.h>

/// kind: enum shoal_listener_kind. address: "0.0.0.0:1935", "[::]:1935" or a path. The descriptor
/// is the caller's. Errors: SHOAL_EINVAL, SHOAL_EBUSY (taken), SHOAL_EIO.
int shoal_listener_open(int kind, const char *address, int *fd, struct shoal_err *err);

#endif
