// range_fuzz.c - any bytes as Range, entity tags, Accept headers and dates.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "net/date_priv.h"
#include "net/negotiate.h"
#include "net/range_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const locales[] = {"en", "fr", NULL};
    struct shoal_span text = {(const char *)bytes, length};
    uint64_t size = length > 0 ? bytes[0] * 3u : 0, first = 0, count = 0;
    if (shoal_range_parse(text, size, &first, &count) == SHOAL_RANGE_PART &&
        (count == 0 || first >= size || first + count > size)) {
        abort();
    }
    shoal_etag_listed(text, "\"a\"", length % 2);
    shoal_accept_q(text, "text/html");
    shoal_accept_gzip(text);
    shoal_accept_locale(text, locales);
    shoal_date_parse(text);
    return 0;
}
