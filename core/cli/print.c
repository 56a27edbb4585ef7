// print.c - sentences to stderr, tables and JSON to stdout.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define COLUMNS_MAX 8

int shoal_cli_fail(const struct shoal_err *err)
{
    fprintf(stderr, "shoal: %s\n", err->text[0] != '\0' ? err->text : shoal_error_text(err->code));
    return SHOAL_EXIT_FAILED;
}

SHOAL_PRINTF(1, 0)
static void say(const char *format, va_list args)
{
    fputs("shoal: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int shoal_cli_say_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return SHOAL_EXIT_FAILED;
}

int shoal_cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    fputs("shoal --help lists what there is\n", stderr);
    return SHOAL_EXIT_USAGE;
}

void shoal_cli_print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    puts(text != NULL ? text : "null");
    free(text);
    json_decref(value);
}

/// A cell as text; the second and third form need the buffer.
static const char *cell(const json_t *row, const char *key, char text[32])
{
    const json_t *value = json_object_get(row, key);
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    if (json_is_integer(value)) {
        snprintf(text, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return text;
    }
    if (json_is_real(value)) {
        snprintf(text, 32, "%g", json_real_value(value));
        return text;
    }
    return json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "";
}

/// Characters, not bytes, of UTF-8.
static size_t width(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += (*text & 0xc0) != 0x80 ? 1 : 0;
    }
    return count;
}

static void print_cell(const char *text, size_t room, bool is_last)
{
    // Names come from outside: what would move the cursor is shown as "?".
    size_t count = width(text);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        bool is_far = byte == 0xc2 && ((unsigned char)text[1] & 0xe0) == 0x80; // U+0080 to U+009F
        text += is_far ? 1 : 0;
        putchar(is_far || byte < 0x20 || byte == 0x7f ? '?' : byte);
    }
    for (; !is_last && count < room + 2; count++) {
        putchar(' ');
    }
}

void shoal_cli_print_table(const json_t *rows, const char *const *keys,
    const char *const *headings)
{
    size_t widths[COLUMNS_MAX] = {0};
    size_t columns = 0;
    char text[32];
    while (columns < COLUMNS_MAX && keys[columns] != NULL) {
        widths[columns] = width(headings[columns]);
        for (size_t i = 0; i < json_array_size(rows); i++) {
            size_t wide = width(cell(json_array_get(rows, i), keys[columns], text));
            widths[columns] = wide > widths[columns] ? wide : widths[columns];
        }
        columns++;
    }
    for (size_t c = 0; c < columns; c++) {
        print_cell(headings[c], widths[c], c + 1 == columns);
    }
    putchar('\n');
    for (size_t i = 0; i < json_array_size(rows); i++) {
        for (size_t c = 0; c < columns; c++) {
            print_cell(cell(json_array_get(rows, i), keys[c], text), widths[c], c + 1 == columns);
        }
        putchar('\n');
    }
}
