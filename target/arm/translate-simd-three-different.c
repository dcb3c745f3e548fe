// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD: three registers of different types: long (two narrow sources), wide (one),
// and high-half narrowing; vectors, by element, and scalar (Arm ARM C4.1, "Advanced SIMD three
// different", "vector x indexed element", and their scalar forms).
//
// esz is the narrow element. With q, narrow operands and results are the upper half.
#include "target/arm/translate-simd.h"

/* The narrow operands in the low halves. */
typedef struct Long {
    unsigned esz, rd;
    IrRef n, m;
    SimdForm form; /* of the result: SIMD_FULL, or SIMD_SCALAR */
} Long;

typedef void LongFn(DisasContext *s, const Long *l, bool is_signed);

/* Lane idx of Vm, in every lane. */
static IrRef element(DisasContext *s, unsigned esz, unsigned rm, unsigned idx)
{
    return ir_vdupl(&s->b, IR_V128, vreg_get(s, rm), esz, idx);
}

static bool long_vector(DisasContext *s, const struct a64_vrrr *a, LongFn *emit, bool is_signed)
{
    if (fp_access_check(s)) {
        Long l = { a->esz, a->rd, simd_get_half(s, a->q, a->rn), simd_get_half(s, a->q, a->rm),
                   SIMD_FULL };
        emit(s, &l, is_signed);
    }
    return true;
}

static bool long_element(DisasContext *s, const struct a64_vrrr_elem *a, LongFn *emit,
                         bool is_signed)
{
    if (fp_access_check(s)) {
        Long l = { a->esz, a->rd, simd_get_half(s, a->q, a->rn),
                   element(s, a->esz, a->rm, a->idx), SIMD_FULL };
        emit(s, &l, is_signed);
    }
    return true;
}

#define LONG(name, emit, is_signed)                                                       \
    bool a64_trans_##name##_v(DisasContext *s, const struct a64_vrrr *a)                  \
    {                                                                                     \
        return long_vector(s, a, emit, is_signed);                                        \
    }
#define LONG_ELEMENT(name, emit, is_signed)                                               \
    LONG(name, emit, is_signed)                                                           \
    bool a64_trans_##name##_vi(DisasContext *s, const struct a64_vrrr_elem *a)            \
    {                                                                                     \
        return long_element(s, a, emit, is_signed);                                       \
    }

/* ---- Sums and differences */

static void add_long(DisasContext *s, const Long *l, bool is_signed)
{
    vreg_set(s, l->rd, simd_op2(s, IR_OP_VADD, l->esz + 1,
                                simd_widen(s, is_signed, l->esz, l->n),
                                simd_widen(s, is_signed, l->esz, l->m)));
}

static void sub_long(DisasContext *s, const Long *l, bool is_signed)
{
    vreg_set(s, l->rd, simd_op2(s, IR_OP_VSUB, l->esz + 1,
                                simd_widen(s, is_signed, l->esz, l->n),
                                simd_widen(s, is_signed, l->esz, l->m)));
}

/* The difference of narrow lanes is unsigned and fits one. */
static IrRef difference_long(DisasContext *s, const Long *l, bool is_signed)
{
    IrOp op = is_signed ? IR_OP_VSABD : IR_OP_VUABD;
    return simd_widen(s, false, l->esz, simd_op2(s, op, l->esz, l->n, l->m));
}

static void abd_long(DisasContext *s, const Long *l, bool is_signed)
{
    vreg_set(s, l->rd, difference_long(s, l, is_signed));
}

static void aba_long(DisasContext *s, const Long *l, bool is_signed)
{
    IrRef v = difference_long(s, l, is_signed);
    vreg_set(s, l->rd, simd_op2(s, IR_OP_VADD, l->esz + 1, vreg_get(s, l->rd), v));
}

LONG(SADDL, add_long, true)
LONG(UADDL, add_long, false)
LONG(SSUBL, sub_long, true)
LONG(USUBL, sub_long, false)
LONG(SABDL, abd_long, true)
LONG(UABDL, abd_long, false)
LONG(SABAL, aba_long, true)
LONG(UABAL, aba_long, false)

/* ---- Products */

static IrRef product(DisasContext *s, const Long *l, bool is_signed)
{
    return simd_op2(s, is_signed ? IR_OP_VSMULL : IR_OP_VUMULL, l->esz, l->n, l->m);
}

static void mul_long(DisasContext *s, const Long *l, bool is_signed)
{
    vreg_set(s, l->rd, product(s, l, is_signed));
}

static void mla_long(DisasContext *s, const Long *l, bool is_signed)
{
    IrRef v = product(s, l, is_signed);
    vreg_set(s, l->rd, simd_op2(s, IR_OP_VADD, l->esz + 1, vreg_get(s, l->rd), v));
}

static void mls_long(DisasContext *s, const Long *l, bool is_signed)
{
    IrRef v = product(s, l, is_signed);
    vreg_set(s, l->rd, simd_op2(s, IR_OP_VSUB, l->esz + 1, vreg_get(s, l->rd), v));
}

LONG_ELEMENT(SMULL, mul_long, true)
LONG_ELEMENT(UMULL, mul_long, false)
LONG_ELEMENT(SMLAL, mla_long, true)
LONG_ELEMENT(UMLAL, mla_long, false)
LONG_ELEMENT(SMLSL, mls_long, true)
LONG_ELEMENT(UMLSL, mls_long, false)

bool a64_trans_PMULL_v(DisasContext *s, const struct a64_vrrr *a)
{
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, simd_op2(s, IR_OP_VPMULL8, 0, simd_get_half(s, a->q, a->rn),
                                    simd_get_half(s, a->q, a->rm)));
    }
    return true;
}

/* ---- Saturating doubling products; the accumulation saturates a second time */

/* v = x op y saturated, noted in QC. */
static IrRef saturating(DisasContext *s, const Long *l, IrOp op, IrOp wrapping, IrRef x, IrRef y)
{
    unsigned wide = l->esz + 1;
    IrRef v = simd_clip(s, l->form, wide, simd_op2(s, op, wide, x, y));
    simd_qc_if_differ(s, v, simd_clip(s, l->form, wide, simd_op2(s, wrapping, wide, x, y)));
    return v;
}

static IrRef doubled_product(DisasContext *s, const Long *l)
{
    IrRef p = product(s, l, true);
    return saturating(s, l, IR_OP_VSQADD, IR_OP_VADD, p, p);
}

static void sqdmull(DisasContext *s, const Long *l, bool is_signed)
{
    vreg_set(s, l->rd, doubled_product(s, l));
}

static void sqdmlal(DisasContext *s, const Long *l, bool is_signed)
{
    IrRef p = doubled_product(s, l);
    vreg_set(s, l->rd, saturating(s, l, IR_OP_VSQADD, IR_OP_VADD, vreg_get(s, l->rd), p));
}

static void sqdmlsl(DisasContext *s, const Long *l, bool is_signed)
{
    IrRef p = doubled_product(s, l);
    vreg_set(s, l->rd, saturating(s, l, IR_OP_VSQSUB, IR_OP_VSUB, vreg_get(s, l->rd), p));
}

static bool long_scalar(DisasContext *s, unsigned esz, unsigned rd, IrRef n, IrRef m,
                        LongFn *emit)
{
    Long l = { esz, rd, n, m, SIMD_SCALAR };
    emit(s, &l, true);
    return true;
}

#define DOUBLING(name, emit)                                                              \
    LONG_ELEMENT(name, emit, true)                                                        \
    bool a64_trans_##name##_s(DisasContext *s, const struct a64_rrr_e *a)                 \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               long_scalar(s, a->esz, a->rd, vreg_get(s, a->rn), vreg_get(s, a->rm), emit); \
    }                                                                                     \
    bool a64_trans_##name##_si(DisasContext *s, const struct a64_srrr_elem *a)            \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               long_scalar(s, a->esz, a->rd, vreg_get(s, a->rn),                          \
                           element(s, a->esz, a->rm, a->idx), emit);                      \
    }

DOUBLING(SQDMULL, sqdmull)
DOUBLING(SQDMLAL, sqdmlal)
DOUBLING(SQDMLSL, sqdmlsl)

/* ---- Wide: Vn op widened Vm */

static bool wide(DisasContext *s, const struct a64_vrrr *a, IrOp op, bool is_signed)
{
    if (fp_access_check(s)) {
        IrRef m = simd_widen(s, is_signed, a->esz, simd_get_half(s, a->q, a->rm));
        vreg_set(s, a->rd, simd_op2(s, op, a->esz + 1, vreg_get(s, a->rn), m));
    }
    return true;
}

bool a64_trans_SADDW_v(DisasContext *s, const struct a64_vrrr *a)
{
    return wide(s, a, IR_OP_VADD, true);
}

bool a64_trans_UADDW_v(DisasContext *s, const struct a64_vrrr *a)
{
    return wide(s, a, IR_OP_VADD, false);
}

bool a64_trans_SSUBW_v(DisasContext *s, const struct a64_vrrr *a)
{
    return wide(s, a, IR_OP_VSUB, true);
}

bool a64_trans_USUBW_v(DisasContext *s, const struct a64_vrrr *a)
{
    return wide(s, a, IR_OP_VSUB, false);
}

/* ---- The high halves of sums and differences, perhaps rounded */

static bool high_narrow(DisasContext *s, const struct a64_vrrr *a, IrOp op, bool round)
{
    if (!fp_access_check(s)) {
        return true;
    }
    unsigned size = a->esz + 1, half = 8u << a->esz;
    IrRef v = simd_op2(s, op, size, vreg_get(s, a->rn), vreg_get(s, a->rm));
    if (round) {
        v = simd_op2(s, IR_OP_VADD, size, v, simd_const(s, size, BIT(half - 1)));
    }
    v = simd_op1(s, IR_OP_VXTN, size, simd_shift(s, IR_OP_VSHRI, size, v, half));
    simd_write_narrow(s, a->q, a->rd, v);
    return true;
}

bool a64_trans_ADDHN_v(DisasContext *s, const struct a64_vrrr *a)
{
    return high_narrow(s, a, IR_OP_VADD, false);
}

bool a64_trans_RADDHN_v(DisasContext *s, const struct a64_vrrr *a)
{
    return high_narrow(s, a, IR_OP_VADD, true);
}

bool a64_trans_SUBHN_v(DisasContext *s, const struct a64_vrrr *a)
{
    return high_narrow(s, a, IR_OP_VSUB, false);
}

bool a64_trans_RSUBHN_v(DisasContext *s, const struct a64_vrrr *a)
{
    return high_narrow(s, a, IR_OP_VSUB, true);
}
