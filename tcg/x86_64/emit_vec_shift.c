// SPDX-License-Identifier: MIT
//
// Host instructions for shifts of lanes. The host shifts words, double words and quad words by
// an immediate, and with AVX2 double and quad words each by its own count; counts of the width
// and more give zeros or signs, as here. Bytes are shifted as words and what came from the
// neighbour is masked away.
#include "tcg/x86_64/emit_vec.h"

static const uint32_t shift_op[4] = { X_PSHIFTW, X_PSHIFTW, X_PSHIFTD, X_PSHIFTQ };

/* d = a << n or a >> n with zeros, n from 0 to the width. */
static void shift_zeros(TcgEmit *e, unsigned es, bool left, Reg d, Reg a, unsigned n)
{
    if (n >= 8u << es) {
        simd_zero(e, d);
    } else if (n == 0) {
        simd_mov(e, d, a);
    } else {
        simd_shift_i8(e, shift_op[es], left ? SHL : SHR, d, a, (uint8_t)n);
        if (es == 0) {
            simd_rrm(e, X_PAND, d, d, pool_all8(e, (uint8_t)(left ? 0xff << n : 0xff >> n)));
        }
    }
}

/* d = a >> n, the sign enters, n from 1 to the width. d is not a. XMM15 is lost. */
static void shift_signs(TcgEmit *e, unsigned es, Reg d, Reg a, unsigned n)
{
    n = MIN(n, (8u << es) - 1);
    switch (es) {
    case 0:
        shift_zeros(e, 0, false, d, a, n);
        simd_load(e, 16, XMM15, pool_all8(e, (uint8_t)(0x80 >> n)));
        simd_rrr(e, X_PXOR, d, d, XMM15);
        simd_rrr(e, X_PSUBB, d, d, XMM15);
        break;
    case 1:
    case 2:
        simd_shift_i8(e, shift_op[es], SAR, d, a, (uint8_t)n);
        break;
    default:
        /* high halves shifted as double words; low ones as quad words or from the high ones */
        simd_shift_i8(e, X_PSHIFTD, SAR, XMM15, a, (uint8_t)MIN(n, 31));
        if (n < 32) {
            simd_shift_i8(e, X_PSHIFTQ, SHR, d, a, (uint8_t)n);
        } else {
            simd_shift_i8(e, X_PSHIFTD, SAR, d, a, (uint8_t)(n - 32));
            simd_rr_i8(e, X_PSHUFD, d, d, 0xf5);
        }
        simd_rrr_i8(e, X_PBLENDW, d, d, XMM15, 0xcc);
        break;
    }
}

void emit_vshift_imm(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    if (in->op == IR_OP_VSARI) {
        shift_signs(e, in->sub & 3, d, a, (unsigned)in->imm);
    } else {
        shift_zeros(e, in->sub & 3, in->op == IR_OP_VSHLI, d, a, (unsigned)in->imm);
    }
}

/* (x + half) >> n is (x >> n) + the last bit shifted out. */
void emit_vrshift_imm(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t padd[4] = { X_PADDB, X_PADDW, X_PADDD, X_PADDQ };
    unsigned es = in->sub & 3, n = (unsigned)in->imm;
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);
    Mem one = es == 0 ? pool_all8(e, 1) : es == 1 ? pool_all16(e, 1) : es == 2 ? pool_all32(e, 1)
                                                                              : pool_all64(e, 1);
    if (n >= 8u << es && in->op == IR_OP_VRSARI) {
        simd_zero(e, d); /* sign and last bit cancel */
        return;
    }
    if (in->op == IR_OP_VRSARI) {
        shift_signs(e, es, d, a, n);
    } else {
        shift_zeros(e, es, false, d, a, n);
    }
    shift_zeros(e, es, false, XMM14, a, n - 1);
    simd_rrm(e, X_PAND, XMM14, XMM14, one);
    simd_rrr(e, padd[es], d, d, XMM14);
}

/* ---- by signed counts in the low bytes of lanes ----
 *
 * Both ways, of which the wrong one is by so many places that zeros are left; right shifts with
 * signs are chosen by the sign of the count. Rounding adds the last bit that is shifted out. */

typedef struct VarShift {
    bool wide;      /* 8-byte lanes, else 4-byte ones */
    bool is_signed, round;
    Mem low_byte, last_bit;
    Reg t, sign;    /* temporaries; `sign` for wide signed lanes only */
} VarShift;

/* d = a >> counts. */
static void shift_right_var(TcgEmit *e, const VarShift *v, Reg d, Reg a, Reg counts)
{
    uint32_t w = v->wide ? X_W : 0;
    if (v->wide && v->is_signed) { /* there is no instruction: bits are inverted for negatives */
        simd_rrr(e, X_PXOR, d, a, v->sign);
        asm_vex_rr(e, X_VPSRLVD | w, d, d & 15, counts);
        simd_rrr(e, X_PXOR, d, d, v->sign);
    } else {
        asm_vex_rr(e, (v->is_signed ? X_VPSRAVD : X_VPSRLVD) | w, d, a & 15, counts);
    }
}

/* d = a shifted by b. d is none of them. XMM14 and XMM15 are lost. */
static void shift_var(TcgEmit *e, const VarShift *v, Reg d, Reg a, Reg b)
{
    if (v->wide && v->is_signed) {
        simd_zero(e, v->sign);
        simd_rrr(e, X_PCMPGTQ, v->sign, v->sign, a);
    }
    simd_rrm(e, X_PAND, XMM14, b, v->low_byte); /* places left */
    asm_vex_rr(e, X_VPSLLVD | (v->wide ? X_W : 0), d, a & 15, XMM14);
    simd_zero(e, XMM15);
    simd_rrr(e, v->wide ? X_PSUBQ : X_PSUBD, XMM15, XMM15, b);
    simd_rrm(e, X_PAND, XMM15, XMM15, v->low_byte); /* places right */
    shift_right_var(e, v, v->t, a, XMM15);
    if (v->round) {
        simd_rrm(e, X_PANDN, XMM15, b, v->low_byte); /* one less */
        shift_right_var(e, v, XMM14, a, XMM15);
        simd_rrm(e, X_PAND, XMM14, XMM14, v->last_bit);
        simd_rrr(e, v->wide ? X_PADDQ : X_PADDD, v->t, v->t, XMM14);
    }
    if (v->is_signed) {
        simd_shift_i8(e, v->wide ? X_PSHIFTQ : X_PSHIFTD, SHL, XMM15, b, v->wide ? 56 : 24);
        asm_vex_rr_i8(e, v->wide ? X_VBLENDVPD : X_VBLENDVPS, d, d & 15, v->t, (XMM15 & 15) << 4);
    } else {
        simd_rrr(e, X_POR, d, d, v->t);
    }
}

/* Smaller lanes one by one at the top of 4-byte ones, whose lower bits are no matter. */
static void shift_var_small(TcgEmit *e, const VarShift *v, unsigned bits, Reg d, Reg a, Reg b)
{
    Reg x = ra_temp_xmm(e), y = ra_temp_xmm(e), out = ra_temp_xmm(e);
    Mem top = pool_all32(e, UINT32_MAX << (32 - bits));

    for (unsigned at = 0; at < 32; at += bits) {
        unsigned up = 32 - bits - at;
        simd_shift_i8(e, X_PSHIFTD, SHL, x, a, (uint8_t)up);
        simd_rrm(e, X_PAND, x, x, top);
        simd_shift_i8(e, X_PSHIFTD, SHR, y, b, (uint8_t)at);
        Reg to = at ? out : d;
        shift_var(e, v, to, x, y);
        simd_rrm(e, X_PAND, to, to, top);
        simd_shift_i8(e, X_PSHIFTD, SHR, to, to, (uint8_t)up);
        if (at) {
            simd_rrr(e, X_POR, d, d, out);
        }
    }
}

void emit_vshift_var(TcgEmit *e, const IrInsn *in)
{
    unsigned es = in->sub & 3, bits = 8u << es;

    if (!e->host.avx) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]);
    VarShift v = {
        .wide = es == 3,
        .is_signed = in->op == IR_OP_VSSHL || in->op == IR_OP_VSRSHL,
        .round = in->op == IR_OP_VSRSHL || in->op == IR_OP_VURSHL,
        .low_byte = es == 3 ? pool_all64(e, 0xff) : pool_all32(e, 0xff),
        .last_bit = es == 3 ? pool_all64(e, 1) : pool_all32(e, UINT32_C(1) << (32 - bits)),
        .t = ra_temp_xmm(e),
        .sign = es == 3 ? ra_temp_xmm(e) : REG_NONE,
    };
    Reg d = ra_def(e);
    if (es < 2) {
        shift_var_small(e, &v, bits, d, a, b);
    } else {
        shift_var(e, &v, d, a, b);
    }
}

/* ---- saturating, by a constant to the left ---- */

/* The count if all lanes of `r` are the same constant from 0 to the width less one. */
static bool constant_count(const TcgEmit *e, IrRef r, unsigned es, unsigned *n)
{
    if (!ir_is_const(r)) {
        return false;
    }
    const IrConst *c = ir_const_get(e->unit, r);
    V128 v = { .d = { c->lo, c->hi } };
    *n = v.b[0];
    for (unsigned i = 0; i < 16; i += 1u << es) {
        if (v.b[i] != *n) {
            return false;
        }
    }
    return *n < 8u << es;
}

/* d = all bits of a's lanes become their sign. XMM15 is lost. */
static void sign_lanes(TcgEmit *e, unsigned es, Reg d, Reg a)
{
    if (es == 0) {
        simd_zero(e, d);
        simd_rrr(e, X_PCMPGTB, d, d, a);
    } else {
        shift_signs(e, es, d, a, (8u << es) - 1);
    }
}

/* What shifts back to the operand is right; else the bound of its sign. */
void emit_vqshift(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t pcmpeq[4] = { X_PCMPEQB, X_PCMPEQW, X_PCMPEQD, X_PCMPEQQ };
    unsigned es = in->sub & 3, n;

    if (!constant_count(e, in->arg[1], es, &n)) {
        emit_ref(e, in);
        return;
    }
    bool is_signed = in->op == IR_OP_VSQSHL;
    Reg a = ra_use(e, in->arg[0]), t = ra_temp_xmm(e), d = ra_def(e);
    shift_zeros(e, es, true, d, a, n);
    if (is_signed && n) {
        shift_signs(e, es, t, d, n);
    } else {
        shift_zeros(e, es, false, t, d, n);
    }
    simd_rrr(e, pcmpeq[es], t, t, a); /* nothing was lost */
    if (is_signed) {
        sign_lanes(e, es, XMM14, a);
        uint64_t max = INT64_MAX >> (64 - (8u << es));
        for (unsigned bits = 8u << es; bits < 64; bits *= 2) {
            max |= max << bits;
        }
        simd_rrm(e, X_PXOR, XMM14, XMM14, pool_all64(e, max));
        simd_rrr(e, X_PAND, d, d, t);
        simd_rrr(e, X_PANDN, t, t, XMM14);
        simd_rrr(e, X_POR, d, d, t);
    } else {
        simd_ones(e, XMM14);
        simd_rrr(e, X_PXOR, t, t, XMM14);
        simd_rrr(e, X_POR, d, d, t);
        if (in->op == IR_OP_VSQSHLU) { /* negative operands give zero */
            sign_lanes(e, es, XMM14, a);
            simd_rrr(e, X_PANDN, XMM14, XMM14, d);
            simd_mov(e, d, XMM14);
        }
    }
}
