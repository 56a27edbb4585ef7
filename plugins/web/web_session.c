// web_session.c - the cookie of a logged-in visitor.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "web_priv.h"

#define COOKIE "shoal_session"

int web_session_start(struct shoal_call *call, struct shoal_request *request, const json_t *token)
{
    const char *value = shoal_text(token, "access_token", "");
    int64_t seconds = shoal_integer(token, "expires_in", 86400);
    bool is_https = strcmp(shoal_request_scheme(request), "https") == 0;
    return shoal_answer_header(request, "Set-Cookie", shoal_arena_printf(shoal_call_arena(call),
        COOKIE "=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s", value, (long long)seconds,
        is_https ? "; Secure" : ""));
}

void web_session_end(struct shoal_request *request)
{
    shoal_answer_header(request, "Set-Cookie", COOKIE "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
}
