// SPDX-License-Identifier: MIT
//
// The guest's NZCV in the host's flags.
//
// An nzcv_* instruction leaves its value in host flags (ra->s.flags_ref) in one of these kinds:
//   FLAGS_SUB    CF = not C: the form of opcodes.def, as after cmp
//   FLAGS_ADD    CF = C
//   FLAGS_LOGIC  CF = OF = 0 while C and V are clear
//   FLAGS_FCMP, FLAGS_FCMP_SWAPPED  as after (u)comisd of the operands, in this order or the other
// Moves never change host flags, so consumers further down use them directly. When they are about to
// be lost and the value is still needed, a recipe is made of it: which operation on which values
// gives these flags. A consumer computes them again, and a slow path that wants exact state does;
// mostly the next nzcv_* comes before either, and then they were for free. Only where operands are
// gone, and where control flow joins, is the value brought into a register (lahf; seto al).
#include <assert.h>
#include "tcg/x86_64/integer.h"

enum { OP_CMC = 0xf5, OP_STC = 0xf9, OP_LAHF = 0x9f, OP_SAHF = 0x9e };

/* ---- state ---- */

static bool is_fcmp(const RegAlloc *ra)
{
    return ra->s.flags_kind == FLAGS_FCMP || ra->s.flags_kind == FLAGS_FCMP_SWAPPED;
}

/* OF from bit 0 of RAX by an addition, the others by sahf. */
static void flags_from_rax(TcgEmit *e)
{
    asm_u8(e, 0x04); /* add al, 0x7f */
    asm_u8(e, 0x7f);
    asm_u8(e, OP_SAHF);
}

static void to_sub_form(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    if (is_fcmp(ra)) {
        fcmp_to_rax(e, ra->s.flags_kind == FLAGS_FCMP_SWAPPED);
        flags_from_rax(e);
    } else if (ra->s.flags_kind == FLAGS_ADD) {
        asm_u8(e, OP_CMC);
    } else if (ra->s.flags_kind == FLAGS_LOGIC) {
        asm_u8(e, OP_STC);
    }
    ra->s.flags_kind = FLAGS_SUB;
}

void flags_to_rax(TcgEmit *e)
{
    if (is_fcmp(e->ra)) {
        fcmp_to_rax(e, e->ra->s.flags_kind == FLAGS_FCMP_SWAPPED);
        return;
    }
    to_sub_form(e);
    asm_u8(e, OP_LAHF);
    asm_setcc(e, CC_O, RAX);
}

void flags_set(TcgEmit *e, uint8_t kind)
{
    RegAlloc *ra = e->ra;
    ra->s.flags_ref = e->insn->dst;
    ra->s.flags_kind = kind;
    ra->s.flags_insn = e->insn;
    ra->values[e->insn->dst].next_use = ra->insn_uses[0];
}

/* Does `in`, which changes flags, leave need for the flags as they are? */
bool flags_needs_save(const TcgEmit *e, const IrInsn *in)
{
    const RegAlloc *ra = e->ra;
    IrRef v = ra->s.flags_ref;
    switch (in->op) {
    case IR_OP_ADC:
    case IR_OP_SBC:
    case IR_OP_NZCV_ADC:
    case IR_OP_NZCV_SBC:
        return !(ra_canonical(ra, in->arg[2]) == v && ra_dies(e, in->arg[2]));
    default:
        return true;
    }
}

/* The second operand of a two-operand ALU instruction. */
static void alu_operand(TcgEmit *e, unsigned alu, uint32_t w, Reg d, const Operand *y)
{
    switch (y->kind) {
    case OPERAND_IMM: asm_alu_ri(e, alu, w, d, y->imm); break;
    case OPERAND_MEM: asm_alu_rm(e, alu, w, d, y->mem); break;
    default: asm_alu_rr(e, alu, w, d, y->reg); break;
    }
}

/* ---- recipes ---- */

const RaRecipe *flags_recipe(const RegAlloc *ra, IrRef v)
{
    for (unsigned k = 0; k < MAX_RECIPES; k++) {
        if (v && ra->s.recipes[k].flags == v) {
            return &ra->s.recipes[k];
        }
    }
    return NULL;
}

static bool is_at_hand(const TcgEmit *e, IrRef v)
{
    return ir_is_const(v) || ra_can_hold(e, v);
}

/* What gives flags `v`, computed by `in`, by values that are still there. */
static bool find_recipe(const TcgEmit *e, IrRef v, const IrInsn *in, RaRecipe *out)
{
    const RegAlloc *ra = e->ra;
    if (!in || in->dst != v || in->op < IR_OP_NZCV_ADD || in->op > IR_OP_NZCV_AND) {
        return false;
    }
    IrRef a = ra_canonical(ra, in->arg[0]), b = ra_canonical(ra, in->arg[1]);
    IrRef result = in->sub ? (in - in->imm)->dst : IR_NONE; /* of the arithmetic it is fused with */
    *out = (RaRecipe){ .flags = v, .a = a, .b = b, .type = in->type };
    out->form = in->op == IR_OP_NZCV_SUB ? RECIPE_SUB : in->op == IR_OP_NZCV_ADD ? RECIPE_ADD
                                                                                 : RECIPE_AND;
    if (is_at_hand(e, a) && is_at_hand(e, b)) {
        return true;
    }
    if (!result || !is_at_hand(e, result)) {
        return false;
    }
    out->a = result;
    if (in->op == IR_OP_NZCV_AND) {
        out->b = result;
        return true;
    }
    out->form = in->op == IR_OP_NZCV_SUB ? RECIPE_SUB_RESULT : RECIPE_ADD_RESULT;
    return is_at_hand(e, b);
}

/* `v` in a register, or in `scratch`. */
static Reg ingredient(TcgEmit *e, IrRef v, Reg scratch)
{
    Reg r;
    if (!ir_is_const(v) && ra_in_reg(e, v, &r)) {
        return r;
    }
    ra_load_to(e, v, scratch);
    return scratch;
}

void flags_from_recipe(TcgEmit *e, const RaRecipe *recipe)
{
    static const uint8_t kinds[] = {
        [RECIPE_SUB] = FLAGS_SUB, [RECIPE_ADD] = FLAGS_ADD, [RECIPE_AND] = FLAGS_LOGIC,
        [RECIPE_SUB_RESULT] = FLAGS_SUB, [RECIPE_ADD_RESULT] = FLAGS_ADD,
    };
    RegAlloc *ra = e->ra;
    flags_save(e);
    const RaRecipe r = *recipe; /* saving others may move it */
    uint32_t w = r.type == IR_I64 ? X_W : 0;
    int32_t imm = 0;
    bool is_imm = emit_imm32(e, r.type, r.b, &imm);
    Reg b = is_imm ? REG_NONE : ingredient(e, r.b, RCX);
    Reg a = RAX;
    if (r.form == RECIPE_SUB || r.form == RECIPE_AND) {
        a = ingredient(e, r.a, RAX);
    } else {
        ra_load_to(e, r.a, RAX);
    }
    Operand y = { .kind = is_imm ? OPERAND_IMM : OPERAND_REG, .reg = b, .imm = imm };
    switch (r.form) {
    case RECIPE_SUB:
        alu_operand(e, ALU_CMP, w, a, &y);
        break;
    case RECIPE_AND:
        if (is_imm) {
            asm_test_ri(e, w, a, imm);
        } else {
            asm_test_rr(e, w, a, b);
        }
        break;
    case RECIPE_ADD:
        alu_operand(e, ALU_ADD, w, a, &y);
        break;
    case RECIPE_SUB_RESULT:
        alu_operand(e, ALU_ADD, w, a, &y);
        alu_operand(e, ALU_CMP, w, a, &y);
        break;
    case RECIPE_ADD_RESULT:
        alu_operand(e, ALU_SUB, w, a, &y);
        alu_operand(e, ALU_ADD, w, a, &y);
        break;
    }
    ra->s.flags_ref = r.flags;
    ra->s.flags_kind = kinds[r.form];
    ra->s.flags_insn = NULL; /* there is a recipe already */
}

void flags_load_guarded(TcgEmit *e, const RaRecipe *recipe, Reg r)
{
    RegAlloc *ra = e->ra;
    const RaRecipe copy = *recipe;
    flags_save(e);
    ra->s.flags_ref = IR_NONE;
    asm_alu_mi(e, ALU_CMP, 0, slot_mem(ra->guard_slot), 0);
    uint8_t *in_memory = asm_jcc8(e, CC_E);
    flags_from_recipe(e, &copy);
    flags_to_rax(e);
    ra->s.flags_ref = IR_NONE;
    uint8_t *end = asm_jmp8(e);
    asm_bind8(e, in_memory);
    asm_mov_rm(e, 0, RAX, env_mem(e->unit->globals->table[ra->guarded_var].offset));
    asm_bind8(e, end);
    if (r != RAX) {
        asm_mov_rr(e, 0, r, RAX);
    }
}

void flags_materialise(TcgEmit *e, IrRef v)
{
    if (flags_recipe(e->ra, v) && flags_recipe(e->ra, v)->guarded) {
        flags_save(e);
        e->ra->s.flags_ref = IR_NONE;
    } else if (e->ra->s.flags_ref != v) {
        flags_from_recipe(e, flags_recipe(e->ra, v));
    }
    ra_pull(e, v);
    ra_drop_recipe(e, v);
}

/* A sum that is less than what was added has overflowed. */
static void carry_from_sum(TcgEmit *e, const RaRecipe *recipe)
{
    flags_save(e);
    const RaRecipe r = *recipe;
    int32_t imm = 0;
    bool is_imm = emit_imm32(e, r.type, r.b, &imm);
    Operand y = { .kind = is_imm ? OPERAND_IMM : OPERAND_REG, .imm = imm };
    y.reg = is_imm ? REG_NONE : ingredient(e, r.b, RCX);
    alu_operand(e, ALU_CMP, r.type == IR_I64 ? X_W : 0, ingredient(e, r.a, RAX), &y);
    e->ra->s.flags_ref = IR_NONE;
}

/* For an instruction that wants the carry only, and has no other use of host flags. */
static void carry_from_recipe(TcgEmit *e, const RaRecipe *recipe)
{
    IrRef v = recipe->flags;
    if (recipe->form != RECIPE_ADD_RESULT) {
        flags_from_recipe(e, recipe);
        return;
    }
    carry_from_sum(e, recipe);
    e->ra->s.flags_ref = v;
    e->ra->s.flags_kind = FLAGS_ADD;
    e->ra->s.flags_insn = NULL;
}

void flags_prepare(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    if (in->op >= IR_OP_COUNT) { /* has no row in ir_op_info[], and an address for an operand */
        return;
    }
    for (unsigned k = 0; k < IR_MAX_ARGS && in->arg[k]; k++) {
        IrRef v = ra_canonical(ra, in->arg[k]);
        const RaRecipe *r = ir_is_const(v) ? NULL : flags_recipe(ra, v);
        bool condition = ir_op_info[in->op].sub == IR_SUB_COND && k == 0;
        bool carry = k == 2 && (in->op == IR_OP_ADC || in->op == IR_OP_SBC ||
                                in->op == IR_OP_NZCV_ADC || in->op == IR_OP_NZCV_SBC);
        if (condition || ir_is_const(v) || ra_is_somewhere(e, v)) {
            continue;
        }
        if (!r) {
            if (v == ra->s.flags_ref && !carry) {
                flags_keep(e); /* the emitter may need host flags before it looks at this */
            }
        } else if (!carry) {
            flags_materialise(e, v);
        } else if (ra->s.flags_ref != v) {
            carry_from_recipe(e, r);
        }
    }
}

static bool is_at_risk(const RegAlloc *ra, const TcgEmit *e, IrRef v)
{
    return v && (ra->values[v].next_use || ra->values[v].ndirty) && !ra_is_somewhere(e, v) &&
           !flags_recipe(ra, v);
}

void flags_keep(TcgEmit *e)
{
    if (is_at_risk(e->ra, e, e->ra->s.flags_ref)) {
        ra_pull(e, e->ra->s.flags_ref);
    }
}

void flags_save(TcgEmit *e)
{
    RegAlloc *ra = e->ra;
    IrRef v = ra->s.flags_ref;
    if (!is_at_risk(ra, e, v)) {
        return;
    }
    for (unsigned k = 0; k < MAX_RECIPES && !leaves_out(e, TCG_NO_FLAG_RECIPES); k++) {
        RaRecipe recipe;
        if (!ra->s.recipes[k].flags && find_recipe(e, v, ra->s.flags_insn, &recipe)) {
            ra->s.recipes[k] = recipe;
            return;
        }
    }
    ra_pull(e, v);
}

/* ---- conditions ---- */

static const uint8_t host_cc[] = {
    [IR_COND_EQ] = CC_E,  [IR_COND_NE] = CC_NE, [IR_COND_CS] = CC_AE, [IR_COND_CC] = CC_B,
    [IR_COND_MI] = CC_S,  [IR_COND_PL] = CC_NS, [IR_COND_VS] = CC_O,  [IR_COND_VC] = CC_NO,
    [IR_COND_HI] = CC_A,  [IR_COND_LS] = CC_BE, [IR_COND_GE] = CC_GE, [IR_COND_LT] = CC_L,
    [IR_COND_GT] = CC_G,  [IR_COND_LE] = CC_LE,
};

/* Bits to test for conditions that need no combination of N and V; HI is "none set". */
static const struct {
    uint16_t mask;
    uint8_t cc;
} stored_test[] = {
    [IR_COND_EQ] = { IR_NZCV_Z, CC_NE },     [IR_COND_NE] = { IR_NZCV_Z, CC_E },
    [IR_COND_CS] = { IR_NZCV_NOT_C, CC_E },  [IR_COND_CC] = { IR_NZCV_NOT_C, CC_NE },
    [IR_COND_MI] = { IR_NZCV_N, CC_NE },     [IR_COND_PL] = { IR_NZCV_N, CC_E },
    [IR_COND_VS] = { IR_NZCV_V, CC_NE },     [IR_COND_VC] = { IR_NZCV_V, CC_E },
    [IR_COND_HI] = { IR_NZCV_NOT_C | IR_NZCV_Z, CC_E },
    [IR_COND_LS] = { IR_NZCV_NOT_C | IR_NZCV_Z, CC_NE },
};

static unsigned condition_in_flags(TcgEmit *e, unsigned cond)
{
    RegAlloc *ra = e->ra;
    unsigned pair = cond & ~1u;
    if (is_fcmp(ra)) {
        unsigned cc = fcmp_condition(cond, ra->s.flags_kind == FLAGS_FCMP_SWAPPED);
        if (cc != CC_NONE) {
            return cc;
        }
        if (pair == IR_COND_EQ) { /* ZF and not PF */
            flags_save(e);
            ra->s.flags_ref = IR_NONE;
            asm_u8(e, OP_LAHF);
            asm_rr_i8(e, 0x80, ALU_AND, RSP, 0x44); /* ah: what RSP is without REX */
            asm_rr_i8(e, 0x80, ALU_CMP, RSP, 0x40);
            return host_cc[cond];
        }
        to_sub_form(e);
    }
    if (ra->s.flags_kind == FLAGS_ADD && pair == IR_COND_CS) {
        return host_cc[cond ^ 1];
    }
    if (pair == IR_COND_CS || pair == IR_COND_HI) {
        to_sub_form(e);
    }
    return host_cc[cond];
}

unsigned flags_condition(TcgEmit *e, IrRef ref, unsigned cond)
{
    RegAlloc *ra = e->ra;
    IrRef v = ra_canonical(ra, ref);
    assert(cond < IR_COND_AL);
    if (ra->s.flags_ref != v && !ir_is_const(v) && !ra_is_somewhere(e, v) && flags_recipe(ra, v)) {
        const RaRecipe *r = flags_recipe(ra, v);
        if (r->form == RECIPE_ADD_RESULT && (cond & ~1u) == IR_COND_CS) {
            carry_from_sum(e, r);
            return cond == IR_COND_CS ? CC_B : CC_AE;
        }
        flags_from_recipe(e, r);
    }
    if (ra->s.flags_ref == v) {
        return condition_in_flags(e, cond);
    }
    flags_save(e);
    ra->s.flags_ref = IR_NONE;
    Mem m;
    if (cond < IR_COND_GE && ra_use_mem(e, ref, &m)) {
        unsigned mask = stored_test[cond].mask;
        unsigned byte = mask > 0xff; /* all tested bits are in one byte */
        m.disp += (int32_t)byte;
        asm_rm_i8(e, 0xf6, 0, m, (uint8_t)(mask >> byte * 8));
        return stored_test[cond].cc;
    }
    Reg r = ra_use(e, ref);
    if (cond < IR_COND_GE) {
        asm_rr_i32(e, 0xf7, 0, r, stored_test[cond].mask);
        return stored_test[cond].cc;
    }
    asm_mov_rr(e, 0, RAX, r);
    asm_alu_ri(e, ALU_AND, 0, RAX, (int32_t)IR_NZCV_MASK);
    flags_from_rax(e);
    if (!ir_is_const(v)) {
        ra->s.flags_ref = v;
        ra->s.flags_kind = FLAGS_SUB;
    }
    return host_cc[cond];
}

/* CF becomes C of `ref`, or its inverse. Operands are in registers; nothing is allocated. */
static void carry_in(TcgEmit *e, IrRef ref, Reg r, bool inverted)
{
    RegAlloc *ra = e->ra;
    if (r == REG_NONE) {
        bool is_inverted = ra->s.flags_kind == FLAGS_SUB;
        if (ra->s.flags_kind == FLAGS_LOGIC && inverted) {
            asm_u8(e, OP_STC);
        } else if (is_inverted != inverted && ra->s.flags_kind != FLAGS_LOGIC) {
            asm_u8(e, OP_CMC);
        }
    } else {
        asm_rr_i8(e, X_0F | 0xba, 4, r, 8); /* bt r, 8 */
        if (!inverted) {
            asm_u8(e, OP_CMC);
        }
    }
    ra->s.flags_ref = IR_NONE;
}

/* ---- emitters ---- */

void emit_setf(TcgEmit *e, const IrInsn *in)
{
    if (in->sub >= IR_COND_AL) {
        asm_mov_ri(e, ra_def(e), 1);
        return;
    }
    unsigned cc = flags_condition(e, in->arg[0], in->sub);
    ra_done(e);
    Reg d = ra_def(e);
    asm_setcc(e, cc, RAX);
    asm_movzx8(e, d, RAX);
}

void emit_select(TcgEmit *e, const IrInsn *in, unsigned cc, IrRef yes, IrRef no)
{
    uint32_t w = in->type == IR_I64 ? X_W : 0;
    Reg y = ra_use(e, yes);
    Reg d = ra_def_over(e, no);
    if (!type_is_xmm(in->type)) {
        asm_cmov(e, cc, w, d, y);
        return;
    }
    uint8_t *skip = asm_jcc8(e, cc ^ 1);
    simd_mov(e, d, y);
    asm_bind8(e, skip);
}

void emit_self(TcgEmit *e, const IrInsn *in)
{
    if (in->sub >= IR_COND_AL) {
        ra_def_over(e, in->arg[1]);
        return;
    }
    /* Flags that are also selected go to a register while they are as they are. */
    for (unsigned k = 1; k <= 2; k++) {
        if (ra_canonical(e->ra, in->arg[k]) == e->ra->s.flags_ref) {
            ra_use(e, in->arg[k]);
        }
    }
    emit_select(e, in, flags_condition(e, in->arg[0], in->sub), in->arg[1], in->arg[2]);
}

/* Flags of a + imm are those of a - (-imm), but for imm 0 and MIN. */
static bool add_as_compare(unsigned type, int32_t imm)
{
    return imm != 0 && imm != INT32_MIN && (type == IR_I64 || imm != INT32_MIN);
}

void emit_nzcv(TcgEmit *e, const IrInsn *in)
{
    uint32_t w = in->type == IR_I64 ? X_W : 0;
    Operand y = operand_use(e, in->type, in->arg[1]);
    if (in->op == IR_OP_NZCV_ADD && !(y.kind == OPERAND_IMM && add_as_compare(in->type, y.imm))) {
        ra_load_to(e, in->arg[0], RAX);
        alu_operand(e, ALU_ADD, w, RAX, &y);
        flags_set(e, FLAGS_ADD);
        return;
    }
    Reg x = ra_use(e, in->arg[0]);
    if (in->op == IR_OP_NZCV_AND) {
        if (y.kind == OPERAND_IMM) {
            asm_test_ri(e, w, x, y.imm);
        } else if (y.kind == OPERAND_MEM) {
            asm_rm(e, w | 0x85, x, y.mem);
        } else {
            asm_test_rr(e, w, x, y.reg);
        }
        flags_set(e, FLAGS_LOGIC);
        return;
    }
    if (in->op == IR_OP_NZCV_ADD) {
        y.imm = -y.imm;
    }
    if (y.kind == OPERAND_IMM && y.imm == 0) {
        asm_test_rr(e, w, x, x); /* also CF = 0: no borrow */
    } else {
        alu_operand(e, ALU_CMP, w, x, &y);
    }
    flags_set(e, FLAGS_SUB);
}

void emit_nzcv_carry(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    uint32_t w = in->type == IR_I64 ? X_W : 0;
    bool sub = in->op == IR_OP_NZCV_SBC;
    bool in_flags = ra->s.flags_ref == ra_canonical(ra, in->arg[2]);
    if (in_flags && is_fcmp(ra)) {
        to_sub_form(e);
    }
    Operand y = operand_use(e, in->type, in->arg[1]);
    Reg f = in_flags ? REG_NONE : ra_use(e, in->arg[2]);
    ra_load_to(e, in->arg[0], RAX);
    carry_in(e, in->arg[2], f, sub);
    alu_operand(e, sub ? ALU_SBB : ALU_ADC, w, RAX, &y);
    flags_set(e, sub ? FLAGS_SUB : FLAGS_ADD);
}

void emit_adc(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    uint32_t w = in->type == IR_I64 ? X_W : 0;
    bool sub = in->op == IR_OP_SBC;
    bool in_flags = ra->s.flags_ref == ra_canonical(ra, in->arg[2]);
    if (in_flags && is_fcmp(ra)) {
        to_sub_form(e);
    }
    Operand y = operand_use(e, in->type, in->arg[1]);
    Reg f = in_flags ? REG_NONE : ra_use(e, in->arg[2]);
    Reg d = RAX;
    if (in->sub && !ra_dst_used(e)) {
        ra_load_to(e, in->arg[0], RAX);
    } else {
        d = ra_def_over(e, in->arg[0]);
    }
    if (!in->sub && !sub && y.kind == OPERAND_IMM && !y.imm &&
        (f != REG_NONE || ra->s.flags_kind == FLAGS_SUB)) {
        carry_in(e, in->arg[2], f, true); /* d - -1 - !C */
        asm_alu_ri(e, ALU_SBB, w, d, -1);
        return;
    }
    carry_in(e, in->arg[2], f, sub);
    alu_operand(e, sub ? ALU_SBB : ALU_ADC, w, d, &y);
    ra->fused_kind = sub ? FLAGS_SUB : FLAGS_ADD;
}

/* add, sub, and whose flags an nzcv_* right behind wants. */
void emit_flagged(TcgEmit *e, const IrInsn *in)
{
    RegAlloc *ra = e->ra;
    uint32_t w = in->type == IR_I64 ? X_W : 0;
    bool used = ra_dst_used(e);
    static const uint8_t alus[] = { ALU_ADD, ALU_SUB, ALU_AND };
    static const uint8_t kinds[] = { FLAGS_ADD, FLAGS_SUB, FLAGS_LOGIC };
    unsigned which = in->op == IR_OP_ADD ? 0 : in->op == IR_OP_SUB ? 1 : 2;
    Operand y = operand_use(e, in->type, in->arg[1]);
    ra->fused_kind = kinds[which];
    if (!used && which != 0) {
        Reg x = ra_use(e, in->arg[0]);
        if (which == 1) {
            alu_operand(e, ALU_CMP, w, x, &y);
        } else if (y.kind == OPERAND_IMM) {
            asm_test_ri(e, w, x, y.imm);
        } else if (y.kind == OPERAND_MEM) {
            asm_rm(e, w | 0x85, x, y.mem);
        } else {
            asm_test_rr(e, w, x, y.reg);
        }
        return;
    }
    Reg d = RAX;
    if (!used) {
        ra_load_to(e, in->arg[0], RAX);
    } else {
        d = ra_def_over(e, in->arg[0]);
    }
    alu_operand(e, alus[which], w, d, &y);
}

void emit_nzcv_pack(TcgEmit *e, const IrInsn *in)
{
    /* N Z to 15 14, C to 8 inverted, V to 0. */
    Reg x = ra_use(e, in->arg[0]);
    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    asm_mov_rr(e, 0, RAX, x);
    asm_mov_rr(e, 0, RCX, x);
    if (d != x) {
        asm_mov_rr(e, 0, d, x);
    }
    asm_shift_ri(e, SHIFT_SHR, 0, RAX, 16);
    asm_alu_ri(e, ALU_AND, 0, RAX, 0xc000);
    asm_shift_ri(e, SHIFT_SHR, 0, RCX, 21);
    asm_alu_ri(e, ALU_AND, 0, RCX, 0x100);
    asm_alu_ri(e, ALU_XOR, 0, RCX, 0x100);
    asm_alu_rr(e, ALU_OR, 0, RAX, RCX);
    asm_shift_ri(e, SHIFT_SHR, 0, d, 28);
    asm_alu_ri(e, ALU_AND, 0, d, 1);
    asm_alu_rr(e, ALU_OR, 0, d, RAX);
}

void emit_nzcv_unpack(TcgEmit *e, const IrInsn *in)
{
    Reg x = ra_use(e, in->arg[0]);
    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    asm_mov_rr(e, 0, RAX, x);
    asm_mov_rr(e, 0, RCX, x);
    if (d != x) {
        asm_mov_rr(e, 0, d, x);
    }
    asm_alu_ri(e, ALU_AND, 0, RAX, 0xc000);
    asm_shift_ri(e, SHIFT_SHL, 0, RAX, 16);
    asm_alu_ri(e, ALU_AND, 0, RCX, 0x100);
    asm_alu_ri(e, ALU_XOR, 0, RCX, 0x100);
    asm_shift_ri(e, SHIFT_SHL, 0, RCX, 21);
    asm_alu_rr(e, ALU_OR, 0, RAX, RCX);
    asm_alu_ri(e, ALU_AND, 0, d, 1);
    asm_shift_ri(e, SHIFT_SHL, 0, d, 28);
    asm_alu_rr(e, ALU_OR, 0, d, RAX);
}
