// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD: floating point, vector and scalar: three registers of the same type, two
// registers, conversions, reductions (Arm ARM C4.1, the floating-point rows of "Advanced SIMD
// three same", "two-register miscellaneous", "across lanes", "shift by immediate" and their scalar
// forms). A scalar is a vector of one lane here: lanes that are not computed become zero.
#include "target/arm/translate-simd.h"

typedef struct a64_vrrr Vector3;
typedef struct a64_rrr_e Scalar3;
typedef struct a64_vrr Vector2;
typedef struct a64_rr_e Scalar2;

/* The registers of either encoding; m is IR_NONE with two registers. */
typedef struct Fp {
    SimdForm form;
    unsigned esz, rd;
    IrRef n, m;
} Fp;

typedef void FpFn(DisasContext *s, const Fp *t, ArmFpOp op);

static bool three(DisasContext *s, SimdForm form, const Scalar3 *a, FpFn *emit, ArmFpOp op)
{
    if (fp_access_check(s)) {
        Fp t = { form, a->esz, a->rd, vreg_get(s, a->rn), vreg_get(s, a->rm) };
        emit(s, &t, op);
    }
    return true;
}

static bool two(DisasContext *s, SimdForm form, const Scalar2 *a, FpFn *emit, ArmFpOp op)
{
    if (fp_access_check(s)) {
        Fp t = { form, a->esz, a->rd, vreg_get(s, a->rn), IR_NONE };
        emit(s, &t, op);
    }
    return true;
}

#define VECTOR3(name, emit, op)                                                           \
    bool a64_trans_##name##_v(DisasContext *s, const Vector3 *a)                          \
    {                                                                                     \
        Scalar3 regs = { .esz = a->esz, .rm = a->rm, .rn = a->rn, .rd = a->rd };          \
        return three(s, simd_form(a->q), &regs, emit, op);                                \
    }
#define BOTH3(name, emit, op)                                                             \
    VECTOR3(name, emit, op)                                                               \
    bool a64_trans_##name##_s(DisasContext *s, const Scalar3 *a)                          \
    {                                                                                     \
        return three(s, SIMD_SCALAR, a, emit, op);                                        \
    }
#define VECTOR2(name, emit, op)                                                           \
    bool a64_trans_##name##_v(DisasContext *s, const Vector2 *a)                          \
    {                                                                                     \
        Scalar2 regs = { .esz = a->esz, .rn = a->rn, .rd = a->rd };                       \
        return two(s, simd_form(a->q), &regs, emit, op);                                  \
    }
#define SCALAR2(name, emit, op)                                                           \
    bool a64_trans_##name##_s(DisasContext *s, const Scalar2 *a)                          \
    {                                                                                     \
        return two(s, SIMD_SCALAR, a, emit, op);                                          \
    }
#define BOTH2(name, emit, op) VECTOR2(name, emit, op) SCALAR2(name, emit, op)

static ArmFpDesc describe(const Fp *t, ArmFpOp op)
{
    return (ArmFpDesc){ .op = op, .esz = t->esz, .to = t->esz,
                        .lanes = simd_lanes(t->form, t->esz) };
}

static void plain(DisasContext *s, const Fp *t, ArmFpOp op)
{
    vreg_set(s, t->rd, fp_vector(s, describe(t, op), t->n, t->m, IR_NONE));
}

/* ---- Arithmetic */

VECTOR3(FADD, plain, ARM_FP_ADD)
VECTOR3(FSUB, plain, ARM_FP_SUB)
VECTOR3(FMUL, plain, ARM_FP_MUL)
VECTOR3(FDIV, plain, ARM_FP_DIV)
BOTH3(FMULX, plain, ARM_FP_MULX)
VECTOR3(FMAX, plain, ARM_FP_MAX)
VECTOR3(FMIN, plain, ARM_FP_MIN)
VECTOR3(FMAXNM, plain, ARM_FP_MAXNM)
VECTOR3(FMINNM, plain, ARM_FP_MINNM)
BOTH3(FRECPS, plain, ARM_FP_RECPS)
BOTH3(FRSQRTS, plain, ARM_FP_RSQRTS)
VECTOR2(FSQRT, plain, ARM_FP_SQRT)
BOTH2(FRECPE, plain, ARM_FP_RECPE)
BOTH2(FRSQRTE, plain, ARM_FP_RSQRTE)
SCALAR2(FRECPX, plain, ARM_FP_RECPX)
VECTOR2(URECPE, plain, ARM_FP_RECPE_U32)
VECTOR2(URSQRTE, plain, ARM_FP_RSQRTE_U32)

static void difference(DisasContext *s, const Fp *t, ArmFpOp op)
{
    IrRef v = fp_vector(s, describe(t, op), t->n, t->m, IR_NONE);
    vreg_set(s, t->rd, fp_vector_abs(s, t->esz, v));
}

BOTH3(FABD, difference, ARM_FP_SUB)

static void multiply_add(DisasContext *s, const Fp *t, ArmFpOp op)
{
    vreg_set(s, t->rd, fp_vector(s, describe(t, op), t->n, t->m, vreg_get(s, t->rd)));
}

static void multiply_subtract(DisasContext *s, const Fp *t, ArmFpOp op)
{
    IrRef n = fp_vector_neg(s, t->esz, t->n);
    vreg_set(s, t->rd, fp_vector(s, describe(t, op), n, t->m, vreg_get(s, t->rd)));
}

VECTOR3(FMLA, multiply_add, ARM_FP_MULADD)
VECTOR3(FMLS, multiply_subtract, ARM_FP_MULADD)

static void absolute(DisasContext *s, const Fp *t, ArmFpOp op)
{
    simd_write(s, t->form, t->rd, t->esz, fp_vector_abs(s, t->esz, t->n));
}

static void negate(DisasContext *s, const Fp *t, ArmFpOp op)
{
    simd_write(s, t->form, t->rd, t->esz, fp_vector_neg(s, t->esz, t->n));
}

VECTOR2(FABS, absolute, 0)
VECTOR2(FNEG, negate, 0)

/* ---- Comparison */

static void compare_absolute(DisasContext *s, const Fp *t, ArmFpOp op)
{
    IrRef n = fp_vector_abs(s, t->esz, t->n), m = fp_vector_abs(s, t->esz, t->m);
    vreg_set(s, t->rd, fp_vector(s, describe(t, op), n, m, IR_NONE));
}

static void compare_zero(DisasContext *s, const Fp *t, ArmFpOp op)
{
    vreg_set(s, t->rd, fp_vector(s, describe(t, op), t->n, simd_const(s, 0, 0), IR_NONE));
}

static void zero_compare(DisasContext *s, const Fp *t, ArmFpOp op)
{
    vreg_set(s, t->rd, fp_vector(s, describe(t, op), simd_const(s, 0, 0), t->n, IR_NONE));
}

BOTH3(FCMEQ, plain, ARM_FP_CMPEQ)
BOTH3(FCMGE, plain, ARM_FP_CMPGE)
BOTH3(FCMGT, plain, ARM_FP_CMPGT)
BOTH3(FACGE, compare_absolute, ARM_FP_CMPGE)
BOTH3(FACGT, compare_absolute, ARM_FP_CMPGT)
BOTH2(FCMEQ_zero, compare_zero, ARM_FP_CMPEQ)
BOTH2(FCMGE_zero, compare_zero, ARM_FP_CMPGE)
BOTH2(FCMGT_zero, compare_zero, ARM_FP_CMPGT)
BOTH2(FCMLE_zero, zero_compare, ARM_FP_CMPGE)
BOTH2(FCMLT_zero, zero_compare, ARM_FP_CMPGT)

/* ---- Pairs and reductions: even lanes with odd ones */

static IrRef pairs(DisasContext *s, ArmFpOp op, unsigned esz, unsigned lanes, IrRef n, IrRef m)
{
    ArmFpDesc d = { .op = op, .esz = esz, .lanes = lanes };
    IrRef even = simd_op2(s, IR_OP_VUZP1, esz, n, m), odd = simd_op2(s, IR_OP_VUZP2, esz, n, m);
    return fp_vector(s, d, even, odd, IR_NONE);
}

static void pairwise(DisasContext *s, const Fp *t, ArmFpOp op)
{
    IrRef n = t->n, m = t->m;
    if (t->form == SIMD_HALF) {
        n = m = ir_vcat(&s->b, IR_V128, n, m);
    }
    vreg_set(s, t->rd, pairs(s, op, t->esz, simd_lanes(t->form, t->esz), n, m));
}

VECTOR3(FADDP, pairwise, ARM_FP_ADD)
VECTOR3(FMAXP, pairwise, ARM_FP_MAX)
VECTOR3(FMINP, pairwise, ARM_FP_MIN)
VECTOR3(FMAXNMP, pairwise, ARM_FP_MAXNM)
VECTOR3(FMINNMP, pairwise, ARM_FP_MINNM)

static void reduce(DisasContext *s, const Fp *t, ArmFpOp op)
{
    IrRef v = t->n;
    for (unsigned lanes = simd_lanes(t->form, t->esz) / 2; lanes; lanes /= 2) {
        v = pairs(s, op, t->esz, lanes, v, v);
    }
    vreg_set(s, t->rd, v);
}

VECTOR2(FMAXV, reduce, ARM_FP_MAX)
VECTOR2(FMINV, reduce, ARM_FP_MIN)
VECTOR2(FMAXNMV, reduce, ARM_FP_MAXNM)
VECTOR2(FMINNMV, reduce, ARM_FP_MINNM)

static bool reduce_pair(DisasContext *s, const Scalar2 *a, ArmFpOp op)
{
    if (fp_access_check(s)) {
        IrRef v = vreg_get(s, a->rn);
        vreg_set(s, a->rd, pairs(s, op, a->esz, 1, v, v));
    }
    return true;
}

#define PAIR(name, op)                                                                    \
    bool a64_trans_##name##_v2(DisasContext *s, const Scalar2 *a)                         \
    {                                                                                     \
        return reduce_pair(s, a, op);                                                     \
    }

PAIR(FADDP, ARM_FP_ADD)
PAIR(FMAXP, ARM_FP_MAX)
PAIR(FMINP, ARM_FP_MIN)
PAIR(FMAXNMP, ARM_FP_MAXNM)
PAIR(FMINNMP, ARM_FP_MINNM)

/* ---- Rounding, to and from integers of the same size */

static void with_mode(DisasContext *s, const Fp *t, ArmFpOp op, unsigned mode, bool flag,
                      unsigned fbits)
{
    ArmFpDesc d = describe(t, op);
    d.mode = mode;
    d.flag = flag;
    d.fbits = fbits;
    vreg_set(s, t->rd, fp_vector(s, d, t->n, IR_NONE, IR_NONE));
}

#define MODE(fn, op, mode, flag)                                                          \
    static void fn(DisasContext *s, const Fp *t, ArmFpOp unused)                          \
    {                                                                                     \
        with_mode(s, t, op, mode, flag, 0);                                               \
    }

MODE(round_n, ARM_FP_ROUND, FP_ROUND_NEAREST_EVEN, false)
MODE(round_p, ARM_FP_ROUND, FP_ROUND_PLUS_INF, false)
MODE(round_m, ARM_FP_ROUND, FP_ROUND_MINUS_INF, false)
MODE(round_z, ARM_FP_ROUND, FP_ROUND_ZERO, false)
MODE(round_a, ARM_FP_ROUND, FP_ROUND_NEAREST_AWAY, false)
MODE(round_x, ARM_FP_ROUND, ARM_FP_MODE_CURRENT, true)
MODE(round_i, ARM_FP_ROUND, ARM_FP_MODE_CURRENT, false)
MODE(round_32z, ARM_FP_ROUND_INT32, FP_ROUND_ZERO, true)
MODE(round_32x, ARM_FP_ROUND_INT32, ARM_FP_MODE_CURRENT, true)
MODE(round_64z, ARM_FP_ROUND_INT64, FP_ROUND_ZERO, true)
MODE(round_64x, ARM_FP_ROUND_INT64, ARM_FP_MODE_CURRENT, true)
MODE(to_signed_n, ARM_FP_TO_INT, FP_ROUND_NEAREST_EVEN, true)
MODE(to_signed_p, ARM_FP_TO_INT, FP_ROUND_PLUS_INF, true)
MODE(to_signed_m, ARM_FP_TO_INT, FP_ROUND_MINUS_INF, true)
MODE(to_signed_z, ARM_FP_TO_INT, FP_ROUND_ZERO, true)
MODE(to_signed_a, ARM_FP_TO_INT, FP_ROUND_NEAREST_AWAY, true)
MODE(to_unsigned_n, ARM_FP_TO_INT, FP_ROUND_NEAREST_EVEN, false)
MODE(to_unsigned_p, ARM_FP_TO_INT, FP_ROUND_PLUS_INF, false)
MODE(to_unsigned_m, ARM_FP_TO_INT, FP_ROUND_MINUS_INF, false)
MODE(to_unsigned_z, ARM_FP_TO_INT, FP_ROUND_ZERO, false)
MODE(to_unsigned_a, ARM_FP_TO_INT, FP_ROUND_NEAREST_AWAY, false)
MODE(from_signed, ARM_FP_FROM_INT, ARM_FP_MODE_CURRENT, true)
MODE(from_unsigned, ARM_FP_FROM_INT, ARM_FP_MODE_CURRENT, false)

VECTOR2(FRINTN, round_n, 0)
VECTOR2(FRINTP, round_p, 0)
VECTOR2(FRINTM, round_m, 0)
VECTOR2(FRINTZ, round_z, 0)
VECTOR2(FRINTA, round_a, 0)
VECTOR2(FRINTX, round_x, 0)
VECTOR2(FRINTI, round_i, 0)
VECTOR2(FRINT32Z, round_32z, 0)
VECTOR2(FRINT32X, round_32x, 0)
VECTOR2(FRINT64Z, round_64z, 0)
VECTOR2(FRINT64X, round_64x, 0)
BOTH2(FCVTNS, to_signed_n, 0)
BOTH2(FCVTPS, to_signed_p, 0)
BOTH2(FCVTMS, to_signed_m, 0)
BOTH2(FCVTZS, to_signed_z, 0)
BOTH2(FCVTAS, to_signed_a, 0)
BOTH2(FCVTNU, to_unsigned_n, 0)
BOTH2(FCVTPU, to_unsigned_p, 0)
BOTH2(FCVTMU, to_unsigned_m, 0)
BOTH2(FCVTZU, to_unsigned_z, 0)
BOTH2(FCVTAU, to_unsigned_a, 0)
BOTH2(SCVTF, from_signed, 0)
BOTH2(UCVTF, from_unsigned, 0)

/* Fixed point; `shift` is the number of fraction bits. */
static bool fixed(DisasContext *s, SimdForm form, const struct a64_sshift *a, ArmFpOp op,
                  bool is_signed)
{
    if (fp_access_check(s)) {
        Fp t = { form, a->esz, a->rd, vreg_get(s, a->rn), IR_NONE };
        unsigned mode = op == ARM_FP_TO_INT ? FP_ROUND_ZERO : ARM_FP_MODE_CURRENT;
        with_mode(s, &t, op, mode, is_signed, a->shift);
    }
    return true;
}

#define FIXED(name, op, is_signed)                                                        \
    bool a64_trans_##name##_fix_v(DisasContext *s, const struct a64_vshift *a)            \
    {                                                                                     \
        struct a64_sshift t = { .esz = a->esz, .shift = a->shift, .rn = a->rn, .rd = a->rd }; \
        return fixed(s, simd_form(a->q), &t, op, is_signed);                              \
    }                                                                                     \
    bool a64_trans_##name##_fix_s(DisasContext *s, const struct a64_sshift *a)            \
    {                                                                                     \
        return fixed(s, SIMD_SCALAR, a, op, is_signed);                                   \
    }

FIXED(SCVTF, ARM_FP_FROM_INT, true)
FIXED(UCVTF, ARM_FP_FROM_INT, false)
FIXED(FCVTZS, ARM_FP_TO_INT, true)
FIXED(FCVTZU, ARM_FP_TO_INT, false)

/* ---- Between formats; esz is the narrow one */

static bool narrow(DisasContext *s, const Vector2 *a, ArmFpOp op)
{
    ArmFpDesc d = { .op = op, .esz = a->esz + 1, .to = a->esz, .lanes = 8u >> a->esz };
    if (fp_access_check(s)) {
        IrRef v = fp_vector(s, d, vreg_get(s, a->rn), IR_NONE, IR_NONE);
        simd_write_narrow(s, a->q, a->rd, v);
    }
    return true;
}

bool a64_trans_FCVTN_v(DisasContext *s, const Vector2 *a)
{
    return narrow(s, a, ARM_FP_CONVERT);
}

bool a64_trans_BFCVTN_v(DisasContext *s, const Vector2 *a)
{
    return narrow(s, a, ARM_FP_CONVERT_BF16);
}

bool a64_trans_FCVTXN_v(DisasContext *s, const Vector2 *a)
{
    return narrow(s, a, ARM_FP_CONVERT_ODD);
}

bool a64_trans_FCVTXN_s(DisasContext *s, const Scalar2 *a)
{
    ArmFpDesc d = { .op = ARM_FP_CONVERT_ODD, .esz = 3, .to = 2, .lanes = 1 };
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, fp_vector(s, d, vreg_get(s, a->rn), IR_NONE, IR_NONE));
    }
    return true;
}

bool a64_trans_FCVTL_v(DisasContext *s, const Vector2 *a)
{
    ArmFpDesc d = { .op = ARM_FP_CONVERT, .esz = a->esz, .to = a->esz + 1,
                    .lanes = 8u >> a->esz };
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, fp_vector(s, d, simd_get_half(s, a->q, a->rn), IR_NONE, IR_NONE));
    }
    return true;
}
