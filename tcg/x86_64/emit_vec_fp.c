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

static bool is_full(const IrInsn *in)
{
    return in->imm >= (is_f64(in) ? 2 : 4);
}

/* What the emitters here know: all lanes, or the low 64 bits. */
static bool is_supported(const IrInsn *in)
{
    return in->sub >= 2 && in->sub <= 3 && (is_full(in) || in->imm == (is_f64(in) ? 1 : 2));
}

/* The operand, or its low half in `scratch`. */
static Reg low_lanes(TcgEmit *e, const IrInsn *in, Reg r, Reg scratch)
{
    if (is_full(in)) {
        return r;
    }
    simd_rr(e, X_MOVQ, scratch, r);
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
        simd_rrm(e, X_POR, y, y, emit_pool(e, 0, is_f64(in) ? UINT64_C(0x3ff) << 52
                                                            : 0x3f8000003f800000));
    }
    simd_rrr(e, packed(in, ops[in->op]), d, x, y);
    if (in->op == IR_OP_VFSUB && !is_full(in)) {
        simd_rr(e, X_MOVQ, d, d); /* 0 - 0 is -0 when rounding down */
    }
    fix_nan(e, in, d, a, b, REG_NONE);
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

    if (is_full(in)) {
        simd_mov(e, d, c);
    } else {
        simd_rr(e, X_MOVQ, d, c);
    }
    Reg x = low_lanes(e, in, a, XMM14), y = low_lanes(e, in, b, XMM15);
    asm_vex_rr(e, X_VFMADD231P | (is_f64(in) ? X_W : 0), d, x & 15, y);
    fix_nan(e, in, d, a, b, c);
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
        simd_rr(e, X_MOVQ, d, d);
    }
}
