// SPDX-License-Identifier: MIT
//
// What the emitters of floating-point and vector opcodes share: the names of SSE instructions,
// as asm.h wants them, and a few idioms over simd_*().
//
// The four sizes of a lane are always in the order 1, 2, 4, 8 bytes; 0 stands for "there is no
// such instruction".
#ifndef TCG_X86_64_EMIT_VEC_H
#define TCG_X86_64_EMIT_VEC_H

#include "tcg/x86_64/emit.h"
#include "util/bitops.h"

#define X_P(op) (X_66 | X_0F | (op))
#define X_P38(op) (X_66 | X_0F38 | (op))
#define X_P3A(op) (X_66 | X_0F3A | (op))

/* Floating point: no prefix ps, 66 pd, F3 ss, F2 sd. */
enum {
    X_SQRTF = X_0F | 0x51, X_ADDF = X_0F | 0x58, X_MULF = X_0F | 0x59, X_SUBF = X_0F | 0x5c,
    X_MINF = X_0F | 0x5d, X_DIVF = X_0F | 0x5e, X_MAXF = X_0F | 0x5f, X_CMPF = X_0F | 0xc2,
    X_CVTF2F = X_0F | 0x5a,   /* from the size that the prefix names to the other */
    X_CVTSI2F = X_0F | 0x2a, X_CVTTF2SI = X_0F | 0x2c, X_CVTF2SI = X_0F | 0x2d,
    X_UCOMIS = X_0F | 0x2e, X_COMIS = X_0F | 0x2f, /* 66: sd */
    X_CVTDQ2PS = X_0F | 0x5b, X_CVTTPS2DQ = X_F3 | X_0F | 0x5b,
    X_ROUNDPS = X_P3A(0x08), X_ROUNDPD = X_P3A(0x09), X_ROUNDSS = X_P3A(0x0a),
    X_ROUNDSD = X_P3A(0x0b),
    X_VFMADD231P = X_P38(0xb8), X_VFMADD231S = X_P38(0xb9), /* W: double */
    X_ANDPS = X_0F | 0x54, X_ORPS = X_0F | 0x56, X_XORPS = X_0F | 0x57,
};

/* Integers and bits. */
enum {
    X_PAND = X_P(0xdb), X_PANDN = X_P(0xdf), X_POR = X_P(0xeb), X_PXOR = X_P(0xef),
    X_PADDB = X_P(0xfc), X_PADDW = X_P(0xfd), X_PADDD = X_P(0xfe), X_PADDQ = X_P(0xd4),
    X_PSUBB = X_P(0xf8), X_PSUBW = X_P(0xf9), X_PSUBD = X_P(0xfa), X_PSUBQ = X_P(0xfb),
    X_PADDUSB = X_P(0xdc), X_PMULLW = X_P(0xd5), X_PMULHW = X_P(0xe5), X_PMULHUW = X_P(0xe4),
    X_PMULHRSW = X_P38(0x0b), X_PMULLD = X_P38(0x40), X_PMULDQ = X_P38(0x28),
    X_PMULUDQ = X_P(0xf4), X_PMADDWD = X_P(0xf5), X_PMADDUBSW = X_P38(0x04),
    X_PABSB = X_P38(0x1c), X_PABSW = X_P38(0x1d), X_PABSD = X_P38(0x1e),
    X_PAVGB = X_P(0xe0), X_PAVGW = X_P(0xe3),
    X_PMINSB = X_P38(0x38), X_PMINSW = X_P(0xea), X_PMINSD = X_P38(0x39),
    X_PMINUB = X_P(0xda), X_PMINUW = X_P38(0x3a), X_PMINUD = X_P38(0x3b),
    X_PMAXSB = X_P38(0x3c), X_PMAXSW = X_P(0xee), X_PMAXSD = X_P38(0x3d),
    X_PMAXUB = X_P(0xde), X_PMAXUW = X_P38(0x3e), X_PMAXUD = X_P38(0x3f),
    X_PCMPEQB = X_P(0x74), X_PCMPEQW = X_P(0x75), X_PCMPEQD = X_P(0x76), X_PCMPEQQ = X_P38(0x29),
    X_PCMPGTB = X_P(0x64), X_PCMPGTW = X_P(0x65), X_PCMPGTD = X_P(0x66),
    X_PCMPGTQ = X_P38(0x37), /* SSE4.2 */
    X_PTEST = X_P38(0x17),
    X_PSHIFTW = X_P(0x71), X_PSHIFTD = X_P(0x72), X_PSHIFTQ = X_P(0x73), /* digit: SHR ... */
    X_VPSLLVD = X_P38(0x47), X_VPSRLVD = X_P38(0x45), X_VPSRAVD = X_P38(0x46), /* W: qwords */
    X_VBLENDVPS = X_P3A(0x4a), X_VBLENDVPD = X_P3A(0x4b),
    X_PSHUFB = X_P38(0x00), X_PSHUFD = X_P(0x70), X_PSHUFLW = X_F2 | X_0F | 0x70,
    X_SHUFPS = X_0F | 0xc6, X_PALIGNR = X_P3A(0x0f), X_PBLENDW = X_P3A(0x0e),
    X_INSERTPS = X_P3A(0x21), X_MOVSD = X_F2 | X_0F | 0x10, X_MOVQ = X_F3 | X_0F | 0x7e,
    X_PUNPCKLBW = X_P(0x60), X_PUNPCKLWD = X_P(0x61), X_PUNPCKLDQ = X_P(0x62),
    X_PUNPCKLQDQ = X_P(0x6c), X_PUNPCKHBW = X_P(0x68), X_PUNPCKHWD = X_P(0x69),
    X_PUNPCKHDQ = X_P(0x6a), X_PUNPCKHQDQ = X_P(0x6d),
    X_PACKSSWB = X_P(0x63), X_PACKUSWB = X_P(0x67), X_PACKSSDW = X_P(0x6b),
    X_PACKUSDW = X_P38(0x2b),
    X_PMOVSXBW = X_P38(0x20), X_PMOVSXWD = X_P38(0x23), X_PMOVSXDQ = X_P38(0x25),
    X_PMOVZXBW = X_P38(0x30), X_PMOVZXWD = X_P38(0x33), X_PMOVZXDQ = X_P38(0x35),
    X_PHADDW = X_P38(0x01), X_PHADDD = X_P38(0x02),
    X_PEXTRB = X_P3A(0x14), X_PEXTRW = X_P3A(0x15), X_PEXTRD = X_P3A(0x16), /* W: qword */
    X_PINSRB = X_P3A(0x20), X_PINSRW = X_P(0xc4), X_PINSRD = X_P3A(0x22),   /* W: qword */
    X_VPBROADCASTB = X_P38(0x78), X_VPBROADCASTW = X_P38(0x79),
    X_VPBROADCASTD = X_P38(0x58), X_VPBROADCASTQ = X_P38(0x59),
    X_PCLMULQDQ = X_P3A(0x44),
    X_AESENC = X_P38(0xdc), X_AESENCLAST = X_P38(0xdd), X_AESDECLAST = X_P38(0xdf),
    X_AESIMC = X_P38(0xdb),
    X_SHA1RNDS4 = X_0F3A | 0xcc, X_SHA256RNDS2 = X_0F38 | 0xcb, X_SHA256MSG1 = X_0F38 | 0xcc,
    X_SHA256MSG2 = X_0F38 | 0xcd, /* legacy forms only */
    X_BT_I8 = X_0F | 0xba, X_CMOV = X_0F | 0x40,
};

/* Digits of the shifts by an immediate. */
enum { SHR = 2, SAR = 4, SHL = 6, SHR_BYTES = 3, SHL_BYTES = 7 };

/* The same `byte` (`word`, ...) in all lanes. */
static inline Mem pool_all8(TcgEmit *e, uint8_t v)
{
    uint64_t all = v * UINT64_C(0x0101010101010101);
    return emit_pool(e, all, all);
}

static inline Mem pool_all16(TcgEmit *e, uint16_t v)
{
    uint64_t all = v * UINT64_C(0x0001000100010001);
    return emit_pool(e, all, all);
}

static inline Mem pool_all32(TcgEmit *e, uint32_t v)
{
    uint64_t all = v * UINT64_C(0x0000000100000001);
    return emit_pool(e, all, all);
}

static inline Mem pool_all64(TcgEmit *e, uint64_t v)
{
    return emit_pool(e, v, v);
}

static inline void simd_ones(TcgEmit *e, Reg d)
{
    simd_rrr(e, X_PCMPEQD, d, d, d);
}

/* The immediate of roundsd and kin: mode (not AWAY), and 8 to leave inexact alone. */
static inline unsigned fp_round_imm(IrRound round, bool exact)
{
    static const uint8_t modes[] = {
        [IR_ROUND_NEAREST] = 0, [IR_ROUND_UP] = 2, [IR_ROUND_DOWN] = 1, [IR_ROUND_ZERO] = 3,
        [IR_ROUND_AWAY] = 0, [IR_ROUND_CURRENT] = 4,
    };
    return modes[round] | (exact ? 0 : 8);
}

/* A vector operand that an instruction may take from memory: a constant, or, where alignment
 * does not matter, what is not in a register. */
static inline bool vec_use_mem(TcgEmit *e, IrRef r, Mem *m)
{
    if (ir_is_const(r)) {
        const IrConst *c = ir_const_get(e->unit, r);
        *m = emit_pool(e, c->lo, c->hi);
        return true;
    }
    return e->host.avx && ra_use_mem(e, r, m);
}

/* Emitters of the files beside emit_vec.c, which holds their table. */
EmitFn emit_vshift_imm, emit_vrshift_imm, emit_vshift_var, emit_vqshift;
EmitFn emit_vmovq, emit_vhigh, emit_vcat, emit_vzext, emit_vtrunc, emit_vget, emit_vset, emit_vins,
    emit_vdup, emit_vdupl, emit_vuzp, emit_vtrn, emit_vext, emit_vrev, emit_vtbl, emit_vtbx,
    emit_vxtl, emit_vxtn, emit_vqxtn, emit_vpairs, emit_vaddlp;
EmitFn emit_vf_arith, emit_vf_sqrt, emit_vf_madd, emit_vf_min_max, emit_vf_sign, emit_vf_cmp,
    emit_vf_round, emit_vf_to_int, emit_vf_from_int, emit_vf_cvt;
EmitFn emit_vaes, emit_vaesmc, emit_vpmull64, emit_vsha1h, emit_vsha1, emit_vsha1su0, emit_vsha1su1,
    emit_vsha256h, emit_vsha256su0, emit_vsha256su1;

#endif
