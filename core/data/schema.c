// schema.c - the tables of this room: settings, epochs, jobs, timers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/migrate_priv.h"

static const char start[] =
    "CREATE TABLE setting ("
    "  owner TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, updated_ms TIME NOT NULL,"
    "  PRIMARY KEY (owner, key));"
    "CREATE TABLE epoch (name TEXT NOT NULL PRIMARY KEY, value I64 NOT NULL);"
    "CREATE TABLE job ("
    "  id ID,"
    "  kind TEXT NOT NULL,"
    "  payload TEXT NOT NULL,"
    "  state TEXT NOT NULL CHECK (state IN ('waiting', 'active', 'parked', 'done', 'cancelled')),"
    "  priority I64 NOT NULL,"
    "  run_at_ms TIME NOT NULL,"
    "  unique_key TEXT,"
    "  subject TEXT,"
    "  attempt I64 NOT NULL,"
    "  attempts I64 NOT NULL,"   // of its kind, as of the last claim
    "  backoff_ms I64 NOT NULL," // of its kind, as of the last claim
    "  lease_ms I64 NOT NULL,"   // of its kind, as of the last claim
    "  fence I64 NOT NULL,"
    "  holder TEXT,"
    "  lease_until_ms TIME,"
    "  is_later BOOL NOT NULL,"
    "  is_cancel_asked BOOL NOT NULL,"
    "  is_told BOOL NOT NULL," // its gave_up has run, or it needs none
    "  tells I64 NOT NULL,"    // how often its gave_up was tried
    "  progress I64 NOT NULL,"
    "  error TEXT,"
    "  created_ms TIME NOT NULL,"
    "  ended_ms TIME);"
    "CREATE UNIQUE INDEX job_unique ON job (kind, unique_key)"
    "  WHERE state = 'waiting' AND unique_key IS NOT NULL;"
    "CREATE INDEX job_due ON job (kind, run_at_ms) WHERE state = 'waiting';"
    "CREATE INDEX job_next ON job (kind, priority, run_at_ms, id) WHERE state = 'waiting';"
    "CREATE INDEX job_active ON job (kind, lease_until_ms) WHERE state = 'active';"
    "CREATE INDEX job_untold ON job (kind, id) WHERE is_told = FALSE;"
    "CREATE INDEX job_state ON job (state, ended_ms);"
    "CREATE TABLE timer_lease ("
    "  name TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, ran_ms TIME NOT NULL,"
    "  busy_until_ms TIME NOT NULL);";

// How often the process that ran it ended under it: no try of the job.
static const char cut_offs[] = "ALTER TABLE job ADD COLUMN cut_offs I64 NOT NULL DEFAULT 0;";

const char data_migration_table[] =
    "CREATE TABLE IF NOT EXISTS migration (owner TEXT NOT NULL, number INTEGER NOT NULL,"
    " name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms BIGINT NOT NULL,"
    " PRIMARY KEY (owner, number))";

// The first is no migration: it is there before any, whatever number the database is at.
static const struct shoal_migration all[] = {
    {0, "table of migrations", data_migration_table},
    {1, "start", start},
    {2, "cut offs", cut_offs},
};
const struct shoal_migration *const data_schema = all + 1;
const size_t data_schema_count = sizeof(all) / sizeof(all[0]) - 1;

const struct shoal_migration *shoal_data_migrations(size_t *count)
{
    *count = sizeof(all) / sizeof(all[0]);
    return all;
}
