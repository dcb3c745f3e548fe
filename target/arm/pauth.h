// SPDX-License-Identifier: MIT
//
// Pointer authentication (Arm ARM D8.8; pseudocode AddPAC, Auth, Strip, ComputePAC in J1.1).
#ifndef TARGET_ARM_PAUTH_H
#define TARGET_ARM_PAUTH_H

#include "target/arm/cpu.h"
#include "tcg/ir.h"

/* What to do: a key, and for authentication PAUTH_AUTH; PAUTH_COMBINED when it is part of a branch
 * or load, which decides whether a failure is an exception. */
enum {
    PAUTH_IA, PAUTH_IB, PAUTH_DA, PAUTH_DB, PAUTH_GA, PAUTH_KEY = 7,
    PAUTH_AUTH = 1 << 3, PAUTH_COMBINED = 1 << 4,
};

/* QARMA-64 of `data` under the tweak `modifier` as ComputePAC uses it: `rounds` is 5 with the
 * S-box sigma 2, or 3 with the S-box sigma 1. */
uint64_t pauth_qarma(uint64_t data, uint64_t modifier, uint64_t key_hi, uint64_t key_lo,
                     unsigned rounds, bool sigma1);

/* To be called when TCR_EL1 changed: ArmCpu.pac_field. */
void arm_pauth_layout(ArmCpu *cpu);

/* (PAUTH_*, pointer, modifier): the pointer signed or authenticated, or with PAUTH_GA the code in
 * the upper half. helper_pauth_strict is for authentication that may raise an exception (FPAC). */
extern const IrHelper helper_pauth, helper_pauth_strict;

#endif
