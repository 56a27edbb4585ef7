// comments_shape.c - the text of a Note of another server, whichever of the many shapes it has.
//
// PeerTube sends Markdown, everybody else HTML; in one language or in several; with a warning before it, and
// with pictures that stand beside the text. What somebody says is all of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include "comments.h"

#define ATTACHMENTS_MAX 8
#define NAME_MAX_BYTES  200
#define LINK_MAX_BYTES  2000

bool comments_is_link(const char *url)
{
    return url != NULL && strlen(url) <= LINK_MAX_BYTES &&
           (strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0) &&
           strpbrk(url, " \t\r\n<>()[]\"'\\`") == NULL;
}

// Of several languages the first.
static const char *content_of(const json_t *note)
{
    const char *content = shoal_text(note, "content", NULL), *language = NULL;
    json_t *other = NULL;
    json_t *map = json_object_get(note, "contentMap");
    json_object_foreach(map, language, other)
    {
        content = content == NULL || *content == '\0' ? json_string_value(other) : content;
    }
    return content;
}

// A name as text of a link: one line, without what would end it.
static void add_name(struct shoal_buf *out, const char *name)
{
    size_t length = strlen(name);
    for (length = length > NAME_MAX_BYTES ? NAME_MAX_BYTES : length;
         length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80; length--) {
    }
    for (size_t i = 0; i < length; i++) {
        const char *pair = strchr("[]\\", name[i]) != NULL ? "\\" : "";
        shoal_buf_puts(out, pair);
        shoal_buf_add(out, (unsigned char)name[i] < ' ' ? " " : name + i, 1);
    }
}

static const char *url_of(const json_t *attachment)
{
    const json_t *url = json_object_get(attachment, "url");
    url = json_is_array(url) ? json_array_get(url, 0) : url;
    const char *text = json_string_value(url);
    return text != NULL ? text : shoal_text(json_is_object(url) ? url : attachment, "href", NULL);
}

static void add_attachment(struct shoal_buf *out, const json_t *attachment)
{
    const char *url = url_of(attachment);
    if (!comments_is_link(url)) {
        return;
    }
    const char *name = shoal_text(attachment, "name", "");
    const char *file = strrchr(url, '/');
    shoal_buf_puts(out, out->length > 0 ? "\n\n[" : "[");
    add_name(out, name[0] != '\0' ? name : file[1] != '\0' ? file + 1 : url);
    shoal_buf_printf(out, "](%s)", url);
}

// The page that people read, where it is of the same server as the id; else the id.
static const char *origin_of(const json_t *note)
{
    const char *id = shoal_text(note, "id", ""), *url = shoal_text(note, "url", NULL);
    const char *host = strstr(id, "://");
    size_t length = host != NULL ? (size_t)(host + 3 - id) + strcspn(host + 3, "/?#") : 0;
    return url != NULL && length > 0 && strncmp(url, id, length) == 0 && url[length] == '/' ? url : id;
}

static void add_part(struct shoal_buf *out, const char *text)
{
    text += strspn(text, " \t\r\n");
    if (*text != '\0') {
        shoal_buf_printf(out, "%s%s", out->length > 0 ? "\n\n" : "", text);
    }
    while (out->length > 0 && strchr(" \t\r\n", out->data[out->length - 1]) != NULL) {
        out->data[--out->length] = '\0';
    }
}

const char *comments_shape_text(struct shoal_arena *arena, const json_t *note)
{
    struct shoal_buf out = {0};
    const char *type = shoal_text(note, "mediaType", "text/html"), *content = content_of(note);
    bool is_text = strcmp(type, "text/markdown") == 0 || strcmp(type, "text/plain") == 0;
    bool is_part = content != NULL && !is_text && strlen(content) > COMMENTS_HTML_MAX;
    const json_t *list = json_object_get(note, "attachment");
    size_t count = json_is_array(list) ? json_array_size(list) : list != NULL;
    add_part(&out, comments_html_text(arena, shoal_text(note, "summary", "")));
    if (content != NULL) {
        add_part(&out, is_text ? content : comments_html_text(arena, content));
    }
    for (size_t i = 0; i < count && i < ATTACHMENTS_MAX; i++) {
        add_attachment(&out, json_is_array(list) ? json_array_get(list, i) : list);
    }
    const char *text = comments_text_cut(arena, out.data != NULL ? out.data : "", origin_of(note), is_part);
    shoal_buf_fini(&out);
    return text;
}
