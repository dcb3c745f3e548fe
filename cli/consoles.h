// SPDX-License-Identifier: MIT
//
// -serial, -monitor and -nographic: who talks to this terminal, and what goes elsewhere.
#ifndef CLI_CONSOLES_H
#define CLI_CONSOLES_H

#include <stdio.h>
#include "cli/create.h"

/* Serial lines into the machine's configuration, monitors into `s`. */
bool consoles_open(Session *s, const Options *o, Error **err) MUST_CHECK;

#endif
