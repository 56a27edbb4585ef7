// call.h - the context that travels with everything a plugin is asked to do.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_CALL_H
#define SHOAL_CALL_H
#include <shoal/version.h>

/// Memory of this call, dropped when it ends.
///
/// Returns: borrowed. Errors: none. Thread: [worker]. Blocks: no. Since: 1.0.
SHOAL_API struct shoal_arena *shoal_call_arena(struct shoal_call *call);

/// Puts another arena in the place of the call's memory, for the parts of a long job whose results are
/// not needed afterwards; the caller puts the one before back, and resets or frees its own.
///
/// Returns: the arena that was in use. Errors: none. Thread: [worker]. Blocks: no. Since: 1.0.
SHOAL_API struct shoal_arena *shoal_call_arena_use(struct shoal_call *call,
    struct shoal_arena *arena);

/// Who asks: anonymous, a user, a remote actor or the system. Never NULL.
SHOAL_API const struct shoal_viewer *shoal_call_viewer(const struct shoal_call *call);

/// The language of the answer ("en", "fr"), and the id that log lines and answers carry.
SHOAL_API const char *shoal_call_locale(const struct shoal_call *call);
SHOAL_API const char *shoal_call_id(const struct shoal_call *call);

/// Milliseconds until the deadline (0 when it has passed), and whether somebody cancelled the call
/// (the client went away, the job was cancelled, the server stops). Long work asks now and then.
SHOAL_API int64_t shoal_call_left_ms(const struct shoal_call *call);
SHOAL_API bool shoal_call_cancelled(const struct shoal_call *call);

/// The plugin whose code runs now, or NULL in the core.
SHOAL_API struct shoal_plugin *shoal_call_plugin(const struct shoal_call *call);

/// Sleeps at most ms; ends early when the call is cancelled.
///
/// Returns: 0 or SHOAL_ECANCELLED. Errors: SHOAL_ECANCELLED.
/// Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_call_sleep(struct shoal_call *call, int64_t ms);

#endif
