// sentence.h - what plugins say, as text that JSON can hold.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_SENTENCE_H
#define SHOAL_CORE_HOST_SENTENCE_H
#include <stddef.h>

/// Copies whole letters, as many as fit with the zero behind them. Bytes that are not UTF-8 become
/// "?". out and text may not overlap.
void shoal_sentence_copy(char *out, size_t size, const char *text);

#endif
