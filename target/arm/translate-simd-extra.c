// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD: what came after Armv8.0: rounding doubling multiply accumulate (FEAT_RDM),
// multiplication of half precision at single width (FEAT_FHM), complex numbers (FEAT_FCMA); vector,
// scalar, by element (Arm ARM C4.1, "Advanced SIMD three same extra", "vector x indexed element",
// and their scalar forms).
#include "target/arm/translate-simd.h"

/* ---- SQRDMLAH, SQRDMLSH: Vd * 2^(bits-1) +- Vn * Vm at double width, rounded, halved, saturated
 * once. Nothing overflows on the way: both terms fit half of the range. */

static IrRef accumulate_half(DisasContext *s, unsigned esz, IrOp op, IrRef d, IrRef n, IrRef m,
                             IrRef *exact)
{
    unsigned wide = esz + 1, shift = (8u << esz) - 1;
    IrRef sum = simd_op2(s, op, wide,
                         simd_shift(s, IR_OP_VSHLI, wide, simd_widen(s, true, esz, d), shift),
                         simd_op2(s, IR_OP_VSMULL, esz, n, m));
    *exact = simd_shift(s, IR_OP_VRSARI, wide, sum, shift);
    return simd_op1(s, IR_OP_VSQXTN, wide, *exact);
}

static bool accumulate(DisasContext *s, SimdForm form, unsigned esz, unsigned rd, IrOp op,
                       IrRef n, IrRef m)
{
    IrBuilder *b = &s->b;
    IrRef d = vreg_get(s, rd), exact;
    IrRef v = accumulate_half(s, esz, op, d, n, m, &exact);
    SimdForm low = form == SIMD_SCALAR ? SIMD_SCALAR : SIMD_FULL;
    simd_qc_if_differ(s, simd_clip(s, low, esz + 1, exact),
                      simd_clip(s, low, esz + 1, simd_widen(s, true, esz, v)));
    if (form == SIMD_FULL) {
        IrRef high = accumulate_half(s, esz, op, ir_vhigh(b, IR_V128, d),
                                     ir_vhigh(b, IR_V128, n), ir_vhigh(b, IR_V128, m), &exact);
        simd_qc_if_differ(s, exact, simd_widen(s, true, esz, high));
        v = ir_vcat(b, IR_V128, v, high);
    }
    simd_write(s, form, rd, esz, v);
    return true;
}

#define ACCUMULATE(name, op)                                                              \
    bool a64_trans_##name##_v(DisasContext *s, const struct a64_vrrr *a)                  \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               accumulate(s, simd_form(a->q), a->esz, a->rd, op, vreg_get(s, a->rn),      \
                          vreg_get(s, a->rm));                                            \
    }                                                                                     \
    bool a64_trans_##name##_s(DisasContext *s, const struct a64_rrr_e *a)                 \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               accumulate(s, SIMD_SCALAR, a->esz, a->rd, op, vreg_get(s, a->rn),          \
                          vreg_get(s, a->rm));                                            \
    }                                                                                     \
    bool a64_trans_##name##_vi(DisasContext *s, const struct a64_vrrr_elem *a)            \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               accumulate(s, simd_form(a->q), a->esz, a->rd, op, vreg_get(s, a->rn),      \
                          simd_element(s, a->esz, a->rm, a->idx));                             \
    }                                                                                     \
    bool a64_trans_##name##_si(DisasContext *s, const struct a64_srrr_elem *a)            \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               accumulate(s, SIMD_SCALAR, a->esz, a->rd, op, vreg_get(s, a->rn),          \
                          simd_element(s, a->esz, a->rm, a->idx));                             \
    }

ACCUMULATE(SQRDMLAH, IR_OP_VADD)
ACCUMULATE(SQRDMLSH, IR_OP_VSUB)

/* ---- FMLAL, FMLSL: Vd +- Vn * Vm, half precision times half precision added to single */

/* The four lanes of 2 bytes in the low half of `v` as single precision. Exact, and no NaN becomes
 * quiet: that is for the operation to do. FZ16 makes denormals zeros, without a flag. */
static IrRef half_to_single(DisasContext *s, IrRef v)
{
    IrBuilder *b = &s->b;
    HalfParts p = simd_half_parts(s, v);
    if (s->flags & UNIT_FPCR_FZ16) {
        IrRef normal = simd_op2(s, IR_OP_VCMPGT, 2, p.bits, simd_const(s, 2, BIT(23) - 1));
        p.number = ir_vand(b, IR_V128, p.number, normal);
    }
    IrRef is_special = simd_op2(s, IR_OP_VCMPGT, 2, p.bits, simd_const(s, 2, HALF_SPECIAL - 1));
    IrRef infinite = ir_vor(b, IR_V128, p.bits, simd_const(s, 2, UINT64_C(0xff) << 23));
    return ir_vor(b, IR_V128, p.sign, ir_vbsl(b, IR_V128, is_special, infinite, p.number));
}

/* The lanes of Vn or Vm that take part, in the low half: of the lower or the upper half of what Q
 * makes of the register. */
static IrRef long_lanes(DisasContext *s, bool q, bool upper, IrRef v)
{
    return !upper ? v : q ? ir_vhigh(&s->b, IR_V128, v) : simd_shift(s, IR_OP_VSHRI, 3, v, 32);
}

static bool multiply_long(DisasContext *s, bool q, bool subtract, unsigned rd, IrRef n, IrRef m)
{
    ArmFpDesc d = { .op = ARM_FP_MULADD, .esz = 2, .lanes = q ? 4 : 2 };
    n = subtract ? fp_vector_neg(s, 1, n) : n;
    vreg_set(s, rd, fp_vector(s, d, half_to_single(s, n), half_to_single(s, m), vreg_get(s, rd)));
    return true;
}

#define MULTIPLY_LONG(name, upper, subtract)                                              \
    bool a64_trans_##name##_v(DisasContext *s, const struct a64_vrrr *a)                  \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               multiply_long(s, a->q, subtract, a->rd,                                    \
                             long_lanes(s, a->q, upper, vreg_get(s, a->rn)),              \
                             long_lanes(s, a->q, upper, vreg_get(s, a->rm)));             \
    }                                                                                     \
    bool a64_trans_##name##_vi(DisasContext *s, const struct a64_vrrr_elem *a)            \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               multiply_long(s, a->q, subtract, a->rd,                                    \
                             long_lanes(s, a->q, upper, vreg_get(s, a->rn)),              \
                             simd_element(s, 1, a->rm, a->idx));                               \
    }

MULTIPLY_LONG(FMLAL, false, false)
MULTIPLY_LONG(FMLSL, false, true)
MULTIPLY_LONG(FMLAL2, true, false)
MULTIPLY_LONG(FMLSL2, true, true)

/* ---- FCADD, FCMLA: pairs of lanes are complex numbers, the real part first */

/* `v` with the sign of even lanes (bit 0 of `which`) and odd ones (bit 1) flipped. */
static IrRef flip_signs(DisasContext *s, unsigned esz, IrRef v, unsigned which)
{
    uint64_t sign = BIT((8u << esz) - 1);
    if (!which) {
        return v;
    }
    uint64_t even = which & 1 ? sign : 0, odd = which & 2 ? sign : 0;
    IrRef mask = esz == 3 ? ir_imm128(&s->b, even, odd)
                          : simd_const(s, esz + 1, even | odd << (8u << esz));
    return ir_vxor(&s->b, IR_V128, v, mask);
}

/* Real and imaginary parts exchanged. */
static IrRef swap_parts(DisasContext *s, unsigned esz, IrRef v)
{
    return esz == 3 ? ir_vext(&s->b, IR_V128, v, v, 8) : ir_vrev(&s->b, IR_V128, v, esz, 2u << esz);
}

/* The half-precision forms belong to two features. */
static bool complex_allocated(const DisasContext *s, unsigned esz)
{
    return esz != 1 || a64_has_feature(s, A64_FEAT_FP16);
}

/* Vd + Vn * i^rot * Vm, but only with the real part of Vn when rot is even, the imaginary one when
 * it is odd. */
static bool complex_multiply_add(DisasContext *s, bool q, unsigned esz, unsigned rot, unsigned rd,
                                 unsigned rn, IrRef m)
{
    static const uint8_t negative[] = { 0, 1, 3, 2 };
    ArmFpDesc d = { .op = ARM_FP_MULADD, .esz = esz, .lanes = simd_lanes(simd_form(q), esz) };
    IrRef n = vreg_get(s, rn);
    n = simd_op2(s, rot & 1 ? IR_OP_VTRN2 : IR_OP_VTRN1, esz, n, n);
    m = flip_signs(s, esz, rot & 1 ? swap_parts(s, esz, m) : m, negative[rot]);
    vreg_set(s, rd, fp_vector(s, d, n, m, vreg_get(s, rd)));
    return true;
}

bool a64_trans_FCMLA_v(DisasContext *s, const struct a64_fcmla *a)
{
    return complex_allocated(s, a->esz) &&
           (!fp_access_check(s) || complex_multiply_add(s, a->q, a->esz, a->rot, a->rd, a->rn,
                                                        vreg_get(s, a->rm)));
}

bool a64_trans_FCMLA_vi(DisasContext *s, const struct a64_fcmla_elem *a)
{
    return complex_allocated(s, a->esz) &&
           (!fp_access_check(s) || complex_multiply_add(s, a->q, a->esz, a->rot, a->rd, a->rn,
                                                        simd_element(s, a->esz + 1, a->rm, a->idx)));
}

/* Vn + i^rot * Vm, rot being 1 or 3. */
bool a64_trans_FCADD_v(DisasContext *s, const struct a64_fcmla *a)
{
    if (!complex_allocated(s, a->esz)) {
        return false;
    }
    if (fp_access_check(s)) {
        ArmFpDesc d = { .op = ARM_FP_ADD, .esz = a->esz,
                        .lanes = simd_lanes(simd_form(a->q), a->esz) };
        IrRef m = swap_parts(s, a->esz, vreg_get(s, a->rm));
        m = flip_signs(s, a->esz, m, a->rot == 1 ? 1 : 2);
        vreg_set(s, a->rd, fp_vector(s, d, vreg_get(s, a->rn), m, IR_NONE));
    }
    return true;
}
