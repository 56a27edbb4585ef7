// dispatch_priv.h - the steps between a request and its handler.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_DISPATCH_PRIV_H
#define SHOAL_CORE_HOST_DISPATCH_PRIV_H
#include "host/host.h"
#include "net/request.h"

/// Runs one phase of a request and leaves its answer in it.
void shoal_dispatch(struct shoal_call *call, struct shoal_request *request, enum shoal_phase phase);

/// Finds out who asks. auth: SHOAL_AUTH_NONE looks at nothing. A bad bearer token is an error; a
/// bad cookie is nobody.
int shoal_dispatch_authenticate(struct shoal_call *call, struct shoal_request *request,
    enum shoal_auth auth, struct shoal_err *err);
/// Whether the viewer may use a route of this kind.
int shoal_dispatch_authorize(
    const struct shoal_call *call, enum shoal_auth auth, struct shoal_err *err);
/// What changes state with a cookie must come from our own pages. is_whole: the form can be read.
/// Returns: 0, SHOAL_LATER where the form's token has to decide, or SHOAL_EFORBIDDEN.
int shoal_dispatch_csrf(
    struct shoal_call *call, struct shoal_request *request, bool is_whole, struct shoal_err *err);
/// Asks route.enter.
int shoal_dispatch_enter(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_route *route, const struct shoal_plugin *owner, struct shoal_err *err);
/// Answers an error: by the plugin that renders pages, or as problem+json.
void shoal_dispatch_error(struct shoal_call *call, struct shoal_request *request, int status,
    const struct shoal_err *why);

#endif
