// channels_priv.h - what the files about channels share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_CHANNELS_PRIV_H
#define SHOAL_CORE_CATALOG_CHANNELS_PRIV_H
#include "catalog/catalog_priv.h"

int catalog_channel_find(
    struct shoal_call *call, const char *handle, int64_t *id, struct shoal_err *err);
/// Finds a channel that the viewer may change.
int catalog_channel_mine(struct shoal_call *call, const char *handle, int64_t *id,
    int64_t *account_id, struct shoal_err *err);
/// Tells channel.changed, within the transaction.
int catalog_channel_tell(struct shoal_call *call, struct shoal_db *tx, int64_t id, const char *what,
    struct shoal_err *err);

#endif
