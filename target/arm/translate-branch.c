// SPDX-License-Identifier: MIT
//
// A64 branches and exception generating instructions (Arm ARM C4.1, C6.2). Branch offsets are
// in bytes. A unit ends at each of them, but goes on behind conditional branches forward: what
// follows is as likely as not, and finds registers and flags where they are.
#include "target/arm/helpers.h"
#include "target/arm/internal.h"
#include "target/arm/translate.h"

/* ---- branches ----------------------------------------------------------------------------- */

bool a64_trans_B(DisasContext *s, const struct a64_branch *a)
{
    gen_exit_to(s, s->pc + a->imm, 0);
    return true;
}

bool a64_trans_BL(DisasContext *s, const struct a64_branch *a)
{
    reg_set(s, true, 30, ir_imm64(&s->b, s->pc + 4));
    gen_exit_to(s, s->pc + a->imm, IR_EXIT_CALL);
    return true;
}

/* The two ways of a conditional branch, from blocks `then` and `otherwise`. */
static void both_ways(DisasContext *s, uint32_t then, Vaddr target, uint32_t otherwise)
{
    unsigned most = s->b.unit->without & TCG_NO_SIDE_EXITS ? 0 : MAX_SIDE_EXITS;
    bool go_on = target > s->pc && !(s->flags & UNIT_STEP) && s->side_exits < most && !s->region;
    ir_block_begin(&s->b, then);
    gen_exit_to(s, target, 0);
    ir_block_begin(&s->b, otherwise);
    if (go_on) {
        s->side_exits++;
        s->ended = false;
    } else {
        gen_exit_to(s, s->pc + 4, 0);
    }
}

static void compare_branch(DisasContext *s, IrType t, IrRef x, IrRef y, IrCc cc, Vaddr target)
{
    uint32_t otherwise = ir_block_create(&s->b), then = ir_block_create(&s->b);
    ir_brc(&s->b, t, x, y, cc, IR_TARGETS(then, otherwise));
    both_ways(s, then, target, otherwise);
}

bool a64_trans_CBZ(DisasContext *s, const struct a64_cbz *a)
{
    IrType t = sf_type(a->sf);
    compare_branch(s, t, reg_get(s, a->sf, a->rt), ir_imm(&s->b, t, 0), IR_EQ, s->pc + a->imm);
    return true;
}

bool a64_trans_CBNZ(DisasContext *s, const struct a64_cbz *a)
{
    IrType t = sf_type(a->sf);
    compare_branch(s, t, reg_get(s, a->sf, a->rt), ir_imm(&s->b, t, 0), IR_NE, s->pc + a->imm);
    return true;
}

static bool test_branch(DisasContext *s, const struct a64_tbz *a, IrCc cc)
{
    bool high = a->bit >= 32; /* the low word will do for the others */
    IrType t = sf_type(high);
    compare_branch(s, t, reg_get(s, high, a->rt), ir_imm(&s->b, t, BIT(a->bit)), cc,
                   s->pc + a->imm);
    return true;
}

bool a64_trans_TBZ(DisasContext *s, const struct a64_tbz *a)
{
    return test_branch(s, a, IR_TSTEQ);
}

bool a64_trans_TBNZ(DisasContext *s, const struct a64_tbz *a)
{
    return test_branch(s, a, IR_TSTNE);
}

bool a64_trans_B_cond(DisasContext *s, const struct a64_bcond *a)
{
    Vaddr target = s->pc + a->imm;
    if (a->cond >= IR_COND_AL) {
        gen_exit_to(s, target, 0);
        return true;
    }
    uint32_t otherwise = ir_block_create(&s->b), then = ir_block_create(&s->b);
    ir_brf(&s->b, nzcv_get(s), a->cond, IR_TARGETS(then, otherwise));
    both_ways(s, then, target, otherwise);
    return true;
}

/* ---- branch target identification (Arm ARM D8.4.4; J1, BTypeCompatible) --------------------- */

enum { BTYPE_X16 = 1, BTYPE_CALL = 2, BTYPE_JUMP = 3 };

static unsigned btype_of(const DisasContext *s, unsigned rn, bool link)
{
    bool anywhere = !(s->flags & UNIT_FLAG_GUARDED) || rn == 16 || rn == 17;
    return link ? BTYPE_CALL : anywhere ? BTYPE_X16 : BTYPE_JUMP;
}

void gen_branch_record(DisasContext *s, IrRef target, unsigned rn, bool link)
{
    if (!arm_has(s->cpu, ARM_FEAT_BTI))
        return;
    unsigned type = btype_of(s, rn, link);
    ir_stenv(&s->b, IR_I64, ir_add(&s->b, IR_I64, target, ir_imm64(&s->b, type)), 3,
             offsetof(ArmCpu, branch_record));
}

/* Bit n: a branch of type n may not come here. */
static unsigned refused_types(const DisasContext *s, uint32_t word)
{
    enum { ALL = 1 << BTYPE_X16 | 1 << BTYPE_CALL | 1 << BTYPE_JUMP };
    if ((word & 0xffe0001f) == 0xd4200000 || (word & 0xffe0001f) == 0xd4400000)
        return 0; /* BRK, HLT */
    if ((word & 0xfffff01f) != 0xd503201f)
        return ALL;
    switch (word >> 5 & 0x7f) { /* the number of the hint */
    case 34: return 1 << BTYPE_JUMP;  /* BTI c */
    case 36: return 1 << BTYPE_CALL;  /* BTI j */
    case 38: return 0;                /* BTI jc */
    case 25: case 27:                 /* PACIASP, PACIBSP */
        if (!arm_has(s->cpu, ARM_FEAT_PAUTH))
            return ALL;
        return s->flags & UNIT_STRICT_PACSP ? 1 << BTYPE_JUMP : 0;
    default: return ALL;
    }
}

bool may_land(const DisasContext *s, uint32_t word, bool link)
{
    return !(s->flags & UNIT_FLAG_GUARDED) ||
           !(refused_types(s, word) >> btype_of(s, s->word >> 5 & 31, link) & 1);
}

void gen_landing_check(DisasContext *s)
{
    IrBuilder *b = &s->b;
    unsigned refused = refused_types(s, s->word);
    if (!refused)
        return;
    IrRef record = ir_ldenv(b, IR_I64, 3, offsetof(ArmCpu, branch_record));
    if (refused & (refused - 1)) /* more than one type: all */
        gen_cold_if(s, IR_I64, ir_sub(b, IR_I64, record, ir_imm64(b, s->pc + BTYPE_X16)),
                    ir_imm64(b, BTYPE_JUMP - BTYPE_X16), IR_LEU, COLD_BRANCH_TARGET, s->pc);
    else
        gen_cold_if(s, IR_I64, record, ir_imm64(b, s->pc + (unsigned)__builtin_ctz(refused)), IR_EQ,
                    COLD_BRANCH_TARGET, s->pc);
}

bool a64_trans_BR(DisasContext *s, const struct a64_branch_reg *a)
{
    IrRef target = reg_get(s, true, a->rn);
    gen_branch_record(s, target, a->rn, false);
    gen_exit_reg(s, target, IR_EXIT_POLL);
    return true;
}

bool a64_trans_BLR(DisasContext *s, const struct a64_branch_reg *a)
{
    IrRef target = reg_get(s, true, a->rn); /* before X30 changes: Rn may be it */
    reg_set(s, true, 30, ir_imm64(&s->b, s->pc + 4));
    gen_branch_record(s, target, a->rn, true);
    gen_exit_reg(s, target, IR_EXIT_POLL | IR_EXIT_CALL);
    return true;
}

bool a64_trans_RET(DisasContext *s, const struct a64_branch_reg *a)
{
    gen_exit_reg(s, reg_get(s, true, a->rn), IR_EXIT_POLL | IR_EXIT_RETURN);
    return true;
}

void gen_eret(DisasContext *s, IrRef target)
{
    gen_count(s, 1);
    target = ir_callv(&s->b, &helper_eret, target);
    /* PSTATE.SS comes from SPSR: not cleared here by software step */
    ir_set(&s->b, IR_I64, target, ARM_G_PC);
    if (s->flags & UNIT_STEP)
        ir_exit(&s->b, IR_REASON_RESYNC);
    else
        ir_exit_reg(&s->b, target, IR_EXIT_POLL | IR_EXIT_RELOAD);
    s->ended = true;
}

bool a64_trans_ERET(DisasContext *s, const struct a64_none *a)
{
    if (s->el == 0)
        return false;
    gen_eret(s, ir_ldenv(&s->b, IR_I64, 3, offsetof(ArmCpu, elr_el1)));
    return true;
}

/* ---- exception generation ------------------------------------------------------------------ */

bool a64_trans_SVC(DisasContext *s, const struct a64_exception *a)
{
    gen_count(s, 1);
    IrRef vector = ir_callv(&s->b, &helper_svc, ir_imm32(&s->b, ESR(EC_SVC64, a->imm)));
    ir_exit_reg(&s->b, vector, IR_EXIT_POLL | IR_EXIT_RELOAD); /* a debugger may be stepping */
    s->ended = true;
    return true;
}

/* The board's conduit may have switched this CPU off: back to the loop. */
static bool conduit_call(DisasContext *s, const IrHelper *helper)
{
    if (s->el == 0)
        return false;
    ir_call0(&s->b, helper);
    gen_exit_reason(s, s->pc + 4, IR_REASON_RESYNC);
    return true;
}

bool a64_trans_HVC(DisasContext *s, const struct a64_exception *a)
{
    return conduit_call(s, &helper_hvc);
}

bool a64_trans_SMC(DisasContext *s, const struct a64_exception *a)
{
    return conduit_call(s, &helper_smc);
}

#define HLT_SEMIHOSTING 0xf000

/* Halting debug is not there: all others are UNDEFINED. */
bool a64_trans_HLT(DisasContext *s, const struct a64_exception *a)
{
    if (a->imm != HLT_SEMIHOSTING || !s->cpu->semihost || (s->el == 0 && !s->cpu->semihost_el0))
        return false;
    ir_call0(&s->b, &helper_semihost);
    gen_exit_reason(s, s->pc + 4, IR_REASON_RESYNC);
    return true;
}

bool a64_trans_BRK(DisasContext *s, const struct a64_exception *a)
{
    gen_raise(s, ESR(EC_BRK64, a->imm));
    return true;
}
