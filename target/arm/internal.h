// SPDX-License-Identifier: MIT
//
// What the files of the Arm CPU share besides translation (translate.h): models, exceptions, the
// MMU, timers. Everything runs on the vCPU's own thread unless said otherwise.
#ifndef TARGET_ARM_INTERNAL_H
#define TARGET_ARM_INTERNAL_H

#include "target/arm/cpu.h"
#include "target/arm/cpu-features.h"
#include "util/bitops.h"

/* ---- models (models.c) ------------------------------------------------------------------ */

/* Whose IMPLEMENTATION DEFINED registers there are; ARM_FAMILY_NONE also marks `max`. */
typedef enum ArmFamily { ARM_FAMILY_NONE, ARM_FAMILY_A53, ARM_FAMILY_A76 } ArmFamily;

struct ArmModel {
    const char *name, *compatible;
    ArmFamily family;
    uint64_t midr, revidr;
    /* a row of cpu-features.c names one of these by its offset */
    uint64_t id_aa64pfr0, id_aa64pfr1, id_aa64dfr0, id_aa64dfr1;
    uint64_t id_aa64isar0, id_aa64isar1, id_aa64isar2, id_aa64mmfr0, id_aa64mmfr1, id_aa64mmfr2;
    uint64_t ctr, clidr, dczid;
    uint64_t sctlr; /* reset value */
    uint64_t ccsidr[3]; /* L1D, L1I, L2 */
    uint64_t pmcr; /* PMCR_EL0 at reset: implementer, code, number of counters */
    /* derived from the ID registers */
    bool has[ARM_FEAT_COUNT];
    uint64_t decode_features; /* bit A64Feature */
};

/* Parses "max,lse=off"; arm_model_create() is the same on the heap. */
bool arm_model_parse(const char *spec, ArmModel *m, Error **err);
ArmModel *arm_model_create(const char *spec, Error **err);

static inline bool arm_has(const ArmCpu *cpu, ArmFeature feature)
{
    return cpu->model->has[feature];
}

static inline unsigned arm_id_field(uint64_t id_register, unsigned lsb)
{
    return id_register >> lsb & 15;
}

/* ---- PSTATE and exceptions (exceptions.c); Arm ARM D1.3, D24.2.36 (ESR_ELx) --------------- */

/* Exception classes, ESR_ELx.EC. */
enum {
    EC_UNKNOWN = 0x00, EC_WFX = 0x01, EC_FP_TRAP = 0x07, EC_BRANCH_TARGET = 0x0d,
    EC_ILLEGAL = 0x0e, EC_SVC64 = 0x15, EC_HVC64 = 0x16, EC_SMC64 = 0x17, EC_SYSREG = 0x18,
    EC_FPAC = 0x1c, EC_INSN_ABORT_LOWER = 0x20,
    EC_INSN_ABORT = 0x21, EC_PC_ALIGN = 0x22, EC_DATA_ABORT_LOWER = 0x24, EC_DATA_ABORT = 0x25,
    EC_SP_ALIGN = 0x26, EC_FP_EXCEPTION = 0x2c, EC_BREAKPOINT_LOWER = 0x30,
    EC_BREAKPOINT = 0x31, EC_STEP_LOWER = 0x32, EC_STEP = 0x33, EC_WATCHPOINT_LOWER = 0x34,
    EC_WATCHPOINT = 0x35, EC_BRK64 = 0x3c,
};
#define ESR_IL (1u << 25) /* a 32-bit instruction */
#define ESR(ec, iss) ((uint32_t)(ec) << 26 | ESR_IL | (iss))

/* Syndromes of trapped instructions: no condition to speak of; MRS, MSR and SYS. */
#define ISS_CV_AL 0x1e00000u
#define ISS_SYSREG(op0, op1, crn, crm, op2, rt, is_read) \
    ((uint32_t)((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (rt) << 5 | (crm) << 1 | \
                (is_read)))
#define ISS_SYSREG_READ 1u
/* Of data aborts. */
enum { ISS_WNR = 1 << 6, ISS_CM = 1 << 8 };
/* Of software step exceptions. */
enum { ISS_STEP_EX = 1 << 6, ISS_STEP_ISV = 1 << 24 };

/* Fault status codes, DFSC and IFSC; the level is added where there is one. */
enum {
    FSC_ADDRESS_SIZE = 0x00, FSC_TRANSLATION = 0x04, FSC_ACCESS_FLAG = 0x08,
    FSC_PERMISSION = 0x0c, FSC_EXTERNAL = 0x10, FSC_EXTERNAL_WALK = 0x14, FSC_ALIGNMENT = 0x21,
    FSC_DEBUG = 0x22, FSC_ATOMIC_UPDATE = 0x31,
};

/* SPSR_EL1 layout of what PSTATE holds now, and back (NZCV included). */
uint64_t arm_pstate_get(const ArmCpu *cpu);
/* Sets all of PSTATE, banks SP. `spsr` must be a legal AArch64 state of EL0 or EL1. */
void arm_pstate_set(ArmCpu *cpu, uint64_t spsr);
/* PSTATE.SP written by MSR SPSel. */
void arm_spsel_set(ArmCpu *cpu, uint32_t spsel);
/* Where SP of a level is now. */
uint64_t *arm_sp_of(ArmCpu *cpu, unsigned el);
/* N Z C V in bits 31..28 from the IR's flags form, and back. */
uint32_t arm_nzcv_pack(uint32_t flags);
uint32_t arm_nzcv_unpack(uint32_t nzcv);

/* Leave a synchronous exception for deliver(): taken to EL1, to be returned to at the current pc
 * (or behind it: pass the address). Does not unwind. */
void arm_raise(ArmCpu *cpu, uint32_t esr, Vaddr return_pc);
void arm_raise_far(ArmCpu *cpu, uint32_t esr, Vaddr far, Vaddr return_pc);
/* The same from a helper, which does not return. */
void arm_raise_exit(ArmCpu *cpu, uint32_t esr, Vaddr return_pc) __attribute__((noreturn));
/* A data abort that a helper found (cache maintenance, AT, DC ZVA). Does not return. `iss_extra`:
 * WnR (bit 6), CM (bit 8). */
void arm_raise_data_abort_exit(ArmCpu *cpu, Vaddr va, uint32_t fsc, uint32_t iss_extra)
    __attribute__((noreturn));

/* ERET: PSTATE from SPSR_EL1, pc as given (ELR_EL1), illegal returns set PSTATE.IL. Opens the local
 * monitor, selects banks anew. */
void arm_exception_return(ArmCpu *cpu, Vaddr target);

void arm_deliver(VCPU *vcpu);
bool arm_interrupt_ready(VCPU *vcpu);
void arm_take_interrupt(VCPU *vcpu);
bool arm_has_work(VCPU *vcpu);

/* ---- control bits ------------------------------------------------------------------------ */

enum { /* SCTLR_EL1, D24.2.119 */
    SCTLR_M = 1 << 0, SCTLR_A = 1 << 1, SCTLR_SA = 1 << 3, SCTLR_SA0 = 1 << 4,
    SCTLR_UMA = 1 << 9, SCTLR_ENRCTX = 1 << 10, SCTLR_ENDB = 1 << 13, SCTLR_DZE = 1 << 14, SCTLR_UCT = 1 << 15,
    SCTLR_NTWI = 1 << 16, SCTLR_NTWE = 1 << 18, SCTLR_WXN = 1 << 19, SCTLR_TSCXT = 1 << 20, SCTLR_SPAN = 1 << 23,
    SCTLR_E0E = 1 << 24, SCTLR_EE = 1 << 25, SCTLR_UCI = 1 << 26, SCTLR_ENDA = 1 << 27,
    SCTLR_ENIB = 1 << 30,
};
#define SCTLR_EPAN (UINT64_C(1) << 57)
#define SCTLR_ENIA BIT(31)
#define SCTLR_BT0 BIT(35)
#define SCTLR_DSSBS BIT(44)
#define SCTLR_BT1 BIT(36)
enum { MDSCR_SS = 1 << 0, MDSCR_TDCC = 1 << 12, MDSCR_KDE = 1 << 13, MDSCR_MDE = 1 << 15 };
enum { OSLSR_LOCKED = 1 << 1, OSLSR_IMPLEMENTED = 1 << 3 };
enum { DAIF_D = 1 << 9 };

/* ---- MMU (mmu.c); Arm ARM D8 -------------------------------------------------------------- */

bool arm_walk(VCPU *vcpu, Vaddr va, MmuAccess access, bool unprivileged, TlbFill *fill);
Vaddr arm_canonical(VCPU *vcpu, Vaddr va);
void arm_raise_mmu(VCPU *vcpu, Vaddr va, MmuAccess access, bool unprivileged, MmuError error);
void arm_bank_key(VCPU *vcpu, bool unprivileged, TlbKey *key);
bool arm_debug_translate(VCPU *vcpu, Vaddr va, Hwaddr *gpa);
/* To be called when TTBRn_EL1 was written with another ASID. */
void arm_asid_changed(ArmCpu *cpu);
/* `pc` without the top byte that fetches ignore. */
Vaddr arm_canonical_pc(ArmCpu *cpu, Vaddr pc);
/* AT S1E1R and the like: PAR_EL1 gets the result. From a helper: external aborts are raised. */
enum { AT_WRITE = 1 << 0, AT_EL0 = 1 << 1, AT_PAN = 1 << 2 };
void arm_address_translate(ArmCpu *cpu, Vaddr va, unsigned op);
/* TLBI of one CPU or all; `op` is op2 of the instruction, with ARM_TLBI_RANGE for those by range;
 * `operand` is Xt. */
#define ARM_TLBI_RANGE 8
void arm_tlbi(ArmCpu *cpu, unsigned op, bool broadcast, uint64_t operand);
/* DC and IC by address: false if they fault, with walk_fsc set. `write`: they need the right to. */
bool arm_may_maintain(ArmCpu *cpu, Vaddr va, bool write);
/* The ASID that tags translations now (TCR_EL1.A1, AS). */
uint32_t arm_asid(const ArmCpu *cpu);

/* ---- self-hosted debug (debug.c); Arm ARM D2 ---------------------------------------------- */

unsigned arm_breakpoint_count(const ArmCpu *cpu);
unsigned arm_watchpoint_count(const ArmCpu *cpu);
/* Whether debug exceptions but that of BRK are taken from `el` with these masks. */
bool arm_debug_enabled(const ArmCpu *cpu, uint32_t el, uint64_t daif);
/* The same of software step exceptions (D2.11), and the syndrome that one taken now has. */
bool arm_step_enabled(const ArmCpu *cpu, uint32_t el, uint64_t daif);
uint32_t arm_step_esr(const ArmCpu *cpu);
/* Whether a breakpoint may match here and now: code has to call arm_check_breakpoints() before
 * each instruction whose place is in breakpoint_places. From a helper; raises. */
bool arm_breakpoints_active(const ArmCpu *cpu);
void arm_check_breakpoints(ArmCpu *cpu);
/* After a write of DBGB*_EL1, and of DBGW*_EL1. */
void arm_breakpoints_changed(ArmCpu *cpu);
void arm_watchpoints_changed(ArmCpu *cpu);
bool arm_page_watched(VCPU *vcpu, Vaddr va);
bool arm_watch_hit(VCPU *vcpu, const WatchAccess *access);

/* ---- timers (timers.c); Arm ARM D12 ------------------------------------------------------- */

#define ARM_CNTFRQ_HZ UINT64_C(62500000)

bool arm_timers_create(ArmCpu *cpu, Error **err);
void arm_timers_destroy(ArmCpu *cpu);
void arm_timers_reset(ArmCpu *cpu);
uint64_t arm_count(const ArmCpu *cpu); /* CNTPCT_EL0 = CNTVCT_EL0 */
uint64_t arm_timer_read_ctl(ArmCpu *cpu, ArmTimerId id); /* with ISTATUS */
void arm_timer_write_ctl(ArmCpu *cpu, ArmTimerId id, uint64_t value);
uint64_t arm_timer_read_cval(ArmCpu *cpu, ArmTimerId id);
void arm_timer_write_cval(ArmCpu *cpu, ArmTimerId id, uint64_t value);
uint64_t arm_timer_read_tval(ArmCpu *cpu, ArmTimerId id);
void arm_timer_write_tval(ArmCpu *cpu, ArmTimerId id, uint64_t value);

/* ---- events (events.c); Arm ARM D1.7.1 (WFE), D12.1.4 (event stream) ----------------------- */

/* SEV: set the event register of every CPU. */
void arm_send_event(ArmCpu *cpu);
/* WFE, outside translated code: returns at an event, and when anything else is to be done. */
void arm_wait_for_event(VCPU *vcpu);

/* ---- elsewhere ---------------------------------------------------------------------------- */

/* translate.c: CpuOps.translate and the mode bits that it depends on. */
void *arm_find_region(CodeRegion *source, Vaddr pc, uint64_t flags, uint32_t without);
void arm_translate_region(VCPU *vcpu, struct IrUnit *unit, void *plan, uint64_t flags);
void arm_translate(VCPU *vcpu, struct IrUnit *unit, Vaddr pc, uint64_t flags, const uint8_t *code,
                   uint32_t bytes, uint32_t max_insns);
uint64_t arm_unit_flags(VCPU *vcpu);

/* sysregs.c: reset values that are not 0. */
void arm_sysregs_reset(ArmCpu *cpu);

#endif
