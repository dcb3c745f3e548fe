// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD: two registers, integer, vector and scalar; and reductions across lanes and
// of pairs (Arm ARM C4.1, "Advanced SIMD two-register miscellaneous", "Advanced SIMD across
// lanes", their scalar forms, "Advanced SIMD scalar pairwise").
#include "target/arm/translate-simd.h"

typedef struct a64_vrr Vector;
typedef struct a64_rr_e Scalar;

/* The registers of either encoding. */
typedef struct TwoReg {
    SimdForm form;
    unsigned esz, rd;
    IrRef n;
} TwoReg;

typedef void TwoRegFn(DisasContext *s, const TwoReg *t, IrOp op);

static bool vector(DisasContext *s, const Vector *a, TwoRegFn *emit, IrOp op)
{
    if (fp_access_check(s)) {
        TwoReg t = { simd_form(a->q), a->esz, a->rd, vreg_get(s, a->rn) };
        emit(s, &t, op);
    }
    return true;
}

static bool scalar(DisasContext *s, const Scalar *a, TwoRegFn *emit, IrOp op)
{
    if (fp_access_check(s)) {
        TwoReg t = { SIMD_SCALAR, a->esz, a->rd, vreg_get(s, a->rn) };
        emit(s, &t, op);
    }
    return true;
}

#define VECTOR(name, emit, op)                                                            \
    bool a64_trans_##name##_v(DisasContext *s, const Vector *a)                           \
    {                                                                                     \
        return vector(s, a, emit, op);                                                    \
    }
#define BOTH(name, emit, op)                                                              \
    VECTOR(name, emit, op)                                                                \
    bool a64_trans_##name##_s(DisasContext *s, const Scalar *a)                           \
    {                                                                                     \
        return scalar(s, a, emit, op);                                                    \
    }

static void write(DisasContext *s, const TwoReg *t, IrRef v)
{
    simd_write(s, t->form, t->rd, t->esz, v);
}

/* ---- One opcode */

static void plain(DisasContext *s, const TwoReg *t, IrOp op)
{
    write(s, t, simd_op1(s, op, t->esz, t->n));
}

VECTOR(CLS, plain, IR_OP_VCLS)
VECTOR(CLZ, plain, IR_OP_VCLZ)
VECTOR(CNT, plain, IR_OP_VPOPCNT)
VECTOR(NOT, plain, IR_OP_VNOT)
VECTOR(RBIT, plain, IR_OP_VBITREV)
BOTH(ABS, plain, IR_OP_VABS)
BOTH(NEG, plain, IR_OP_VNEG)
VECTOR(SADDLP, plain, IR_OP_VSADDLP)
VECTOR(UADDLP, plain, IR_OP_VUADDLP)

static void accumulate_pairs(DisasContext *s, const TwoReg *t, IrOp op)
{
    IrRef sums = simd_op1(s, op, t->esz, t->n);
    write(s, t, simd_op2(s, IR_OP_VADD, t->esz + 1, vreg_get(s, t->rd), sums));
}

VECTOR(SADALP, accumulate_pairs, IR_OP_VSADDLP)
VECTOR(UADALP, accumulate_pairs, IR_OP_VUADDLP)

static bool reverse(DisasContext *s, const Vector *a, unsigned group)
{
    if (fp_access_check(s)) {
        vreg_set_q(s, a->q, a->rd, ir_vrev(&s->b, IR_V128, vreg_get(s, a->rn), a->esz, group));
    }
    return true;
}

bool a64_trans_REV64_v(DisasContext *s, const Vector *a)
{
    return reverse(s, a, 8);
}

bool a64_trans_REV32_v(DisasContext *s, const Vector *a)
{
    return reverse(s, a, 4);
}

bool a64_trans_REV16_v(DisasContext *s, const Vector *a)
{
    return reverse(s, a, 2);
}

/* ---- Comparison with zero */

static void compare_zero(DisasContext *s, const TwoReg *t, IrOp op)
{
    write(s, t, simd_op2(s, op, t->esz, t->n, simd_const(s, 0, 0)));
}

static void zero_compare(DisasContext *s, const TwoReg *t, IrOp op)
{
    write(s, t, simd_op2(s, op, t->esz, simd_const(s, 0, 0), t->n));
}

BOTH(CMGT_zero, compare_zero, IR_OP_VCMPGT)
BOTH(CMGE_zero, compare_zero, IR_OP_VCMPGE)
BOTH(CMEQ_zero, compare_zero, IR_OP_VCMPEQ)
BOTH(CMLE_zero, zero_compare, IR_OP_VCMPGE)
BOTH(CMLT_zero, zero_compare, IR_OP_VCMPGT)

/* ---- Saturating */

static IrRef top_bit(DisasContext *s, const TwoReg *t)
{
    return simd_const(s, t->esz, BIT((8u << t->esz) - 1));
}

/* The absolute value of MIN is 1 too large as an unsigned number. */
static void sqabs(DisasContext *s, const TwoReg *t, IrOp op)
{
    IrRef abs = simd_op1(s, IR_OP_VABS, t->esz, t->n);
    IrRef max = simd_const(s, t->esz, BIT((8u << t->esz) - 1) - 1);
    IrRef v = simd_op2(s, IR_OP_VUMIN, t->esz, abs, max);
    simd_write_qc(s, t->form, t->rd, t->esz, v, v, abs);
}

static void sqneg(DisasContext *s, const TwoReg *t, IrOp op)
{
    IrRef v = simd_op2(s, IR_OP_VSQSUB, t->esz, simd_const(s, 0, 0), t->n);
    simd_write_qc(s, t->form, t->rd, t->esz, v, v, simd_op1(s, IR_OP_VNEG, t->esz, t->n));
}

/* Signed Vd plus unsigned Vn, signed: as unsigned numbers above MIN it saturates at the same
 * bound. */
static void suqadd(DisasContext *s, const TwoReg *t, IrOp op)
{
    IrRef d = vreg_get(s, t->rd), bias = top_bit(s, t);
    IrRef sum = simd_op2(s, IR_OP_VUQADD, t->esz, simd_op2(s, IR_OP_VXOR, 0, d, bias), t->n);
    IrRef v = simd_op2(s, IR_OP_VXOR, 0, sum, bias);
    simd_write_qc(s, t->form, t->rd, t->esz, v, v, simd_op2(s, IR_OP_VADD, t->esz, d, t->n));
}

/* Unsigned Vd plus signed Vn, unsigned: what is positive is added, what is negative subtracted. */
static void usqadd(DisasContext *s, const TwoReg *t, IrOp op)
{
    IrRef d = vreg_get(s, t->rd), zero = simd_const(s, 0, 0);
    IrRef positive = simd_op2(s, IR_OP_VSMAX, t->esz, t->n, zero);
    IrRef is_negative = simd_op2(s, IR_OP_VCMPGT, t->esz, zero, t->n);
    IrRef negative = simd_op2(s, IR_OP_VAND, 0, simd_op1(s, IR_OP_VNEG, t->esz, t->n),
                              is_negative);
    IrRef v = simd_op2(s, IR_OP_VUQSUB, t->esz, simd_op2(s, IR_OP_VUQADD, t->esz, d, positive),
                       negative);
    simd_write_qc(s, t->form, t->rd, t->esz, v, v, simd_op2(s, IR_OP_VADD, t->esz, d, t->n));
}

BOTH(SQABS, sqabs, 0)
BOTH(SQNEG, sqneg, 0)
BOTH(SUQADD, suqadd, 0)
BOTH(USQADD, usqadd, 0)

/* ---- Narrowing and lengthening */

bool a64_trans_XTN_v(DisasContext *s, const Vector *a)
{
    if (fp_access_check(s)) {
        IrRef v = simd_op1(s, IR_OP_VXTN, a->esz + 1, vreg_get(s, a->rn));
        simd_write_narrow(s, a->q, a->rd, v);
    }
    return true;
}

/* Saturation happened where widening the result does not give the operand. */
static IrRef narrow_saturating(DisasContext *s, SimdForm form, unsigned esz, IrOp op, IrRef n)
{
    n = simd_clip(s, form, esz + 1, n);
    IrRef v = simd_op1(s, op, esz + 1, n);
    simd_qc_if_differ(s, simd_widen(s, op == IR_OP_VSQXTN, esz, v), n);
    return v;
}

#define NARROW(name, op)                                                                  \
    bool a64_trans_##name##_v(DisasContext *s, const Vector *a)                           \
    {                                                                                     \
        if (fp_access_check(s)) {                                                         \
            simd_write_narrow(s, a->q, a->rd, narrow_saturating(s, SIMD_FULL, a->esz, op, \
                                                                vreg_get(s, a->rn)));     \
        }                                                                                 \
        return true;                                                                      \
    }                                                                                     \
    bool a64_trans_##name##_s(DisasContext *s, const Scalar *a)                           \
    {                                                                                     \
        if (fp_access_check(s)) {                                                         \
            vreg_set(s, a->rd, narrow_saturating(s, SIMD_SCALAR, a->esz, op,              \
                                                 vreg_get(s, a->rn)));                    \
        }                                                                                 \
        return true;                                                                      \
    }

NARROW(SQXTN, IR_OP_VSQXTN)
NARROW(UQXTN, IR_OP_VUQXTN)
NARROW(SQXTUN, IR_OP_VSQXTUN)

bool a64_trans_SHLL_v(DisasContext *s, const Vector *a)
{
    if (fp_access_check(s)) {
        IrRef v = simd_widen(s, false, a->esz, simd_get_half(s, a->q, a->rn));
        vreg_set(s, a->rd, simd_shift(s, IR_OP_VSHLI, a->esz + 1, v, 8u << a->esz));
    }
    return true;
}

/* ---- Across lanes. Halving by pairwise operations; lanes that are not wanted hold anything. */

static bool reduce(DisasContext *s, const Vector *a, IrOp pairwise)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef v = vreg_get(s, a->rn);
    for (unsigned lanes = simd_lanes(simd_form(a->q), a->esz); lanes > 1; lanes /= 2) {
        v = simd_op2(s, pairwise, a->esz, v, v);
    }
    simd_write(s, SIMD_SCALAR, a->rd, a->esz, v);
    return true;
}

#define REDUCE(name, pairwise)                                                            \
    bool a64_trans_##name(DisasContext *s, const Vector *a)                               \
    {                                                                                     \
        return reduce(s, a, pairwise);                                                    \
    }

REDUCE(ADDV_v, IR_OP_VADDP)
REDUCE(SMAXV_v, IR_OP_VSMAXP)
REDUCE(UMAXV_v, IR_OP_VUMAXP)
REDUCE(SMINV_v, IR_OP_VSMINP)
REDUCE(UMINV_v, IR_OP_VUMINP)

/* The sum has twice the width, which holds it. */
static bool add_long_across(DisasContext *s, const Vector *a, IrOp pairs)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef v = simd_op1(s, pairs, a->esz, vreg_get(s, a->rn));
    for (unsigned lanes = simd_lanes(simd_form(a->q), a->esz + 1); lanes > 1; lanes /= 2) {
        v = simd_op2(s, IR_OP_VADDP, a->esz + 1, v, v);
    }
    simd_write(s, SIMD_SCALAR, a->rd, a->esz + 1, v);
    return true;
}

bool a64_trans_SADDLV_v(DisasContext *s, const Vector *a)
{
    return add_long_across(s, a, IR_OP_VSADDLP);
}

bool a64_trans_UADDLV_v(DisasContext *s, const Vector *a)
{
    return add_long_across(s, a, IR_OP_VUADDLP);
}

bool a64_trans_ADDP_v2(DisasContext *s, const Scalar *a)
{
    if (fp_access_check(s)) {
        IrRef v = vreg_get(s, a->rn);
        simd_write(s, SIMD_SCALAR, a->rd, 3, simd_op2(s, IR_OP_VADDP, 3, v, v));
    }
    return true;
}
