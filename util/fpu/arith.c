// SPDX-License-Identifier: MIT
//
// Soft-float arithmetic: add, multiply, divide, square root, fused multiply-add and the Newton
// steps FRECPS and FRSQRTS. Follows FPAdd ... FPRSqrtStepFused of the Arm ARM (DDI 0487, J1).
//
// The functions on FpParts take no NaNs and no invalid combinations; those are sorted out first.
#include "util/fpu/parts.h"

#include "util/bitops.h"

static FpParts normalise(FpParts p)
{
    unsigned shift = clz128(p.frac);
    p.frac <<= shift;
    p.exp -= (int32_t)shift;
    return p;
}

/* a + b where both are normal and of one sign. */
static FpParts add_magnitudes(FpParts a, FpParts b)
{
    if (a.exp < b.exp) {
        FpParts t = a;
        a = b;
        b = t;
    }
    FpFrac addend = fp_shift_right_sticky(b.frac, (unsigned)(a.exp - b.exp));
    FpFrac sum = a.frac + addend;
    if (sum < addend) {
        sum = FP_FRAC_TOP | fp_shift_right_sticky(sum, 1);
        a.exp++;
    }
    a.frac = sum;
    return a;
}

/* a + b where both are normal and of opposite sign. */
static FpParts subtract_magnitudes(FpParts a, FpParts b, FpRounding rounding)
{
    if (a.exp < b.exp || (a.exp == b.exp && a.frac < b.frac)) {
        FpParts t = a;
        a = b;
        b = t;
    }
    /*
     * Bit 0 of `a` is clear (an operand, or a product of operands, is shorter), so a sticky bit
     * in the subtrahend comes out as a sticky bit of the difference.
     */
    a.frac -= fp_shift_right_sticky(b.frac, (unsigned)(a.exp - b.exp));
    if (!a.frac) {
        return fp_zero(rounding == FP_ROUND_MINUS_INF);
    }
    return normalise(a);
}

static FpParts add_parts(FpParts a, FpParts b, FpRounding rounding)
{
    if (a.cls == FP_CLASS_INF || (b.cls == FP_CLASS_ZERO && a.cls != FP_CLASS_ZERO)) {
        return a;
    }
    if (b.cls == FP_CLASS_INF || (a.cls == FP_CLASS_ZERO && b.cls != FP_CLASS_ZERO)) {
        return b;
    }
    if (a.cls == FP_CLASS_ZERO) {
        return fp_zero(a.sign == b.sign ? a.sign : rounding == FP_ROUND_MINUS_INF);
    }
    return a.sign == b.sign ? add_magnitudes(a, b) : subtract_magnitudes(a, b, rounding);
}

static FpParts mul_parts(FpParts a, FpParts b)
{
    FpParts r = { .sign = a.sign ^ b.sign };
    if (a.cls == FP_CLASS_INF || b.cls == FP_CLASS_INF) {
        r.cls = FP_CLASS_INF;
    } else if (a.cls == FP_CLASS_ZERO || b.cls == FP_CLASS_ZERO) {
        r.cls = FP_CLASS_ZERO;
    } else {
        /* Significands have at most 64 bits: the product is exact. */
        r.cls = FP_CLASS_NORMAL;
        r.exp = a.exp + b.exp + 1;
        r.frac = (FpFrac)(uint64_t)(a.frac >> 64) * (uint64_t)(b.frac >> 64);
        r = normalise(r);
    }
    return r;
}

static bool is_zero_times_infinity(FpParts a, FpParts b)
{
    return (a.cls == FP_CLASS_INF && b.cls == FP_CLASS_ZERO) ||
           (a.cls == FP_CLASS_ZERO && b.cls == FP_CLASS_INF);
}

static bool is_infinity_minus_infinity(FpParts a, FpParts b)
{
    return a.cls == FP_CLASS_INF && b.cls == FP_CLASS_INF && a.sign != b.sign;
}

static uint64_t fp_addsub(const FpFormat *f, uint64_t a, uint64_t b, bool subtract, FpStatus *s)
{
    FpParts pa = fp_unpack(f, a, s);
    FpParts pb = fp_unpack(f, b, s);
    FpParts r;
    if (fp_is_nan(&pa) || fp_is_nan(&pb)) {
        r = fp_process_nans(pa, pb, s);
    } else {
        pb.sign ^= subtract;
        r = is_infinity_minus_infinity(pa, pb) ? fp_invalid(s) : add_parts(pa, pb, s->rounding);
    }
    return fp_pack(f, r, s->rounding, s);
}

static uint64_t fp_mul(const FpFormat *f, uint64_t a, uint64_t b, bool extended, FpStatus *s)
{
    FpParts pa = fp_unpack(f, a, s);
    FpParts pb = fp_unpack(f, b, s);
    FpParts r;
    if (fp_is_nan(&pa) || fp_is_nan(&pb)) {
        r = fp_process_nans(pa, pb, s);
    } else if (is_zero_times_infinity(pa, pb)) {
        r = extended ? fp_number(pa.sign ^ pb.sign, 2, 0) : fp_invalid(s);
    } else {
        r = mul_parts(pa, pb);
    }
    return fp_pack(f, r, s->rounding, s);
}

static FpParts div_parts(FpParts a, FpParts b, FpStatus *s)
{
    bool sign = a.sign ^ b.sign;
    if (a.cls == b.cls && a.cls != FP_CLASS_NORMAL) {
        return fp_invalid(s);
    }
    if (a.cls == FP_CLASS_INF) {
        return fp_infinity(sign);
    }
    if (a.cls == FP_CLASS_ZERO || b.cls == FP_CLASS_INF) {
        return fp_zero(sign);
    }
    if (b.cls == FP_CLASS_ZERO) {
        fp_raise(s, FP_FLAG_DIVBYZERO);
        return fp_infinity(sign);
    }
    /* Long division, two digits of 64 bits; significands have at most 64 bits. */
    FpFrac divisor = b.frac >> 64;
    FpFrac n = a.frac >> 1;
    FpFrac high = n / divisor;
    FpFrac rest = n % divisor;
    FpFrac low = 0;
    if (rest) {
        low = (rest << 64) / divisor;
        rest = (rest << 64) % divisor;
    }
    FpParts r = { .cls = FP_CLASS_NORMAL, .sign = sign, .exp = a.exp - b.exp,
                  .frac = high << 64 | low | (rest != 0) };
    return normalise(r);
}

static uint64_t fp_div(const FpFormat *f, uint64_t a, uint64_t b, FpStatus *s)
{
    FpParts pa = fp_unpack(f, a, s);
    FpParts pb = fp_unpack(f, b, s);
    FpParts r;
    if (fp_is_nan(&pa) || fp_is_nan(&pb)) {
        r = fp_process_nans(pa, pb, s);
    } else {
        r = div_parts(pa, pb, s);
    }
    return fp_pack(f, r, s->rounding, s);
}

/* The root of a normal positive number to `digits` bits and a sticky one. */
static FpParts sqrt_parts(FpParts a, unsigned digits)
{
    /* The radicand in 1..4, two bits before the point; the exponent becomes even. */
    FpFrac radicand = a.exp & 1 ? a.frac : a.frac >> 1;
    FpFrac root = 0, rest = 0;
    for (unsigned i = 0; i < digits; i++) {
        rest = rest << 2 | radicand >> 126;
        radicand <<= 2;
        FpFrac trial = root << 2 | 1;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    a.exp = (a.exp - (a.exp & 1)) / 2;
    a.frac = root << (128 - digits) | (rest || radicand);
    return a;
}

static uint64_t fp_sqrt(const FpFormat *f, uint64_t a, FpStatus *s)
{
    FpParts p = fp_unpack(f, a, s);
    if (fp_is_nan(&p)) {
        p = fp_process_nan(p, s);
    } else if (p.cls != FP_CLASS_ZERO && p.sign) {
        p = fp_invalid(s);
    } else if (p.cls == FP_CLASS_NORMAL) {
        p = sqrt_parts(p, f->frac_bits + 3u);
    }
    return fp_pack(f, p, s->rounding, s);
}

static uint64_t fp_muladd(const FpFormat *f, uint64_t a, uint64_t b, uint64_t c, FpStatus *s)
{
    FpParts pc = fp_unpack(f, c, s);
    FpParts pa = fp_unpack(f, a, s);
    FpParts pb = fp_unpack(f, b, s);
    FpParts r;
    if (fp_is_nan(&pa) || fp_is_nan(&pb) || fp_is_nan(&pc)) {
        r = fp_process_nans_muladd(pa, pb, pc, s);
    } else if (is_zero_times_infinity(pa, pb)) {
        r = fp_invalid(s);
    } else {
        FpParts product = mul_parts(pa, pb);
        r = is_infinity_minus_infinity(product, pc) ? fp_invalid(s)
                                                    : add_parts(product, pc, s->rounding);
    }
    return fp_pack(f, r, s->rounding, s);
}

/* (constant - a * b) / 2^halvings, where inf * 0 counts as zero. */
static uint64_t fp_newton_step(const FpFormat *f, uint64_t a, uint64_t b, unsigned constant,
                               unsigned halvings, FpStatus *s)
{
    FpParts pa = fp_unpack(f, a, s);
    FpParts pb = fp_unpack(f, b, s);
    FpParts r;
    pa.sign = !pa.sign; /* of a NaN, too */
    if (fp_is_nan(&pa) || fp_is_nan(&pb)) {
        r = fp_process_nans(pa, pb, s);
    } else {
        r = fp_number(false, constant, 0);
        if (!is_zero_times_infinity(pa, pb)) {
            r = add_parts(mul_parts(pa, pb), r, s->rounding);
        }
        r.exp -= (int32_t)halvings; /* of no effect on zero and infinity */
    }
    return fp_pack(f, r, s->rounding, s);
}

#define DEFINE_ARITHMETIC(f, Bits)                                    \
    Bits f##_add(Bits a, Bits b, FpStatus *s)                         \
    {                                                                 \
        return (Bits)fp_addsub(&fp_format_##f, a, b, false, s);       \
    }                                                                 \
    Bits f##_sub(Bits a, Bits b, FpStatus *s)                         \
    {                                                                 \
        return (Bits)fp_addsub(&fp_format_##f, a, b, true, s);        \
    }                                                                 \
    Bits f##_mul(Bits a, Bits b, FpStatus *s)                         \
    {                                                                 \
        return (Bits)fp_mul(&fp_format_##f, a, b, false, s);          \
    }                                                                 \
    Bits f##_mulx(Bits a, Bits b, FpStatus *s)                        \
    {                                                                 \
        return (Bits)fp_mul(&fp_format_##f, a, b, true, s);           \
    }                                                                 \
    Bits f##_div(Bits a, Bits b, FpStatus *s)                         \
    {                                                                 \
        return (Bits)fp_div(&fp_format_##f, a, b, s);                 \
    }                                                                 \
    Bits f##_sqrt(Bits a, FpStatus *s)                                \
    {                                                                 \
        return (Bits)fp_sqrt(&fp_format_##f, a, s);                   \
    }                                                                 \
    Bits f##_muladd(Bits a, Bits b, Bits c, FpStatus *s)              \
    {                                                                 \
        return (Bits)fp_muladd(&fp_format_##f, a, b, c, s);           \
    }                                                                 \
    Bits f##_recps(Bits a, Bits b, FpStatus *s)                       \
    {                                                                 \
        return (Bits)fp_newton_step(&fp_format_##f, a, b, 2, 0, s);   \
    }                                                                 \
    Bits f##_rsqrts(Bits a, Bits b, FpStatus *s)                      \
    {                                                                 \
        return (Bits)fp_newton_step(&fp_format_##f, a, b, 3, 1, s);   \
    }

DEFINE_ARITHMETIC(f16, uint16_t)
DEFINE_ARITHMETIC(f32, uint32_t)
DEFINE_ARITHMETIC(f64, uint64_t)
