// backoff.c - counts crashes, lays the blame, chooses the remedy.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "super/backoff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/json.h>

#define DELAY_FIRST_MS 100
#define DELAY_MOST_MS  30000

enum shoal_remedy shoal_backoff_crash(struct shoal_backoff *backoff,
    const struct shoal_crash *crash, int64_t lived_ms)
{
    if (backoff->count == SHOAL_CRASHES_KEPT) {
        memmove(&backoff->list[0], &backoff->list[1],
            (SHOAL_CRASHES_KEPT - 1) * sizeof backoff->list[0]);
        backoff->count--;
    }
    backoff->list[backoff->count++] = *crash;
    backoff->in_a_row = lived_ms >= SHOAL_CRASH_SETTLED_MS ? 1 : backoff->in_a_row + 1;

    // A stranger's plugin is counted alone; all that is ours counts together.
    bool is_foreign = crash->plugin[0] != '\0' && !crash->is_shipped;
    int same = 0;
    for (size_t i = 0; i < backoff->count; i++) {
        const struct shoal_crash *one = &backoff->list[i];
        bool one_foreign = one->plugin[0] != '\0' && !one->is_shipped;
        if (crash->at_ms - one->at_ms <= SHOAL_CRASH_WINDOW_MS && one_foreign == is_foreign &&
            (!is_foreign || strcmp(one->plugin, crash->plugin) == 0)) {
            same++;
        }
    }
    if (same < SHOAL_CRASH_LIMIT) {
        return SHOAL_REMEDY_RESTART;
    }
    return is_foreign ? SHOAL_REMEDY_QUARANTINE : SHOAL_REMEDY_SAFE_MODE;
}

int64_t shoal_backoff_delay_ms(const struct shoal_backoff *backoff)
{
    int64_t delay = DELAY_FIRST_MS;
    for (int i = 1; i < backoff->in_a_row && delay < DELAY_MOST_MS; i++) {
        delay *= 2;
    }
    return delay < DELAY_MOST_MS ? delay : DELAY_MOST_MS;
}

bool shoal_backoff_refuses(const struct shoal_backoff *backoff, const char *request)
{
    int same = 0;
    for (size_t i = 0; i < backoff->count && request[0] != '\0'; i++) {
        same += strcmp(backoff->list[i].request, request) == 0 ? 1 : 0;
    }
    return same >= 2;
}

/// The rest of the line, if it begins with the word.
static bool line_is(const char *line, const char *word, char *out, size_t room)
{
    size_t length = strlen(word);
    if (strncmp(line, word, length) != 0 || line[length] != ' ') {
        return false;
    }
    line += length + 1;
    snprintf(out, room, "%.*s", (int)strcspn(line, "\n"), line);
    return true;
}

void shoal_crash_read(const char *text, struct shoal_crash *crash)
{
    char value[200], innermost[64] = "", module[200] = "";
    bool innermost_shipped = true;
    crash->is_shipped = true;
    for (const char *line = text; *line != '\0';) {
        if (line_is(line, "signal", value, sizeof value)) {
            crash->signal = (int)strtol(value, NULL, 10);
        } else if (line_is(line, "module", value, sizeof value)) {
            snprintf(module, sizeof module, "%s", value);
        } else if (line_is(line, "request", value, sizeof value)) {
            snprintf(crash->request, sizeof crash->request, "%.16s", value);
        } else if (line_is(line, "says", value, sizeof value)) {
            snprintf(crash->sentence, sizeof crash->sentence, "%s", value);
        } else if (innermost[0] == '\0' && (line_is(line, "shipped", value, sizeof value) ||
                                               line_is(line, "elsewhere", value, sizeof value))) {
            snprintf(innermost, sizeof innermost, "%.63s", value);
            innermost_shipped = line[0] == 's';
        }
        // A fault in a module that a plugin on the stack is named like is that plugin's.
        char other[64];
        bool other_shipped = line[0] == 's';
        if ((line_is(line, "shipped", other, sizeof other) ||
                line_is(line, "elsewhere", other, sizeof other)) &&
            module[0] != '\0' && strcmp(module, other) == 0) {
            snprintf(crash->plugin, sizeof crash->plugin, "%s", other);
            crash->is_shipped = other_shipped;
        }
        line += strcspn(line, "\n");
        line += *line == '\n' ? 1 : 0;
    }
    if (crash->plugin[0] == '\0' && innermost[0] != '\0') {
        snprintf(crash->plugin, sizeof crash->plugin, "%s", innermost);
        crash->is_shipped = innermost_shipped;
    }
}

json_t *shoal_backoff_dump(const struct shoal_backoff *backoff)
{
    json_t *list = json_array();
    for (size_t i = 0; i < backoff->count; i++) {
        const struct shoal_crash *one = &backoff->list[i];
        json_array_append_new(list, json_pack("{s:I, s:i, s:s, s:b, s:s, s:s}", "at",
            (json_int_t)one->at_ms, "signal", one->signal, "plugin", one->plugin, "shipped",
            one->is_shipped, "request", one->request, "sentence", one->sentence));
    }
    return list;
}

void shoal_backoff_load(struct shoal_backoff *backoff, const json_t *dump)
{
    *backoff = (struct shoal_backoff){0};
    for (size_t i = 0; i < json_array_size(dump) && i < SHOAL_CRASHES_KEPT; i++) {
        const json_t *row = json_array_get(dump, i);
        struct shoal_crash *one = &backoff->list[backoff->count++];
        one->at_ms = shoal_integer(row, "at", 0);
        one->signal = (int)shoal_integer(row, "signal", 0);
        one->is_shipped = shoal_flag(row, "shipped", true);
        snprintf(one->plugin, sizeof one->plugin, "%s", shoal_text(row, "plugin", ""));
        snprintf(one->request, sizeof one->request, "%s", shoal_text(row, "request", ""));
        snprintf(one->sentence, sizeof one->sentence, "%s", shoal_text(row, "sentence", ""));
    }
}
