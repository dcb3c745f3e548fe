// SPDX-License-Identifier: MIT
//
// The disassembly that golden files hold; see listing.c.
#ifndef TESTS_CODEGEN_LISTING_H
#define TESTS_CODEGEN_LISTING_H

#include "tests/codegen/machine.h"

/* The host code of `u`, one instruction a line, so that it is the same in every run and build. */
void listing_print(Machine *m, const Unit *u, FILE *out);

#endif
