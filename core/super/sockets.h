// sockets.h - the listening sockets, which live as long as the supervisor.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_SOCKETS_H
#define SHOAL_CORE_SUPER_SOCKETS_H
#include <jansson.h>

#include "host/config.h"

struct shoal_socket {
    char name[200];   ///< what it listens on: "tcp 0.0.0.0 9000", "unix /run/x.sock", "plugin 0 …"
    int fd;
    int loop;         ///< -1: shared
    bool is_tls, is_redirect;
    bool is_plugin;   ///< a listener of a plugin, asked for by the child
    int generation;   ///< of the newest child that asked for it, where it is a plugin's
    bool is_wanted;   ///< by the configuration that was read last
    bool is_served;   ///< a child that was ready accepts from it, or did
    int port;         ///< as bound
};
struct shoal_sockets {
    struct shoal_socket *list;
    size_t count;
};

/// Opens what the configuration lists and is not open yet: a socket per loop for each TCP address.
/// On an error what was opened by this call is closed again.
int shoal_sockets_open(struct shoal_sockets *sockets, const struct shoal_config *config, int loops,
    struct shoal_err *err);
/// Closes those that the configuration no longer lists.
void shoal_sockets_prune(struct shoal_sockets *sockets);
/// Closes those that nobody accepts from: opened for a child that never served, or those of plugins
/// that no child of this generation or a newer one asked for.
void shoal_sockets_take_back(struct shoal_sockets *sockets, int generation);
/// The socket of a plugin's listener ("0.0.0.0:1935", or a path for Unix); kept for later children.
/// kind: enum shoal_listener_kind. generation: of the child that asks.
/// Returns: the descriptor, borrowed, or a negative error.
int shoal_sockets_plugin(struct shoal_sockets *sockets, const char *folder, int kind,
    const char *address, int generation, struct shoal_err *err);
/// Whether an address is free: 0, or SHOAL_EBUSY / SHOAL_EFORBIDDEN / SHOAL_EINVAL with a sentence.
int shoal_sockets_probe(const char *host, int port, bool is_udp, struct shoal_err *err);
/// For a child and for an upgrade: [{name, fd, loop, tls, redirect, plugin, generation, port}], and back.
json_t *shoal_sockets_dump(const struct shoal_sockets *sockets);
void shoal_sockets_load(struct shoal_sockets *sockets, const json_t *dump);
void shoal_sockets_fini(struct shoal_sockets *sockets);

#endif
