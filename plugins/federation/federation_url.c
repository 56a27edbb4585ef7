// federation_url.c - which URLs name something on another server, and on which.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <urlhost.h>

#include "federation.h"

bool fed_is_private(void)
{
    return shoal_setting_bool(fed_plugin, "allow_private_network");
}

bool fed_enabled(struct shoal_call *call)
{
    (void)call;
    json_t *url = shoal_instance_setting("url");
    bool is_fixed = json_is_string(url) && *json_string_value(url) != '\0';
    json_decref(url);
    return is_fixed && shoal_setting_bool(fed_plugin, "enabled");
}

const char *fed_url_host(struct shoal_call *call, const char *url)
{
    return urlhost_of(shoal_call_arena(call), url, fed_is_private());
}

const char *fed_host_of(struct shoal_call *call, const char *text, const char *usual_port)
{
    return urlhost_read(shoal_call_arena(call), text, usual_port, fed_is_private());
}

const char *fed_host(struct shoal_call *call)
{
    return urlhost_site(shoal_call_arena(call), shoal_url(call, ""), fed_is_private());
}

bool fed_same_host(struct shoal_call *call, const char *url, const char *other)
{
    return urlhost_same(shoal_call_arena(call), url, other, fed_is_private());
}
