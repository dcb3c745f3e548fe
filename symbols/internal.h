// SPDX-License-Identifier: MIT
//
// How the readers of symbols/ enter what they find.
#ifndef SYMBOLS_INTERNAL_H
#define SYMBOLS_INTERNAL_H

#include "symbols/symbols.h"

/* Enter a name. Mapping symbols of assemblers ($x, $d, .L...) are left out. False: out of memory. */
bool symbols_add(Symbols *s, uint64_t address, const char *name, size_t len);
/* After the last symbols_add(). False when there are none. */
bool symbols_seal(Symbols *s);

#endif
