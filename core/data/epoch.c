// epoch.c - the number that says which data an answer was made from.
//
// Each epoch is a row whose number only grows; their sum is what cached answers carry. The sum is
// kept over restarts, so that no ETag ever comes back with other bytes behind it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "data/data.h"
#include "data/db_priv.h"

#define NAME_MAX_BYTES 96

static _Atomic uint64_t current;

SHOAL_SQL(sql_epoch_touch, "INSERT INTO epoch (name, value) VALUES ($1, 1)"
                           " ON CONFLICT (name) DO UPDATE SET value = epoch.value + 1");
SHOAL_SQL(sql_epoch_sum, "SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM epoch");

uint64_t shoal_epoch(void)
{
    return atomic_load_explicit(&current, memory_order_acquire);
}

void db_epoch_set(int64_t value)
{
    atomic_store_explicit(&current, (uint64_t)value, memory_order_release);
}

int64_t db_epoch_read(struct shoal_db *db)
{
    int64_t sum = (int64_t)shoal_epoch() + 1;
    struct shoal_err err = {0};
    if (shoal_db_i64(db, &sql_epoch_sum, SHOAL_NOARGS, &sum, &err) < 0) {
        shoal_error("%s", err.text);
    }
    return sum;
}

static bool is_name(const char *name)
{
    size_t length = name ? strnlen(name, NAME_MAX_BYTES) : 0;
    return length > 0 && length < 64 &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.")] == 0;
}

struct touch {
    const char *name;
};

static int touch(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct touch *touch = arg;
    tx->is_touched = true;
    return shoal_db_exec(tx, &sql_epoch_touch, SHOAL_ARGS(SHOAL_TEXT(touch->name)), NULL, err);
}

int shoal_touch(
    struct shoal_call *call, struct shoal_db *tx, const char *epoch, struct shoal_err *err)
{
    if (!is_name(epoch)) {
        return shoal_fail(err, SHOAL_EINVAL, "an epoch has no proper name");
    }
    const struct shoal_plugin_id *plugin = (const void *)shoal_call_plugin(call);
    char name[NAME_MAX_BYTES * 2];
    snprintf(name, sizeof(name), "%.90s%s%s", plugin ? plugin->name : "", plugin ? "." : "", epoch);
    struct touch arg = {.name = name};
    return tx ? touch(call, tx, &arg, err) : shoal_tx(call, touch, &arg, err);
}

/// One number stands for all epochs, so every cached answer depends on every epoch: what is left to
/// see to is that the name is one that shoal_touch() takes.
void shoal_depends(struct shoal_request *request, const char *epoch)
{
    (void)request;
    if (!is_name(epoch)) {
        shoal_warn("an answer depends on an epoch without a proper name");
    }
}
