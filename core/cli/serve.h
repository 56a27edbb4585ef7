// serve.h - the verbs of cli_instance.c that have files of their own.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CLI_SERVE_H
#define SHOAL_CORE_CLI_SERVE_H
#include <shoal/buf.h>

#include "cli/cli.h"

int shoal_cli_serve(const struct shoal_args *args);
int shoal_cli_init(const struct shoal_args *args);
int shoal_cli_check(const struct shoal_args *args);
int shoal_cli_doctor(const struct shoal_args *args);

/// The text of a new shoal.lua. Free with free().
char *shoal_init_config(const char *listen, const char *url, const char *const *plugins);
/// Whether text is "ADDR:PORT" or another form that `listen` takes.
bool shoal_init_listen_valid(const char *text);
/// Whether something of that name may lie in the folder of a new instance: of an earlier attempt,
/// of the file system, prepared by hand.
bool shoal_init_expects(const char *name);
/// Makes an empty folder for an instance with what belongs into it, gives it to who will serve it, and
/// goes on as that user.
int shoal_init_folder(const char *folder, struct shoal_err *err);
/// Adds text as a string of Lua.
void shoal_init_put_string(struct shoal_buf *out, const char *text);
/// Says that a folder holds something else.
int shoal_init_refuse(const char *folder, const char *name, struct shoal_err *err);

#endif
