// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD: shifts by an immediate, vector and scalar (Arm ARM C4.1, "Advanced SIMD
// shift by immediate", "Advanced SIMD scalar shift by immediate"); those that convert fixed point
// stand in translate-simd-fp.c. In narrowing and lengthening shifts esz is the narrow element.
#include "target/arm/translate-simd.h"

typedef struct a64_vshift Vector;
typedef struct a64_sshift Scalar;

/* The operands of either encoding. */
typedef struct Shift {
    SimdForm form;
    unsigned esz, rd, shift;
    bool q;
    IrRef n;
} Shift;

typedef void ShiftFn(DisasContext *s, const Shift *t, IrOp op);

static bool vector(DisasContext *s, const Vector *a, ShiftFn *emit, IrOp op)
{
    if (fp_access_check(s)) {
        Shift t = { simd_form(a->q), a->esz, a->rd, a->shift, a->q, vreg_get(s, a->rn) };
        emit(s, &t, op);
    }
    return true;
}

static bool scalar(DisasContext *s, const Scalar *a, ShiftFn *emit, IrOp op)
{
    if (fp_access_check(s)) {
        Shift t = { SIMD_SCALAR, a->esz, a->rd, a->shift, false, vreg_get(s, a->rn) };
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

static void write(DisasContext *s, const Shift *t, IrRef v)
{
    simd_write(s, t->form, t->rd, t->esz, v);
}

/* ---- Same width */

static void plain(DisasContext *s, const Shift *t, IrOp op)
{
    write(s, t, simd_shift(s, op, t->esz, t->n, t->shift));
}

static void accumulate(DisasContext *s, const Shift *t, IrOp op)
{
    IrRef v = simd_shift(s, op, t->esz, t->n, t->shift);
    write(s, t, simd_op2(s, IR_OP_VADD, t->esz, vreg_get(s, t->rd), v));
}

BOTH(SSHR, plain, IR_OP_VSARI)
BOTH(USHR, plain, IR_OP_VSHRI)
BOTH(SRSHR, plain, IR_OP_VRSARI)
BOTH(URSHR, plain, IR_OP_VRSHRI)
BOTH(SHL, plain, IR_OP_VSHLI)
BOTH(SSRA, accumulate, IR_OP_VSARI)
BOTH(USRA, accumulate, IR_OP_VSHRI)
BOTH(SRSRA, accumulate, IR_OP_VRSARI)
BOTH(URSRA, accumulate, IR_OP_VRSHRI)

/* Bits that the shift does not fill keep Vd's. */
static void insert(DisasContext *s, const Shift *t, IrOp op)
{
    unsigned bits = 8u << t->esz;
    uint64_t filled = op == IR_OP_VSHLI ? bit_mask(bits) << t->shift : bit_mask(bits - t->shift);
    IrRef v = simd_shift(s, op, t->esz, t->n, t->shift);
    write(s, t, ir_vbsl(&s->b, IR_V128, simd_const(s, t->esz, filled), v, vreg_get(s, t->rd)));
}

BOTH(SRI, insert, IR_OP_VSHRI)
BOTH(SLI, insert, IR_OP_VSHLI)

/* It saturated where shifting back does not give the operand. */
static void shift_left_saturating(DisasContext *s, const Shift *t, IrOp op)
{
    IrRef v = simd_op2(s, op, t->esz, t->n, simd_const(s, t->esz, t->shift));
    IrOp back = op == IR_OP_VSQSHL ? IR_OP_VSARI : IR_OP_VSHRI;
    IrRef returned = t->shift ? simd_shift(s, back, t->esz, v, t->shift) : v;
    simd_write_qc(s, t->form, t->rd, t->esz, v, returned, t->n);
}

BOTH(SQSHL_imm, shift_left_saturating, IR_OP_VSQSHL)
BOTH(UQSHL_imm, shift_left_saturating, IR_OP_VUQSHL)
BOTH(SQSHLU_imm, shift_left_saturating, IR_OP_VSQSHLU)

/* ---- Narrowing: shifted at double width, then narrowed */

static void narrow(DisasContext *s, const Shift *t, IrOp op)
{
    IrRef v = simd_shift(s, op, t->esz + 1, t->n, t->shift);
    simd_write_narrow(s, t->q, t->rd, simd_op1(s, IR_OP_VXTN, t->esz + 1, v));
}

VECTOR(SHRN, narrow, IR_OP_VSHRI)
VECTOR(RSHRN, narrow, IR_OP_VRSHRI)

/* It saturated where widening the result does not give what was narrowed. */
static void narrow_saturating(DisasContext *s, const Shift *t, IrOp shift, IrOp narrowing)
{
    unsigned wide = t->esz + 1;
    IrRef n = t->form == SIMD_SCALAR ? simd_clip(s, SIMD_SCALAR, wide, t->n) : t->n;
    IrRef shifted = simd_shift(s, shift, wide, n, t->shift);
    IrRef v = simd_op1(s, narrowing, wide, shifted);
    simd_qc_if_differ(s, simd_widen(s, narrowing == IR_OP_VSQXTN, t->esz, v), shifted);
    simd_write_narrow(s, t->q, t->rd, v);
}

static void sqshrn(DisasContext *s, const Shift *t, IrOp op)
{
    narrow_saturating(s, t, op, IR_OP_VSQXTN);
}

static void uqshrn(DisasContext *s, const Shift *t, IrOp op)
{
    narrow_saturating(s, t, op, IR_OP_VUQXTN);
}

static void sqshrun(DisasContext *s, const Shift *t, IrOp op)
{
    narrow_saturating(s, t, op, IR_OP_VSQXTUN);
}

BOTH(SQSHRN, sqshrn, IR_OP_VSARI)
BOTH(SQRSHRN, sqshrn, IR_OP_VRSARI)
BOTH(UQSHRN, uqshrn, IR_OP_VSHRI)
BOTH(UQRSHRN, uqshrn, IR_OP_VRSHRI)
BOTH(SQSHRUN, sqshrun, IR_OP_VSARI)
BOTH(SQRSHRUN, sqshrun, IR_OP_VRSARI)

/* ---- Lengthening */

static bool lengthen(DisasContext *s, const Vector *a, bool is_signed)
{
    if (fp_access_check(s)) {
        IrRef v = simd_widen(s, is_signed, a->esz, simd_get_half(s, a->q, a->rn));
        vreg_set(s, a->rd, a->shift ? simd_shift(s, IR_OP_VSHLI, a->esz + 1, v, a->shift) : v);
    }
    return true;
}

bool a64_trans_SSHLL_v(DisasContext *s, const Vector *a)
{
    return lengthen(s, a, true);
}

bool a64_trans_USHLL_v(DisasContext *s, const Vector *a)
{
    return lengthen(s, a, false);
}
