// rows.c - what is read of rows in many places: a text of one, the numbers of many.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"

const char *catalog_col_text(struct shoal_call *call, const struct shoal_rows *rows, int column)
{
    return shoal_arena_strdup(call->arena, shoal_col_text(rows, column));
}

int catalog_ids_read(struct shoal_db *db, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t arg_count, int64_t *ids, size_t room, size_t *count,
    struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(db, sql, args, arg_count, err);
    *count = 0;
    while (rows != NULL && *count < room && shoal_rows_next(rows)) {
        ids[(*count)++] = shoal_col_i64(rows, 0);
    }
    return rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
}
