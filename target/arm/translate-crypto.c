// SPDX-License-Identifier: MIT
//
// A64 cryptographic extension: AES, polynomial multiplication, SHA-1, SHA-256 (Arm ARM C4.1,
// "Cryptographic AES", "Cryptographic three-register SHA", "Cryptographic two-register SHA").
#include "target/arm/translate-simd.h"

/* ---- AES: AESE and AESD add the round key before the substitution */

static bool aes_round(DisasContext *s, const struct a64_crypto_rr *a, IrOp op)
{
    if (fp_access_check(s)) {
        IrRef v = ir_vxor(&s->b, IR_V128, vreg_get(s, a->rd), vreg_get(s, a->rn));
        vreg_set(s, a->rd, simd_op1(s, op, 0, v));
    }
    return true;
}

bool a64_trans_AESE(DisasContext *s, const struct a64_crypto_rr *a)
{
    return aes_round(s, a, IR_OP_VAESENC);
}

bool a64_trans_AESD(DisasContext *s, const struct a64_crypto_rr *a)
{
    return aes_round(s, a, IR_OP_VAESDEC);
}

/* ---- Instructions that are one opcode */

static bool one_source(DisasContext *s, const struct a64_crypto_rr *a, IrOp op)
{
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, simd_op1(s, op, 0, vreg_get(s, a->rn)));
    }
    return true;
}

bool a64_trans_AESMC(DisasContext *s, const struct a64_crypto_rr *a)
{
    return one_source(s, a, IR_OP_VAESMC);
}

bool a64_trans_AESIMC(DisasContext *s, const struct a64_crypto_rr *a)
{
    return one_source(s, a, IR_OP_VAESIMC);
}

bool a64_trans_SHA1H(DisasContext *s, const struct a64_crypto_rr *a)
{
    return one_source(s, a, IR_OP_VSHA1H);
}

/* Vd, Vn */
static bool two_sources(DisasContext *s, const struct a64_crypto_rr *a, IrOp op)
{
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, simd_op2(s, op, 0, vreg_get(s, a->rd), vreg_get(s, a->rn)));
    }
    return true;
}

bool a64_trans_SHA1SU1(DisasContext *s, const struct a64_crypto_rr *a)
{
    return two_sources(s, a, IR_OP_VSHA1SU1);
}

bool a64_trans_SHA256SU0(DisasContext *s, const struct a64_crypto_rr *a)
{
    return two_sources(s, a, IR_OP_VSHA256SU0);
}

/* Vd, Vn, Vm */
static bool three_sources(DisasContext *s, const struct a64_crypto_rrr *a, IrOp op,
                          unsigned kind)
{
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, simd_op(s, op, 0, kind, vreg_get(s, a->rd), vreg_get(s, a->rn),
                                   vreg_get(s, a->rm)));
    }
    return true;
}

#define THREE(name, op, kind)                                                             \
    bool a64_trans_##name(DisasContext *s, const struct a64_crypto_rrr *a)                \
    {                                                                                     \
        return three_sources(s, a, op, kind);                                             \
    }

THREE(SHA1C, IR_OP_VSHA1, 0)
THREE(SHA1P, IR_OP_VSHA1, 1)
THREE(SHA1M, IR_OP_VSHA1, 2)
THREE(SHA1SU0, IR_OP_VSHA1SU0, 0)
THREE(SHA256H, IR_OP_VSHA256H, 0)
THREE(SHA256H2, IR_OP_VSHA256H, 1)
THREE(SHA256SU1, IR_OP_VSHA256SU1, 0)

/* ---- Polynomial multiplication of 64 bits */

bool a64_trans_PMULL_p64(DisasContext *s, const struct a64_pmull_p64 *a)
{
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, ir_vpmull64(&s->b, IR_V128, simd_get_half(s, a->q, a->rn),
                                       simd_get_half(s, a->q, a->rm)));
    }
    return true;
}
