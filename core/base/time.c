// time.c - writes and reads ISO 8601.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>
#include <shoal/error.h>

#include <stdio.h>
#include <string.h>

#define DAY_MS   INT64_C(86400000)
#define FIRST_MS INT64_C(-62167219200000) // 0000-01-01
#define LAST_MS  INT64_C(253402300799999) // 9999-12-31T23:59:59.999

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar.
static int64_t days_of(int64_t year, int month, int day)
{
    year -= month <= 2 ? 1 : 0;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted + (shifted < 10 ? 3 : -9));
    *year = (int)(year_of_era + era * 400 + (*month <= 2 ? 1 : 0));
}

char *shoal_time_format(int64_t time_ms, char out[32])
{
    int64_t bounded = time_ms < FIRST_MS ? FIRST_MS : time_ms > LAST_MS ? LAST_MS : time_ms;
    int64_t days = bounded / DAY_MS;
    int64_t rest = bounded % DAY_MS;
    if (rest < 0) {
        rest += DAY_MS;
        days--;
    }
    int year, month, day;
    date_of(days, &year, &month, &day);
    snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000,
        (unsigned)month % 100, (unsigned)day % 100, (unsigned)(rest / 3600000) % 100,
        (unsigned)(rest / 60000 % 60), (unsigned)(rest / 1000 % 60), (unsigned)(rest % 1000));
    return out;
}

/// Reads exactly `digits` decimal digits and moves on; false when they are not there.
static bool read_number(const char **text, int digits, int *value)
{
    int sum = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        sum = sum * 10 + (c - '0');
    }
    *text += digits;
    *value = sum;
    return true;
}

static bool read_sign(const char **text, char sign)
{
    if (**text != sign) {
        return false;
    }
    (*text)++;
    return true;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

static bool read_date(const char **text, int64_t *ms)
{
    int year, month, day;
    if (!read_number(text, 4, &year) || !read_sign(text, '-') || !read_number(text, 2, &month) ||
        !read_sign(text, '-') || !read_number(text, 2, &day)) {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in(year, month)) {
        return false;
    }
    *ms = days_of(year, month, day) * DAY_MS;
    return true;
}

/// Digits behind the point count down to milliseconds; further ones are dropped.
static bool read_fraction(const char **text, int64_t *ms)
{
    int64_t unit = 100;
    int digits = 0;
    for (; **text >= '0' && **text <= '9' && digits < 12; digits++, (*text)++) {
        *ms += (**text - '0') * unit;
        unit /= 10;
    }
    return digits > 0;
}

static bool read_clock(const char **text, int64_t *ms)
{
    int hour, minute;
    int second = 0;
    if (!read_number(text, 2, &hour) || !read_sign(text, ':') || !read_number(text, 2, &minute)) {
        return false;
    }
    if (read_sign(text, ':') && !read_number(text, 2, &second)) {
        return false;
    }
    if (hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    *ms += ((int64_t)hour * 3600 + minute * 60 + second) * 1000;
    return !read_sign(text, '.') || read_fraction(text, ms);
}

static bool read_zone(const char **text, int64_t *ms)
{
    if (read_sign(text, 'Z')) {
        return true;
    }
    char sign = **text;
    int hour, minute;
    if (sign != '+' && sign != '-') {
        return false;
    }
    (*text)++;
    if (!read_number(text, 2, &hour)) {
        return false;
    }
    read_sign(text, ':');
    if (!read_number(text, 2, &minute) || hour > 23 || minute > 59) {
        return false;
    }
    int64_t offset = ((int64_t)hour * 60 + minute) * 60000;
    *ms += sign == '+' ? -offset : offset;
    return true;
}

/// A date alone is its midnight in UTC.
int shoal_time_parse(const char *text, int64_t *time_ms)
{
    int64_t ms = 0;
    if (!text || !read_date(&text, &ms)) {
        return SHOAL_EINVAL;
    }
    if (*text != 0) {
        if (*text != 'T' && *text != 't' && *text != ' ') {
            return SHOAL_EINVAL;
        }
        text++;
        if (!read_clock(&text, &ms) || !read_zone(&text, &ms) || *text != 0) {
            return SHOAL_EINVAL;
        }
    }
    *time_ms = ms;
    return 0;
}
