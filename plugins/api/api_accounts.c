// api_accounts.c - /accounts: people of this instance and of others, and their channels.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "api.h"
#include "api_query.h"

int api_accounts_list(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    static const struct api_list list = {
        .name = "accounts",
        .sorts = "createdAt",
        .sort = "-createdAt",
    };
    (void)arg;
    json_t *query = api_query_read(request, &list, err);
    if (query == NULL) {
        return err->code;
    }
    json_t *accounts = shoal_account_list(call, query, err);
    json_decref(query);
    return api_answer(request, accounts, err);
}

int api_accounts_get(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *handle = shoal_request_param(request, "handle");
    return api_answer(request, shoal_account_get(call, handle, err), err);
}

int api_accounts_channels(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    static const struct api_query_row rows[] = {
        {"search", API_QUERY_TEXT, 0, 200},
        {"withStats", API_QUERY_BOOL, 0, 0},
        {"includeCollaborations", API_QUERY_BOOL, 0, 0},
    };
    static const struct api_list list = {
        .name = "channels",
        .sorts = "id name updatedAt createdAt",
        .sort = "-createdAt",
        .rows = rows,
        .row_count = sizeof rows / sizeof *rows,
    };
    (void)arg;
    const char *handle = shoal_request_param(request, "handle");
    json_t *account = shoal_account_get(call, handle, err);
    if (account == NULL) {
        return err->code;
    }
    json_decref(account);
    json_t *query = api_query_filter(call, &list, api_query_read(request, &list, err));
    if (query == NULL) {
        return err->code;
    }
    json_object_set_new(query, "account", json_string(handle));
    json_t *channels = shoal_channel_list(call, query, err);
    json_decref(query);
    return api_answer(request, channels, err);
}
