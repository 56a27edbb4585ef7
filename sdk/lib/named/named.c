// named.c - what an address names: read with a password where need be, told apart by its path, passed on.
// SPDX-License-Identifier: MIT
#include "named.h"

#include <stdlib.h>
#include <string.h>

#include <shoal/arena.h>
#include <shoal/error.h>

json_t *named_read(struct shoal_call *call, struct shoal_request *request, const char *id,
    named_read_fn *read, const char **password, struct shoal_err *err)
{
    const char *sent = NULL;
    json_t *value = read(call, id, NULL, err);
    if (value == NULL && strcmp(err->api_code, "video_requires_password") == 0) {
        sent = shoal_request_header(request, "x-peertube-video-password");
        if (sent != NULL) {
            *err = (struct shoal_err){0};
            value = read(call, id, sent, err);
        }
    }
    if (password != NULL) {
        *password = sent;
    }
    return value;
}

json_t *named_video(struct shoal_call *call, struct shoal_request *request, const char **password,
    struct shoal_err *err)
{
    const char *id = shoal_request_param(request, "id");
    return named_read(call, request, id, shoal_video_get, password, err);
}

bool named_place(struct shoal_arena *arena, const char *site, const char *url, struct named_place *out)
{
    static const struct {
        const char *prefix;
        bool is_video;
    } rows[] = {{"/w/", true}, {"/videos/watch/", true}, {"/videos/embed/", true}, {"/c/", false},
        {"/video-channels/", false}, {"/a/", false}, {"/accounts/", false}, {"/@", false}};
    size_t length = strlen(site);
    *out = (struct named_place){0};
    if (strncmp(url, site, length) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t prefix = strlen(rows[i].prefix);
        if (strncmp(url + length, rows[i].prefix, prefix) == 0) {
            const char *from = url + length + prefix;
            const char *name = shoal_arena_strndup(arena, from, strcspn(from, "/?#"));
            *(rows[i].is_video ? &out->video : &out->handle) = name;
            return name[0] != '\0';
        }
    }
    return false;
}

int named_pass_on(struct shoal_call *call, struct shoal_request *request, const char *path,
    struct shoal_err *err)
{
    int status = 0;
    json_t *answer = NULL;
    int code = shoal_inprocess_from(call, request, "GET", path, NULL, &status, &answer, err);
    if (code != 0 || status < 400) {
        return code != 0 ? code : shoal_answer_json(request, status, answer);
    }
    char *problem = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    const char *text = problem == NULL ? "{}" : problem;
    code = shoal_answer_bytes(request, status, "application/problem+json", text, strlen(text));
    free(problem);
    return code;
}
