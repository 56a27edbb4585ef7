// guard.c - the wall between a plugin's statements and the tables that are not its own.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/plugin.h>

#include <stdio.h>
#include <string.h>

#include "data/db_priv.h"
#include "data/sql_token.h"

static bool is_core_statement(const struct shoal_sql *sql)
{
    for (const struct shoal_sql *const *at = __start_shoal_sql; at < __stop_shoal_sql; at++) {
        if (*at == sql) {
            return true;
        }
    }
    return false;
}

const struct shoal_plugin_id *db_guard_for(
    const struct shoal_call *call, const struct shoal_sql *sql)
{
    const void *plugin = call ? shoal_call_plugin(call) : NULL;
    return plugin && !is_core_statement(sql) ? plugin : NULL;
}

static bool is_own(const struct shoal_plugin_id *plugin, const char *name)
{
    size_t length = plugin->table_prefix ? strlen(plugin->table_prefix) : 0;
    return name && length > 0 && sqlite3_strnicmp(name, plugin->table_prefix, (int)length) == 0;
}

static bool is_published(const struct shoal_plugin_id *plugin, const char *name)
{
    for (const char *const *view = plugin->views; name && view && *view; view++) {
        if (sqlite3_stricmp(*view, name) == 0) {
            return true;
        }
    }
    return false;
}

/// Whether a token names a published view, bare or in any of SQLite's quotes.
static bool names_view(const struct shoal_plugin_id *plugin, const char *token, size_t length)
{
    bool is_quoted = length > 1 && strchr("'\"`[", token[0]);
    const char *name = is_quoted ? token + 1 : token;
    size_t size = is_quoted ? length - 2 : length;
    for (const char *const *view = plugin->views; view && *view; view++) {
        if (strlen(*view) == size && sqlite3_strnicmp(*view, name, (int)size) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_token(const char *token, size_t length, const char *word)
{
    return strlen(word) == length && sqlite3_strnicmp(token, word, (int)length) == 0;
}

/// SQLite reports a read within `WITH v1_video AS (…)` as one within the view v1_video: such a
/// statement is refused by its words. A view's name may not be followed by `(` or `AS (`.
bool db_guard_shadows(const struct shoal_plugin_id *plugin, const char *text)
{
    enum {
        OTHER,
        VIEW,
        VIEW_AS
    } state = OTHER;
    while (*text) {
        size_t length = sql_token(text);
        if (length == 0) {
            return false; // it never ends: SQLite will not take it
        }
        const char *token = text;
        text += length;
        if (sql_is_space(token)) {
            continue;
        }
        bool opens =
            token[0] == '(' || (state == VIEW_AS && (is_token(token, length, "NOT") ||
                                                        is_token(token, length, "MATERIALIZED")));
        if (state != OTHER && opens) {
            return true;
        }
        state = state == VIEW && is_token(token, length, "AS") ? VIEW_AS : OTHER;
        state = state == OTHER && names_view(plugin, token, length) ? VIEW : state;
    }
    return false;
}

static bool is_schema(const char *name)
{
    return name && (sqlite3_stricmp(name, "sqlite_master") == 0 ||
                       sqlite3_stricmp(name, "sqlite_temp_master") == 0 ||
                       sqlite3_stricmp(name, "sqlite_sequence") == 0);
}

/// What makes and changes tables, in a plugin's migrations alone. Every name that it gives carries
/// its prefix: a trigger that was named as a published view is would see what the view sees.
static bool may_define(
    const struct shoal_plugin_id *plugin, int action, const char *a, const char *b)
{
    switch (action) {
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_VIEW:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_VIEW:
        return is_own(plugin, a);
    case SQLITE_CREATE_INDEX:
    case SQLITE_DROP_INDEX:
        return is_own(plugin, b) && (is_own(plugin, a) || strncmp(a, "sqlite_autoindex_", 17) == 0);
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_DROP_TRIGGER:
        return is_own(plugin, a) && is_own(plugin, b);
    case SQLITE_ALTER_TABLE:
        return is_own(plugin, b);
    case SQLITE_REINDEX:
        return is_own(plugin, a);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
    case SQLITE_READ:
        return is_schema(a); // the definition's own row; SQLite refuses direct writes to it
    default:
        return false;
    }
}

static uint32_t hash_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (const char *c = name; *c; c++) {
        uint32_t lower = (uint32_t)(unsigned char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        hash = (hash ^ lower) * 16777619u;
    }
    return hash;
}

/// Counting the rows of a view touches its tables once more without saying that the view asks: that
/// is let through for tables which a published view read earlier in the statement.
static bool was_seen(const struct shoal_db *db, const char *table)
{
    for (size_t i = 0; i < db->seen_count; i++) {
        if (db->seen[i] == hash_of(table)) {
            return true;
        }
    }
    return false;
}

static bool may_read(struct shoal_db *db, const char *table, const char *column, const char *within)
{
    const struct shoal_plugin_id *plugin = db->guard;
    if (is_own(plugin, table) || is_published(plugin, table)) {
        return true;
    }
    if (!table || !is_published(plugin, within)) {
        return table && column && column[0] == 0 && was_seen(db, table);
    }
    if (!was_seen(db, table) && db->seen_count < DB_SEEN) {
        db->seen[db->seen_count++] = hash_of(table);
    }
    return true;
}

static bool may_use(
    struct shoal_db *db, int action, const char *a, const char *b, const char *within)
{
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return true;
    case SQLITE_FUNCTION:
        return b && sqlite3_stricmp(b, "load_extension") != 0 &&
               sqlite3_stricmp(b, "fts3_tokenizer") != 0;
    case SQLITE_READ:
        return may_read(db, a, b, within);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return is_own(db->guard, a);
    default:
        return false;
    }
}

int db_guard(
    void *user, int action, const char *a, const char *b, const char *database, const char *within)
{
    struct shoal_db *db = user;
    if (action == SQLITE_ATTACH || action == SQLITE_DETACH) {
        return SQLITE_DENY;
    }
    if (!db->guard) {
        return SQLITE_OK;
    }
    if (db->is_migrating && may_define(db->guard, action, a, b)) {
        return SQLITE_OK;
    }
    if (database && sqlite3_stricmp(database, "main") != 0) {
        return SQLITE_DENY;
    }
    if (may_use(db, action, a, b, within)) {
        return SQLITE_OK;
    }
    bool is_view = within && strncmp(within, "v1_", 3) == 0;
    const char *name = is_view ? within : action == SQLITE_FUNCTION ? b : a;
    snprintf(db->denied, sizeof(db->denied), "%s", name ? name : "this");
    return SQLITE_DENY;
}
