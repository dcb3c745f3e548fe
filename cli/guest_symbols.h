// SPDX-License-Identifier: MIT
//
// The names of the guest's addresses: where they come from, and when they are read.
#ifndef CLI_GUEST_SYMBOLS_H
#define CLI_GUEST_SYMBOLS_H

#include "cli/create.h"

/* Read them when the options ask for something that prints them: -kernel-symbols, a log of code, a
 * file for perf. */
bool guest_symbols_create(Session *s, const Options *o, Error **err) MUST_CHECK;
/* For the monitor, while the CPUs are paused: read now at the latest; maybe empty; NULL when
 * memory is out. */
Symbols *guest_symbols(Session *s);
/* The machine was reset: the kernel may choose another place. */
void guest_symbols_reset(Session *s);

#endif
