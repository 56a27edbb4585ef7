// p2p_find.c - which video a hash is of, and whether its viewers may share it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/catalog.h>
#include <shoal/db.h>

#include "p2p.h"

// Of this instance's videos alone: those of others have trackers at home.
// Two uploads of the same bytes have one torrent: the older video stands for both.
SHOAL_SQL(find_hash, "SELECT v.id, v.uuid, v.is_open = TRUE AND v.is_blocked = FALSE, v.privacy "
                     "FROM p2p_hash h JOIN v1_video v ON v.id = h.video_id "
                     "WHERE h.hash = $1 AND v.origin_host = '' ORDER BY v.id LIMIT 1");

int p2p_hash_find(struct shoal_plugin *self, struct shoal_call *call,
    const unsigned char hash[P2P_HASH_BYTES], struct p2p_owner *owner, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &find_hash, SHOAL_ARGS(SHOAL_BYTES(hash, P2P_HASH_BYTES)), err);
    if (!rows) {
        return err ? err->code : SHOAL_EIO;
    }
    bool is_found = shoal_rows_next(rows);
    if (is_found) {
        int64_t privacy = shoal_col_i64(rows, 3);
        bool is_public = privacy == SHOAL_PRIVACY_PUBLIC || privacy == SHOAL_PRIVACY_UNLISTED;
        *owner = (struct p2p_owner){.video_id = shoal_col_i64(rows, 0),
            .is_shared = shoal_col_bool(rows, 2) &&
                         (is_public || shoal_setting_bool(self, "private"))};
        const char *uuid = shoal_col_text(rows, 1);
        size_t length = uuid ? strnlen(uuid, sizeof owner->uuid - 1) : 0;
        memcpy(owner->uuid, uuid ? uuid : "", length);
    }
    int code = shoal_rows_close(rows, err);
    if (code == 0 && is_found && owner->is_shared) {
        owner->is_shared = p2p_policy_shares(call, owner->video_id);
    }
    return code < 0 ? code : is_found ? 0 : SHOAL_ENOTFOUND;
}
