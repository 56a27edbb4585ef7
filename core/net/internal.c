// internal.c - requests that pages make in-process, without a socket.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "base/alloc.h"
#include "net/body_priv.h"
#include "net/request_priv.h"

static void free_internal(void *arg)
{
    struct shoal_request *request = arg;
    shoal_answer_drop(request);
    json_decref(request->json);
    shoal_buf_fini(&request->body);
    free(request);
}

static const char *cut_path(struct shoal_arena *arena, const char *path, const char **query)
{
    const char *mark = strchr(path, '?');
    *query = mark ? shoal_arena_strdup(arena, mark + 1) : "";
    return mark ? shoal_arena_strndup(arena, path, (size_t)(mark - path))
                : shoal_arena_strdup(arena, path);
}

static void inherit(struct shoal_request *request, const struct shoal_request *from)
{
    request->origin = from->origin;
    request->host = from->host;
    memcpy(request->address, from->address, sizeof request->address);
    memcpy(request->address_prefix, from->address_prefix, sizeof request->address_prefix);
    request->headers = from->headers;
    request->header_count = from->header_count;
    request->server = from->server;
    request->loop = from->loop;
}

static int match(struct shoal_call *call, struct shoal_request *request, struct shoal_err *err)
{
    struct shoal_router *router = shoal_router_current();
    struct shoal_match *found = shoal_arena_alloc(call->arena, sizeof *found);
    if (!router) {
        return shoal_fail(err, SHOAL_EINVAL, "there are no routes");
    }
    // JSON is what an in-process caller reads.
    enum shoal_matched result = shoal_router_match(router, shoal_span(request->method),
        shoal_span(request->path), shoal_span("application/json"), found);
    if (result == SHOAL_MATCHED_BAD_PATH) {
        return shoal_fail(err, SHOAL_EINVAL, "%s is not a path", request->path);
    }
    request->entry = found->entry;
    request->allow = found->allow[0] ? found->allow : NULL;
    request->mode = found->entry ? found->entry->route.body : SHOAL_BODY_NONE;
    for (size_t i = 0; found->entry && i < found->value_count; i++) {
        request->params[i].name = found->entry->names[i];
        request->params[i].value = found->text + found->values[i];
    }
    request->param_count = found->entry ? found->value_count : 0;
    return 0;
}

struct shoal_request *shoal_request_internal_new(struct shoal_call *call,
    const struct shoal_request *from, const char *method, const char *path, const json_t *body,
    struct shoal_err *err)
{
    if (!path || path[0] != '/' || strlen(path) > SHOAL_LINE_MAX) {
        shoal_fail(err, SHOAL_EINVAL, "an in-process path begins with a slash");
        return NULL;
    }
    struct shoal_request *request = shoal_alloc(1, sizeof *request);
    shoal_arena_defer(call->arena, free_internal, request);
    request->call.arena = call->arena; // borrowed: has_call stays false
    request->answer.file = request->reply.file = -1;
    request->is_internal = true;
    request->is_whole = true;
    request->host = "";
    if (from) {
        inherit(request, from);
    }
    request->method = shoal_arena_strdup(call->arena, method);
    request->path = cut_path(call->arena, path, &request->query_string);
    request->is_head = strcmp(method, "HEAD") == 0;
    if (body) {
        request->json = json_deep_copy(body);
        request->has_body = true;
    }
    return match(call, request, err) ? NULL : request;
}

int shoal_request_internal_take(struct shoal_request *request, json_t **answer)
{
    const struct shoal_answer *given = &request->answer;
    *answer = NULL;
    bool has_bytes = given->kind == SHOAL_ANSWER_BYTES && given->body && given->type;
    if (has_bytes && strstr(given->type, "json")) {
        *answer = json_loadb(given->body, given->length, JSON_DECODE_ANY, NULL);
    }
    return given->status;
}

bool shoal_request_is_private(const struct shoal_request *request)
{
    return request->answer.is_private;
}

void shoal_request_internal_uploads(struct shoal_request *request, struct shoal_request *from)
{
    request->uploads = from->uploads; // removed with the request that they came with
    request->owns_uploads = false;
}
