// setting_row.h - one setting: its type, its bounds, and values that fit them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_SETTING_ROW_H
#define SHOAL_CORE_HOST_SETTING_ROW_H
#include <jansson.h>

#include <shoal/error.h>

/// Append only.
enum shoal_setting_type {
    SHOAL_SETTING_TEXT,
    SHOAL_SETTING_INT,
    SHOAL_SETTING_NUMBER,
    SHOAL_SETTING_BOOL,
    SHOAL_SETTING_SIZE, ///< bytes: 4096 or "2M"
    SHOAL_SETTING_TIME, ///< milliseconds: 1500 or "2h"
    SHOAL_SETTING_LIST, ///< of texts
    SHOAL_SETTING_JSON, ///< any value
    SHOAL_SETTING_RATE, ///< "500/10s": text, checked
    SHOAL_SETTING_PATH, ///< text; relative ones in the file are taken from its folder
};
struct shoal_setting_row {
    const char *name;
    enum shoal_setting_type type;
    const char *otherwise; ///< the default as JSON text; "null" where there is none
    double min, max;       ///< of numbers, and of the length of texts and lists; both 0: no bounds
    const char *choices;   ///< of texts and of entries of lists, with blanks between; or NULL
    const char *unit;
    const char *help;
    bool is_reloadable, is_secret;
    const char *letters; ///< of which texts and entries of lists are made, where not of any; or NULL
    const char *among;   ///< a list of the same plugin, of which this text is an entry; or NULL
};

const char *shoal_setting_type_name(enum shoal_setting_type type);
/// Returns: 0 or SHOAL_EINVAL.
int shoal_setting_type_parse(const char *text, enum shoal_setting_type *type);
/// The value as it is kept: sizes in bytes and times in ms as integers. Texts are read by the type,
/// so that "true", "12" and "2M" of a command line do. New reference, or NULL with a sentence.
json_t *shoal_setting_normal(
    const struct shoal_setting_row *row, const json_t *value, struct shoal_err *err);
/// "2M", "1.5G", "4096": bytes. "250ms", "10s", "2h", "7d": milliseconds; without a unit they are
/// bytes and milliseconds. Returns: 0 or SHOAL_EINVAL.
int shoal_size_parse(const char *text, int64_t *bytes);
int shoal_duration_parse(const char *text, int64_t *ms);
/// "500/10s". Returns: 0 or SHOAL_EINVAL.
int shoal_rate_parse(const char *text, uint32_t *count, uint32_t *window_ms);

/// The name among `names` that is nearest to a mistyped one, or NULL where none is near.
const char *shoal_nearest(const char *word, const char *const *names, size_t count);

#endif
