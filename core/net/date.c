// date.c - writes and reads dates as HTTP has them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/date_priv.h"

#include <stdio.h>
#include <time.h>

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void shoal_date_format(int64_t seconds, char out[SHOAL_DATE_SIZE])
{
    time_t time = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&time, &tm) || tm.tm_year < 0 || tm.tm_year > 8000) {
        time = 0;
        gmtime_r(&time, &tm);
    }
    unsigned year = (unsigned)(tm.tm_year + 1900) % 10000;
    snprintf(out, SHOAL_DATE_SIZE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
        days + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon, year,
        (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

// Digits from..from+count of the text, or -1.
static int number(const char *at, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return -1;
        }
        value = value * 10 + (at[i] - '0');
    }
    return value;
}

int64_t shoal_date_parse(struct shoal_span text)
{
    if (text.length != SHOAL_DATE_SIZE - 1 || memcmp(text.at + 25, " GMT", 4) != 0) {
        return -1;
    }
    int month = 0;
    while (month < 12 && memcmp(text.at + 8, months + 3 * month, 3) != 0) {
        month++;
    }
    struct tm tm = {
        .tm_mday = number(text.at + 5, 2),
        .tm_mon = month,
        .tm_year = number(text.at + 12, 4) - 1900,
        .tm_hour = number(text.at + 17, 2),
        .tm_min = number(text.at + 20, 2),
        .tm_sec = number(text.at + 23, 2),
    };
    if (month == 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_year < 0 || tm.tm_hour < 0 ||
        tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60) {
        return -1;
    }
    return (int64_t)timegm(&tm);
}
