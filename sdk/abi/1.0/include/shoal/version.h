// version.h - the number of the promise that a plugin is built against, and what every header needs.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_VERSION_H
#define SHOAL_VERSION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A plugin of another major is refused; so is one whose minor is higher than the server's.
#define SHOAL_ABI_MAJOR 1
#define SHOAL_ABI_MINOR 0
/// What the "sdk" range of a manifest is compared with.
#define SHOAL_SDK_VERSION "1.0.0"

/// A function that the server exports to plugins. Names are only ever added; a plugin that needs a
/// newer one than the server has is refused when it is loaded, with the name in the message.
#define SHOAL_API __attribute__((visibility("default")))

/// A function of the headers that hands the sizes of its structs on; see sized.h.
#define SHOAL_INLINE static inline

#define SHOAL_PRINTF(text, first) __attribute__((format(printf, text, first)))

struct shoal_arena;
struct shoal_buf;
struct shoal_call;
struct shoal_db;
struct shoal_err;
struct shoal_job;
struct shoal_plugin;
struct shoal_request;
struct shoal_rows;
struct shoal_sha256;
struct shoal_viewer;

#endif
