// log.h - how log lines are written.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_BASE_LOG_H
#define SHOAL_CORE_BASE_LOG_H
#include <shoal/base.h>

enum shoal_log_format {
    SHOAL_LOG_HUMAN = 0,
    SHOAL_LOG_JSON = 1,
};
/// Lines below the level are dropped. Any thread, at any time.
void shoal_log_set_level(enum shoal_log_level level);
void shoal_log_set_format(enum shoal_log_format format);
/// Where lines go; stderr until it is called. The descriptor stays the caller's.
void shoal_log_set_fd(int fd);
/// "debug", "info", "warn", "error". Returns: 0 or SHOAL_EINVAL.
int shoal_log_level_parse(const char *text, enum shoal_log_level *level);
/// Whether a line of this level would be written.
bool shoal_log_wants(enum shoal_log_level level);

#endif
