// data.h - the database of the instance: opening, migrating, closing. Statements: <shoal/db.h>.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_DATA_DATA_H
#define SHOAL_CORE_DATA_DATA_H
#include <jansson.h>
#include <stdio.h>

#include <shoal/db.h>
#include <shoal/error.h>
#include <shoal/jobs.h>

#include "base/context.h"

/// Opens (making it when new) a database and starts the writer thread. path: the file, or a folder
/// whose shoal.sqlite3 it is. Applies this room's own migrations ("core.data"). Readers are opened
/// as calls need them. One data a process; the functions of <shoal/db.h> use it. shoal_data_close()
/// stops timers, jobs and topics first.
int shoal_data_open(const char *path, struct shoal_err *err);
void shoal_data_close(void);

/// One numbered migration: "001_start.sql" in a folder, in the portable words ID I64 TEXT BYTES
/// BOOL TIME. owner: "core" or the plugin's name. Applies what is missing, each in a transaction of
/// its own; *copied (PATH_MAX, or NULL) gets the path of the copy that was made before the first
/// one, or "". A database that knows a migration which the folder lacks is newer than this program:
/// SHOAL_ECONFLICT names the copy to go back to.
int shoal_migrate(const char *owner, const char *folder, char *copied, struct shoal_err *err);
/// How many migrations of the folder are missing in the database.
int shoal_migrations_pending(const char *owner, const char *folder, struct shoal_err *err);
struct shoal_migration;
int shoal_migrations_pending_builtin(
    const char *owner, const struct shoal_migration *list, size_t count, struct shoal_err *err);
/// The migrations of the core are built in: this is their folder-less form.
struct shoal_migration {
    int number;
    const char *name;
    const char *sql;
};
int shoal_migrate_builtin(const char *owner, const struct shoal_migration *list, size_t count,
    char *copied, struct shoal_err *err);
/// The migrations of this room ("core.data"), and those of a folder, in order, in the arena.
const struct shoal_migration *shoal_data_migrations(size_t *count);
int shoal_migrations_read(struct shoal_arena *arena, const char *folder,
    const struct shoal_migration **list, size_t *count, struct shoal_err *err);
/// Translates one portable migration for a database: "sqlite" or "postgresql". Free with free().
char *shoal_migration_translate(const char *sql, const char *dialect, struct shoal_err *err);
/// Counts the moments in which another process was seen to have written: the command line, the other
/// child of a reload. The writer looks once a second; what is kept in memory has to be looked at again.
uint64_t shoal_data_foreign(void);
/// A consistent copy of the whole database while it is in use.
int shoal_data_backup(const char *to_path, struct shoal_err *err);
/// Every statement of the core, and of a module (its descriptor's section bounds).
void shoal_sql_each(const struct shoal_sql *const *start, const struct shoal_sql *const *stop,
    int (*each)(const struct shoal_sql *sql, void *user), void *user);
/// Writes "name<TAB>SQL" of every statement of the core, a line each.
int shoal_sql_print(FILE *out);
// The authorizer: statements of the core are free, whoever calls the function that runs them; any
// other statement is held to the innermost plugin of the call (struct shoal_plugin_id): it writes
// its own prefix's tables alone and reads those and what `views` lists. A published view reads
// tables, not other views. Tables are made in migrations alone.

/// The stored settings: owner "" is the instance's. Values are JSON.
json_t *shoal_store_get(const char *owner, const char *key); ///< new reference or NULL
int shoal_store_set(struct shoal_call *call, struct shoal_db *tx, const char *owner,
    const char *key, const json_t *value, struct shoal_err *err); ///< NULL value: removes

/// A number that moves when a transaction touched an epoch; any thread, does not block.
uint64_t shoal_epoch(void);

/// Job runner: starts `threads` workers that claim jobs of registered kinds. stop: running handlers
/// are cancelled and their leases given back.
int shoal_jobs_start(int threads, struct shoal_err *err);
void shoal_jobs_stop(void);
/// What a handler of the core returns when something that it needs is away and comes back by itself (a
/// storage elsewhere): the job waits for it as for room on the disk, and for a day that is no try.
#define SHOAL_JOB_EAWAY (-100)
/// Registers a kind for an owner (NULL: core, stored as "core.KIND").
int shoal_jobs_kind_add(
    struct shoal_plugin *owner, const struct shoal_job_kind *kind, struct shoal_err *err);
void shoal_jobs_owner_remove(struct shoal_plugin *owner);
/// For the command line and pages: {id, kind, state, attempt, progress, error, created, run_at,
/// subject} of jobs in a state ("waiting", "active", "parked", "done", "cancelled" or NULL).
json_t *shoal_jobs_list(
    struct shoal_call *call, const char *state, int start, int count, struct shoal_err *err);
/// Whether a job waits or runs: what it works with is not left over.
int shoal_jobs_is_open(struct shoal_call *call, int64_t id, bool *is_open, struct shoal_err *err);
int shoal_jobs_retry(struct shoal_call *call, int64_t id, struct shoal_err *err);
/// {waiting, active, parked}: how many there are of each.
json_t *shoal_jobs_count(struct shoal_call *call, struct shoal_err *err);
/// There is room on a disk again: what failed and waits is tried now.
int shoal_jobs_hurry(struct shoal_call *call, struct shoal_err *err);
/// Timers of plugins; once_per_instance ones hold a lease row.
int shoal_timers_add(struct shoal_plugin *owner, const char *name, int64_t period_ms,
    bool once_per_instance, int (*fn)(struct shoal_call *, void *, struct shoal_err *), void *arg);
void shoal_timers_owner_remove(struct shoal_plugin *owner);
/// This process only drains: what runs once per instance is another's from now on. Timers of each
/// process go on until it ends, for what it still has in hand.
void shoal_timers_hand_over(void);
void shoal_timers_stop(void);
/// shoal_publish() by the core itself, whichever plugin's call it works in.
void shoal_topics_send(const char *topic, const json_t *message);
/// What is published here goes to other processes of the instance too; NULL: there are none.
void shoal_topics_forward(void (*to)(const char *topic, const json_t *message));
/// Delivers what another process published.
void shoal_topics_hear(const char *topic, const json_t *message);
/// Ends the subscriptions of a plugin, or all of them.
void shoal_topics_owner_remove(struct shoal_plugin *owner);
void shoal_topics_stop(void);

#endif
