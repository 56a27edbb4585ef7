// api_channels.c - /video-channels: read, make, change and delete channels.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "api.h"
#include "api_fields.h"
#include "api_query.h"

int api_channels_list(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    static const struct api_query_row rows[] = {
        {"search", API_QUERY_TEXT, 0, 200},
        {"host", API_QUERY_TEXT, 1, 253},
    };
    static const struct api_list list = {
        .name = "channels",
        .sorts = "id name updatedAt createdAt displayName match",
        .sort = "-createdAt",
        .rows = rows,
        .row_count = sizeof rows / sizeof *rows,
    };
    (void)arg;
    json_t *query = api_query_filter(call, &list, api_query_read(request, &list, err));
    if (query == NULL) {
        return err->code;
    }
    // Names that match are all alike here: the newest first.
    if (strstr(shoal_text(query, "sort", ""), "match") != NULL) {
        json_object_set_new(query, "sort", json_string(list.sort));
    }
    json_t *channels = shoal_channel_list(call, query, err);
    json_decref(query);
    return api_answer(request, channels, err);
}

int api_channels_get(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *handle = shoal_request_param(request, "handle");
    return api_answer(request, shoal_channel_get(call, handle, err), err);
}

static json_t *read_fields(struct shoal_request *request, bool is_new, struct shoal_err *err)
{
    static const struct api_field table[] = {
        {"displayName", API_FIELD_TEXT, false},
        {"description", API_FIELD_TEXT, true},
        {"support", API_FIELD_TEXT, true},
        {"bulkVideosSupportUpdate", API_FIELD_BOOL, false},
        {"name", API_FIELD_TEXT, false}, // last: a channel's name never changes
    };
    size_t count = sizeof table / sizeof *table;
    return api_fields_read(request, table, is_new ? count : count - 1, err);
}

int api_channels_create(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    json_t *fields = read_fields(request, true, err);
    if (fields == NULL) {
        return err->code;
    }
    json_t *channel = shoal_channel_create(call, fields, err);
    json_decref(fields);
    return api_answer(request, channel, err);
}

int api_channels_update(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    json_t *fields = read_fields(request, false, err);
    if (fields == NULL) {
        return err->code;
    }
    int code = shoal_channel_update(call, shoal_request_param(request, "handle"), fields, err);
    json_decref(fields);
    return api_done(request, code);
}

int api_channels_delete(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *handle = shoal_request_param(request, "handle");
    return api_done(request, shoal_channel_delete(call, handle, err));
}
