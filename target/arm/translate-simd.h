// SPDX-License-Identifier: MIT
//
// What the translation files of floating point and Advanced SIMD share: forms of registers, the
// saturation flag, and floating-point operations that become host instructions or helper calls
// as FPCR demands.
//
// Vectors are always computed with 128 bits. A form says what of the result is written: all, the
// low half, or lane 0; the rest of the register becomes zero. So an instruction's scalar and
// vector encodings are one function of the form. Operations are named by their IrOp or ArmFpOp,
// so that instructions are rows of tables.
#ifndef TARGET_ARM_TRANSLATE_SIMD_H
#define TARGET_ARM_TRANSLATE_SIMD_H

#include "target/arm/fp-helpers.h"
#include "target/arm/translate.h"

/* ---- Forms */

typedef enum SimdForm {
    SIMD_SCALAR, /* lane 0 */
    SIMD_HALF,   /* 64 bits */
    SIMD_FULL,
} SimdForm;

static inline SimdForm simd_form(bool q)
{
    return q ? SIMD_FULL : SIMD_HALF;
}

/* Lanes of 1 << esz bytes in a form. */
static inline unsigned simd_lanes(SimdForm form, unsigned esz)
{
    return form == SIMD_SCALAR ? 1 : (form == SIMD_FULL ? 16u : 8u) >> esz;
}

/* `v` with everything beyond the form cleared. */
IrRef simd_clip(DisasContext *s, SimdForm form, unsigned esz, IrRef v);
/* Vd := simd_clip(v). */
void simd_write(DisasContext *s, SimdForm form, unsigned rd, unsigned esz, IrRef v);
/* The same, and FPSR.QC becomes set when x and y differ in what the form has. */
void simd_write_qc(DisasContext *s, SimdForm form, unsigned rd, unsigned esz, IrRef v, IrRef x,
                   IrRef y);

/* ---- Operations on vectors */

/* The opcode `op` of type v128; it takes as many of the operands as it has. */
IrRef simd_op(DisasContext *s, IrOp op, unsigned esz, uint64_t imm, IrRef x, IrRef y, IrRef z);

static inline IrRef simd_op1(DisasContext *s, IrOp op, unsigned esz, IrRef x)
{
    return simd_op(s, op, esz, 0, x, IR_NONE, IR_NONE);
}

static inline IrRef simd_op2(DisasContext *s, IrOp op, unsigned esz, IrRef x, IrRef y)
{
    return simd_op(s, op, esz, 0, x, y, IR_NONE);
}

static inline IrRef simd_shift(DisasContext *s, IrOp op, unsigned esz, IrRef x, unsigned shift)
{
    return simd_op(s, op, esz, shift, x, IR_NONE, IR_NONE);
}

/* Calls void helper(env, i32 desc), which takes operands from ArmCpu.simd_scratch[0..2] and leaves
 * its result in [0]. Absent operands are IR_NONE. */
IrRef simd_helper(DisasContext *s, const IrHelper *helper, uint32_t desc, IrRef x, IrRef y,
                  IrRef z);
/* The low 1 << esz bytes of `value` in every lane. */
IrRef simd_const(DisasContext *s, unsigned esz, uint64_t value);
/* Lane idx of Vm in every lane. */
static inline IrRef simd_element(DisasContext *s, unsigned esz, unsigned rm, unsigned idx)
{
    return ir_vdupl(&s->b, IR_V128, vreg_get(s, rm), esz, idx);
}
/* The half of Vn that a long or wide instruction takes (its upper one if q), in the low half. */
IrRef simd_get_half(DisasContext *s, bool q, unsigned n);
/* The low half's lanes of size esz, at double width. */
IrRef simd_widen(DisasContext *s, bool is_signed, unsigned esz, IrRef v);
/* A narrow result in the low half of `v` becomes the low half of Vd (the upper half zero), or the
 * upper half (q; the lower half stays). */
void simd_write_narrow(DisasContext *s, bool q, unsigned rd, IrRef v);
/* FPSR.QC becomes set when x and y differ. */
void simd_qc_if_differ(DisasContext *s, IrRef x, IrRef y);
/* SQDMULH, SQRDMULH of x and y. */
void simd_write_sqdmulh(DisasContext *s, SimdForm form, unsigned rd, unsigned esz, bool round,
                        IrRef x, IrRef y);

/* ---- Floating point. A scalar value of single or double precision is an f32 or f64, one of half
 * precision an i64. */

IrRef fp_get(DisasContext *s, unsigned esz, unsigned n);
void fp_set(DisasContext *s, unsigned esz, unsigned rd, IrRef value);
/* Sign flipped; sign cleared: of the low lanes. */
IrRef fp_neg(DisasContext *s, unsigned esz, IrRef value);
IrRef fp_abs(DisasContext *s, unsigned esz, IrRef value);
/* The value +0. */
IrRef fp_const_zero(DisasContext *s, unsigned esz);
/* The four lanes of 2 bytes in the low half of a vector, half-precision numbers, in lanes of 4 bytes:
 * the sign; the magnitude's bits where single precision has them; the magnitude as a single
 * unless that has the top exponent (HALF_SPECIAL and above in `bits`). */
typedef struct HalfParts {
    IrRef sign, bits, number;
} HalfParts;

#define HALF_SPECIAL ((uint64_t)31 << 23)

HalfParts simd_half_parts(DisasContext *s, IrRef v);
IrRef fp_vector_neg(DisasContext *s, unsigned esz, IrRef v);
IrRef fp_vector_abs(DisasContext *s, unsigned esz, IrRef v);

/* The operation of `desc` on scalars. Integer operands and results are i32 or i64 by their size,
 * comparisons for flags give an i32. `to` need only be set in conversions, and `mode`,
 * `fbits` and `flag` as ArmFpOp says; `lanes` is ignored. */
IrRef fp_scalar(DisasContext *s, ArmFpDesc desc, IrRef a, IrRef b, IrRef c);
/* The same for each of the low `desc.lanes` lanes of vectors; the others become zero. */
IrRef fp_vector(DisasContext *s, ArmFpDesc desc, IrRef a, IrRef b, IrRef c);

#endif
