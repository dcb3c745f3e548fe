// SPDX-License-Identifier: MIT
//
// PSTATE, exception entry and return, interrupts. Arm ARM D1.3 (exceptions), C5.2.19 (SPSR_EL1),
// D24.2.36 (ESR_EL1). There are EL0 and EL1, both AArch64: every exception is taken to EL1.
#include "target/arm/internal.h"
#include "target/arm/pmu.h"

#include <string.h>
#include "tcg/ir.h"

enum {
    SPSR_PAN = 1 << 22, SPSR_UAO = 1 << 23, SPSR_SS = 1 << 21, SPSR_IL = 1 << 20,
    SPSR_SSBS = 1 << 12, SPSR_BTYPE_SHIFT = 10, SPSR_DAIF = 0x3c0, SPSR_NRW = 1 << 4, SPSR_MODE = 0xf,
};
#define MODE_EL0T 0
#define MODE_EL1T 4
#define MODE_EL1H 5

/* ---- PSTATE ----------------------------------------------------------------------------- */

uint32_t arm_nzcv_pack(uint32_t flags)
{
    return (flags & IR_NZCV_N ? 1u << 31 : 0) | (flags & IR_NZCV_Z ? 1u << 30 : 0) |
           (flags & IR_NZCV_NOT_C ? 0 : 1u << 29) | (flags & IR_NZCV_V ? 1u << 28 : 0);
}

uint32_t arm_nzcv_unpack(uint32_t nzcv)
{
    return (nzcv & 1u << 31 ? IR_NZCV_N : 0) | (nzcv & 1u << 30 ? IR_NZCV_Z : 0) |
           (nzcv & 1u << 29 ? 0 : IR_NZCV_NOT_C) | (nzcv & 1u << 28 ? IR_NZCV_V : 0);
}

static uint32_t mode_bits(const ArmCpu *cpu)
{
    if (cpu->el == 0)
        return MODE_EL0T;
    return cpu->spsel ? MODE_EL1H : MODE_EL1T;
}

/* PSTATE.BTYPE before the instruction at `pc`. */
static uint32_t btype_at(const ArmCpu *cpu, Vaddr pc)
{
    uint64_t type = cpu->branch_record - pc;
    return type <= 3 ? type : 0;
}

static void btype_set(ArmCpu *cpu, uint64_t spsr)
{
    uint64_t type = spsr >> SPSR_BTYPE_SHIFT & 3;
    cpu->branch_record = arm_has(cpu, ARM_FEAT_BTI) && type ? cpu->regs.pc + type : 0;
}

uint64_t arm_pstate_get(const ArmCpu *cpu)
{
    return arm_nzcv_pack(cpu->regs.nzcv) | (cpu->uao ? SPSR_UAO : 0) | (cpu->pan ? SPSR_PAN : 0) |
           (cpu->ss ? SPSR_SS : 0) | (cpu->il ? SPSR_IL : 0) |
           btype_at(cpu, cpu->regs.pc) << SPSR_BTYPE_SHIFT | cpu->daif | cpu->ssbs | mode_bits(cpu);
}

/* Which SP_ELx the current SP is. */
static unsigned sp_bank(const ArmCpu *cpu)
{
    return cpu->el && cpu->spsel;
}

uint64_t *arm_sp_of(ArmCpu *cpu, unsigned el)
{
    return sp_bank(cpu) == el ? &cpu->regs.sp : &cpu->sp_el[el];
}

static void set_level(ArmCpu *cpu, uint32_t el, uint32_t spsel)
{
    cpu->sp_el[sp_bank(cpu)] = cpu->regs.sp;
    cpu->el = el;
    cpu->spsel = spsel;
    cpu->regs.sp = cpu->sp_el[sp_bank(cpu)];
}

void arm_spsel_set(ArmCpu *cpu, uint32_t spsel)
{
    set_level(cpu, cpu->el, spsel);
}

static void set_flags(ArmCpu *cpu, uint64_t spsr)
{
    cpu->regs.nzcv = arm_nzcv_unpack(spsr);
    cpu->daif = spsr & SPSR_DAIF;
    cpu->il = !!(spsr & SPSR_IL);
    cpu->ss = !!(spsr & SPSR_SS);
    cpu->pan = arm_has(cpu, ARM_FEAT_PAN) && (spsr & SPSR_PAN);
}

void arm_pstate_set(ArmCpu *cpu, uint64_t spsr)
{
    set_flags(cpu, spsr);
    cpu->uao = arm_has(cpu, ARM_FEAT_UAO) && (spsr & SPSR_UAO);
    cpu->ssbs = arm_has(cpu, ARM_FEAT_SSBS) ? spsr & SPSR_SSBS : 0;
    btype_set(cpu, spsr);
    set_level(cpu, (spsr & SPSR_MODE) != MODE_EL0T, (spsr & SPSR_MODE) != MODE_EL1T);
}

/* ---- raising ---------------------------------------------------------------------------- */

void arm_raise(ArmCpu *cpu, uint32_t esr, Vaddr return_pc)
{
    cpu->exception = (ArmException){ .target_el = 1, .esr = esr, .return_pc = return_pc };
}

void arm_raise_far(ArmCpu *cpu, uint32_t esr, Vaddr far, Vaddr return_pc)
{
    arm_raise(cpu, esr, return_pc);
    cpu->exception.far = far;
    cpu->exception.far_valid = true;
}

void arm_raise_exit(ArmCpu *cpu, uint32_t esr, Vaddr return_pc)
{
    arm_raise(cpu, esr, return_pc);
    vcpu_unwind(&cpu->vcpu, IR_REASON_EXCEPTION);
}

void arm_raise_data_abort_exit(ArmCpu *cpu, Vaddr va, uint32_t fsc, uint32_t iss_extra)
{
    uint32_t ec = cpu->el ? EC_DATA_ABORT : EC_DATA_ABORT_LOWER;
    arm_raise_far(cpu, ESR(ec, fsc | iss_extra), va, cpu->regs.pc);
    vcpu_unwind(&cpu->vcpu, IR_REASON_EXCEPTION);
}

/* ---- entry ------------------------------------------------------------------------------ */

/* What was counted so far is of this level, and so is the event. */
static bool leave_level(ArmCpu *cpu, unsigned event)
{
    if (!cpu->pmu.active)
        return false;
    arm_pmu_fold(cpu);
    arm_pmu_count(cpu, event);
    return true;
}

/* `btype`: what SPSR_EL1 shall say of it. */
static void enter(ArmCpu *cpu, uint32_t vector_offset, Vaddr return_pc, uint32_t btype)
{
    uint64_t from = (arm_pstate_get(cpu) & ~(UINT64_C(3) << SPSR_BTYPE_SHIFT)) |
                    btype << SPSR_BTYPE_SHIFT;
    bool counted = leave_level(cpu, PMU_EXC_TAKEN);
    uint32_t base = cpu->el == 0 ? 0x400 : cpu->spsel ? 0x200 : 0;
    cpu->spsr_el1 = from;
    cpu->elr_el1 = return_pc;
    set_level(cpu, 1, 1);
    cpu->daif = SPSR_DAIF;
    cpu->branch_record = 0;
    cpu->il = cpu->ss = cpu->uao = cpu->step_iss = 0;
    if (arm_has(cpu, ARM_FEAT_PAN) && !(cpu->sctlr_el1 & SCTLR_SPAN))
        cpu->pan = 1;
    if (arm_has(cpu, ARM_FEAT_SSBS))
        cpu->ssbs = cpu->sctlr_el1 & SCTLR_DSSBS ? SPSR_SSBS : 0;
    cpu->regs.pc = (cpu->vbar_el1 & ~UINT64_C(0x7ff)) + base + vector_offset;
    if (counted)
        arm_pmu_set_limit(cpu);
}

/* SPSR_EL1.BTYPE is that of PSTATE for these; for others it may be zero (J1, GetPSRFromPSTATE). */
static bool saves_btype(uint32_t esr)
{
    switch (esr >> 26) {
    case EC_INSN_ABORT_LOWER: case EC_INSN_ABORT: case EC_PC_ALIGN: case EC_BRANCH_TARGET:
    case EC_ILLEGAL: case EC_BRK64: case EC_BREAKPOINT_LOWER: case EC_BREAKPOINT:
    case EC_STEP_LOWER: case EC_STEP:
        return true;
    default:
        return false;
    }
}

void arm_deliver(VCPU *vcpu)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    const ArmException e = cpu->exception;
    if (log_on(vcpu->log, LOG_INT)) {
        FILE *out = log_begin(vcpu->log);
        fprintf(out, "cpu %u: exception ec 0x%x esr 0x%llx", vcpu->index,
                (unsigned)(e.esr >> 26), (unsigned long long)e.esr);
        if (e.far_valid)
            fprintf(out, " far 0x%llx", (unsigned long long)e.far);
        fprintf(out, " from EL%u pc 0x%llx\n", cpu->el, (unsigned long long)e.return_pc);
        log_end(vcpu->log);
    }
    cpu->esr_el1 = e.esr;
    if (e.far_valid)
        cpu->far_el1 = e.far;
    enter(cpu, e.vector_offset, e.return_pc, saves_btype(e.esr) ? btype_at(cpu, e.return_pc) : 0);
}

/* ---- interrupts ------------------------------------------------------------------------- */

static const struct {
    uint32_t mask; /* in PSTATE.DAIF */
    uint32_t vector_offset;
    const char *name;
} inputs[ARM_IRQ_INPUTS] = {
    [ARM_IRQ] = { 1 << 7, 0x80, "IRQ" },
    [ARM_FIQ] = { 1 << 6, 0x100, "FIQ" },
};

static int ready_input(const ArmCpu *cpu)
{
    unsigned levels = atomic_load(&((ArmCpu *)cpu)->irq_levels);
    if ((levels & 1u << ARM_FIQ) && !(cpu->daif & inputs[ARM_FIQ].mask))
        return ARM_FIQ;
    if ((levels & 1u << ARM_IRQ) && !(cpu->daif & inputs[ARM_IRQ].mask))
        return ARM_IRQ;
    return -1;
}

bool arm_interrupt_ready(VCPU *vcpu)
{
    return ready_input(arm_cpu(vcpu)) >= 0;
}

void arm_take_interrupt(VCPU *vcpu)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    int n = ready_input(cpu);
    if (n < 0)
        return;
    log_print(vcpu->log, LOG_INT, "cpu %u: %s from EL%u pc 0x%llx\n", vcpu->index, inputs[n].name,
              cpu->el, (unsigned long long)cpu->regs.pc);
    enter(cpu, inputs[n].vector_offset, cpu->regs.pc, btype_at(cpu, cpu->regs.pc));
}

bool arm_has_work(VCPU *vcpu)
{
    return atomic_load(&arm_cpu(vcpu)->irq_levels);
}

void arm_cpu_set_irq(void *opaque, unsigned n, bool level)
{
    ArmCpu *cpu = opaque;
    if (level) {
        atomic_fetch_or(&cpu->irq_levels, 1u << n);
        vcpu_kick(&cpu->vcpu);
    } else {
        atomic_fetch_and(&cpu->irq_levels, ~(1u << n));
    }
}

/* ---- return ----------------------------------------------------------------------------- */

/* D1.3.4: what is not an AArch64 state of EL0 or EL1 is an illegal return. */
static bool return_is_legal(uint64_t spsr)
{
    uint32_t mode = spsr & SPSR_MODE;
    return !(spsr & SPSR_NRW) && (mode == MODE_EL0T || mode == MODE_EL1T || mode == MODE_EL1H);
}

void arm_exception_return(ArmCpu *cpu, Vaddr target)
{
    uint64_t spsr = cpu->spsr_el1;
    bool counted = leave_level(cpu, PMU_EXC_RETURN);
    if (arm_step_enabled(cpu, cpu->el, cpu->daif) || !arm_step_enabled(cpu, spsr >> 2 & 3, spsr))
        spsr &= ~(uint64_t)SPSR_SS;
    Vaddr from = cpu->regs.pc;
    cpu->regs.pc = target;
    if (return_is_legal(spsr)) {
        arm_pstate_set(cpu, spsr);
    } else {
        uint32_t pan = cpu->pan;
        set_flags(cpu, spsr & ~(uint64_t)SPSR_SS);
        cpu->pan = pan;
        cpu->il = 1;
        log_print(cpu->vcpu.log, LOG_GUEST_ERRORS,
                  "cpu %u: illegal exception return to SPSR 0x%llx at pc 0x%llx\n",
                  cpu->vcpu.index, (unsigned long long)spsr, (unsigned long long)from);
    }
    cpu->step_iss = 0;
    cpu->regs.excl_addr = UINT64_MAX;
    atomic_store_explicit(&cpu->event, 1, memory_order_relaxed); /* nobody else waits for it */
    if (counted)
        arm_pmu_set_limit(cpu);
    vcpu_update_banks(&cpu->vcpu);
    if (ready_input(cpu) >= 0)
        atomic_store(&cpu->vcpu.exit_request, 1);
}
