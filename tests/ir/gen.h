// SPDX-License-Identifier: MIT
//
// Random IR programs over the rig's globals and helpers: valid, terminating, and observing
// nothing that opcodes.def leaves open (flags are only used as flags, vtest only against 0).
#ifndef TESTS_IR_GEN_H
#define TESTS_IR_GEN_H

#include "tests/ir/rig.h"

enum {
    GEN_INT = 1 << 0,  /* integers, flags, globals, locals, CPU state */
    GEN_MEM = 1 << 1,  /* guest memory, fences */
    GEN_FP = 1 << 2,
    GEN_VEC = 1 << 3,
    GEN_CALL = 1 << 4,
    GEN_FLOW = 1 << 5, /* several blocks, loops, polls */
    GEN_ALL = (1 << 6) - 1
};

/* Parse "int,mem,..." or "all". */
bool gen_parse_kinds(const char *text, unsigned *kinds);

/* Fill the (reset) unit with the program of `seed`, about `size` instructions. */
void gen_program(IrUnit *u, uint64_t seed, unsigned kinds, unsigned size);

#endif
