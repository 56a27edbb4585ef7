// captions_srt.c - SubRip as WebVTT: times with a dot, and of the tags in the text those that WebVTT has.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include "catalog/captions_priv.h"

#define FLUSH_BYTES 32768

struct srt {
    struct shoal_buf *out;
    bool is_in_cue;
    int64_t cues;
    char number[16]; // a line of digits: of the next cue, or text; known with the line after it
    size_t number_length;
};

struct place {
    const char *at, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool digits_read(struct place *from, size_t most, int64_t *value)
{
    size_t count = 0;
    *value = 0;
    while (from->at < from->end && is_digit(*from->at) && count < most) {
        *value = *value * 10 + (*from->at++ - '0');
        count++;
    }
    return count > 0;
}

static void spaces_skip(struct place *from)
{
    while (from->at < from->end && (*from->at == ' ' || *from->at == '\t')) {
        from->at++;
    }
}

static bool sign_read(struct place *from, char sign)
{
    if (from->at < from->end && *from->at == sign) {
        from->at++;
        return true;
    }
    return false;
}

// "1:02:03,5", "01:02:03.500" or "02:03,500", in milliseconds.
static bool time_read(struct place *from, int64_t *time_ms)
{
    int64_t parts[3] = {0};
    size_t count = 0;
    do {
        if (!digits_read(from, 6, &parts[count++])) {
            return false;
        }
    } while (count < 3 && sign_read(from, ':'));
    if (count < 2) {
        return false;
    }
    int64_t whole_s = count == 3 ? parts[0] * 3600 + parts[1] * 60 + parts[2]
                                 : parts[0] * 60 + parts[1];
    int64_t fraction_ms = 0;
    if (sign_read(from, ',') || sign_read(from, '.')) {
        const char *start = from->at;
        if (!digits_read(from, 3, &fraction_ms)) {
            return false;
        }
        for (ptrdiff_t i = from->at - start; i < 3; i++) {
            fraction_ms *= 10;
        }
    }
    *time_ms = whole_s * 1000 + fraction_ms;
    return parts[count - 2] < 60 || count == 2 ? parts[count - 1] < 60 : false;
}

// "00:00:01,000 --> 00:00:02,000", with places behind it or not.
static bool timing_read(const char *text, size_t length, int64_t *from_ms, int64_t *to_ms)
{
    struct place place = {text, text + length};
    spaces_skip(&place);
    if (!time_read(&place, from_ms)) {
        return false;
    }
    spaces_skip(&place);
    if (place.end - place.at < 3 || memcmp(place.at, "-->", 3) != 0) {
        return false;
    }
    place.at += 3;
    spaces_skip(&place);
    return time_read(&place, to_ms);
}

static int time_write(struct shoal_buf *out, int64_t time_ms)
{
    int64_t whole_s = time_ms / 1000;
    return shoal_buf_printf(out, "%02lld:%02lld:%02lld.%03lld", (long long)(whole_s / 3600),
        (long long)(whole_s / 60 % 60), (long long)(whole_s % 60), (long long)(time_ms % 1000));
}

static int cue_begin(struct srt *srt, int64_t from_ms, int64_t to_ms)
{
    srt->is_in_cue = true;
    srt->number_length = 0;
    srt->cues++;
    int code = shoal_buf_puts(srt->out, "\n");
    code = code == 0 ? time_write(srt->out, from_ms) : code;
    code = code == 0 ? shoal_buf_puts(srt->out, " --> ") : code;
    code = code == 0 ? time_write(srt->out, to_ms) : code;
    return code == 0 ? shoal_buf_puts(srt->out, "\n") : code;
}

// Bytes of a tag at text that WebVTT has as well ("<b>", "</i>"), or 0.
static size_t tag_of(const char *text, size_t left)
{
    static const char *const tags[] = {"<b>", "<i>", "<u>", "</b>", "</i>", "</u>"};
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        size_t length = strlen(tags[i]);
        if (left >= length && strncasecmp(text, tags[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

// Bytes at text that say how it looks and that nobody else can read: "<font …>", "</font>", "{\an8}".
static size_t noise_of(const char *text, size_t left)
{
    bool is_font = (left > 5 && strncasecmp(text, "<font", 5) == 0 &&
                       (text[5] == ' ' || text[5] == '>')) ||
                   (left >= 7 && strncasecmp(text, "</font>", 7) == 0);
    bool is_style = left > 2 && text[0] == '{' && text[1] == '\\';
    const char *end = is_font    ? memchr(text, '>', left)
                      : is_style ? memchr(text, '}', left)
                                 : NULL;
    return end == NULL ? 0 : (size_t)(end - text) + 1;
}

static int text_write(struct srt *srt, const char *text, size_t length)
{
    int code = 0;
    for (size_t i = 0; i < length && code == 0;) {
        size_t noise = noise_of(text + i, length - i);
        size_t tag = noise > 0 ? 0 : tag_of(text + i, length - i);
        if (noise > 0) {
            i += noise;
        } else if (tag > 0) {
            for (size_t k = 0; k < tag && code == 0; k++) {
                char c = text[i + k];
                c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
                code = shoal_buf_add(srt->out, &c, 1);
            }
            i += tag;
        } else {
            // What is no tag is text; and an arrow would begin another cue.
            code = text[i] == '<'   ? shoal_buf_puts(srt->out, "&lt;")
                   : text[i] == '>' ? shoal_buf_puts(srt->out, "&gt;")
                                    : shoal_buf_add(srt->out, text + i, 1);
            i++;
        }
    }
    return code == 0 ? shoal_buf_puts(srt->out, "\n") : code;
}

static int number_write(struct srt *srt)
{
    size_t length = srt->number_length;
    srt->number_length = 0;
    return length > 0 ? text_write(srt, srt->number, length) : 0;
}

static int line_take(struct srt *srt, const char *text, size_t length)
{
    int64_t from_ms = 0;
    int64_t to_ms = 0;
    struct place place = {text, text + length};
    spaces_skip(&place);
    if (timing_read(text, length, &from_ms, &to_ms)) {
        return cue_begin(srt, from_ms, to_ms);
    }
    if (place.at == place.end) {
        int code = srt->is_in_cue ? number_write(srt) : 0;
        srt->is_in_cue = false;
        return code;
    }
    if (!srt->is_in_cue) {
        return 0; // the number of the next cue
    }
    int code = number_write(srt);
    int64_t number = 0;
    struct place digits = {text, text + length};
    bool is_number = digits_read(&digits, sizeof(srt->number), &number) && digits.at == digits.end;
    if (code == 0 && is_number) {
        memcpy(srt->number, text, length);
        srt->number_length = length;
        return 0;
    }
    return code == 0 ? text_write(srt, text, length) : code;
}

int catalog_srt_read(struct catalog_lines *lines, struct shoal_buf *out,
    int (*flush)(void *user, struct shoal_err *err), void *user, struct shoal_err *err)
{
    struct srt srt = {.out = out};
    const char *text = NULL;
    size_t length = 0;
    int got = 0;
    int code = shoal_buf_puts(out, "WEBVTT\n");
    while (code == 0 && (got = catalog_lines_next(lines, &text, &length, err)) == 1) {
        code = line_take(&srt, text, length);
        if (code == 0 && out->length > FLUSH_BYTES) {
            code = flush(user, err);
        }
    }
    code = code == 0 && got < 0 ? got : code;
    code = code == 0 && srt.is_in_cue ? number_write(&srt) : code;
    if (code == 0 && srt.cues == 0) {
        code = shoal_fail_field(
            err, "captionfile", "There is no caption with a time in this file: is it SubRip (.srt)?");
    }
    return code == 0 ? flush(user, err) : code;
}
