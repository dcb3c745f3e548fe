// SPDX-License-Identifier: MIT
//
// The C side of the thunks: what translated code calls, by way of generated code.
#ifndef TCG_X86_64_THUNKS_H
#define TCG_X86_64_THUNKS_H

#include "tcg/x86_64/x86.h"

/* Where to go on: `code`, or, if that is NULL, out with `result`. */
typedef struct GoOn {
    const void *code;
    uint64_t result;
} GoOn;

const uint8_t *x86_slow(X86Frame *f, uint32_t offset); /* the address to go on at */
GoOn x86_chain(X86Frame *f, uint32_t slot_offset);
GoOn x86_lookup(X86Frame *f, uint64_t pc);

#endif
