// SPDX-License-Identifier: MIT
//
// Common parts of the FP and Advanced SIMD translation: see translate-simd.h.
//
// Floating point is inline unless the format is half precision or the IR has no such operation; then
// arm_fp_scalar or arm_fp_vector compute it by soft-float, with operands passed as bits, or in
// ArmCpu.simd_scratch.
//
// With FPCR.FZ, flushing has flags of its own on Arm. So before an operation its operands are looked
// at: zeros, and numbers so large that the result cannot be tiny, never are flushed (fp-fast.h).
// Likewise FMULX and the Newton steps treat infinities as the host does not.
// If there is an operand that inline code must not meet, the unit is left before the instruction, and that and some units to come go
// through the helpers altogether.
#include "target/arm/fp-fast.h"
#include "target/arm/translate-simd.h"

/* ---- Forms */

IrRef simd_clip(DisasContext *s, SimdForm form, unsigned esz, IrRef v)
{
    IrBuilder *b = &s->b;
    if (form == SIMD_FULL) {
        return v;
    }
    if (form == SIMD_HALF || esz == 3) {
        return ir_vlow(b, IR_V128, v);
    }
    if (esz == 2) {
        return ir_vzext(b, IR_V128, ir_vtrunc(b, IR_F32, v));
    }
    return ir_vand(b, IR_V128, v, ir_imm128(b, bit_mask(8u << esz), 0));
}

void simd_write(DisasContext *s, SimdForm form, unsigned rd, unsigned esz, IrRef v)
{
    vreg_set(s, rd, simd_clip(s, form, esz, v));
}

void simd_qc_if_differ(DisasContext *s, IrRef x, IrRef y)
{
    IrBuilder *b = &s->b;
    IrRef any = ir_vtest(b, ir_vxor(b, IR_V128, x, y));
    IrRef differ = ir_setc(b, IR_I64, any, ir_imm64(b, 0), IR_NE);
    ir_set(b, IR_I32, ir_or(b, IR_I32, ir_get(b, IR_I32, ARM_G_QC), differ), ARM_G_QC);
}

void simd_write_qc(DisasContext *s, SimdForm form, unsigned rd, unsigned esz, IrRef v, IrRef x,
                   IrRef y)
{
    IrRef cx = simd_clip(s, form, esz, x), cy = simd_clip(s, form, esz, y);
    IrRef cv = v == x ? cx : v == y ? cy : simd_clip(s, form, esz, v);
    simd_qc_if_differ(s, cx, cy);
    vreg_set(s, rd, cv);
}

/* ---- Operations */

IrRef simd_op(DisasContext *s, IrOp op, unsigned esz, uint64_t imm, IrRef x, IrRef y, IrRef z)
{
    const IrOpInfo *info = &ir_op_info[op];
    unsigned sub = info->sub == IR_SUB_ESIZE ? esz : 0;
    IrInsn *i = ir_build_insn(&s->b, op, IR_V128, sub, info->imm == IR_IMM_NONE ? 0 : imm);
    const IrRef args[3] = { x, y, z };
    for (unsigned n = 0; n < info->nargs; n++) {
        i->arg[n] = args[n];
    }
    return i->dst = ir_build_value(&s->b, IR_V128);
}

IrRef simd_helper(DisasContext *s, const IrHelper *helper, uint32_t desc, IrRef x, IrRef y,
                  IrRef z)
{
    const IrRef args[3] = { x, y, z };
    for (unsigned n = 0; n < 3; n++) {
        if (args[n] != IR_NONE) {
            ir_stenv(&s->b, IR_V128, args[n], 4, offsetof(ArmCpu, simd_scratch[n]));
        }
    }
    ir_callv(&s->b, helper, ir_imm32(&s->b, desc));
    return ir_ldenv(&s->b, IR_V128, 4, offsetof(ArmCpu, simd_scratch[0]));
}

IrRef simd_const(DisasContext *s, unsigned esz, uint64_t value)
{
    value &= bit_mask(8u << esz);
    for (unsigned bits = 8u << esz; bits < 64; bits *= 2) {
        value |= value << bits;
    }
    return ir_imm128(&s->b, value, value);
}

IrRef simd_get_half(DisasContext *s, bool q, unsigned n)
{
    IrRef v = vreg_get(s, n);
    return q ? ir_vhigh(&s->b, IR_V128, v) : v;
}

IrRef simd_widen(DisasContext *s, bool is_signed, unsigned esz, IrRef v)
{
    return simd_op1(s, is_signed ? IR_OP_VSXTL : IR_OP_VUXTL, esz, v);
}

void simd_write_narrow(DisasContext *s, bool q, unsigned rd, IrRef v)
{
    vreg_set(s, rd, q ? ir_vcat(&s->b, IR_V128, vreg_get(s, rd), v)
                      : ir_vlow(&s->b, IR_V128, v));
}

/* Only MIN * MIN saturates, rounded or not. */
void simd_write_sqdmulh(DisasContext *s, SimdForm form, unsigned rd, unsigned esz, bool round,
                        IrRef x, IrRef y)
{
    IrRef min = simd_const(s, esz, BIT((8u << esz) - 1));
    IrRef both = ir_vand(&s->b, IR_V128, simd_op2(s, IR_OP_VCMPEQ, esz, x, min),
                         simd_op2(s, IR_OP_VCMPEQ, esz, y, min));
    IrRef v = simd_op(s, IR_OP_VSQDMULH, esz, round, x, y, IR_NONE);
    simd_write_qc(s, form, rd, esz, v, both, simd_const(s, 0, 0));
}

/* ---- Floating-point values */

static IrType fp_type(unsigned esz)
{
    return esz == 2 ? IR_F32 : esz == 3 ? IR_F64 : IR_I64;
}

IrRef fp_get(DisasContext *s, unsigned esz, unsigned n)
{
    return esz == 1 ? ir_vget(&s->b, IR_I64, vreg_get(s, n), 1, 0)
                    : freg_get(s, fp_type(esz), n);
}

void fp_set(DisasContext *s, unsigned esz, unsigned rd, IrRef value)
{
    freg_set(s, rd, value);
}

IrRef fp_neg(DisasContext *s, unsigned esz, IrRef value)
{
    return esz == 1 ? ir_xor(&s->b, IR_I64, value, ir_imm64(&s->b, 0x8000))
                    : ir_fneg(&s->b, fp_type(esz), value);
}

IrRef fp_abs(DisasContext *s, unsigned esz, IrRef value)
{
    return esz == 1 ? ir_and(&s->b, IR_I64, value, ir_imm64(&s->b, 0x7fff))
                    : ir_fabs(&s->b, fp_type(esz), value);
}

static IrRef fp_const(DisasContext *s, unsigned esz, uint64_t bits)
{
    return ir_const(s->b.unit, fp_type(esz), bits, 0);
}

IrRef fp_const_zero(DisasContext *s, unsigned esz)
{
    return fp_const(s, esz, 0);
}

IrRef fp_vector_neg(DisasContext *s, unsigned esz, IrRef v)
{
    return esz == 1 ? ir_vxor(&s->b, IR_V128, v, simd_const(s, 1, 0x8000))
                    : ir_vfneg(&s->b, IR_V128, v, esz);
}

IrRef fp_vector_abs(DisasContext *s, unsigned esz, IrRef v)
{
    return esz == 1 ? ir_vand(&s->b, IR_V128, v, simd_const(s, 1, 0x7fff))
                    : ir_vfabs(&s->b, IR_V128, v, esz);
}

/* Any value as an i64 of its bits. */
static IrRef value_bits(DisasContext *s, IrRef v)
{
    IrBuilder *b = &s->b;
    switch (v == IR_NONE ? IR_VOID : ir_ref_type(b->unit, v)) {
    case IR_VOID: return ir_imm64(b, 0);
    case IR_I32: return ir_zext(b, v);
    case IR_F32: return ir_zext(b, ir_bits_i32(b, v));
    case IR_F64: return ir_bits_i64(b, v);
    default: return v;
    }
}

static IrRef value_from_bits(DisasContext *s, IrType type, IrRef v)
{
    IrBuilder *b = &s->b;
    switch (type) {
    case IR_I32: return ir_trunc(b, v);
    case IR_F32: return ir_bits_f32(b, ir_trunc(b, v));
    case IR_F64: return ir_bits_f64(b, v);
    default: return v;
    }
}

/* The bits of 2^exponent. */
static uint64_t power_of_two(unsigned esz, int exponent)
{
    return esz == 2 ? (uint64_t)(exponent + 127) << 23 : (uint64_t)(exponent + 1023) << 52;
}

/* ---- Inline operations */

/* The opcodes of operations without further details. */
static const struct {
    uint8_t scalar, vector;
} fp_ops[ARM_FP_OP_COUNT] = {
    [ARM_FP_ADD] = { IR_OP_FADD, IR_OP_VFADD },
    [ARM_FP_SUB] = { IR_OP_FSUB, IR_OP_VFSUB },
    [ARM_FP_MUL] = { IR_OP_FMUL, IR_OP_VFMUL },
    [ARM_FP_MULX] = { IR_OP_FMUL, IR_OP_VFMUL },
    [ARM_FP_DIV] = { IR_OP_FDIV, IR_OP_VFDIV },
    [ARM_FP_MAX] = { IR_OP_FMAX, IR_OP_VFMAX },
    [ARM_FP_MIN] = { IR_OP_FMIN, IR_OP_VFMIN },
    [ARM_FP_MAXNM] = { IR_OP_FMAXNM, IR_OP_VFMAXNM },
    [ARM_FP_MINNM] = { IR_OP_FMINNM, IR_OP_VFMINNM },
    [ARM_FP_MULADD] = { IR_OP_FMADD, IR_OP_VFMADD },
    [ARM_FP_SQRT] = { IR_OP_FSQRT, IR_OP_VFSQRT },
    [ARM_FP_CMPEQ] = { 0, IR_OP_VFCMPEQ },
    [ARM_FP_CMPGE] = { 0, IR_OP_VFCMPGE },
    [ARM_FP_CMPGT] = { 0, IR_OP_VFCMPGT },
};

HalfParts simd_half_parts(DisasContext *s, IrRef v)
{
    const unsigned gap = 23 - 10;
    const uint64_t rebias = (uint64_t)(127 + 127 - 15) << 23;
    IrBuilder *b = &s->b;
    IrRef wide = simd_widen(s, false, 1, v);
    HalfParts p = {
        .sign = simd_shift(s, IR_OP_VSHLI, 2,
                           ir_vand(b, IR_V128, wide, simd_const(s, 2, 0x8000)), 16),
        .bits = simd_shift(s, IR_OP_VSHLI, 2,
                           ir_vand(b, IR_V128, wide, simd_const(s, 2, 0x7fff)), gap),
    };
    p.number = ir_vfmul(b, IR_V128, p.bits, simd_const(s, 2, rebias), 2, 4);
    return p;
}

/* ---- Operands that inline code must not meet: flushed ones, and infinities where they are special */

/* Magnitudes as bits: from `low` up to below `high`, around the end if that is smaller. */
typedef struct Range {
    uint64_t low, high;
} Range;

static uint64_t exponent_bits(unsigned esz, unsigned exponent)
{
    return (uint64_t)exponent << (esz == 3 ? 52 : 23);
}

/* Numbers below this biased exponent only, or 0: no limit. */
static unsigned upper_limit(const ArmFpDesc *d)
{
    switch ((ArmFpOp)d->op) {
    case ARM_FP_MULX:
    case ARM_FP_RECPS: return d->esz == 3 ? 0x7ff : 0xff;
    case ARM_FP_RSQRTS: return d->esz == 3 ? 1534 : 190;   /* three times as much is finite */
    case ARM_FP_TO_INT: /* scaled, it is finite */
        return !d->fbits ? 0 : d->esz == 3 ? 0x7ff - 65 : 0xff - 65;
    default: return 0;
    }
}

/* What operand `n` must not be; returns how many ranges that are. */
static unsigned forbidden(const DisasContext *s, const ArmFpDesc *d, unsigned n, Range range[2])
{
    unsigned count = 0, upper = upper_limit(d);
    uint64_t sign = BIT(d->esz == 3 ? 63 : 31);
    if (s->fp_flushes) {
        Range small = { 1, exponent_bits(d->esz, arm_fp_least_exponent(d->op, d->esz)) };
        if (d->op == ARM_FP_DIV && n == 1) { /* neither small nor large, nor zero */
            small.low = exponent_bits(d->esz, arm_fp_most_divisor(d->esz) + 1);
        }
        range[count++] = small;
    }
    if (upper) {
        range[count++] = (Range){ exponent_bits(d->esz, upper), sign };
    }
    return count;
}

static void guard_scalar(DisasContext *s, unsigned esz, IrRef v, Range range)
{
    IrBuilder *b = &s->b;
    IrType type = sf_type(esz == 3);
    if (ir_is_const(v)) { /* zero: the operand of a comparison */
        return;
    }
    IrRef bits = esz == 3 ? ir_bits_i64(b, v) : ir_bits_i32(b, v);
    IrRef twice = ir_add(b, type, bits, bits);
    uint64_t length = 2 * (range.high - range.low); /* may go round zero */
    gen_cold_if(s, type, ir_sub(b, type, twice, ir_imm(b, type, 2 * range.low)),
                ir_imm(b, type, length & bit_mask(8u << esz)), IR_LTU, COLD_FP_SOFT, s->pc);
}

/* All ones in lanes that are in the range. */
static IrRef lanes_in_range(DisasContext *s, unsigned esz, IrRef v, Range range)
{
    uint64_t top = BIT((8u << esz) - 1); /* comparison is signed */
    IrRef twice = simd_op2(s, IR_OP_VADD, esz, v, v);
    IrRef from_low = simd_op2(s, IR_OP_VADD, esz, twice, simd_const(s, esz, top - 2 * range.low));
    IrRef length = simd_const(s, esz, 2 * (range.high - range.low) - top);
    return simd_op2(s, IR_OP_VCMPGT, esz, length, from_low);
}

/* Leaves if one of the low lanes is not zero. */
static void guard_lanes(DisasContext *s, const ArmFpDesc *d, IrRef bad)
{
    unsigned bytes = (unsigned)d->lanes << d->esz;
    IrRef any = bytes == 16 ? ir_vtest(&s->b, bad)
              : bytes == 8 ? ir_vtrunc(&s->b, IR_I64, bad)
              : ir_zext(&s->b, ir_vtrunc(&s->b, IR_I32, bad));
    gen_cold_if(s, IR_I64, any, ir_imm64(&s->b, 0), IR_NE, COLD_FP_SOFT, s->pc);
}

static void guard_fp(DisasContext *s, const ArmFpDesc *d, bool is_vector, IrRef a, IrRef b, IrRef c)
{
    const IrRef args[3] = { a, b, c };
    IrRef bad = IR_NONE;
    for (unsigned n = 0; n < 3 && args[n] != IR_NONE; n++) {
        Range range[2];
        unsigned count = forbidden(s, d, n, range);
        for (unsigned k = 0; k < count; k++) {
            if (!is_vector) {
                guard_scalar(s, d->esz, args[n], range[k]);
                continue;
            }
            IrRef m = lanes_in_range(s, d->esz, args[n], range[k]);
            bad = bad == IR_NONE ? m : ir_vor(&s->b, IR_V128, bad, m);
        }
    }
    if (bad != IR_NONE) {
        guard_lanes(s, d, bad);
    }
}

static IrRound ir_round(unsigned mode)
{
    static const uint8_t modes[] = {
        [FP_ROUND_NEAREST_EVEN] = IR_ROUND_NEAREST,
        [FP_ROUND_PLUS_INF] = IR_ROUND_UP,
        [FP_ROUND_MINUS_INF] = IR_ROUND_DOWN,
        [FP_ROUND_ZERO] = IR_ROUND_ZERO,
        [FP_ROUND_NEAREST_AWAY] = IR_ROUND_AWAY,
    };
    return mode == ARM_FP_MODE_CURRENT ? IR_ROUND_CURRENT : (IrRound)modes[mode];
}

static IrRef inline_scalar_op(DisasContext *s, IrOp op, unsigned esz, IrRef x, IrRef y, IrRef z)
{
    IrInsn *i = ir_build_insn(&s->b, op, fp_type(esz), 0, 0);
    const IrRef args[3] = { x, y, z };
    for (unsigned n = 0; n < ir_op_info[op].nargs; n++) {
        i->arg[n] = args[n];
    }
    return i->dst = ir_build_value(&s->b, fp_type(esz));
}

/* Scaling to fixed point is exact; infinities and NaNs have been sorted out. */
static IrRef inline_to_int(DisasContext *s, const ArmFpDesc *d, IrRef a)
{
    if (d->fbits) {
        a = ir_fmul(&s->b, fp_type(d->esz), a, fp_const(s, d->esz, power_of_two(d->esz, d->fbits)));
    }
    return ir_ftoi(&s->b, sf_type(d->to == 3), a, ir_round(d->mode), d->flag);
}

/* Scaling an integer of up to 64 bits down by up to 64 is exact. */
static IrRef inline_from_int(DisasContext *s, const ArmFpDesc *d, IrRef a)
{
    IrType type = fp_type(d->to);
    IrRef r = ir_itof(&s->b, type, a, d->flag);
    return d->fbits ? ir_fmul(&s->b, type, r,
                              fp_const(s, d->to, power_of_two(d->to, -(int)d->fbits))) : r;
}

/* FRECPS, FRSQRTS: 2 - a * b, (3 - a * b) / 2. Halving is exact. */
static IrRef inline_newton(DisasContext *s, const ArmFpDesc *d, IrRef a, IrRef b)
{
    IrBuilder *ir = &s->b;
    IrType type = fp_type(d->esz);
    uint64_t two = power_of_two(d->esz, 1);
    if (d->op == ARM_FP_RECPS) {
        return ir_fmadd(ir, type, ir_fneg(ir, type, a), b, fp_const(s, d->esz, two));
    }
    uint64_t three = two | exponent_bits(d->esz, 1) >> 1;
    IrRef r = ir_fmadd(ir, type, ir_fneg(ir, type, a), b, fp_const(s, d->esz, three));
    return ir_fmul(ir, type, r, fp_const(s, d->esz, power_of_two(d->esz, -1)));
}

static bool inlines_scalar(const ArmFpDesc *d)
{
    switch ((ArmFpOp)d->op) {
    case ARM_FP_FLAGS:
    case ARM_FP_FLAGS_SIGNAL:
    case ARM_FP_ROUND:
    case ARM_FP_RECPS:
    case ARM_FP_RSQRTS:
    case ARM_FP_TO_INT:
    case ARM_FP_CONVERT: return true;
    default: return fp_ops[d->op].scalar;
    }
}

/* From half precision; infinities and NaNs are sorted out, and then FPCR.AHP is of no account. */
static IrRef inline_from_half(DisasContext *s, IrRef v)
{
    HalfParts p = simd_half_parts(s, v);
    IrRef special = simd_op2(s, IR_OP_VCMPGT, 2, p.bits, simd_const(s, 2, HALF_SPECIAL - 1));
    gen_cold_if(s, IR_I64, ir_vtest(&s->b, special), ir_imm64(&s->b, 0), IR_NE, COLD_FP_SOFT, s->pc);
    return ir_vor(&s->b, IR_V128, p.sign, p.number);
}

/* IR_NONE where it takes a helper. */
static IrRef inline_scalar(DisasContext *s, const ArmFpDesc *d, IrRef a, IrRef b, IrRef c)
{
    if (d->op == ARM_FP_FROM_INT) {
        return d->to == 1 ? IR_NONE : inline_from_int(s, d, a);
    }
    if (!s->fp_soft && d->op == ARM_FP_CONVERT && d->esz == 1 && d->to == 2) {
        return ir_vtrunc(&s->b, IR_F32, inline_from_half(s, ir_vzext(&s->b, IR_V128, a)));
    }
    if (s->fp_soft || d->esz == 1 || d->to == 1) {
        return IR_NONE;
    }
    if (inlines_scalar(d)) {
        guard_fp(s, d, false, a, b, c);
    }
    switch ((ArmFpOp)d->op) {
    case ARM_FP_RECPS:
    case ARM_FP_RSQRTS: return inline_newton(s, d, a, b);
    case ARM_FP_FLAGS: return ir_nzcv_fcmp(&s->b, fp_type(d->esz), a, b, false);
    case ARM_FP_FLAGS_SIGNAL: return ir_nzcv_fcmp(&s->b, fp_type(d->esz), a, b, true);
    case ARM_FP_ROUND: return ir_fround(&s->b, fp_type(d->esz), a, ir_round(d->mode), d->flag);
    case ARM_FP_TO_INT: return inline_to_int(s, d, a);
    case ARM_FP_CONVERT: return d->to == 3 ? ir_fcvt_f64(&s->b, a) : ir_fcvt_f32(&s->b, a);
    default: break;
    }
    IrOp op = fp_ops[d->op].scalar;
    return op ? inline_scalar_op(s, op, d->esz, a, b, c) : IR_NONE;
}

static bool has_target_size(unsigned op)
{
    return op == ARM_FP_CONVERT || op == ARM_FP_TO_INT || op == ARM_FP_FROM_INT ||
           op == ARM_FP_CONVERT_ODD || op == ARM_FP_CONVERT_BF16;
}

static IrType result_type(const ArmFpDesc *d)
{
    switch ((ArmFpOp)d->op) {
    case ARM_FP_FLAGS:
    case ARM_FP_FLAGS_SIGNAL: return IR_I32;
    case ARM_FP_TO_INT: return sf_type(d->to == 3);
    case ARM_FP_TO_INT_JS: return IR_I64;
    default: return fp_type(d->to);
    }
}

IrRef fp_scalar(DisasContext *s, ArmFpDesc d, IrRef a, IrRef b, IrRef c)
{
    d.to = has_target_size(d.op) ? d.to : d.esz;
    IrRef r = inline_scalar(s, &d, a, b, c);
    if (r != IR_NONE) {
        return r;
    }
    IrRef desc = ir_imm32(&s->b, arm_fp_desc_pack(d));
    r = ir_callv(&s->b, &arm_fp_scalar, desc, value_bits(s, a), value_bits(s, b),
                 value_bits(s, c));
    return value_from_bits(s, result_type(&d), r);
}

/* ---- By lane */

static IrRef inline_vector_from_int(DisasContext *s, const ArmFpDesc *d, IrRef a)
{
    if (d->to == 1) {
        return IR_NONE;
    }
    IrRef r = ir_vitof(&s->b, IR_V128, a, d->esz, IR_LANES_MODE(d->lanes, IR_ROUND_CURRENT,
                                                                d->flag));
    return d->fbits ? ir_vfmul(&s->b, IR_V128, r,
                               simd_const(s, d->esz, power_of_two(d->esz, -(int)d->fbits)),
                               d->esz, d->lanes) : r;
}

static IrRef inline_vector_convert(DisasContext *s, const ArmFpDesc *d, IrRef a)
{
    if (d->lanes != 2) {
        return IR_NONE;
    }
    return d->to == 3 ? ir_vfcvt_f64(&s->b, IR_V128, a) : ir_vfcvt_f32(&s->b, IR_V128, a);
}

static IrRef inline_vector_newton(DisasContext *s, const ArmFpDesc *d, IrRef a, IrRef b)
{
    IrBuilder *ir = &s->b;
    uint64_t two = power_of_two(d->esz, 1);
    IrRef n = ir_vfneg(ir, IR_V128, a, d->esz);
    if (d->op == ARM_FP_RECPS) {
        return ir_vfmadd(ir, IR_V128, n, b, simd_const(s, d->esz, two), d->esz, d->lanes);
    }
    uint64_t three = two | exponent_bits(d->esz, 1) >> 1;
    IrRef r = ir_vfmadd(ir, IR_V128, n, b, simd_const(s, d->esz, three), d->esz, d->lanes);
    return ir_vfmul(ir, IR_V128, r, simd_const(s, d->esz, power_of_two(d->esz, -1)), d->esz,
                    d->lanes);
}

static IrRef inline_vector_to_int(DisasContext *s, const ArmFpDesc *d, IrRef a, uint64_t lanes)
{
    if (d->fbits) {
        a = ir_vfmul(&s->b, IR_V128, a, simd_const(s, d->esz, power_of_two(d->esz, d->fbits)),
                     d->esz, d->lanes);
    }
    return ir_vftoi(&s->b, IR_V128, a, d->esz, lanes);
}

static bool inlines_vector(const ArmFpDesc *d)
{
    switch ((ArmFpOp)d->op) {
    case ARM_FP_RECPS:
    case ARM_FP_RSQRTS:
    case ARM_FP_TO_INT:
    case ARM_FP_ROUND: return true;
    case ARM_FP_CONVERT: return d->lanes == 2;
    default: return fp_ops[d->op].vector;
    }
}

static IrRef inline_vector(DisasContext *s, const ArmFpDesc *d, IrRef a, IrRef b, IrRef c)
{
    uint64_t lanes = IR_LANES_MODE(d->lanes, ir_round(d->mode), d->flag);
    if (d->op == ARM_FP_FROM_INT) {
        return inline_vector_from_int(s, d, a);
    }
    if (!s->fp_soft && d->op == ARM_FP_CONVERT && d->esz == 1) {
        return inline_from_half(s, a);
    }
    if (s->fp_soft || d->esz == 1 || d->to == 1) {
        return IR_NONE;
    }
    if (inlines_vector(d)) {
        guard_fp(s, d, true, a, b, c);
    }
    switch ((ArmFpOp)d->op) {
    case ARM_FP_ROUND: return ir_vfround(&s->b, IR_V128, a, d->esz, lanes);
    case ARM_FP_RECPS:
    case ARM_FP_RSQRTS: return inline_vector_newton(s, d, a, b);
    case ARM_FP_TO_INT: return inline_vector_to_int(s, d, a, lanes);
    case ARM_FP_CONVERT: return inline_vector_convert(s, d, a);
    default: break;
    }
    IrOp op = fp_ops[d->op].vector;
    return op ? simd_op(s, op, d->esz, d->lanes, a, b, c) : IR_NONE;
}

IrRef fp_vector(DisasContext *s, ArmFpDesc d, IrRef a, IrRef b, IrRef c)
{
    d.to = has_target_size(d.op) ? d.to : d.esz;
    IrRef r = inline_vector(s, &d, a, b, c);
    if (r != IR_NONE) {
        return r;
    }
    return simd_helper(s, &arm_fp_vector, arm_fp_desc_pack(d), a, b, c);
}
