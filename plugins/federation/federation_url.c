// federation_url.c - which URLs name something on another server, and on which.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

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
    const char *url = shoal_url(call, "");
    bool is_https = strncasecmp(url, "https://", 8) == 0;
    const char *from = strstr(url, "://");
    const char *host = fed_host_of(call, from == NULL ? url : from + 3, is_https ? "443" : "80");
    return host == NULL ? "" : host;
}

bool fed_same_host(struct shoal_call *call, const char *url, const char *other)
{
    const char *host = fed_url_host(call, url);
    const char *second = fed_url_host(call, other);
    return host != NULL && second != NULL && strcmp(host, second) == 0;
}
