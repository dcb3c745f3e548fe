// SPDX-License-Identifier: MIT
//
// FPCR, FPSR, and floating point by soft-float (Arm ARM J1, shared/functions/float).
//
// One function per format computes any ArmFpOp on a value; the two helpers that translated code
// calls, for a scalar and for the lanes of a vector, differ only in where operands come from.
#include "target/arm/fp-helpers.h"

#include "target/arm/fp-fast.h"
#include "target/arm/fp-host.h"
#include "target/arm/internal.h"
#include "util/bitops.h"

/* ---- FPCR, FPSR */

/* FZ16 is there with half-precision arithmetic. */
static uint32_t fpcr_implemented(const ArmCpu *cpu)
{
    return ARM_FPCR_AHP | ARM_FPCR_DN | ARM_FPCR_FZ | 3u << ARM_FPCR_RMODE_SHIFT |
           (arm_has(cpu, ARM_FEAT_FP16) ? ARM_FPCR_FZ16 : 0);
}

static uint32_t fpsr_with(const ArmCpu *cpu, unsigned host_flags)
{
    return cpu->fpsr | host_flags | (cpu->regs.qc ? ARM_FPSR_QC : 0);
}

uint32_t arm_fpsr_peek(const ArmCpu *cpu)
{
    return fpsr_with(cpu, arm_fp_host_flags_of(cpu->vcpu.guest_mxcsr));
}

uint64_t arm_fpsr_read(ArmCpu *cpu)
{
    return fpsr_with(cpu, arm_fp_host_flags());
}

void arm_fpsr_write(ArmCpu *cpu, uint64_t value)
{
    cpu->fpsr = value & ARM_FPSR_FLAGS;
    cpu->regs.qc = (value & ARM_FPSR_QC) != 0;
    arm_fp_host_clear_flags();
}

void arm_fpcr_write(ArmCpu *cpu, uint64_t value)
{
    cpu->fpcr = value & fpcr_implemented(cpu);
    arm_fp_host_set_rounding(cpu->fpcr >> ARM_FPCR_RMODE_SHIFT & 3);
}

void arm_fp_write_stopped(ArmCpu *cpu, uint64_t fpcr, uint64_t fpsr)
{
    uint32_t mine = arm_fp_host_exchange(cpu->vcpu.guest_mxcsr);
    arm_fpcr_write(cpu, fpcr);
    arm_fpsr_write(cpu, fpsr);
    cpu->vcpu.guest_mxcsr = arm_fp_host_exchange(mine);
}

void arm_fp_reset(ArmCpu *cpu)
{
    cpu->fpcr = 0;
    cpu->fpsr = 0;
    cpu->regs.qc = 0;
    cpu->vcpu.guest_mxcsr = arm_fp_host_reset_value();
}

static FpStatus fp_status(const ArmCpu *cpu)
{
    FpStatus s = FP_STATUS_ARM;
    s.rounding = cpu->fpcr >> ARM_FPCR_RMODE_SHIFT & 3;
    s.default_nan = cpu->fpcr & ARM_FPCR_DN;
    s.flush_inputs = s.flush_outputs = cpu->fpcr & ARM_FPCR_FZ;
    s.flush_f16 = cpu->fpcr & ARM_FPCR_FZ16;
    s.ahp = cpu->fpcr & ARM_FPCR_AHP;
    return s;
}

/* ---- One value */

static uint64_t order_flags(FpOrder order)
{
    switch (order) {
    case FP_LESS: return IR_NZCV_N | IR_NZCV_NOT_C;
    case FP_EQUAL: return IR_NZCV_Z;
    case FP_GREATER: return 0;
    default: return IR_NZCV_V;
    }
}

static FpRounding desc_rounding(const ArmFpDesc *d, const FpStatus *s)
{
    return d->mode == ARM_FP_MODE_CURRENT ? s->rounding : d->mode;
}

/* Any operation whose operands are of format `f`. */
#define DEFINE_FORMAT(f, Bits)                                                            \
    static uint64_t f##_to_int(const ArmFpDesc *d, Bits a, FpRounding mode, FpStatus *s)  \
    {                                                                                     \
        switch (d->to << 1 | d->flag) {                                                   \
        case 2: return f##_to_u16(a, d->fbits, mode, s);                                  \
        case 3: return (uint16_t)f##_to_i16(a, d->fbits, mode, s);                        \
        case 4: return f##_to_u32(a, d->fbits, mode, s);                                  \
        case 5: return (uint32_t)f##_to_i32(a, d->fbits, mode, s);                        \
        case 6: return f##_to_u64(a, d->fbits, mode, s);                                  \
        default: return (uint64_t)f##_to_i64(a, d->fbits, mode, s);                       \
        }                                                                                 \
    }                                                                                     \
                                                                                          \
    static uint64_t f##_op(const ArmFpDesc *d, Bits a, Bits b, Bits c, FpStatus *s)       \
    {                                                                                     \
        switch ((ArmFpOp)d->op) {                                                         \
        case ARM_FP_ADD: return f##_add(a, b, s);                                         \
        case ARM_FP_SUB: return f##_sub(a, b, s);                                         \
        case ARM_FP_MUL: return f##_mul(a, b, s);                                         \
        case ARM_FP_DIV: return f##_div(a, b, s);                                         \
        case ARM_FP_MULX: return f##_mulx(a, b, s);                                       \
        case ARM_FP_MAX: return f##_max(a, b, s);                                         \
        case ARM_FP_MIN: return f##_min(a, b, s);                                         \
        case ARM_FP_MAXNM: return f##_maxnm(a, b, s);                                     \
        case ARM_FP_MINNM: return f##_minnm(a, b, s);                                     \
        case ARM_FP_MULADD: return f##_muladd(a, b, c, s);                                \
        case ARM_FP_SQRT: return f##_sqrt(a, s);                                          \
        case ARM_FP_RECPS: return f##_recps(a, b, s);                                     \
        case ARM_FP_RSQRTS: return f##_rsqrts(a, b, s);                                   \
        case ARM_FP_RECPE: return f##_recpe(a, s);                                        \
        case ARM_FP_RSQRTE: return f##_rsqrte(a, s);                                      \
        case ARM_FP_RECPX: return f##_recpx(a, s);                                        \
        case ARM_FP_CMPEQ: return f##_compare(a, b, s) == FP_EQUAL ? (Bits)-1 : 0;        \
        case ARM_FP_CMPGE: return (unsigned)f##_compare_signal(a, b, s) <= FP_GREATER     \
                                  ? (Bits)-1 : 0;                                         \
        case ARM_FP_CMPGT: return f##_compare_signal(a, b, s) == FP_GREATER ? (Bits)-1 : 0; \
        case ARM_FP_FLAGS: return order_flags(f##_compare(a, b, s));                      \
        case ARM_FP_FLAGS_SIGNAL: return order_flags(f##_compare_signal(a, b, s));        \
        case ARM_FP_ROUND: return f##_round_int(a, desc_rounding(d, s), d->flag, s);      \
        case ARM_FP_TO_INT: return f##_to_int(d, a, desc_rounding(d, s), s);              \
        default: return 0;                                                                \
        }                                                                                 \
    }

DEFINE_FORMAT(f16, uint16_t)
DEFINE_FORMAT(f32, uint32_t)
DEFINE_FORMAT(f64, uint64_t)

static uint64_t from_int(const ArmFpDesc *d, uint64_t v, FpStatus *s)
{
    if (d->flag) {
        int64_t i = sign_extend(v, 8u << d->esz);
        return d->to == 1 ? f16_from_i64(i, d->fbits, s)
             : d->to == 2 ? f32_from_i64(i, d->fbits, s) : f64_from_i64(i, d->fbits, s);
    }
    v &= bit_mask(8u << d->esz);
    return d->to == 1 ? f16_from_u64(v, d->fbits, s)
         : d->to == 2 ? f32_from_u64(v, d->fbits, s) : f64_from_u64(v, d->fbits, s);
}

static uint64_t convert(const ArmFpDesc *d, uint64_t a, FpStatus *s)
{
    switch (d->esz << 2 | d->to) {
    case 1 << 2 | 2: return f16_to_f32(a, s);
    case 1 << 2 | 3: return f16_to_f64(a, s);
    case 2 << 2 | 1: return f32_to_f16(a, s);
    case 2 << 2 | 3: return f32_to_f64(a, s);
    case 3 << 2 | 1: return f64_to_f16(a, s);
    default: return f64_to_f32(a, s);
    }
}

static uint64_t round_int_n(const ArmFpDesc *d, uint64_t a, unsigned bits, FpStatus *s)
{
    FpRounding mode = desc_rounding(d, s);
    return d->esz == 2 ? f32_round_int_n(a, mode, bits, s) : f64_round_int_n(a, mode, bits, s);
}

static uint64_t to_int_js(uint64_t a, FpStatus *s)
{
    bool exact;
    uint32_t r = (uint32_t)f64_to_i32_js(a, &exact, s);
    return (uint64_t)exact << 32 | r;
}

static uint64_t fp_op(const ArmFpDesc *d, uint64_t a, uint64_t b, uint64_t c, FpStatus *s)
{
    uint64_t r;
    if (arm_fp_fast(d, a, b, c, s, &r)) {
        return r;
    }
    switch ((ArmFpOp)d->op) {
    case ARM_FP_FROM_INT: return from_int(d, a, s);
    case ARM_FP_CONVERT: return convert(d, a, s);
    case ARM_FP_CONVERT_ODD: return f64_to_f32_odd(a, s);
    case ARM_FP_CONVERT_BF16: return f32_to_bf16(a, s);
    case ARM_FP_ROUND_INT32: return round_int_n(d, a, 32, s);
    case ARM_FP_ROUND_INT64: return round_int_n(d, a, 64, s);
    case ARM_FP_RECPE_U32: return u32_recpe(a);
    case ARM_FP_RSQRTE_U32: return u32_rsqrte(a);
    case ARM_FP_TO_INT_JS: return to_int_js(a, s);
    default: break;
    }
    switch (d->esz) {
    case 1: return f16_op(d, a, b, c, s);
    case 2: return f32_op(d, a, b, c, s);
    default: return f64_op(d, a, b, c, s);
    }
}

/* ---- Helpers */

static uint64_t fp_scalar(ArmCpu *cpu, uint32_t packed, uint64_t a, uint64_t b, uint64_t c)
{
    ArmFpDesc d = arm_fp_desc_unpack(packed);
    FpStatus s = fp_status(cpu);
    uint64_t r = fp_op(&d, a, b, c, &s);
    cpu->fpsr |= s.flags;
    return r;
}

static uint64_t lane(const V128 *v, unsigned esz, unsigned i)
{
    switch (esz) {
    case 1: return v->h[i];
    case 2: return v->s[i];
    default: return v->d[i];
    }
}

static void set_lane(V128 *v, unsigned esz, unsigned i, uint64_t value)
{
    switch (esz) {
    case 1: v->h[i] = (uint16_t)value; break;
    case 2: v->s[i] = (uint32_t)value; break;
    default: v->d[i] = value; break;
    }
}

static void fp_vector(ArmCpu *cpu, uint32_t packed)
{
    ArmFpDesc d = arm_fp_desc_unpack(packed);
    FpStatus s = fp_status(cpu);
    const V128 *v = cpu->simd_scratch;
    V128 r = { { 0 } };
    if (d.esz == 1 && arm_fp_host_half(d.op, d.lanes, v, &cpu->simd_scratch[0])) {
        return;
    }
    if (d.op == ARM_FP_CONVERT && d.esz == 2 && d.to == 1 &&
        arm_fp_host_to_half(d.lanes, v, &cpu->simd_scratch[0])) {
        return;
    }
    for (unsigned i = 0; i < d.lanes; i++) {
        set_lane(&r, d.to, i, fp_op(&d, lane(&v[0], d.esz, i), lane(&v[1], d.esz, i),
                                    lane(&v[2], d.esz, i), &s));
    }
    cpu->simd_scratch[0] = r;
    cpu->fpsr |= s.flags;
}

const IrHelper arm_fp_scalar = {
    .name = "arm_fp_scalar", .fn = (void (*)(void))fp_scalar, .flags = IR_HELPER_ENV,
    .ret = IR_I64, .nargs = 4, .args = { IR_I32, IR_I64, IR_I64, IR_I64 },
};

const IrHelper arm_fp_vector = {
    .name = "arm_fp_vector", .fn = (void (*)(void))fp_vector, .flags = IR_HELPER_ENV,
    .ret = IR_VOID, .nargs = 1, .args = { IR_I32 },
};
