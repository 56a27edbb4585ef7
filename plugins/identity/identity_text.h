// identity_text.h - writes JSON as text, piece by piece.
//
// The bytes are those of jansson's compact form. For documents that are asked for much: a tree takes an allocation
// for each key and each value, and is then walked to be written.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef IDENTITY_TEXT_H
#define IDENTITY_TEXT_H
#include <shoal/buf.h>

// `key` is NULL within an array, and for the value that holds all others.

/// bracket: '{' or '['; closed with '}' or ']'.
void who_text_open(struct shoal_buf *out, const char *key, char bracket);
void who_text_close(struct shoal_buf *out, char bracket);
/// A key alone: the caller adds its value.
void who_text_key(struct shoal_buf *out, const char *key);
/// value: UTF-8, NULL for null. What is no UTF-8 is written as "".
void who_text_string(struct shoal_buf *out, const char *key, const char *value);
void who_text_integer(struct shoal_buf *out, const char *key, long long value);
void who_text_true(struct shoal_buf *out, const char *key);

#endif
