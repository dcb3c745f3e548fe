// SPDX-License-Identifier: MIT
//
// Host instructions for floating point by lanes. As in emit_fp.c: the host's flags are the
// guest's, and a vector with a NaN in its result is computed again out of line.
//
// Of a vector of which only the low lanes count, the host computes the others from zeros, so
// that they neither raise flags nor give anything but zero.
#include "tcg/x86_64/emit_vec.h"

static bool is_f64(const IrInsn *in)
{
    return in->sub == 3;
}

/* Prefix of the packed form. */
static uint32_t packed(const IrInsn *in, uint32_t op)
{
    return (is_f64(in) ? X_66 : 0) | op;
}

/* How many lanes count, of how many. */
static unsigned lanes(const IrInsn *in)
{
    return IR_LANES_COUNT(in->imm);
}

static bool is_full(const IrInsn *in)
{
    return lanes(in) >= (is_f64(in) ? 2 : 4);
}

/* What the emitters here know: three of four lanes they do not. */
static bool is_supported(const IrInsn *in)
{
    return in->sub >= 2 && in->sub <= 3 && (is_full(in) || lanes(in) == 1 || lanes(in) == 2);
}

/* d = the lanes of r that count, zeros above. */
static void move_lanes(TcgEmit *e, const IrInsn *in, Reg d, Reg r)
{
    if (is_full(in)) {
        simd_mov(e, d, r);
    } else if (is_f64(in) || lanes(in) == 2) {
        simd_rr(e, X_MOVQ, d, r);
    } else {
        simd_rrr_i8(e, X_INSERTPS, d, r, r, 0x0e);
    }
}

/* The operand, or its lanes in `scratch`. */
static Reg low_lanes(TcgEmit *e, const IrInsn *in, Reg r, Reg scratch)
{
    if (is_full(in)) {
        return r;
    }
    move_lanes(e, in, scratch, r);
    return scratch;
}

/* Recompute if a lane of d is a NaN. */
static void fix_nan(TcgEmit *e, const IrInsn *in, Reg d, Reg a, Reg b, Reg c)
{
    if (e->unit->nan_rule != IR_NAN_X86) {
        simd_rrr_i8(e, packed(in, X_CMPF), XMM14, d, d, 3); /* unordered */
        simd_rr(e, X_PTEST, XMM14, XMM14);
        emit_ref_if(e, in, CC_NE, d, a, b, c);
    }
}

/* Recompute if a lane of d is a NaN or, of either sign, the smallest normal number: see
 * fix_nan_tiny() of emit_fp.c. */
static void fix_nan_tiny(TcgEmit *e, const IrInsn *in, bool f64, Reg d, Reg a, Reg b, Reg c)
{
    if (e->unit->nan_rule == IR_NAN_X86) {
        return;
    }
    uint64_t sign = f64 ? UINT64_C(1) << 63 : UINT64_C(0x8000000080000000);
    uint64_t tiny = f64 ? UINT64_C(1) << 52 : UINT64_C(0x0080000000800000);
    simd_rrm(e, X_ANDPS, XMM14, d, emit_pool(e, ~sign, ~sign));
    if (e->host.avx) {
        simd_load(e, 16, XMM15, emit_pool(e, tiny, tiny));
        simd_rrr_i8(e, (f64 ? X_66 : 0) | X_CMPF, XMM14, XMM14, XMM15, 8); /* or unordered */
    } else {
        simd_rrm(e, f64 ? X_PCMPEQQ : X_PCMPEQD, XMM14, XMM14, emit_pool(e, tiny, tiny));
        simd_rrr_i8(e, (f64 ? X_66 : 0) | X_CMPF, XMM15, d, d, 3);
        simd_rrr(e, X_ORPS, XMM14, XMM14, XMM15);
    }
    simd_rr(e, X_PTEST, XMM14, XMM14);
    emit_ref_if(e, in, CC_NE, d, a, b, c);
}

/* 1.0 in the lanes that do not count. */
static Mem ones_above(TcgEmit *e, const IrInsn *in)
{
    if (is_f64(in)) {
        return emit_pool(e, 0, UINT64_C(0x3ff) << 52);
    }
    return emit_pool(e, lanes(in) == 1 ? UINT64_C(0x3f800000) << 32 : 0, 0x3f8000003f800000);
}

void emit_vf_arith(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t ops[IR_OP_COUNT] = {
        [IR_OP_VFADD] = X_ADDF, [IR_OP_VFSUB] = X_SUBF, [IR_OP_VFMUL] = X_MULF,
        [IR_OP_VFDIV] = X_DIVF,
    };
    if (!is_supported(in)) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);
    Reg x = low_lanes(e, in, a, XMM14), y = low_lanes(e, in, b, XMM15);

    if (in->op == IR_OP_VFDIV && !is_full(in)) {
        simd_rrm(e, X_POR, y, y, ones_above(e, in));
    }
    simd_rrr(e, packed(in, ops[in->op]), d, x, y);
    if (in->op == IR_OP_VFSUB && !is_full(in)) {
        move_lanes(e, in, d, d); /* 0 - 0 is -0 when rounding down */
    }
    if (in->op == IR_OP_VFMUL || in->op == IR_OP_VFDIV) {
        fix_nan_tiny(e, in, is_f64(in), d, a, b, REG_NONE);
    } else {
        fix_nan(e, in, d, a, b, REG_NONE);
    }
}

void emit_vf_sqrt(TcgEmit *e, const IrInsn *in)
{
    if (!is_supported(in)) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    simd_rr(e, packed(in, X_SQRTF), d, low_lanes(e, in, a, XMM14));
    fix_nan(e, in, d, a, REG_NONE, REG_NONE);
}

void emit_vf_madd(TcgEmit *e, const IrInsn *in)
{
    if (!is_supported(in) || !e->host.fma) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), c = ra_use(e, in->arg[2]);
    Reg d = ra_def(e);

    move_lanes(e, in, d, c);
    Reg x = low_lanes(e, in, a, XMM14), y = low_lanes(e, in, b, XMM15);
    asm_vex_rr(e, X_VFMADD231P | (is_f64(in) ? X_W : 0), d, x & 15, y);
    fix_nan_tiny(e, in, is_f64(in), d, a, b, c);
}

/* As for scalars: both ways round, as zeros differ, and no NaN. */
void emit_vf_min_max(TcgEmit *e, const IrInsn *in)
{
    bool min = in->op == IR_OP_VFMIN || in->op == IR_OP_VFMINNM;
    if (!is_supported(in)) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);
    Reg x = low_lanes(e, in, a, XMM14), y = low_lanes(e, in, b, XMM15);

    simd_rrr_i8(e, packed(in, X_CMPF), d, x, y, 3);
    simd_rr(e, X_PTEST, d, d);
    uint8_t *nan = asm_jcc8(e, CC_NE);
    simd_rrr(e, packed(in, min ? X_MINF : X_MAXF), d, x, y);
    if (is_full(in)) {
        y = XMM15;
        simd_mov(e, y, b);
    }
    simd_rrr(e, packed(in, min ? X_MINF : X_MAXF), y, y, x);
    simd_rrr(e, min ? X_ORPS : X_ANDPS, d, d, y);
    asm_bind8(e, nan);
    emit_ref_if(e, in, CC_NE, d, a, b, REG_NONE);
}

void emit_vf_sign(TcgEmit *e, const IrInsn *in)
{
    bool neg = in->op == IR_OP_VFNEG;
    uint64_t sign = is_f64(in) ? UINT64_C(1) << 63 : UINT64_C(0x8000000080000000);
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    simd_rrm(e, neg ? X_XORPS : X_ANDPS, d, a, pool_all64(e, neg ? sign : ~sign));
}

/* Greater is the other way's less, whose predicates signal. */
void emit_vf_cmp(TcgEmit *e, const IrInsn *in)
{
    enum { EQ_QUIET = 0, LT_SIGNAL = 1, LE_SIGNAL = 2 };
    if (!is_supported(in)) {
        emit_ref(e, in);
        return;
    }
    bool eq = in->op == IR_OP_VFCMPEQ;
    Reg a = ra_use(e, in->arg[eq ? 0 : 1]), b = ra_use(e, in->arg[eq ? 1 : 0]), d = ra_def(e);
    Reg x = low_lanes(e, in, a, XMM14), y = low_lanes(e, in, b, XMM15);

    simd_rrr_i8(e, packed(in, X_CMPF), d, x, y,
                eq ? EQ_QUIET : in->op == IR_OP_VFCMPGT ? LT_SIGNAL : LE_SIGNAL);
    if (!is_full(in)) {
        move_lanes(e, in, d, d);
    }
}

/* ---- conversions ---- */

static bool is_signed(const IrInsn *in)
{
    return IR_LANES_FLAG(in->imm);
}

/* d = a rounded in the instruction's mode; `exact` as of the host: inexact is raised. */
static void round_lanes(TcgEmit *e, const IrInsn *in, Reg d, Reg a, bool exact)
{
    simd_rr_i8(e, is_f64(in) ? X_ROUNDPD : X_ROUNDPS, d, a,
               (uint8_t)fp_round_imm(IR_LANES_ROUND(in->imm), exact));
}

void emit_vf_round(TcgEmit *e, const IrInsn *in)
{
    if (!is_supported(in) || IR_LANES_ROUND(in->imm) == IR_ROUND_AWAY) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    round_lanes(e, in, d, low_lanes(e, in, a, XMM14), IR_LANES_FLAG(in->imm));
    if (e->unit->nan_rule == IR_NAN_ARM_DEFAULT) {
        fix_nan(e, in, d, a, REG_NONE, REG_NONE);
    }
}

/* Signed: what is out of range becomes the minimum. */
static void emit_ftoi32_signed(TcgEmit *e, const IrInsn *in, Reg d, Reg a)
{
    bool direct = IR_LANES_ROUND(in->imm) == IR_ROUND_ZERO;
    Reg x = low_lanes(e, in, a, XMM14);
    uint8_t *bad = NULL;

    if (!direct) {
        round_lanes(e, in, XMM15, x, false);
    }
    simd_rr(e, X_CVTTPS2DQ, d, direct ? x : XMM15);
    simd_rrm(e, X_PCMPEQD, XMM15, d, pool_all32(e, 0x80000000));
    simd_rr(e, X_PTEST, XMM15, XMM15);
    if (!direct) {
        bad = asm_jcc8(e, CC_NE);
        round_lanes(e, in, XMM15, x, true);
        asm_bind8(e, bad);
    }
    emit_ref_if(e, in, CC_NE, d, a, REG_NONE, REG_NONE);
}

/* Unsigned: negative values, and 2^31 and above, are left to the fix-up. */
static void emit_ftoi32_unsigned(TcgEmit *e, const IrInsn *in, Reg d, Reg a)
{
    Reg x = low_lanes(e, in, a, XMM14);

    round_lanes(e, in, XMM15, x, false);
    simd_rrm(e, X_PMAXUD, d, XMM15, pool_all32(e, 0x4f000000));
    simd_rrr(e, X_PCMPEQD, d, d, XMM15);
    simd_rr(e, X_PTEST, d, d);
    uint8_t *bad = asm_jcc8(e, CC_NE);
    simd_rr(e, X_CVTTPS2DQ, d, XMM15);
    round_lanes(e, in, XMM15, x, true);
    asm_bind8(e, bad);
    emit_ref_if(e, in, CC_NE, d, a, REG_NONE, REG_NONE);
}

/* 8-byte lanes one by one. */
static void emit_ftoi64_signed(TcgEmit *e, const IrInsn *in, Reg d, Reg a)
{
    Reg x = low_lanes(e, in, a, XMM14);

    round_lanes(e, in, XMM15, x, false);
    simd_rr(e, X_F2 | X_CVTTF2SI | X_W, RAX, XMM15);
    simd_rrr(e, X_PUNPCKHQDQ, XMM15, XMM15, XMM15);
    simd_rr(e, X_F2 | X_CVTTF2SI | X_W, RCX, XMM15);
    simd_from_gpr(e, X_W, d, RAX);
    simd_from_gpr(e, X_W, XMM15, RCX);
    simd_rrr(e, X_PUNPCKLQDQ, d, d, XMM15);
    asm_alu_ri(e, ALU_CMP, X_W, RAX, 1); /* overflows for the minimum */
    uint8_t *first = asm_jcc8(e, CC_O);
    asm_alu_ri(e, ALU_CMP, X_W, RCX, 1);
    uint8_t *second = asm_jcc8(e, CC_O);
    round_lanes(e, in, XMM15, x, true);
    asm_bind8(e, first);
    asm_bind8(e, second);
    emit_ref_if(e, in, CC_O, d, a, REG_NONE, REG_NONE);
}

void emit_vf_to_int(TcgEmit *e, const IrInsn *in)
{
    if (!is_supported(in) || IR_LANES_ROUND(in->imm) == IR_ROUND_AWAY ||
        (is_f64(in) && !is_signed(in))) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    if (is_f64(in)) {
        emit_ftoi64_signed(e, in, d, a);
    } else if (is_signed(in)) {
        emit_ftoi32_signed(e, in, d, a);
    } else {
        emit_ftoi32_unsigned(e, in, d, a);
    }
}

/* Halves, which are exact, and one rounding when they are added. */
static void emit_itof32_unsigned(TcgEmit *e, Reg d, Reg x)
{
    simd_shift_i8(e, X_PSHIFTD, SHR, XMM15, x, 16);
    simd_rrm(e, X_PAND, d, x, pool_all32(e, 0xffff));
    simd_rr(e, X_CVTDQ2PS, XMM15, XMM15);
    simd_rr(e, X_CVTDQ2PS, d, d);
    simd_rrm(e, X_MULF, XMM15, XMM15, pool_all32(e, 0x47800000)); /* 2^16 */
    simd_rrr(e, X_ADDF, d, d, XMM15);
}

/* As fractions of 2^52 and 2^84. Zero would come out negative when rounding down. */
static void emit_itof64_unsigned(TcgEmit *e, Reg d, Reg x)
{
    simd_shift_i8(e, X_PSHIFTQ, SHR, XMM15, x, 32);
    simd_rrm(e, X_POR, XMM15, XMM15, pool_all64(e, UINT64_C(0x453) << 52));
    simd_rrm(e, X_PAND, d, x, pool_all64(e, UINT32_MAX));
    simd_rrm(e, X_POR, d, d, pool_all64(e, UINT64_C(0x433) << 52));
    simd_rrm(e, X_66 | X_SUBF, XMM15, XMM15, pool_all64(e, 0x4530000000100000));
    simd_rrr(e, X_66 | X_ADDF, d, d, XMM15);
    simd_rrm(e, X_ANDPS, d, d, pool_all64(e, INT64_MAX));
}

void emit_vf_from_int(TcgEmit *e, const IrInsn *in)
{
    if (!is_supported(in)) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e), x = low_lanes(e, in, a, XMM14);

    if (!is_signed(in)) {
        is_f64(in) ? emit_itof64_unsigned(e, d, x) : emit_itof32_unsigned(e, d, x);
    } else if (is_f64(in)) {
        simd_to_gpr(e, X_W, RAX, x);
        simd_rr_i8(e, X_PEXTRD | X_W, x, RCX, 1);
        simd_zero(e, d);
        simd_zero(e, XMM15);
        simd_rrr(e, X_F2 | X_CVTSI2F | X_W, d, d, RAX);
        simd_rrr(e, X_F2 | X_CVTSI2F | X_W, XMM15, XMM15, RCX);
        simd_rrr(e, X_PUNPCKLQDQ, d, d, XMM15);
    } else {
        simd_rr(e, X_CVTDQ2PS, d, x);
    }
}

/* Between the sizes: two lanes, the upper half of the narrow ones zero. */
void emit_vf_cvt(TcgEmit *e, const IrInsn *in)
{
    bool to_f64 = in->op == IR_OP_VFCVT_F64;
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    simd_rr(e, (to_f64 ? 0 : X_66) | X_CVTF2F, d, a);
    if (!to_f64) {
        fix_nan_tiny(e, in, false, d, a, REG_NONE, REG_NONE);
    } else if (e->unit->nan_rule == IR_NAN_ARM_DEFAULT) {
        simd_rrr_i8(e, X_66 | X_CMPF, XMM14, d, d, 3);
        simd_rr(e, X_PTEST, XMM14, XMM14);
        emit_ref_if(e, in, CC_NE, d, a, REG_NONE, REG_NONE);
    }
}
