// api_oauth.c - the client of this instance, and tokens: log in, refresh, log out.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include "api.h"

// Whether a host and port are those of the site's address, however the default port is written.
static bool is_own_host(struct shoal_call *call, const char *host)
{
    const char *url = shoal_url(call, "/");
    const char *own = strstr(url, "://");
    if (own == NULL || host == NULL) {
        return false;
    }
    const char *port = strncmp(url, "https:", 6) == 0 ? ":443" : ":80";
    own += 3;
    size_t own_length = strcspn(own, "/");
    size_t length = strlen(host);
    size_t port_length = strlen(port);
    if (length > port_length && strcmp(host + length - port_length, port) == 0) {
        length -= port_length;
    }
    return length == own_length && strncasecmp(host, own, length) == 0;
}

int api_oauth_client(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    if (!shoal_request_internal(request) && !is_own_host(call, shoal_request_host(request))) {
        return shoal_fail(err, SHOAL_EFORBIDDEN,
            "Getting client tokens for this host is forbidden, the site's address is %s",
            shoal_url(call, "/"));
    }
    return api_answer(request, shoal_oauth_client(call, err), err);
}

static int no_store(struct shoal_request *request)
{
    shoal_answer_private(request);
    shoal_answer_header(request, "Cache-Control", "no-store");
    return shoal_answer_header(request, "Pragma", "no-cache");
}

static int check_form(struct shoal_request *request, struct shoal_err *err)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = shoal_request_header(request, "Content-Type");
    if (type == NULL || strncasecmp(type, form, sizeof form - 1) != 0 ||
        strchr("; \t", type[sizeof form - 1]) == NULL) {
        return shoal_fail_api(err, SHOAL_EINVAL, "invalid_request",
            "Invalid request: content must be %s", form);
    }
    return 0;
}

static int check_client(struct shoal_call *call, const json_t *body, struct shoal_err *err)
{
    json_t *client = shoal_oauth_client(call, err);
    if (client == NULL) {
        return err->code;
    }
    bool same =
        strcmp(shoal_text(client, "client_id", "-"), shoal_text(body, "client_id", "")) == 0 &&
        strcmp(shoal_text(client, "client_secret", "-"), shoal_text(body, "client_secret", "")) == 0;
    json_decref(client);
    return same ? 0
                : shoal_fail_api(err, SHOAL_EINVAL, "invalid_client",
                      "Invalid client: client is invalid");
}

static json_t *token_meta(struct shoal_request *request, const json_t *body)
{
    json_t *meta = json_pack("{s:s, s:s}", "device", "", "address", "");
    const char *device = shoal_request_header(request, "User-Agent");
    const char *address = shoal_request_address(request);
    const char *otp = shoal_request_header(request, "x-peertube-otp");
    if (otp == NULL && shoal_request_internal(request)) {
        otp = shoal_text(body, "otp", NULL); // the login page has a field for it
    }
    if (device != NULL) {
        json_object_set_new(meta, "device", json_stringn(device, strnlen(device, 300)));
    }
    if (address != NULL) {
        json_object_set_new(meta, "address", json_string(address));
    }
    if (otp != NULL) {
        json_object_set_new(meta, "otp", json_string(otp));
    }
    // Long-lived tokens are for the cookie that the site's own pages set, not for the network.
    if (shoal_request_internal(request) && shoal_flag(body, "session", false)) {
        json_object_set_new(meta, "session", json_true());
    }
    return meta;
}

static json_t *grant(struct shoal_call *call, const json_t *body, const json_t *meta,
    struct shoal_err *err)
{
    const char *type = shoal_text(body, "grant_type", "");
    if (strcmp(type, "refresh_token") == 0) {
        const char *token = shoal_text(body, "refresh_token", "");
        if (*token == '\0') {
            shoal_fail_api(err, SHOAL_EINVAL, "invalid_request", "Missing parameter: refresh_token");
            return NULL;
        }
        return shoal_token_refresh(call, token, meta, err);
    }
    if (strcmp(type, "password") != 0) {
        bool missing = *type == '\0';
        shoal_fail_api(err, SHOAL_EINVAL, missing ? "invalid_request" : "unsupported_grant_type",
            missing ? "Missing parameter: grant_type" : "Unsupported grant type");
        return NULL;
    }
    const char *username = shoal_text(body, "username", "");
    const char *password = shoal_text(body, "password", "");
    if (*username == '\0' || *password == '\0') {
        shoal_fail_api(err, SHOAL_EINVAL, "invalid_request", "Missing parameter: %s",
            *username == '\0' ? "username" : "password");
        return NULL;
    }
    return shoal_token_grant(call, username, password, meta, err);
}

int api_token(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    no_store(request);
    bool is_internal = shoal_request_internal(request);
    int code = is_internal ? 0 : check_form(request, err);
    if (code != 0) {
        return code;
    }
    const json_t *body = shoal_request_body(request, err);
    if (body == NULL) {
        return err->code;
    }
    // The site's own pages speak for the site: they have no client to prove.
    code = is_internal ? 0 : check_client(call, body, err);
    if (code != 0) {
        return code;
    }
    json_t *meta = token_meta(request, body);
    json_t *token = grant(call, body, meta, err);
    json_decref(meta);
    if (token == NULL && strcmp(err->api_code, "missing_two_factor") == 0) {
        shoal_answer_header(request, "x-peertube-otp", "required; app");
    }
    return api_answer(request, token, err);
}

int api_revoke(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    no_store(request);
    int code = shoal_token_revoke(call, err);
    return code != 0 ? code : shoal_answer_json(request, 200, json_pack("{s:b}", "success", 1));
}
