// SPDX-License-Identifier: MIT
//
// -chardev, -serial, -monitor, -mon and -nographic: who talks to this terminal, and what goes elsewhere.
#ifndef CLI_CONSOLES_H
#define CLI_CONSOLES_H

#include <stdio.h>
#include "cli/create.h"

/* Opens all character devices, which the machine owns; serial lines into its configuration,
 * monitors into `s`. */
bool consoles_open(Session *s, const Options *o, Error **err) MUST_CHECK;
/* After the devices, which get the keys of a shared terminal first. */
bool consoles_claim_monitors(Session *s, Error **err) MUST_CHECK;

#endif
