// date_priv.h - dates as HTTP writes them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_DATE_PRIV_H
#define SHOAL_CORE_NET_DATE_PRIV_H
#include <stdint.h>

#include "net/span.h"

#define SHOAL_DATE_SIZE 30

/// "Sun, 06 Nov 1994 08:49:37 GMT" for seconds since 1970.
void shoal_date_format(int64_t seconds, char out[SHOAL_DATE_SIZE]);
/// Only that form is understood; -1 for anything else.
int64_t shoal_date_parse(struct shoal_span text);

#endif
