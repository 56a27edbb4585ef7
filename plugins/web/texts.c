// texts.c - the words of the pages: keys, arguments, plurals, and calls by their names.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "texts.h"
#include "plurals.h"
#include "texts_priv.h"

#include <stdlib.h>
#include <string.h>

#define KEY_MAX 200

struct texts *texts_new(const char *locale, json_t *tree)
{
    struct texts *texts = calloc(1, sizeof *texts);
    if (texts == NULL || (texts->locale = strdup(locale)) == NULL) {
        abort();
    }
    texts->tree = json_incref(tree);
    return texts;
}

void texts_free(struct texts *texts)
{
    if (texts == NULL) {
        return;
    }
    json_decref(texts->tree);
    free(texts->locale);
    free(texts);
}

void texts_merge(json_t *base, const json_t *over)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)over, key, value)
    {
        json_t *old = json_object_get(base, key);
        if (json_is_object(value) && json_is_object(old)) {
            texts_merge(old, value);
        } else {
            json_object_set_new(base, key, json_deep_copy(value));
        }
    }
}

const json_t *texts_find(const struct texts *texts, const char *key)
{
    const json_t *value = texts->tree;
    while (value != NULL) {
        size_t length = strcspn(key, ".");
        value = json_object_getn(value, key, length);
        if (key[length] == '\0') {
            return value;
        }
        key += length + 1;
    }
    return NULL;
}

const char *texts_string(const struct texts *texts, const char *key, const char *otherwise)
{
    const char *text = json_string_value(texts_find(texts, key));
    return text != NULL ? text : otherwise;
}

// --- {{t:…}}

static const struct mustache_arg *named(
    const struct mustache_call *call, const char *name, size_t length)
{
    for (size_t i = 0; i < call->count; i++) {
        const char *own = call->args[i].name;
        if (own != NULL && strlen(own) == length && memcmp(own, name, length) == 0) {
            return &call->args[i];
        }
    }
    return NULL;
}

double texts_number(const json_t *value)
{
    if (json_is_string(value)) {
        return strtod(json_string_value(value), NULL);
    }
    return json_is_number(value) ? json_number_value(value) : 0;
}

// Writes a text with each {name} replaced; braces that name no argument stay.
static void put_text(const struct texts *texts, const char *text, const struct mustache_call *call,
    struct mustache_buffer *out)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "{");
        mustache_put(out, text, plain);
        text += plain;
        size_t name = strcspn(text, "}");
        if (*text == '\0') {
            return;
        }
        const struct mustache_arg *arg = text[name] == '}' ? named(call, text + 1, name - 1) : NULL;
        if (arg == NULL) {
            mustache_put(out, text++, 1);
            continue;
        }
        if (json_is_number(arg->value)) {
            texts_put_number(texts, json_number_value(arg->value), 0, out);
        } else {
            mustache_put_json(out, arg->value);
        }
        text += name + 1;
    }
}

// A text may be an object of plural forms; a form named by the number itself goes first.
static const char *choose_form(
    const struct texts *texts, const json_t *text, const struct mustache_call *call)
{
    if (!json_is_object(text)) {
        return json_string_value(text);
    }
    const struct mustache_arg *count = named(call, "count", 5);
    double number = count != NULL ? texts_number(count->value) : 0;
    struct mustache_buffer exact = {.limit = 40};
    mustache_put_json(&exact, count != NULL ? count->value : NULL);
    const json_t *form = exact.data != NULL ? json_object_get(text, exact.data) : NULL;
    mustache_buffer_fini(&exact);
    if (form == NULL) {
        form = json_object_get(text, plural_category(texts->locale, number));
    }
    if (form == NULL) {
        form = json_object_get(text, "other");
    }
    return json_string_value(form);
}

void texts_put(const struct texts *texts, const char *key, const struct mustache_call *call,
    struct mustache_buffer *out)
{
    const char *text = choose_form(texts, texts_find(texts, key), call);
    const struct mustache_arg *otherwise = named(call, "else", 4);
    if (text != NULL) {
        put_text(texts, text, call, out);
    } else if (otherwise != NULL) {
        mustache_put_json(out, otherwise->value);
    } else {
        mustache_puts(out, key);
    }
}

// KEY, then the values of the other arguments without a name: state + 2 = state.2
static int call_t(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    struct mustache_buffer key = {.limit = KEY_MAX};
    for (size_t i = 0; i < call->count; i++) {
        const struct mustache_arg *arg = &call->args[i];
        if (arg->name != NULL) {
            continue;
        }
        if (key.length == 0) {
            mustache_puts(&key, arg->word);
        } else {
            mustache_put(&key, ".", 1);
            mustache_put_json(&key, arg->value);
        }
    }
    bool fine = key.length > 0;
    if (fine) {
        texts_put(view->texts, key.data, call, out);
    }
    mustache_buffer_fini(&key);
    return fine ? 0 : -1;
}

// --- JSON and URLs

// JSON in which no <, > or & is left, so that nothing in it can end a script element.
static void put_json(const json_t *value, struct mustache_buffer *out)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    const char *rest = text != NULL ? text : "null";
    while (*rest != '\0') {
        size_t plain = strcspn(rest, "<>&\xe2");
        mustache_put(out, rest, plain);
        rest += plain;
        if (strncmp(rest, "\xe2\x80\xa8", 3) == 0 || strncmp(rest, "\xe2\x80\xa9", 3) == 0) {
            mustache_puts(out, rest[2] == '\xa8' ? "\\u2028" : "\\u2029");
            rest += 3;
        } else if (*rest == '\xe2') {
            mustache_put(out, rest++, 1);
        } else if (*rest != '\0') {
            mustache_puts(out, *rest == '<' ? "\\u003c" : *rest == '>' ? "\\u003e" : "\\u0026");
            rest++;
        }
    }
    free(text);
}

static int call_json(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    (void)view;
    put_json(call->args[0].value, out);
    return 0;
}

static int call_texts(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    put_json(texts_find(view->texts, call->args[0].word), out);
    return 0;
}

static int call_url(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    (void)view;
    static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char hex[] = "0123456789ABCDEF";
    struct mustache_buffer text = {.limit = out->limit};
    mustache_put_json(&text, call->args[0].value);
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c != '\0' && strchr(kept, c) != NULL) {
            mustache_put(out, (const char *)&c, 1);
        } else {
            const char code[3] = {'%', hex[c >> 4], hex[c & 15]};
            mustache_put(out, code, 3);
        }
    }
    mustache_buffer_fini(&text);
    return 0;
}

static int call_excerpt(
    const struct texts_view *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    (void)view;
    double most = call->count > 1 ? texts_number(call->args[1].value) : 200;
    const char *text = json_string_value(call->args[0].value);
    const char *word = text != NULL ? text : "";
    double shown = 0;
    for (word += strspn(word, " \t\r\n"); *word != '\0'; word += strspn(word, " \t\r\n")) {
        size_t length = strcspn(word, " \t\r\n");
        size_t letters = 0;
        for (size_t i = 0; i < length; i++) {
            letters += (word[i] & 0xc0) != 0x80;
        }
        if (shown + (double)letters > most) {
            mustache_puts(out, "…");
            break;
        }
        if (shown > 0) {
            mustache_put(out, " ", 1);
        }
        mustache_put(out, word, length);
        shown += (double)letters + 1;
        word += length;
    }
    return 0;
}

// --- all of them by name

static const struct {
    const char *name;
    texts_fn fn;
} calls[] = {
    {"t", call_t},
    {"texts", call_texts},
    {"json", call_json},
    {"url", call_url},
    {"excerpt", call_excerpt},
    {"number", texts_call_number},
    {"short", texts_call_short},
    {"bytes", texts_call_bytes},
    {"duration", texts_call_duration},
    {"period", texts_call_period},
    {"date", texts_call_date},
    {"ago", texts_call_ago},
    {"in", texts_call_in},
};

int texts_call(void *view, const struct mustache_call *call, struct mustache_buffer *out)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (strcmp(calls[i].name, call->name) == 0) {
            return call->count > 0 ? calls[i].fn(view, call, out) : -1;
        }
    }
    return 1;
}
