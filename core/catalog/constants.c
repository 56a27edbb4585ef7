// constants.c - numbers that clients know by name: categories, licences, privacies.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "catalog/constants_priv.h"

// The place in the table is the number; place 0 is no number of theirs.
static const char *const categories[] = {NULL, "Music", "Films", "Vehicles", "Art", "Sports",
    "Travels", "Gaming", "People", "Comedy", "Entertainment", "News & Politics", "How To",
    "Education", "Activism", "Science & Technology", "Animals", "Kids", "Food"};
static const char *const licences[] = {NULL, "Attribution", "Attribution - Share Alike",
    "Attribution - No Derivatives", "Attribution - Non Commercial",
    "Attribution - Non Commercial - Share Alike", "Attribution - Non Commercial - No Derivatives",
    "Public Domain Dedication", "Free of known copyright restrictions", "All Rights Reserved"};
static const char *const privacies[] = {
    NULL, "Public", "Unlisted", "Private", "Internal", "Password protected"};

#define COUNT(table) ((int64_t)(sizeof(table) / sizeof((table)[0])))

static const char *label_of(const char *const *table, int64_t count, int64_t id)
{
    return id > 0 && id < count ? table[id] : NULL;
}

const char *catalog_category_label(int64_t id)
{
    return label_of(categories, COUNT(categories), id);
}

const char *catalog_licence_label(int64_t id)
{
    return label_of(licences, COUNT(licences), id);
}

const char *catalog_privacy_label(int64_t id)
{
    return label_of(privacies, COUNT(privacies), id);
}

static json_t *table_json(const char *const *table, int64_t count)
{
    json_t *out = json_object();
    for (int64_t i = 1; i < count; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%d", (int)i);
        json_object_set_new(out, key, json_string(table[i]));
    }
    return out;
}

json_t *shoal_constants(struct shoal_call *call, const char *what)
{
    (void)call;
    if (strcmp(what, "categories") == 0) {
        return table_json(categories, COUNT(categories));
    }
    if (strcmp(what, "licences") == 0) {
        return table_json(licences, COUNT(licences));
    }
    if (strcmp(what, "privacies") == 0) {
        return table_json(privacies, COUNT(privacies));
    }
    bool is_captions = strcmp(what, "caption-languages") == 0;
    if (!is_captions && strcmp(what, "languages") != 0) {
        return NULL;
    }
    json_t *out = json_object();
    for (const struct catalog_language *at = catalog_languages; at->id != NULL; at++) {
        if (!is_captions || at->is_written) {
            json_object_set_new(out, at->id, json_string(at->label));
        }
    }
    return out;
}
