// SPDX-License-Identifier: MIT
//
// An engine with a CPU that does not run, whose memory is full of small loops: what is to be
// translated is translated as if the CPU came by.
#ifndef TESTS_UNIT_LOOPS_H
#define TESTS_UNIT_LOOPS_H

#include "tests/codegen/machine.h"

enum { LOOP_BYTES = 64, LOOP_INSNS = 3 };

typedef struct Loops {
    Machine m;
    TcgEngine *e;
    AccelCpu *ac;
} Loops;

/* `count` of them, each LOOP_INSNS instructions at a multiple of LOOP_BYTES from MACHINE_ENTRY on. */
void loops_create(Loops *l, unsigned count, const AccelOption *options, unsigned option_count);
void loops_destroy(Loops *l);
FetchPlace loops_place(Loops *l, unsigned n);
/* The unit of loop `n`, translated if it is not yet; NULL: the buffer has no room now. */
Unit *loops_translate(Loops *l, unsigned n);

#endif
