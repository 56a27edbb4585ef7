// mustache_fuzz.c - feeds templates that nobody would write to the parser and the renderer.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "texts.h"

#include <stdint.h>
#include <string.h>

static const char data_json[] =
    "{\"a\":{\"b\":{\"c\":\"<x>\"},\"n\":3},\"l\":[1,{\"b\":2},[]],\"s\":\"t\","
    "\"views\":{\"one\":\"{count}\",\"other\":\"{n} {\"},\"z\":0}";

// Every partial is the template itself.
static const struct mustache *find_partial(void *self, const char *name)
{
    (void)name;
    return *(const struct mustache **)self;
}

struct call_self {
    const struct mustache *template; // first, for find_partial
    struct texts_view view;
};

static int answer(void *self, const struct mustache_call *call, struct mustache_buffer *out)
{
    return texts_call(&((struct call_self *)self)->view, call, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct mustache_error error;
    struct mustache *template = mustache_parse("fuzz", (const char *)input, size, &error);
    if (template == NULL) {
        return 0;
    }
    json_t *data = json_loads(data_json, 0, NULL);
    struct texts *texts = texts_new("fr", data);
    struct call_self self = {.template = template, .view = {.texts = texts, .now_ms = 1}};
    const struct mustache_options options = {.self = &self,
        .partial = find_partial,
        .call = answer,
        .max_bytes = 64 * 1024,
        .max_steps = 5000};
    struct mustache_buffer out = {0};
    mustache_render(template, data, &options, &out, &error);
    mustache_buffer_fini(&out);
    texts_free(texts);
    json_decref(data);
    mustache_free(template);
    return 0;
}
