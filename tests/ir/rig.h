// SPDX-License-Identifier: MIT
//
// A small machine for IR programs without a guest: a CPU structure with globals of every type, a
// flat guest memory of a few pages behind a TLB and a slow path that faults, helpers of every
// kind. A program is run by some backend after some passes, and everything that it may observe
// ends up in a RigResult, so that two ways to run it can be compared byte for byte.
//
// One Rig belongs to one thread.
#ifndef TESTS_IR_RIG_H
#define TESTS_IR_RIG_H

#include "tcg/backend.h"

#define RIG_BASE UINT64_C(0x10000) /* guest address of page 0 */
#define RIG_PAGE_BITS 12
#define RIG_PAGES 5                /* see rig_pages in rig.c */
#define RIG_LINK_PC UINT64_C(0x9000) /* the unit that exits may be linked to */
#define RIG_RAW_BYTES 96           /* of the CPU structure, no global there: ldenv, stenv */

typedef struct RigEnv {
    uint64_t x[8];
    uint32_t w[4];
    uint32_t nzcv, spare;
    uint64_t d[4]; /* f64 */
    uint32_t s[4]; /* f32 */
    V128 v[6];
    uint64_t pc;
    V128 raw[RIG_RAW_BYTES / 16];
    /* not compared */
    int32_t exit_request;
    uint8_t *bank, *bank_unpriv;
    struct Rig *rig;
} RigEnv;

/* How to run a program. */
typedef struct RigMode {
    const char *name;
    bool interpreter;
    unsigned passes; /* TCG_PASS_* */
    bool no_tlb;     /* all accesses take the slow path */
    bool no_avx2, no_bmi, no_fma;
    uint32_t without; /* TCG_NO_* */
} RigMode;

/* What a run left behind. Flags in env.nzcv are masked, the fields that are not compared zero. */
typedef struct RigResult {
    RigEnv env;
    uint8_t memory[RIG_PAGES << RIG_PAGE_BITS];
    uint64_t trace; /* hash of helper arguments and slow accesses, in order, with state */
    IrExitReason reason;
    Vaddr slot_pc;  /* of the exit's slot, 0: none */
    int fp_flags;   /* sticky exceptions, as of fetestexcept() */
} RigResult;

typedef struct Rig Rig;

extern const IrGlobals rig_globals;
extern const IrHelper *const rig_helpers[]; /* ends with NULL */
extern const RigMode rig_reference;         /* interpreter, no passes */

Rig *rig_create(void);
void rig_destroy(Rig *rig);

/* Run the program `text` (the unit is not changed: it is printed and parsed) with an initial
 * state made from `seed`. False with a message when it does not parse or verify. */
bool rig_run(Rig *rig, const char *text, uint64_t seed, const RigMode *mode, RigResult *out,
             Error **err) MUST_CHECK;

/* Where two results differ, as text to free(); NULL when they agree. */
char *rig_difference(const RigResult *a, const RigResult *b);

/* ir_print() into a string to free(). */
char *rig_text(const IrUnit *u);

/* A stream of pseudo-random numbers (splitmix64). */
uint64_t rig_random(uint64_t *state);

#endif
