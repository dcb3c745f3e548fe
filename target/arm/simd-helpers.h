// SPDX-License-Identifier: MIT
//
// Vector instructions out of line that are no lane-by-lane floating point: SM4, and BFloat16
// products with their own rounding. For simd_helper().
#ifndef TARGET_ARM_SIMD_HELPERS_H
#define TARGET_ARM_SIMD_HELPERS_H

#include "tcg/ir.h"

/* What arm_sm4 is told. */
enum {
    ARM_SM4_ROUNDS, /* SM4E: operands Vd, Vn (round keys) */
    ARM_SM4_KEYS,   /* SM4EKEY: operands Vn, Vm (constants) */
};
extern const IrHelper arm_sm4;

/* What the others are told: lanes of 4 bytes of the result. Operands: Vn, Vm, Vd. */
extern const IrHelper arm_bfdot;
extern const IrHelper arm_bfmmla;

#endif
