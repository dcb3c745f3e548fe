// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD: by element, results as wide as the sources, integer and floating point,
// vector and scalar (Arm ARM C4.1, "Advanced SIMD vector x indexed element", "Advanced SIMD
// scalar x indexed element"). The long forms stand in translate-simd-three-different.c.
#include "target/arm/translate-simd.h"

typedef struct a64_vrrr_elem Vector;
typedef struct a64_srrr_elem Scalar;

/* Operands, Vm's element in every lane. */
typedef struct Element {
    SimdForm form;
    unsigned esz, rd;
    IrRef n, m;
} Element;

static Element element(DisasContext *s, SimdForm form, unsigned esz, unsigned idx, unsigned rd,
                       unsigned rn, unsigned rm)
{
    return (Element){ form, esz, rd, vreg_get(s, rn), simd_element(s, esz, rm, idx) };
}

typedef void ElementFn(DisasContext *s, const Element *e);

#define VECTOR(name, emit)                                                                \
    bool a64_trans_##name##_vi(DisasContext *s, const Vector *a)                          \
    {                                                                                     \
        if (fp_access_check(s)) {                                                         \
            Element e = element(s, simd_form(a->q), a->esz, a->idx, a->rd, a->rn, a->rm); \
            emit(s, &e);                                                                  \
        }                                                                                 \
        return true;                                                                      \
    }
#define BOTH(name, emit)                                                                  \
    VECTOR(name, emit)                                                                    \
    bool a64_trans_##name##_si(DisasContext *s, const Scalar *a)                          \
    {                                                                                     \
        if (fp_access_check(s)) {                                                         \
            Element e = element(s, SIMD_SCALAR, a->esz, a->idx, a->rd, a->rn, a->rm);     \
            emit(s, &e);                                                                  \
        }                                                                                 \
        return true;                                                                      \
    }

/* ---- Integer */

static void mul(DisasContext *s, const Element *e)
{
    simd_write(s, e->form, e->rd, e->esz, simd_op2(s, IR_OP_VMUL, e->esz, e->n, e->m));
}

static void accumulate(DisasContext *s, const Element *e, IrOp op)
{
    IrRef p = simd_op2(s, IR_OP_VMUL, e->esz, e->n, e->m);
    simd_write(s, e->form, e->rd, e->esz, simd_op2(s, op, e->esz, vreg_get(s, e->rd), p));
}

static void mla(DisasContext *s, const Element *e)
{
    accumulate(s, e, IR_OP_VADD);
}

static void mls(DisasContext *s, const Element *e)
{
    accumulate(s, e, IR_OP_VSUB);
}

VECTOR(MUL, mul)
VECTOR(MLA, mla)
VECTOR(MLS, mls)

static void sqdmulh(DisasContext *s, const Element *e)
{
    simd_write_sqdmulh(s, e->form, e->rd, e->esz, false, e->n, e->m);
}

static void sqrdmulh(DisasContext *s, const Element *e)
{
    simd_write_sqdmulh(s, e->form, e->rd, e->esz, true, e->n, e->m);
}

BOTH(SQDMULH, sqdmulh)
BOTH(SQRDMULH, sqrdmulh)

/* ---- Floating point */

static void fp(DisasContext *s, const Element *e, ArmFpOp op, IrRef n, IrRef addend)
{
    ArmFpDesc d = { .op = op, .esz = e->esz, .lanes = simd_lanes(e->form, e->esz) };
    vreg_set(s, e->rd, fp_vector(s, d, n, e->m, addend));
}

static void fmul(DisasContext *s, const Element *e)
{
    fp(s, e, ARM_FP_MUL, e->n, IR_NONE);
}

static void fmulx(DisasContext *s, const Element *e)
{
    fp(s, e, ARM_FP_MULX, e->n, IR_NONE);
}

static void fmla(DisasContext *s, const Element *e)
{
    fp(s, e, ARM_FP_MULADD, e->n, vreg_get(s, e->rd));
}

static void fmls(DisasContext *s, const Element *e)
{
    fp(s, e, ARM_FP_MULADD, fp_vector_neg(s, e->esz, e->n), vreg_get(s, e->rd));
}

BOTH(FMUL, fmul)
BOTH(FMULX, fmulx)
BOTH(FMLA, fmla)
BOTH(FMLS, fmls)
