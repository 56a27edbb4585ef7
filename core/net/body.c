// body.c - the body of a request as JSON.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/body_priv.h"

#include <shoal/json.h>

#include "net/multipart_priv.h"
#include "net/sink_priv.h"

static bool is_type(struct shoal_span type, const char *name)
{
    struct shoal_span bare = {0};
    return shoal_span_next(&type, ';', &bare) && shoal_span_like(bare, name);
}

static bool is_json(struct shoal_span type)
{
    struct shoal_span bare = {0};
    shoal_span_next(&type, ';', &bare);
    return shoal_span_like(bare, "application/json") ||
        (bare.length > 5 && strncasecmp(bare.at + bare.length - 5, "+json", 5) == 0);
}

static json_t *read_urlencoded(struct shoal_request *request, struct shoal_err *err)
{
    struct shoal_pairs pairs;
    struct shoal_span text = {request->body.data, request->body.length};
    if (shoal_query_parse(request->call.arena, text, SHOAL_FORM_MAX, &pairs, err)) {
        return NULL;
    }
    return shoal_form_to_json(pairs.items, pairs.count, false, err);
}

// A small multipart body that was kept in memory: fields alone.
static json_t *read_multipart(struct shoal_request *request, struct shoal_span type,
    struct shoal_err *err)
{
    struct shoal_fields fields = {.arena = request->call.arena};
    struct shoal_multipart *parser = shoal_arena_alloc(request->call.arena, sizeof *parser);
    int rc = shoal_multipart_init(parser, type, &shoal_field_ops, &fields, err);
    rc = rc ? rc : shoal_multipart_feed(parser, request->body.data, request->body.length, err);
    rc = rc ? rc : shoal_multipart_end(parser, err);
    json_t *json = rc ? NULL : shoal_form_to_json(fields.form.items, fields.form.count, true, err);
    shoal_fields_fini(&fields);
    return json;
}

static json_t *parse(struct shoal_request *request, struct shoal_err *err)
{
    const char *header = shoal_request_peek(request, "content-type");
    struct shoal_span type = shoal_span(header);
    if (request->body.length == 0) {
        return json_object();
    }
    if (!header || is_json(type)) {
        return shoal_json_parse(request->body.data, request->body.length, err);
    }
    if (is_type(type, "application/x-www-form-urlencoded")) {
        return read_urlencoded(request, err);
    }
    if (is_type(type, "multipart/form-data")) {
        return read_multipart(request, type, err);
    }
    shoal_fail(err, SHOAL_ETYPE, "a body of type %.80s is not understood here", header);
    return NULL;
}

json_t *shoal_request_body(struct shoal_request *request, struct shoal_err *err)
{
    if (!request->json) {
        request->json = parse(request, err);
    }
    return request->json;
}
