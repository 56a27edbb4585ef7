// held.c - what waits for a moderator: listed and answered, by an API and on a page.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include <paging.h>

#include "held.h"

static bool is_staff(const struct shoal_viewer *viewer)
{
    return viewer->kind == SHOAL_VIEWER_USER && viewer->role <= SHOAL_ROLE_MODERATOR;
}

json_t *held_list(
    struct shoal_call *call, const char *hook, int64_t start, int64_t count, struct shoal_err *err)
{
    json_t *list = shoal_held_list(call, hook, (int)start, (int)count, err);
    size_t i;
    json_t *held;
    json_array_foreach(json_object_get(list, "data"), i, held)
    {
        held_show(call, held);
    }
    return list;
}

int held_answer(struct shoal_call *call, int64_t id, bool is_released, const char *at,
    const char *reason, struct shoal_err *err)
{
    json_t *held = shoal_held_get(call, id, err);
    if (held == NULL) {
        return err->code;
    }
    const char *hook = shoal_text(held, "hook", "");
    const char *subject = shoal_text(held, "subject", "");
    int code = at != NULL && strcmp(at, shoal_text(held, "at", "")) != 0
                   ? shoal_fail(err, SHOAL_ECONFLICT, "it has changed since you looked at it, and waits anew")
               : is_released ? shoal_release(call, hook, subject, reason, err)
                             : shoal_refuse_held(call, hook, subject, reason, err);
    json_decref(held);
    return code;
}

static int list_get(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    int64_t start = 0, count = 15;
    int code = paging_read(request, HELD_COUNT_MAX, &start, &count, err);
    json_t *list = code == 0 ? held_list(call, shoal_request_query(request, "hook"), start, count, err)
                             : NULL;
    return list != NULL ? shoal_answer_json(request, 200, list) : err->code;
}

static int number_read(struct shoal_request *request, int64_t *out, struct shoal_err *err)
{
    const char *text = shoal_request_param(request, "id");
    char *end = NULL;
    *out = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *out > 0
               ? 0
               : shoal_fail_field(err, "id", "the number of a held thing is 1 or more");
}

static size_t characters_of(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

/// A text of the body that may be absent or empty; NULL then.
static int text_read(const json_t *body, const char *name, const char **out, struct shoal_err *err)
{
    const json_t *value = json_object_get(body, name);
    const char *text = json_string_value(value);
    if (value != NULL && !json_is_null(value) && (text == NULL || characters_of(text) > HELD_REASON_MAX)) {
        return shoal_fail_field(err, name, "%s is a text of at most %d characters", name, HELD_REASON_MAX);
    }
    *out = text != NULL && *text != '\0' ? text : NULL;
    return 0;
}

/// arg: "release" or "refuse".
static int answer_post(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    int64_t id = 0;
    const char *at = NULL, *reason = NULL;
    const json_t *body = shoal_request_body(request, err);
    int code = body != NULL ? number_read(request, &id, err) : err->code;
    code = code != 0 ? code : text_read(body, "at", &at, err);
    code = code != 0 ? code : text_read(body, "reason", &reason, err);
    bool is_released = strcmp(arg, "release") == 0;
    code = code != 0 ? code : held_answer(call, id, is_released, at, reason, err);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

// Every page of a moderator says how much waits.
static int page_data(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)arg;
    json_t *list = is_staff(shoal_call_viewer(call)) ? shoal_held_list(call, NULL, 0, 0, err) : NULL;
    if (list != NULL) {
        json_int_t total = shoal_integer(list, "total", 0);
        shoal_json_set(*value, "data.waiting", json_pack("{s:b, s:I}", "any", total > 0, "count", total));
    }
    json_decref(list);
    return 0;
}

static const struct shoal_route routes[] = {
    {.method = "GET", .path = "/api/v1/held", .handler = list_get},
    {.method = "POST",
        .path = "/api/v1/held/{id}/release",
        .handler = answer_post,
        .arg = (void *)"release",
        .body = SHOAL_BODY_DATA,
        .body_max_bytes = 4096,
        .rate = SHOAL_RATE_WRITE},
    {.method = "POST",
        .path = "/api/v1/held/{id}/refuse",
        .handler = answer_post,
        .arg = (void *)"refuse",
        .body = SHOAL_BODY_DATA,
        .body_max_bytes = 4096,
        .rate = SHOAL_RATE_WRITE},
};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        struct shoal_route route = routes[i];
        route.auth = SHOAL_AUTH_MODERATOR;
        route.cors = true;
        code = shoal_route_add(self, &route, err);
    }
    if (code == 0 && shoal_filter(self, "page.data", page_data, NULL) != 0) {
        code = shoal_fail(err, SHOAL_EINTERNAL, "the pages' data cannot be heard");
    }
    return code != 0 ? code : held_cli_start(self, err);
}

SHOAL_PLUGIN(.name = "held", .start = start);
