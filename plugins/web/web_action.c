// web_action.c - a form becomes a call of the API, and its answer a redirect or the page again.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "web_priv.h"

#define TAGS_MAX 20

/// "a, b,c" as ["a", "b", "c"].
static json_t *split_list(const char *text)
{
    json_t *list = json_array();
    while (*text && json_array_size(list) < TAGS_MAX) {
        size_t length = strcspn(text, ",");
        const char *start = text;
        size_t size = length;
        while (size > 0 && (*start == ' ' || *start == '\n' || *start == '\r')) {
            start++;
            size--;
        }
        while (size > 0 && (start[size - 1] == ' ' || start[size - 1] == '\n' || start[size - 1] == '\r')) {
            size--;
        }
        if (size > 0) {
            json_array_append_new(list, json_stringn(start, size));
        }
        text += length + (text[length] == ',' ? 1 : 0);
    }
    return list;
}

/// A whole number where the text is one; otherwise the text itself, which the API then names as wrong.
static json_t *integer_or_text(const char *text)
{
    char *end = NULL;
    long long number = strtoll(text, &end, 10);
    return end != text && *end == '\0' ? json_integer(number) : json_string(text);
}

/// A form's text as the type that theme.json says.
static json_t *typed(const char *type, const char *text)
{
    bool is_null = *text == '\0' || strcmp(text, "null") == 0;
    if (strstr(type, "nullable") && is_null) {
        return json_null();
    }
    if (strstr(type, "integer")) {
        return integer_or_text(text);
    }
    if (strcmp(type, "boolean") == 0) {
        return json_boolean(strcmp(text, "true") == 0 || strcmp(text, "on") == 0);
    }
    if (strcmp(type, "list") == 0) {
        return split_list(text);
    }
    return json_string(text);
}

/// The body of the API call from the form's fields; an unticked box is not sent and means false.
static json_t *make_body(const json_t *action, json_t *form)
{
    if (!shoal_get(action, "call.fields")) {
        json_t *whole = json_copy(form);
        json_object_del(whole, "csrf");
        return whole;
    }
    json_t *body = json_object();
    const char *name;
    const json_t *type;
    json_object_foreach(shoal_get(action, "call.fields"), name, type)
    {
        if (json_is_object(type)) {
            json_object_set(body, name, json_object_get(type, "value"));
            continue;
        }
        const char *word = json_is_string(type) ? json_string_value(type) : "string";
        const json_t *value = json_object_get(form, name);
        if (json_is_string(value)) {
            json_object_set_new(body, name, typed(word, json_string_value(value)));
        } else if (strcmp(word, "boolean") == 0) {
            json_object_set_new(body, name, json_boolean(json_is_true(value)));
        } else if (value) {
            json_object_set(body, name, (json_t *)value);
        }
    }
    return body;
}

/// What templates read under "errors": {code, message, fields: {name: {msg}}, needs_otp}.
static json_t *make_errors(const json_t *answer)
{
    json_t *errors = json_object();
    const char *code = shoal_text(answer, "code", "");
    json_object_set_new(errors, "code", json_string(code));
    json_t *fields = json_object_get(answer, "invalid-params");
    json_t *first = json_object_iter_value(json_object_iter(fields));
    json_object_set_new(
        errors, "message", json_string(shoal_text(first, "msg", shoal_text(answer, "detail", ""))));
    if (fields) {
        json_object_set(errors, "fields", fields);
    }
    if (strstr(code, "two_factor")) {
        json_object_set_new(errors, "needs_otp", json_true());
    }
    return errors;
}

/// Passwords do not come back in a page.
static json_t *shown_values(json_t *form)
{
    json_t *shown = json_copy(form);
    json_object_del(shown, "password");
    json_object_del(shown, "otp");
    json_object_del(shown, "csrf");
    return shown;
}

static int succeed(struct shoal_call *call, struct shoal_request *request, const json_t *action,
    json_t *scope, const json_t *answer, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *session = shoal_text(action, "session", "");
    if (strcmp(session, "start") == 0 && web_session_start(call, request, answer) != 0) {
        return shoal_fail(err, SHOAL_EINTERNAL, "the session cookie could not be set");
    }
    if (strcmp(session, "end") == 0) {
        web_session_end(request);
    }
    const char *to = web_expand(arena, shoal_text(action, "success", "/"), scope);
    return shoal_answer_redirect(request, 303, web_is_local_path(to) ? to : "/");
}

/// A form of another site may not log a visitor in: the cookie check cannot see that.
static bool is_cross_site(struct shoal_call *call, struct shoal_request *request)
{
    const char *site = shoal_request_header(request, "sec-fetch-site");
    const char *origin = shoal_request_header(request, "origin");
    if (site) {
        return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
    }
    return origin && strcasecmp(origin, shoal_arena_printf(shoal_call_arena(call), "%s://%s",
                                            shoal_request_scheme(request),
                                            shoal_request_host(request))) != 0;
}

int web_action(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    const struct web_route *route = arg;
    const json_t *action = route->row;
    if (is_cross_site(call, request)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "this form came from another site");
    }
    json_t *form = shoal_request_body(request, err);
    if (!form) {
        return err->code;
    }
    json_t *scope = web_scope_new(request, json_object_get(action, "path"));
    shoal_arena_defer(shoal_call_arena(call), (void (*)(void *))json_decref, scope);
    json_object_set(scope, "form", form);
    json_t *body = make_body(action, form);
    if (strcmp(shoal_text(action, "session", ""), "start") == 0) {
        json_object_set_new(body, "session", json_true());
    }
    const char *path = web_expand(shoal_call_arena(call), shoal_text(action, "call.path", ""), scope);
    int status = 0;
    json_t *answer = NULL;
    int code = shoal_inprocess_from(call, request, shoal_text(action, "call.method", "POST"), path,
        body, &status, &answer, err);
    json_decref(body);
    if (code != 0) {
        return code;
    }
    // Logging out twice is fine: the session is over either way.
    bool is_over = strcmp(shoal_text(action, "session", ""), "end") == 0;
    if (status < 400 || is_over) {
        json_object_set(scope, "answer", answer ? answer : json_null());
        code = succeed(call, request, action, scope, answer, err);
        json_decref(answer);
        return code;
    }
    json_t *errors = make_errors(answer);
    json_decref(answer);
    const json_t *page = web_theme_page(route->web->theme, shoal_text(action, "failure", "home"));
    return web_page_with(call, request, route->web, page, scope, status, errors, shown_values(form),
        err);
}
