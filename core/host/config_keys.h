// config_keys.h - the table of the instance's settings, which are also the keys of shoal.lua.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_CONFIG_KEYS_H
#define SHOAL_CORE_HOST_CONFIG_KEYS_H
#include "host/setting_row.h"

extern const struct shoal_setting_row shoal_config_keys[];
extern const size_t shoal_config_key_count;

/// The row of a dotted name, or NULL.
const struct shoal_setting_row *shoal_config_key_find(const char *name);
/// Whether rows stand below this path ("instance").
bool shoal_config_key_is_folder(const char *path);
/// The known key or folder nearest to a path that is none, or NULL.
const char *shoal_config_key_nearest(const char *path);

#endif
