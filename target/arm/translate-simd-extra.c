// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD: what came after Armv8.0: rounding doubling multiply accumulate (FEAT_RDM),
// dot products (FEAT_DotProd); vector, scalar, by element (Arm ARM C4.1, "Advanced SIMD three
// same extra", "vector x indexed element", and their scalar forms).
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

static IrRef element(DisasContext *s, unsigned esz, unsigned rm, unsigned idx)
{
    return ir_vdupl(&s->b, IR_V128, vreg_get(s, rm), esz, idx);
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
                          element(s, a->esz, a->rm, a->idx));                             \
    }                                                                                     \
    bool a64_trans_##name##_si(DisasContext *s, const struct a64_srrr_elem *a)            \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               accumulate(s, SIMD_SCALAR, a->esz, a->rd, op, vreg_get(s, a->rn),          \
                          element(s, a->esz, a->rm, a->idx));                             \
    }

ACCUMULATE(SQRDMLAH, IR_OP_VADD)
ACCUMULATE(SQRDMLSH, IR_OP_VSUB)

/* ---- SDOT, UDOT: each lane of 4 bytes gets the sum of the four products of its bytes */

/* Sums of adjacent products of the low 8 bytes: four lanes, two to a lane of the result. */
static IrRef product_pairs(DisasContext *s, bool is_signed, IrRef n, IrRef m)
{
    IrRef p = simd_op2(s, is_signed ? IR_OP_VSMULL : IR_OP_VUMULL, 0, n, m);
    return simd_op1(s, is_signed ? IR_OP_VSADDLP : IR_OP_VUADDLP, 1, p);
}

static bool dot(DisasContext *s, bool q, bool is_signed, unsigned rd, IrRef n, IrRef m)
{
    IrBuilder *b = &s->b;
    IrRef low = product_pairs(s, is_signed, n, m), high = low;
    if (q) {
        high = product_pairs(s, is_signed, ir_vhigh(b, IR_V128, n), ir_vhigh(b, IR_V128, m));
    }
    IrRef sums = simd_op2(s, IR_OP_VADDP, 2, low, high);
    vreg_set_q(s, q, rd, simd_op2(s, IR_OP_VADD, 2, vreg_get(s, rd), sums));
    return true;
}

#define DOT(name, is_signed)                                                              \
    bool a64_trans_##name##_v(DisasContext *s, const struct a64_vrrr *a)                  \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               dot(s, a->q, is_signed, a->rd, vreg_get(s, a->rn), vreg_get(s, a->rm));    \
    }                                                                                     \
    bool a64_trans_##name##_vi(DisasContext *s, const struct a64_vrrr_elem *a)            \
    {                                                                                     \
        return !fp_access_check(s) ||                                                     \
               dot(s, a->q, is_signed, a->rd, vreg_get(s, a->rn), element(s, 2, a->rm, a->idx)); \
    }

DOT(SDOT, true)
DOT(UDOT, false)
