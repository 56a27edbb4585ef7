// settings_priv.h - one set of settings: the instance's, or a plugin's.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_SETTINGS_PRIV_H
#define SHOAL_CORE_HOST_SETTINGS_PRIV_H
#include <jansson.h>

#include <shoal/db.h>

#include "host/config.h"
#include "host/setting_row.h"

struct shoal_settings;

/// The instance's (owner "") or a plugin's. fixed: name -> value of the file and the command line,
/// in kept form; taken. Reads the rest from the database.
struct shoal_settings *shoal_settings_new(
    const char *owner, const struct shoal_setting_row *rows, size_t count, json_t *fixed);
void shoal_settings_free(struct shoal_settings *settings);
/// The value that counts: a new reference, or NULL for an undeclared name.
json_t *shoal_settings_get(struct shoal_settings *settings, const char *name);
/// Rows with values, secrets masked.
json_t *shoal_settings_list(struct shoal_settings *settings);
/// Writes one; see shoal_setting_set().
int shoal_settings_set(struct shoal_settings *settings, struct shoal_call *call, const char *name,
    const json_t *value, struct shoal_err *err);

/// Checks a plugin's options against its rows: *fixed gets name -> value. A bad one is a sentence
/// with its line in shoal.lua.
int shoal_settings_options(const struct shoal_config *config, size_t index,
    const struct shoal_setting_row *rows, size_t count, json_t **fixed, struct shoal_err *err);

/// The instance's set; opened on first use.
struct shoal_settings *shoal_settings_instance(void);
void shoal_settings_instance_close(void);
/// Makes what can change while the server runs take effect: rates, log.
void shoal_settings_apply(void);

#endif
