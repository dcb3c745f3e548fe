// SPDX-License-Identifier: MIT
//
// Host instructions for scalar floating point (SSE2, SSE4.1, FMA3; Intel SDM 2). MXCSR holds the
// guest's rounding mode and collects its flags, so an instruction here must neither raise a flag
// that the opcode does not, nor run where its opcode would not.
//
// What the host does otherwise than the opcode is found by a test and computed again out of line
// by the reference function, from operands that are still there: NaN results, unless the unit
// wants the host's own; integers out of range. Opcodes without a row go by it altogether.
//
// A fix-up that must not run the main code too stands behind it: the early test jumps over the
// main code to the fix-up's own test, which sees the same host flags, as SSE instructions leave
// them alone.
#include "tcg/x86_64/emit_vec.h"
#include "tcg/x86_64/regalloc.h"

static bool is_f64(unsigned type)
{
    return type == IR_F64;
}

/* Prefix of the scalar form. */
static uint32_t scalar(bool f64, uint32_t op)
{
    return (f64 ? X_F2 : X_F3) | op;
}

static uint32_t ucomis(bool f64)
{
    return (f64 ? X_66 : 0) | X_UCOMIS;
}

/* Recompute if d is a NaN. */
static void fix_nan(TcgEmit *e, const IrInsn *in, Reg d, Reg a, Reg b, Reg c)
{
    if (e->unit->nan_rule != IR_NAN_X86) {
        simd_rr(e, ucomis(is_f64(in->type)), d, d);
        emit_ref_if(e, in, CC_P, d, a, b, c);
    }
}

/* Recompute if d is a NaN, or the smallest normal number of either sign, for which the unit's
 * architecture may want an underflow that the host did not see: "equal" is both. */
static void fix_nan_tiny(TcgEmit *e, const IrInsn *in, bool f64, Reg d, Reg a, Reg b, Reg c)
{
    if (e->unit->nan_rule != IR_NAN_X86) {
        uint64_t sign = f64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
        simd_rrm(e, X_ANDPS, XMM14, d, emit_pool(e, ~sign, UINT64_MAX));
        simd_rm(e, ucomis(f64), XMM14, emit_pool(e, f64 ? 0x0010000000000000 : 0x00800000, 0));
        emit_ref_if(e, in, CC_E, d, a, b, c);
    }
}

/* ---- zeros above the result, which make writing a whole vector register free ----
 *
 * A scalar instruction keeps what its first operand has above. */

/* Of what operand `n` has above, what is above a result of the same type: bits 63..32 belong to
 * a double, however small the operand once was. */
static unsigned zero_above(const TcgEmit *e, const IrInsn *in, unsigned n)
{
    IrRef v = ra_canonical(e->ra, in->arg[n]);
    unsigned all = ZERO_ABOVE_64 | (in->type == IR_F32 ? ZERO_ABOVE_32 : 0);
    return ir_is_const(v) ? all : e->ra->values[v].zero_above & all;
}

/* Operands the other way round, whose NaN nobody sees: for the zeros above the second. */
static bool commutes(const TcgEmit *e, const IrInsn *in)
{
    return (in->op == IR_OP_FADD || in->op == IR_OP_FMUL) && e->unit->nan_rule != IR_NAN_X86 &&
           zero_above(e, in, 1) & ~zero_above(e, in, 0);
}

unsigned emit_fp_zero_above(const TcgEmit *e, const IrInsn *in)
{
    switch (in->op) {
    case IR_OP_FADD:
    case IR_OP_FMUL:
        return zero_above(e, in, commutes(e, in));
    case IR_OP_FSUB:
    case IR_OP_FDIV:
    case IR_OP_FSQRT:
    case IR_OP_FNEG:
    case IR_OP_FABS:
    case IR_OP_FROUND:
        return zero_above(e, in, 0);
    case IR_OP_FMADD:
        return zero_above(e, in, 2);
    case IR_OP_FMIN:
    case IR_OP_FMAX:
    case IR_OP_FMINNM:
    case IR_OP_FMAXNM:
        return zero_above(e, in, 0) & zero_above(e, in, 1);
    case IR_OP_FCVT_F64:
        return zero_above(e, in, 0) & ZERO_ABOVE_64;
    case IR_OP_ITOF:
        return ZERO_ABOVE_64 | (is_f64(in->type) ? 0 : ZERO_ABOVE_32);
    case IR_OP_VFADD:
    case IR_OP_VFSUB:
    case IR_OP_VFMUL:
    case IR_OP_VFDIV:
    case IR_OP_VFSQRT:
    case IR_OP_VFMADD:
        return in->imm << in->sub <= 8 ? ZERO_ABOVE_64 : 0;
    case IR_OP_VXTN:
    case IR_OP_VSQXTN:
    case IR_OP_VUQXTN:
    case IR_OP_VSQXTUN:
    case IR_OP_VFCVT_F32:
        return ZERO_ABOVE_64;
    default:
        return 0;
    }
}

/* d = a op b; square root: of a. */
static void emit_arith(TcgEmit *e, const IrInsn *in)
{
    static const uint32_t ops[IR_OP_COUNT] = {
        [IR_OP_FADD] = X_ADDF, [IR_OP_FSUB] = X_SUBF, [IR_OP_FMUL] = X_MULF, [IR_OP_FDIV] = X_DIVF,
    };
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    bool swap = commutes(e, in);
    simd_rrr(e, scalar(is_f64(in->type), ops[in->op]), d, swap ? b : a, swap ? a : b);
    if (in->op == IR_OP_FMUL || in->op == IR_OP_FDIV) {
        fix_nan_tiny(e, in, is_f64(in->type), d, a, b, REG_NONE);
    } else {
        fix_nan(e, in, d, a, b, REG_NONE);
    }
}

static void emit_fsqrt(TcgEmit *e, const IrInsn *in)
{
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    simd_rrr(e, scalar(is_f64(in->type), X_SQRTF), d, a, a);
    fix_nan(e, in, d, a, REG_NONE, REG_NONE);
}

static void emit_fmadd(TcgEmit *e, const IrInsn *in)
{
    if (!e->host.fma) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), c = ra_use(e, in->arg[2]);
    Reg d = ra_def(e);

    simd_mov(e, d, c);
    asm_vex_rr(e, X_VFMADD231S | (is_f64(in->type) ? X_W : 0), d, a & 15, b);
    fix_nan_tiny(e, in, is_f64(in->type), d, a, b, c);
}

/* Signs, without a look at the value. */
static void emit_sign(TcgEmit *e, const IrInsn *in)
{
    uint64_t sign = is_f64(in->type) ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
    bool neg = in->op == IR_OP_FNEG;
    Reg a = ra_use(e, in->arg[0]);

    ra_done(e);
    Reg d = ra_def_hint(e, in->arg[0]);
    simd_rrm(e, neg ? X_XORPS : X_ANDPS, d, a,
             neg ? emit_pool(e, sign, 0) : emit_pool(e, ~sign, UINT64_MAX));
}

/* The host's minimum is its second operand for two zeros and raises invalid for any NaN: so both
 * ways round, combined, and NaN not at all. */
static void emit_min_max(TcgEmit *e, const IrInsn *in)
{
    bool f64 = is_f64(in->type), min = in->op == IR_OP_FMIN || in->op == IR_OP_FMINNM;
    uint32_t op = scalar(f64, min ? X_MINF : X_MAXF);
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]), d = ra_def(e);

    simd_rr(e, ucomis(f64), a, b);
    uint8_t *nan = asm_jcc8(e, CC_P);
    simd_rrr(e, op, XMM14, a, b);
    simd_rrr(e, op, d, b, a);
    simd_rrr(e, min ? X_ORPS : X_ANDPS, d, d, XMM14);
    asm_bind8(e, nan);
    emit_ref_if(e, in, CC_P, d, a, b, REG_NONE);
}

/* The host has no "ties away": x = trunc(x) + trunc(2 (x - trunc(x))), all of it exact. For
 * magnitudes below 2^23 or 2^52; others, and NaN, are left to the fix-up. */
static void emit_fround_away(TcgEmit *e, const IrInsn *in)
{
    bool f64 = is_f64(in->type);
    uint64_t sign = f64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
    uint32_t round = f64 ? X_ROUNDSD : X_ROUNDSS;
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    simd_load(e, f64 ? 8 : 4, XMM15, emit_pool(e, f64 ? 0x4330000000000000 : 0x4b000000, 0));
    simd_rrm(e, X_ANDPS, d, a, emit_pool(e, ~sign, 0));
    simd_rr(e, ucomis(f64), XMM15, d);
    uint8_t *large = asm_jcc8(e, CC_BE);
    simd_rrr_i8(e, round, XMM14, d, d, 3 | 8);
    simd_rrr(e, scalar(f64, X_SUBF), d, d, XMM14);
    simd_rrr(e, scalar(f64, X_ADDF), d, d, d);
    simd_rrr_i8(e, round, d, d, d, 3 | 8);
    simd_rrr(e, scalar(f64, X_ADDF), d, d, XMM14);
    simd_rrm(e, X_ANDPS, d, d, emit_pool(e, ~sign, 0)); /* 0 - 0 is -0 when rounding down */
    simd_rrm(e, X_ANDPS, XMM14, a, emit_pool(e, sign, 0));
    simd_rrr(e, X_ORPS, d, d, XMM14);
    asm_bind8(e, large);
    emit_ref_if(e, in, CC_BE, d, a, REG_NONE, REG_NONE);
}

static void emit_fround(TcgEmit *e, const IrInsn *in)
{
    if (in->sub == IR_ROUND_AWAY && !(in->imm & 1)) {
        emit_fround_away(e, in);
        return;
    }
    if (in->sub == IR_ROUND_AWAY || in->sub > IR_ROUND_CURRENT) {
        emit_ref(e, in);
        return;
    }
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    simd_rrr_i8(e, is_f64(in->type) ? X_ROUNDSD : X_ROUNDSS, d, a, a,
                (uint8_t)fp_round_imm((IrRound)in->sub, in->imm & 1));
    if (e->unit->nan_rule == IR_NAN_ARM_DEFAULT) {
        fix_nan(e, in, d, a, REG_NONE, REG_NONE);
    }
}

/* To signed integers in a mode the instruction has: out of range and NaN give the minimum. */
static void emit_ftoi_direct(TcgEmit *e, const IrInsn *in, bool f64)
{
    uint32_t w = in->type == IR_I64 ? X_W : 0;
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    simd_rr(e, scalar(f64, in->sub == IR_ROUND_ZERO ? X_CVTTF2SI : X_CVTF2SI) | w, d, a);
    asm_alu_ri(e, ALU_CMP, w, d, 1); /* overflows for the minimum only */
    emit_ref_if(e, in, CC_O, d, a, REG_NONE, REG_NONE);
}

/* By way of an integral value in XMM14, which conversion leaves exact; that the operand was none
 * is noted at the end, when the result is known to be in range. */
static void emit_ftoi_rounded(TcgEmit *e, const IrInsn *in, bool f64)
{
    bool is_signed = in->imm & 1, wide = in->type == IR_I64;
    uint32_t w = wide || !is_signed ? X_W : 0, to_int = scalar(f64, X_CVTTF2SI) | w;
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);
    uint8_t *big = NULL;
    unsigned bad;

    simd_rrr_i8(e, f64 ? X_ROUNDSD : X_ROUNDSS, XMM14, a, a,
                (uint8_t)fp_round_imm((IrRound)in->sub, false));
    if (!is_signed && wide) {
        /* 2^63 and above: the signed conversion would raise invalid */
        simd_rm(e, ucomis(f64), XMM14, emit_pool(e, f64 ? 0x43e0000000000000 : 0x5f000000, 0));
        big = asm_jcc8(e, CC_AE);
    }
    simd_rr(e, to_int, d, XMM14);
    if (is_signed) {
        asm_alu_ri(e, ALU_CMP, w, d, 1);
        bad = CC_O;
    } else if (wide) {
        asm_rr_i8(e, X_W | X_BT_I8, 4, d, 63);
        asm_u8(e, 0xf5); /* cmc */
        bad = CC_AE;
    } else {
        asm_mov_rr(e, 0, RAX, d);
        asm_alu_rr(e, ALU_CMP, X_W, RAX, d);
        bad = CC_NE;
    }
    uint8_t *out_of_range = asm_jcc8(e, bad);
    simd_rr(e, to_int, RAX, a);
    asm_bind8(e, out_of_range);
    if (big) {
        asm_bind8(e, big);
    }
    emit_ref_if(e, in, bad, d, a, REG_NONE, REG_NONE);
}

/* Signed, ties away: as emit_fround_away(), the last step on integers. */
static void emit_ftoi_away(TcgEmit *e, const IrInsn *in, bool f64)
{
    uint32_t w = in->type == IR_I64 ? X_W : 0, to_int = scalar(f64, X_CVTTF2SI) | w;
    uint32_t round = f64 ? X_ROUNDSD : X_ROUNDSS;
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    simd_rrr_i8(e, round, XMM14, a, a, 3 | 8);
    simd_rr(e, to_int, d, XMM14);
    asm_alu_ri(e, ALU_CMP, w, d, 1);
    uint8_t *out_of_range = asm_jcc8(e, CC_O);
    simd_rrr(e, scalar(f64, X_SUBF), XMM15, a, XMM14);
    simd_rrr(e, scalar(f64, X_ADDF), XMM15, XMM15, XMM15);
    simd_rrr_i8(e, round, XMM15, XMM15, XMM15, 3 | 8);
    simd_rr(e, to_int, RAX, XMM15);
    asm_alu_rr(e, ALU_ADD, w, d, RAX);
    uint8_t *overflow = asm_jcc8(e, CC_O);
    simd_rr(e, to_int, RAX, a); /* notes that it was no integer */
    asm_bind8(e, out_of_range);
    asm_bind8(e, overflow);
    emit_ref_if(e, in, CC_O, d, a, REG_NONE, REG_NONE);
}

static void emit_ftoi(TcgEmit *e, const IrInsn *in)
{
    bool f64 = is_f64(ir_ref_type(e->unit, in->arg[0])), is_signed = in->imm & 1;

    if (in->sub == IR_ROUND_AWAY && is_signed) {
        emit_ftoi_away(e, in, f64);
    } else if (in->sub == IR_ROUND_AWAY || in->sub > IR_ROUND_CURRENT) {
        emit_ref(e, in);
    } else if (is_signed && (in->sub == IR_ROUND_ZERO || in->sub == IR_ROUND_CURRENT)) {
        emit_ftoi_direct(e, in, f64);
    } else {
        emit_ftoi_rounded(e, in, f64);
    }
}

static void emit_itof(TcgEmit *e, const IrInsn *in)
{
    bool is_signed = in->imm & 1, wide = ir_ref_type(e->unit, in->arg[0]) == IR_I64;
    uint32_t op = scalar(is_f64(in->type), X_CVTSI2F) | (wide || !is_signed ? X_W : 0);
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e), from = a;
    uint8_t *big = NULL;

    simd_zero(e, d);
    if (!wide && !is_signed) {
        asm_mov_rr(e, 0, RAX, a);
        from = RAX;
    } else if (!is_signed) {
        asm_test_rr(e, X_W, a, a);
        big = asm_jcc8(e, CC_S);
    }
    simd_rrr(e, op, d, d, from);
    if (big) {
        asm_bind8(e, big);
        emit_ref_if(e, in, CC_S, d, a, REG_NONE, REG_NONE);
    }
}

/* The host keeps a NaN's sign and the top of its fraction, as Arm does. */
static void emit_fcvt(TcgEmit *e, const IrInsn *in)
{
    bool to_f64 = in->op == IR_OP_FCVT_F64;
    Reg a = ra_use(e, in->arg[0]), d = ra_def(e);

    simd_rrr(e, scalar(!to_f64, X_CVTF2F), d, a, a);
    if (!to_f64) {
        fix_nan_tiny(e, in, false, d, a, REG_NONE, REG_NONE);
    } else if (e->unit->nan_rule == IR_NAN_ARM_DEFAULT) {
        simd_rr(e, ucomis(to_f64), d, d);
        emit_ref_if(e, in, CC_P, d, a, REG_NONE, REG_NONE);
    }
}

/* ---- comparison ----
 *
 * (u)comisd a, b sets ZF PF CF: less 001, equal 100, greater 000, unordered 111. Of Arm's
 * conditions those that are false for unordered operands fit this order when they ask for
 * greater, the other when they ask for less, and their opposites likewise. */

unsigned fcmp_condition(unsigned cond, bool swapped)
{
    static const uint8_t direct[2][16] = {
        { [IR_COND_GE] = CC_AE, [IR_COND_LT] = CC_B, [IR_COND_GT] = CC_A, [IR_COND_LE] = CC_BE,
          [IR_COND_VS] = CC_P, [IR_COND_VC] = CC_NP },
        { [IR_COND_CS] = CC_BE, [IR_COND_CC] = CC_A, [IR_COND_MI] = CC_A, [IR_COND_PL] = CC_BE,
          [IR_COND_HI] = CC_B, [IR_COND_LS] = CC_AE, [IR_COND_VS] = CC_P, [IR_COND_VC] = CC_NP },
    };
    return direct[swapped][cond] ? direct[swapped][cond] : CC_NONE; /* CC_O, 0, is no answer */
}

void fcmp_to_rax(TcgEmit *e, bool swapped)
{
    asm_mov_ri(e, RAX, 0);
    asm_rm(e, X_CMOV | (swapped ? CC_A : CC_B), RAX,
           emit_pool(e, IR_NZCV_N | IR_NZCV_NOT_C, 0));
    asm_rm(e, X_CMOV | CC_E, RAX, emit_pool(e, IR_NZCV_Z, 0));
    asm_rm(e, X_CMOV | CC_P, RAX, emit_pool(e, IR_NZCV_V, 0));
}

/* Does the first that looks at the result of `in` want the operands the other way round? */
static bool wants_swapped(const TcgEmit *e, const IrInsn *in)
{
    for (const IrInsn *n = in + 1;; n++) {
        bool looks = n->op == IR_OP_BRF || n->op == IR_OP_SETF || n->op == IR_OP_SELF;
        if (looks && ra_canonical(e->ra, n->arg[0]) == in->dst) {
            return n->sub < IR_COND_AL && fcmp_condition(n->sub, false) == CC_NONE &&
                   fcmp_condition(n->sub, true) != CC_NONE;
        }
        if (n->op < IR_OP_COUNT && ir_op_info[n->op].effects == IR_EFFECT_END) {
            return false;
        }
    }
}

static void emit_fcmp(TcgEmit *e, const IrInsn *in)
{
    bool swapped = wants_swapped(e, in);
    Reg a = ra_use(e, in->arg[0]), b = ra_use(e, in->arg[1]);

    simd_rr(e, (is_f64(in->type) ? X_66 : 0) | (in->imm & 1 ? X_COMIS : X_UCOMIS),
            swapped ? b : a, swapped ? a : b);
    flags_set(e, swapped ? FLAGS_FCMP_SWAPPED : FLAGS_FCMP);
}

const EmitEntry emit_fp_table[IR_OP_COUNT] = {
    [IR_OP_FADD] = { emit_arith, EMIT_FLAGS },
    [IR_OP_FSUB] = { emit_arith, EMIT_FLAGS },
    [IR_OP_FMUL] = { emit_arith, EMIT_FLAGS },
    [IR_OP_FDIV] = { emit_arith, EMIT_FLAGS },
    [IR_OP_FSQRT] = { emit_fsqrt, EMIT_FLAGS },
    [IR_OP_FMADD] = { emit_fmadd, EMIT_FLAGS },
    [IR_OP_FNEG] = { emit_sign, 0 },
    [IR_OP_FABS] = { emit_sign, 0 },
    [IR_OP_FMIN] = { emit_min_max, EMIT_FLAGS },
    [IR_OP_FMAX] = { emit_min_max, EMIT_FLAGS },
    [IR_OP_FMINNM] = { emit_min_max, EMIT_FLAGS },
    [IR_OP_FMAXNM] = { emit_min_max, EMIT_FLAGS },
    [IR_OP_FROUND] = { emit_fround, EMIT_FLAGS },
    [IR_OP_FCVT_F64] = { emit_fcvt, EMIT_FLAGS },
    [IR_OP_FCVT_F32] = { emit_fcvt, EMIT_FLAGS },
    [IR_OP_FTOI] = { emit_ftoi, EMIT_FLAGS },
    [IR_OP_ITOF] = { emit_itof, EMIT_FLAGS },
    [IR_OP_NZCV_FCMP] = { emit_fcmp, EMIT_FLAGS },
};
