// streams.h - listeners that plugins asked for, and taking streams back.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_STREAMS_H
#define SHOAL_CORE_HOST_STREAMS_H

struct shoal_plugin;

/// Opens what plugins asked for by shoal_listen(); once the server runs.
void shoal_listeners_open(void);
/// Closes the listeners and streams of a plugin that stops.
void shoal_streams_remove(struct shoal_plugin *plugin);

#endif
