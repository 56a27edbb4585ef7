// hooks.h - tell, filter, decide: how a plugin hears, changes and judges what happens.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_HOOKS_H
#define SHOAL_HOOKS_H
#include <jansson.h>

#include <shoal/sized.h>
#include <shoal/version.h>

/// Refuse beats hold beats pass. Accept ends the asking and needs "moderation.override".
enum shoal_verdict {
    SHOAL_PASS = 0,
    SHOAL_HOLD = 1,
    SHOAL_REFUSE = 2,
    SHOAL_ACCEPT = 3,
};

/// Hears of something that happened. event is borrowed.
typedef int shoal_tell_fn(struct shoal_call *call, const json_t *event, void *arg,
    struct shoal_err *err);
/// Changes value in place or replaces it through *value (the old reference is then released).
typedef int shoal_filter_fn(struct shoal_call *call, json_t **value, void *arg,
    struct shoal_err *err);
/// Judges. Use shoal_hold() and shoal_refuse() to give a sentence with the verdict.
typedef enum shoal_verdict shoal_decide_fn(struct shoal_call *call, json_t *event, void *arg);

/// Subscribes to a hook of the core or of another plugin. The manifest must list the hook.
///
/// hook:     a name of sdk/hooks.def or of a manifest's "fires".
/// fn, arg:  called on a worker; arg belongs to the plugin.
/// Returns:  0 or a negative error. Errors: SHOAL_ENOTFOUND (no such hook), SHOAL_EFORBIDDEN
///           (not in the manifest), SHOAL_EINVAL (another kind).
/// Thread:   start() only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_tell(struct shoal_plugin *self, const char *hook, shoal_tell_fn *fn, void *arg);
SHOAL_API int shoal_filter(struct shoal_plugin *self, const char *hook, shoal_filter_fn *fn,
    void *arg);
SHOAL_API int shoal_decide(struct shoal_plugin *self, const char *hook, shoal_decide_fn *fn,
    void *arg);

/// Gives the sentence that goes with a verdict; the user or the moderator reads it.
///
/// Returns: SHOAL_HOLD, SHOAL_REFUSE. Errors: none. Thread: [worker]. Blocks: no. Since: 1.0.
SHOAL_API enum shoal_verdict shoal_hold(struct shoal_call *call, const char *format, ...)
    SHOAL_PRINTF(2, 3);
SHOAL_API enum shoal_verdict shoal_refuse(struct shoal_call *call, const char *format, ...)
    SHOAL_PRINTF(2, 3);

/// Whether anybody listens: ask before building an expensive payload.
SHOAL_API bool shoal_hook_heard(const char *hook);

/// Fires a tell in memory: every listener hears it on a worker, soon, best effort.
///
/// payload: taken. Returns: nothing. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API void shoal_fire_tell(const char *hook, json_t *payload);

/// Fires a durable tell: a job row for each listener, written with the transaction that it reports.
///
/// tx:      the db handle inside shoal_tx(). payload: borrowed.
/// Returns: 0 or a negative error, upon which the transaction should fail.
/// Errors:  SHOAL_EIO, SHOAL_EFULL. Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_fire_durable(struct shoal_db *tx, const char *hook, const json_t *payload,
    struct shoal_err *err);

/// Passes a value through every filter. A filter that fails leaves the value as it was.
///
/// value:   in and out; the caller owns the reference in *value afterwards.
/// Returns: nothing. Errors: none. Thread: [worker], outside transactions. Blocks: yes. Since: 1.0.
SHOAL_API void shoal_fire_filter(struct shoal_call *call, const char *hook, json_t **value);

/// What the deciders said together.
struct shoal_decision {
    enum shoal_verdict verdict; ///< PASS, HOLD or REFUSE
    char plugin[64];            ///< who said so, or ""
    char sentence[512];         ///< why, or ""
    bool failed;                ///< the verdict comes from the hook's failure rule, not from a plugin
};

/// Asks the deciders by priority until one refuses.
///
/// Returns: the verdict, also in *decision. Errors: none (a failing plugin counts as its hook says).
/// Thread:  [worker], outside transactions. Blocks: yes. Since: 1.0.
SHOAL_INLINE enum shoal_verdict shoal_fire_decide(struct shoal_call *call, const char *hook,
    json_t *payload, struct shoal_decision *decision)
{
    return (enum shoal_verdict)shoal_fire_decide_sized(
        call, hook, payload, decision, sizeof *decision);
}

#endif
