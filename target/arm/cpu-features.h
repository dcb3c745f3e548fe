// SPDX-License-Identifier: MIT
//
// The architectural features of the Arm CPU: one row each (cpu-features.c), which names the ID register
// field that announces the feature; whether a CPU has it is read off that field and nothing else.
//
// To add one: a number here, a row in cpu-features.c. `max` then has it, every other model has it
// if its true ID registers say so, `-cpu MODEL,NAME=off` takes it away, and the decoder
// (%feature sections), sysregs.c (.feature) and arm_has() heed it.
#ifndef TARGET_ARM_CPU_FEATURES_H
#define TARGET_ARM_CPU_FEATURES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "util/error.h"

struct ArmModel;

/* In the order of the ID registers: PFR0, PFR1, DFR0, ISAR0, ISAR1, MMFR1, MMFR2. */
typedef enum ArmFeature {
    ARM_FEAT_NONE, /* in tables: needs no feature */
    ARM_FEAT_FP16, ARM_FEAT_RAS, ARM_FEAT_CSV2, ARM_FEAT_CSV2_2,
    ARM_FEAT_CSV3, ARM_FEAT_BTI, ARM_FEAT_SSBS, ARM_FEAT_SSBS2,
    ARM_FEAT_PMU, ARM_FEAT_PMUV3P1,
    ARM_FEAT_AES, ARM_FEAT_PMULL, ARM_FEAT_SHA1, ARM_FEAT_SHA256, ARM_FEAT_SHA512,
    ARM_FEAT_CRC32, ARM_FEAT_LSE, ARM_FEAT_RDM, ARM_FEAT_SHA3, ARM_FEAT_SM3, ARM_FEAT_SM4,
    ARM_FEAT_DOTPROD, ARM_FEAT_FHM, ARM_FEAT_FLAGM, ARM_FEAT_FLAGM2,
    ARM_FEAT_TLBIOS, ARM_FEAT_TLBIRANGE, ARM_FEAT_RNG, ARM_FEAT_DPB, ARM_FEAT_DPB2,
    ARM_FEAT_PAUTH, ARM_FEAT_PAUTH2, ARM_FEAT_FPAC, ARM_FEAT_FPACCOMBINE,
    ARM_FEAT_PACQARMA5, ARM_FEAT_PACQARMA3,
    ARM_FEAT_JSCVT, ARM_FEAT_FCMA, ARM_FEAT_LRCPC, ARM_FEAT_LRCPC2, ARM_FEAT_FRINTTS, ARM_FEAT_SB,
    ARM_FEAT_SPECRES, ARM_FEAT_BF16, ARM_FEAT_DGH, ARM_FEAT_I8MM,
    ARM_FEAT_HAF, ARM_FEAT_HAFDBS, ARM_FEAT_HPDS, ARM_FEAT_HPDS2, ARM_FEAT_LOR,
    ARM_FEAT_PAN, ARM_FEAT_PAN2, ARM_FEAT_PAN3,
    ARM_FEAT_TTCNP, ARM_FEAT_UAO, ARM_FEAT_IESB, ARM_FEAT_TTST, ARM_FEAT_IDST, ARM_FEAT_TTL, ARM_FEAT_E0PD,
    ARM_FEAT_COUNT
} ArmFeature;

/* What the model's true ID registers announce and is not implemented here is taken back. To be
 * called once; then arm_features_settle(). */
void arm_features_clip(struct ArmModel *m);
/* Announce every feature there is. */
void arm_features_all(struct ArmModel *m);
/* "lse=off,pauth": switch features on and off with what they need and what needs them. Empty and
 * NULL are nothing. False: unknown, contradictory, or not implemented. */
bool arm_features_apply(struct ArmModel *m, const char *options, Error **err);
/* Derives ArmModel.has and .decode_features from the ID registers; the last step, done once. */
void arm_features_settle(struct ArmModel *m);
/* NAME=on|off of this model, a line each. */
void arm_features_print(const struct ArmModel *m, FILE *out);

#endif
