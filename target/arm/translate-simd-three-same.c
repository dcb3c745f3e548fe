// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD: three registers of the same type, integer and bitwise, vector and scalar
// (Arm ARM C4.1, "Advanced SIMD three same", "Advanced SIMD scalar three same").
#include "target/arm/translate-simd.h"

typedef struct a64_vrrr Vector;
typedef struct a64_rrr_e Scalar;

/* The registers of either encoding. */
typedef struct ThreeSame {
    SimdForm form;
    unsigned esz, rd;
    IrRef n, m;
} ThreeSame;

static ThreeSame three_same(DisasContext *s, SimdForm form, unsigned esz, unsigned rd,
                            unsigned rn, unsigned rm)
{
    return (ThreeSame){ form, esz, rd, vreg_get(s, rn), vreg_get(s, rm) };
}

typedef void ThreeSameFn(DisasContext *s, const ThreeSame *t, IrOp op);

static bool vector(DisasContext *s, const Vector *a, ThreeSameFn *emit, IrOp op)
{
    if (fp_access_check(s)) {
        ThreeSame t = three_same(s, simd_form(a->q), a->esz, a->rd, a->rn, a->rm);
        emit(s, &t, op);
    }
    return true;
}

static bool scalar(DisasContext *s, const Scalar *a, ThreeSameFn *emit, IrOp op)
{
    if (fp_access_check(s)) {
        ThreeSame t = three_same(s, SIMD_SCALAR, a->esz, a->rd, a->rn, a->rm);
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

/* ---- One opcode */

static void plain(DisasContext *s, const ThreeSame *t, IrOp op)
{
    simd_write(s, t->form, t->rd, t->esz, simd_op2(s, op, t->esz, t->n, t->m));
}

VECTOR(SHADD, plain, IR_OP_VSHADD)
VECTOR(UHADD, plain, IR_OP_VUHADD)
VECTOR(SRHADD, plain, IR_OP_VSRHADD)
VECTOR(URHADD, plain, IR_OP_VURHADD)
VECTOR(SHSUB, plain, IR_OP_VSHSUB)
VECTOR(UHSUB, plain, IR_OP_VUHSUB)
BOTH(CMGT, plain, IR_OP_VCMPGT)
BOTH(CMHI, plain, IR_OP_VCMPHI)
BOTH(CMGE, plain, IR_OP_VCMPGE)
BOTH(CMHS, plain, IR_OP_VCMPHS)
BOTH(CMTST, plain, IR_OP_VTST)
BOTH(CMEQ, plain, IR_OP_VCMPEQ)
BOTH(SSHL, plain, IR_OP_VSSHL)
BOTH(USHL, plain, IR_OP_VUSHL)
BOTH(SRSHL, plain, IR_OP_VSRSHL)
BOTH(URSHL, plain, IR_OP_VURSHL)
VECTOR(SMAX, plain, IR_OP_VSMAX)
VECTOR(UMAX, plain, IR_OP_VUMAX)
VECTOR(SMIN, plain, IR_OP_VSMIN)
VECTOR(UMIN, plain, IR_OP_VUMIN)
VECTOR(SABD, plain, IR_OP_VSABD)
VECTOR(UABD, plain, IR_OP_VUABD)
BOTH(ADD, plain, IR_OP_VADD)
BOTH(SUB, plain, IR_OP_VSUB)
VECTOR(MUL, plain, IR_OP_VMUL)
VECTOR(PMUL, plain, IR_OP_VPMUL)

/* ---- Accumulating: Vd op (Vn x Vm) */

static void add_to(DisasContext *s, const ThreeSame *t, IrOp op)
{
    IrRef v = simd_op2(s, op, t->esz, t->n, t->m);
    simd_write(s, t->form, t->rd, t->esz, simd_op2(s, IR_OP_VADD, t->esz, vreg_get(s, t->rd), v));
}

static void subtract_from(DisasContext *s, const ThreeSame *t, IrOp op)
{
    IrRef v = simd_op2(s, op, t->esz, t->n, t->m);
    simd_write(s, t->form, t->rd, t->esz, simd_op2(s, IR_OP_VSUB, t->esz, vreg_get(s, t->rd), v));
}

VECTOR(SABA, add_to, IR_OP_VSABD)
VECTOR(UABA, add_to, IR_OP_VUABD)
VECTOR(MLA, add_to, IR_OP_VMUL)
VECTOR(MLS, subtract_from, IR_OP_VMUL)

/* ---- Saturating: QC where the saturated result differs from the wrapped one */

static void saturating(DisasContext *s, const ThreeSame *t, IrOp op)
{
    IrOp wrapping = op == IR_OP_VSQADD || op == IR_OP_VUQADD ? IR_OP_VADD : IR_OP_VSUB;
    IrRef v = simd_op2(s, op, t->esz, t->n, t->m);
    simd_write_qc(s, t->form, t->rd, t->esz, v, v, simd_op2(s, wrapping, t->esz, t->n, t->m));
}

BOTH(SQADD, saturating, IR_OP_VSQADD)
BOTH(UQADD, saturating, IR_OP_VUQADD)
BOTH(SQSUB, saturating, IR_OP_VSQSUB)
BOTH(UQSUB, saturating, IR_OP_VUQSUB)

static void multiply_high(DisasContext *s, const ThreeSame *t, IrOp op)
{
    simd_write_sqdmulh(s, t->form, t->rd, t->esz, false, t->n, t->m);
}

static void multiply_high_rounded(DisasContext *s, const ThreeSame *t, IrOp op)
{
    simd_write_sqdmulh(s, t->form, t->rd, t->esz, true, t->n, t->m);
}

BOTH(SQDMULH, multiply_high, 0)
BOTH(SQRDMULH, multiply_high_rounded, 0)

/* A left shift saturated where shifting back does not give the operand, or, since -1 comes back
 * from any MIN, where the result is not the wrapped one. Right shifts never saturate. */
static void shift_saturating(DisasContext *s, const ThreeSame *t, IrOp op, bool round)
{
    IrOp wrapping = op == IR_OP_VSQSHL ? IR_OP_VSSHL : IR_OP_VUSHL;
    unsigned esz = t->esz, bits = 8u << esz;
    IrRef zero = simd_const(s, 0, 0);
    IrRef v = simd_op(s, op, esz, round, t->n, t->m, IR_NONE);
    IrRef returned = simd_op2(s, wrapping, esz, v, simd_op1(s, IR_OP_VNEG, esz, t->m));
    IrRef wrapped = simd_op2(s, wrapping, esz, t->n, t->m);
    IrRef lost = simd_op2(s, IR_OP_VOR, 0, simd_op2(s, IR_OP_VXOR, 0, returned, t->n),
                          simd_op2(s, IR_OP_VXOR, 0, wrapped, v));
    IrRef amount = bits == 8 ? t->m : simd_shift(s, IR_OP_VSHLI, esz, t->m, bits - 8);
    IrRef left = simd_op2(s, IR_OP_VCMPGT, esz, amount, zero);
    simd_write_qc(s, t->form, t->rd, esz, v, simd_op2(s, IR_OP_VAND, 0, lost, left), zero);
}

static void shift_truncated(DisasContext *s, const ThreeSame *t, IrOp op)
{
    shift_saturating(s, t, op, false);
}

static void shift_rounded(DisasContext *s, const ThreeSame *t, IrOp op)
{
    shift_saturating(s, t, op, true);
}

BOTH(SQSHL, shift_truncated, IR_OP_VSQSHL)
BOTH(UQSHL, shift_truncated, IR_OP_VUQSHL)
BOTH(SQRSHL, shift_rounded, IR_OP_VSQSHL)
BOTH(UQRSHL, shift_rounded, IR_OP_VUQSHL)

/* ---- Pairwise: of the lanes of Vn, then of Vm */

static void pairwise(DisasContext *s, const ThreeSame *t, IrOp op)
{
    IrRef n = t->n;
    if (t->form == SIMD_HALF) {
        n = ir_vcat(&s->b, IR_V128, t->n, t->m);
    }
    simd_write(s, t->form, t->rd, t->esz,
               simd_op2(s, op, t->esz, n, t->form == SIMD_HALF ? n : t->m));
}

VECTOR(ADDP, pairwise, IR_OP_VADDP)
VECTOR(SMAXP, pairwise, IR_OP_VSMAXP)
VECTOR(UMAXP, pairwise, IR_OP_VUMAXP)
VECTOR(SMINP, pairwise, IR_OP_VSMINP)
VECTOR(UMINP, pairwise, IR_OP_VUMINP)

/* ---- Bitwise */

static bool bitwise(DisasContext *s, const struct a64_vrrr_bit *a, IrOp op)
{
    if (fp_access_check(s)) {
        vreg_set_q(s, a->q, a->rd, simd_op2(s, op, 0, vreg_get(s, a->rn), vreg_get(s, a->rm)));
    }
    return true;
}

bool a64_trans_AND_v(DisasContext *s, const struct a64_vrrr_bit *a)
{
    return bitwise(s, a, IR_OP_VAND);
}

bool a64_trans_BIC_v(DisasContext *s, const struct a64_vrrr_bit *a)
{
    return bitwise(s, a, IR_OP_VANDN);
}

/* With equal sources: the move. */
bool a64_trans_ORR_v(DisasContext *s, const struct a64_vrrr_bit *a)
{
    if (a->rn != a->rm) {
        return bitwise(s, a, IR_OP_VOR);
    }
    if (fp_access_check(s)) {
        vreg_set_q(s, a->q, a->rd, vreg_get(s, a->rn));
    }
    return true;
}

bool a64_trans_ORN_v(DisasContext *s, const struct a64_vrrr_bit *a)
{
    return bitwise(s, a, IR_OP_VORN);
}

/* With equal sources: zero. */
bool a64_trans_EOR_v(DisasContext *s, const struct a64_vrrr_bit *a)
{
    if (a->rn != a->rm) {
        return bitwise(s, a, IR_OP_VXOR);
    }
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, simd_const(s, 0, 0));
    }
    return true;
}

/* Vd := mask ? x : y by bit, where these are register numbers. */
static bool select_bits(DisasContext *s, const struct a64_vrrr_bit *a, unsigned mask, unsigned x,
                        unsigned y)
{
    if (fp_access_check(s)) {
        IrRef m = vreg_get(s, mask), v = vreg_get(s, x), w = vreg_get(s, y);
        vreg_set_q(s, a->q, a->rd, ir_vbsl(&s->b, IR_V128, m, v, w));
    }
    return true;
}

bool a64_trans_BSL_v(DisasContext *s, const struct a64_vrrr_bit *a)
{
    return select_bits(s, a, a->rd, a->rn, a->rm);
}

bool a64_trans_BIT_v(DisasContext *s, const struct a64_vrrr_bit *a)
{
    return select_bits(s, a, a->rm, a->rn, a->rd);
}

bool a64_trans_BIF_v(DisasContext *s, const struct a64_vrrr_bit *a)
{
    return select_bits(s, a, a->rm, a->rd, a->rn);
}
