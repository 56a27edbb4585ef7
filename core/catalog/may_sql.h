// may_sql.h - shoal_may() in SQL, for lists: the same rules, asked of v (video) and c (channel).
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_MAY_SQL_H
#define SHOAL_CORE_CATALOG_MAY_SQL_H

/// States whose videos lists show; catalog_state_listed() says the same.
#define MAY_STATES_SQL "v.state IN (1, 2, 6, 8, 10, 11)"

/// What everybody's lists hold. $1: the viewer is a user of this server. $33: how far a video of another
/// server must be followed (enum catalog_followed).
#define MAY_LIST_SQL                                                                               \
    "(v.is_open = TRUE AND v.is_blocked = FALSE AND " MAY_STATES_SQL                               \
    " AND (v.privacy = 1 OR (v.privacy = 4 AND CAST($1 AS BOOLEAN) = TRUE)) "                      \
    "AND (v.origin_host = '' OR v.followed >= CAST($33 AS BIGINT)))"

/// What the owner's own list holds. $2: the viewer's account, 0 for none.
#define MAY_OWN_SQL "(v.origin_host = '' AND c.account_id = CAST($2 AS BIGINT))"

#endif
