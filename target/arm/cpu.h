// SPDX-License-Identifier: MIT
//
// The Arm CPU: architectural state (Arm ARM DDI 0487), and what boards connect to it.
//
// `regs` comes first so that X0-X30 lie in the first 256 bytes, which translated code reaches by
// short displacements. Everything named in arm_globals[] is held in host registers by translated
// code; other fields are read and written by helpers, and by ldenv/stenv.
#ifndef TARGET_ARM_CPU_H
#define TARGET_ARM_CPU_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hw/core/irq.h"
#include "softmmu/vcpu.h"
#include "util/types.h"

/* Input lines of a CPU, for ArmCpu.irq_in. */
typedef enum ArmIrqInput { ARM_IRQ, ARM_FIQ, ARM_IRQ_INPUTS } ArmIrqInput;

/* Output lines: the generic timers, wired to PPIs by the board. */
typedef enum ArmTimerId {
    ARM_TIMER_PHYS,  /* CNTP: PPI 30 */
    ARM_TIMER_VIRT,  /* CNTV: PPI 27 */
    ARM_TIMER_COUNT
} ArmTimerId;

/* The state that FP helpers and system registers of an exception level share. */
typedef struct ArmException {
    uint32_t target_el;
    uint32_t vector_offset; /* 0 synchronous, 0x80 IRQ, 0x100 FIQ, 0x180 SError */
    uint64_t esr, far;
    bool far_valid;
    uint64_t return_pc;     /* preferred return address */
} ArmException;

typedef struct ArmTimer {
    pthread_mutex_t lock;   /* the vCPU's thread and the main loop both look */
    uint64_t cval, ctl;     /* CNTx_CVAL, CNTx_CTL (ENABLE, IMASK) */
    Timer timer;
    IrqLine out;
    struct ArmCpu *cpu;
} ArmTimer;

/* Performance monitors; contract in pmu.h. */
enum { ARM_PMU_CYCLES = 6 }; /* the number of the cycle counter, behind the others */
typedef struct ArmPmu {
    /* counted by translated code since the last arm_pmu_fold() */
    uint64_t insns, branches;
    uint64_t limit;       /* fold when insns gets there: an overflow is due */
    uint64_t count[ARM_PMU_CYCLES + 1], type[ARM_PMU_CYCLES + 1]; /* PMEVCNTR, PMEVTYPER */
    uint64_t pmcr, enabled, overflows, interrupts, selr, userenr;
    uint32_t cycles_rest; /* instructions that are no tick of PMCR_EL0.D yet */
    uint32_t code_levels; /* bit n: translated code counts at ELn */
    bool active;          /* something is counted */
    IrqLine out;          /* PPI 23 */
} ArmPmu;

/* The CPU interface of an interrupt controller that is reached by system registers (GICv3, Arm IHI
 * 0069 chapter 12.2). `reg` is the register's encoding, SYSREG_ID of target/arm/sysregs.h, among
 * those in its table; rights were checked. On the CPU's thread; reset also before it runs. */
typedef struct ArmGicOps {
    uint64_t (*read)(void *opaque, unsigned reg);
    void (*write)(void *opaque, unsigned reg, uint64_t value);
    void (*reset)(void *opaque);
} ArmGicOps;

typedef struct ArmCpu {
    /* globals of the IR */
    union {
    struct {
        uint64_t x[31];
        uint64_t sp;        /* of the current level and SPSel */
        uint64_t pc;
        uint32_t nzcv;      /* in the IR's flags form (tcg/ir.h) */
        uint32_t qc;        /* FPSR.QC: not 0 when saturation occurred */
        uint64_t excl_addr; /* local monitor: address, or all ones when open */
        uint64_t excl_lo, excl_hi; /* and the value that was loaded */
        V128 v[32];
    } regs;
    uint8_t env_space[VCPU_ENV_OFFSET];
    };
    VCPU vcpu; /* at VCPU_ENV_OFFSET in every CPU structure */

    /* PSTATE but NZCV */
    uint32_t el;      /* 0 or 1 */
    uint32_t spsel;
    uint32_t daif;    /* D A I F in bits 9..6, as in SPSR */
    uint32_t pan, uao, il, ss;
    uint32_t ssbs; /* as in SPSR: bit 12 */
    /* PSTATE.BTYPE, 1 to 3: this is the target of the last BR or BLR plus its type, or 0. Nobody
     * clears it when the target is reached: it says nothing about any other address. */
    uint64_t branch_record;

    uint64_t sp_el[2];
    uint64_t elr_el1, spsr_el1, esr_el1, far_el1, vbar_el1, par_el1;
    uint64_t afsr0_el1, afsr1_el1;
    uint64_t sctlr_el1, actlr_el1, cpacr_el1, tcr_el1, ttbr0_el1, ttbr1_el1;
    uint64_t mair_el1, amair_el1, contextidr_el1;
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1, scxtnum_el0, scxtnum_el1, disr_el1;
    uint64_t csselr_el1, cntkctl_el1, mdscr_el1;
    uint64_t dbgbvr[16], dbgbcr[16], dbgwvr[16], dbgwcr[16], oslsr_el1, osdlr_el1;
    uint64_t breakpoint_places; /* bit (pc >> 2 & 63): a breakpoint may match there */
    uint64_t dbgclaim_el1;
    /* Pointer authentication: the keys by PAUTH_IA and so on (pauth.h); which bits of an instruction
     * [0] or data address [1] hold the code, in the lower half, and what is different in the upper */
    struct { uint64_t lo, hi; } pac_key[5];
    struct { uint64_t lower, differ; } pac_field[2];
    uint32_t fpcr;
    uint32_t fpsr;    /* bits not held in guest_mxcsr and qc */
    uint32_t fp_soft; /* how many units are still to go through soft-float (translate.h) */
    V128 simd_scratch[3]; /* operands and result of vector helpers */

    ArmException exception; /* left by raise_* for deliver */
    uint32_t step_iss;      /* of a software step exception: how the last instruction was stepped */
    uint64_t user_flags;    /* mode bits when last at EL0: names the bank of LDTR and STTR */
    uint32_t tlbi_pending;  /* a broadcast TLBI is not known to be complete: DSB waits */
    uint32_t el1_local;     /* regimes (as in TlbKey, ASID_OF_EL1) that hold non-global entries */
    bool el1_by_asid;       /* banks of EL1 are tagged by ASID after all */
    uint32_t excl_bytes;    /* size of the access that set the local monitor */
    _Atomic uint32_t event; /* the event register; anybody sets it */
    atomic_bool event_awaited; /* the thread sleeps, or is about to, until `event` is set */
    uint64_t events_seen;   /* of the timer's event stream, at the last WFE */
    uint32_t walk_fsc;      /* why the last walk refused: fault status code as in ESR_ELx */
    ArmTimer timers[ARM_TIMER_COUNT];
    ArmPmu pmu;
    atomic_uint irq_levels; /* bit ArmIrqInput: level of the input line */
    uint64_t mpidr;
    struct ArmModel *model; /* this CPU's own copy */
    uint64_t cntfrq_el0; /* what software says the frequency is; it changes nothing */
    int64_t cnt_offset; /* CNTVOFF is 0 without EL2; kept for snapshots */

    /* PSCI conduits: the board's, called on HVC/SMC; state is exact, X0-X7 hold the
     * call. False: not handled, the instruction is UNDEFINED. */
    bool (*hvc)(struct ArmCpu *cpu, void *opaque);
    bool (*smc)(struct ArmCpu *cpu, void *opaque);
    void *conduit_opaque;

    /* Semihosting, or NULL: HLT #0xF000 is UNDEFINED, and at EL0 unless `semihost_el0`. State is
     * exact. False: not complete, the instruction is to be executed again. */
    bool (*semihost)(struct ArmCpu *cpu, void *opaque);
    void *semihost_opaque;
    bool semihost_el0;

    /* The board's, or NULL: ICC_*_EL1 are UNDEFINED and ID_AA64PFR0_EL1.GIC is 0. */
    const ArmGicOps *gic;
    void *gic_opaque;
} ArmCpu;
static_assert(offsetof(ArmCpu, vcpu) == VCPU_ENV_OFFSET, "engines find the VCPU here");

static inline ArmCpu *arm_cpu(VCPU *cpu)
{
    return (ArmCpu *)((char *)cpu - offsetof(ArmCpu, vcpu));
}

/* A CPU model: its ID registers announce only what is complete. */
typedef struct ArmModel ArmModel;
void arm_model_print_help(FILE *out); /* -cpu help */
/* -cpu MODEL,help: `spec` is a model, with features or without. */
bool arm_model_print_features(const char *spec, FILE *out, Error **err);

/* Create CPU number `index` of `model_spec`. Its input lines are arm_cpu_set_irq(). */
ArmCpu *arm_cpu_create(const char *model_spec, uint32_t index, MemorySpace *memory,
                       VirtClock *clock, RunState *run, Log *log, Error **err);
/* Listener for IrqLine: n is an ArmIrqInput, opaque the ArmCpu. Any thread. */
void arm_cpu_set_irq(void *opaque, unsigned n, bool level);
/* The device tree's "compatible" of the CPU node: "arm,cortex-a72" or "arm,armv8". */
const char *arm_cpu_compatible(const ArmCpu *cpu);
/* Whether it has performance monitors, whose output line is pmu.out. */
bool arm_cpu_has_pmu(const ArmCpu *cpu);
/* Power on at `entry` with X0 = `context` (PSCI CPU_ON): runs on the target's own thread. */
void arm_cpu_power_on(ArmCpu *cpu, uint64_t entry, uint64_t context);

extern const CpuOps arm_cpu_ops;

#endif
