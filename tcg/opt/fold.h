// SPDX-License-Identifier: MIT
//
// Folding: what the generated rules (fold.rules, scripts/foldgen.py) are made of.
#ifndef TCG_OPT_FOLD_H
#define TCG_OPT_FOLD_H

#include "tcg/eval.h"
#include "tcg/opt/opt.h"
#include "util/bitops.h"

typedef struct Fold {
    IrUnit *u;
    const IrInsn **def; /* by value: its instruction, where it is known; else NULL */
    uint32_t *uses;     /* by value: at least as often as it is used up to here */
    uint32_t emit_left; /* new values that `def` has room for */
    IrRef result;       /* of FOLD_REF */
    uint32_t *hits;     /* by rule, or NULL */
} Fold;

typedef enum FoldResult {
    FOLD_NONE,
    FOLD_REF,  /* the value is f->result */
    FOLD_INSN, /* the instruction was rewritten: try again */
} FoldResult;

typedef FoldResult FoldFn(Fold *f, IrInsn *i);

/* By opcode; generated. NULL for opcodes without rules. */
extern FoldFn *const fold_rules[IR_OP_COUNT];

/* Fold `i`, whose operands are final, until no rule applies. FOLD_REF, or FOLD_NONE with `i`
 * perhaps rewritten. */
FoldResult fold_insn(Fold *f, IrInsn *i);

/* Emit an instruction before the one being folded, itself folded; returns its value. */
IrRef fold_emit(Fold *f, IrInsn *i);

static inline bool fold_may_emit(const Fold *f)
{
    return f->emit_left >= 4;
}

static inline void fold_hit(Fold *f, unsigned rule)
{
    if (f->hits) {
        f->hits[rule]++;
    }
}

static inline const IrInsn *fold_def(const Fold *f, IrRef r)
{
    return ir_is_const(r) ? NULL : f->def[r];
}

/* Nobody else uses the first operand of `i`. */
static inline bool fold_once(const Fold *f, const IrInsn *i)
{
    return ir_is_const(i->arg[0]) || f->uses[i->arg[0]] <= 1;
}

static inline uint64_t fold_value(const Fold *f, IrRef r)
{
    return ir_const_get(f->u, r)->lo;
}

static inline uint64_t fold_width(IrType type, uint64_t v)
{
    return type == IR_I32 || type == IR_F32 ? (uint32_t)v : v;
}

static inline bool fold_is(const Fold *f, IrRef r, IrType type, int64_t v)
{
    return ir_is_const(r) && fold_value(f, r) == fold_width(type, v);
}

static inline IrRef fold_const(Fold *f, IrType type, uint64_t v)
{
    return ir_const(f->u, type, fold_width(type, v), 0);
}

/* The largest shift count. */
static inline unsigned fold_mod(IrType type)
{
    return type == IR_I64 ? 63 : 31;
}

/* Bits above this many from the bottom are known to be zero (64: nothing is known). */
unsigned fold_bits(const Fold *f, IrRef r);

/* Whether bits 127..64 of the vector are known to be zero. */
bool fold_high_is_zero(const Fold *f, IrRef r);

/* Field `outer` of field `inner`, where outer.pos < inner.len. */
static inline uint64_t fold_field(uint64_t inner, uint64_t outer)
{
    return IR_POSLEN(IR_POS(inner) + IR_POS(outer),
                     MIN(IR_LEN(outer), IR_LEN(inner) - IR_POS(outer)));
}

/* Worth it as a displacement of the host's addressing modes. */
static inline bool fold_is_disp(uint64_t disp)
{
    return (int64_t)disp >= -(1 << 30) && (int64_t)disp < 1 << 30;
}

/* ---- flags as comparisons: an IrCc, or IR_CC_COUNT where there is none ---- */

static inline bool fold_is_cc(IrCc cc)
{
    return cc != IR_CC_COUNT;
}

static inline bool fold_cc_is_unsigned(IrCc cc)
{
    return cc == IR_EQ || cc == IR_NE || cc >= IR_LTU;
}

IrCc fold_cc_of_sub(IrCond cond);  /* on nzcv_sub a b: a cc b */
IrCc fold_cc_of_test(IrCond cond); /* on nzcv_and a b: a cc b */
IrCc fold_cc_of_sign(IrCond cond); /* on nzcv_and a a: a cc 0 */
int fold_const_of_and(IrCond cond); /* on nzcv_and: 0, 1, or -1 when it depends */

/* Whether the condition on a + b is fold_cc_of_sub() of a and -b. The carry differs for b == 0,
 * the signed order where -b overflows. */
static inline bool fold_cmn_is_cmp(IrCond cond, IrType type, uint64_t b)
{
    return fold_is_cc(fold_cc_of_sub(cond)) && b != 0 &&
           b != (type == IR_I64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31);
}

#endif
