// markdown.c - Markdown of users as clean HTML: the one place where it is made.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/error.h>
#include <shoal/pages.h>

#include <cmark.h>
#include <gumbo.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX  (128u << 10)
#define DEPTH_MAX 48

static const GumboTag allowed[] = {GUMBO_TAG_P, GUMBO_TAG_BR, GUMBO_TAG_A, GUMBO_TAG_STRONG,
    GUMBO_TAG_EM, GUMBO_TAG_UL, GUMBO_TAG_OL, GUMBO_TAG_LI, GUMBO_TAG_CODE, GUMBO_TAG_PRE,
    GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_H1, GUMBO_TAG_H2, GUMBO_TAG_H3, GUMBO_TAG_H4, GUMBO_TAG_H5,
    GUMBO_TAG_H6, GUMBO_TAG_HR};

static bool is_allowed(GumboTag tag)
{
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (allowed[i] == tag) {
            return true;
        }
    }
    return false;
}

static bool is_safe_link(const char *url)
{
    for (const char *at = url; *at; at++) {
        if ((unsigned char)*at < 0x20) {
            return false;
        }
    }
    return strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0 ||
           strncasecmp(url, "mailto:", 7) == 0 ||
           (url[0] == '/' && url[1] != '/' && url[1] != '\\');
}

static int open_link(struct shoal_buf *out, const char *url)
{
    int code = shoal_buf_puts(out, "<a href=\"");
    code = code < 0 ? code : shoal_html_escape(out, url);
    return code < 0 ? code : shoal_buf_puts(out, "\" rel=\"nofollow noopener noreferrer ugc\">");
}

/// How long the address is that text begins with, 0 where there is none.
static size_t address_length(const char *text)
{
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;
    size_t length = scheme > 0 ? strcspn(text, " \t\r\n<>\"'`{}|\\^") : 0;
    while (length > scheme && strchr(".,;:!?)]*_", text[length - 1])) {
        length--;
    }
    return length > scheme ? length : 0;
}

/// Text, in which bare addresses become links.
static int write_text(struct shoal_buf *out, const char *text, bool with_links)
{
    const char *at = with_links ? strstr(text, "http") : NULL;
    int code = 0;
    while (at && code == 0) {
        size_t length = address_length(at);
        bool starts = at == text || strchr(" \t\n([", at[-1]);
        if (length == 0 || !starts) {
            at = strstr(at + 1, "http");
            continue;
        }
        char *before = strndup(text, (size_t)(at - text));
        char *url = strndup(at, length);
        code = shoal_html_escape(out, before);
        code = code < 0 ? code : open_link(out, url);
        code = code < 0 ? code : shoal_html_escape(out, url);
        code = code < 0 ? code : shoal_buf_puts(out, "</a>");
        free(before);
        free(url);
        text = at + length;
        at = strstr(text, "http");
    }
    return code < 0 ? code : shoal_html_escape(out, text);
}

static int write_children(
    struct shoal_buf *out, const GumboVector *children, int depth, bool with_links);

static int write_element(
    struct shoal_buf *out, const GumboElement *element, int depth, bool with_links)
{
    const char *name = gumbo_normalized_tagname(element->tag);
    bool is_link = element->tag == GUMBO_TAG_A;
    const GumboAttribute *href = gumbo_get_attribute(&element->attributes, "href");
    bool writes_tag = is_allowed(element->tag) && (!is_link || (href && is_safe_link(href->value)));
    int code = 0;
    if (writes_tag && is_link) {
        code = open_link(out, href->value);
    } else if (writes_tag) {
        code = shoal_buf_printf(out, "<%s>", name);
    }
    bool is_quiet = is_link || element->tag == GUMBO_TAG_CODE || element->tag == GUMBO_TAG_PRE;
    code = code < 0 ? code
                    : write_children(out, &element->children, depth + 1, with_links && !is_quiet);
    bool is_empty = element->tag == GUMBO_TAG_BR || element->tag == GUMBO_TAG_HR;
    if (code == 0 && writes_tag && !is_empty) {
        code = shoal_buf_printf(out, "</%s>", name);
    }
    return code;
}

static int write_children(
    struct shoal_buf *out, const GumboVector *children, int depth, bool with_links)
{
    int code = 0;
    for (unsigned i = 0; depth < DEPTH_MAX && i < children->length && code == 0; i++) {
        const GumboNode *node = children->data[i];
        switch (node->type) {
        case GUMBO_NODE_ELEMENT: {
            GumboTag tag = node->v.element.tag;
            bool is_dropped = tag == GUMBO_TAG_SCRIPT || tag == GUMBO_TAG_STYLE;
            code = is_dropped ? 0 : write_element(out, &node->v.element, depth, with_links);
            break;
        }
        case GUMBO_NODE_TEXT:
        case GUMBO_NODE_WHITESPACE:
        case GUMBO_NODE_CDATA:
            code = write_text(out, node->v.text.text, with_links);
            break;
        default:
            break;
        }
    }
    return code;
}

static int clean(struct shoal_buf *out, const char *html)
{
    GumboOptions options = kGumboDefaultOptions;
    options.fragment_context = GUMBO_TAG_DIV;
    options.max_errors = 0;
    GumboOutput *tree = gumbo_parse_with_options(&options, html, strlen(html));
    if (!tree) {
        return SHOAL_EINTERNAL;
    }
    int code = write_children(out, &tree->root->v.element.children, 0, true);
    gumbo_destroy_output(&options, tree);
    return code;
}

/// How deep the document is nested: the parsers below are recursive.
static int depth_of(cmark_node *document)
{
    cmark_iter *iter = cmark_iter_new(document);
    int depth = 0;
    int most = 0;
    for (cmark_event_type event; (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE;) {
        bool is_container = cmark_node_first_child(cmark_iter_get_node(iter)) != NULL;
        depth += is_container ? (event == CMARK_EVENT_ENTER ? 1 : -1) : 0;
        most = depth > most ? depth : most;
    }
    cmark_iter_free(iter);
    return most;
}

int shoal_markdown(struct shoal_buf *out, const char *text)
{
    size_t length = strlen(text);
    if (length > TEXT_MAX) {
        return SHOAL_ETOOLARGE;
    }
    int options = CMARK_OPT_HARDBREAKS | CMARK_OPT_VALIDATE_UTF8;
    cmark_node *document = cmark_parse_document(text, length, options);
    if (!document) {
        return SHOAL_EINTERNAL;
    }
    int code = 0;
    if (depth_of(document) > DEPTH_MAX) {
        code = shoal_buf_puts(out, "<p>");
        code = code < 0 ? code : shoal_html_escape(out, text);
        code = code < 0 ? code : shoal_buf_puts(out, "</p>");
    } else {
        char *html = cmark_render_html(document, options);
        code = clean(out, html);
        free(html);
    }
    cmark_node_free(document);
    return code;
}
