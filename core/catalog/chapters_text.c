// chapters_text.c - chapters as people write them, a line each: "1:02:03 The end".
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/captions_priv.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *space_skip(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

// Bytes of a dash at text ("-", en dash, em dash), or 0.
static size_t dash_of(const char *text, const char *end)
{
    static const char *const dashes[] = {"-", "\xe2\x80\x93", "\xe2\x80\x94"};
    for (size_t i = 0; i < sizeof(dashes) / sizeof(dashes[0]); i++) {
        size_t length = strlen(dashes[i]);
        if ((size_t)(end - text) >= length && memcmp(text, dashes[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

static const char *number_read(const char *at, const char *end, size_t most, int64_t *out)
{
    const char *start = at;
    *out = 0;
    while (at < end && is_digit(*at) && (size_t)(at - start) < most) {
        *out = *out * 10 + (*at++ - '0');
    }
    return at > start && (at == end || !is_digit(*at)) ? at : NULL;
}

// "1:02", "01:02:03": minutes below 60 behind hours, seconds below 60. NULL: none.
static const char *time_read(const char *at, const char *end, int64_t *time_s)
{
    int64_t parts[3] = {0};
    int count = 0;
    do {
        at = number_read(count == 0 ? at : at + 1, end, count == 0 ? 4 : 2, &parts[count]);
        count++;
    } while (at != NULL && count < 3 && at < end && *at == ':');
    bool is_time = at != NULL && count > 1 && parts[count - 1] < 60 &&
                   (count == 2 || parts[1] < 60) && (at == end || *at != ':');
    if (!is_time) {
        return NULL;
    }
    *time_s = count == 3 ? parts[0] * 3600 + parts[1] * 60 + parts[2] : parts[0] * 60 + parts[1];
    return at;
}

// The first characters, at most as many as a title has.
static const char *title_cut(struct shoal_arena *arena, const char *at, const char *end)
{
    const char *last = at;
    for (int i = 0; i < CATALOG_CHAPTER_TITLE_MAX && last < end; i++) {
        do {
            last++;
        } while (last < end && ((unsigned char)*last & 0xc0) == 0x80);
    }
    while (last > at && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
    }
    return shoal_arena_strndup(arena, at, (size_t)(last - at));
}

// A time, then a title; a mark of a list before it, brackets around the time and a dash behind it do no harm.
static bool line_read(
    struct shoal_arena *arena, const char *at, const char *end, struct catalog_chapter *out)
{
    at = space_skip(at, end);
    bool has_mark = at < end && (*at == '*' || dash_of(at, end) > 0);
    if (has_mark) {
        at = space_skip(at + (*at == '*' ? 1 : dash_of(at, end)), end);
    }
    char closes = at < end && *at == '[' ? ']' : at < end && *at == '(' ? ')' : '\0';
    at = time_read(closes != '\0' ? at + 1 : at, end, &out->timecode_s);
    if (at == NULL || (closes != '\0' && (at == end || *at++ != closes))) {
        return false;
    }
    const char *title = space_skip(at, end);
    size_t dash = title < end ? dash_of(title, end) : 0;
    bool is_apart = title > at || dash > 0 || closes != '\0';
    title = space_skip(title + dash, end);
    if (!is_apart || title == end) {
        return false;
    }
    out->title = title_cut(arena, title, end);
    return true;
}

static const char *line_end(const char *at)
{
    return at + strcspn(at, "\r\n");
}

static const char *line_after(const char *end)
{
    return end[0] == '\r' && end[1] == '\n' ? end + 2 : end[0] != '\0' ? end + 1 : end;
}

static size_t lines_count(const char *text)
{
    size_t count = 1;
    for (const char *at = text; *at != '\0' && count < CATALOG_CHAPTERS_MAX; at++) {
        count += *at == '\n' || *at == '\r' ? 1 : 0;
    }
    return count;
}

size_t catalog_chapters_parse(
    struct shoal_arena *arena, const char *text, struct catalog_chapter **out)
{
    size_t count = 0;
    size_t lines = 0;
    *out = NULL;
    if (text == NULL || strchr(text, ':') == NULL) {
        return 0;
    }
    *out = shoal_arena_alloc(arena, lines_count(text) * sizeof(**out));
    for (const char *at = text; *at != '\0' && lines < CATALOG_CHAPTERS_MAX;) {
        struct catalog_chapter chapter = {0};
        const char *end = line_end(at);
        bool is_chapter = line_read(arena, at, end, &chapter);
        if (!is_chapter && lines > 0) {
            break; // the run is over
        }
        if (is_chapter) {
            lines++;
            catalog_chapters_insert(*out, &count, chapter);
        }
        at = line_after(end);
    }
    return count > 1 ? count : 0;
}

int catalog_chapters_read_list(struct shoal_arena *arena, const char *text,
    struct catalog_chapter **out, size_t *count, struct shoal_err *err)
{
    int number = 0;
    *count = 0;
    *out = shoal_arena_alloc(arena, (lines_count(text) + 1) * sizeof(**out));
    for (const char *at = text; *at != '\0';) {
        struct catalog_chapter chapter = {0};
        const char *end = line_end(at);
        number++;
        if (space_skip(at, end) < end) {
            if (!line_read(arena, at, end, &chapter)) {
                return shoal_fail_field(err, "chapters",
                    "Line %d should have a time and a title, like \"1:02 The middle\"", number);
            }
            if (*count >= CATALOG_CHAPTERS_MAX) {
                return shoal_fail_field(err, "chapters",
                    "Should have a list of at most %d chapters", CATALOG_CHAPTERS_MAX);
            }
            if (!catalog_chapters_insert(*out, count, chapter)) {
                return shoal_fail_field(
                    err, "chapters", "Line %d has the time of another chapter", number);
            }
        }
        at = line_after(end);
    }
    return 0;
}
