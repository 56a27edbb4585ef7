// plurals.h - which plural form a number takes in a language.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef WEB_PLURALS_H
#define WEB_PLURALS_H

/// The CLDR category of a number: "zero", "one", "two", "few", "many" or "other".
///
/// locale: a language tag; what follows the language counts for pt-PT alone. Unknown: as English.
const char *plural_category(const char *locale, double number);

#endif
