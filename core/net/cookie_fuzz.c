// cookie_fuzz.c - any bytes as cookies and as a credential: what is found lies within them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "net/request_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    // As the parser hands them over: NUL behind the value, none within.
    char *value = malloc(length + 1);
    size_t kept = strnlen((const char *)bytes, length);
    memcpy(value, bytes, kept);
    value[kept] = '\0';
    struct shoal_header headers[] = {
        {shoal_span("cookie"), {value, kept}}, {shoal_span("authorization"), {value, kept}}};
    struct shoal_request request = {.headers = headers, .header_count = 2};
    request.call.arena = shoal_arena_new(0);
    const char *session = shoal_request_cookie(&request, "shoal_session");
    const char *bearer = shoal_request_bearer(&request);
    if ((session && strlen(session) > kept) || (bearer && strlen(bearer) > kept)) {
        abort();
    }
    shoal_arena_free(request.call.arena);
    free(value);
    return 0;
}
