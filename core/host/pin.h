// pin.h - proof that a plugin from elsewhere is the one that the administrator meant.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_PIN_H
#define SHOAL_CORE_HOST_PIN_H
#include <jansson.h>

#include <shoal/error.h>

/// The digest that shoal.lua pins, as 64 hex characters: the SHA-256 of a line "HEX  PATH\n" for
/// each file of the folder, sorted by path in bytes, HEX being that file's SHA-256. All of it
/// counts, for all of it has effect: code, plugin.json, migrations, locales, pages, scripts. Files
/// and folders whose name begins with a dot are neither counted nor read.
int shoal_pin_digest(const char *folder, char out[65], struct shoal_err *err);
/// Checks a folder against options.sha256, or options.signature (Ed25519 over the digest's 64
/// characters) with options.key (both base64 or hex). Neither: SHOAL_EFORBIDDEN with the line to
/// add.
int shoal_pin_check(
    const char *name, const char *folder, const json_t *options, struct shoal_err *err);

#endif
