// subscriptions.h - what the files of this plugin share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SUBSCRIPTIONS_H
#define SUBSCRIPTIONS_H
#include <shoal/plugin.h>

/// "name" or "name@host" as clients name a channel; nothing that could be anything else.
bool subscriptions_handle_valid(const char *handle);
/// {start, count, sort, search} of a request, for a list that sorts by some fields (checked there).
json_t *subscriptions_query(struct shoal_request *request, struct shoal_err *err);
/// Finds a handle or an address of another server, which becomes known here: the service federation.
/// handle: out, in the call's arena.
/// Returns: 0, or SHOAL_ENOTFOUND also where nothing federates, or what the other server said.
int subscriptions_resolve(struct shoal_call *call, const char *what, const char **handle,
    struct shoal_err *err);

shoal_handler_fn subscriptions_list, subscriptions_add, subscriptions_exist, subscriptions_get,
    subscriptions_remove, subscriptions_videos;
shoal_handler_fn subscriptions_channel_followers, subscriptions_account_followers;
shoal_handler_fn subscriptions_target, subscriptions_remote;
shoal_filter_fn subscriptions_page;

#endif
