// drill.h - places at which a test may kill the server; nothing of it is in a release.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_BASE_DRILL_H
#define SHOAL_CORE_BASE_DRILL_H
#include <stdint.h>

#ifdef SHOAL_DEBUG
/// Where $SHOAL_DRILL names a file and that file says `name`: removes it and kills the supervisor
/// and this process with SIGKILL. The tests list the names in use.
void shoal_drill_point(const char *name);
/// The milliseconds that a variable of the environment says, or `otherwise`: waiting for a day is
/// nothing for a test.
int64_t shoal_drill_ms(const char *variable, int64_t otherwise);
#else
static inline void shoal_drill_point(const char *name)
{
    (void)name;
}
static inline int64_t shoal_drill_ms(const char *variable, int64_t otherwise)
{
    (void)variable;
    return otherwise;
}
#endif

#endif
