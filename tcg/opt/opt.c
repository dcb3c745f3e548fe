// SPDX-License-Identifier: MIT
//
// The passes in order. Builds with assertions of the debug kind (buildtype debug) verify the unit
// after each.
#include <assert.h>
#include <stdio.h>
#include "tcg/opt/opt.h"

#ifdef __OPTIMIZE__
#define VERIFY_PASSES 0
#else
#define VERIFY_PASSES 1
#endif

static void check(const IrUnit *u, const char *pass)
{
    Error *err = NULL;
    if (VERIFY_PASSES && !ir_verify(u, &err)) {
        fprintf(stderr, "after pass %s: %s\n", pass, error_text(err));
        ir_print(u, stderr);
        assert(!"the pass made an invalid unit");
    }
}

unsigned tcg_passes(uint32_t without)
{
    return TCG_PASS_ALL & ~((without & TCG_NO_FORWARDING ? (unsigned)TCG_PASS_COPY : 0) |
                            (without & TCG_NO_FOLDING ? (unsigned)TCG_PASS_FOLD : 0) |
                            (without & TCG_NO_JOINING ? (unsigned)TCG_PASS_JOIN : 0) |
                            (without & TCG_NO_DEAD ? (unsigned)TCG_PASS_DEAD : 0));
}

void tcg_optimise(IrUnit *u, unsigned passes)
{
    check(u, "none");
    if (passes & (TCG_PASS_COPY | TCG_PASS_FOLD)) {
        opt_forward(u, passes, NULL);
        check(u, "forward");
    }
    if (passes & TCG_PASS_JOIN) {
        opt_join(u);
        check(u, "join");
    }
    if (passes & TCG_PASS_DEAD) {
        opt_dead(u);
        check(u, "dead");
    }
}
