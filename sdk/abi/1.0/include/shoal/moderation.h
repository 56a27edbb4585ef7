// moderation.h - what was held, and what becomes of it.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_MODERATION_H
#define SHOAL_MODERATION_H
#include <jansson.h>

#include <shoal/hooks.h>
#include <shoal/sized.h>
#include <shoal/version.h>

/// Lets go, or refuses for good, what a decide hook held; also days later.
///
/// hook:    "video.publish". subject: "video:UUID", "user:7". sentence: why, or NULL.
/// Returns: 0 or a negative error. Errors: SHOAL_ENOTFOUND (nothing is held under that name),
///          SHOAL_EFORBIDDEN (another plugin holds it: for moderators and "moderation.override"),
///          SHOAL_ECONFLICT (somebody else is answering it at this moment), SHOAL_EBUSY (who goes on
///          with it, or may do so, is stopped or left out: it stays held; of a release also: nobody who goes on
///          with it is enabled; a refusal has it forgotten then, and changes nothing else).
/// Thread:  [worker]. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_release(struct shoal_call *call, const char *hook, const char *subject,
    const char *sentence, struct shoal_err *err);
SHOAL_API int shoal_refuse_held(struct shoal_call *call, const char *hook, const char *subject,
    const char *sentence, struct shoal_err *err);

/// Keeps a subject as held, in the transaction that puts it into its waiting state. For who fires the
/// hook; holding twice keeps the newer sentence.
///
/// decision: what shoal_fire_decide() said, or NULL (held by a rule of the owner itself).
/// Returns:  0 or a negative error. Errors: SHOAL_EIO, SHOAL_EFULL. Thread: [worker], inside
///           shoal_tx(). Blocks: yes. Since: 1.0.
SHOAL_INLINE int shoal_held_add(struct shoal_db *tx, const char *hook, const char *subject,
    const struct shoal_decision *decision, struct shoal_err *err)
{
    return shoal_held_add_sized(tx, hook, subject, decision, sizeof *decision, err);
}
/// Forgets that a subject is held, because it was deleted or changed. Not being held is fine.
SHOAL_API int shoal_held_remove(struct shoal_db *tx, const char *hook, const char *subject,
    struct shoal_err *err);
/// {total, data: [{id, hook, subject, plugin, sentence, at, canRelease}]}, the oldest first. hook: NULL for all.
/// total: no more than 10,000 are counted. plugin: "" where none has it held (a failing one, a rule of who fires
/// the hook). canRelease: false where who goes on with it is not enabled. The second gives one of them by its
/// number, which stays when the same subject is held again, with a newer `at`.
///
/// Returns: a new reference, or NULL. Errors: SHOAL_EIO, SHOAL_ENOTFOUND (of one).
/// Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_API json_t *shoal_held_list(struct shoal_call *call, const char *hook, int start, int count,
    struct shoal_err *err);
SHOAL_API json_t *shoal_held_get(struct shoal_call *call, int64_t id, struct shoal_err *err);

/// Goes on with a subject that was let go (released) or refused. An error leaves it held. It may be
/// called again for the same subject: it must be repeatable.
typedef int shoal_resume_fn(struct shoal_call *call, const char *hook, const char *subject,
    bool released, const char *sentence, void *arg, struct shoal_err *err);
/// Names who goes on with what a hook held: the one that fires it. self: NULL in the core.
///
/// Returns: 0 or a negative error. Errors: SHOAL_ECONFLICT (the hook has one), SHOAL_ENOTFOUND (no
///          such decide hook). Thread: start() only. Blocks: no. Since: 1.0.
SHOAL_API int shoal_resumer_add(struct shoal_plugin *self, const char *hook, shoal_resume_fn *fn,
    void *arg, struct shoal_err *err);

#endif
