// SPDX-License-Identifier: MIT
//
// The table of system registers and system instructions; meaning of the columns in sysregs.h.
// Sources: Arm ARM DDI 0487 D13 (registers), C5.3 to C5.6 (DC, IC, AT, TLBI).
#include "target/arm/sysregs.h"

#include <string.h>
#include "target/arm/fp-helpers.h"
#include "target/arm/internal.h"
#include "target/arm/pauth.h"
#include "target/arm/pmu.h"
#include "target/arm/translate.h"
#include "util/bitops.h"

#define R3(op1, crn, crm, op2) .id = SYSREG_ID(3, op1, crn, crm, op2)
#define R2(op1, crn, crm, op2) .id = SYSREG_ID(2, op1, crn, crm, op2)
#define INSN(op1, crn, crm, op2) .id = SYSREG_ID(1, op1, crn, crm, op2)
#define AT64(field) .kind = SYSREG_STORAGE, .offset = offsetof(ArmCpu, field), .bytes = 8, \
                    .mask = UINT64_MAX
#define RW1 .access = SYSREG_RW1
#define RO1 .access = SYSREG_R1
#define WO1 .access = SYSREG_W1
#define RW01 .access = SYSREG_RW01
#define RO01 .access = SYSREG_R01
#define WO01 .access = SYSREG_W0 | SYSREG_W1
#define MODEL(field) .kind = SYSREG_MODEL, .offset = offsetof(ArmModel, field)
#define CONST(v) .kind = SYSREG_CONST, .reset = (v)
#define GIC .kind = SYSREG_HOOK, .flags = SYSREG_GIC, .read = read_gic, .write = write_gic
#define IGNORED .kind = SYSREG_CONST, .access = SYSREG_RW1
#define A53(name, ...) { name, R3(__VA_ARGS__), IGNORED, .family = ARM_FAMILY_A53 }
#define A76(name, ...) { name, R3(__VA_ARGS__), IGNORED, .family = ARM_FAMILY_A76 }

/* ---- hooks -------------------------------------------------------------------------------- */

/* Storage is 4 or 8 bytes wide; hosts are little-endian. */
static uint64_t storage_get(const ArmCpu *cpu, const SysReg *r)
{
    uint64_t v = 0;
    memcpy(&v, (const char *)cpu + r->offset, r->bytes);
    return v;
}

static void storage_put(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    memcpy((char *)cpu + r->offset, &v, r->bytes);
}

static void write_sctlr(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    uint64_t old = cpu->sctlr_el1;
    cpu->sctlr_el1 = v;
    if ((old ^ v) & (SCTLR_M | SCTLR_WXN | SCTLR_EPAN))
        tlb_flush_all(cpu->vcpu.tlb);
}

static void write_tcr(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    uint64_t old = cpu->tcr_el1;
    cpu->tcr_el1 = v;
    arm_pauth_layout(cpu);
    if (old != v)
        tlb_flush_all(cpu->vcpu.tlb);
}

/* Storage whose bits only select mode or bank: SYSREG_MODE does the rest. */
static void write_plain(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    storage_put(cpu, r, v);
}

static void write_ttbr(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    uint32_t asid = arm_asid(cpu);
    storage_put(cpu, r, v);
    arm_pmu_event(cpu, PMU_TTBR_WRITE_RETIRED);
    if (arm_asid(cpu) != asid)
        arm_asid_changed(cpu);
}

static uint64_t read_ccsidr(ArmCpu *cpu, const SysReg *r)
{
    switch (cpu->csselr_el1) {
    case 0: return cpu->model->ccsidr[0];
    case 1: return cpu->model->ccsidr[1];
    case 2: return cpu->model->ccsidr[2];
    default: return 0;
    }
}

static uint64_t read_isr(ArmCpu *cpu, const SysReg *r)
{
    unsigned levels = atomic_load(&cpu->irq_levels);
    return (levels & 1u << ARM_IRQ ? 1 << 7 : 0) | (levels & 1u << ARM_FIQ ? 1 << 6 : 0);
}

#define PFR0_GIC (UINT64_C(1) << 24)

static uint64_t read_pfr0(ArmCpu *cpu, const SysReg *r)
{
    return cpu->model->id_aa64pfr0 | (cpu->gic ? PFR0_GIC : 0);
}

static uint64_t read_gic(ArmCpu *cpu, const SysReg *r)
{
    return cpu->gic->read(cpu->gic_opaque, r->id);
}

static void write_gic(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    cpu->gic->write(cpu->gic_opaque, r->id, v);
}

static uint64_t read_uao(ArmCpu *cpu, const SysReg *r)
{
    return cpu->uao ? 1 << 23 : 0;
}

static void write_uao(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    cpu->uao = v >> 23 & 1;
}

static bool may_restrict_speculation(const ArmCpu *cpu, const SysReg *r, bool is_read)
{
    return cpu->sctlr_el1 & SCTLR_ENRCTX;
}

static bool may_number_context(const ArmCpu *cpu, const SysReg *r, bool is_read)
{
    return !(cpu->sctlr_el1 & SCTLR_TSCXT);
}

static uint64_t read_pan(ArmCpu *cpu, const SysReg *r)
{
    return cpu->pan ? 1 << 22 : 0;
}

static void write_pan(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    cpu->pan = v >> 22 & 1;
}

static void write_breakpoint(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    storage_put(cpu, r, v);
    arm_breakpoints_changed(cpu);
}

static void write_watchpoint(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    storage_put(cpu, r, v);
    arm_watchpoints_changed(cpu);
}

#define CLAIM_TAGS 0xff

static uint64_t read_claim(ArmCpu *cpu, const SysReg *r)
{
    return cpu->dbgclaim_el1;
}

static void set_claim(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    cpu->dbgclaim_el1 |= v & CLAIM_TAGS;
}

static void clear_claim(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    cpu->dbgclaim_el1 &= ~v;
}

static uint64_t read_pmu(ArmCpu *cpu, const SysReg *r)
{
    return arm_pmu_read(cpu, r->index);
}

static void write_pmu(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    arm_pmu_write(cpu, r->index, v);
}

static bool pmu_allowed(const ArmCpu *cpu, const SysReg *r, bool is_read)
{
    return arm_pmu_allowed(cpu, r->index, is_read);
}

static void write_contextidr(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    cpu->contextidr_el1 = v;
    arm_pmu_event(cpu, PMU_CID_WRITE_RETIRED);
}

static bool dcc_allowed(const ArmCpu *cpu, const SysReg *r, bool is_read)
{
    return !(cpu->mdscr_el1 & MDSCR_TDCC);
}

static void write_oslar(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    cpu->oslsr_el1 = OSLSR_IMPLEMENTED | (v & 1 ? OSLSR_LOCKED : 0);
}

static uint64_t read_counter(ArmCpu *cpu, const SysReg *r)
{
    return arm_count(cpu);
}

enum { TIMER_TVAL, TIMER_CTL, TIMER_CVAL };

static uint64_t read_timer(ArmCpu *cpu, const SysReg *r)
{
    ArmTimerId id = r->index >> 2;
    switch (r->index & 3) {
    case TIMER_TVAL: return arm_timer_read_tval(cpu, id);
    case TIMER_CTL: return arm_timer_read_ctl(cpu, id);
    default: return arm_timer_read_cval(cpu, id);
    }
}

static void write_timer(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    ArmTimerId id = r->index >> 2;
    switch (r->index & 3) {
    case TIMER_TVAL: arm_timer_write_tval(cpu, id, v); break;
    case TIMER_CTL: arm_timer_write_ctl(cpu, id, v); break;
    default: arm_timer_write_cval(cpu, id, v); break;
    }
}

#define TIMER(timer, reg) .kind = SYSREG_HOOK, .index = (timer) << 2 | (reg), \
                          .read = read_timer, .write = write_timer

/* ---- breakpoints and watchpoints: as many as ID_AA64DFR0_EL1 says --------------------------- */

#define DEBUG_AT(field, n, bits, hook) \
    .kind = SYSREG_STORAGE, .offset = offsetof(ArmCpu, field[n]), .bytes = 8, .mask = (bits), \
    .write = (hook), .index = (n), .flags = SYSREG_MODE
#define BREAKPOINT(n) \
    { "DBGBVR" #n "_EL1", R2(0, 0, n, 4), RW1, \
      DEBUG_AT(dbgbvr, n, UINT64_MAX, write_breakpoint) }, \
    { "DBGBCR" #n "_EL1", R2(0, 0, n, 5), RW1, DEBUG_AT(dbgbcr, n, 0xffe1e7, write_breakpoint) }
#define WATCHPOINT(n) \
    { "DBGWVR" #n "_EL1", R2(0, 0, n, 6), RW1, \
      DEBUG_AT(dbgwvr, n, ~UINT64_C(3), write_watchpoint) }, \
    { "DBGWCR" #n "_EL1", R2(0, 0, n, 7), RW1, DEBUG_AT(dbgwcr, n, 0x1f1fffff, write_watchpoint) }

/* ---- performance monitors ------------------------------------------------------------------- */

#define PMU(reg) \
    .kind = SYSREG_HOOK, .index = (reg), .feature = ARM_FEAT_PMU, .read = read_pmu, \
    .write = write_pmu, .el0_allowed = pmu_allowed, .flags = SYSREG_MODE
#define EVENT_COUNTER(n) \
    { "PMEVCNTR" #n "_EL0", R3(3, 14, 8, n), RW01, PMU(PMU_PMEVCNTR + (n)) }, \
    { "PMEVTYPER" #n "_EL0", R3(3, 14, 12, n), RW01, PMU(PMU_PMEVTYPER + (n)) }

#define TLBI(op, crm, op2) { "TLBI " op, INSN(0, 8, crm, op2), WO1, .kind = SYSREG_TLBI, \
                             .index = (op2) | ((crm) == 3 ? SYSREG_BROADCAST : 0) }
/* The outer shareable domain holds the same CPUs as the inner one. */
#define TLBI_OS(op, op2) \
    { "TLBI " op, INSN(0, 8, 1, op2), WO1, .kind = SYSREG_TLBI, \
      .index = (op2) | SYSREG_BROADCAST, .feature = ARM_FEAT_TLBIOS }
#define TLBI_RANGE(op, crm, op2) \
    { "TLBI " op, INSN(0, 8, crm, op2), WO1, .kind = SYSREG_TLBI, \
      .index = (op2) | ARM_TLBI_RANGE | ((crm) == 6 ? 0 : SYSREG_BROADCAST), \
      .feature = ARM_FEAT_TLBIRANGE }

#define PAC_KEY(name, key, crm, op2) \
    { name "KeyLo_EL1", R3(0, 2, crm, op2), RW1, AT64(pac_key[key].lo), \
      .feature = ARM_FEAT_PAUTH }, \
    { name "KeyHi_EL1", R3(0, 2, crm, (op2) + 1), RW1, AT64(pac_key[key].hi), \
      .feature = ARM_FEAT_PAUTH }

#define RESTRICTION(name, op2) \
    { name " RCTX", INSN(3, 7, 3, op2), WO01, .kind = SYSREG_NOP, .feature = ARM_FEAT_SPECRES, \
      .el0_allowed = may_restrict_speculation }

static const SysReg table[] = {
    /* identification */
    { "MIDR_EL1", R3(0, 0, 0, 0), RO1, MODEL(midr) },
    { "MPIDR_EL1", R3(0, 0, 0, 5), RO1, AT64(mpidr) },
    { "REVIDR_EL1", R3(0, 0, 0, 6), RO1, MODEL(revidr) },
    { "ID_AA64PFR0_EL1", R3(0, 0, 4, 0), RO1, .kind = SYSREG_HOOK,
      .read = read_pfr0 },
    { "ID_AA64PFR1_EL1", R3(0, 0, 4, 1), RO1, MODEL(id_aa64pfr1) },
    { "ID_AA64DFR0_EL1", R3(0, 0, 5, 0), RO1, MODEL(id_aa64dfr0) },
    { "ID_AA64ISAR0_EL1", R3(0, 0, 6, 0), RO1, MODEL(id_aa64isar0) },
    { "ID_AA64ISAR1_EL1", R3(0, 0, 6, 1), RO1, MODEL(id_aa64isar1) },
    { "ID_AA64ISAR2_EL1", R3(0, 0, 6, 2), RO1, MODEL(id_aa64isar2) },
    { "ID_AA64MMFR0_EL1", R3(0, 0, 7, 0), RO1, MODEL(id_aa64mmfr0) },
    { "ID_AA64MMFR1_EL1", R3(0, 0, 7, 1), RO1, MODEL(id_aa64mmfr1) },
    { "ID_AA64MMFR2_EL1", R3(0, 0, 7, 2), RO1, MODEL(id_aa64mmfr2) },
    { "CCSIDR_EL1", R3(1, 0, 0, 0), RO1, .kind = SYSREG_HOOK, .read = read_ccsidr },
    { "CLIDR_EL1", R3(1, 0, 0, 1), RO1, MODEL(clidr) },
    { "AIDR_EL1", R3(1, 0, 0, 7), RO1, CONST(0) },
    { "CSSELR_EL1", R3(2, 0, 0, 0), RW1, .kind = SYSREG_STORAGE, .bytes = 8, .mask = 0xf,
      .offset = offsetof(ArmCpu, csselr_el1) },
    { "CTR_EL0", R3(3, 0, 0, 1), RO01, MODEL(ctr), .el0_gate = UNIT_UCT },
    { "DCZID_EL0", R3(3, 0, 0, 7), RO01, MODEL(dczid) },

    /* control */
    { "SCTLR_EL1", R3(0, 1, 0, 0), RW1, .kind = SYSREG_STORAGE, .bytes = 8,
      .offset = offsetof(ArmCpu, sctlr_el1),
      .mask = ~(uint64_t)(SCTLR_EE | SCTLR_E0E), .write = write_sctlr, .flags = SYSREG_MODE },
    { "ACTLR_EL1", R3(0, 1, 0, 1), RW1, AT64(actlr_el1) },
    { "CPACR_EL1", R3(0, 1, 0, 2), RW1, .kind = SYSREG_STORAGE, .bytes = 8,
      .offset = offsetof(ArmCpu, cpacr_el1), .mask = 3 << 20, .write = write_plain,
      .flags = SYSREG_MODE },
    { "TTBR0_EL1", R3(0, 2, 0, 0), RW1, AT64(ttbr0_el1), .write = write_ttbr,
      .flags = SYSREG_MODE },
    { "TTBR1_EL1", R3(0, 2, 0, 1), RW1, AT64(ttbr1_el1), .write = write_ttbr,
      .flags = SYSREG_MODE },
    { "TCR_EL1", R3(0, 2, 0, 2), RW1, AT64(tcr_el1), .write = write_tcr, .flags = SYSREG_MODE },
    { "MAIR_EL1", R3(0, 10, 2, 0), RW1, AT64(mair_el1) },
    { "AMAIR_EL1", R3(0, 10, 3, 0), RW1, AT64(amair_el1) },
    { "CONTEXTIDR_EL1", R3(0, 13, 0, 1), RW1, AT64(contextidr_el1),
      .write = write_contextidr },
    { "TPIDR_EL1", R3(0, 13, 0, 4), RW1, AT64(tpidr_el1) },
    { "TPIDR_EL0", R3(3, 13, 0, 2), RW01, AT64(tpidr_el0) },
    { "TPIDRRO_EL0", R3(3, 13, 0, 3), .access = SYSREG_RW1 | SYSREG_R0, AT64(tpidrro_el0) },

    { "SCXTNUM_EL1", R3(0, 13, 0, 7), RW1, AT64(scxtnum_el1), .feature = ARM_FEAT_CSV2_2 },
    { "SCXTNUM_EL0", R3(3, 13, 0, 7), RW01, AT64(scxtnum_el0), .feature = ARM_FEAT_CSV2_2,
      .el0_allowed = may_number_context },
    /* no limited ordering regions: LORID_EL1 counts none */
    { "LORSA_EL1", R3(0, 10, 4, 0), IGNORED, .feature = ARM_FEAT_LOR },
    { "LOREA_EL1", R3(0, 10, 4, 1), IGNORED, .feature = ARM_FEAT_LOR },
    { "LORN_EL1", R3(0, 10, 4, 2), IGNORED, .feature = ARM_FEAT_LOR },
    { "LORC_EL1", R3(0, 10, 4, 3), IGNORED, .feature = ARM_FEAT_LOR },
    { "LORID_EL1", R3(0, 10, 4, 7), RO1, CONST(0), .feature = ARM_FEAT_LOR },
    PAC_KEY("APIA", PAUTH_IA, 1, 0), PAC_KEY("APIB", PAUTH_IB, 1, 2),
    PAC_KEY("APDA", PAUTH_DA, 2, 0), PAC_KEY("APDB", PAUTH_DB, 2, 2),
    PAC_KEY("APGA", PAUTH_GA, 3, 0),

    /* exceptions and processor state */
    { "SPSR_EL1", R3(0, 4, 0, 0), RW1, AT64(spsr_el1) },
    { "ELR_EL1", R3(0, 4, 0, 1), RW1, AT64(elr_el1) },
    { "SP_EL0", R3(0, 4, 1, 0), RW1, .kind = SYSREG_SP_EL0 },
    { "SPSel", R3(0, 4, 2, 0), RW1, .kind = SYSREG_SPSEL, .flags = SYSREG_MODE },
    { "CurrentEL", R3(0, 4, 2, 2), RO1, .kind = SYSREG_CURRENTEL },
    { "PAN", R3(0, 4, 2, 3), RW1, .kind = SYSREG_HOOK, .read = read_pan, .write = write_pan,
      .flags = SYSREG_MODE, .feature = ARM_FEAT_PAN },
    { "UAO", R3(0, 4, 2, 4), RW1, .kind = SYSREG_HOOK, .read = read_uao, .write = write_uao,
      .flags = SYSREG_MODE, .feature = ARM_FEAT_UAO },
    { "SSBS", R3(3, 4, 2, 6), RW01, .kind = SYSREG_STORAGE, .bytes = 4, .mask = 1 << 12,
      .offset = offsetof(ArmCpu, ssbs), .feature = ARM_FEAT_SSBS2 },
    { "RNDR", R3(3, 2, 4, 0), RO01, .kind = SYSREG_RANDOM, .feature = ARM_FEAT_RNG },
    { "RNDRRS", R3(3, 2, 4, 1), RO01, .kind = SYSREG_RANDOM, .feature = ARM_FEAT_RNG },
    { "ERRIDR_EL1", R3(0, 5, 3, 0), RO1, CONST(0), .feature = ARM_FEAT_RAS }, /* no records */
    { "DISR_EL1", R3(0, 12, 1, 1), RW1, AT64(disr_el1), .feature = ARM_FEAT_RAS },
    { "AFSR0_EL1", R3(0, 5, 1, 0), RW1, AT64(afsr0_el1) },
    { "AFSR1_EL1", R3(0, 5, 1, 1), RW1, AT64(afsr1_el1) },
    { "ESR_EL1", R3(0, 5, 2, 0), RW1, AT64(esr_el1) },
    { "FAR_EL1", R3(0, 6, 0, 0), RW1, AT64(far_el1) },
    { "PAR_EL1", R3(0, 7, 4, 0), RW1, AT64(par_el1) },
    { "VBAR_EL1", R3(0, 12, 0, 0), RW1, .kind = SYSREG_STORAGE, .bytes = 8,
      .offset = offsetof(ArmCpu, vbar_el1), .mask = ~UINT64_C(0x7ff) },
    { "RVBAR_EL1", R3(0, 12, 0, 1), RO1, CONST(0) },
    { "ISR_EL1", R3(0, 12, 1, 0), RO1, .kind = SYSREG_HOOK, .read = read_isr },
    { "NZCV", R3(3, 4, 2, 0), RW01, .kind = SYSREG_NZCV },
    { "DAIF", R3(3, 4, 2, 1), RW01, .kind = SYSREG_DAIF, .el0_gate = UNIT_UMA },
    { "FPCR", R3(3, 4, 4, 0), RW01, .kind = SYSREG_FPCR, .flags = SYSREG_MODE },
    { "FPSR", R3(3, 4, 4, 1), RW01, .kind = SYSREG_FPSR },

    /* generic timer */
    { "CNTKCTL_EL1", R3(0, 14, 1, 0), RW1, AT64(cntkctl_el1) },
    { "CNTFRQ_EL0", R3(3, 14, 0, 0), .access = SYSREG_RW1 | SYSREG_R0, .kind = SYSREG_STORAGE,
      .bytes = 8, .mask = UINT32_MAX, .offset = offsetof(ArmCpu, cntfrq_el0),
      .el0_gate = UNIT_EL0VCT | UNIT_EL0PCT },
    { "CNTPCT_EL0", R3(3, 14, 0, 1), RO01, .kind = SYSREG_COUNTER, .read = read_counter,
      .el0_gate = UNIT_EL0PCT },
    { "CNTVCT_EL0", R3(3, 14, 0, 2), RO01, .kind = SYSREG_COUNTER, .read = read_counter,
      .el0_gate = UNIT_EL0VCT },
    { "CNTP_TVAL_EL0", R3(3, 14, 2, 0), RW01, TIMER(ARM_TIMER_PHYS, TIMER_TVAL),
      .el0_gate = UNIT_EL0PT },
    { "CNTP_CTL_EL0", R3(3, 14, 2, 1), RW01, TIMER(ARM_TIMER_PHYS, TIMER_CTL),
      .el0_gate = UNIT_EL0PT },
    { "CNTP_CVAL_EL0", R3(3, 14, 2, 2), RW01, TIMER(ARM_TIMER_PHYS, TIMER_CVAL),
      .el0_gate = UNIT_EL0PT },
    { "CNTV_TVAL_EL0", R3(3, 14, 3, 0), RW01, TIMER(ARM_TIMER_VIRT, TIMER_TVAL),
      .el0_gate = UNIT_EL0VT },
    { "CNTV_CTL_EL0", R3(3, 14, 3, 1), RW01, TIMER(ARM_TIMER_VIRT, TIMER_CTL),
      .el0_gate = UNIT_EL0VT },
    { "CNTV_CVAL_EL0", R3(3, 14, 3, 2), RW01, TIMER(ARM_TIMER_VIRT, TIMER_CVAL),
      .el0_gate = UNIT_EL0VT },

    /* CPU interface of the GIC (Arm IHI 0069, 12.2), with five bits of priority */
    { "ICC_PMR_EL1", R3(0, 4, 6, 0), RW1, GIC },
    { "ICC_IAR0_EL1", R3(0, 12, 8, 0), RO1, GIC },
    { "ICC_EOIR0_EL1", R3(0, 12, 8, 1), WO1, GIC },
    { "ICC_HPPIR0_EL1", R3(0, 12, 8, 2), RO1, GIC },
    { "ICC_BPR0_EL1", R3(0, 12, 8, 3), RW1, GIC },
    { "ICC_AP0R0_EL1", R3(0, 12, 8, 4), RW1, GIC },
    { "ICC_AP1R0_EL1", R3(0, 12, 9, 0), RW1, GIC },
    { "ICC_DIR_EL1", R3(0, 12, 11, 1), WO1, GIC },
    { "ICC_RPR_EL1", R3(0, 12, 11, 3), RO1, GIC },
    { "ICC_SGI1R_EL1", R3(0, 12, 11, 5), WO1, GIC },
    { "ICC_ASGI1R_EL1", R3(0, 12, 11, 6), WO1, GIC },
    { "ICC_SGI0R_EL1", R3(0, 12, 11, 7), WO1, GIC },
    { "ICC_IAR1_EL1", R3(0, 12, 12, 0), RO1, GIC },
    { "ICC_EOIR1_EL1", R3(0, 12, 12, 1), WO1, GIC },
    { "ICC_HPPIR1_EL1", R3(0, 12, 12, 2), RO1, GIC },
    { "ICC_BPR1_EL1", R3(0, 12, 12, 3), RW1, GIC },
    { "ICC_CTLR_EL1", R3(0, 12, 12, 4), RW1, GIC },
    { "ICC_SRE_EL1", R3(0, 12, 12, 5), RW1, GIC },
    { "ICC_IGRPEN0_EL1", R3(0, 12, 12, 6), RW1, GIC },
    { "ICC_IGRPEN1_EL1", R3(0, 12, 12, 7), RW1, GIC },

    /* performance monitors */
    { "PMINTENSET_EL1", R3(0, 9, 14, 1), RW1, PMU(PMU_PMINTENSET) },
    { "PMINTENCLR_EL1", R3(0, 9, 14, 2), RW1, PMU(PMU_PMINTENCLR) },
    { "PMCR_EL0", R3(3, 9, 12, 0), RW01, PMU(PMU_PMCR) },
    { "PMCNTENSET_EL0", R3(3, 9, 12, 1), RW01, PMU(PMU_PMCNTENSET) },
    { "PMCNTENCLR_EL0", R3(3, 9, 12, 2), RW01, PMU(PMU_PMCNTENCLR) },
    { "PMOVSCLR_EL0", R3(3, 9, 12, 3), RW01, PMU(PMU_PMOVSCLR) },
    { "PMSWINC_EL0", R3(3, 9, 12, 4), WO01, PMU(PMU_PMSWINC) },
    { "PMSELR_EL0", R3(3, 9, 12, 5), RW01, PMU(PMU_PMSELR) },
    { "PMCEID0_EL0", R3(3, 9, 12, 6), RO01, PMU(PMU_PMCEID0) },
    { "PMCEID1_EL0", R3(3, 9, 12, 7), RO01, PMU(PMU_PMCEID1) },
    { "PMCCNTR_EL0", R3(3, 9, 13, 0), RW01, PMU(PMU_PMEVCNTR + ARM_PMU_CYCLES) },
    { "PMXEVTYPER_EL0", R3(3, 9, 13, 1), RW01, PMU(PMU_PMXEVTYPER) },
    { "PMXEVCNTR_EL0", R3(3, 9, 13, 2), RW01, PMU(PMU_PMXEVCNTR) },
    { "PMUSERENR_EL0", R3(3, 9, 14, 0), .access = SYSREG_RW1 | SYSREG_R0, PMU(PMU_PMUSERENR) },
    { "PMOVSSET_EL0", R3(3, 9, 14, 3), RW01, PMU(PMU_PMOVSSET) },
    EVENT_COUNTER(0), EVENT_COUNTER(1), EVENT_COUNTER(2), EVENT_COUNTER(3), EVENT_COUNTER(4),
    EVENT_COUNTER(5),
    { "PMCCFILTR_EL0", R3(3, 14, 15, 7), RW01, PMU(PMU_PMEVTYPER + ARM_PMU_CYCLES) },

    /* debug */
    BREAKPOINT(0), BREAKPOINT(1), BREAKPOINT(2), BREAKPOINT(3), BREAKPOINT(4), BREAKPOINT(5),
    WATCHPOINT(0), WATCHPOINT(1), WATCHPOINT(2), WATCHPOINT(3),
    { "OSDTRRX_EL1", R2(0, 0, 0, 2), IGNORED },
    { "MDCCINT_EL1", R2(0, 0, 2, 0), IGNORED },
    { "MDSCR_EL1", R2(0, 0, 2, 2), RW1, AT64(mdscr_el1), .write = write_plain,
      .flags = SYSREG_MODE },
    { "OSDTRTX_EL1", R2(0, 0, 3, 2), IGNORED },
    { "OSECCR_EL1", R2(0, 0, 6, 2), IGNORED },
    { "MDRAR_EL1", R2(0, 1, 0, 0), RO1, CONST(0) },
    { "OSLAR_EL1", R2(0, 1, 0, 4), WO1, .kind = SYSREG_HOOK, .write = write_oslar,
      .flags = SYSREG_MODE },
    { "OSLSR_EL1", R2(0, 1, 1, 4), RO1, AT64(oslsr_el1) },
    { "OSDLR_EL1", R2(0, 1, 3, 4), RW1, .kind = SYSREG_STORAGE, .bytes = 8, .mask = 1,
      .offset = offsetof(ArmCpu, osdlr_el1), .write = write_plain, .flags = SYSREG_MODE },
    { "DBGPRCR_EL1", R2(0, 1, 4, 4), IGNORED },
    { "DBGCLAIMSET_EL1", R2(0, 7, 8, 6), RW1, .kind = SYSREG_HOOK, .reset = CLAIM_TAGS,
      .write = set_claim },
    { "DBGCLAIMCLR_EL1", R2(0, 7, 9, 6), RW1, .kind = SYSREG_HOOK, .read = read_claim,
      .write = clear_claim },
    { "DBGAUTHSTATUS_EL1", R2(0, 7, 14, 6), RO1, CONST(0) },
    /* the channel to an external debugger, of which there is none: it takes everything */
    { "MDCCSR_EL0", R2(3, 0, 1, 0), RO01, CONST(0), .el0_allowed = dcc_allowed },
    { "DBGDTR_EL0", R2(3, 0, 4, 0), RW01, CONST(0), .el0_allowed = dcc_allowed },
    { "DBGDTRTX_EL0", R2(3, 0, 5, 0), RW01, CONST(0), .el0_allowed = dcc_allowed },

    /* IMPLEMENTATION DEFINED ones that firmware and kernels touch: present, without effect */
    A53("L2CTLR_EL1", 1, 11, 0, 2), A53("L2ECTLR_EL1", 1, 11, 0, 3),
    A53("CPUACTLR_EL1", 1, 15, 2, 0), A53("CPUECTLR_EL1", 1, 15, 2, 1),
    A53("CPUMERRSR_EL1", 1, 15, 2, 2), A53("L2MERRSR_EL1", 1, 15, 2, 3),
    A76("CPUCFR_EL1", 0, 15, 0, 0), A76("CPUACTLR_EL1", 0, 15, 1, 0),
    A76("CPUACTLR2_EL1", 0, 15, 1, 1), A76("CPUACTLR3_EL1", 0, 15, 1, 2),
    A76("CPUECTLR_EL1", 0, 15, 1, 4), A76("CPUPWRCTLR_EL1", 0, 15, 2, 7),
    A76("ATCR_EL1", 0, 15, 7, 0),

    /* caches: code is found out of date by the stores themselves */
    { "IC IALLUIS", INSN(0, 7, 1, 0), WO1, .kind = SYSREG_NOP },
    { "IC IALLU", INSN(0, 7, 5, 0), WO1, .kind = SYSREG_NOP },
    { "IC IVAU", INSN(3, 7, 5, 1), WO01, .kind = SYSREG_MAINTAIN_VA, .el0_gate = UNIT_UCI },
    { "DC IVAC", INSN(0, 7, 6, 1), WO1, .kind = SYSREG_MAINTAIN_VA, .index = 1 },
    { "DC ISW", INSN(0, 7, 6, 2), WO1, .kind = SYSREG_NOP },
    { "DC CSW", INSN(0, 7, 10, 2), WO1, .kind = SYSREG_NOP },
    { "DC CISW", INSN(0, 7, 14, 2), WO1, .kind = SYSREG_NOP },
    { "DC ZVA", INSN(3, 7, 4, 1), WO01, .kind = SYSREG_DC_ZVA, .el0_gate = UNIT_DZE },
    { "DC CVAC", INSN(3, 7, 10, 1), WO01, .kind = SYSREG_MAINTAIN_VA, .el0_gate = UNIT_UCI },
    { "DC CVAU", INSN(3, 7, 11, 1), WO01, .kind = SYSREG_MAINTAIN_VA, .el0_gate = UNIT_UCI },
    { "DC CVAP", INSN(3, 7, 12, 1), WO01, .kind = SYSREG_MAINTAIN_VA, .el0_gate = UNIT_UCI,
      .feature = ARM_FEAT_DPB },
    { "DC CVADP", INSN(3, 7, 13, 1), WO01, .kind = SYSREG_MAINTAIN_VA, .el0_gate = UNIT_UCI,
      .feature = ARM_FEAT_DPB2 },
    { "DC CIVAC", INSN(3, 7, 14, 1), WO01, .kind = SYSREG_MAINTAIN_VA, .el0_gate = UNIT_UCI },

    /* predictions: nothing is predicted across contexts */
    RESTRICTION("CFP", 4), RESTRICTION("DVP", 5), RESTRICTION("CPP", 7),

    /* translation */
    { "AT S1E1R", INSN(0, 7, 8, 0), WO1, .kind = SYSREG_AT, .index = 0 },
    { "AT S1E1W", INSN(0, 7, 8, 1), WO1, .kind = SYSREG_AT, .index = AT_WRITE },
    { "AT S1E0R", INSN(0, 7, 8, 2), WO1, .kind = SYSREG_AT, .index = AT_EL0 },
    { "AT S1E0W", INSN(0, 7, 8, 3), WO1, .kind = SYSREG_AT, .index = AT_EL0 | AT_WRITE },
    { "AT S1E1RP", INSN(0, 7, 9, 0), WO1, .kind = SYSREG_AT, .index = AT_PAN,
      .feature = ARM_FEAT_PAN2 },
    { "AT S1E1WP", INSN(0, 7, 9, 1), WO1, .kind = SYSREG_AT,
      .index = AT_PAN | AT_WRITE, .feature = ARM_FEAT_PAN2 },
    TLBI("VMALLE1IS", 3, 0), TLBI("VAE1IS", 3, 1), TLBI("ASIDE1IS", 3, 2),
    TLBI("VAAE1IS", 3, 3), TLBI("VALE1IS", 3, 5), TLBI("VAALE1IS", 3, 7),
    TLBI("VMALLE1", 7, 0), TLBI("VAE1", 7, 1), TLBI("ASIDE1", 7, 2),
    TLBI("VAAE1", 7, 3), TLBI("VALE1", 7, 5), TLBI("VAALE1", 7, 7),
    TLBI_OS("VMALLE1OS", 0), TLBI_OS("VAE1OS", 1), TLBI_OS("ASIDE1OS", 2),
    TLBI_OS("VAAE1OS", 3), TLBI_OS("VALE1OS", 5), TLBI_OS("VAALE1OS", 7),
    TLBI_RANGE("RVAE1IS", 2, 1), TLBI_RANGE("RVAAE1IS", 2, 3), TLBI_RANGE("RVALE1IS", 2, 5),
    TLBI_RANGE("RVAALE1IS", 2, 7), TLBI_RANGE("RVAE1OS", 5, 1), TLBI_RANGE("RVAAE1OS", 5, 3),
    TLBI_RANGE("RVALE1OS", 5, 5), TLBI_RANGE("RVAALE1OS", 5, 7), TLBI_RANGE("RVAE1", 6, 1),
    TLBI_RANGE("RVAAE1", 6, 3), TLBI_RANGE("RVALE1", 6, 5), TLBI_RANGE("RVAALE1", 6, 7),
};

/* The rest of the ID space reads as zero. */
static const SysReg id_reserved = { "(reserved ID register)", .access = SYSREG_R1,
                                    .kind = SYSREG_CONST };

static bool is_present(const ArmCpu *cpu, const SysReg *r)
{
    if (r->flags & SYSREG_GIC)
        return cpu->gic;
    if (r->write == write_breakpoint)
        return r->index < arm_breakpoint_count(cpu);
    if (r->write == write_watchpoint)
        return r->index < arm_watchpoint_count(cpu);
    if (r->family && r->family != cpu->model->family)
        return false;
    return !r->feature || arm_has(cpu, r->feature);
}

const SysReg *sysreg_find(const ArmCpu *cpu, unsigned id)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (table[i].id == id)
            return is_present(cpu, &table[i]) ? &table[i] : NULL;
    unsigned crm = id >> 3 & 15;
    return id >> 7 == SYSREG_ID(3, 0, 0, 0, 0) >> 7 && crm >= 1 && crm <= 7 ? &id_reserved : NULL;
}

unsigned sysreg_number(const SysReg *r)
{
    return r - table;
}

const SysReg *sysreg_by_number(unsigned n)
{
    assert(n < ARRAY_SIZE(table));
    return &table[n];
}

uint64_t sysreg_model_value(const ArmCpu *cpu, const SysReg *r)
{
    return *(const uint64_t *)((const char *)cpu->model + r->offset);
}

uint64_t sysreg_read(ArmCpu *cpu, const SysReg *r)
{
    if (r->read)
        return r->read(cpu, r);
    if (r->kind == SYSREG_MODEL)
        return sysreg_model_value(cpu, r);
    if (r->kind != SYSREG_STORAGE)
        return r->reset;
    return storage_get(cpu, r);
}

void sysreg_write(ArmCpu *cpu, const SysReg *r, uint64_t v)
{
    if (r->kind == SYSREG_STORAGE)
        v &= r->mask;
    if (r->write)
        r->write(cpu, r, v);
    else if (r->kind == SYSREG_STORAGE)
        storage_put(cpu, r, v);
    if (r->flags & SYSREG_MODE)
        vcpu_update_banks(&cpu->vcpu);
}

void arm_sysregs_reset(ArmCpu *cpu)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        const SysReg *r = &table[i];
        if (r->kind == SYSREG_STORAGE && (r->access & SYSREG_W1))
            storage_put(cpu, r, r->reset);
    }
    cpu->breakpoint_places = cpu->dbgclaim_el1 = 0;
    cpu->vcpu.watches = false;
    cpu->sctlr_el1 = cpu->model->sctlr;
    cpu->oslsr_el1 = OSLSR_IMPLEMENTED | OSLSR_LOCKED;
    cpu->cntfrq_el0 = ARM_CNTFRQ_HZ;
    cpu->tlbi_pending = cpu->el1_local = 0;
    cpu->el1_by_asid = false;
    arm_fp_reset(cpu);
    arm_pauth_layout(cpu);
}
