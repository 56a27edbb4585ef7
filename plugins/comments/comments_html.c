// comments_html.c - HTML of other servers as plain text.
//
// The text is shown as Markdown and nothing of the markup is kept, so that how browsers would read it does
// not matter. One pass, no tree: a million open tags cost what they weigh.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "comments.h"

#define NAME_MAX_BYTES 16

struct tag {
    char name[NAME_MAX_BYTES];
    bool closes;
    const char *attributes; // to the end of the tag
    size_t attributes_length;
};

struct writer {
    struct shoal_arena *arena;
    struct shoal_buf out;
    int breaks;         // lines that begin before the next word
    bool has_space;     // a blank stands before the next word
    bool has_bullet;
    int pre;
    const char *href;   // of the link that is open, or NULL
    bool is_mention, is_tag;
    size_t link_start;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// What stands between two words or blocks, once it is known that something follows.
static void settle(struct writer *writer)
{
    struct shoal_buf *out = &writer->out;
    if (writer->breaks > 0 && out->length > 0) {
        shoal_buf_add(out, "\n\n", writer->breaks > 1 ? 2 : 1);
    } else if (writer->has_space && out->length > 0 && writer->breaks == 0) {
        shoal_buf_puts(out, " ");
    }
    if (writer->has_bullet) {
        shoal_buf_puts(out, "- ");
    }
    if (writer->href != NULL && writer->link_start == SIZE_MAX) {
        writer->link_start = out->length;
    }
    writer->breaks = 0;
    writer->has_space = writer->has_bullet = false;
}

static void put(struct writer *writer, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (writer->pre > 0 && bytes[i] == '\n') {
            settle(writer);
            shoal_buf_puts(&writer->out, "\n");
        } else if (is_blank(bytes[i])) {
            writer->has_space = true;
        } else {
            if (writer->has_space || writer->breaks > 0 || writer->has_bullet || writer->href != NULL) {
                settle(writer);
            }
            shoal_buf_add(&writer->out, bytes + i, 1);
        }
    }
}

static void put_codepoint(struct writer *writer, unsigned long code)
{
    char bytes[4];
    size_t length = 1;
    bool is_bad = code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff);
    code = is_bad ? 0xfffd : code;
    if (code == 0xa0) {
        code = ' ';
    }
    if (code < 0x80) {
        bytes[0] = (char)code;
    } else if (code < 0x800) {
        bytes[0] = (char)(0xc0 | (code >> 6));
        bytes[1] = (char)(0x80 | (code & 0x3f));
        length = 2;
    } else if (code < 0x10000) {
        bytes[0] = (char)(0xe0 | (code >> 12));
        bytes[1] = (char)(0x80 | ((code >> 6) & 0x3f));
        bytes[2] = (char)(0x80 | (code & 0x3f));
        length = 3;
    } else {
        bytes[0] = (char)(0xf0 | (code >> 18));
        bytes[1] = (char)(0x80 | ((code >> 12) & 0x3f));
        bytes[2] = (char)(0x80 | ((code >> 6) & 0x3f));
        bytes[3] = (char)(0x80 | (code & 0x3f));
        length = 4;
    }
    put(writer, bytes, length);
}

// An entity at `at`, which begins with "&". Returns its length, and 0 where it is none.
static size_t put_entity(struct writer *writer, const char *at)
{
    static const struct {
        const char *name;
        unsigned long code;
    } named[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''},
        {"&nbsp;", ' '}, {"&hellip;", 0x2026}, {"&ndash;", 0x2013}, {"&mdash;", 0x2014}};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        size_t length = strlen(named[i].name);
        if (strncmp(at, named[i].name, length) == 0) {
            put_codepoint(writer, named[i].code);
            return length;
        }
    }
    bool is_hex = at[1] == '#' && (at[2] == 'x' || at[2] == 'X');
    const char *digits = at + (is_hex ? 3 : 2);
    size_t length = at[1] == '#' ? strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789") : 0;
    if (length == 0 || length > 8 || digits[length] != ';') {
        return 0;
    }
    put_codepoint(writer, strtoul(digits, NULL, is_hex ? 16 : 10));
    return (size_t)(digits - at) + length + 1;
}

// The value of an attribute, its entities as they are but for "&amp;"; NULL where it is not there.
static const char *attribute(struct shoal_arena *arena, const struct tag *tag, const char *name)
{
    const char *at = tag->attributes, *end = at + tag->attributes_length;
    while (at < end) {
        while (at < end && (is_blank(*at) || *at == '/')) {
            at++;
        }
        const char *key = at;
        while (at < end && !is_blank(*at) && *at != '=' && *at != '/') {
            at++;
        }
        size_t key_length = (size_t)(at - key);
        if (key_length == 0) {
            at++; // a "=" that belongs to nothing
            continue;
        }
        const char *value = "";
        size_t length = 0;
        if (at < end && *at == '=') {
            char quote = ++at < end && (*at == '"' || *at == '\'') ? *at++ : '\0';
            value = at;
            while (at < end && (quote != '\0' ? *at != quote : !is_blank(*at))) {
                at++;
            }
            length = (size_t)(at - value);
            at += quote != '\0' && at < end;
        }
        if (key_length == strlen(name) && strncasecmp(key, name, key_length) == 0) {
            char *out = shoal_arena_strndup(arena, value, length);
            for (char *amp = strstr(out, "&amp;"); amp != NULL; amp = strstr(amp + 1, "&amp;")) {
                memmove(amp + 1, amp + 5, strlen(amp + 5) + 1);
            }
            return out;
        }
    }
    return NULL;
}

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *skip_scheme(const char *url)
{
    const char *found = strstr(url, "://");
    return found != NULL ? found + 3 : url;
}

// Words that look like an address, which is another one than the link's.
static bool names_another(const char *words)
{
    size_t length = strcspn(words, " ");
    const char *dot = memchr(words, '.', length);
    return strstr(words, "://") != NULL ||
           (words[length] == '\0' && *words != '@' && dot != NULL && dot != words && dot[1] != '\0' && dot[1] != '.');
}

// The words of the link are there: what is added depends on whether they say where it leads.
static void end_link(struct writer *writer)
{
    struct shoal_buf *out = &writer->out;
    const char *href = writer->href;
    bool has_words = writer->link_start != SIZE_MAX && writer->link_start < out->length;
    writer->href = NULL;
    if (!has_words) {
        return;
    }
    const char *words = shoal_arena_strdup(writer->arena, out->data + writer->link_start);
    size_t host = strcspn(skip_scheme(href), "/?#");
    if (writer->is_tag) {
        return;
    }
    if (writer->is_mention && *words == '@' && strchr(words + 1, '@') == NULL) {
        shoal_buf_printf(out, "@%.*s", (int)host, skip_scheme(href));
        return;
    }
    if (writer->is_mention) {
        return;
    }
    size_t length = strcspn(skip_scheme(words), "\xe2"); // up to an ellipsis
    bool says_where = length > 3 && strncmp(skip_scheme(words), skip_scheme(href), length) == 0;
    if (says_where) {
        out->length = writer->link_start;
        out->data[out->length] = '\0';
        shoal_buf_puts(out, href);
    } else if (strpbrk(words, "[]\n") != NULL || names_another(words)) {
        shoal_buf_printf(out, " (%s)", href);
    } else {
        out->length = writer->link_start;
        out->data[out->length] = '\0';
        shoal_buf_printf(out, "[%s](%s)", words, href);
    }
}

static void begin_link(struct writer *writer, const struct tag *tag)
{
    const char *href = attribute(writer->arena, tag, "href");
    const char *class = attribute(writer->arena, tag, "class");
    writer->href = comments_is_link(href) ? href : NULL;
    writer->link_start = SIZE_MAX;
    writer->is_tag = class != NULL && strstr(class, "hashtag") != NULL;
    writer->is_mention = class != NULL && strstr(class, "mention") != NULL && !writer->is_tag;
}

static void break_lines(struct writer *writer, int lines)
{
    writer->breaks = writer->breaks > lines ? writer->breaks : lines;
    writer->has_space = false;
}

static void apply(struct writer *writer, const struct tag *tag)
{
    static const char *const blocks[] = {"p", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4",
        "h5", "h6", "table", "hr", "section", "article", "figure", "dl", NULL};
    static const char *const lines[] = {"div", "tr", "li", "dt", "dd", NULL};
    if (strcmp(tag->name, "br") == 0) {
        break_lines(writer, writer->breaks < 2 ? writer->breaks + 1 : 2);
    } else if (strcmp(tag->name, "a") == 0) {
        if (writer->href != NULL) {
            end_link(writer);
        }
        if (!tag->closes) {
            begin_link(writer, tag);
        }
    } else if (is_one_of(tag->name, blocks) && !writer->has_bullet) { // <li><p> is one line
        break_lines(writer, 2);
    } else if (is_one_of(tag->name, lines)) {
        break_lines(writer, 1);
    }
    if (strcmp(tag->name, "li") == 0) {
        writer->has_bullet = !tag->closes;
    }
    if (strcmp(tag->name, "pre") == 0) {
        writer->pre += tag->closes ? (writer->pre > 0 ? -1 : 0) : 1;
    }
}

// Reads the tag at `at`, which begins with "<". Returns its length, 0 where it is none; what never ends
// is the rest.
static size_t read_tag(const char *at, struct tag *out)
{
    const char *from = at + 1;
    *out = (struct tag){.closes = *from == '/'};
    from += out->closes;
    if (!is_letter(*from)) {
        return 0;
    }
    size_t length = 0;
    while (is_letter(from[length]) || (from[length] >= '0' && from[length] <= '9')) {
        if (length + 1 < NAME_MAX_BYTES) {
            out->name[length] = (char)(from[length] | 0x20);
        }
        length++;
    }
    out->attributes = from + length;
    const char *end = out->attributes;
    char quote = '\0';
    while (*end != '\0' && (quote != '\0' || *end != '>')) {
        bool opens = quote == '\0' && (*end == '"' || *end == '\'');
        quote = opens ? *end : *end == quote ? '\0' : quote;
        end++;
    }
    out->attributes_length = (size_t)(end - out->attributes);
    return (size_t)(end - at) + (*end == '>');
}

// Behind what is no text at all: a comment, or a script with everything in it.
static const char *skip_hidden(const char *at, const struct tag *tag)
{
    for (const char *end = strstr(at, "</"); end != NULL; end = strstr(end + 2, "</")) {
        if (strncasecmp(end + 2, tag->name, strlen(tag->name)) == 0) {
            const char *close = strchr(end, '>');
            return close != NULL ? close + 1 : at + strlen(at);
        }
    }
    return at + strlen(at);
}

const char *comments_html_text(struct shoal_arena *arena, const char *html)
{
    static const char *const hidden[] = {"script", "style", "title", "iframe", "noscript", "template",
        "object", "svg", "math", "textarea", "select", "head", NULL};
    struct writer writer = {.arena = arena};
    size_t bytes = strnlen(html, COMMENTS_HTML_MAX);
    while (bytes > 0 && ((unsigned char)html[bytes] & 0xc0) == 0x80) {
        bytes--; // not in the middle of a character
    }
    const char *at = html[bytes] == '\0' ? html : shoal_arena_strndup(arena, html, bytes);
    while (*at != '\0') {
        struct tag tag;
        size_t length = 0;
        if (*at == '<' && strncmp(at, "<!--", 4) == 0) {
            const char *end = strstr(at + 4, "-->");
            at = end != NULL ? end + 3 : at + strlen(at);
        } else if (*at == '<' && (length = read_tag(at, &tag)) > 0) {
            at += length;
            bool is_hidden = !tag.closes && is_one_of(tag.name, hidden);
            at = is_hidden ? skip_hidden(at, &tag) : at;
            if (!is_hidden) {
                apply(&writer, &tag);
            }
        } else if (*at == '&' && (length = put_entity(&writer, at)) > 0) {
            at += length;
        } else {
            put(&writer, at++, 1);
        }
    }
    if (writer.href != NULL) {
        end_link(&writer);
    }
    const char *text = shoal_arena_strdup(arena, writer.out.data != NULL ? writer.out.data : "");
    shoal_buf_fini(&writer.out);
    return text;
}
