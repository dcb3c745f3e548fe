// SPDX-License-Identifier: MIT
//
// The translation of a unit: the loop over instructions, the ways out, and what the chapters
// share. Contract and conventions in translate.h.
//
// SP alignment (Arm ARM D1.8.2). At EL0 no check is made where SP is used: whether SP is misaligned
// is a mode bit, and an instruction that may change it leaves the unit if SP ended up misaligned.
// At EL1, where kernels calculate in SP at every exception, the first use in a unit checks.
#include "target/arm/translate.h"

#include <string.h>
#include "target/arm/fp-helpers.h"
#include "target/arm/helpers.h"
#include "target/arm/internal.h"
#include "target/arm/pmu.h"

#define OFF(field) offsetof(ArmCpu, field)
#define ROW_X(n) { "x" #n, IR_I64, OFF(regs.x[n]) }
#define ROW_V(n) { "v" #n, IR_V128, OFF(regs.v[n]) }

static const IrGlobal globals_table[ARM_G_COUNT] = {
    ROW_X(0), ROW_X(1), ROW_X(2), ROW_X(3), ROW_X(4), ROW_X(5), ROW_X(6), ROW_X(7),
    ROW_X(8), ROW_X(9), ROW_X(10), ROW_X(11), ROW_X(12), ROW_X(13), ROW_X(14), ROW_X(15),
    ROW_X(16), ROW_X(17), ROW_X(18), ROW_X(19), ROW_X(20), ROW_X(21), ROW_X(22), ROW_X(23),
    ROW_X(24), ROW_X(25), ROW_X(26), ROW_X(27), ROW_X(28), ROW_X(29), ROW_X(30),
    [ARM_G_SP] = { "sp", IR_I64, OFF(regs.sp) },
    [ARM_G_PC] = { "pc", IR_I64, OFF(regs.pc) },
    [ARM_G_NZCV] = { "nzcv", IR_I32, OFF(regs.nzcv) },
    [ARM_G_QC] = { "qc", IR_I32, OFF(regs.qc) },
    [ARM_G_EXCL_ADDR] = { "excl_addr", IR_I64, OFF(regs.excl_addr) },
    [ARM_G_EXCL_LO] = { "excl_lo", IR_I64, OFF(regs.excl_lo) },
    [ARM_G_EXCL_HI] = { "excl_hi", IR_I64, OFF(regs.excl_hi) },
    [ARM_G_V0] =
    ROW_V(0), ROW_V(1), ROW_V(2), ROW_V(3), ROW_V(4), ROW_V(5), ROW_V(6), ROW_V(7),
    ROW_V(8), ROW_V(9), ROW_V(10), ROW_V(11), ROW_V(12), ROW_V(13), ROW_V(14), ROW_V(15),
    ROW_V(16), ROW_V(17), ROW_V(18), ROW_V(19), ROW_V(20), ROW_V(21), ROW_V(22), ROW_V(23),
    ROW_V(24), ROW_V(25), ROW_V(26), ROW_V(27), ROW_V(28), ROW_V(29), ROW_V(30), ROW_V(31),
};

const IrGlobals arm_ir_globals = {
    .table = globals_table, .count = ARM_G_COUNT, .pc = ARM_G_PC,
};

/* How many units do without a look at operands when one was out of the ordinary: where there is one,
 * there are often more. */
#define SOFT_UNITS 32

bool a64_has_feature(const DisasContext *s, enum A64Feature feature)
{
    return s->features >> feature & 1;
}

/* ---- leaving ------------------------------------------------------------------------------ */

/* An instruction was completed under software step: the next one is to be trapped. */
static void step_advance(DisasContext *s)
{
    if (!(s->flags & UNIT_STEP))
        return;
    uint32_t iss = ISS_STEP_ISV | (s->exclusive ? ISS_STEP_EX : 0);
    ir_stenv(&s->b, IR_I32, ir_imm32(&s->b, 0), 2, OFF(ss));
    ir_stenv(&s->b, IR_I32, ir_imm32(&s->b, iss), 2, OFF(step_iss));
}

/* counter += n, in the CPU structure. */
static void add_to_env(DisasContext *s, uint32_t offset, unsigned n)
{
    IrRef v = ir_ldenv(&s->b, IR_I64, 3, offset);
    ir_stenv(&s->b, IR_I64, ir_add(&s->b, IR_I64, v, ir_imm64(&s->b, n)), 3, offset);
}

void gen_count(DisasContext *s, unsigned more)
{
    if ((s->flags & UNIT_PMU) && s->uncounted + more)
        add_to_env(s, OFF(pmu.insns), s->uncounted + more);
}

void gen_exit_reason(DisasContext *s, Vaddr pc, IrExitReason reason)
{
    gen_count(s, 1);
    step_advance(s);
    ir_set(&s->b, IR_I64, ir_imm64(&s->b, pc), ARM_G_PC);
    ir_exit(&s->b, reason);
    s->ended = true;
}

void gen_exit_to(DisasContext *s, Vaddr target, unsigned exit_bits)
{
    if (s->flags & UNIT_STEP) {
        gen_exit_reason(s, target, IR_REASON_RESYNC);
        return;
    }
    gen_count(s, 1);
    if (exit_bits == IR_EXIT_CALL ? region_call(s, target) : !exit_bits && region_goto(s, target))
        return;
    if (target <= s->pc)
        exit_bits |= IR_EXIT_POLL;
    if (!((target ^ s->unit_pc) >> GUEST_PAGE_BITS) && !(exit_bits & IR_EXIT_RELOAD))
        exit_bits |= IR_EXIT_SAME_PAGE;
    ir_exit_pc(&s->b, exit_bits, target);
    s->ended = true;
}

void gen_exit_reg(DisasContext *s, IrRef target, unsigned exit_bits)
{
    gen_count(s, 1);
    if (s->flags & UNIT_STEP) {
        step_advance(s);
        ir_set(&s->b, IR_I64, target, ARM_G_PC);
        ir_exit(&s->b, IR_REASON_RESYNC);
    } else {
        if (exit_bits & IR_EXIT_RETURN)
            region_return(s, target);
        else if (exit_bits & IR_EXIT_POLL) /* not what is out of line */
            region_branch(s, target, exit_bits & IR_EXIT_CALL);
        ir_exit_reg(&s->b, target, exit_bits);
    }
    s->ended = true;
}

static void raise_value(DisasContext *s, IrRef esr)
{
    gen_count(s, 0);
    ir_callv(&s->b, &helper_raise, esr);
    ir_exit(&s->b, IR_REASON_EXCEPTION);
    s->ended = true;
}

void gen_raise(DisasContext *s, uint32_t esr)
{
    raise_value(s, ir_imm32(&s->b, esr));
}

void gen_raise_undefined(DisasContext *s)
{
    gen_raise(s, ESR(EC_UNKNOWN, 0));
}

void gen_fp_trap(DisasContext *s)
{
    gen_raise(s, ESR(EC_FP_TRAP, ISS_CV_AL));
}

ColdExit *gen_cold_if(DisasContext *s, IrType type, IrRef x, IrRef y, IrCc cc, ColdKind kind,
                      Vaddr pc)
{
    assert(s->cold_count < MAX_COLD_EXITS);
    uint32_t block = s->b.block, next = ir_block_create(&s->b);
    ir_brc(&s->b, type, x, y, cc, IR_TARGETS(0, next));
    ColdExit *c = &s->cold[s->cold_count++];
    *c = (ColdExit){
        .kind = kind, .uncounted = s->uncounted, .block = block,
        .insn = s->b.unit->blocks[block]->count - 1, .pc = pc,
    };
    ir_block_begin(&s->b, next);
    return c;
}

/* The instruction at `pc` was not done. */
static void gen_fp_soft_cold(DisasContext *s, Vaddr pc)
{
    gen_count(s, 0);
    ir_stenv(&s->b, IR_I32, ir_imm32(&s->b, SOFT_UNITS), 2, OFF(fp_soft));
    ir_set(&s->b, IR_I64, ir_imm64(&s->b, pc), ARM_G_PC);
    ir_exit(&s->b, IR_REASON_RESYNC);
}

void arm_translate_end(DisasContext *s)
{
    for (unsigned i = 0; i < s->cold_count; i++) {
        const ColdExit *c = &s->cold[i];
        uint32_t block = ir_block_create(&s->b);
        IrInsn *br = &s->b.unit->blocks[c->block]->insns[c->insn];
        br->imm = IR_TARGETS(block, IR_ELSE(br->imm));
        ir_block_begin(&s->b, block);
        s->uncounted = c->uncounted;
        if (c->kind == COLD_DSB)
            ir_call0(&s->b, &helper_dsb_wait);
        if (c->kind == COLD_SP_FAULT) {
            ir_insn_start(&s->b, c->pc);
            gen_raise(s, ESR(EC_SP_ALIGN, 0));
            continue;
        }
        if (c->kind == COLD_BRANCH_TARGET) {
            ir_insn_start(&s->b, c->pc);
            IrRef type = ir_sub(&s->b, IR_I64, ir_ldenv(&s->b, IR_I64, 3, OFF(branch_record)),
                                ir_imm64(&s->b, c->pc));
            raise_value(s, ir_or(&s->b, IR_I32, ir_trunc(&s->b, type),
                                 ir_imm32(&s->b, ESR(EC_BRANCH_TARGET, 0))));
            continue;
        }
        if (c->kind == COLD_FP_SOFT)
            gen_fp_soft_cold(s, c->pc);
        else if (c->kind == COLD_PAUTH)
            gen_pauth_cold(s, c);
        else
            gen_exit_reason(s, c->pc, IR_REASON_RESYNC);
    }
}

/* ---- memory ------------------------------------------------------------------------------- */

IrRef mem_base(DisasContext *s, unsigned rn)
{
    if (rn == 31 && (s->flags & UNIT_SP_MISALIGNED)) {
        gen_raise(s, ESR(EC_SP_ALIGN, 0));
        return IR_NONE;
    }
    IrRef base = reg_get_sp(s, true, rn);
    if (rn == 31 && !s->sp_aligned) {
        gen_cold_if(s, IR_I64, base, ir_imm64(&s->b, 15), IR_TSTNE, COLD_SP_FAULT, s->pc);
        s->sp_aligned = true;
    }
    return base;
}

IrRef mem_extend(DisasContext *s, unsigned rm, unsigned option, unsigned shift)
{
    IrRef v = reg_get(s, true, rm);
    if (option == 2)
        v = ir_extu(&s->b, IR_I64, v, IR_POSLEN(0, 32));
    else if (option == 6)
        v = ir_exts(&s->b, IR_I64, v, IR_POSLEN(0, 32));
    return shift ? ir_shl(&s->b, IR_I64, v, ir_imm64(&s->b, shift)) : v;
}

/* ---- mode bits ---------------------------------------------------------------------------- */

/* What EL0 may do by leave of SCTLR_EL1 and CNTKCTL_EL1. */
static uint64_t el0_flags(const ArmCpu *cpu)
{
    uint64_t c = cpu->sctlr_el1, t = cpu->cntkctl_el1;
    return (c & SCTLR_UCI ? UNIT_UCI : 0) | (c & SCTLR_UCT ? UNIT_UCT : 0) |
           (c & SCTLR_DZE ? UNIT_DZE : 0) | (c & SCTLR_UMA ? UNIT_UMA : 0) |
           (c & SCTLR_NTWI ? UNIT_NTWI : 0) | (c & SCTLR_NTWE ? UNIT_NTWE : 0) |
           (t & 1 ? UNIT_EL0PCT : 0) | (t & 2 ? UNIT_EL0VCT : 0) | (t & 1 << 8 ? UNIT_EL0VT : 0) |
           (t & 1 << 9 ? UNIT_EL0PT : 0);
}

static uint64_t pauth_flags(const ArmCpu *cpu)
{
    uint64_t c = cpu->sctlr_el1;
    if (!arm_has(cpu, ARM_FEAT_PAUTH))
        return 0;
    return (c & SCTLR_ENIA ? UNIT_PAC_IA : 0) | (c & SCTLR_ENIB ? UNIT_PAC_IB : 0) |
           (c & SCTLR_ENDA ? UNIT_PAC_DA : 0) | (c & SCTLR_ENDB ? UNIT_PAC_DB : 0);
}

/* Software step and breakpoints (Arm ARM D2). */
static uint64_t debug_flags(const ArmCpu *cpu)
{
    bool active = arm_step_enabled(cpu, cpu->el, cpu->daif);
    bool used = (cpu->mdscr_el1 & MDSCR_SS) || cpu->breakpoint_places;
    return (active ? UNIT_STEP : 0) | (active && cpu->ss ? UNIT_STEP_SS : 0) |
           (used && (cpu->mdscr_el1 & MDSCR_KDE) ? UNIT_DEBUG_D : 0) |
           (arm_breakpoints_active(cpu) ? UNIT_BREAKPOINTS : 0);
}

/* CPACR_EL1.FPEN: 1 traps EL0 only, 3 nobody. */
static bool fp_trapped(const ArmCpu *cpu)
{
    unsigned fpen = cpu->cpacr_el1 >> 20 & 3;
    return !(fpen & 1) || (fpen == 1 && cpu->el == 0);
}

static uint64_t fp_flags(const ArmCpu *cpu)
{
    return (fp_trapped(cpu) ? UNIT_FP_TRAP : 0) | (cpu->fpcr & ARM_FPCR_DN ? UNIT_FPCR_DN : 0) |
           (cpu->fpcr & ARM_FPCR_FZ ? UNIT_FPCR_FZ : 0) | (cpu->fp_soft ? UNIT_FP_SOFT : 0) |
           (cpu->fpcr & ARM_FPCR_FZ16 ? UNIT_FPCR_FZ16 : 0) |
           (cpu->fpcr >> ARM_FPCR_RMODE_SHIFT & 3) << UNIT_RMODE_SHIFT;
}

uint64_t arm_unit_flags(VCPU *vcpu)
{
    const ArmCpu *cpu = arm_cpu(vcpu);
    uint64_t c = cpu->sctlr_el1;
    bool sp_check = c & (cpu->el ? SCTLR_SA : SCTLR_SA0);
    return (cpu->el ? UNIT_EL1 | UNIT_EL0_ALL : el0_flags(cpu)) |
           ((c & SCTLR_A) || !(c & SCTLR_M) ? UNIT_ALIGN : 0) | (sp_check ? UNIT_SP_CHECK : 0) |
           (sp_check && !cpu->el && (cpu->regs.sp & 15) ? UNIT_SP_MISALIGNED : 0) |
           (cpu->el && cpu->spsel ? UNIT_SPSEL : 0) | (cpu->il ? UNIT_ILLEGAL : 0) |
           debug_flags(cpu) | fp_flags(cpu) | pauth_flags(cpu) |
           (arm_pmu_counts_code(cpu) ? UNIT_PMU : 0) |
           (cpu->uao ? UNIT_UAO : 0) | (c & (cpu->el ? SCTLR_BT1 : SCTLR_BT0) ? UNIT_STRICT_PACSP : 0);
}

/* ---- before an instruction ----------------------------------------------------------------- */

/* SP was written: does the mode bit still hold? */
static void check_sp(DisasContext *s)
{
    s->sp_written = false;
    if (!(s->flags & UNIT_SP_CHECK) || s->ended)
        return;
    if (s->el) {
        s->sp_aligned = false;
        return;
    }
    if (s->flags & UNIT_SP_MISALIGNED) {
        gen_exit_reason(s, s->pc + 4, IR_REASON_RESYNC);
        return;
    }
    IrRef sp = ir_get(&s->b, IR_I64, ARM_G_SP);
    gen_cold_if(s, IR_I64, sp, ir_imm64(&s->b, 15), IR_TSTNE, COLD_RESYNC, s->pc + 4);
}

static void check_breakpoints(DisasContext *s)
{
    uint32_t look = ir_block_create(&s->b), next = ir_block_create(&s->b);
    IrRef places = ir_ldenv(&s->b, IR_I64, 3, OFF(breakpoint_places));
    ir_brc(&s->b, IR_I64, places, ir_imm64(&s->b, BIT(s->pc >> 2 & 63)), IR_TSTNE,
           IR_TARGETS(look, next));
    ir_block_begin(&s->b, look);
    ir_call0(&s->b, &helper_breakpoint);
    ir_jump(&s->b, next);
    ir_block_begin(&s->b, next);
}

/* Conditions that trap before any instruction is looked at, in the order of D1.3.5.5. */
static bool raise_by_mode(DisasContext *s)
{
    if ((s->flags & UNIT_STEP) && !(s->flags & UNIT_STEP_SS)) {
        IrRef iss = ir_ldenv(&s->b, IR_I32, 2, OFF(step_iss));
        uint32_t esr = ESR(s->el ? EC_STEP : EC_STEP_LOWER, FSC_DEBUG);
        raise_value(s, ir_or(&s->b, IR_I32, iss, ir_imm32(&s->b, esr)));
        return true;
    }
    if (s->flags & UNIT_BREAKPOINTS)
        check_breakpoints(s);
    if (s->flags & UNIT_ILLEGAL)
        gen_raise(s, ESR(EC_ILLEGAL, 0));
    return s->ended;
}

void arm_translate_begin_block(DisasContext *s, Vaddr pc)
{
    s->pc = pc;
    s->sp_aligned = !(s->el && (s->flags & UNIT_SP_CHECK));
    s->sp_written = s->exclusive = s->ended = false;
    s->uncounted = s->side_exits = 0;
}

void arm_translate_begin(DisasContext *s, const ArmCpu *cpu, IrUnit *unit, Vaddr pc,
                         uint64_t flags)
{
    s->cpu = cpu;
    s->features = cpu->model->decode_features;
    s->flags = flags;
    s->unit_pc = pc;
    s->region = NULL;
    s->el = flags & UNIT_EL1 ? 1 : 0;
    s->fp_soft = flags & UNIT_FP_SOFT;
    s->fp_flushes = flags & UNIT_FPCR_FZ;
    s->fp_default_nan = flags & UNIT_FPCR_DN;
    s->rmode = flags >> UNIT_RMODE_SHIFT & 3;
    s->cold_count = 0;
    arm_translate_begin_block(s, pc);
    ir_builder_init(&s->b, unit);
    unit->nan_rule = s->fp_default_nan ? IR_NAN_ARM_DEFAULT : IR_NAN_ARM;
    unit->guest_pc = pc;
}

/* ---- performance monitors; Arm ARM D13 ----------------------------------------------------- */

/* Instructions of these classes of C4.1 end with a register written, or are unallocated: what was
 * completed before them may be counted behind them. */
static bool only_calculates(uint32_t word)
{
    unsigned class = bits_get(word, 25, 4);
    return (class & 14) == 8 || (class & 7) == 5; /* data processing, immediate and register */
}

static bool is_branch(uint32_t word)
{
    return (word & 0x7c000000) == 0x14000000 || /* B, BL */
           (word & 0x7c000000) == 0x34000000 || /* CBZ, CBNZ, TBZ, TBNZ */
           (word & 0xfe000000) == 0x54000000 || /* B.cond */
           (word & 0xfe000000) == 0xd6000000;   /* BR, BLR, RET, ERET */
}

/* The counts in the CPU structure are exact wherever an instruction may raise or look at them. */
static void count_before(DisasContext *s)
{
    if (!(s->flags & UNIT_PMU))
        return;
    if (!only_calculates(s->word)) {
        gen_count(s, 0);
        s->uncounted = 0;
    }
    if (is_branch(s->word))
        add_to_env(s, OFF(pmu.branches), 1);
}

/* At the head of a unit: is an overflow due? */
static void check_overflow(DisasContext *s)
{
    uint32_t fold = ir_block_create(&s->b), next = ir_block_create(&s->b);
    ir_brc(&s->b, IR_I64, ir_ldenv(&s->b, IR_I64, 3, OFF(pmu.insns)),
           ir_ldenv(&s->b, IR_I64, 3, OFF(pmu.limit)), IR_GEU, IR_TARGETS(fold, next));
    ir_block_begin(&s->b, fold);
    ir_call0(&s->b, &helper_pmu_fold);
    ir_jump(&s->b, next);
    ir_block_begin(&s->b, next);
}

/* At the head of a unit that goes through soft-float: is it time to look at operands again? */
static void count_soft_unit(DisasContext *s)
{
    uint32_t over = ir_block_create(&s->b), next = ir_block_create(&s->b);
    IrRef left = ir_ldenv(&s->b, IR_I32, 2, OFF(fp_soft)), zero = ir_imm32(&s->b, 0);
    ir_brc(&s->b, IR_I32, left, zero, IR_EQ, IR_TARGETS(over, next));
    ir_block_begin(&s->b, over);
    ir_exit(&s->b, IR_REASON_RESYNC);
    ir_block_begin(&s->b, next);
    ir_stenv(&s->b, IR_I32, ir_sub(&s->b, IR_I32, left, ir_imm32(&s->b, 1)), 2, OFF(fp_soft));
}

/* ---- the unit ----------------------------------------------------------------------------- */

void arm_translate_insn(DisasContext *s, const uint8_t *code)
{
    memcpy(&s->word, code, 4);
    ir_insn_start(&s->b, s->pc);
    if ((s->flags & UNIT_PMU) && s->pc == s->unit_pc)
        check_overflow(s);
    if ((s->flags & UNIT_FP_SOFT) && s->pc == s->unit_pc)
        count_soft_unit(s);
    if (raise_by_mode(s))
        return;
    if ((s->flags & UNIT_FLAG_GUARDED) && s->pc == s->unit_pc && !s->region)
        gen_landing_check(s);
    count_before(s);
    if (!a64_decode(s, s->word))
        gen_raise_undefined(s);
    if (s->sp_written)
        check_sp(s);
}

void arm_translate(VCPU *vcpu, struct IrUnit *unit, Vaddr pc, uint64_t flags, const uint8_t *code,
                   uint32_t bytes, uint32_t max_insns)
{
    DisasContext s;
    uint32_t done = 0;
    arm_translate_begin(&s, arm_cpu(vcpu), unit, pc, flags);
    if (flags & UNIT_STEP)
        max_insns = 1;
    while (!s.ended) {
        arm_translate_insn(&s, code + done);
        done += 4;
        if (!s.ended && (done == bytes || done / 4 >= max_insns ||
                         s.cold_count > MAX_COLD_EXITS - 4))
            gen_exit_to(&s, s.pc + 4, 0);
        s.pc += 4;
        s.uncounted++;
    }
    arm_translate_end(&s);
    unit->guest_bytes = done;
    unit->guest_insns = done / 4;
}
