// lua_match.c - Lua's patterns with a bound on the work that one match may take.
//
// The library's own matcher runs in C, where no instruction hook can stop it, and a pattern such as
// (.-)(.-)(.-)x takes time that grows with a power of the text. This one counts its steps.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/lua/lua_match.h"

#include <ctype.h>
#include <string.h>

#define OPEN      (-1)
#define POSITION  (-2)
#define DEPTH_MAX 200

static const char *match_here(struct shoal_match *m, const char *s, const char *p);

static const char *give_up(struct shoal_match *m, const char *why)
{
    if (!m->problem) {
        m->problem = why;
    }
    return NULL;
}

void shoal_match_init(struct shoal_match *match, const char *text, size_t length,
    const char *pattern, size_t pattern_length)
{
    *match = (struct shoal_match){
        .text = text,
        .text_end = text + length,
        .pattern = pattern,
        .pattern_end = pattern + pattern_length,
        .steps = SHOAL_MATCH_STEPS,
    };
}

const char *shoal_match_at(struct shoal_match *match, const char *at)
{
    match->level = 0;
    match->depth = 0;
    return match_here(match, at, match->pattern);
}

/// The end of the single-character class that begins at p.
static const char *class_end(struct shoal_match *m, const char *p)
{
    char first = *p++;
    if (first == '%') {
        return p < m->pattern_end ? p + 1 : give_up(m, "malformed pattern (ends with '%')");
    }
    if (first != '[') {
        return p;
    }
    if (p < m->pattern_end && *p == '^') {
        p++;
    }
    bool is_first = true; // a ']' right after the bracket stands for itself
    while (p < m->pattern_end && (*p != ']' || is_first)) {
        p += *p == '%' && p + 1 < m->pattern_end ? 2 : 1;
        is_first = false;
    }
    return p < m->pattern_end ? p + 1 : give_up(m, "malformed pattern (missing ']')");
}

static bool in_class(int c, int letter)
{
    bool is_in;
    switch (tolower(letter)) {
    case 'a':
        is_in = isalpha(c) != 0;
        break;
    case 'c':
        is_in = iscntrl(c) != 0;
        break;
    case 'd':
        is_in = isdigit(c) != 0;
        break;
    case 'g':
        is_in = isgraph(c) != 0;
        break;
    case 'l':
        is_in = islower(c) != 0;
        break;
    case 'p':
        is_in = ispunct(c) != 0;
        break;
    case 's':
        is_in = isspace(c) != 0;
        break;
    case 'u':
        is_in = isupper(c) != 0;
        break;
    case 'w':
        is_in = isalnum(c) != 0;
        break;
    case 'x':
        is_in = isxdigit(c) != 0;
        break;
    default:
        return letter == c;
    }
    return isupper(letter) ? !is_in : is_in;
}

/// Whether c is in the set between p ('[') and end (behind ']').
static bool in_set(int c, const char *p, const char *end)
{
    bool wanted = true;
    p++;
    end--;
    if (*p == '^') {
        wanted = false;
        p++;
    }
    while (p < end) {
        if (*p == '%' && p + 1 < end) {
            if (in_class(c, (unsigned char)p[1])) {
                return wanted;
            }
            p += 2;
        } else if (p + 2 < end && p[1] == '-') {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) {
                return wanted;
            }
            p += 3;
        } else {
            if ((unsigned char)*p == c) {
                return wanted;
            }
            p++;
        }
    }
    return !wanted;
}

static bool single(struct shoal_match *m, const char *s, const char *p, const char *end)
{
    if (s >= m->text_end) {
        return false;
    }
    int c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return in_class(c, (unsigned char)p[1]);
    case '[':
        return in_set(c, p, end);
    default:
        return (unsigned char)*p == c;
    }
}

/// As many as there are, then fewer and fewer.
static const char *match_most(struct shoal_match *m, const char *s, const char *p, const char *end)
{
    ptrdiff_t count = 0;
    while (single(m, s + count, p, end)) {
        count++;
        if (--m->steps <= 0) {
            return give_up(m, "pattern takes too long on this text");
        }
    }
    for (; count >= 0 && !m->problem; count--) {
        const char *found = match_here(m, s + count, end + 1);
        if (found) {
            return found;
        }
    }
    return NULL;
}

/// As few as possible, then more and more.
static const char *match_least(struct shoal_match *m, const char *s, const char *p, const char *end)
{
    while (!m->problem) {
        const char *found = match_here(m, s, end + 1);
        if (found) {
            return found;
        }
        if (!single(m, s, p, end)) {
            return NULL;
        }
        s++;
    }
    return NULL;
}

static const char *open_capture(struct shoal_match *m, const char *s, const char *p, ptrdiff_t kind)
{
    if (m->level == SHOAL_MATCH_CAPTURES) {
        return give_up(m, "too many captures");
    }
    m->captures[m->level].start = s;
    m->captures[m->level].length = kind;
    m->level++;
    const char *found = match_here(m, s, p);
    if (!found) {
        m->level--;
    }
    return found;
}

static const char *close_capture(struct shoal_match *m, const char *s, const char *p)
{
    int level = m->level - 1;
    while (level >= 0 && m->captures[level].length != OPEN) {
        level--;
    }
    if (level < 0) {
        return give_up(m, "invalid pattern capture");
    }
    m->captures[level].length = s - m->captures[level].start;
    const char *found = match_here(m, s, p);
    if (!found) {
        m->captures[level].length = OPEN;
    }
    return found;
}

/// %1: the same text as that capture.
static const char *match_again(struct shoal_match *m, const char *s, int digit)
{
    int level = digit - '1';
    if (level < 0 || level >= m->level || m->captures[level].length == OPEN) {
        return give_up(m, "invalid capture index");
    }
    ptrdiff_t length = m->captures[level].length == POSITION ? 0 : m->captures[level].length;
    if (m->text_end - s < length || memcmp(m->captures[level].start, s, (size_t)length) != 0) {
        return NULL;
    }
    m->steps -= (long)length;
    return s + length;
}

/// %bxy: balanced x … y.
static const char *match_balance(struct shoal_match *m, const char *s, const char *p)
{
    if (m->pattern_end - p < 2) {
        return give_up(m, "malformed pattern (missing arguments to '%b')");
    }
    if (s >= m->text_end || *s != p[0]) {
        return NULL;
    }
    int open = 1;
    for (const char *at = s + 1; at < m->text_end; at++) {
        if (--m->steps <= 0) {
            return give_up(m, "pattern takes too long on this text");
        }
        if (*at == p[1]) {
            if (--open == 0) {
                return at + 1;
            }
        } else if (*at == p[0]) {
            open++;
        }
    }
    return NULL;
}

/// %f[set]: the place between what is not in the set and what is.
static const char *match_frontier(struct shoal_match *m, const char *s, const char *p)
{
    if (p >= m->pattern_end || *p != '[') {
        return give_up(m, "missing '[' after '%f' in pattern");
    }
    const char *end = class_end(m, p);
    if (!end) {
        return NULL;
    }
    int before = s == m->text ? '\0' : (unsigned char)s[-1];
    int here = s < m->text_end ? (unsigned char)*s : '\0';
    return !in_set(before, p, end) && in_set(here, p, end) ? match_here(m, s, end) : NULL;
}

/// The items that begin with '%' and are no class; *is_item says whether this was one.
static const char *match_special(struct shoal_match *m, const char *s, const char *p, bool *is_item)
{
    const char *after;
    *is_item = true;
    if (p[1] == 'b') {
        after = match_balance(m, s, p + 2);
        return after ? match_here(m, after, p + 4) : NULL;
    }
    if (p[1] == 'f') {
        return match_frontier(m, s, p + 2);
    }
    if (isdigit((unsigned char)p[1])) {
        after = match_again(m, s, (unsigned char)p[1]);
        return after ? match_here(m, after, p + 2) : NULL;
    }
    *is_item = false;
    return NULL;
}

static const char *match_item(struct shoal_match *m, const char *s, const char *p)
{
    const char *end = class_end(m, p);
    if (!end) {
        return NULL;
    }
    char suffix = end < m->pattern_end ? *end : '\0';
    switch (suffix) {
    case '?': {
        const char *found = single(m, s, p, end) ? match_here(m, s + 1, end + 1) : NULL;
        return found || m->problem ? found : match_here(m, s, end + 1);
    }
    case '+':
        return single(m, s, p, end) ? match_most(m, s + 1, p, end) : NULL;
    case '*':
        return match_most(m, s, p, end);
    case '-':
        return match_least(m, s, p, end);
    default:
        return single(m, s, p, end) ? match_here(m, s + 1, end) : NULL;
    }
}

static const char *match_step(struct shoal_match *m, const char *s, const char *p)
{
    switch (*p) {
    case '(':
        return p + 1 < m->pattern_end && p[1] == ')' ? open_capture(m, s, p + 2, POSITION)
                                                     : open_capture(m, s, p + 1, OPEN);
    case ')':
        return close_capture(m, s, p + 1);
    case '$':
        if (p + 1 == m->pattern_end) {
            return s == m->text_end ? s : NULL;
        }
        break;
    case '%':
        if (p + 1 < m->pattern_end) {
            bool is_item = false;
            const char *found = match_special(m, s, p, &is_item);
            if (is_item) {
                return found;
            }
        }
        break;
    default:
        break;
    }
    return match_item(m, s, p);
}

static const char *match_here(struct shoal_match *m, const char *s, const char *p)
{
    // Plain characters in a row need no recursion.
    while (p < m->pattern_end && !memchr("(%.[$)", *p, 6) && p + 1 < m->pattern_end &&
           !memchr("?+*-", p[1], 4)) {
        if (s >= m->text_end || *s != *p) {
            return NULL;
        }
        s++;
        p++;
        m->steps--;
    }
    if (p >= m->pattern_end) {
        return s;
    }
    if (--m->steps <= 0) {
        return give_up(m, "pattern takes too long on this text");
    }
    if (++m->depth > DEPTH_MAX) {
        return give_up(m, "pattern too complex");
    }
    const char *found = m->problem ? NULL : match_step(m, s, p);
    m->depth--;
    return found;
}
