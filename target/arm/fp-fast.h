// SPDX-License-Identifier: MIT
//
// Shortcuts past the soft-float of util/fpu for the helpers of fp-helpers.h.
#ifndef TARGET_ARM_FP_FAST_H
#define TARGET_ARM_FP_FAST_H

#include "target/arm/fp-helpers.h"

/* The operation of `d` by host arithmetic, if its operands are ordinary: then `*r` is what soft-float
 * would return, and flags are raised in the host's control register and in `s`. False, with
 * nothing done: it takes soft-float. The host's register must be the guest's (fp-helpers.h). */
bool arm_fp_fast(const ArmFpDesc *d, uint64_t a, uint64_t b, uint64_t c, FpStatus *s, uint64_t *r);

/* What ordinary operands of an operation on singles or doubles are: zeros, and numbers of at least
 * this biased exponent. Operations that have no bound of their own want no denormals. */
unsigned arm_fp_least_exponent(ArmFpOp op, unsigned esz);
/* Divisors besides are of this one at most, and not zero. */
unsigned arm_fp_most_divisor(unsigned esz);

#endif
