// users_priv.h - what the files about users share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_USERS_PRIV_H
#define SHOAL_CORE_CATALOG_USERS_PRIV_H
#include "catalog/catalog_priv.h"

#define CATALOG_PASSWORD_MIN 6
#define CATALOG_PASSWORD_MAX 255

bool catalog_email_valid(const char *email);
/// Finds a user whom the viewer may manage; self_too: users themselves may.
int catalog_user_manage(struct shoal_call *call, int64_t id, bool self_too,
    struct catalog_user *user, struct shoal_err *err);

#endif
