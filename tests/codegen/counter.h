// SPDX-License-Identifier: MIT
//
// Counts the host instructions that are executed in the code buffer, all of them and exactly.
#ifndef TESTS_CODEGEN_COUNTER_H
#define TESTS_CODEGEN_COUNTER_H

#include "tests/codegen/machine.h"

/* On the vCPU's thread. Nothing may be translated from then on. */
void counter_begin(Machine *m);
void counter_end(Machine *m, uint64_t *insns, uint64_t *ways_out);

#endif
