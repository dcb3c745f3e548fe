// SPDX-License-Identifier: MIT
//
// Functions that translated code calls (helpers.c), as the translators see them.
#ifndef TARGET_ARM_HELPERS_H
#define TARGET_ARM_HELPERS_H

#include "tcg/ir.h"

/* Synchronous exception with the given ESR_EL1; does not return. */
extern const IrHelper helper_raise;
/* SVC; returns the vector's address. */
extern const IrHelper helper_svc;
/* HLT #0xF000 where semihosting is on. */
extern const IrHelper helper_semihost;
/* HVC, SMC: the board's conduit, or UNDEFINED. */
extern const IrHelper helper_hvc, helper_smc;
/* A breakpoint may match at this instruction: raises if one does. */
extern const IrHelper helper_breakpoint;
/* An access from EL0 to the register with this table index, whose trap has this ESR_EL1: raises if
 * it is not allowed. */
extern const IrHelper helper_el0_check;
/* pmu.insns has reached pmu.limit. */
extern const IrHelper helper_pmu_fold;
/* ERET to an address; returns where to go. */
extern const IrHelper helper_eret;
/* System registers by table index (sysregs.h); may trap. */
extern const IrHelper helper_sysreg_read, helper_sysreg_write;
/* MSR SPSel, MSR PAN with the immediate. */
extern const IrHelper helper_set_spsel, helper_set_pan;
/* DC by virtual address: faults as the access would. */
extern const IrHelper helper_maintain;
/* AT: (sysreg index, address). */
extern const IrHelper helper_at;
/* TLBI: (sysreg index, operand). */
extern const IrHelper helper_tlbi;
/* DSB after a broadcast TLBI. */
extern const IrHelper helper_dsb_wait;
extern const IrHelper helper_send_event;
/* RNDR, RNDRRS; sets the flags. */
extern const IrHelper helper_random;
/* CNTVCT_EL0, CNTPCT_EL0. */
extern const IrHelper helper_counter;
extern const IrHelper helper_fpcr_write, helper_fpsr_read, helper_fpsr_write;
/* After a change of anything that selects the bank: TTBRn. */
extern const IrHelper helper_update_banks;

/* All of the above; ends with NULL (for the IR's text form). */
extern const IrHelper *const arm_helpers[];

#endif
