// identity_url.c - which URLs name something on another server, and on which.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

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
    return urlhost_site(shoal_call_arena(call), shoal_url(call, ""), who_is_private(call));
}

bool who_same_host(struct shoal_call *call, const char *url, const char *other)
{
    return urlhost_same(shoal_call_arena(call), url, other, who_is_private(call));
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
