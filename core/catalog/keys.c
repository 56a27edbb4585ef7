// keys.c - the secrets of the instance, its settings as the catalog reads them, its folders.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"

#include "base/file.h"

#define KEY_BYTES_MAX 64

SHOAL_SQL(key_get, "SELECT value FROM catalog_key WHERE name = $1");
SHOAL_SQL(
    key_add, "INSERT INTO catalog_key (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");

struct key_new {
    const char *name;
    size_t bytes;
};

static int key_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct key_new *key = arg;
    char value[KEY_BYTES_MAX * 2 + 1];
    shoal_random_hex(value, key->bytes);
    return shoal_db_exec(
        tx, &key_add, SHOAL_ARGS(SHOAL_TEXT(key->name), SHOAL_TEXT(value)), NULL, err);
}

const char *catalog_key_get(struct shoal_call *call, const char *name, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &key_get, SHOAL_ARGS(SHOAL_TEXT(name)), err);
    if (rows == NULL) {
        return NULL;
    }
    const char *value = NULL;
    if (shoal_rows_next(rows)) {
        value = catalog_col_text(call, rows, 0);
    }
    if (shoal_rows_close(rows, err) != 0) {
        return NULL;
    }
    if (value == NULL) {
        shoal_fail(err, SHOAL_ENOTFOUND, "this instance has no key \"%s\" yet", name);
    }
    return value;
}

int catalog_key_ensure(
    struct shoal_call *call, const char *name, size_t bytes, struct shoal_err *err)
{
    struct key_new key = {.name = name, .bytes = bytes > KEY_BYTES_MAX ? KEY_BYTES_MAX : bytes};
    struct shoal_err missing = {0};
    if (catalog_key_get(call, name, &missing) != NULL) {
        return 0;
    }
    return shoal_tx(call, key_tx, &key, err);
}

int64_t catalog_setting_i64(const char *key, int64_t otherwise)
{
    json_t *value = shoal_instance_setting(key);
    int64_t out = otherwise;
    if (json_is_integer(value)) {
        out = json_integer_value(value);
    } else if (json_is_real(value)) {
        out = (int64_t)json_real_value(value);
    }
    json_decref(value);
    return out;
}

bool catalog_setting_bool(const char *key, bool otherwise)
{
    json_t *value = shoal_instance_setting(key);
    bool out = json_is_boolean(value) ? json_is_true(value) : otherwise;
    json_decref(value);
    return out;
}

const char *catalog_folder(struct shoal_call *call, const char *what, struct shoal_err *err)
{
    const char *data = shoal_instance_path("data");
    if (data == NULL) {
        shoal_fail(err, SHOAL_EINTERNAL, "the instance has no folder");
        return NULL;
    }
    const char *path = shoal_arena_printf(call->arena, "%s/%s", data, what);
    return shoal_folder_make(path, 0700, err) == 0 ? path : NULL;
}
