// SPDX-License-Identifier: MIT
//
// Counts the host instructions that are executed in the code buffer, all of them and exactly.
#ifndef TESTS_CODEGEN_COUNTER_H
#define TESTS_CODEGEN_COUNTER_H

#include "tests/codegen/machine.h"

typedef struct Counts {
    uint64_t insns, ways_out;
    /* Of the first tier's units without heat: that with most of the instructions, and how many. */
    Unit *hottest;
    uint64_t hottest_insns;
} Counts;

/* On the vCPU's thread. Nothing may be translated in between. */
void counter_begin(Machine *m);
Counts counter_end(Machine *m);

#endif
