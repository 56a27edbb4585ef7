// signatures_url.c - the hosts that signatures name: of a URL, of a header, and this one.
// SPDX-License-Identifier: AGPL-3.0-or-later
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
    return urlhost_site(shoal_call_arena(call), shoal_url(call, ""), true);
}
