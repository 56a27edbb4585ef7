// pin.h - proof that a plugin from elsewhere is the one that the administrator meant.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_PIN_H
#define SHOAL_CORE_HOST_PIN_H
#include <jansson.h>

#include <shoal/error.h>

/// The digest that shoal.lua pins, as 64 hex characters: of NAME.so or NAME.lua, and where there
/// are more code files (.so, .lua) of the lines "HEX  PATH\n" of all of them, sorted by path.
int shoal_pin_digest(const char *folder, char out[65], struct shoal_err *err);
/// Checks a folder against options.sha256, or options.signature (Ed25519 over the digest's 64
/// characters) with options.key (both base64 or hex). Neither: SHOAL_EFORBIDDEN with the line to
/// add.
int shoal_pin_check(
    const char *name, const char *folder, const json_t *options, struct shoal_err *err);

#endif
