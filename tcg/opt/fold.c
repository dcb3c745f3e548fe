// SPDX-License-Identifier: MIT
//
// Folding of one instruction: constants are computed by the functions that the interpreter runs
// (eval.h, ref/), operands are put in order, then the rules of fold.rules are tried.
//
// Floating-point arithmetic is never folded: its result depends on the host's mode, and it
// raises sticky flags.
#include <string.h>
#include "tcg/opt/fold.h"
#include "tcg/ref/ref.h"
#include "tcg/text.h"

#define MAX_REWRITES 16 /* rules only simplify; this guards against a pair that does not */

/* ---- facts ---- */

static const uint8_t cc_of_sub[] = {
    [IR_COND_EQ] = IR_EQ,       [IR_COND_NE] = IR_NE,       [IR_COND_CS] = IR_GEU,
    [IR_COND_CC] = IR_LTU,      [IR_COND_MI] = IR_CC_COUNT, [IR_COND_PL] = IR_CC_COUNT,
    [IR_COND_VS] = IR_CC_COUNT, [IR_COND_VC] = IR_CC_COUNT, [IR_COND_HI] = IR_GTU,
    [IR_COND_LS] = IR_LEU,      [IR_COND_GE] = IR_GE,       [IR_COND_LT] = IR_LT,
    [IR_COND_GT] = IR_GT,       [IR_COND_LE] = IR_LE,       [IR_COND_AL] = IR_CC_COUNT,
};

/* C and V are clear after a conjunction: HI and VS never hold, LS, CC and VC always do. */
static const uint8_t cc_of_sign[] = {
    [IR_COND_EQ] = IR_EQ,       [IR_COND_NE] = IR_NE,       [IR_COND_CS] = IR_CC_COUNT,
    [IR_COND_CC] = IR_CC_COUNT, [IR_COND_MI] = IR_LT,       [IR_COND_PL] = IR_GE,
    [IR_COND_VS] = IR_CC_COUNT, [IR_COND_VC] = IR_CC_COUNT, [IR_COND_HI] = IR_CC_COUNT,
    [IR_COND_LS] = IR_CC_COUNT, [IR_COND_GE] = IR_GE,       [IR_COND_LT] = IR_LT,
    [IR_COND_GT] = IR_GT,       [IR_COND_LE] = IR_LE,       [IR_COND_AL] = IR_CC_COUNT,
};

IrCc fold_cc_of_sub(IrCond cond)
{
    return cc_of_sub[cond];
}

IrCc fold_cc_of_sign(IrCond cond)
{
    return cc_of_sign[cond];
}

IrCc fold_cc_of_test(IrCond cond)
{
    return cond == IR_COND_EQ ? IR_TSTEQ : cond == IR_COND_NE ? IR_TSTNE : IR_CC_COUNT;
}

int fold_const_of_and(IrCond cond)
{
    switch (cond) {
    case IR_COND_CS:
    case IR_COND_HI:
    case IR_COND_VS: return 0;
    case IR_COND_CC:
    case IR_COND_LS:
    case IR_COND_VC: return 1;
    default: return -1;
    }
}

unsigned fold_bits(const Fold *f, IrRef r)
{
    if (ir_is_const(r)) {
        uint64_t v = fold_value(f, r);
        return v ? 64 - __builtin_clzll(v) : 0;
    }
    unsigned width = ir_type_size(f->u->value_types[r]) * 8;
    const IrInsn *i = f->def[r];
    if (!i) {
        return width;
    }
    switch (i->op) {
    case IR_OP_ZEXT: return MIN(fold_bits(f, i->arg[0]), 32u);
    case IR_OP_SETC:
    case IR_OP_SETF: return 1;
    case IR_OP_EXTU: return IR_LEN(i->imm);
    case IR_OP_CLZ:
    case IR_OP_CTZ:
    case IR_OP_CLS:
    case IR_OP_POPCNT: return 7;
    case IR_OP_AND:
        return ir_is_const(i->arg[1]) ? MIN(width, fold_bits(f, i->arg[1])) : width;
    case IR_OP_SHR:
        return ir_is_const(i->arg[1]) ? width - (fold_value(f, i->arg[1]) & (width - 1)) : width;
    case IR_OP_LD:
        return i->sub & IR_MEM_SIGN ? width : MIN(width, 8u << ir_mem_size_log2(i->sub));
    case IR_OP_RMW:
    case IR_OP_CAS: return MIN(width, 8u << ir_mem_size_log2(i->sub));
    case IR_OP_LDENV: return MIN(width, 8u << i->sub);
    case IR_OP_VGET: return i->imm & IR_LANE_SIGNED ? width : MIN(width, 8u << i->sub);
    default: return width;
    }
}

bool fold_high_is_zero(const Fold *f, IrRef r)
{
    if (ir_is_const(r)) {
        return ir_const_get(f->u, r)->hi == 0;
    }
    const IrInsn *i = f->def[r];
    if (!i) {
        return false;
    }
    switch (i->op) {
    case IR_OP_VLOW:
    case IR_OP_VZEXT:
    case IR_OP_VHIGH:
    case IR_OP_VXTN:
    case IR_OP_VSQXTN:
    case IR_OP_VUQXTN:
    case IR_OP_VSQXTUN:
    case IR_OP_VSHA1H: return true;
    case IR_OP_LD: return ir_mem_size_log2(i->sub) <= 3;
    case IR_OP_LDENV: return i->sub <= 3;
    default:
        if (ir_op_info[i->op].imm == IR_IMM_LANES) {
            return i->imm << i->sub <= 8;
        }
        return ir_op_info[i->op].imm == IR_IMM_LANESMODE && IR_LANES_COUNT(i->imm) << i->sub <= 8;
    }
}

/* ---- constants ---- */

static bool all_const(const IrInsn *i, unsigned n)
{
    for (unsigned k = 0; k < n; k++) {
        if (!ir_is_const(i->arg[k])) {
            return false;
        }
    }
    return n > 0;
}

static IrRef eval_int(Fold *f, const IrInsn *i)
{
    uint64_t v[4] = { 0, 0, 0, 0 };
    unsigned n = ir_op_info[i->op].nargs;
    for (unsigned k = 0; k < n; k++) {
        v[k] = fold_value(f, i->arg[k]);
    }
    uint64_t r = ir_eval_int(i->op, i->type, i->sub, i->imm, v[0], v[1], v[2], v[3]);
    return fold_const(f, ir_result_type(i), r);
}

/* A pure vector opcode by its reference function. */
static IrRef eval_ref(Fold *f, const IrInsn *i)
{
    V128 v[3], d = { .d = { 0, 0 } };
    unsigned n = ir_op_info[i->op].nargs;
    for (unsigned k = 0; k < 3; k++) {
        const IrConst *c = k < n ? ir_const_get(f->u, i->arg[k]) : NULL;
        v[k] = (V128){ .d = { c ? c->lo : 0, c ? c->hi : 0 } };
    }
    IrRef x = i->arg[i->op == IR_OP_VSET];
    const IrRefCtl ctl = { .imm = i->imm, .sub = i->sub, .type = i->type,
                           .arg_type = ir_ref_type(f->u, x), .nan_rule = f->u->nan_rule };
    ir_ref_fns[i->op](&d, &v[0], &v[1], &v[2], &ctl);
    IrType type = ir_result_type(i);
    return type == IR_V128 ? ir_const(f->u, type, d.d[0], d.d[1]) : fold_const(f, type, d.d[0]);
}

static FoldResult eval(Fold *f, const IrInsn *i)
{
    const IrOpInfo *info = &ir_op_info[i->op];
    if (info->effects != IR_EFFECT_PURE || !all_const(i, info->nargs)) {
        return FOLD_NONE;
    }
    bool scalar = i->type != IR_V128 && i->type != IR_F32 && i->type != IR_F64;
    if (ir_eval_knows(i->op) && scalar) {
        f->result = eval_int(f, i);
        return FOLD_REF;
    }
    if (ir_ref_fns[i->op]) {
        f->result = eval_ref(f, i);
        return FOLD_REF;
    }
    if (i->op >= IR_OP_BITS_F32 && i->op <= IR_OP_BITS_I64) {
        f->result = fold_const(f, ir_result_type(i), fold_value(f, i->arg[0]));
        return FOLD_REF;
    }
    return FOLD_NONE;
}

/* ---- order of operands ---- */

static bool is_commutative(IrOp op)
{
    switch (op) {
    case IR_OP_ADD:
    case IR_OP_MUL:
    case IR_OP_MULHU:
    case IR_OP_MULHS:
    case IR_OP_AND:
    case IR_OP_OR:
    case IR_OP_XOR:
    case IR_OP_ADC:
    case IR_OP_NZCV_ADD:
    case IR_OP_NZCV_AND:
    case IR_OP_NZCV_ADC:
    case IR_OP_VAND:
    case IR_OP_VOR:
    case IR_OP_VXOR: return true;
    default: return false;
    }
}

static IrCc cc_swapped(IrCc cc)
{
    static const uint8_t swapped[IR_CC_COUNT] = {
        [IR_EQ] = IR_EQ,   [IR_NE] = IR_NE,   [IR_LT] = IR_GT,         [IR_GE] = IR_LE,
        [IR_LE] = IR_GE,   [IR_GT] = IR_LT,   [IR_LTU] = IR_GTU,       [IR_GEU] = IR_LEU,
        [IR_LEU] = IR_GEU, [IR_GTU] = IR_LTU, [IR_TSTEQ] = IR_TSTEQ, [IR_TSTNE] = IR_TSTNE,
    };
    return swapped[cc];
}

/* Constants to the right. */
static void order_operands(IrInsn *i)
{
    bool compares = ir_op_info[i->op].sub == IR_SUB_CC;
    if (!ir_is_const(i->arg[0]) || ir_is_const(i->arg[1]) ||
        !(compares || is_commutative(i->op))) {
        return;
    }
    IrRef x = i->arg[0];
    i->arg[0] = i->arg[1];
    i->arg[1] = x;
    i->sub = compares ? cc_swapped(i->sub) : i->sub;
}

/* Comparisons of two constants decide; the rules know their forms with a constant answer. */
static bool decide(Fold *f, IrInsn *i)
{
    if (ir_op_info[i->op].sub != IR_SUB_CC || i->op == IR_OP_SETC || !ir_is_const(i->arg[0]) ||
        !ir_is_const(i->arg[1])) {
        return false;
    }
    bool holds = ir_eval_cc(i->sub, i->type == IR_I64, fold_value(f, i->arg[0]),
                            fold_value(f, i->arg[1]));
    if (i->op == IR_OP_SELC) {
        f->result = i->arg[holds ? 2 : 3];
        return true;
    }
    *i = (IrInsn){ .op = IR_OP_JUMP, .imm = holds ? IR_THEN(i->imm) : IR_ELSE(i->imm) };
    return false;
}

FoldResult fold_insn(Fold *f, IrInsn *i)
{
    for (unsigned n = 0; n < MAX_REWRITES; n++) {
        if (eval(f, i) == FOLD_REF || decide(f, i)) {
            return FOLD_REF;
        }
        order_operands(i);
        FoldFn *rules = fold_rules[i->op];
        FoldResult r = rules ? rules(f, i) : FOLD_NONE;
        if (r != FOLD_INSN) {
            return r;
        }
    }
    return FOLD_NONE;
}
