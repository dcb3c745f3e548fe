// SPDX-License-Identifier: MIT
//
// Host instructions that move lanes: in and out of vectors, between them, to other widths, and
// operations on adjacent lanes.
#include "tcg/x86_64/emit_vec.h"

static bool is_fp(unsigned type)
{
    return type == IR_F32 || type == IR_F64;
}

/* A pshufb control whose byte i is from(i); 0x80 gives zero. */
typedef unsigned ByteFrom(unsigned i, unsigned x, unsigned y);

static Mem pool_shuffle(TcgEmit *e, ByteFrom *from, unsigned x, unsigned y)
{
    uint64_t v[2] = { 0, 0 };
    for (unsigned i = 0; i < 16; i++) {
        v[i / 8] |= (uint64_t)from(i, x, y) << (i % 8 * 8);
    }
    return emit_pool(e, v[0], v[1]);
}

/* ---- whole vectors and scalars ---- */

/* d = low half of a, zeros above. */
void emit_vmovq(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    simd_rr(e, X_MOVQ, ra_def_hint(e, in->arg[0]), a);
}

void emit_vhigh(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    simd_shift_i8(e, X_PSHIFTQ, SHR_BYTES, ra_def_hint(e, in->arg[0]), a, 8);
}

void emit_vcat(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]);

    ra_done(e);
    simd_rrr(e, X_PUNPCKLQDQ, ra_def_hint(e, in->arg[0]), a, b);
}

void emit_vzext(TcgEmit *e, const IrInsn *in)
{
    IrType from = ir_ref_type(e->unit, in->arg[0]);
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    Reg d = is_fp(from) ? ra_def_hint(e, in->arg[0]) : ra_def(e);
    switch (from) {
    case IR_F64: simd_rr(e, X_MOVQ, d, a); break;
    case IR_F32: simd_rrr_i8(e, X_INSERTPS, d, a, a, 0x0e); break; /* lanes 1..3 zeroed */
    default: simd_from_gpr(e, from == IR_I64 ? X_W : 0, d, a); break;
    }
}

void emit_vtrunc(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    if (is_fp(in->type) || in->type == IR_V128) {
        simd_mov(e, ra_def_hint(e, in->arg[0]), a);
    } else {
        simd_to_gpr(e, in->type == IR_I64 ? X_W : 0, ra_def(e), a);
    }
}

/* ---- lanes ---- */

/* d (general) = lane of a, zero-extended. */
static void extract(TcgEmit *e, unsigned es, Reg d, Reg a, unsigned lane)
{
    static const uint32_t ops[4] = { X_PEXTRB, X_PEXTRW, X_PEXTRD, X_PEXTRD | X_W };
    if (lane == 0 && es >= 2) {
        simd_to_gpr(e, es == 3 ? X_W : 0, d, a);
    } else {
        simd_rr_i8(e, ops[es], a, d, (uint8_t)lane); /* the general register is r/m */
    }
}

/* d = a with the lane replaced by the general register b. */
static void insert(TcgEmit *e, unsigned es, Reg d, Reg a, Reg b, unsigned lane)
{
    static const uint32_t ops[4] = { X_PINSRB, X_PINSRW, X_PINSRD, X_PINSRD | X_W };
    simd_rrr_i8(e, ops[es], d, a, b, (uint8_t)lane);
}

void emit_vget(TcgEmit *e, const IrInsn *in)
{
    unsigned es = in->sub & 3;
    uint32_t w = in->type == IR_I64 ? X_W : 0;
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    extract(e, es, d, a, in->imm & 0xff);
    if (!(in->imm & IR_LANE_SIGNED)) {
        if (es == 3 && !w) {
            asm_mov_rr(e, 0, d, d);
        }
        return;
    }
    switch (es) {
    case 0: asm_rr(e, X_0F | 0xbe | X_BRM | w, d, d); break;
    case 1: asm_rr(e, X_0F | 0xbf | w, d, d); break;
    case 2: w ? asm_rr(e, 0x63 | X_W, d, d) : (void)0; break;
    default: w ? (void)0 : asm_mov_rr(e, 0, d, d); break;
    }
}

/* d = a with 4- or 8-byte lane dst replaced by lane src of b. */
static void insert_lane(TcgEmit *e, unsigned es, Reg d, Reg a, Reg b, unsigned dst, unsigned src)
{
    if (es == 2) {
        simd_rrr_i8(e, X_INSERTPS, d, a, b, (uint8_t)(src << 6 | dst << 4));
    } else if (dst == 0) {
        if (src == 0) {
            simd_rrr(e, X_MOVSD, d, a, b);
        } else {
            simd_rrr(e, X_PUNPCKHQDQ, d, b, a);
        }
    } else if (src == 0) {
        simd_rrr(e, X_PUNPCKLQDQ, d, a, b);
    } else {
        simd_rrr_i8(e, X_PBLENDW, d, a, b, 0xf0);
    }
}

void emit_vset(TcgEmit *e, const IrInsn *in)
{
    IrType from = ir_ref_type(e->unit, in->arg[1]);
    unsigned es = in->sub & 3, lane = in->imm & 0xff;
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]);

    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    if (!is_fp(from)) {
        if (es == 3 && from == IR_I32) {
            asm_mov_rr(e, 0, RAX, b);
            b = RAX;
        }
        insert(e, es, d, a, b, lane);
    } else if (es >= 2 && !(es == 3 && from == IR_F32)) {
        insert_lane(e, es, d, a, b, lane, 0);
    } else {
        simd_to_gpr(e, from == IR_F64 ? X_W : 0, RAX, b);
        insert(e, es, d, a, RAX, lane);
    }
}

void emit_vins(TcgEmit *e, const IrInsn *in)
{
    unsigned es = in->sub & 3, dst = in->imm & 0xff, src = in->imm >> 8 & 0xff;
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]);

    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    if (es >= 2) {
        insert_lane(e, es, d, a, b, dst, src);
    } else {
        extract(e, es, RAX, b, src);
        insert(e, es, d, a, RAX, dst);
    }
}

static unsigned byte_of_lane(unsigned i, unsigned esize, unsigned lane)
{
    return (lane << esize) + (i & ((1u << esize) - 1));
}

/* d = the lane of a everywhere. */
static void broadcast(TcgEmit *e, unsigned es, Reg d, Reg a, unsigned lane)
{
    static const uint32_t ops[4] = {
        X_VPBROADCASTB, X_VPBROADCASTW, X_VPBROADCASTD, X_VPBROADCASTQ,
    };
    if (es >= 2) {
        simd_rr_i8(e, X_PSHUFD, d, a, (uint8_t)(es == 2 ? lane * 0x55 : lane ? 0xee : 0x44));
    } else if (lane == 0 && e->host.avx) {
        simd_rr(e, ops[es], d, a);
    } else {
        simd_rrm(e, X_PSHUFB, d, a, pool_shuffle(e, byte_of_lane, es, lane));
    }
}

void emit_vdupl(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    broadcast(e, in->sub & 3, ra_def_hint(e, in->arg[0]), a, in->imm & 0xff);
}

/* The constant v in all lanes. */
static uint64_t replicate(uint64_t v, unsigned es)
{
    v &= bit_mask(8u << es);
    for (unsigned bits = 8u << es; bits < 64; bits *= 2) {
        v |= v << bits;
    }
    return v;
}

void emit_vdup(TcgEmit *e, const IrInsn *in)
{
    IrType from = ir_ref_type(e->unit, in->arg[0]);
    unsigned es = in->sub & 3;
    uint64_t v;

    if (emit_const(e, in->arg[0], &v)) {
        v = replicate(from == IR_I32 || from == IR_F32 ? (uint32_t)v : v, es);
        ra_done(e);
        simd_load(e, 16, ra_def(e), emit_pool(e, v, v));
        return;
    }
    Reg a = ra_use(e, in->arg[0]);
    ra_done(e);
    Reg d = is_fp(from) ? ra_def_hint(e, in->arg[0]) : ra_def(e);
    if (!is_fp(from)) {
        simd_from_gpr(e, es == 3 && from == IR_I64 ? X_W : 0, d, a);
        a = d;
    } else if (es == 3 && from == IR_F32) {
        simd_rrr_i8(e, X_INSERTPS, d, a, a, 0x0e);
        a = d;
    }
    broadcast(e, es, d, a, 0);
}

/* ---- permutations ---- */

static void emit_uzp_narrow(TcgEmit *e, const IrInsn *in)
{
    bool odd = in->op == IR_OP_VUZP2;
    unsigned es = in->sub & 3;
    uint32_t shift = es == 0 ? X_PSHIFTW : X_PSHIFTD;
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    if (odd) {
        simd_shift_i8(e, shift, SHR, d, a, (uint8_t)(8u << es));
        simd_shift_i8(e, shift, SHR, XMM15, b, (uint8_t)(8u << es));
    } else {
        Mem even = es == 0 ? pool_all16(e, 0x00ff) : pool_all32(e, 0x0000ffff);
        simd_rrm(e, X_PAND, d, a, even);
        simd_rrm(e, X_PAND, XMM15, b, even);
    }
    simd_rrr(e, es == 0 ? X_PACKUSWB : X_PACKUSDW, d, d, XMM15);
}

void emit_vuzp(TcgEmit *e, const IrInsn *in)
{
    bool odd = in->op == IR_OP_VUZP2;

    if (in->sub < 2) {
        emit_uzp_narrow(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]);
    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    if (in->sub == 2) {
        simd_rrr_i8(e, X_SHUFPS, d, a, b, odd ? 0xdd : 0x88);
    } else {
        simd_rrr(e, odd ? X_PUNPCKHQDQ : X_PUNPCKLQDQ, d, a, b);
    }
}

/* The other operand's lane is shifted into place, then blended in. */
void emit_vtrn(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t shift[3] = { X_PSHIFTW, X_PSHIFTD, X_PSHIFTQ };
    bool odd = in->op == IR_OP_VTRN2;
    unsigned es = in->sub & 3;
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    if (es == 3) {
        simd_rrr(e, odd ? X_PUNPCKHQDQ : X_PUNPCKLQDQ, d, a, b);
        return;
    }
    simd_shift_i8(e, shift[es], odd ? SHR : SHL, XMM15, odd ? a : b, (uint8_t)(8u << es));
    if (es == 0) {
        simd_rrm(e, X_PAND, d, odd ? b : a, pool_all16(e, odd ? 0xff00 : 0x00ff));
        simd_rrr(e, X_POR, d, d, XMM15);
    } else {
        uint8_t high = es == 1 ? 0xaa : 0xcc;
        simd_rrr_i8(e, X_PBLENDW, d, odd ? b : a, XMM15, odd ? (uint8_t)~high : high);
    }
}

void emit_vext(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]);

    ra_done(e);
    simd_rrr_i8(e, X_PALIGNR, ra_def_hint(e, in->arg[1]), b, a, (uint8_t)in->imm);
}

static unsigned byte_reversed(unsigned i, unsigned esize, unsigned group)
{
    return i ^ ((group - 1) & ~((1u << esize) - 1));
}

void emit_vrev(TcgEmit *e, const IrInsn *in)
{
    unsigned group = MAX((unsigned)in->imm, 1u << (in->sub & 3));
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    if (in->sub == 2 && group == 8) {
        simd_rr_i8(e, X_PSHUFD, d, a, 0xb1);
    } else {
        simd_rrm(e, X_PSHUFB, d, a, pool_shuffle(e, byte_reversed, in->sub & 3, group));
    }
}

/* pshufb gives zero where the index has its top bit: 16 and above become that. */
void emit_vtbl(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    simd_rrm(e, X_PADDUSB, XMM15, b, pool_all8(e, 0x70));
    simd_rrr(e, X_PSHUFB, d, a, XMM15);
}

void emit_vtbx(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), c = ra_use(e, in->arg[2]);
    Reg d = ra_def(e);

    if (in->imm & 0xff) {
        simd_rrm(e, X_PSUBB, XMM15, c, pool_all8(e, (uint8_t)in->imm));
        c = XMM15;
    }
    simd_rrm(e, X_PADDUSB, XMM15, c, pool_all8(e, 0x70));
    simd_zero(e, XMM14);
    simd_rrr(e, X_PCMPGTB, XMM14, XMM14, XMM15); /* out of range */
    simd_rrr(e, X_PAND, XMM14, XMM14, a);
    simd_rrr(e, X_PSHUFB, d, b, XMM15);
    simd_rrr(e, X_POR, d, d, XMM14);
}

/* ---- other widths ---- */

void emit_vxtl(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t ops[2][3] = {
        { X_PMOVZXBW, X_PMOVZXWD, X_PMOVZXDQ }, { X_PMOVSXBW, X_PMOVSXWD, X_PMOVSXDQ },
    };
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    simd_rr(e, ops[in->op == IR_OP_VSXTL][MIN(in->sub, 2)], ra_def_hint(e, in->arg[0]), a);
}

/* Byte i of lanes of half the size, zeros above. */
static unsigned byte_narrowed(unsigned i, unsigned esize, unsigned unused)
{
    unsigned half = esize - 1, lane = i >> half;
    return i < 8 ? (lane << esize) + (i & ((1u << half) - 1)) : 0x80;
}

void emit_vxtn(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    simd_rrm(e, X_PSHUFB, ra_def_hint(e, in->arg[0]), a,
             pool_shuffle(e, byte_narrowed, MAX(in->sub & 3, 1), 0));
}

/* Packing saturates signed lanes; unsigned ones are bounded first. */
void emit_vqxtn(TcgEmit *e, const IrInsn *in)
{
    if (in->sub != 1 && in->sub != 2) {
        emit_ref(e, in);
        return;
    }
    bool words = in->sub == 1;
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    if (in->op == IR_OP_VUQXTN) {
        simd_rrm(e, words ? X_PMINUW : X_PMINUD, d, a,
                 words ? pool_all16(e, 0xff) : pool_all32(e, 0xffff));
        a = d;
    }
    simd_zero(e, XMM15);
    if (in->op == IR_OP_VSQXTN) {
        simd_rrr(e, words ? X_PACKSSWB : X_PACKSSDW, d, a, XMM15);
    } else {
        simd_rrr(e, words ? X_PACKUSWB : X_PACKUSDW, d, a, XMM15);
    }
}

/* ---- adjacent lanes ---- */

/* Even lanes in the low half, odd ones in the high half. */
static unsigned byte_even_odd(unsigned i, unsigned esize, unsigned unused)
{
    unsigned lane = (i & 7) >> esize;
    return ((2 * lane + (i >= 8)) << esize) + (i & ((1u << esize) - 1));
}

/* XMM14 = even lanes of a and b, XMM15 = odd lanes. `d` is scratch. */
static void split_pairs(TcgEmit *e, unsigned es, Reg a, Reg b, Reg d)
{
    switch (es) {
    case 2:
        simd_rrr_i8(e, X_SHUFPS, XMM14, a, b, 0x88);
        simd_rrr_i8(e, X_SHUFPS, XMM15, a, b, 0xdd);
        break;
    case 3:
        simd_rrr(e, X_PUNPCKLQDQ, XMM14, a, b);
        simd_rrr(e, X_PUNPCKHQDQ, XMM15, a, b);
        break;
    default: {
        Mem m = pool_shuffle(e, byte_even_odd, es, 0);
        simd_rrm(e, X_PSHUFB, d, a, m);
        if (a == b) {
            simd_mov(e, XMM14, d);
            simd_rr_i8(e, X_PSHUFD, XMM15, d, 0x4e); /* the operation commutes */
        } else {
            simd_rrm(e, X_PSHUFB, XMM15, b, m);
            simd_rrr(e, X_PUNPCKLQDQ, XMM14, d, XMM15);
            simd_rrr(e, X_PUNPCKHQDQ, d, d, XMM15);
            simd_mov(e, XMM15, d);
        }
        break;
    }
    }
}

void emit_vpairs(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t ops[IR_OP_COUNT][4] = {
        [IR_OP_VADDP] = { X_PADDB, X_PADDW, X_PADDD, X_PADDQ },
        [IR_OP_VSMAXP] = { X_PMAXSB, X_PMAXSW, X_PMAXSD, 0 },
        [IR_OP_VSMINP] = { X_PMINSB, X_PMINSW, X_PMINSD, 0 },
        [IR_OP_VUMAXP] = { X_PMAXUB, X_PMAXUW, X_PMAXUD, 0 },
        [IR_OP_VUMINP] = { X_PMINUB, X_PMINUW, X_PMINUD, 0 },
    };
    uint32_t op = ops[in->op][in->sub & 3];
    if (op == 0) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    split_pairs(e, in->sub & 3, a, b, d);
    simd_rrr(e, op, d, XMM14, XMM15);
}

void emit_vaddlp(TcgEmit *e, const IrInsn *in)
{
    bool is_signed = in->op == IR_OP_VSADDLP;
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    switch (in->sub) {
    case 0: /* unsigned by signed bytes, one of them all ones */
        if (is_signed) {
            simd_load(e, 16, d, pool_all8(e, 1));
            simd_rrr(e, X_PMADDUBSW, d, d, a);
        } else {
            simd_rrm(e, X_PMADDUBSW, d, a, pool_all8(e, 1));
        }
        break;
    case 1:
        if (is_signed) {
            simd_rrm(e, X_PMADDWD, d, a, pool_all16(e, 1));
        } else {
            simd_shift_i8(e, X_PSHIFTD, SHR, XMM15, a, 16);
            simd_rrm(e, X_PAND, d, a, pool_all32(e, 0xffff));
            simd_rrr(e, X_PADDD, d, d, XMM15);
        }
        break;
    default:
        simd_rr_i8(e, X_PSHUFD, d, a, 0x08);      /* lanes 0, 2 */
        simd_rr_i8(e, X_PSHUFD, XMM15, a, 0x0d);  /* lanes 1, 3 */
        simd_rr(e, is_signed ? X_PMOVSXDQ : X_PMOVZXDQ, d, d);
        simd_rr(e, is_signed ? X_PMOVSXDQ : X_PMOVZXDQ, XMM15, XMM15);
        simd_rrr(e, X_PADDQ, d, d, XMM15);
        break;
    }
}
