// identity_url.c - which URLs name something on another server, and on which.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include <urlhost.h>

#include "identity.h"

const char *who_host_of(struct shoal_call *call, const char *text, const char *usual_port)
{
    return urlhost_read(shoal_call_arena(call), text, usual_port, who_is_private(call));
}

const char *who_url_host(struct shoal_call *call, const char *url)
{
    return urlhost_of(shoal_call_arena(call), url, who_is_private(call));
}

const char *who_host(struct shoal_call *call)
{
    const char *url = shoal_url(call, "");
    bool is_https = strncasecmp(url, "https://", 8) == 0;
    const char *from = strstr(url, "://");
    const char *host = who_host_of(call, from == NULL ? url : from + 3, is_https ? "443" : "80");
    return host == NULL ? "" : host;
}

bool who_same_host(struct shoal_call *call, const char *url, const char *other)
{
    const char *host = who_url_host(call, url);
    const char *second = who_url_host(call, other);
    return host != NULL && second != NULL && strcmp(host, second) == 0;
}

bool who_is_ours(struct shoal_call *call, const char *url)
{
    const char *host = who_url_host(call, url);
    return host != NULL && strcmp(host, who_host(call)) == 0;
}

const char *who_url_bare(struct shoal_call *call, const char *url)
{
    return urlhost_bare(shoal_call_arena(call), url);
}

const char *who_url_join(struct shoal_call *call, const char *base, const char *location)
{
    return urlhost_join(shoal_call_arena(call), base, location);
}
