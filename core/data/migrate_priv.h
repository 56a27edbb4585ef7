// migrate_priv.h - what the files of the migrations share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_DATA_MIGRATE_PRIV_H
#define SHOAL_CORE_DATA_MIGRATE_PRIV_H
#include <limits.h>

#include "data/data.h"

/// The tables of this room, applied as owner "core.data" when the database is opened.
extern const struct shoal_migration *const data_schema;
extern const size_t data_schema_count;
/// The table of migrations, as every database understands it.
extern const char data_migration_table[];

/// Reads NNN_name.sql of a folder in order into the arena. A folder that is not there has none.
int migrate_read_folder(struct shoal_arena *arena, const char *folder,
    const struct shoal_migration **list, size_t *count, struct shoal_err *err);
/// Whether the statement ends at text (only space, comments and semicolons are left).
bool migrate_is_blank(const char *text);

/// Where the database lies, and whether it had migrations when it was opened.
const char *data_path(void);
bool data_was_empty(void);

/// Makes backups/shoal-before-OWNER-NNN-TIME.sqlite3 beside the database; at most one a minute, the
/// last one counts for the migrations that follow it. path: PATH_MAX.
int copies_make(const char *owner, int number, char *path, struct shoal_err *err);
/// Finds the newest copy that is not younger than a time; "" when there is none.
void copies_find(int64_t before_ms, char *path);
void copies_forget(void);

#endif
