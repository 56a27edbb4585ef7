// subscriptions_target.c - what an address or handle names, for those who come to follow it, and where
// visitors with an account elsewhere go.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <federate.h>
#include <named.h>

#include "subscriptions.h"

#define URI_MAX 2000

SHOAL_SQL(subscriptions_channel_of, "SELECT name, host FROM v1_channel WHERE url = $1");
SHOAL_SQL(subscriptions_account_of, "SELECT name, host FROM v1_account WHERE url = $1");
SHOAL_SQL(subscriptions_video_of, "SELECT uuid FROM v1_video WHERE url = $1 AND is_open = TRUE");

// One row of a view by the address of the thing; NULL where there is none.
static const char *known_text(struct shoal_call *call, const struct shoal_sql *sql, const char *url,
    bool is_handle, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), sql, SHOAL_ARGS(SHOAL_TEXT(url)), err);
    const char *out = NULL;
    if (rows != NULL && shoal_rows_next(rows)) {
        out = is_handle ? shoal_arena_printf(shoal_call_arena(call), "%s@%s", shoal_col_text(rows, 0),
                              shoal_col_text(rows, 1))
                        : shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, 0));
    }
    return rows != NULL && shoal_rows_close(rows, err) == 0 ? out : NULL;
}

static bool known(
    struct shoal_call *call, const char *url, struct named_place *target, struct shoal_err *err)
{
    target->handle = known_text(call, &subscriptions_channel_of, url, true, err);
    if (target->handle == NULL) {
        target->handle = known_text(call, &subscriptions_account_of, url, true, err);
    }
    if (target->handle == NULL) {
        target->video = known_text(call, &subscriptions_video_of, url, false, err);
    }
    return target->handle != NULL || target->video != NULL;
}

static int ask_federation(struct shoal_call *call, const char *what, json_t **found,
    struct shoal_err *err)
{
    if (!federate_is_there()) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "Video channel not found");
    }
    *found = federate_resolve(call, what, err);
    return *found != NULL ? 0 : err->code != 0 ? err->code : SHOAL_ENOTFOUND;
}

int subscriptions_resolve(
    struct shoal_call *call, const char *what, const char **handle, struct shoal_err *err)
{
    json_t *found = NULL;
    int code = ask_federation(call, what, &found, err);
    *handle = what + (*what == '@');
    json_decref(found);
    return code;
}

static int find(
    struct shoal_call *call, const char *uri, struct named_place *target, struct shoal_err *err)
{
    bool is_url = strncmp(uri, "https://", 8) == 0 || strncmp(uri, "http://", 7) == 0;
    if (!is_url) {
        const char *handle = strncmp(uri, "acct:", 5) == 0 ? uri + 5 : uri;
        handle += *handle == '@';
        target->handle = handle;
        return subscriptions_handle_valid(handle)
                   ? 0
                   : shoal_fail_field(err, "uri", "Should have a valid address or handle");
    }
    if (named_place(shoal_call_arena(call), shoal_url(call, ""), uri, target) || known(call, uri, target, err)) {
        return 0;
    }
    json_t *found = NULL;
    int code = err->code != 0 ? err->code : ask_federation(call, uri, &found, err);
    const char *id = code == 0 ? shoal_text(found, "id", uri) : uri;
    if (code == 0 && !known(call, id, target, err)) {
        code = err->code != 0 ? err->code : shoal_fail(err, SHOAL_ENOTFOUND, "Video channel not found");
    }
    json_decref(found);
    return code;
}

// The channel or account of a handle as JSON; asks its server where it is not known here.
static json_t *noun_of(
    struct shoal_call *call, const char *handle, const char **kind, struct shoal_err *err)
{
    for (int i = 0; i < 2; i++) {
        struct shoal_err none = {0};
        json_t *noun = shoal_channel_get(call, handle, &none);
        *kind = "channel";
        if (noun == NULL && none.code == SHOAL_ENOTFOUND) {
            noun = shoal_account_get(call, handle, &none);
            *kind = "account";
        }
        if (noun != NULL) {
            return noun;
        }
        if (i == 1 || none.code != SHOAL_ENOTFOUND || strchr(handle, '@') == NULL) {
            shoal_fail(err, none.code, "%s", none.text);
            return NULL;
        }
        const char *what = shoal_arena_printf(shoal_call_arena(call), "@%s", handle);
        if (subscriptions_resolve(call, what, &handle, err) != 0) {
            return NULL;
        }
    }
    return NULL;
}

int subscriptions_target(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *uri = shoal_request_query(request, "uri");
    struct named_place target = {0};
    if (uri == NULL || *uri == '\0' || strnlen(uri, URI_MAX + 1) > URI_MAX) {
        return shoal_fail_field(err, "uri", "Should have a valid address or handle");
    }
    int code = find(call, uri, &target, err);
    if (code != 0) {
        return code;
    }
    if (target.video != NULL) {
        return shoal_answer_json(request, 200,
            json_pack("{s:s, s:s}", "kind", "video", "path",
                shoal_arena_printf(arena, "/w/%s", shoal_url_encode(arena, target.video))));
    }
    const char *kind = NULL;
    json_t *noun = noun_of(call, target.handle, &kind, err);
    if (noun == NULL) {
        return err->code;
    }
    const char *full =
        shoal_arena_printf(arena, "%s@%s", shoal_text(noun, "name", ""), shoal_text(noun, "host", ""));
    enum shoal_follow_state state = SHOAL_FOLLOW_NONE;
    int64_t followers = 0;
    code = shoal_subscription_state(call, full, &state, &followers, err);
    if (code == 0) {
        bool is_local = shoal_flag(noun, "isLocal", false);
        const char *path = shoal_arena_printf(arena, "/%s/%s", *kind == 'c' ? "c" : "a",
            is_local ? shoal_text(noun, "name", "") : full);
        code = shoal_answer_json(request, 200,
            json_pack("{s:s, s:s, s:s, s:s, s:I, s:b, s:b, s:O?}", "kind", kind, "handle", full,
                "displayName", shoal_text(noun, "displayName", ""), "path", path, "followers",
                (json_int_t)followers, "isSubscribed",
                state == SHOAL_FOLLOW_PENDING || state == SHOAL_FOLLOW_ACCEPTED, "isPending",
                state == SHOAL_FOLLOW_PENDING, "avatars", json_object_get(noun, "avatars")));
    }
    json_decref(noun);
    return code;
}

// "you@example.org", "example.org", "https://example.org/@you": the host alone. NULL: there is none.
static const char *host_of(struct shoal_call *call, const char *text)
{
    const char *scheme = strstr(text, "://");
    const char *from = scheme != NULL ? scheme + 3 : text;
    size_t length = strcspn(from, "/?#");
    char *host = shoal_arena_strndup(shoal_call_arena(call), from, length);
    const char *at = strrchr(host, '@');
    host = at != NULL ? host + (at - host) + 1 : host;
    const char *handle = shoal_arena_printf(shoal_call_arena(call), "x@%s", host);
    return strchr(host, '.') != NULL || strchr(host, ':') != NULL || strcmp(host, "localhost") == 0
               ? (subscriptions_handle_valid(handle) ? host : NULL)
               : NULL;
}

int subscriptions_remote(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *uri = shoal_request_query(request, "uri");
    const char *to = shoal_request_query(request, "to");
    if (!subscriptions_handle_valid(uri)) {
        return shoal_fail_field(err, "uri", "Should have a valid channel handle (name@host)");
    }
    const char *host = to == NULL || strnlen(to, 501) > 500 ? NULL : host_of(call, to);
    if (host == NULL) {
        return shoal_fail_field(err, "to", "Should have a valid address of another server");
    }
    const char *encoded = shoal_url_encode(arena, uri);
    return shoal_answer_json(request, 200,
        json_pack("{s:s, s:s, s:s, s:s}", "handle", uri, "host", host, "url",
            shoal_arena_printf(arena, "https://%s/remote-interaction?uri=%s", host, encoded),
            "mastodonUrl",
            shoal_arena_printf(arena, "https://%s/authorize_interaction?uri=%s", host, encoded)));
}
