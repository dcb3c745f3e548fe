// SPDX-License-Identifier: MIT
//
// The Arm CPU as an object: creation, reset, power, what debuggers and dumps see, and the table
// through which engines work with it.
#include "target/arm/fp-helpers.h"
#include "target/arm/internal.h"
#include "target/arm/pmu.h"
#include "target/arm/sysregs.h"

#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "target/arm/translate.h"
#include "tcg/ir.h"

#define RESET_SPSR 0x400003c5 /* EL1h, all masked; NZCV is UNKNOWN: as QEMU has it, for traces */

ArmCpu *arm_cpu_create(const char *model_spec, uint32_t index, MemorySpace *memory,
                       VirtClock *clock, RunState *run, Log *log, Error **err)
{
    ArmModel *model = arm_model_create(model_spec, err);
    ArmCpu *cpu = model ? calloc(1, sizeof(*cpu)) : NULL;
    if (!cpu) {
        if (model)
            error_set(err, "out of memory for CPU %u", index);
        free(model);
        return NULL;
    }
    cpu->model = model;
    /* affinity as boards number it: up to 16 CPUs in a cluster, as many as an SGI reaches */
    cpu->mpidr = UINT64_C(1) << 31 | (index & 15) | (uint64_t)(index >> 4) << 8;
    if (!vcpu_init(&cpu->vcpu, &arm_cpu_ops, index, memory, clock, run, log, err) ||
        !arm_timers_create(cpu, err)) {
        vcpu_fini(&cpu->vcpu);
        free(model);
        free(cpu);
        return NULL;
    }
    arm_cpu_ops.reset(&cpu->vcpu);
    return cpu;
}

static void arm_destroy(VCPU *vcpu)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    arm_timers_destroy(cpu);
    vcpu_fini(vcpu);
    free(cpu->model);
    free(cpu);
}

static void arm_reset(VCPU *vcpu)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    memset(&cpu->regs, 0, sizeof(cpu->regs));
    memset(cpu->sp_el, 0, sizeof(cpu->sp_el));
    cpu->regs.excl_addr = UINT64_MAX;
    cpu->el = cpu->spsel = 1;
    arm_pstate_set(cpu, RESET_SPSR);
    arm_sysregs_reset(cpu);
    arm_timers_reset(cpu);
    arm_pmu_reset(cpu);
    arm_fp_reset(cpu);
    if (cpu->gic)
        cpu->gic->reset(cpu->gic_opaque);
    vcpu->halted = vcpu->powered_off = false;
    tlb_flush_all(vcpu->tlb);
    vcpu_update_banks(vcpu);
}

static void power_on_work(VCPU *vcpu, uint64_t entry, uint64_t context)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    arm_reset(vcpu);
    cpu->regs.pc = entry;
    cpu->regs.x[0] = context;
    pthread_mutex_lock(&vcpu->lock);
    vcpu->powered_off = false;
    pthread_mutex_unlock(&vcpu->lock);
}

void arm_cpu_power_on(ArmCpu *cpu, uint64_t entry, uint64_t context)
{
    vcpu_queue_start(&cpu->vcpu, power_on_work, entry, context);
}

const char *arm_cpu_compatible(const ArmCpu *cpu)
{
    return cpu->model->compatible;
}

bool arm_cpu_has_pmu(const ArmCpu *cpu)
{
    return arm_has(cpu, ARM_FEAT_PMU);
}

/* Branches drop an ignored top byte (Arm ARM J1.1.3, BranchAddr). Here, because code is never
 * found under such an address. */
static Vaddr arm_get_pc(VCPU *vcpu)
{
    ArmCpu *cpu = arm_cpu(vcpu);
    if ((int64_t)(cpu->regs.pc << 8) >> 8 != (int64_t)cpu->regs.pc) {
        Vaddr tagged = cpu->regs.pc;
        cpu->regs.pc = arm_canonical_pc(cpu, cpu->regs.pc);
        cpu->branch_record += cpu->regs.pc - tagged;
    }
    return cpu->regs.pc;
}

static void arm_set_pc(VCPU *vcpu, Vaddr pc)
{
    arm_cpu(vcpu)->regs.pc = pc;
}

static Vaddr arm_vector_base(VCPU *vcpu)
{
    return arm_cpu(vcpu)->vbar_el1;
}

/* The lines of QEMU's `-d cpu` and `info registers`, so that traces can be compared. */
static void arm_dump(VCPU *vcpu, FILE *out, bool fp)
{
    const ArmCpu *cpu = arm_cpu(vcpu);
    uint32_t nzcv = arm_nzcv_pack(cpu->regs.nzcv);
    fprintf(out, " PC=%016" PRIx64, cpu->regs.pc);
    for (int i = 0; i < 31; i++)
        fprintf(out, "%sX%02d=%016" PRIx64, i % 3 == 2 ? "\n" : " ", i, cpu->regs.x[i]);
    fprintf(out, "  SP=%016" PRIx64 "\n", cpu->regs.sp);
    fprintf(out, "PSTATE=%08" PRIx64 " %c%c%c%c EL%u%c", arm_pstate_get(cpu),
            nzcv >> 31 & 1 ? 'N' : '-', nzcv >> 30 & 1 ? 'Z' : '-', nzcv >> 29 & 1 ? 'C' : '-',
            nzcv >> 28 & 1 ? 'V' : '-', cpu->el, cpu->spsel ? 'h' : 't');
    if (!fp) {
        fputc('\n', out);
        return;
    }
    fprintf(out, "     FPCR=%08x FPSR=%08x\n", cpu->fpcr, arm_fpsr_peek(cpu));
    for (int i = 0; i < 32; i++)
        fprintf(out, "Q%02d=%016" PRIx64 ":%016" PRIx64 "%c", i, cpu->regs.v[i].d[1],
                cpu->regs.v[i].d[0], i % 2 ? '\n' : ' ');
}

/* ---- registers for debuggers ------------------------------------------------------------- */

static uint64_t get_cpsr(VCPU *vcpu, const CpuRegister *r)
{
    return arm_pstate_get(arm_cpu(vcpu));
}

/* Any state of the AArch64 levels that there are. */
static bool set_cpsr(VCPU *vcpu, const CpuRegister *r, uint64_t value)
{
    unsigned mode = value & 0x1f;
    if (mode != 0 && mode != 4 && mode != 5) /* EL0t, EL1t, EL1h */
        return false;
    arm_pstate_set(arm_cpu(vcpu), value);
    return true;
}

static uint64_t get_fpsr(VCPU *vcpu, const CpuRegister *r)
{
    return arm_fpsr_peek(arm_cpu(vcpu));
}

static uint64_t get_fpcr(VCPU *vcpu, const CpuRegister *r)
{
    return arm_cpu(vcpu)->fpcr;
}

static bool set_fpsr(VCPU *vcpu, const CpuRegister *r, uint64_t value)
{
    arm_fp_write_stopped(arm_cpu(vcpu), arm_cpu(vcpu)->fpcr, value);
    return true;
}

static bool set_fpcr(VCPU *vcpu, const CpuRegister *r, uint64_t value)
{
    arm_fp_write_stopped(arm_cpu(vcpu), value, arm_fpsr_peek(arm_cpu(vcpu)));
    return true;
}

/* System registers, with what reading and writing them does. */
static uint64_t get_system(VCPU *vcpu, const CpuRegister *r)
{
    const SysReg *row = sysreg_find(arm_cpu(vcpu), r->id);
    return row ? sysreg_read(arm_cpu(vcpu), row) : 0;
}

static bool set_system(VCPU *vcpu, const CpuRegister *r, uint64_t value)
{
    const SysReg *row = sysreg_find(arm_cpu(vcpu), r->id);
    if (!row || !(row->access & SYSREG_W1))
        return false;
    sysreg_write(arm_cpu(vcpu), row, value);
    return true;
}

/* SP of a level that may be the current one; `id` is the level. */
static uint64_t get_sp_el(VCPU *vcpu, const CpuRegister *r)
{
    return *arm_sp_of(arm_cpu(vcpu), r->id);
}

static bool set_sp_el(VCPU *vcpu, const CpuRegister *r, uint64_t value)
{
    *arm_sp_of(arm_cpu(vcpu), r->id) = value;
    return true;
}

#define PLAIN 0, NULL, NULL
#define X_REG(n) { "x" #n, "general", offsetof(ArmCpu, regs.x[n]), 8, PLAIN }
#define V_REG(n) { "v" #n, "vector", offsetof(ArmCpu, regs.v[n]), 16, PLAIN }
#define SYS_REG(n, op1, crn, crm, op2) \
    { #n, "system", 0, 8, SYSREG_ID(3, op1, crn, crm, op2), get_system, set_system }
#define SP_REG(n) { "sp_el" #n, "system", 0, 8, n, get_sp_el, set_sp_el }

static const CpuRegister registers[] = {
    X_REG(0), X_REG(1), X_REG(2), X_REG(3), X_REG(4), X_REG(5), X_REG(6), X_REG(7), X_REG(8),
    X_REG(9), X_REG(10), X_REG(11), X_REG(12), X_REG(13), X_REG(14), X_REG(15), X_REG(16),
    X_REG(17), X_REG(18), X_REG(19), X_REG(20), X_REG(21), X_REG(22), X_REG(23), X_REG(24),
    X_REG(25), X_REG(26), X_REG(27), X_REG(28), X_REG(29), X_REG(30),
    { "sp", "general", offsetof(ArmCpu, regs.sp), 8, PLAIN },
    { "pc", "general", offsetof(ArmCpu, regs.pc), 8, PLAIN },
    { "cpsr", "general", 0, 4, 0, get_cpsr, set_cpsr },
    V_REG(0), V_REG(1), V_REG(2), V_REG(3), V_REG(4), V_REG(5), V_REG(6), V_REG(7), V_REG(8),
    V_REG(9), V_REG(10), V_REG(11), V_REG(12), V_REG(13), V_REG(14), V_REG(15), V_REG(16),
    V_REG(17), V_REG(18), V_REG(19), V_REG(20), V_REG(21), V_REG(22), V_REG(23), V_REG(24),
    V_REG(25), V_REG(26), V_REG(27), V_REG(28), V_REG(29), V_REG(30), V_REG(31),
    { "fpsr", "vector", 0, 4, 0, get_fpsr, set_fpsr },
    { "fpcr", "vector", 0, 4, 0, get_fpcr, set_fpcr },
    SYS_REG(sctlr_el1, 0, 1, 0, 0), SYS_REG(cpacr_el1, 0, 1, 0, 2), SYS_REG(ttbr0_el1, 0, 2, 0, 0),
    SYS_REG(ttbr1_el1, 0, 2, 0, 1), SYS_REG(tcr_el1, 0, 2, 0, 2), SYS_REG(spsr_el1, 0, 4, 0, 0),
    SYS_REG(elr_el1, 0, 4, 0, 1), SYS_REG(esr_el1, 0, 5, 2, 0), SYS_REG(far_el1, 0, 6, 0, 0),
    SYS_REG(par_el1, 0, 7, 4, 0), SYS_REG(mair_el1, 0, 10, 2, 0), SYS_REG(vbar_el1, 0, 12, 0, 0),
    SYS_REG(contextidr_el1, 0, 13, 0, 1), SYS_REG(tpidr_el1, 0, 13, 0, 4),
    SYS_REG(tpidr_el0, 3, 13, 0, 2), SYS_REG(tpidrro_el0, 3, 13, 0, 3),
    SYS_REG(cntkctl_el1, 0, 14, 1, 0), SYS_REG(cntvct_el0, 3, 14, 0, 2),
    SYS_REG(cntv_ctl_el0, 3, 14, 3, 1), SYS_REG(cntv_cval_el0, 3, 14, 3, 2),
    SYS_REG(midr_el1, 0, 0, 0, 0), SYS_REG(mpidr_el1, 0, 0, 0, 5),
    { "mdscr_el1", "system", 0, 8, SYSREG_ID(2, 0, 0, 2, 2), get_system, set_system },
    SP_REG(0), SP_REG(1),
    { NULL, NULL, 0, 0, PLAIN },
};

const CpuOps arm_cpu_ops = {
    .arch = "aarch64",
    .insn_align_log2 = 2,
    .capstone_arch = CS_ARCH_ARM64,
    .capstone_mode = CS_MODE_ARM,
    .globals = &arm_ir_globals,
    .registers = registers,
    .reset = arm_reset,
    .unit_flags = arm_unit_flags,
    .bank_key = arm_bank_key,
    .translate = arm_translate,
    .find_region = arm_find_region, .translate_region = arm_translate_region,
    .walk = arm_walk,
    .canonical = arm_canonical,
    .raise_mmu = arm_raise_mmu,
    .page_watched = arm_page_watched,
    .watch_hit = arm_watch_hit,
    .deliver = arm_deliver,
    .interrupt_ready = arm_interrupt_ready,
    .take_interrupt = arm_take_interrupt,
    .has_work = arm_has_work,
    .wait_for_event = arm_wait_for_event,
    .get_pc = arm_get_pc,
    .set_pc = arm_set_pc,
    .dump = arm_dump,
    .vector_base = arm_vector_base,
    .debug_translate = arm_debug_translate,
    .destroy = arm_destroy,
};
