// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD: dot products and products of matrices, of bytes (FEAT_DotProd, FEAT_I8MM) and
// of BFloat16 numbers (FEAT_BF16); vector and by element (Arm ARM C4.1, "Advanced SIMD three same
// extra", "vector x indexed element").
#include "target/arm/simd-helpers.h"
#include "target/arm/translate-simd.h"

/* ---- Dot products: each lane of 4 bytes gets the sum of the products of its parts */

typedef IrRef DotFn(DisasContext *s, unsigned kind, IrRef n, IrRef m, IrRef d);

/* Which operands of the opcode are signed. */
enum { BOTH_UNSIGNED = 0, SIGNED_UNSIGNED = 1, UNSIGNED_SIGNED = 2, BOTH_SIGNED = 3 };

static IrRef dot_bytes(DisasContext *s, unsigned kind, IrRef n, IrRef m, IrRef d)
{
    return ir_vdot(&s->b, IR_V128, n, m, d, kind);
}

static IrRef dot_bfloat16(DisasContext *s, unsigned kind, IrRef n, IrRef m, IrRef d)
{
    return simd_helper(s, &arm_bfdot, 4, n, m, d);
}

static bool dot(DisasContext *s, DotFn *fn, unsigned kind, bool q, unsigned rd, unsigned rn,
                IrRef m)
{
    vreg_set_q(s, q, rd, fn(s, kind, vreg_get(s, rn), m, vreg_get(s, rd)));
    return true;
}

#define DOT_VECTOR(name, fn, kind)                                                        \
    bool a64_trans_##name##_v(DisasContext *s, const struct a64_vrrr *a)                  \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               dot(s, fn, kind, a->q, a->rd, a->rn, vreg_get(s, a->rm));                  \
    }
#define DOT_ELEMENT(name, fn, kind)                                                       \
    bool a64_trans_##name##_vi(DisasContext *s, const struct a64_vrrr_elem *a)            \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               dot(s, fn, kind, a->q, a->rd, a->rn, simd_element(s, 2, a->rm, a->idx));        \
    }
#define DOT(name, fn, kind) DOT_VECTOR(name, fn, kind) DOT_ELEMENT(name, fn, kind)

DOT(SDOT, dot_bytes, BOTH_SIGNED)
DOT(UDOT, dot_bytes, BOTH_UNSIGNED)
DOT(USDOT, dot_bytes, UNSIGNED_SIGNED)
DOT_ELEMENT(SUDOT, dot_bytes, SIGNED_UNSIGNED)
DOT(BFDOT, dot_bfloat16, 0)

/* ---- Matrices: two rows of 8 bytes times the transpose of two rows, added to 2 by 2 words */

/* A row of the result from a row of Vn: both halves of each product stand side by side at first. */
static IrRef matrix_row(DisasContext *s, unsigned kind, unsigned row, IrRef n, IrRef m)
{
    return ir_vdot(&s->b, IR_V128, ir_vdupl(&s->b, IR_V128, n, 3, row), m, simd_const(s, 0, 0),
                   kind);
}

static bool matrix(DisasContext *s, const struct a64_vmmla *a, unsigned kind)
{
    if (fp_access_check(s)) {
        IrRef n = vreg_get(s, a->rn), m = vreg_get(s, a->rm);
        IrRef sums = simd_op2(s, IR_OP_VADDP, 2, matrix_row(s, kind, 0, n, m),
                              matrix_row(s, kind, 1, n, m));
        vreg_set(s, a->rd, simd_op2(s, IR_OP_VADD, 2, vreg_get(s, a->rd), sums));
    }
    return true;
}

bool a64_trans_SMMLA_v(DisasContext *s, const struct a64_vmmla *a)
{
    return matrix(s, a, BOTH_SIGNED);
}

bool a64_trans_UMMLA_v(DisasContext *s, const struct a64_vmmla *a)
{
    return matrix(s, a, BOTH_UNSIGNED);
}

bool a64_trans_USMMLA_v(DisasContext *s, const struct a64_vmmla *a)
{
    return matrix(s, a, UNSIGNED_SIGNED);
}

bool a64_trans_BFMMLA_v(DisasContext *s, const struct a64_vmmla *a)
{
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, simd_helper(s, &arm_bfmmla, 4, vreg_get(s, a->rn),
                                       vreg_get(s, a->rm), vreg_get(s, a->rd)));
    }
    return true;
}

/* ---- BFMLALB, BFMLALT: even and odd lanes times even and odd lanes, added to single precision.
 * A BFloat16 number is the upper half of a single one. */

static IrRef bfloat16_lanes(DisasContext *s, bool odd, IrRef v)
{
    return odd ? ir_vand(&s->b, IR_V128, v, simd_const(s, 2, 0xffff0000))
               : simd_shift(s, IR_OP_VSHLI, 2, v, 16);
}

static bool multiply_add_long(DisasContext *s, bool odd, unsigned rd, unsigned rn, IrRef m)
{
    ArmFpDesc d = { .op = ARM_FP_MULADD, .esz = 2, .lanes = 4 };
    vreg_set(s, rd, fp_vector(s, d, bfloat16_lanes(s, odd, vreg_get(s, rn)), m, vreg_get(s, rd)));
    return true;
}

#define MULTIPLY_ADD_LONG(name, odd)                                                      \
    bool a64_trans_##name##_v(DisasContext *s, const struct a64_vmmla *a)                 \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               multiply_add_long(s, odd, a->rd, a->rn,                                    \
                                 bfloat16_lanes(s, odd, vreg_get(s, a->rm)));             \
    }                                                                                     \
    bool a64_trans_##name##_vi(DisasContext *s, const struct a64_bfmlal_elem *a)          \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               multiply_add_long(s, odd, a->rd, a->rn,                                    \
                                 bfloat16_lanes(s, false, simd_element(s, 1, a->rm, a->idx))); \
    }

MULTIPLY_ADD_LONG(BFMLALB, false)
MULTIPLY_ADD_LONG(BFMLALT, true)
