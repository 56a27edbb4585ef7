// problem.c - errors as problem+json, with the keys that PeerTube's clients read.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/base.h>

#include "net/percent_priv.h"
#include "net/request.h"
#include "net/request_priv.h"

#define FULL_LINE_MS 60000
#define TYPE_BASE "https://docs.joinpeertube.org/api-rest-reference.html#section/Errors/"

const char *shoal_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {{101, "Switching Protocols"}, {200, "OK"}, {201, "Created"}, {202, "Accepted"},
        {204, "No Content"}, {206, "Partial Content"}, {301, "Moved Permanently"}, {302, "Found"},
        {303, "See Other"}, {304, "Not Modified"}, {307, "Temporary Redirect"},
        {308, "Permanent Redirect"}, {400, "Bad Request"}, {401, "Unauthorized"},
        {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
        {406, "Not Acceptable"}, {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"},
        {411, "Length Required"}, {412, "Precondition Failed"}, {413, "Payload Too Large"},
        {414, "URI Too Long"}, {415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"}, {421, "Misdirected Request"}, {422, "Unprocessable Entity"},
        {423, "Locked"}, {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
        {460, "Checksum Mismatch"}, {499, "Client Closed Request"}, {500, "Internal Server Error"},
        {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"},
        {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].status == status) {
            return texts[i].text;
        }
    }
    return status < 300 ? "OK" : status < 400 ? "Redirect" : status < 500 ? "Client Error"
                                                                          : "Server Error";
}

static void add_code(json_t *problem, const char *code)
{
    char type[160];
    snprintf(type, sizeof type, TYPE_BASE "%s", code);
    json_object_set_new(problem, "type", json_string(type));
    json_object_set_new(problem, "code", json_string(code));
}

static void add_field(json_t *problem, const struct shoal_err *err)
{
    json_object_set_new(problem, "invalid-params", json_pack("{s:{s:s, s:s, s:s, s:s}}", err->field,
        "type", "field", "msg", err->text, "path", err->field, "location", "body"));
}

/// Where the wrong field came from, as PeerTube says it, and what it was where that is no body.
static void add_origin(json_t *problem, struct shoal_request *request, const char *name)
{
    json_t *field = json_object_get(json_object_get(problem, "invalid-params"), name);
    const char *query = shoal_request_query(request, name);
    const char *param = shoal_request_param(request, name);
    if (!field) {
        return;
    }
    if (param || query) {
        json_object_set_new(field, "location", json_string(param ? "params" : "query"));
        json_t *value = json_string(param ? param : query);
        if (value) {
            json_object_set_new(field, "value", value);
        }
    } else if (strncmp(name, "x-", 2) == 0) {
        json_object_set_new(field, "location", json_string("headers"));
    }
}

json_t *shoal_problem_json(int status, const struct shoal_err *err)
{
    // Of a wrong field PeerTube says the name alone; the sentence about it is in invalid-params.
    json_t *text = err->field[0]
                       ? json_sprintf("Incorrect request parameters: %s", err->field)
                       : json_string(err->text[0] ? err->text : shoal_error_text(err->code));
    if (!text) {
        text = json_string(shoal_error_text(err->code)); // not UTF-8
    }
    // Older clients read "error".
    json_t *problem = json_pack("{s:s, s:s, s:i, s:O, s:o}", "type", "about:blank", "title",
        shoal_status_text(status), "status", status, "detail", text, "error", text);
    if (err->api_code[0]) {
        add_code(problem, err->api_code);
    }
    if (err->field[0]) {
        add_field(problem, err);
    }
    return problem;
}

char *shoal_problem_text(int status, const char *detail, size_t *length)
{
    struct shoal_err err = {0};
    snprintf(err.text, sizeof err.text, "%s", detail);
    json_t *problem = shoal_problem_json(status, &err);
    char *text = json_dumps(problem, JSON_COMPACT);
    json_decref(problem);
    *length = text ? strlen(text) : 0;
    return text;
}

static bool is_told(int64_t now)
{
    static _Atomic int64_t told_ms;
    int64_t before = told_ms;
    return (before != 0 && now - before < FULL_LINE_MS) ||
           !atomic_compare_exchange_strong(&told_ms, &before, now);
}

void shoal_problem_hide(const struct shoal_call *call, const char *method, const char *path,
    const char *owner, struct shoal_err *err)
{
    int status = shoal_error_status(err->code);
    bool is_full = err->code == SHOAL_EFULL;
    bool is_inside = status >= 500 && status != 503 && !is_full;
    enum shoal_log_level level = is_inside                                ? SHOAL_LOG_ERROR
                                 : is_full && !is_told(shoal_tick_ms()) ? SHOAL_LOG_WARN
                                                                        : SHOAL_LOG_DEBUG;
    shoal_log(level, "%s %s of %s: %d, %s", method, path, owner, status, err->text);
    if (is_full) {
        shoal_fail_api(err, err->code, err->api_code,
            "this server has no space left: nothing of this was kept, please try again later");
    } else if (err->code == SHOAL_EIO || err->code == SHOAL_EINTERNAL ||
               err->code == SHOAL_ECORRUPT) {
        shoal_fail(err, err->code, "something went wrong here; the log has it under %s",
            shoal_call_id(call));
    }
}

int shoal_answer_problem(struct shoal_request *request, const struct shoal_err *err)
{
    int status = shoal_error_status(err->code);
    if (status == 499) {
        status = 503; // what a client sees that is still there
    }
    json_t *problem = shoal_problem_json(status, err);
    if (err->field[0]) {
        add_origin(problem, request, err->field);
    }
    char *text = json_dumps(problem, JSON_COMPACT);
    json_decref(problem);
    if (request->answer.kind != SHOAL_ANSWER_NONE) {
        shoal_request_unanswer(request); // else headers stay that were given for the error
    }
    const char *type = status >= 400 ? "application/problem+json; charset=utf-8" : "application/json";
    int rc = shoal_answer_bytes(request, status, type, text, text ? strlen(text) : 0);
    free(text);
    if (status == 401) {
        shoal_answer_header(request, "WWW-Authenticate", "Bearer");
    } else if (status == 503) {
        shoal_answer_header(request, "Retry-After", "5");
    }
    if (!request->entry && request->allow) {
        shoal_answer_header(request, "Allow", request->allow);
    }
    return rc;
}
