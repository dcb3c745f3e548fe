// SPDX-License-Identifier: MIT
//
// The host's floating-point control register, seen as Arm sees it; one file per host. Exceptions
// are always masked and denormals never flushed: flushing is done by soft-float.
#ifndef TARGET_ARM_FP_HOST_H
#define TARGET_ARM_FP_HOST_H

#include <stdint.h>
#include "target/arm/fp-helpers.h"
#include "util/fpu/softfloat.h"

/* The sticky flags that are up now, as FP_FLAG_* (never INPUT_DENORMAL). */
unsigned arm_fp_host_flags(void);
/* Those in a saved content of the register (VCPU.guest_mxcsr). */
unsigned arm_fp_host_flags_of(uint32_t saved);
void arm_fp_host_clear_flags(void);
/* The mode of the guest's inline instructions from now on. */
void arm_fp_host_set_rounding(FpRounding mode);
/* What the register holds when the guest's FPCR and FPSR are zero. */
uint32_t arm_fp_host_reset_value(void);
/* Exchange the register for a saved content; returns what it held. */
uint32_t arm_fp_host_exchange(uint32_t saved);

/* The low `lanes` (1..8) half-precision lanes of `op` on v[0], v[1] and v[2], others zero, raising its
 * flags in the register. False, with nothing done: the host cannot, or an operand or a result is not
 * ordinary (fp-fast.c). */
bool arm_fp_host_half(ArmFpOp op, unsigned lanes, const V128 v[3], V128 *r);
/* The low `lanes` (1..4) singles of `v` to half precision, likewise. */
bool arm_fp_host_to_half(unsigned lanes, const V128 *v, V128 *r);

#endif
