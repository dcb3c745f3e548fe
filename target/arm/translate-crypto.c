// SPDX-License-Identifier: MIT
//
// A64 cryptographic extension: AES, polynomial multiplication, SHA-1, SHA-2, SHA-3, SM3, SM4 (Arm
// ARM C4.1, "Cryptographic AES", "Cryptographic three-register SHA", "Cryptographic two-register
// SHA", "Cryptographic three-register SHA 512" and their neighbours).
//
// Steps whose lanes depend on one another (SHA-512, SM3) are computed in general registers.
#include "target/arm/simd-helpers.h"
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

/* ---- Words and their sums */

static IrRef rotate_right(DisasContext *s, IrType t, IrRef v, unsigned n)
{
    return ir_ror(&s->b, t, v, ir_const(s->b.unit, t, n, 0));
}

static IrRef xor3(DisasContext *s, IrType t, IrRef x, IrRef y, IrRef z)
{
    return ir_xor(&s->b, t, ir_xor(&s->b, t, x, y), z);
}

static IrRef add4(DisasContext *s, IrType t, IrRef w, IrRef x, IrRef y, IrRef z)
{
    return ir_add(&s->b, t, ir_add(&s->b, t, w, x), ir_add(&s->b, t, y, z));
}

/* mask ? x : y by bit */
static IrRef choose(DisasContext *s, IrType t, IrRef mask, IrRef x, IrRef y)
{
    IrBuilder *b = &s->b;
    return ir_xor(b, t, ir_and(b, t, ir_xor(b, t, x, y), mask), y);
}

static IrRef majority(DisasContext *s, IrType t, IrRef x, IrRef y, IrRef z)
{
    IrBuilder *b = &s->b;
    return ir_or(b, t, ir_and(b, t, x, y), ir_and(b, t, ir_or(b, t, x, y), z));
}

static IrRef vector_rotate_right(DisasContext *s, unsigned esz, IrRef v, unsigned n)
{
    unsigned bits = 8u << esz;
    n &= bits - 1;
    if (!n) {
        return v;
    }
    return ir_vor(&s->b, IR_V128, simd_shift(s, IR_OP_VSHRI, esz, v, n),
                  simd_shift(s, IR_OP_VSHLI, esz, v, bits - n));
}

static IrRef vector_xor3(DisasContext *s, IrRef x, IrRef y, IrRef z)
{
    return ir_vxor(&s->b, IR_V128, ir_vxor(&s->b, IR_V128, x, y), z);
}

static IrRef word(DisasContext *s, unsigned n, unsigned lane)
{
    return ir_vget(&s->b, IR_I32, vreg_get(s, n), 2, lane);
}

static IrRef doubleword(DisasContext *s, unsigned n, unsigned lane)
{
    return ir_vget(&s->b, IR_I64, vreg_get(s, n), 3, lane);
}

static void set_doublewords(DisasContext *s, unsigned rd, IrRef low, IrRef high)
{
    vreg_set(s, rd, ir_vset(&s->b, IR_V128, ir_vzext(&s->b, IR_V128, low), high, 3, 1));
}

/* ---- SHA-512: half a round on the pairs gh and ef (SHA512H), ab and cd (SHA512H2) */

static IrRef sha512_sum(DisasContext *s, IrRef v, unsigned i, unsigned j, unsigned k)
{
    return xor3(s, IR_I64, rotate_right(s, IR_I64, v, i), rotate_right(s, IR_I64, v, j),
                rotate_right(s, IR_I64, v, k));
}

bool a64_trans_SHA512H(DisasContext *s, const struct a64_crypto_rrr *a)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrBuilder *b = &s->b;
    IrRef x0 = doubleword(s, a->rn, 0), x1 = doubleword(s, a->rn, 1);
    IrRef y0 = doubleword(s, a->rm, 0), y1 = doubleword(s, a->rm, 1);
    IrRef w0 = doubleword(s, a->rd, 0), w1 = doubleword(s, a->rd, 1);
    IrRef high = ir_add(b, IR_I64, choose(s, IR_I64, y1, x0, x1),
                        ir_add(b, IR_I64, sha512_sum(s, y1, 14, 18, 41), w1));
    IrRef t = ir_add(b, IR_I64, high, y0);
    IrRef low = ir_add(b, IR_I64, choose(s, IR_I64, t, y1, x0),
                       ir_add(b, IR_I64, sha512_sum(s, t, 14, 18, 41), w0));
    set_doublewords(s, a->rd, low, high);
    return true;
}

bool a64_trans_SHA512H2(DisasContext *s, const struct a64_crypto_rrr *a)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrBuilder *b = &s->b;
    IrRef x0 = doubleword(s, a->rn, 0);
    IrRef y0 = doubleword(s, a->rm, 0), y1 = doubleword(s, a->rm, 1);
    IrRef w0 = doubleword(s, a->rd, 0), w1 = doubleword(s, a->rd, 1);
    IrRef high = ir_add(b, IR_I64, majority(s, IR_I64, x0, y1, y0),
                        ir_add(b, IR_I64, sha512_sum(s, y0, 28, 34, 39), w1));
    IrRef low = ir_add(b, IR_I64, majority(s, IR_I64, high, y0, y1),
                       ir_add(b, IR_I64, sha512_sum(s, high, 28, 34, 39), w0));
    set_doublewords(s, a->rd, low, high);
    return true;
}

/* The message's small sums: two rotations and a shift of each doubleword. */
static IrRef sha512_schedule(DisasContext *s, IrRef v, unsigned i, unsigned j, unsigned shift)
{
    return vector_xor3(s, vector_rotate_right(s, 3, v, i), vector_rotate_right(s, 3, v, j),
                       simd_shift(s, IR_OP_VSHRI, 3, v, shift));
}

bool a64_trans_SHA512SU0(DisasContext *s, const struct a64_crypto_rr *a)
{
    if (fp_access_check(s)) {
        IrRef w = vreg_get(s, a->rd);
        IrRef next = ir_vext(&s->b, IR_V128, w, vreg_get(s, a->rn), 8);
        vreg_set(s, a->rd, simd_op2(s, IR_OP_VADD, 3, w, sha512_schedule(s, next, 1, 8, 7)));
    }
    return true;
}

bool a64_trans_SHA512SU1(DisasContext *s, const struct a64_crypto_rrr *a)
{
    if (fp_access_check(s)) {
        IrRef w = simd_op2(s, IR_OP_VADD, 3, vreg_get(s, a->rd), vreg_get(s, a->rm));
        IrRef sum = sha512_schedule(s, vreg_get(s, a->rn), 19, 61, 6);
        vreg_set(s, a->rd, simd_op2(s, IR_OP_VADD, 3, w, sum));
    }
    return true;
}

/* ---- SHA-3 */

bool a64_trans_EOR3(DisasContext *s, const struct a64_crypto_rrrr *a)
{
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, vector_xor3(s, vreg_get(s, a->rn), vreg_get(s, a->rm),
                                       vreg_get(s, a->ra)));
    }
    return true;
}

bool a64_trans_BCAX(DisasContext *s, const struct a64_crypto_rrrr *a)
{
    if (fp_access_check(s)) {
        IrRef cleared = ir_vandn(&s->b, IR_V128, vreg_get(s, a->rm), vreg_get(s, a->ra));
        vreg_set(s, a->rd, ir_vxor(&s->b, IR_V128, vreg_get(s, a->rn), cleared));
    }
    return true;
}

bool a64_trans_RAX1(DisasContext *s, const struct a64_crypto_rrr *a)
{
    if (fp_access_check(s)) {
        IrRef rotated = vector_rotate_right(s, 3, vreg_get(s, a->rm), 63);
        vreg_set(s, a->rd, ir_vxor(&s->b, IR_V128, vreg_get(s, a->rn), rotated));
    }
    return true;
}

bool a64_trans_XAR(DisasContext *s, const struct a64_xar *a)
{
    if (fp_access_check(s)) {
        IrRef v = ir_vxor(&s->b, IR_V128, vreg_get(s, a->rn), vreg_get(s, a->rm));
        vreg_set(s, a->rd, vector_rotate_right(s, 3, v, a->imm));
    }
    return true;
}

/* ---- SM3; rotations to the left by n are to the right by 32 - n */

bool a64_trans_SM3SS1(DisasContext *s, const struct a64_crypto_rrrr *a)
{
    if (fp_access_check(s)) {
        IrBuilder *b = &s->b;
        IrRef sum = ir_add(b, IR_I32, rotate_right(s, IR_I32, word(s, a->rn, 3), 20),
                           ir_add(b, IR_I32, word(s, a->rm, 3), word(s, a->ra, 3)));
        IrRef zero = simd_const(s, 0, 0);
        vreg_set(s, a->rd, ir_vset(b, IR_V128, zero, rotate_right(s, IR_I32, sum, 25), 2, 3));
    }
    return true;
}

/* Vd := its words 1, 2 (rotated left by n), 3, and a new one. */
static void sm3_shift_in(DisasContext *s, unsigned rd, unsigned n, IrRef top)
{
    IrBuilder *b = &s->b;
    IrRef d = vreg_get(s, rd);
    IrRef rotated = rotate_right(s, IR_I32, word(s, rd, 2), 32 - n);
    d = ir_vext(b, IR_V128, d, d, 4);
    d = ir_vset(b, IR_V128, d, rotated, 2, 1);
    vreg_set(s, rd, ir_vset(b, IR_V128, d, top, 2, 3));
}

typedef IrRef MixFn(DisasContext *s, IrType t, IrRef x, IrRef y, IrRef z);

static bool sm3_tt1(DisasContext *s, const struct a64_sm3tt *a, MixFn *mix)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef d1 = word(s, a->rd, 1), d2 = word(s, a->rd, 2), d3 = word(s, a->rd, 3);
    IrRef ss2 = ir_xor(&s->b, IR_I32, word(s, a->rn, 3), rotate_right(s, IR_I32, d3, 20));
    IrRef top = add4(s, IR_I32, mix(s, IR_I32, d3, d1, d2), word(s, a->rd, 0), ss2,
                     word(s, a->rm, a->idx));
    sm3_shift_in(s, a->rd, 9, top);
    return true;
}

static bool sm3_tt2(DisasContext *s, const struct a64_sm3tt *a, MixFn *mix)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrRef d1 = word(s, a->rd, 1), d2 = word(s, a->rd, 2), d3 = word(s, a->rd, 3);
    IrRef t = add4(s, IR_I32, mix(s, IR_I32, d3, d2, d1), word(s, a->rd, 0), word(s, a->rn, 3),
                   word(s, a->rm, a->idx));
    IrRef top = xor3(s, IR_I32, t, rotate_right(s, IR_I32, t, 23), rotate_right(s, IR_I32, t, 15));
    sm3_shift_in(s, a->rd, 19, top);
    return true;
}

bool a64_trans_SM3TT1A(DisasContext *s, const struct a64_sm3tt *a)
{
    return sm3_tt1(s, a, xor3);
}

bool a64_trans_SM3TT1B(DisasContext *s, const struct a64_sm3tt *a)
{
    return sm3_tt1(s, a, majority);
}

bool a64_trans_SM3TT2A(DisasContext *s, const struct a64_sm3tt *a)
{
    return sm3_tt2(s, a, xor3);
}

bool a64_trans_SM3TT2B(DisasContext *s, const struct a64_sm3tt *a)
{
    return sm3_tt2(s, a, choose);
}

/* x ^ x <<< 15 ^ x <<< 23 */
static IrRef sm3_permute(DisasContext *s, IrRef v)
{
    return vector_xor3(s, v, vector_rotate_right(s, 2, v, 17), vector_rotate_right(s, 2, v, 9));
}

/* Words 0..2 first; the last one wants the new first. */
bool a64_trans_SM3PARTW1(DisasContext *s, const struct a64_crypto_rrr *a)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrBuilder *b = &s->b;
    IrRef m = vreg_get(s, a->rm), zero = simd_const(s, 0, 0);
    IrRef dn = ir_vxor(b, IR_V128, vreg_get(s, a->rd), vreg_get(s, a->rn));
    IrRef shifted = ir_vext(b, IR_V128, m, zero, 4);
    IrRef v = sm3_permute(s, ir_vxor(b, IR_V128, dn, vector_rotate_right(s, 2, shifted, 17)));
    IrRef first = ir_vext(b, IR_V128, zero, vector_rotate_right(s, 2, v, 17), 4);
    vreg_set(s, a->rd, ir_vxor(b, IR_V128, v, sm3_permute(s, first)));
    return true;
}

bool a64_trans_SM3PARTW2(DisasContext *s, const struct a64_crypto_rrr *a)
{
    if (!fp_access_check(s)) {
        return true;
    }
    IrBuilder *b = &s->b;
    IrRef t = ir_vxor(b, IR_V128, vreg_get(s, a->rn),
                      vector_rotate_right(s, 2, vreg_get(s, a->rm), 25));
    IrRef first = ir_vext(b, IR_V128, simd_const(s, 0, 0), vector_rotate_right(s, 2, t, 17), 4);
    IrRef v = ir_vxor(b, IR_V128, vreg_get(s, a->rd), t);
    vreg_set(s, a->rd, ir_vxor(b, IR_V128, v, sm3_permute(s, first)));
    return true;
}

/* ---- SM4 */

bool a64_trans_SM4E(DisasContext *s, const struct a64_crypto_rr *a)
{
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, simd_helper(s, &arm_sm4, ARM_SM4_ROUNDS, vreg_get(s, a->rd),
                                       vreg_get(s, a->rn), IR_NONE));
    }
    return true;
}

bool a64_trans_SM4EKEY(DisasContext *s, const struct a64_crypto_rrr *a)
{
    if (fp_access_check(s)) {
        vreg_set(s, a->rd, simd_helper(s, &arm_sm4, ARM_SM4_KEYS, vreg_get(s, a->rn),
                                       vreg_get(s, a->rm), IR_NONE));
    }
    return true;
}
