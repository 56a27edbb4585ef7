// sql_token.h - cuts SQL into tokens, as far as quotes, comments and words go.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_DATA_SQL_TOKEN_H
#define SHOAL_CORE_DATA_SQL_TOKEN_H
#include <stdbool.h>
#include <stddef.h>

/// The length of the token at text, which is not empty: a quoted run, a comment, a word or a
/// number, or one other character. 0: a quote or comment that never ends.
size_t sql_token(const char *text);
/// Whether the token at text is a space or a comment.
bool sql_is_space(const char *text);

#endif
