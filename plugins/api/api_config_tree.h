// api_config_tree.h - the complete tree of GET /config, with what is off until a plugin says it is on.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_CONFIG_TREE_H
#define API_CONFIG_TREE_H

/// JSON. Web clients read most of these keys without asking whether they exist.
extern const char api_config_tree[];

#endif
