// base.h - time, chance, ids and log lines.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_BASE_H
#define SHOAL_BASE_H
#include <shoal/version.h>

/// Milliseconds since 1970 UTC, and milliseconds of a clock that never jumps.
///
/// Returns: the time. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int64_t shoal_now_ms(void);
SHOAL_API int64_t shoal_tick_ms(void);

/// ISO 8601 with milliseconds and Z, as PeerTube writes it: "2026-01-31T12:00:00.000Z".
///
/// Returns: format: out; parse: 0 or SHOAL_EINVAL. Errors: SHOAL_EINVAL.
/// Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API char *shoal_time_format(int64_t time_ms, char out[32]);
SHOAL_API int shoal_time_parse(const char *text, int64_t *time_ms);

/// Bytes that nobody can guess, and the same as lower-case hex (out has 2 * bytes + 1 places).
///
/// Returns: nothing. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API void shoal_random(void *out, size_t bytes);
SHOAL_API void shoal_random_hex(char *out, size_t bytes);

/// A new UUIDv4, and PeerTube's 22-character short form of a UUID and back.
///
/// Returns: 0, or SHOAL_EINVAL for text that is not one. Errors: SHOAL_EINVAL.
/// Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API void shoal_uuid_new(char out[37]);
SHOAL_API bool shoal_uuid_valid(const char *text);
SHOAL_API int shoal_uuid_to_short(const char *uuid, char out[23]);
SHOAL_API int shoal_uuid_from_short(const char *text, char out[37]);

/// SHA-256 of bytes that come in pieces, by one thread at a time. end() writes 64 lower-case hex
/// characters; what is added after it begins a new sum.
///
/// Returns: new: owned, NULL without memory. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API struct shoal_sha256 *shoal_sha256_new(void);
SHOAL_API void shoal_sha256_add(struct shoal_sha256 *sum, const void *data, size_t length);
SHOAL_API void shoal_sha256_end(struct shoal_sha256 *sum, char out[65]);
SHOAL_API void shoal_sha256_free(struct shoal_sha256 *sum);

enum shoal_log_level {
    SHOAL_LOG_DEBUG = 0,
    SHOAL_LOG_INFO = 1,
    SHOAL_LOG_WARN = 2,
    SHOAL_LOG_ERROR = 3,
};

/// Writes one log line with the plugin's name and, inside a call, the request id.
///
/// format:  printf's, without a newline; never a secret.
/// Returns: nothing. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API void shoal_log(enum shoal_log_level level, const char *format, ...) SHOAL_PRINTF(2, 3);
#define shoal_debug(...) shoal_log(SHOAL_LOG_DEBUG, __VA_ARGS__)
#define shoal_info(...)  shoal_log(SHOAL_LOG_INFO, __VA_ARGS__)
#define shoal_warn(...)  shoal_log(SHOAL_LOG_WARN, __VA_ARGS__)
#define shoal_error(...) shoal_log(SHOAL_LOG_ERROR, __VA_ARGS__)

#endif
