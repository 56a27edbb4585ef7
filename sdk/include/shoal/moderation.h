// moderation.h - what was held, and what becomes of it.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_MODERATION_H
#define SHOAL_MODERATION_H
#include <shoal/version.h>

/// Lets go, or refuses for good, what a decide hook held; also days later.
///
/// hook:    "video.publish". subject: "video:UUID", "user:7". sentence: why, or NULL.
/// Returns: 0 or a negative error. Errors: SHOAL_ENOTFOUND (nothing is held under that name).
/// Thread:  [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_release(struct shoal_call *call, const char *hook, const char *subject,
    const char *sentence, struct shoal_err *err);
SHOAL_API int shoal_refuse_held(struct shoal_call *call, const char *hook, const char *subject,
    const char *sentence, struct shoal_err *err);

#endif
