// SPDX-License-Identifier: MIT
//
// Reference semantics: floating point, scalar and by lane.
//
// Arithmetic is the host's own, one operation at a time through volatile objects so that the
// compiler neither folds, merges nor moves it: the host's mode applies and its sticky flags
// collect. What hosts disagree about is done on bits: which NaN comes out (FPProcessNaNs,
// FPProcessNaNs3 of the Arm ARM J1.1.3), minimum and maximum, rounding to integers, saturation.
// A value that goes through bits is first multiplied by one, which changes nothing but that the
// host flushes a denormal if its mode says so, and notes a signalling NaN.
#include <math.h>
#include "tcg/ref/host_mode.h"
#include "tcg/ref/internal.h"

/* A binary interchange format; values are the low bits of a uint64_t. */
typedef struct Format {
    unsigned bits, fraction; /* width, fraction bits */
    uint64_t sign, infinity, quiet;
} Format;

static const Format f32_format = { 32, 23, 0x80000000, 0x7f800000, 0x00400000 };
static const Format f64_format = {
    64, 52, UINT64_C(1) << 63, UINT64_C(0x7ff) << 52, UINT64_C(1) << 51,
};

typedef enum FpOp {
    FP_ADD, FP_SUB, FP_MUL, FP_DIV, FP_SQRT, FP_MULADD, FP_MIN, FP_MAX, FP_MINNM, FP_MAXNM
} FpOp;

static const Format *format_of(unsigned type)
{
    return type == IR_F32 ? &f32_format : &f64_format;
}

static const Format *lane_format(const IrRefCtl *ctl)
{
    return ref_esize(ctl) == 2 ? &f32_format : &f64_format;
}

static bool is_nan(const Format *f, uint64_t v)
{
    return (v & ~f->sign) > f->infinity;
}

static bool is_signalling(const Format *f, uint64_t v)
{
    return is_nan(f, v) && !(v & f->quiet);
}

static bool is_infinite(const Format *f, uint64_t v)
{
    return (v & ~f->sign) == f->infinity;
}

static bool is_zero(const Format *f, uint64_t v)
{
    return (v & ~f->sign) == 0;
}

/* ---- The host's arithmetic */

static float f32_of(uint64_t bits)
{
    uint32_t b = (uint32_t)bits;
    float v;
    memcpy(&v, &b, sizeof(v));
    return v;
}

static double f64_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static uint64_t bits_of_f32(float v)
{
    uint32_t b;
    memcpy(&b, &v, sizeof(b));
    return b;
}

static uint64_t bits_of_f64(double v)
{
    uint64_t b;
    memcpy(&b, &v, sizeof(b));
    return b;
}

static uint64_t host_f32(FpOp op, uint64_t abits, uint64_t bbits, uint64_t cbits)
{
    volatile float a = f32_of(abits), b = f32_of(bbits), c = f32_of(cbits), r;

    switch (op) {
    case FP_ADD: r = a + b; break;
    case FP_SUB: r = a - b; break;
    case FP_MUL: r = a * b; break;
    case FP_DIV: r = a / b; break;
    case FP_SQRT: r = sqrtf(a); break;
    default: r = fmaf(a, b, c); break;
    }
    return bits_of_f32(r);
}

static uint64_t host_f64(FpOp op, uint64_t abits, uint64_t bbits, uint64_t cbits)
{
    volatile double a = f64_of(abits), b = f64_of(bbits), c = f64_of(cbits), r;

    switch (op) {
    case FP_ADD: r = a + b; break;
    case FP_SUB: r = a - b; break;
    case FP_MUL: r = a * b; break;
    case FP_DIV: r = a / b; break;
    case FP_SQRT: r = sqrt(a); break;
    default: r = fma(a, b, c); break;
    }
    return bits_of_f64(r);
}

static uint64_t host_op(const Format *f, FpOp op, uint64_t a, uint64_t b, uint64_t c)
{
    return f == &f32_format ? host_f32(op, a, b, c) : host_f64(op, a, b, c);
}

/* The value as the host's arithmetic takes it: flushed if denormals are, invalid noted. */
static uint64_t host_input(const Format *f, uint64_t v)
{
    uint64_t one = f == &f32_format ? 0x3f800000 : UINT64_C(0x3ff) << 52;
    return host_op(f, FP_MUL, v, one, 0);
}

static void raise_invalid(void)
{
    host_op(&f64_format, FP_DIV, 0, 0, 0);
}

static void raise_inexact(void)
{
    host_op(&f64_format, FP_ADD, UINT64_C(0x3ff) << 52, UINT64_C(0x3bf) << 52, 0);
}

/* ---- Underflow. Hosts like x86 detect tininess after rounding, Arm before: they differ where
 * rounding made the smallest normal number out of something smaller. Rounded towards zero the
 * same operation is tiny for both, and raises what it raised before. */

static bool may_be_tiny(const Format *f, uint64_t r, IrNanRule rule)
{
    return rule != IR_NAN_X86 && (r & ~f->sign) == BIT(f->fraction);
}

static void raise_if_tiny(const Format *f, FpOp op, uint64_t a, uint64_t b, uint64_t c)
{
    IrRound mode = ref_host_round();
    ref_host_set_round(IR_ROUND_ZERO);
    host_op(f, op, a, b, c);
    ref_host_set_round(mode);
}

/* ---- NaN results */

static uint64_t default_nan(const Format *f, IrNanRule rule)
{
    return f->infinity | f->quiet | (rule == IR_NAN_X86 ? f->sign : 0);
}

/* The result of an operation on v[0 .. n-1] that is a NaN: the first signalling operand, else
 * the first quiet one (Arm), the first of either (x86), quieted; the default if there is none. */
static uint64_t choose_nan(const Format *f, IrNanRule rule, const uint64_t *v, unsigned n)
{
    if (rule == IR_NAN_ARM_DEFAULT) {
        return default_nan(f, rule);
    }
    for (unsigned i = 0; i < n && rule == IR_NAN_ARM; i++) {
        if (is_signalling(f, v[i])) {
            return v[i] | f->quiet;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (is_nan(f, v[i])) {
            return v[i] | f->quiet;
        }
    }
    return default_nan(f, rule);
}

static bool is_invalid_product(const Format *f, uint64_t a, uint64_t b)
{
    return (is_infinite(f, a) && is_zero(f, host_input(f, b))) ||
           (is_infinite(f, b) && is_zero(f, host_input(f, a)));
}

/* a * b + c is a NaN. Arm looks at the addend first, and has the invalid product win over a
 * quiet addend (FPMulAdd). */
static uint64_t choose_nan_muladd(const Format *f, IrNanRule rule, uint64_t a, uint64_t b,
                                  uint64_t c)
{
    if (rule == IR_NAN_X86) {
        return choose_nan(f, rule, (const uint64_t[]){ a, b, c }, 3);
    }
    if (is_nan(f, c) && !is_signalling(f, c) && is_invalid_product(f, a, b)) {
        raise_invalid();
        return default_nan(f, rule);
    }
    return choose_nan(f, rule, (const uint64_t[]){ c, a, b }, 3);
}

/* ---- Operations on one value */

/* FPMin, FPMax, FPMinNum, FPMaxNum. */
static uint64_t min_max(const Format *f, FpOp op, uint64_t a, uint64_t b, IrNanRule rule)
{
    bool smaller = op == FP_MIN || op == FP_MINNM;
    bool quiet_a = is_nan(f, a) && !is_signalling(f, a);
    bool quiet_b = is_nan(f, b) && !is_signalling(f, b);

    if ((op == FP_MINNM || op == FP_MAXNM) && quiet_a != quiet_b) {
        uint64_t weakest = f->infinity | (smaller ? 0 : f->sign);
        *(quiet_a ? &a : &b) = weakest;
    }
    uint64_t x = host_input(f, a), y = host_input(f, b);
    if (is_nan(f, x) || is_nan(f, y)) {
        return choose_nan(f, rule, (const uint64_t[]){ a, b }, 2);
    }
    /* sign and magnitude to an order: negative values descend */
    int64_t kx = sign_extend(x, f->bits), ky = sign_extend(y, f->bits);
    kx = kx < 0 ? ~(int64_t)(x & ~f->sign) : kx;
    ky = ky < 0 ? ~(int64_t)(y & ~f->sign) : ky;
    return (kx < ky) == smaller ? x : y;
}

static uint64_t fp_lane(const Format *f, FpOp op, uint64_t a, uint64_t b, uint64_t c,
                        IrNanRule rule)
{
    if (op >= FP_MIN) {
        return min_max(f, op, a, b, rule);
    }
    uint64_t r = host_op(f, op, a, b, c);
    if (may_be_tiny(f, r, rule)) {
        raise_if_tiny(f, op, a, b, c);
    }
    if (!is_nan(f, r)) {
        return r;
    }
    return op == FP_MULADD ? choose_nan_muladd(f, rule, a, b, c)
                           : choose_nan(f, rule, (const uint64_t[]){ a, b }, op == FP_SQRT ? 1 : 2);
}

/* Whether `magnitude` with the discarded `rest` of a unit, in halves (0 none, 1 less than one,
 * 2 one, 3 more), is rounded away from zero. */
static bool round_up(IrRound mode, bool negative, bool odd, unsigned rest)
{
    switch (mode) {
    case IR_ROUND_NEAREST: return rest > 2 || (rest == 2 && odd);
    case IR_ROUND_AWAY: return rest >= 2;
    case IR_ROUND_UP: return rest && !negative;
    case IR_ROUND_DOWN: return rest && negative;
    default: return false;
    }
}

static IrRound round_mode(const IrRefCtl *ctl)
{
    return ctl->sub < IR_ROUND_CURRENT ? (IrRound)ctl->sub : ref_host_round();
}

/* The `low` bits below `point` as `rest` of round_up(). */
static unsigned rest_of(uint64_t low, uint64_t half)
{
    return low == 0 ? 0 : low < half ? 1 : low == half ? 2 : 3;
}

/* |v| of a finite v as an integer, rounded; false when it does not fit 64 bits. */
static bool magnitude(const Format *f, uint64_t v, IrRound mode, uint64_t *out, bool *inexact)
{
    int bias = (1 << (f->bits - f->fraction - 2)) - 1;
    int exponent = (int)((v & f->infinity) >> f->fraction);
    uint64_t m = v & bit_mask(f->fraction);

    m |= exponent ? BIT(f->fraction) : 0;
    int shift = (exponent ? exponent : 1) - bias - (int)f->fraction;
    *inexact = false;
    if (shift >= 0) {
        if (shift > 63 - (int)f->fraction) {
            return false;
        }
        *out = m << shift;
        return true;
    }
    unsigned n = (unsigned)MIN(-shift, 63); /* more than `fraction` + 2: all below a half */
    unsigned rest = rest_of(m & bit_mask(n), BIT(n - 1));
    *inexact = rest != 0;
    *out = m >> n;
    *out += round_up(mode, v & f->sign, *out & 1, rest);
    return true;
}

/* FPRoundInt. The bits of an integral value above its point stay; a carry runs into the
 * exponent, which is right. */
static uint64_t round_to_integral(const Format *f, uint64_t a, const IrRefCtl *ctl)
{
    uint64_t v = host_input(f, a), sign = v & f->sign;
    int bias = (1 << (f->bits - f->fraction - 2)) - 1;
    int exponent = (int)((v & f->infinity) >> f->fraction) - bias;
    bool inexact;

    if (is_nan(f, v)) {
        return choose_nan(f, ctl->nan_rule, &a, 1);
    }
    if (exponent >= (int)f->fraction) { /* infinities too */
        return v;
    }
    uint64_t r;
    magnitude(f, v, round_mode(ctl), &r, &inexact);
    if (inexact && ctl->imm & 1) {
        raise_inexact();
    }
    if (!inexact) {
        return v;
    }
    /* r is at most 2^fraction: converting it is exact */
    return sign | (f == &f32_format ? bits_of_f32((float)(int64_t)r)
                                    : bits_of_f64((double)(int64_t)r));
}

/* FPToFixed without fraction bits. */
static uint64_t to_integer(const Format *f, uint64_t a, unsigned bits, const IrRefCtl *ctl)
{
    uint64_t v = host_input(f, a), m = 0;
    bool is_signed = ctl->imm & 1, negative = v & f->sign, inexact = false;
    uint64_t most = is_signed ? bit_mask(bits - 1) + negative : negative ? 0 : bit_mask(bits);

    if (is_nan(f, v)) {
        raise_invalid();
        return 0;
    }
    if (is_infinite(f, v) || !magnitude(f, v, round_mode(ctl), &m, &inexact) || m > most) {
        raise_invalid();
        m = most;
    } else if (inexact) {
        raise_inexact();
    }
    return (negative ? 0 - m : m) & bit_mask(bits);
}

/* Unsigned values with the top bit: half of it, the lost bit kept sticky, rounds the same. */
static uint64_t from_integer(const Format *f, uint64_t v, bool is_signed)
{
    bool big = !is_signed && v >> 63;
    volatile int64_t i = big ? (int64_t)(v >> 1 | (v & 1)) : (int64_t)v;
    uint64_t r;

    if (f == &f32_format) {
        volatile float x = (float)i;
        r = bits_of_f32(x);
    } else {
        volatile double x = (double)i;
        r = bits_of_f64(x);
    }
    return big ? host_op(f, FP_ADD, r, r, 0) : r;
}

typedef enum FpRelation { FP_LESS, FP_EQUAL, FP_GREATER, FP_UNORDERED } FpRelation;

static FpRelation compare(const Format *f, uint64_t a, uint64_t b, bool signal)
{
    if (is_nan(f, a) || is_nan(f, b)) {
        if (signal || is_signalling(f, a) || is_signalling(f, b)) {
            raise_invalid();
        }
        return FP_UNORDERED;
    }
    volatile double x, y;
    if (f == &f32_format) {
        /* flushed, if at all, as single precision */
        x = f32_of(host_input(f, a));
        y = f32_of(host_input(f, b));
    } else {
        x = f64_of(a);
        y = f64_of(b);
    }
    return x < y ? FP_LESS : x == y ? FP_EQUAL : FP_GREATER;
}

/* ---- Opcodes */

#define SCALAR(name, op)                                                                  \
    REF_FN(name)                                                                          \
    {                                                                                     \
        const Format *f = format_of(ctl->type);                                           \
        uint64_t mask = bit_mask(f->bits);                                                \
        uint64_t r = fp_lane(f, op, a->d[0] & mask, b ? b->d[0] & mask : 0,               \
                             c ? c->d[0] & mask : 0, ctl->nan_rule);                      \
        *d = (V128){ .d = { r, 0 } };                                                     \
    }

SCALAR(fadd, FP_ADD)
SCALAR(fsub, FP_SUB)
SCALAR(fmul, FP_MUL)
SCALAR(fdiv, FP_DIV)
SCALAR(fsqrt, FP_SQRT)
SCALAR(fmadd, FP_MULADD)
SCALAR(fmin, FP_MIN)
SCALAR(fmax, FP_MAX)
SCALAR(fminnm, FP_MINNM)
SCALAR(fmaxnm, FP_MAXNM)

/* The low lanes that an instruction names; the others become 0. */
static unsigned lanes_of(const IrRefCtl *ctl, const Format *f)
{
    return MIN((unsigned)ctl->imm, 128 / f->bits);
}

static unsigned log2_bytes(const Format *f)
{
    return f == &f32_format ? 2 : 3;
}

#define VECTOR(name, op)                                                                  \
    REF_FN(name)                                                                          \
    {                                                                                     \
        const Format *f = lane_format(ctl);                                               \
        unsigned es = log2_bytes(f);                                                      \
        V128 r = { { 0 } };                                                               \
        for (unsigned i = 0; i < lanes_of(ctl, f); i++) {                                 \
            ref_lane_set(&r, es, i, fp_lane(f, op, ref_lane_u(a, es, i),                  \
                                            b ? ref_lane_u(b, es, i) : 0,                 \
                                            c ? ref_lane_u(c, es, i) : 0,                 \
                                            ctl->nan_rule));                              \
        }                                                                                 \
        *d = r;                                                                           \
    }

VECTOR(vfadd, FP_ADD)
VECTOR(vfsub, FP_SUB)
VECTOR(vfmul, FP_MUL)
VECTOR(vfdiv, FP_DIV)
VECTOR(vfsqrt, FP_SQRT)
VECTOR(vfmadd, FP_MULADD)
VECTOR(vfmin, FP_MIN)
VECTOR(vfmax, FP_MAX)
VECTOR(vfminnm, FP_MINNM)
VECTOR(vfmaxnm, FP_MAXNM)

#define COMPARE(name, signal, holds)                                                      \
    REF_FN(name)                                                                          \
    {                                                                                     \
        const Format *f = lane_format(ctl);                                               \
        unsigned es = log2_bytes(f);                                                      \
        V128 r = { { 0 } };                                                               \
        for (unsigned i = 0; i < lanes_of(ctl, f); i++) {                                 \
            FpRelation is = compare(f, ref_lane_u(a, es, i), ref_lane_u(b, es, i), signal); \
            ref_lane_set(&r, es, i, holds ? UINT64_MAX : 0);                              \
        }                                                                                 \
        *d = r;                                                                           \
    }

COMPARE(vfcmpeq, false, is == FP_EQUAL)
COMPARE(vfcmpge, true, is == FP_GREATER || is == FP_EQUAL)
COMPARE(vfcmpgt, true, is == FP_GREATER)

REF_FN(nzcv_fcmp)
{
    static const uint32_t flags[] = {
        [FP_LESS] = IR_NZCV_N | IR_NZCV_NOT_C,
        [FP_EQUAL] = IR_NZCV_Z,
        [FP_GREATER] = 0,
        [FP_UNORDERED] = IR_NZCV_V,
    };
    const Format *f = format_of(ctl->type);
    uint64_t mask = bit_mask(f->bits);
    *d = (V128){ .s = { flags[compare(f, a->d[0] & mask, b->d[0] & mask, ctl->imm & 1)] } };
}

REF_FN(fneg)
{
    const Format *f = format_of(ctl->type);
    *d = (V128){ .d = { (a->d[0] & bit_mask(f->bits)) ^ f->sign, 0 } };
}

REF_FN(fabs)
{
    const Format *f = format_of(ctl->type);
    *d = (V128){ .d = { a->d[0] & bit_mask(f->bits) & ~f->sign, 0 } };
}

static uint64_t sign_of_lanes(const IrRefCtl *ctl)
{
    return ref_esize(ctl) == 3 ? f64_format.sign : f32_format.sign * UINT64_C(0x100000001);
}

REF_FN(vfneg)
{
    uint64_t sign = sign_of_lanes(ctl);
    *d = (V128){ .d = { a->d[0] ^ sign, a->d[1] ^ sign } };
}

REF_FN(vfabs)
{
    uint64_t sign = sign_of_lanes(ctl);
    *d = (V128){ .d = { a->d[0] & ~sign, a->d[1] & ~sign } };
}

REF_FN(fround)
{
    const Format *f = format_of(ctl->type);
    *d = (V128){ .d = { round_to_integral(f, a->d[0] & bit_mask(f->bits), ctl), 0 } };
}

REF_FN(ftoi)
{
    const Format *f = format_of(ctl->arg_type);
    uint64_t r = to_integer(f, a->d[0] & bit_mask(f->bits), ctl->type == IR_I32 ? 32 : 64, ctl);
    *d = (V128){ .d = { r, 0 } };
}

REF_FN(itof)
{
    uint64_t v = a->d[0];
    if (ctl->arg_type == IR_I32) {
        v = ctl->imm & 1 ? (uint64_t)(int32_t)v : (uint32_t)v;
    }
    *d = (V128){ .d = { from_integer(format_of(ctl->type), v, ctl->imm & 1), 0 } };
}

/* The low lanes by the scalar opcode: its sub is the mode, its imm the flag. */
#define CONVERT(name, expr)                                                               \
    REF_FN(name)                                                                          \
    {                                                                                     \
        const Format *f = lane_format(ctl);                                               \
        unsigned es = log2_bytes(f), n = MIN(IR_LANES_COUNT(ctl->imm), 128 / f->bits);    \
        IrRefCtl one = *ctl;                                                              \
        one.sub = IR_LANES_ROUND(ctl->imm);                                               \
        one.imm = IR_LANES_FLAG(ctl->imm);                                                \
        V128 r = { { 0 } };                                                               \
        for (unsigned i = 0; i < n; i++) {                                                \
            ref_lane_set(&r, es, i, expr);                                                \
        }                                                                                 \
        *d = r;                                                                           \
    }

CONVERT(vfround, round_to_integral(f, ref_lane_u(a, es, i), &one))
CONVERT(vftoi, to_integer(f, ref_lane_u(a, es, i), f->bits, &one))
CONVERT(vitof, from_integer(f, one.imm ? (uint64_t)ref_lane_s(a, es, i) : ref_lane_u(a, es, i),
                            one.imm))

/* FPConvert keeps the sign and the top of the fraction of a NaN, as the host does. */
static uint64_t widen(uint64_t v, IrNanRule rule)
{
    volatile float x = f32_of(v);
    volatile double y = x;
    uint64_t r = bits_of_f64(y);
    bool replace = is_nan(&f64_format, r) && rule == IR_NAN_ARM_DEFAULT;
    return replace ? default_nan(&f64_format, rule) : r;
}

static uint64_t host_narrow(uint64_t v)
{
    volatile double x = f64_of(v);
    volatile float y = (float)x;
    return bits_of_f32(y);
}

static uint64_t narrow(uint64_t v, IrNanRule rule)
{
    uint64_t r = host_narrow(v);
    if (may_be_tiny(&f32_format, r, rule)) {
        IrRound mode = ref_host_round();
        ref_host_set_round(IR_ROUND_ZERO);
        host_narrow(v);
        ref_host_set_round(mode);
    }
    bool replace = is_nan(&f32_format, r) && rule == IR_NAN_ARM_DEFAULT;
    return replace ? default_nan(&f32_format, rule) : r;
}

REF_FN(fcvt_f64)
{
    *d = (V128){ .d = { widen(a->s[0], ctl->nan_rule), 0 } };
}

REF_FN(fcvt_f32)
{
    *d = (V128){ .d = { narrow(a->d[0], ctl->nan_rule), 0 } };
}

REF_FN(vfcvt_f64)
{
    uint64_t lo = widen(a->s[0], ctl->nan_rule), hi = widen(a->s[1], ctl->nan_rule);
    *d = (V128){ .d = { lo, hi } };
}

REF_FN(vfcvt_f32)
{
    uint64_t lo = narrow(a->d[0], ctl->nan_rule), hi = narrow(a->d[1], ctl->nan_rule);
    *d = (V128){ .d = { lo | hi << 32, 0 } };
}
