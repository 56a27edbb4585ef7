// error.h - the errors of the server: number, HTTP status and text in one table.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_ERROR_H
#define SHOAL_ERROR_H
#include <stdarg.h>

#include <shoal/version.h>

/// name, number, HTTP status, text. Append only.
#define SHOAL_ERRORS(X)                                                                            \
    X(SHOAL_EINVAL, -1, 400, "bad input")                                                          \
    X(SHOAL_ENOTFOUND, -2, 404, "not found")                                                       \
    X(SHOAL_EAUTH, -3, 401, "authentication is needed")                                            \
    X(SHOAL_EFORBIDDEN, -4, 403, "not allowed")                                                    \
    X(SHOAL_ECONFLICT, -5, 409, "conflict")                                                        \
    X(SHOAL_ETOOLARGE, -6, 413, "too large")                                                       \
    X(SHOAL_ETYPE, -7, 415, "unsupported media type")                                              \
    X(SHOAL_EUNREADABLE, -8, 422, "cannot be read")                                                \
    X(SHOAL_ERATE, -9, 429, "too many requests")                                                   \
    X(SHOAL_EIO, -10, 500, "input or output failed")                                               \
    X(SHOAL_EINTERNAL, -11, 500, "internal error")                                                 \
    X(SHOAL_EUNSUPPORTED, -12, 501, "not supported here")                                          \
    X(SHOAL_EUPSTREAM, -13, 502, "another server failed")                                          \
    X(SHOAL_EBUSY, -14, 503, "busy")                                                               \
    X(SHOAL_ETIMEOUT, -15, 504, "took too long")                                                   \
    X(SHOAL_EFULL, -16, 507, "no space left")                                                      \
    X(SHOAL_ECANCELLED, -17, 499, "cancelled")                                                     \
    X(SHOAL_EGONE, -18, 410, "gone")                                                               \
    X(SHOAL_ELOCKED, -19, 423, "locked")                                                           \
    X(SHOAL_ECORRUPT, -20, 500, "stored data is damaged")                                          \
    X(SHOAL_EMISMATCH, -21, 460, "checksum mismatch")                                              \
    X(SHOAL_EHELD, -22, 202, "held for a moderator")                                               \
    X(SHOAL_ELENGTH, -23, 411, "length required")                                                  \
    X(SHOAL_ERANGE, -24, 416, "range not satisfiable")                                             \
    X(SHOAL_ESLOW, -25, 408, "request timeout")                                                    \
    X(SHOAL_EMISDIRECTED, -26, 421, "another server answers this")

enum shoal_error {
    SHOAL_OK = 0,
#define SHOAL_ERROR_ENUM(name, number, status, text) name = number,
    SHOAL_ERRORS(SHOAL_ERROR_ENUM)
#undef SHOAL_ERROR_ENUM
};

/// What went wrong, as one sentence that names the thing. The caller owns it and zeroes it first.
struct shoal_err {
    int code;          ///< enum shoal_error; 0 while nothing is wrong
    char api_code[48]; ///< PeerTube's word for it ("quota_reached"), or ""
    char field[64];    ///< the request field that is wrong ("name"), or ""
    char text[512];    ///< one sentence, UTF-8, without a full stop
};

/// Fills err (which may be NULL) and hands code back, so that `return shoal_fail(...)` reads well.
///
/// code:    an enum shoal_error.
/// format:  printf's; one sentence that names the thing.
/// Returns: code. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_fail(struct shoal_err *err, int code, const char *format, ...)
    SHOAL_PRINTF(3, 4);
SHOAL_API int shoal_vfail(struct shoal_err *err, int code, const char *format, va_list args)
    SHOAL_PRINTF(3, 0);

/// Like shoal_fail() with SHOAL_EINVAL, and names the field; answers list it in "invalid-params".
///
/// Returns: SHOAL_EINVAL. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_fail_field(struct shoal_err *err, const char *field, const char *format, ...)
    SHOAL_PRINTF(3, 4);

/// Like shoal_fail(), with PeerTube's word for the error ("quota_reached").
///
/// Returns: code. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API int shoal_fail_api(struct shoal_err *err, int code, const char *api_code,
    const char *format, ...) SHOAL_PRINTF(4, 5);

/// The name ("SHOAL_EINVAL"), the text and the HTTP status of an error number.
///
/// Returns: static strings; 500 for an unknown number. Errors: none.
/// Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API const char *shoal_error_name(int code);
SHOAL_API const char *shoal_error_text(int code);
SHOAL_API int shoal_error_status(int code);

#endif
