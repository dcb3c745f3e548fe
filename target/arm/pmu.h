// SPDX-License-Identifier: MIT
//
// The Performance Monitors Extension, PMUv3 (Arm ARM D13): six event counters and the cycle
// counter. Everything runs on the vCPU's own thread.
//
// Translated code counts instructions and branches, in units of a mode of their own (UNIT_PMU), and
// only while a counter wants them at the current level; pmu.c shares them out among the counters
// when somebody looks, when the level changes, and when a counter is due to overflow.
#ifndef TARGET_ARM_PMU_H
#define TARGET_ARM_PMU_H

#include "target/arm/cpu.h"

/* Registers, as SysReg.index; those of one counter have its number added. */
enum {
    PMU_PMCR, PMU_PMCNTENSET, PMU_PMCNTENCLR, PMU_PMOVSCLR, PMU_PMOVSSET, PMU_PMINTENSET,
    PMU_PMINTENCLR, PMU_PMSELR, PMU_PMSWINC, PMU_PMCEID0, PMU_PMCEID1, PMU_PMUSERENR,
    PMU_PMXEVCNTR, PMU_PMXEVTYPER, PMU_PMMIR,
    PMU_PMEVCNTR = 0x20,  /* PMCCNTR is number ARM_PMU_CYCLES */
    PMU_PMEVTYPER = 0x40, /* and PMCCFILTR */
};

/* Events, D13.11.3; those that code reports. */
enum {
    PMU_SW_INCR = 0x00, PMU_L1I_TLB_REFILL = 0x02, PMU_L1D_TLB_REFILL = 0x05,
    PMU_INST_RETIRED = 0x08, PMU_EXC_TAKEN = 0x09, PMU_EXC_RETURN = 0x0a,
    PMU_CID_WRITE_RETIRED = 0x0b, PMU_CPU_CYCLES = 0x11, PMU_TTBR_WRITE_RETIRED = 0x1c,
    PMU_CHAIN = 0x1e, PMU_BR_RETIRED = 0x21,
};

void arm_pmu_reset(ArmCpu *cpu);
uint64_t arm_pmu_read(ArmCpu *cpu, unsigned reg);
void arm_pmu_write(ArmCpu *cpu, unsigned reg, uint64_t value);
/* PMUSERENR_EL0 about an access from EL0. */
bool arm_pmu_allowed(const ArmCpu *cpu, unsigned reg, bool is_read);

/* Whether translated code has to count at the current level. */
static inline bool arm_pmu_counts_code(const ArmCpu *cpu)
{
    return cpu->pmu.code_levels >> cpu->el & 1;
}

/* Share out what was counted since the last time. Before the level changes, and when pmu.insns has
 * reached pmu.limit. */
void arm_pmu_fold(ArmCpu *cpu);
/* The level has changed: when is the next overflow due? */
void arm_pmu_set_limit(ArmCpu *cpu);
/* `event` happened. */
void arm_pmu_count(ArmCpu *cpu, unsigned event);

static inline void arm_pmu_event(ArmCpu *cpu, unsigned event)
{
    if (cpu->pmu.active)
        arm_pmu_count(cpu, event);
}

#endif
