// subscriptions_api.c - what the user of a call subscribes to, and who follows a channel.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include <named.h>

#include "subscriptions.h"

#define URIS_MAX  100
#define COUNT_MAX 100
#define NAME_MAX_BYTES 120
#define HOST_MAX_BYTES 253

static const char name_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
static const char host_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";

bool subscriptions_handle_valid(const char *handle)
{
    size_t name = handle == NULL ? 0 : strspn(handle, name_letters);
    if (name == 0 || name > NAME_MAX_BYTES) {
        return false;
    }
    if (handle[name] == '\0') {
        return true;
    }
    const char *host = handle + name + 1;
    size_t length = strspn(host, host_letters);
    return handle[name] == '@' && length > 0 && length <= HOST_MAX_BYTES && host[length] == '\0';
}

// A number of the query; the list itself checks what it may be.
static int number_read(struct shoal_request *request, const char *name, json_t *query,
    struct shoal_err *err)
{
    const char *text = shoal_request_query(request, name);
    size_t length = text == NULL ? 0 : strspn(text, "0123456789");
    if (text == NULL) {
        return 0;
    }
    if (length == 0 || length > 9 || text[length] != '\0') {
        return shoal_fail_field(err, name, "Should have a number %s", name);
    }
    json_object_set_new(query, name, json_integer(strtoll(text, NULL, 10)));
    return 0;
}

json_t *subscriptions_query(struct shoal_request *request, struct shoal_err *err)
{
    static const char *const texts[] = {"sort", "search", "state", "actorType"};
    json_t *query = json_object();
    int code = number_read(request, "start", query, err);
    code = code == 0 ? number_read(request, "count", query, err) : code;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && code == 0; i++) {
        const char *text = shoal_request_query(request, texts[i]);
        if (text != NULL && strnlen(text, 201) > 200) {
            code = shoal_fail_field(err, texts[i], "Should have a valid %s", texts[i]);
        } else if (text != NULL && *text != '\0') {
            json_object_set_new(query, texts[i], json_string(text));
        }
    }
    if (code != 0) {
        json_decref(query);
        return NULL;
    }
    return query;
}

static int answer(struct shoal_request *request, json_t *value, const struct shoal_err *err)
{
    return value != NULL ? shoal_answer_json(request, 200, value) : err->code;
}

static int handle_read(
    struct shoal_request *request, const char **handle, struct shoal_err *err)
{
    *handle = shoal_request_param(request, "handle");
    return subscriptions_handle_valid(*handle)
               ? 0
               : shoal_fail_field(err, "uri", "Should have a valid channel handle (name@host)");
}

int subscriptions_list(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *accounts = shoal_request_query(request, "accounts");
    json_t *query = subscriptions_query(request, err);
    if (query == NULL) {
        return err->code;
    }
    json_object_set_new(
        query, "accounts", json_boolean(accounts != NULL && strcmp(accounts, "true") == 0));
    json_t *list = shoal_subscription_list(call, query, err);
    json_decref(query);
    return answer(request, list, err);
}

int subscriptions_add(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const json_t *body = shoal_request_body(request, err);
    if (body == NULL) {
        return err->code;
    }
    const char *uri = shoal_text(body, "uri", "");
    uri += *uri == '@';
    if (!subscriptions_handle_valid(uri)) {
        return shoal_fail_field(err, "uri", "Should have a valid channel handle (name@host)");
    }
    struct shoal_err unknown = {0};
    int code = shoal_subscription_add(call, uri, &unknown);
    if (code == SHOAL_ENOTFOUND && strchr(uri, '@') != NULL) {
        code = subscriptions_resolve(call,
            shoal_arena_printf(shoal_call_arena(call), "@%s", uri), &uri, err);
        code = code == 0 ? shoal_subscription_add(call, uri, err) : code;
    } else if (code != 0) {
        *err = unknown;
    }
    return code != 0 ? code : shoal_answer_status(request, 204);
}

int subscriptions_exist(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *const *uris = shoal_request_query_all(request, "uris");
    json_t *out = json_object();
    int code = uris == NULL || uris[0] == NULL ? SHOAL_EINVAL : 0;
    for (size_t i = 0; code == 0 && uris[i] != NULL; i++) {
        enum shoal_follow_state state = SHOAL_FOLLOW_NONE;
        int64_t followers = 0;
        struct shoal_err unknown = {0};
        if (i == URIS_MAX || !subscriptions_handle_valid(uris[i])) {
            code = SHOAL_EINVAL;
            break;
        }
        int found = shoal_subscription_state(call, uris[i], &state, &followers, &unknown);
        if (found != 0 && found != SHOAL_ENOTFOUND) {
            json_decref(out);
            *err = unknown;
            return found;
        }
        json_object_set_new(out, uris[i],
            json_boolean(state == SHOAL_FOLLOW_PENDING || state == SHOAL_FOLLOW_ACCEPTED));
    }
    if (code != 0) {
        json_decref(out);
        return shoal_fail_field(
            err, "uris", "Should have at most %d valid channel handles (name@host)", URIS_MAX);
    }
    return shoal_answer_json(request, 200, out);
}

int subscriptions_get(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *handle = NULL;
    int code = handle_read(request, &handle, err);
    return code != 0 ? code : answer(request, shoal_subscription_get(call, handle, err), err);
}

int subscriptions_remove(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *handle = NULL;
    int code = handle_read(request, &handle, err);
    code = code == 0 ? shoal_subscription_remove(call, handle, err) : code;
    return code != 0 ? code : shoal_answer_status(request, 204);
}

// The list of everybody's videos knows all filters; here it is asked for the viewer's subscriptions.
int subscriptions_videos(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *query = shoal_request_query_string(request);
    return named_pass_on(call, request,
        shoal_arena_printf(shoal_call_arena(call), "/api/v1/videos?subscribed=true&%s",
            query == NULL ? "" : query),
        err);
}

static int followers(struct shoal_call *call, struct shoal_request *request, const char *handle,
    bool with_channels, struct shoal_err *err)
{
    json_t *query = subscriptions_query(request, err);
    if (query == NULL) {
        return err->code;
    }
    json_object_set_new(query, "target", json_string(handle));
    json_object_set_new(query, "state", json_string("accepted"));
    json_object_set_new(query, "withChannels", json_boolean(with_channels));
    json_t *list = shoal_follow_list(call, query, err);
    json_decref(query);
    return answer(request, list, err);
}

int subscriptions_channel_followers(struct shoal_call *call, struct shoal_request *request,
    void *arg, struct shoal_err *err)
{
    (void)arg;
    const char *handle = shoal_request_param(request, "handle");
    json_t *channel = shoal_channel_get(call, handle, err);
    if (channel == NULL) {
        return err->code;
    }
    json_decref(channel);
    return followers(call, request, handle, false, err);
}

int subscriptions_account_followers(struct shoal_call *call, struct shoal_request *request,
    void *arg, struct shoal_err *err)
{
    (void)arg;
    const char *handle = shoal_request_param(request, "handle");
    json_t *account = shoal_account_get(call, handle, err);
    if (account == NULL) {
        return err->code;
    }
    json_decref(account);
    return followers(call, request, handle, true, err);
}
