// settings.h - what the manifest declares and the administrator sets.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SETTINGS_H
#define SHOAL_SETTINGS_H
#include <jansson.h>

#include <shoal/version.h>

// The effective value of a setting of this plugin: default < database < shoal.lua < --set.
// Sizes ("2M") are bytes and times ("2h") milliseconds in shoal_setting_i64().
// Returns: text and json in the call's arena (call may be NULL in start(): the plugin's arena).
// Errors: an undeclared key is a bug and aborts. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int64_t shoal_setting_i64(struct shoal_plugin *self, const char *key);
SHOAL_API bool shoal_setting_bool(struct shoal_plugin *self, const char *key);
SHOAL_API const char *shoal_setting_text(struct shoal_plugin *self, struct shoal_call *call,
    const char *key);
SHOAL_API json_t *shoal_setting_json(struct shoal_plugin *self, const char *key); ///< new reference

/// Writes a setting as the web pages do: checked against its row, refused where the file locks it.
///
/// Returns: 0 or a negative error. Errors: SHOAL_EINVAL, SHOAL_ELOCKED. Thread: [worker].
/// Blocks:  yes. Since: 1.0.
SHOAL_API int shoal_setting_set(struct shoal_call *call, const char *plugin, const char *key,
    const json_t *value, struct shoal_err *err);

/// Keys that belong to the instance ("instance.name", "url", "http.rate.api"), as JSON; new reference.
SHOAL_API json_t *shoal_instance_setting(const char *key);

#endif
