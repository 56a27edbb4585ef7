// federation_left.h - what earlier versions kept here and other plugins keep now, handed over to them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef FEDERATION_LEFT_H
#define FEDERATION_LEFT_H
#include "federation.h"

/// All keys are handed over when this gives 0.
int fed_left_keys(struct shoal_call *call, struct shoal_err *err);
/// Keys and all that waited to be sent are: before anything else is said. In the transaction of the call where
/// there is one, else in lots.
int fed_left_all(struct shoal_call *call, struct shoal_err *err);
/// Hands over soon after the start, and ends jobs of before.
int fed_left_start(struct shoal_plugin *self, struct shoal_err *err);
/// Whether it is known that nothing is left.
bool fed_left_nothing(void);

#endif
