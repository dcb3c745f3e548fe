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

/* Signed counts in the low bytes of lanes: both directions, of which the wrong one is by 64 or
 * more places and gives zeros; right shifts with signs are chosen by the count's sign. */
void emit_vshift_var(TcgEmit *e, const IrInsn *in)
{
    bool is_signed = in->op == IR_OP_VSSHL, wide = in->sub == 3;
    uint32_t w = wide ? X_W : 0;

    if (in->sub < 2 || !e->host.avx) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), t = ra_temp_xmm(e), d = ra_def(e);
    Mem low_byte = wide ? pool_all64(e, 0xff) : pool_all32(e, 0xff);

    simd_zero(e, XMM15);
    simd_rrr(e, wide ? X_PSUBQ : X_PSUBD, XMM15, XMM15, b);
    simd_rrm(e, X_PAND, XMM15, XMM15, low_byte); /* places right */
    simd_rrm(e, X_PAND, XMM14, b, low_byte);     /* places left */
    asm_vex_rr(e, X_VPSLLVD | w, d, a & 15, XMM14);
    if (!is_signed) {
        asm_vex_rr(e, X_VPSRLVD | w, XMM15, a & 15, XMM15);
        simd_rrr(e, X_POR, d, d, XMM15);
        return;
    }
    if (wide) {
        simd_zero(e, XMM14);
        simd_rrr(e, X_PCMPGTQ, XMM14, XMM14, a); /* the sign, to be shifted in */
        simd_rrr(e, X_PXOR, t, a, XMM14);
        asm_vex_rr(e, X_VPSRLVD | w, t, t & 15, XMM15);
        simd_rrr(e, X_PXOR, t, t, XMM14);
    } else {
        asm_vex_rr(e, X_VPSRAVD, t, a & 15, XMM15);
    }
    simd_shift_i8(e, wide ? X_PSHIFTQ : X_PSHIFTD, SHL, XMM14, b, wide ? 56 : 24);
    asm_vex_rr_i8(e, wide ? X_VBLENDVPD : X_VBLENDVPS, d, d & 15, t, (uint8_t)((XMM14 & 15) << 4));
}
