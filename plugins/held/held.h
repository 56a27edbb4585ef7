// held.h - what the files of this plugin share: one held thing as JSON, and its answer.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef HELD_H
#define HELD_H
#include <shoal/plugin.h>
#include <shoal/svc/held.h>

#define HELD_COUNT_MAX  100
#define HELD_REASON_MAX 250 // characters

/// Adds "what" to a held thing: {kind, title, text, path, url, account, …}, or null where nobody knows it
/// any more.
void held_show(struct shoal_call *call, json_t *held);
/// {total, data}: the oldest first, each with "what". hook: NULL for all. A new reference, or NULL.
json_t *held_list(
    struct shoal_call *call, const char *hook, int64_t start, int64_t count, struct shoal_err *err);
/// at: when it was held, as the list said; it is another matter when it was held anew since. NULL: whenever.
/// Errors: SHOAL_ENOTFOUND (nothing waits under that number), SHOAL_ECONFLICT (held anew since).
int held_answer(struct shoal_call *call, int64_t id, bool is_released, const char *at,
    const char *reason, struct shoal_err *err);

// held_cli.c
int held_cli_start(struct shoal_plugin *self, struct shoal_err *err);

#endif
