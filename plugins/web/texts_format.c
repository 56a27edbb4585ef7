// texts_format.c - numbers, sizes, durations and dates as a locale writes them.
// SPDX-License-Identifier: AGPL-3.0-or-later
//
// How a locale writes them stands in its file, under "format" and "ago"; what "format" lacks is
// written in English.
#include "texts_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX 1e15

void texts_put_number(
    const struct texts *texts, double number, int decimals, struct mustache_buffer *out)
{
    char digits[48];
    number = isfinite(number) ? fmin(fmax(number, -NUMBER_MAX), NUMBER_MAX) : 0;
    snprintf(digits, sizeof digits, "%.*f", decimals, number);
    const char *at = digits;
    if (*at == '-') {
        mustache_put(out, at++, 1);
    }
    size_t whole = strspn(at, "0123456789");
    for (size_t i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % 3 == 0) {
            mustache_puts(out, texts_string(texts, "format.group", ","));
        }
        mustache_put(out, at + i, 1);
    }
    if (at[whole] != '\0') {
        mustache_puts(out, texts_string(texts, "format.decimal", "."));
        mustache_puts(out, at + whole + 1);
    }
}

int texts_call_number(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    texts_put_number(view->texts, texts_number(call->args[0].value), 0, out);
    return 0;
}

// A number divided until it has at most three digits, with the unit that the divisions reach.
static void put_scaled(const struct texts_view *view, double number, const char *units_key,
    const char *const *english, size_t count, struct mustache_buffer *out)
{
    number = isfinite(number) ? fmax(number, 0) : 0;
    size_t unit = 0;
    while (number >= 999.5 && unit + 1 < count) {
        number /= 1000;
        unit++;
    }
    texts_put_number(view->texts, number, unit > 0 && number < 9.95 ? 1 : 0, out);
    const json_t *units = texts_find(view->texts, units_key);
    const char *name = json_string_value(json_array_get(units, unit));
    mustache_puts(out, name != NULL ? name : english[unit]);
}

int texts_call_short(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    static const char *const units[] = {"", "K", "M", "B"};
    put_scaled(view, texts_number(call->args[0].value), "format.short", units, 4, out);
    return 0;
}

int texts_call_bytes(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    static const char *const units[] = {" B", " kB", " MB", " GB", " TB"};
    put_scaled(view, texts_number(call->args[0].value), "format.bytes", units, 5, out);
    return 0;
}

static unsigned long seconds_of(const struct mustache_call *call)
{
    double seconds = texts_number(call->args[0].value);
    return seconds > 0 && seconds < 1e9 ? (unsigned long)seconds : 0;
}

int texts_call_duration(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    (void)view;
    unsigned long seconds = seconds_of(call);
    char text[40];
    if (seconds >= 3600) {
        snprintf(
            text, sizeof text, "%lu:%02lu:%02lu", seconds / 3600, seconds / 60 % 60, seconds % 60);
    } else {
        snprintf(text, sizeof text, "%lu:%02lu", seconds / 60, seconds % 60);
    }
    mustache_puts(out, text);
    return 0;
}

int texts_call_period(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    (void)view;
    char text[40];
    snprintf(text, sizeof text, "PT%luS", seconds_of(call));
    mustache_puts(out, text);
    return 0;
}

// --- dates: "2026-11-23T10:20:30.000Z"

struct moment {
    int year;
    int month;
    int day;
    int second_of_day;
};

static bool read_digits(const char **at, size_t count, char after, int *value)
{
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        *value = *value * 10 + (*(*at)++ - '0');
    }
    if (after != '\0' && **at != after) {
        return false;
    }
    *at += after != '\0';
    return true;
}

static bool read_moment(const json_t *value, struct moment *moment)
{
    const char *at = json_string_value(value);
    *moment = (struct moment){0};
    if (at == NULL || !read_digits(&at, 4, '-', &moment->year) ||
        !read_digits(&at, 2, '-', &moment->month) || !read_digits(&at, 2, '\0', &moment->day)) {
        return false;
    }
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (*at == 'T') {
        at++;
        if (!read_digits(&at, 2, ':', &hour) || !read_digits(&at, 2, ':', &minute) ||
            !read_digits(&at, 2, '\0', &second)) {
            return false;
        }
    }
    moment->second_of_day = hour * 3600 + minute * 60 + second;
    return moment->month >= 1 && moment->month <= 12 && moment->day >= 1 && moment->day <= 31;
}

// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
static int64_t day_number(const struct moment *moment)
{
    int64_t year = moment->month > 2 ? moment->year : moment->year - 1;
    int64_t month = (moment->month + 9) % 12;
    int64_t day = (153 * month + 2) / 5 + moment->day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + day - 719468;
}

static void put_date(
    const struct texts *texts, const struct moment *moment, struct mustache_buffer *out)
{
    static const char *const english[] = {"January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December"};
    const json_t *months = texts_find(texts, "format.months");
    const char *name = json_string_value(json_array_get(months, (size_t)moment->month - 1));
    name = name != NULL ? name : english[moment->month - 1];
    const char *format = texts_string(texts, "format.date", "{month} {day}, {year}");
    char number[16];
    while (*format != '\0') {
        if (strncmp(format, "{month}", 7) == 0) {
            mustache_puts(out, name);
            format += 7;
        } else if (strncmp(format, "{day}", 5) == 0) {
            snprintf(number, sizeof number, "%d", moment->day);
            mustache_puts(out, number);
            format += 5;
        } else if (strncmp(format, "{year}", 6) == 0) {
            snprintf(number, sizeof number, "%d", moment->year);
            mustache_puts(out, number);
            format += 6;
        } else {
            mustache_put(out, format++, 1);
        }
    }
}

int texts_call_date(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    struct moment moment;
    if (read_moment(call->args[0].value, &moment)) {
        put_date(view->texts, &moment, out);
    }
    return 0;
}

struct unit {
    int64_t seconds;
    const char *key;
};

// "3 days ago", in the largest unit of these that fits; false: none does.
static bool put_units(const struct texts_view *view, const struct unit *units, size_t unit_count,
    int64_t seconds, struct mustache_buffer *out)
{
    for (size_t i = 0; i < unit_count; i++) {
        if (seconds < units[i].seconds) {
            continue;
        }
        json_t *count = json_integer(seconds / units[i].seconds);
        const struct mustache_arg arg = {.name = "count", .word = "count", .value = count};
        const struct mustache_call call = {.name = "t", .count = 1, .args = &arg};
        texts_put(view->texts, units[i].key, &call, out);
        json_decref(count);
        return true;
    }
    return false;
}

static int64_t seconds_since(const struct texts_view *view, const struct moment *moment)
{
    return view->now_ms / 1000 - day_number(moment) * 86400 - moment->second_of_day;
}

int texts_call_ago(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    static const struct unit units[] = {{365 * 86400, "ago.years"}, {30 * 86400, "ago.months"},
        {7 * 86400, "ago.weeks"}, {86400, "ago.days"}, {3600, "ago.hours"}, {60, "ago.minutes"}};
    const struct mustache_call now = {.name = "t"};
    struct moment moment;
    if (!read_moment(call->args[0].value, &moment)) {
        return 0;
    }
    int64_t passed = seconds_since(view, &moment);
    if (passed < -60) {
        put_date(view->texts, &moment, out);
    } else if (!put_units(view, units, sizeof units / sizeof *units, passed, out)) {
        texts_put(view->texts, "ago.now", &now, out);
    }
    return 0;
}

int texts_call_in(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    static const struct unit units[] = {{86400, "in.days"}, {3600, "in.hours"}, {60, "in.minutes"}};
    const struct mustache_call now = {.name = "t"};
    struct moment moment;
    if (!read_moment(call->args[0].value, &moment)) {
        return 0;
    }
    int64_t left = -seconds_since(view, &moment);
    if (!put_units(view, units, sizeof units / sizeof *units, left, out)) {
        texts_put(view->texts, "in.now", &now, out);
    }
    return 0;
}
