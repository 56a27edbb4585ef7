// error.c - fills struct shoal_err and knows the words of each error number.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/error.h>

#include <stdio.h>
#include <string.h>

struct row {
    int code;
    int status;
    const char *name;
    const char *text;
};

static const struct row rows[] = {
#define ROW(name, number, status, text) {number, status, #name, text},
    SHOAL_ERRORS(ROW)
#undef ROW
};

static const struct row *find(int code)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == code) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *shoal_error_name(int code)
{
    if (code == SHOAL_OK) {
        return "SHOAL_OK";
    }
    const struct row *row = find(code);
    return row ? row->name : "SHOAL_EINTERNAL";
}

const char *shoal_error_text(int code)
{
    if (code == SHOAL_OK) {
        return "no error";
    }
    const struct row *row = find(code);
    return row ? row->text : "internal error";
}

int shoal_error_status(int code)
{
    if (code == SHOAL_OK) {
        return 200;
    }
    const struct row *row = find(code);
    return row ? row->status : 500;
}

/// Copies text and never ends it within a UTF-8 sequence.
static void copy(char *to, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
            length--;
        }
    }
    memmove(to, text, length);
    to[length] = 0;
}

/// The arguments may point into err: the sentence is made beside it.
int shoal_vfail(struct shoal_err *err, int code, const char *format, va_list args)
{
    if (!err) {
        return code;
    }
    char text[sizeof(err->text) + 8];
    if (vsnprintf(text, sizeof(text), format, args) < 0) {
        text[0] = 0;
    }
    memset(err, 0, sizeof(*err));
    err->code = code;
    copy(err->text, sizeof(err->text), text);
    return code;
}

int shoal_fail(struct shoal_err *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    shoal_vfail(err, code, format, args);
    va_end(args);
    return code;
}

int shoal_fail_field(struct shoal_err *err, const char *field, const char *format, ...)
{
    char name[sizeof(((struct shoal_err *)0)->field)];
    copy(name, sizeof(name), field ? field : "");
    va_list args;
    va_start(args, format);
    shoal_vfail(err, SHOAL_EINVAL, format, args);
    va_end(args);
    if (err) {
        copy(err->field, sizeof(err->field), name);
    }
    return SHOAL_EINVAL;
}

int shoal_fail_api(struct shoal_err *err, int code, const char *api_code, const char *format, ...)
{
    char word[sizeof(((struct shoal_err *)0)->api_code)];
    copy(word, sizeof(word), api_code ? api_code : "");
    va_list args;
    va_start(args, format);
    shoal_vfail(err, code, format, args);
    va_end(args);
    if (err) {
        copy(err->api_code, sizeof(err->api_code), word);
    }
    return code;
}
