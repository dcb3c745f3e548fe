// SPDX-License-Identifier: MIT
//
// Host instructions for integer vectors: bitwise, arithmetic, comparison, counting; and the table
// of all vector emitters. SSE4.1 is the floor; with AVX the same instructions have three operands.
//
// An opcode that is one host instruction, for the lane sizes where there is one, is a row of
// binary[] or unary[]; the functions below make the others of several. Without a row the
// reference function is called (docs/x86-64-vector.md lists what is where).
//
// Sequences write a result that shares no register with an operand, and use XMM14 and XMM15.
#include "tcg/x86_64/emit_vec.h"

typedef uint32_t PerSize[4]; /* by esize; 0: none */

static const PerSize binary[IR_OP_COUNT] = {
    [IR_OP_VADD] = { X_PADDB, X_PADDW, X_PADDD, X_PADDQ },
    [IR_OP_VSUB] = { X_PSUBB, X_PSUBW, X_PSUBD, X_PSUBQ },
    [IR_OP_VMUL] = { 0, X_PMULLW, X_PMULLD, 0 },
    [IR_OP_VSMIN] = { X_PMINSB, X_PMINSW, X_PMINSD, 0 },
    [IR_OP_VSMAX] = { X_PMAXSB, X_PMAXSW, X_PMAXSD, 0 },
    [IR_OP_VUMIN] = { X_PMINUB, X_PMINUW, X_PMINUD, 0 },
    [IR_OP_VUMAX] = { X_PMAXUB, X_PMAXUW, X_PMAXUD, 0 },
    [IR_OP_VSQADD] = { X_P(0xec), X_P(0xed), 0, 0 },
    [IR_OP_VUQADD] = { X_PADDUSB, X_P(0xdd), 0, 0 },
    [IR_OP_VSQSUB] = { X_P(0xe8), X_P(0xe9), 0, 0 },
    [IR_OP_VUQSUB] = { X_P(0xd8), X_P(0xd9), 0, 0 },
    [IR_OP_VURHADD] = { X_PAVGB, X_PAVGW, 0, 0 },
    [IR_OP_VCMPEQ] = { X_PCMPEQB, X_PCMPEQW, X_PCMPEQD, X_PCMPEQQ },
    [IR_OP_VCMPGT] = { X_PCMPGTB, X_PCMPGTW, X_PCMPGTD, X_PCMPGTQ },
    [IR_OP_VZIP1] = { X_PUNPCKLBW, X_PUNPCKLWD, X_PUNPCKLDQ, X_PUNPCKLQDQ },
    [IR_OP_VZIP2] = { X_PUNPCKHBW, X_PUNPCKHWD, X_PUNPCKHDQ, X_PUNPCKHQDQ },
};
static const uint32_t psub[4] = { X_PSUBB, X_PSUBW, X_PSUBD, X_PSUBQ };
static const uint32_t padd[4] = { X_PADDB, X_PADDW, X_PADDD, X_PADDQ };
static const uint32_t pcmpeq[4] = { X_PCMPEQB, X_PCMPEQW, X_PCMPEQD, X_PCMPEQQ };
static const uint32_t pcmpgt[4] = { X_PCMPGTB, X_PCMPGTW, X_PCMPGTD, X_PCMPGTQ };
static const uint32_t pabs[4] = { X_PABSB, X_PABSW, X_PABSD, 0 };

static bool has_cmpgt(const TcgEmit *e, unsigned esize)
{
    return esize < 3 || e->host.avx || e->host.sse42;
}

/* d = op(arg0, arg1), in one instruction. */
static void emit_one(TcgEmit *e, const IrInsn *in, uint32_t op)
{
    Reg a = ra_use(e, in->arg[0]);
    Mem m;

    if (vec_use_mem(e, in->arg[1], &m)) {
        ra_done(e);
        simd_rrm(e, op, ra_def_hint(e, in->arg[0]), a, m);
    } else {
        Reg b = ra_use(e, in->arg[1]);
        ra_done(e);
        simd_rrr(e, op, ra_def_hint(e, in->arg[0]), a, b);
    }
}

static void emit_binary(TcgEmit *e, const IrInsn *in)
{
    uint32_t op = binary[in->op][in->sub & 3];
    if (op == 0 || (op == X_PCMPGTQ && !has_cmpgt(e, 3))) {
        emit_ref(e, in);
    } else {
        emit_one(e, in, op);
    }
}

/* ---- bitwise ---- */

static void emit_bitwise(TcgEmit *e, const IrInsn *in)
{
    emit_one(e, in, in->op == IR_OP_VAND ? X_PAND : in->op == IR_OP_VOR ? X_POR : X_PXOR);
}

/* pandn inverts its first operand, opcodes their second. */
static void emit_vandn(TcgEmit *e, const IrInsn *in)
{
    Reg b = ra_use(e, in->arg[1]), a = ra_use(e, in->arg[0]);

    ra_done(e);
    simd_rrr(e, X_PANDN, ra_def_hint(e, in->arg[1]), b, a);
}

static void emit_vorn(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]);

    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    simd_ones(e, XMM15);
    simd_rrr(e, X_PXOR, XMM15, XMM15, b);
    simd_rrr(e, X_POR, d, a, XMM15);
}

static void emit_vnot(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    simd_ones(e, XMM15);
    simd_rrr(e, X_PXOR, d, a, XMM15);
}

static void emit_vbsl(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), c = ra_use(e, in->arg[2]);

    simd_rrr(e, X_PXOR, XMM14, b, c);
    simd_rrr(e, X_PAND, XMM14, XMM14, a);
    ra_done(e);
    simd_rrr(e, X_PXOR, ra_def_hint(e, in->arg[2]), XMM14, c);
}

/* Canonical: 0 or 1. */
static void emit_vtest(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    simd_rr(e, X_PTEST, a, a);
    asm_setcc(e, CC_NE, d);
    asm_movzx8(e, d, d);
}

/* ---- arithmetic ---- */

static void emit_vneg(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    simd_zero(e, d);
    simd_rrr(e, psub[in->sub & 3], d, d, a);
}

/* All bits of 8-byte lanes become their sign. */
static void sign_mask64(TcgEmit *e, Reg d, Reg a)
{
    simd_shift_i8(e, X_PSHIFTD, SAR, d, a, 31);
    simd_rr_i8(e, X_PSHUFD, d, d, 0xf5);
}

static void emit_vabs(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    if (in->sub < 3) {
        simd_rr(e, pabs[in->sub], d, a);
    } else {
        sign_mask64(e, XMM14, a);
        simd_rrr(e, X_PXOR, d, a, XMM14);
        simd_rrr(e, X_PSUBQ, d, d, XMM14);
    }
}

/* Bytes: even and odd ones as words. */
static void emit_vmul(TcgEmit *e, const IrInsn *in)
{
    if (in->sub != 0) {
        emit_binary(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    simd_shift_i8(e, X_PSHIFTW, SHR, XMM14, a, 8);
    simd_shift_i8(e, X_PSHIFTW, SHR, XMM15, b, 8);
    simd_rrr(e, X_PMULLW, XMM14, XMM14, XMM15);
    simd_shift_i8(e, X_PSHIFTW, SHL, XMM14, XMM14, 8);
    simd_rrr(e, X_PMULLW, d, a, b);
    simd_rrm(e, X_PAND, d, d, pool_all16(e, 0x00ff));
    simd_rrr(e, X_POR, d, d, XMM14);
}

/* Where the sign of XMM15's lane is set, the bound that `a`'s sign tells replaces d. */
static void saturate_by_sign(TcgEmit *e, const IrInsn *in, Reg d, Reg a)
{
    if (in->sub == 2) {
        simd_shift_i8(e, X_PSHIFTD, SAR, XMM15, XMM15, 31);
        simd_shift_i8(e, X_PSHIFTD, SAR, XMM14, a, 31);
        simd_rrm(e, X_PXOR, XMM14, XMM14, pool_all32(e, INT32_MAX));
    } else {
        sign_mask64(e, XMM15, XMM15);
        sign_mask64(e, XMM14, a);
        simd_rrm(e, X_PXOR, XMM14, XMM14, pool_all64(e, INT64_MAX));
    }
    simd_rrr(e, X_PXOR, XMM14, XMM14, d);
    simd_rrr(e, X_PAND, XMM14, XMM14, XMM15);
    simd_rrr(e, X_PXOR, d, d, XMM14);
}

/* Overflow: the sum differs in sign from both operands; the difference from the first, which
 * differs from the second. */
static void emit_vsq_add_sub(TcgEmit *e, const IrInsn *in)
{
    if (in->sub < 2) {
        emit_binary(e, in);
        return;
    }
    bool add = in->op == IR_OP_VSQADD;
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    simd_rrr(e, add ? padd[in->sub] : psub[in->sub], d, a, b);
    simd_rrr(e, X_PXOR, XMM15, d, a);
    simd_rrr(e, X_PXOR, XMM14, add ? d : a, b);
    simd_rrr(e, X_PAND, XMM15, XMM15, XMM14);
    saturate_by_sign(e, in, d, a);
}

/* a + min(b, ~a); max(a, b) - b. */
static void emit_vuq_add_sub(TcgEmit *e, const IrInsn *in)
{
    if (in->sub != 2) {
        emit_binary(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    if (in->op == IR_OP_VUQADD) {
        simd_ones(e, d);
        simd_rrr(e, X_PXOR, d, d, a);
        simd_rrr(e, X_PMINUD, d, d, b);
        simd_rrr(e, X_PADDD, d, d, a);
    } else {
        simd_rrr(e, X_PMAXUD, d, a, b);
        simd_rrr(e, X_PSUBD, d, d, b);
    }
}

/* The product of two minima alone gives 2^(bits - 1), one too much. */
static void emit_vsqdmulh(TcgEmit *e, const IrInsn *in)
{
    bool round = in->imm & 1;
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    if (in->sub == 1) {
        if (round) {
            simd_rrr(e, X_PMULHRSW, d, a, b);
        } else {
            simd_rrr(e, X_PMULHW, d, a, b);
            simd_rrr(e, X_PMULLW, XMM14, a, b);
            simd_shift_i8(e, X_PSHIFTW, SHL, d, d, 1);
            simd_shift_i8(e, X_PSHIFTW, SHR, XMM14, XMM14, 15);
            simd_rrr(e, X_POR, d, d, XMM14);
        }
        simd_rrm(e, X_PCMPEQW, XMM14, d, pool_all16(e, 0x8000));
    } else {
        simd_shift_i8(e, X_PSHIFTQ, SHR, XMM14, a, 32);
        simd_shift_i8(e, X_PSHIFTQ, SHR, XMM15, b, 32);
        simd_rrr(e, X_PMULDQ, XMM14, XMM14, XMM15); /* odd lanes */
        simd_rrr(e, X_PMULDQ, d, a, b);
        if (round) {
            simd_rrm(e, X_PADDQ, XMM14, XMM14, pool_all64(e, 0x40000000));
            simd_rrm(e, X_PADDQ, d, d, pool_all64(e, 0x40000000));
        }
        simd_shift_i8(e, X_PSHIFTQ, SHL, XMM14, XMM14, 1);
        simd_shift_i8(e, X_PSHIFTQ, SHR, d, d, 31);
        simd_rrr_i8(e, X_PBLENDW, d, d, XMM14, 0xcc);
        simd_rrm(e, X_PCMPEQD, XMM14, d, pool_all32(e, 0x80000000));
    }
    simd_rrr(e, X_PXOR, d, d, XMM14);
}

/* d = x >> 1 in each lane, zeros or the sign entering. d may be x. */
static void halve(TcgEmit *e, unsigned esize, bool is_signed, Reg d, Reg x)
{
    static const uint32_t shift[4] = { X_PSHIFTW, X_PSHIFTW, X_PSHIFTD, X_PSHIFTQ };

    if (esize == 0) {
        simd_shift_i8(e, X_PSHIFTW, SHR, d, x, 1);
        simd_rrm(e, X_PAND, d, d, pool_all8(e, 0x7f));
        if (is_signed) {
            simd_rrm(e, X_PXOR, d, d, pool_all8(e, 0x40));
            simd_rrm(e, X_PSUBB, d, d, pool_all8(e, 0x40));
        }
    } else {
        simd_shift_i8(e, shift[esize], is_signed ? SAR : SHR, d, x, 1);
    }
}

/* a + b = 2 (a & b) + (a ^ b) = 2 (a | b) - (a ^ b); a - b = (a ^ b) - 2 (~a & b). */
static void emit_vhalving(TcgEmit *e, const IrInsn *in)
{
    bool is_signed = in->op == IR_OP_VSHADD || in->op == IR_OP_VSRHADD || in->op == IR_OP_VSHSUB;
    bool sub = in->op == IR_OP_VSHSUB || in->op == IR_OP_VUHSUB;
    bool round = in->op == IR_OP_VSRHADD || in->op == IR_OP_VURHADD;
    unsigned es = in->sub & 3;

    if (es == 3 && is_signed) {
        emit_ref(e, in);
        return;
    }
    if (binary[in->op][es]) {
        emit_binary(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);
    simd_rrr(e, X_PXOR, XMM14, a, b);
    halve(e, es, is_signed, XMM14, XMM14);
    if (sub) {
        simd_rrr(e, X_PANDN, XMM15, a, b);
        simd_rrr(e, psub[es], d, XMM14, XMM15);
    } else {
        simd_rrr(e, round ? X_POR : X_PAND, d, a, b);
        simd_rrr(e, round ? psub[es] : padd[es], d, d, XMM14);
    }
}

static void emit_vabd(TcgEmit *e, const IrInsn *in)
{
    bool is_signed = in->op == IR_OP_VSABD;
    const uint32_t *min = binary[is_signed ? IR_OP_VSMIN : IR_OP_VUMIN];
    const uint32_t *max = binary[is_signed ? IR_OP_VSMAX : IR_OP_VUMAX];

    if (in->sub > 2) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);
    simd_rrr(e, min[in->sub], XMM14, a, b);
    simd_rrr(e, max[in->sub], d, a, b);
    simd_rrr(e, psub[in->sub], d, d, XMM14);
}

/* ---- comparison ---- */

/* a >= b is max(a, b) == a; 8-byte lanes: not b > a. */
static void emit_vcmpge(TcgEmit *e, const IrInsn *in)
{
    bool is_signed = in->op == IR_OP_VCMPGE;
    unsigned es = in->sub & 3;

    if (!has_cmpgt(e, es)) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);
    if (es < 3) {
        simd_rrr(e, binary[is_signed ? IR_OP_VSMAX : IR_OP_VUMAX][es], d, a, b);
        simd_rrr(e, pcmpeq[es], d, d, a);
        return;
    }
    if (is_signed) {
        simd_rrr(e, X_PCMPGTQ, d, b, a);
    } else {
        Mem sign = pool_all64(e, UINT64_C(1) << 63);
        simd_rrm(e, X_PXOR, d, b, sign);
        simd_rrm(e, X_PXOR, XMM14, a, sign);
        simd_rrr(e, X_PCMPGTQ, d, d, XMM14);
    }
    simd_ones(e, XMM15);
    simd_rrr(e, X_PXOR, d, d, XMM15);
}

/* a > b unsigned: signed after both had their top bit inverted. */
static void emit_vcmphi(TcgEmit *e, const IrInsn *in)
{
    unsigned es = in->sub & 3;

    if (!has_cmpgt(e, es)) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);
    if (es < 3) {
        simd_rrr(e, binary[IR_OP_VUMIN][es], d, a, b);
        simd_rrr(e, pcmpeq[es], d, d, a); /* a <= b */
        simd_ones(e, XMM15);
        simd_rrr(e, X_PXOR, d, d, XMM15);
    } else {
        Mem sign = pool_all64(e, UINT64_C(1) << 63);
        simd_rrm(e, X_PXOR, d, a, sign);
        simd_rrm(e, X_PXOR, XMM14, b, sign);
        simd_rrr(e, pcmpgt[es], d, d, XMM14);
    }
}

static void emit_vtst(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    simd_rrr(e, X_PAND, d, a, b);
    simd_zero(e, XMM15);
    simd_rrr(e, pcmpeq[in->sub & 3], d, d, XMM15);
    simd_ones(e, XMM15);
    simd_rrr(e, X_PXOR, d, d, XMM15);
}

/* ---- products of double width ---- */

static void emit_vmull(TcgEmit *e, const IrInsn *in)
{
    bool is_signed = in->op == IR_OP_VSMULL;
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    switch (in->sub) {
    case 0:
        simd_rr(e, is_signed ? X_PMOVSXBW : X_PMOVZXBW, d, a);
        simd_rr(e, is_signed ? X_PMOVSXBW : X_PMOVZXBW, XMM15, b);
        simd_rrr(e, X_PMULLW, d, d, XMM15);
        break;
    case 1:
        simd_rrr(e, is_signed ? X_PMULHW : X_PMULHUW, XMM15, a, b);
        simd_rrr(e, X_PMULLW, d, a, b);
        simd_rrr(e, X_PUNPCKLWD, d, d, XMM15);
        break;
    default:
        simd_rr(e, X_PMOVZXDQ, d, a);
        simd_rr(e, X_PMOVZXDQ, XMM15, b);
        simd_rrr(e, is_signed ? X_PMULDQ : X_PMULUDQ, d, d, XMM15);
        break;
    }
}

/* d = the sums of adjacent products of the low 8 bytes of a and b. `tmp` is lost. */
static void byte_product_pairs(TcgEmit *e, unsigned kind, Reg d, Reg a, Reg b, Reg tmp)
{
    simd_rr(e, kind & 1 ? X_PMOVSXBW : X_PMOVZXBW, d, a);
    simd_rr(e, kind & 2 ? X_PMOVSXBW : X_PMOVZXBW, tmp, b);
    simd_rrr(e, X_PMADDWD, d, d, tmp);
}

static void emit_vdot(TcgEmit *e, const IrInsn *in)
{
    enum { HIGH_HALF = 0xee };
    unsigned kind = in->imm & 3;
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), c = ra_use(e, in->arg[2]);
    Reg d = ra_def(e);

    simd_rr_i8(e, X_PSHUFD, XMM14, a, HIGH_HALF);
    simd_rr_i8(e, X_PSHUFD, XMM15, b, HIGH_HALF);
    byte_product_pairs(e, kind, XMM14, XMM14, XMM15, XMM15);
    byte_product_pairs(e, kind, d, a, b, XMM15);
    simd_rrr(e, X_PHADDD, d, d, XMM14);
    simd_rrr(e, X_PADDD, d, d, c);
}

/* ---- counting ---- */

/* d = table[low nibble], x = table[high nibble]. d, x are not a. */
static void nibble_tables(TcgEmit *e, Reg a, Reg d, Mem low, Reg x, Mem high)
{
    Mem mask = pool_all8(e, 0x0f);

    simd_rrm(e, X_PAND, XMM15, a, mask);
    simd_load(e, 16, d, low);
    simd_rrr(e, X_PSHUFB, d, d, XMM15);
    simd_shift_i8(e, X_PSHIFTW, SHR, XMM15, a, 4);
    simd_rrm(e, X_PAND, XMM15, XMM15, mask);
    simd_load(e, 16, x, high);
    simd_rrr(e, X_PSHUFB, x, x, XMM15);
}

static void emit_vpopcnt(TcgEmit *e, const IrInsn *in)
{
    Mem ones = emit_pool(e, 0x0302020102010100, 0x0403030203020201);
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    nibble_tables(e, a, d, ones, XMM14, ones);
    simd_rrr(e, X_PADDB, d, d, XMM14);
}

static void emit_vbitrev(TcgEmit *e, const IrInsn *in)
{
    Mem to_high = emit_pool(e, 0xe060a020c0408000, 0xf070b030d0509010);
    Mem to_low = emit_pool(e, 0x0e060a020c040800, 0x0f070b030d050901);
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    nibble_tables(e, a, d, to_high, XMM14, to_low);
    simd_rrr(e, X_POR, d, d, XMM14);
}

/* Bytes: the high nibble's zeros, and, when these are 4, the low one's. Wider lanes: likewise
 * from halves of half the width. */
static void emit_vclz(TcgEmit *e, const IrInsn *in)
{
    /* what the nibble says about the byte's zeros; a high one of 0 leaves it to the low one */
    Mem low = emit_pool(e, 0x0505050506060708, 0x0404040404040404);
    Mem high = emit_pool(e, 0x0101010102020308, 0x0000000000000000);
    unsigned es = in->sub & 3;

    if (es == 3) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);
    nibble_tables(e, a, d, low, XMM14, high);
    simd_rrr(e, X_PMINUB, d, d, XMM14);
    for (unsigned half = 0; half < es; half++) {
        unsigned bits = 8u << half;
        uint32_t shift = half ? X_PSHIFTD : X_PSHIFTW;
        /* low half's count plus `bits`, against the high half's where that is not all zeros */
        Mem full = half ? pool_all16(e, 16) : pool_all8(e, 8);
        simd_rrm(e, pcmpeq[half], XMM15, d, full);
        simd_shift_i8(e, shift, SHR, XMM15, XMM15, (uint8_t)bits); /* low half: ones if high full */
        simd_rrr(e, X_PAND, XMM15, XMM15, d);                      /* then what it counts */
        simd_shift_i8(e, shift, SHR, d, d, (uint8_t)bits);
        simd_rrr(e, padd[half + 1], d, d, XMM15);
    }
}

const EmitEntry emit_vec_table[IR_OP_COUNT] = {
    /* moves and permutations */
    [IR_OP_VLOW] = { emit_vmovq, 0 },
    [IR_OP_VZEXT] = { emit_vzext, 0 },
    [IR_OP_VTRUNC] = { emit_vtrunc, 0 },
    [IR_OP_VGET] = { emit_vget, 0 },
    [IR_OP_VSET] = { emit_vset, 0 },
    [IR_OP_VINS] = { emit_vins, 0 },
    [IR_OP_VDUP] = { emit_vdup, 0 },
    [IR_OP_VDUPL] = { emit_vdupl, 0 },
    [IR_OP_VZIP1] = { emit_binary, EMIT_FLAGS },
    [IR_OP_VZIP2] = { emit_binary, EMIT_FLAGS },
    [IR_OP_VUZP1] = { emit_vuzp, 0 },
    [IR_OP_VUZP2] = { emit_vuzp, 0 },
    [IR_OP_VTRN1] = { emit_vtrn, 0 },
    [IR_OP_VTRN2] = { emit_vtrn, 0 },
    [IR_OP_VEXT] = { emit_vext, 0 },
    [IR_OP_VREV] = { emit_vrev, 0 },
    [IR_OP_VTBL] = { emit_vtbl, 0 },
    [IR_OP_VTBX] = { emit_vtbx, 0 },
    [IR_OP_VUXTL] = { emit_vxtl, 0 },
    [IR_OP_VSXTL] = { emit_vxtl, 0 },
    [IR_OP_VHIGH] = { emit_vhigh, 0 },
    [IR_OP_VCAT] = { emit_vcat, 0 },
    [IR_OP_VXTN] = { emit_vxtn, 0 },
    [IR_OP_VSQXTN] = { emit_vqxtn, EMIT_FLAGS },
    [IR_OP_VUQXTN] = { emit_vqxtn, EMIT_FLAGS },
    [IR_OP_VSQXTUN] = { emit_vqxtn, EMIT_FLAGS },
    /* bitwise */
    [IR_OP_VAND] = { emit_bitwise, 0 },
    [IR_OP_VOR] = { emit_bitwise, 0 },
    [IR_OP_VXOR] = { emit_bitwise, 0 },
    [IR_OP_VANDN] = { emit_vandn, 0 },
    [IR_OP_VORN] = { emit_vorn, 0 },
    [IR_OP_VNOT] = { emit_vnot, 0 },
    [IR_OP_VBSL] = { emit_vbsl, 0 },
    [IR_OP_VTEST] = { emit_vtest, EMIT_FLAGS },
    /* arithmetic */
    [IR_OP_VADD] = { emit_binary, EMIT_FLAGS },
    [IR_OP_VSUB] = { emit_binary, EMIT_FLAGS },
    [IR_OP_VMUL] = { emit_vmul, EMIT_FLAGS },
    [IR_OP_VNEG] = { emit_vneg, 0 },
    [IR_OP_VABS] = { emit_vabs, 0 },
    [IR_OP_VSMIN] = { emit_binary, EMIT_FLAGS },
    [IR_OP_VSMAX] = { emit_binary, EMIT_FLAGS },
    [IR_OP_VUMIN] = { emit_binary, EMIT_FLAGS },
    [IR_OP_VUMAX] = { emit_binary, EMIT_FLAGS },
    [IR_OP_VSQADD] = { emit_vsq_add_sub, EMIT_FLAGS },
    [IR_OP_VSQSUB] = { emit_vsq_add_sub, EMIT_FLAGS },
    [IR_OP_VUQADD] = { emit_vuq_add_sub, EMIT_FLAGS },
    [IR_OP_VUQSUB] = { emit_vuq_add_sub, EMIT_FLAGS },
    [IR_OP_VSQDMULH] = { emit_vsqdmulh, 0 },
    [IR_OP_VSHADD] = { emit_vhalving, EMIT_FLAGS },
    [IR_OP_VUHADD] = { emit_vhalving, EMIT_FLAGS },
    [IR_OP_VSRHADD] = { emit_vhalving, EMIT_FLAGS },
    [IR_OP_VURHADD] = { emit_vhalving, EMIT_FLAGS },
    [IR_OP_VSHSUB] = { emit_vhalving, EMIT_FLAGS },
    [IR_OP_VUHSUB] = { emit_vhalving, EMIT_FLAGS },
    [IR_OP_VSABD] = { emit_vabd, EMIT_FLAGS },
    [IR_OP_VUABD] = { emit_vabd, EMIT_FLAGS },
    [IR_OP_VDOT] = { emit_vdot, 0 },
    [IR_OP_VSMULL] = { emit_vmull, 0 },
    [IR_OP_VUMULL] = { emit_vmull, 0 },
    [IR_OP_VPMULL64] = { emit_vpmull64, EMIT_FLAGS },
    [IR_OP_VADDP] = { emit_vpairs, EMIT_FLAGS },
    [IR_OP_VSMAXP] = { emit_vpairs, EMIT_FLAGS },
    [IR_OP_VSMINP] = { emit_vpairs, EMIT_FLAGS },
    [IR_OP_VUMAXP] = { emit_vpairs, EMIT_FLAGS },
    [IR_OP_VUMINP] = { emit_vpairs, EMIT_FLAGS },
    [IR_OP_VSADDLP] = { emit_vaddlp, 0 },
    [IR_OP_VUADDLP] = { emit_vaddlp, 0 },
    [IR_OP_VCLZ] = { emit_vclz, EMIT_FLAGS },
    [IR_OP_VPOPCNT] = { emit_vpopcnt, 0 },
    [IR_OP_VBITREV] = { emit_vbitrev, 0 },
    /* comparison */
    [IR_OP_VCMPEQ] = { emit_binary, EMIT_FLAGS },
    [IR_OP_VCMPGT] = { emit_binary, EMIT_FLAGS },
    [IR_OP_VCMPGE] = { emit_vcmpge, EMIT_FLAGS },
    [IR_OP_VCMPHI] = { emit_vcmphi, EMIT_FLAGS },
    [IR_OP_VCMPHS] = { emit_vcmpge, EMIT_FLAGS },
    [IR_OP_VTST] = { emit_vtst, 0 },
    /* shifts */
    [IR_OP_VSHLI] = { emit_vshift_imm, 0 },
    [IR_OP_VSHRI] = { emit_vshift_imm, 0 },
    [IR_OP_VSARI] = { emit_vshift_imm, 0 },
    [IR_OP_VRSHRI] = { emit_vrshift_imm, 0 },
    [IR_OP_VRSARI] = { emit_vrshift_imm, 0 },
    [IR_OP_VSSHL] = { emit_vshift_var, EMIT_FLAGS },
    [IR_OP_VUSHL] = { emit_vshift_var, EMIT_FLAGS },
    [IR_OP_VSRSHL] = { emit_vshift_var, EMIT_FLAGS },
    [IR_OP_VURSHL] = { emit_vshift_var, EMIT_FLAGS },
    [IR_OP_VSQSHL] = { emit_vqshift, EMIT_FLAGS },
    [IR_OP_VUQSHL] = { emit_vqshift, EMIT_FLAGS },
    [IR_OP_VSQSHLU] = { emit_vqshift, EMIT_FLAGS },
    /* floating point */
    [IR_OP_VFADD] = { emit_vf_arith, EMIT_FLAGS },
    [IR_OP_VFSUB] = { emit_vf_arith, EMIT_FLAGS },
    [IR_OP_VFMUL] = { emit_vf_arith, EMIT_FLAGS },
    [IR_OP_VFDIV] = { emit_vf_arith, EMIT_FLAGS },
    [IR_OP_VFSQRT] = { emit_vf_sqrt, EMIT_FLAGS },
    [IR_OP_VFMADD] = { emit_vf_madd, EMIT_FLAGS },
    [IR_OP_VFMIN] = { emit_vf_min_max, EMIT_FLAGS },
    [IR_OP_VFMAX] = { emit_vf_min_max, EMIT_FLAGS },
    [IR_OP_VFMINNM] = { emit_vf_min_max, EMIT_FLAGS },
    [IR_OP_VFMAXNM] = { emit_vf_min_max, EMIT_FLAGS },
    [IR_OP_VFNEG] = { emit_vf_sign, 0 },
    [IR_OP_VFABS] = { emit_vf_sign, 0 },
    [IR_OP_VFCMPEQ] = { emit_vf_cmp, EMIT_FLAGS },
    [IR_OP_VFCMPGE] = { emit_vf_cmp, EMIT_FLAGS },
    [IR_OP_VFCMPGT] = { emit_vf_cmp, EMIT_FLAGS },
    [IR_OP_VFROUND] = { emit_vf_round, EMIT_FLAGS },
    [IR_OP_VFTOI] = { emit_vf_to_int, EMIT_FLAGS },
    [IR_OP_VITOF] = { emit_vf_from_int, EMIT_FLAGS },
    [IR_OP_VFCVT_F64] = { emit_vf_cvt, EMIT_FLAGS },
    [IR_OP_VFCVT_F32] = { emit_vf_cvt, EMIT_FLAGS },
    /* crypto */
    [IR_OP_VAESENC] = { emit_vaes, EMIT_FLAGS },
    [IR_OP_VAESDEC] = { emit_vaes, EMIT_FLAGS },
    [IR_OP_VAESIMC] = { emit_vaes, EMIT_FLAGS },
    [IR_OP_VAESMC] = { emit_vaesmc, EMIT_FLAGS },
    [IR_OP_VSHA1H] = { emit_vsha1h, 0 },
    [IR_OP_VSHA1] = { emit_vsha1, EMIT_FLAGS },
    [IR_OP_VSHA1SU0] = { emit_vsha1su0, 0 },
    [IR_OP_VSHA1SU1] = { emit_vsha1su1, 0 },
    [IR_OP_VSHA256H] = { emit_vsha256h, EMIT_FLAGS },
    [IR_OP_VSHA256SU0] = { emit_vsha256su0, EMIT_FLAGS },
    [IR_OP_VSHA256SU1] = { emit_vsha256su1, EMIT_FLAGS },
};
