// constants_priv.h - the tables behind the constants.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_CONSTANTS_PRIV_H
#define SHOAL_CORE_CATALOG_CONSTANTS_PRIV_H
#include "catalog/catalog_priv.h"

struct catalog_language {
    const char *id, *label;
    bool is_written; ///< captions can be in it
};
extern const struct catalog_language catalog_languages[]; ///< ends with a NULL id

#endif
