// buf.h - a byte buffer that grows, and is always NUL-terminated.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_BUF_H
#define SHOAL_BUF_H
#include <shoal/version.h>

/// Zero it to start ({0}). data is NULL until something was appended; data[length] is 0 after that.
struct shoal_buf {
    char *data;
    size_t length;
    size_t capacity;
    size_t limit; ///< most bytes it may hold; 0 for 64 MiB
};

/// Adds bytes or text at the end.
///
/// Returns: 0, or an error, and then the buffer is unchanged.
/// Errors: SHOAL_ETOOLARGE past the limit, SHOAL_EBUSY when there is no memory for so much. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_buf_add(struct shoal_buf *buf, const void *data, size_t length);
SHOAL_API int shoal_buf_puts(struct shoal_buf *buf, const char *text);
SHOAL_API int shoal_buf_printf(struct shoal_buf *buf, const char *format, ...) SHOAL_PRINTF(2, 3);
/// Makes room for `more` bytes behind length without changing length.
SHOAL_API int shoal_buf_reserve(struct shoal_buf *buf, size_t more);
/// Hands the bytes to the caller, who frees them with free(); the buffer is empty afterwards.
SHOAL_API char *shoal_buf_take(struct shoal_buf *buf, size_t *length);
SHOAL_API void shoal_buf_fini(struct shoal_buf *buf);

#endif
