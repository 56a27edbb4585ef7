// mustache_render.c - pours JSON into compiled templates.
// SPDX-License-Identifier: MIT
//
// Everything that rendering builds up (contexts, indentation, overridden blocks) is a list of
// frames on the C stack, so a template and its data are never written to. Depth and steps are
// bounded: a template that includes itself ends in an error, not in a crash.
#include "mustache_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_BYTES ((size_t)8 * 1024 * 1024)
#define DEFAULT_STEPS ((size_t)2 * 1000 * 1000)
#define ASK_BYTES     ((size_t)1024 * 1024) // of what one call may answer
#define ASK_DEPTH_MAX 4

struct context {
    const json_t *value;
    const struct context *outer;
};

struct indent {
    const char *text;
    size_t length;
    const struct indent *outer;
};

// The blocks that stand inside one {{<parent}} tag.
struct override {
    const struct mustache *template;
    size_t parent;
    const struct override *outer;
};

struct render {
    const struct mustache_options *options;
    struct mustache_buffer *out;
    struct mustache_error *error;
    size_t max_length;
    size_t steps;
    unsigned depth;
    bool failed;
};

// Where in the nest of templates the renderer stands.
struct place {
    const struct mustache *template;
    const struct context *context;
    const struct indent *indent;
    const struct override *overrides;
};

static void run(struct render *render, const struct place *place, size_t from, size_t to);

static void fail(struct render *render, const struct place *place, const struct mustache_node *node,
    const char *what, const char *name)
{
    if (render->failed) {
        return;
    }
    render->failed = true;
    if (render->error == NULL) {
        return;
    }
    render->error->line = node->line;
    snprintf(render->error->text, sizeof render->error->text, "%.100s:%u: %s%.80s",
        place->template->name, node->line, what, name);
}

// --- looking things up

static const json_t *member(const json_t *value, const char *name)
{
    if (json_is_object(value)) {
        return json_object_get(value, name);
    }
    if (json_is_array(value) && *name >= '0' && *name <= '9') {
        return json_array_get(value, strtoul(name, NULL, 10));
    }
    return NULL;
}

static const json_t *look_up(
    const struct render *render, const struct context *context, const struct mustache_path *path)
{
    if (path->count == 0) {
        return context->value;
    }
    const char *part = path->parts;
    const json_t *value = member(context->value, part);
    if (!path->here) {
        while (value == NULL && context->outer != NULL) {
            context = context->outer;
            value = member(context->value, part);
        }
        if (value == NULL) {
            value = member(render->options->shared, part);
        }
    }
    for (unsigned i = 1; i < path->count && value != NULL; i++) {
        part += strlen(part) + 1;
        value = member(value, part);
    }
    return value;
}

static bool is_true(const json_t *value)
{
    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_TRUE:
    case JSON_OBJECT:
        return true;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_INTEGER:
        return json_integer_value(value) != 0;
    case JSON_REAL:
        return json_real_value(value) != 0 && !isnan(json_real_value(value));
    default:
        return false;
    }
}

// --- calls

static bool answer(struct render *render, const struct place *place,
    const struct mustache_node *node, const struct mustache_ask *ask, struct mustache_buffer *out,
    unsigned depth)
{
    struct mustache_arg args[MUSTACHE_ARGS_MAX];
    json_t *made[MUSTACHE_ARGS_MAX] = {NULL};
    bool fine = depth < ASK_DEPTH_MAX;
    for (size_t i = 0; fine && i < ask->count; i++) {
        const struct mustache_value *value = &ask->args[i];
        args[i] = (struct mustache_arg){.name = value->name, .word = value->word};
        if (value->by == MUSTACHE_BY_PATH) {
            args[i].value = look_up(render, place->context, &value->path);
        } else if (value->by == MUSTACHE_BY_WORD) {
            args[i].value = made[i] = json_string_nocheck(value->word);
        } else {
            struct mustache_buffer inner = {.limit = ASK_BYTES};
            fine = answer(render, place, node, value->ask, &inner, depth + 1);
            args[i].value = made[i] =
                json_stringn_nocheck(inner.data != NULL ? inner.data : "", inner.length);
            mustache_buffer_fini(&inner);
        }
    }
    if (!fine) {
        fail(render, place, node, "calls stand too deep in calls", "");
    } else {
        const struct mustache_call call = {.name = ask->name, .count = ask->count, .args = args};
        const struct mustache_options *options = render->options;
        int result = options->call != NULL ? options->call(options->self, &call, out) : 1;
        fine = result == 0 && !out->full;
        if (result > 0) {
            fail(render, place, node, "nothing answers the call ", ask->name);
        } else if (!fine) {
            fail(render, place, node, "no answer from the call ", ask->name);
        }
    }
    for (size_t i = 0; i < ask->count; i++) {
        json_decref(made[i]);
    }
    return fine;
}

static void show(struct render *render, const struct place *place, const struct mustache_node *node)
{
    bool escapes = node->kind == MUSTACHE_VARIABLE;
    if (node->value.by == MUSTACHE_BY_PATH) {
        const json_t *value = look_up(render, place->context, &node->value.path);
        if (json_is_string(value) && escapes) {
            mustache_put_escaped(render->out, json_string_value(value), json_string_length(value));
        } else {
            mustache_put_json(render->out, value);
        }
        return;
    }
    struct mustache_buffer text = {.limit = ASK_BYTES};
    if (answer(render, place, node, node->value.ask, &text, 0) && text.length > 0) {
        (escapes ? mustache_put_escaped : mustache_put)(render->out, text.data, text.length);
    }
    mustache_buffer_fini(&text);
}

// --- sections

static bool reads_the_same(const json_t *left, const json_t *right)
{
    struct mustache_buffer a = {0};
    struct mustache_buffer b = {0};
    mustache_put_json(&a, left);
    mustache_put_json(&b, right);
    bool same = a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
    mustache_buffer_fini(&a);
    mustache_buffer_fini(&b);
    return same;
}

static bool compare(
    struct render *render, const struct place *place, const struct mustache_node *node)
{
    const json_t *left = look_up(render, place->context, &node->value.path);
    if (node->equals->by == MUSTACHE_BY_PATH) {
        return reads_the_same(left, look_up(render, place->context, &node->equals->path));
    }
    json_t *right = json_string_nocheck(node->equals->word);
    bool same = reads_the_same(left, right);
    json_decref(right);
    return same;
}

static void run_within(
    struct render *render, const struct place *place, size_t index, const json_t *value)
{
    const struct context context = {.value = value, .outer = place->context};
    struct place inside = *place;
    inside.context = &context;
    run(render, &inside, index + 1, place->template->nodes[index].end);
}

static void run_section(struct render *render, const struct place *place, size_t index)
{
    const struct mustache_node *node = &place->template->nodes[index];
    bool wanted = node->kind == MUSTACHE_SECTION;
    if (node->equals != NULL) {
        if (compare(render, place, node) == wanted) {
            run(render, place, index + 1, node->end);
        }
        return;
    }
    const json_t *value = look_up(render, place->context, &node->value.path);
    if (is_true(value) != wanted) {
        return;
    }
    if (!wanted || json_is_true(value)) {
        run(render, place, index + 1, node->end);
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value) && !render->failed; i++) {
            run_within(render, place, index, json_array_get(value, i));
        }
    } else {
        run_within(render, place, index, value);
    }
}

// --- partials, parents and blocks

static void put_indent(struct render *render, const struct indent *indent)
{
    if (indent != NULL) {
        put_indent(render, indent->outer);
        mustache_put(render->out, indent->text, indent->length);
    }
}

static const struct mustache *find_template(
    struct render *render, const struct place *place, const struct mustache_node *node)
{
    const struct mustache_options *options = render->options;
    const char *name = node->value.word;
    if (node->value.by == MUSTACHE_BY_PATH) {
        name = json_string_value(look_up(render, place->context, &node->value.path));
    }
    return name != NULL && options->partial != NULL ? options->partial(options->self, name) : NULL;
}

static void run_partial(struct render *render, const struct place *place, size_t index)
{
    const struct mustache_node *node = &place->template->nodes[index];
    const struct mustache *template = find_template(render, place, node);
    if (template == NULL) {
        return;
    }
    const struct indent indent = {node->indent, node->indent_length, place->indent};
    const struct override override = {place->template, index, place->overrides};
    struct place inside = {.template = template,
        .context = place->context,
        .indent = node->indent != NULL ? &indent : NULL,
        .overrides = node->kind == MUSTACHE_PARENT ? &override : place->overrides};
    run(render, &inside, 0, template->count);
}

// The outermost block of that name: the most derived template has the last word.
static const struct override *find_override(
    const struct override *overrides, const char *name, size_t *index)
{
    const struct override *found = NULL;
    for (; overrides != NULL; overrides = overrides->outer) {
        const struct mustache_node *nodes = overrides->template->nodes;
        for (size_t i = overrides->parent + 1; i < nodes[overrides->parent].end; i++) {
            if (nodes[i].kind == MUSTACHE_BLOCK && strcmp(nodes[i].value.word, name) == 0) {
                found = overrides;
                *index = i;
            }
            if (nodes[i].kind != MUSTACHE_TEXT && nodes[i].end > i) {
                i = nodes[i].end;
            }
        }
    }
    return found;
}

static void run_block(struct render *render, const struct place *place, size_t index)
{
    const struct mustache_node *node = &place->template->nodes[index];
    size_t at = 0;
    const struct override *override = NULL;
    if (node->value.word != NULL) {
        override = find_override(place->overrides, node->value.word, &at);
    }
    if (override == NULL) {
        run(render, place, index + 1, node->end);
        return;
    }
    const struct mustache_node *block = &override->template->nodes[at];
    const struct indent indent = {node->indent, node->indent_length, place->indent};
    struct place inside = *place;
    inside.template = override->template;
    if (node->own_line) {
        inside.indent = &indent;
        if (!block->starts_line) {
            put_indent(render, &indent);
        }
    }
    run(render, &inside, at + 1, block->end);
}

// --- the walk

static void put_text(
    struct render *render, const struct place *place, const struct mustache_node *node)
{
    bool is_empty_line = node->length > 0 && (*node->text == '\n' || *node->text == '\r');
    if (node->starts_line && place->indent != NULL && !is_empty_line) {
        put_indent(render, place->indent);
    }
    mustache_put(render->out, node->text, node->length);
}

static bool goes_on(
    struct render *render, const struct place *place, const struct mustache_node *node)
{
    if (render->steps == 0) {
        fail(render, place, node, "the page takes too many steps", "");
    } else if (render->out->length > render->max_length || render->out->full) {
        fail(render, place, node, "the page grows too large", "");
    } else {
        render->steps--;
    }
    return !render->failed;
}

static void run(struct render *render, const struct place *place, size_t from, size_t to)
{
    if (render->depth == MUSTACHE_DEPTH_MAX) {
        fail(render, place, &place->template->nodes[from > 0 ? from - 1 : 0],
            "templates include each other too deeply", "");
        return;
    }
    render->depth++;
    for (size_t i = from; i < to; i++) {
        const struct mustache_node *node = &place->template->nodes[i];
        if (!goes_on(render, place, node)) {
            break;
        }
        switch (node->kind) {
        case MUSTACHE_TEXT:
            put_text(render, place, node);
            break;
        case MUSTACHE_VARIABLE:
        case MUSTACHE_RAW:
            show(render, place, node);
            break;
        case MUSTACHE_SECTION:
        case MUSTACHE_INVERTED:
            run_section(render, place, i);
            i = node->end;
            break;
        case MUSTACHE_PARTIAL:
            run_partial(render, place, i);
            break;
        case MUSTACHE_PARENT:
            run_partial(render, place, i);
            i = node->end;
            break;
        case MUSTACHE_BLOCK:
            run_block(render, place, i);
            i = node->end;
            break;
        case MUSTACHE_CLOSE:
            break;
        }
    }
    render->depth--;
}

int mustache_render(const struct mustache *template, const json_t *data,
    const struct mustache_options *options, struct mustache_buffer *out,
    struct mustache_error *error)
{
    static const struct mustache_options none = {0};
    options = options != NULL ? options : &none;
    size_t max_bytes = options->max_bytes > 0 ? options->max_bytes : DEFAULT_BYTES;
    struct render render = {.options = options,
        .out = out,
        .error = error,
        .max_length = out->length + max_bytes,
        .steps = options->max_steps > 0 ? options->max_steps : DEFAULT_STEPS};
    const struct context context = {.value = data};
    const struct place place = {.template = template, .context = &context};
    run(&render, &place, 0, template->count);
    if (!render.failed && (out->full || out->length > render.max_length)) {
        fail(
            &render, &place, &template->nodes[template->count - 1], "the page grows too large", "");
    }
    return render.failed ? -1 : 0;
}
