// texts.h - the words of the pages: texts with arguments, plurals, numbers, dates.
// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Answers the calls that templates make. What each writes, in English:
//   {{t:KEY}}                       the text of that key
//   {{t:KEY a b=c else=d}}          KEY.value-of-a with {b} replaced; d where there is no such
//   text.
//                                   An argument `count` chooses the plural form
//   {{number:views}}    1,234       {{short:views}}      1.2K
//   {{bytes:size}}      3.4 MB      {{duration:seconds}} 1:02:03     {{period:seconds}} PT3723S
//   {{date:createdAt}}  November 23, 2026                {{ago:createdAt}}    3 days ago
//   {{excerpt:text 160}}            its first characters in one line
//   {{url:text}}                    percent-encoded, for a query or a path segment
//   {{{json:a.b}}} {{{texts:KEY}}}  JSON of a value, of a part of the texts; safe inside <script>
#ifndef WEB_TEXTS_H
#define WEB_TEXTS_H

#include <mustache.h>

#include <stdint.h>

struct texts;

/// Makes the texts of one locale.
///
/// locale: a language tag, copied.
/// tree:   the merged content of the locale files; referenced, never written to.
struct texts *texts_new(const char *locale, json_t *tree);
void texts_free(struct texts *texts);

/// Lays the texts of over on those of base, which changes: what over lacks stays.
void texts_merge(json_t *base, const json_t *over);

/// Finds a text or a part of the tree by its dotted key; NULL when there is none.
const json_t *texts_find(const struct texts *texts, const char *key);

/// What texts_call() gets as self; one on the stack for each page.
struct texts_view {
    const struct texts *texts;
    int64_t now_ms; // UTC, for {{ago:…}}
};

/// The `call` of struct mustache_options; 1 for a name that is none of the above.
int texts_call(void *view, const struct mustache_call *call, struct mustache_buffer *out);

#endif
