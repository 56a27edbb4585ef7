// ask.c - finds a service and enters it, or says that it is away.
// SPDX-License-Identifier: MIT
#include "ask.h"

bool ask_is_there(const char *service)
{
    struct shoal_service found;
    return shoal_service_find(service, NULL, &found);
}

int ask_away(const char *service, struct shoal_err *err)
{
    return shoal_fail(err, SHOAL_EBUSY, "nobody provides %s now", service);
}

bool ask_enter(
    struct shoal_call *call, const char *service, struct ask *ask, struct shoal_err *err)
{
    *ask = (struct ask){0};
    ask->err = err == NULL ? &ask->own : err;
    if (!shoal_service_find(service, NULL, &ask->service)) {
        ask_away(service, err);
        return false;
    }
    shoal_enter(call, &ask->service);
    return true;
}
