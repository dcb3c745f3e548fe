// SPDX-License-Identifier: MIT
//
// A64 Advanced SIMD: permutation, extraction, table look-up, copies and modified immediates (Arm
// ARM C4.1, "Advanced SIMD permute", "extract", "table lookup", "copy", "scalar copy", "modified
// immediate").
#include "target/arm/translate-simd.h"

/* ---- Permutation */

/* Interleaving is that of the full vectors, of which the low half has what the 64-bit form's
 * operands give: ZIP2's in its upper half. */
static bool interleave(DisasContext *s, const struct a64_vrrr *a, IrOp op)
{
    if (!fp_access_check(s)) {
        return true;
    }
    bool high = op == IR_OP_VZIP2 && !a->q;
    IrRef v = simd_op2(s, high ? IR_OP_VZIP1 : op, a->esz, vreg_get(s, a->rn),
                       vreg_get(s, a->rm));
    vreg_set(s, a->rd, a->q ? v : high ? ir_vhigh(&s->b, IR_V128, v)
                                       : ir_vlow(&s->b, IR_V128, v));
    return true;
}

/* The 64-bit form is that of one vector of both operands. */
static bool deinterleave(DisasContext *s, const struct a64_vrrr *a, IrOp op)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef n = vreg_get(s, a->rn), m = vreg_get(s, a->rm);
    if (!a->q) {
        n = m = ir_vcat(&s->b, IR_V128, n, m);
    }
    vreg_set_q(s, a->q, a->rd, simd_op2(s, op, a->esz, n, m));
    return true;
}

#define PERMUTE(name, emit, op)                                                           \
    bool a64_trans_##name(DisasContext *s, const struct a64_vrrr *a)                      \
    {                                                                                     \
        return emit(s, a, op);                                                            \
    }

PERMUTE(ZIP1_v, interleave, IR_OP_VZIP1)
PERMUTE(ZIP2_v, interleave, IR_OP_VZIP2)
PERMUTE(TRN1_v, interleave, IR_OP_VTRN1)
PERMUTE(TRN2_v, interleave, IR_OP_VTRN2)
PERMUTE(UZP1_v, deinterleave, IR_OP_VUZP1)
PERMUTE(UZP2_v, deinterleave, IR_OP_VUZP2)

bool a64_trans_EXT_v(DisasContext *s, const struct a64_vext *a)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef n = vreg_get(s, a->rn), m = vreg_get(s, a->rm);
    if (!a->q) {
        n = m = ir_vcat(&s->b, IR_V128, n, m);
    }
    vreg_set_q(s, a->q, a->rd, ir_vext(&s->b, IR_V128, n, m, a->imm));
    return true;
}

/* Each table register serves the indices that fall into it. */
bool a64_trans_TBL_v(DisasContext *s, const struct a64_vtbl *a)
{
    if (!fp_access_check(s)) {
        return true;
    }
    unsigned last = a->len;
    IrRef index = vreg_get(s, a->rm);
    IrRef v = ir_vtbl(&s->b, IR_V128, vreg_get(s, a->rn), index);
    for (unsigned i = 1; i <= last; i++) {
        v = ir_vtbx(&s->b, IR_V128, v, vreg_get(s, (a->rn + i) % 32), index, 16 * i);
    }
    vreg_set_q(s, a->q, a->rd, v);
    return true;
}

bool a64_trans_TBX_v(DisasContext *s, const struct a64_vtbl *a)
{
    if (!fp_access_check(s)) {
        return true;
    }
    unsigned last = a->len;
    IrRef index = vreg_get(s, a->rm), v = vreg_get(s, a->rd);
    for (unsigned i = 0; i <= last; i++) {
        v = ir_vtbx(&s->b, IR_V128, v, vreg_get(s, (a->rn + i) % 32), index, 16 * i);
    }
    vreg_set_q(s, a->q, a->rd, v);
    return true;
}

/* ---- Copies */

bool a64_trans_DUP_elem_v(DisasContext *s, const struct a64_vdup_elem *a)
{
    if (fp_access_check(s)) {
        vreg_set_q(s, a->q, a->rd, ir_vdupl(&s->b, IR_V128, vreg_get(s, a->rn), a->esz, a->idx));
    }
    return true;
}

bool a64_trans_DUP_elem_s(DisasContext *s, const struct a64_vdup_elem *a)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef v = vreg_get(s, a->rn);
    if (a->idx) {
        v = ir_vdupl(&s->b, IR_V128, v, a->esz, a->idx);
    }
    simd_write(s, SIMD_SCALAR, a->rd, a->esz, v);
    return true;
}

bool a64_trans_DUP_gen_v(DisasContext *s, const struct a64_vdup_gen *a)
{
    if (fp_access_check(s)) {
        IrRef v = reg_get(s, a->esz == 3, a->rn);
        vreg_set_q(s, a->q, a->rd, ir_vdup(&s->b, IR_V128, v, a->esz));
    }
    return true;
}

bool a64_trans_INS_gen_v(DisasContext *s, const struct a64_vins_gen *a)
{
    if (fp_access_check(s)) {
        IrRef v = reg_get(s, a->esz == 3, a->rn);
        vreg_set(s, a->rd, ir_vset(&s->b, IR_V128, vreg_get(s, a->rd), v, a->esz, a->idx));
    }
    return true;
}

bool a64_trans_INS_elem_v(DisasContext *s, const struct a64_vins_elem *a)
{
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, ir_vins(&s->b, IR_V128, vreg_get(s, a->rd), vreg_get(s, a->rn),
                                   a->esz, IR_LANES(a->idx, a->from)));
    }
    return true;
}

static bool move_to_general(DisasContext *s, const struct a64_vmov_elem *a, unsigned sign)
{
    if (fp_access_check(s)) {
        IrRef v = ir_vget(&s->b, sf_type(a->sf), vreg_get(s, a->rn), a->esz, a->idx | sign);
        reg_set(s, a->sf, a->rd, v);
    }
    return true;
}

bool a64_trans_SMOV_v(DisasContext *s, const struct a64_vmov_elem *a)
{
    return move_to_general(s, a, IR_LANE_SIGNED);
}

bool a64_trans_UMOV_v(DisasContext *s, const struct a64_vmov_elem *a)
{
    return move_to_general(s, a, 0);
}

/* ---- Modified immediates */

/* Each bit of imm becomes a byte. */
static uint64_t bytes_of_bits(unsigned imm)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) {
        v |= imm >> i & 1 ? UINT64_C(0xff) << 8 * i : 0;
    }
    return v;
}

/* The 8 bits as a floating-point number: sign, exponent of three bits (the first inverted and
 * repeated), fraction of four. */
static uint64_t fp16_of_imm(unsigned imm)
{
    uint64_t exponent = imm & 0x40 ? 0x3 : 0x4;
    return (uint64_t)(imm >> 7) << 15 | exponent << 12 | (uint64_t)(imm & 0x3f) << 6;
}

static uint64_t fp32_of_imm(unsigned imm)
{
    uint64_t exponent = imm & 0x40 ? 0x1f : 0x20;
    return (uint64_t)(imm >> 7) << 31 | exponent << 25 | (uint64_t)(imm & 0x3f) << 19;
}

static uint64_t fp64_of_imm(unsigned imm)
{
    uint64_t exponent = imm & 0x40 ? 0xff : 0x100;
    return (uint64_t)(imm >> 7) << 63 | exponent << 54 | (uint64_t)(imm & 0x3f) << 48;
}

/* AdvSIMDExpandImm, without the inversion of MVNI and BIC. */
static IrRef expand(DisasContext *s, const struct a64_vmodimm *a)
{
    uint64_t imm = a->imm;
    switch (a->cmode >> 1) {
    case 4: return simd_const(s, 1, imm);
    case 5: return simd_const(s, 1, imm << 8);
    case 6: return simd_const(s, 2, a->cmode & 1 ? imm << 16 | 0xffff : imm << 8 | 0xff);
    case 7:
        if (a->cmode & 1) {
            return a->op ? simd_const(s, 3, fp64_of_imm(a->imm))
                         : simd_const(s, 2, fp32_of_imm(a->imm));
        }
        return a->op ? simd_const(s, 3, bytes_of_bits(a->imm)) : simd_const(s, 0, imm);
    default: return simd_const(s, 2, imm << 8 * (a->cmode >> 1));
    }
}

bool a64_trans_MOVI_v(DisasContext *s, const struct a64_vmodimm *a)
{
    if (fp_access_check(s)) {
        IrRef v = expand(s, a);
        vreg_set(s, a->rd, a->q ? v : ir_imm128(&s->b, ir_const_get(s->b.unit, v)->lo, 0));
    }
    return true;
}

bool a64_trans_FMOV_imm_v(DisasContext *s, const struct a64_vmodimm *a)
{
    return a64_trans_MOVI_v(s, a);
}

bool a64_trans_FMOV_imm_h_v(DisasContext *s, const struct a64_vmodimm_h *a)
{
    if (fp_access_check(s)) {
        vreg_set_q(s, a->q, a->rd, simd_const(s, 1, fp16_of_imm(a->imm)));
    }
    return true;
}

bool a64_trans_MVNI_v(DisasContext *s, const struct a64_vmodimm *a)
{
    if (fp_access_check(s)) {
        uint64_t v = ~ir_const_get(s->b.unit, expand(s, a))->lo;
        vreg_set(s, a->rd, ir_imm128(&s->b, v, a->q ? v : 0));
    }
    return true;
}

bool a64_trans_ORR_imm_v(DisasContext *s, const struct a64_vmodimm *a)
{
    if (fp_access_check(s)) {
        vreg_set_q(s, a->q, a->rd, ir_vor(&s->b, IR_V128, vreg_get(s, a->rd), expand(s, a)));
    }
    return true;
}

bool a64_trans_BIC_imm_v(DisasContext *s, const struct a64_vmodimm *a)
{
    if (fp_access_check(s)) {
        vreg_set_q(s, a->q, a->rd, ir_vandn(&s->b, IR_V128, vreg_get(s, a->rd), expand(s, a)));
    }
    return true;
}
