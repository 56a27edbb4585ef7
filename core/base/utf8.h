// utf8.h - which bytes are UTF-8 (RFC 3629).
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_BASE_UTF8_H
#define SHOAL_CORE_BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>

/// How many bytes the character at the beginning has; 0 where it is none.
size_t shoal_utf8_sequence(const char *text, size_t left);
bool shoal_is_utf8(const char *text, size_t length);

#endif
