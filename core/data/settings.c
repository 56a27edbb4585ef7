// settings.c - the stored settings, kept in memory and read again when they change.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>
#include <shoal/json.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/drill.h"
#include "data/data.h"
#include "data/db_priv.h"

#define VALUE_BYTES_MAX (256 << 10)
#define KEY_BYTES_MAX   128

SHOAL_SQL(sql_setting_all, "SELECT owner, key, value FROM setting ORDER BY owner, key");
SHOAL_SQL(sql_setting_set,
    "INSERT INTO setting (owner, key, value, updated_ms) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (owner, key) DO UPDATE SET value = excluded.value,"
    " updated_ms = excluded.updated_ms");
SHOAL_SQL(sql_setting_remove, "DELETE FROM setting WHERE owner = $1 AND key = $2");

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static json_t *stored; ///< {OWNER: {KEY: value}}

static void add_row(json_t *all, const struct shoal_rows *rows)
{
    const char *owner = shoal_col_text(rows, 0);
    const char *key = shoal_col_text(rows, 1);
    const char *text = shoal_col_text(rows, 2);
    struct shoal_err err = {0};
    json_t *value = shoal_json_parse(text, strlen(text), &err);
    if (!value) {
        shoal_warn("the stored setting %s %s cannot be read: %s", owner, key, err.text);
        return;
    }
    json_t *keys = json_object_get(all, owner);
    if (!keys) {
        keys = json_object();
        json_object_set_new(all, owner, keys);
    }
    json_object_set_new(keys, key, value);
}

void db_settings_load(struct shoal_db *db)
{
    struct shoal_err err = {0};
    json_t *all = json_object();
    struct shoal_rows *rows = shoal_db_query(db, &sql_setting_all, SHOAL_NOARGS, &err);
    while (rows && shoal_rows_next(rows)) {
        add_row(all, rows);
    }
    if (!rows || shoal_rows_close(rows, &err) < 0) {
        shoal_error("the stored settings cannot be read: %s", err.text);
        json_decref(all);
        return;
    }
    pthread_rwlock_wrlock(&lock);
    json_t *before = stored;
    stored = all;
    pthread_rwlock_unlock(&lock);
    json_decref(before);
}

void db_settings_drop(void)
{
    pthread_rwlock_wrlock(&lock);
    json_decref(stored);
    stored = NULL;
    pthread_rwlock_unlock(&lock);
}

json_t *shoal_store_get(const char *owner, const char *key)
{
    pthread_rwlock_rdlock(&lock);
    json_t *value = json_object_get(json_object_get(stored, owner), key);
    json_t *copy = value ? json_deep_copy(value) : NULL;
    pthread_rwlock_unlock(&lock);
    return copy;
}

struct change {
    const char *owner, *key;
    const char *text; ///< NULL removes
};

static int change(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct change *change = arg;
    tx->has_new_settings = true;
    if (!change->text) {
        return shoal_db_exec(tx, &sql_setting_remove,
            SHOAL_ARGS(SHOAL_TEXT(change->owner), SHOAL_TEXT(change->key)), NULL, err);
    }
    int code = shoal_db_exec(tx, &sql_setting_set,
        SHOAL_ARGS(SHOAL_TEXT(change->owner), SHOAL_TEXT(change->key), SHOAL_TEXT(change->text),
            SHOAL_I64(shoal_now_ms())),
        NULL, err);
    shoal_drill_point("settings.written");
    return code;
}

int shoal_store_set(struct shoal_call *call, struct shoal_db *tx, const char *owner,
    const char *key, const json_t *value, struct shoal_err *err)
{
    if (strlen(owner) > KEY_BYTES_MAX || key[0] == 0 || strlen(key) > KEY_BYTES_MAX) {
        return shoal_fail_field(err, "key", "the name of a setting is empty or too long");
    }
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (value && (!text || strlen(text) > VALUE_BYTES_MAX)) {
        free(text);
        return shoal_fail_field(err, key, "the value of %s is too large", key);
    }
    struct change arg = {.owner = owner, .key = key, .text = text};
    int code = tx ? change(call, tx, &arg, err) : shoal_tx(call, change, &arg, err);
    shoal_drill_point("settings.committed");
    free(text);
    return code;
}
