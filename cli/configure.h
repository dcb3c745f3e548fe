// SPDX-License-Identifier: MIT
//
// From the text of -M, -smp, -m, -name and -rtc to the machine's configuration.
#ifndef CLI_CONFIGURE_H
#define CLI_CONFIGURE_H

#include <stdbool.h>
#include "cli/create.h"
#include "hw/core/machine.h"

/* The parameters that these options have, for their parsers and for help; end with NULL. */
extern const char *const smp_parameters[];
extern const char *const memory_parameters[];
extern const char *const name_parameters[];

/* What is not given of -smp follows from the rest: cores first, then sockets, then threads. */
bool configure_smp(MachineConfig *c, const char *text, Error **err) MUST_CHECK;
bool configure_memory(MachineConfig *c, const char *text, Error **err) MUST_CHECK;

/* Chooses the board of s->machine and fills in its configuration and properties. */
bool configure_machine(Session *s, const Options *o, Error **err) MUST_CHECK;

#endif
