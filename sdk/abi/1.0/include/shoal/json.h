// json.h - reading JSON values by dotted paths ("video.channel.name", "files.0.size").
// SPDX-License-Identifier: MIT
#ifndef SHOAL_JSON_H
#define SHOAL_JSON_H
#include <jansson.h>

#include <shoal/version.h>

/// The value at a dotted path, borrowed; a number in the path is an array index.
///
/// Returns: NULL where a part is missing. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API json_t *shoal_get(const json_t *root, const char *path);

/// The value at a path as a C type, or `otherwise` where it is missing or of another type.
///
/// Returns: text is borrowed from the JSON value. Errors: none.
/// Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API double shoal_number(const json_t *root, const char *path, double otherwise);
SHOAL_API int64_t shoal_integer(const json_t *root, const char *path, int64_t otherwise);
SHOAL_API const char *shoal_text(const json_t *root, const char *path, const char *otherwise);
SHOAL_API bool shoal_flag(const json_t *root, const char *path, bool otherwise);

/// Parses JSON that comes from outside: UTF-8, at most 64 levels deep, no duplicate keys.
///
/// Returns: a new reference, or NULL. Errors: SHOAL_EINVAL names line and column.
/// Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API json_t *shoal_json_parse(const char *text, size_t length, struct shoal_err *err);

/// Sets root[path] = value, making the objects on the way. Takes the reference of value.
///
/// Returns: 0 or SHOAL_EINVAL where the path runs through something that is not an object.
/// Errors: SHOAL_EINVAL. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_json_set(json_t *root, const char *path, json_t *value);

#endif
