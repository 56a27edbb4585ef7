// signatures_url.c - the hosts that signatures name: of a URL, of a header, and this one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include <urlhost.h>

#include "signatures.h"

const char *sig_url_host(struct shoal_call *call, const char *url)
{
    return urlhost_of(shoal_call_arena(call), url, true);
}

const char *sig_host_of(struct shoal_call *call, const char *text, const char *usual_port)
{
    return urlhost_read(shoal_call_arena(call), text, usual_port, true);
}

const char *sig_host(struct shoal_call *call)
{
    const char *url = shoal_url(call, "");
    bool is_https = strncasecmp(url, "https://", 8) == 0;
    const char *from = strstr(url, "://");
    const char *host = sig_host_of(call, from == NULL ? url : from + 3, is_https ? "443" : "80");
    return host == NULL ? "" : host;
}
