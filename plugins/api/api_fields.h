// api_fields.h - takes the known fields out of a body, checked by type; nothing else comes through.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_FIELDS_H
#define API_FIELDS_H
#include <shoal/plugin.h>

enum api_field_type {
    API_FIELD_TEXT = 0,
    API_FIELD_INT = 1,
    API_FIELD_BOOL = 2,
    API_FIELD_TEXTS = 3,  ///< array of texts, or one text
    API_FIELD_OBJECT = 4,
    API_FIELD_ANY = 5,    ///< number or text (a language id, a category of a plugin)
};

/// A field that a body may have. What is not in the table never reaches the catalog.
struct api_field {
    const char *name;
    enum api_field_type type;
    bool nullable;
};

/// A new object with the fields of the table that stand in the body. Forms have texts only, so the
/// texts of numbers and booleans count as such.
///
/// Returns: NULL with err, which names the field that has a wrong type.
json_t *api_fields_take(const json_t *body, const struct api_field *table, size_t count,
    struct shoal_err *err);
/// The same of the body of a request.
json_t *api_fields_read(struct shoal_request *request, const struct api_field *table, size_t count,
    struct shoal_err *err);
/// The fields of a video, as PUT /videos/ID and the uploads name them.
json_t *api_fields_video(const json_t *body, bool is_new, struct shoal_err *err);

#endif
