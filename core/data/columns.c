// columns.c - the columns of a row as C types and as JSON.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/arena.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "data/db_priv.h"

static bool has(const struct shoal_rows *rows, int column)
{
    return rows->statement && !rows->is_done && column >= 0 &&
           column < sqlite3_data_count(rows->statement);
}

int64_t shoal_col_i64(const struct shoal_rows *rows, int column)
{
    return has(rows, column) ? sqlite3_column_int64(rows->statement, column) : 0;
}

double shoal_col_real(const struct shoal_rows *rows, int column)
{
    return has(rows, column) ? sqlite3_column_double(rows->statement, column) : 0;
}

bool shoal_col_bool(const struct shoal_rows *rows, int column)
{
    return shoal_col_i64(rows, column) != 0;
}

const char *shoal_col_text(const struct shoal_rows *rows, int column)
{
    return has(rows, column) ? (const char *)sqlite3_column_text(rows->statement, column) : NULL;
}

const void *shoal_col_bytes(const struct shoal_rows *rows, int column, size_t *length)
{
    if (!has(rows, column) || sqlite3_column_type(rows->statement, column) == SQLITE_NULL) {
        *length = 0;
        return NULL;
    }
    const void *bytes = sqlite3_column_blob(rows->statement, column);
    *length = (size_t)sqlite3_column_bytes(rows->statement, column);
    return bytes ? bytes : ""; // no bytes are not NULL
}

bool shoal_col_null(const struct shoal_rows *rows, int column)
{
    return !has(rows, column) || sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

int shoal_rows_columns(const struct shoal_rows *rows)
{
    return rows->statement ? sqlite3_column_count(rows->statement) : 0;
}

const char *shoal_col_name(const struct shoal_rows *rows, int column)
{
    if (column < 0 || column >= shoal_rows_columns(rows)) {
        return NULL;
    }
    return sqlite3_column_name(rows->statement, column);
}

static json_t *bytes_as_hex(sqlite3_stmt *statement, int column)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = sqlite3_column_blob(statement, column);
    size_t length = (size_t)sqlite3_column_bytes(statement, column);
    char *text = shoal_alloc(length * 2 + 1, 1);
    for (size_t i = 0; i < length; i++) {
        text[i * 2] = digits[bytes[i] >> 4];
        text[i * 2 + 1] = digits[bytes[i] & 15];
    }
    json_t *value = json_string(text);
    free(text);
    return value;
}

static json_t *integer(sqlite3_stmt *statement, int column)
{
    const char *declared = sqlite3_column_decltype(statement, column);
    int64_t value = sqlite3_column_int64(statement, column);
    if (declared && sqlite3_stricmp(declared, "BOOLEAN") == 0) {
        return json_boolean(value != 0);
    }
    return json_integer(value);
}

/// Text that is not UTF-8 cannot be JSON: it becomes null.
static json_t *text(sqlite3_stmt *statement, int column)
{
    const char *value = (const char *)sqlite3_column_text(statement, column);
    size_t length = (size_t)sqlite3_column_bytes(statement, column);
    json_t *string = value ? json_stringn(value, length) : NULL;
    return string ? string : json_null();
}

json_t *shoal_row_json(const struct shoal_rows *rows)
{
    json_t *object = json_object();
    int count = rows->statement && !rows->is_done ? sqlite3_data_count(rows->statement) : 0;
    for (int i = 0; i < count; i++) {
        json_t *value;
        switch (sqlite3_column_type(rows->statement, i)) {
        case SQLITE_INTEGER:
            value = integer(rows->statement, i);
            break;
        case SQLITE_FLOAT:
            value = json_real(sqlite3_column_double(rows->statement, i));
            break;
        case SQLITE_TEXT:
            value = text(rows->statement, i);
            break;
        case SQLITE_BLOB:
            value = bytes_as_hex(rows->statement, i);
            break;
        default:
            value = json_null();
            break;
        }
        json_object_set_new(object, sqlite3_column_name(rows->statement, i), value);
    }
    return object;
}
