// SPDX-License-Identifier: MIT
//
// Arm's reciprocal and reciprocal square root estimates, which the architecture fixes bit by bit:
// FPRecipEstimate, FPRSqrtEstimate, FPRecpX, UnsignedRecipEstimate, UnsignedRSqrtEstimate of the
// Arm ARM (DDI 0487, J1). Results have 9 significant bits.
#include "util/fpu/parts.h"

#include "util/bitops.h"

/* a / 512 in 0.5..1 (256..511) to 256 * (its reciprocal), 256..511. [RecipEstimate] */
static unsigned recip_estimate(unsigned a)
{
    a = a * 2 + 1; /* the middle of the interval that shares these bits */
    unsigned b = (1u << 19) / a;
    return (b + 1) / 2;
}

/* a / 512 in 0.25..1 (128..511) to 256 * (its reciprocal root), 256..511. [RecipSqrtEstimate] */
static unsigned recip_sqrt_estimate(unsigned a)
{
    /* The middle of the interval, in units of 1/1024; the upper half has one bit less. */
    a = a < 256 ? a * 2 + 1 : ((a & ~1u) + 1) * 2;
    unsigned b = 512; /* becomes the largest with a * b * b < 2^28 */
    for (unsigned bit = 256; bit; bit >>= 1) {
        if (a * (b + bit) * (b + bit) < 1u << 28) {
            b += bit;
        }
    }
    return (b + 1) / 2;
}

/* estimate / 256 * 2^exp */
static FpParts estimate_parts(bool sign, unsigned estimate, int32_t exp)
{
    return fp_number(sign, estimate, exp - 8);
}

static uint64_t fp_recpe(const FpFormat *f, uint64_t a, FpStatus *s)
{
    FpParts p = fp_unpack(f, a, s);
    if (fp_is_nan(&p)) {
        p = fp_process_nan(p, s);
    } else if (p.cls == FP_CLASS_INF) {
        p = fp_zero(p.sign);
    } else if (p.cls == FP_CLASS_ZERO) {
        fp_raise(s, FP_FLAG_DIVBYZERO);
        p = fp_infinity(p.sign);
    } else {
        /* Overflow and flushing to zero are those of packing; denormal estimates are exact. */
        p = estimate_parts(p.sign, recip_estimate((unsigned)(p.frac >> 119)), -1 - p.exp);
    }
    return fp_pack(f, p, s->rounding, s);
}

static uint64_t fp_rsqrte(const FpFormat *f, uint64_t a, FpStatus *s)
{
    FpParts p = fp_unpack(f, a, s);
    if (fp_is_nan(&p)) {
        p = fp_process_nan(p, s);
    } else if (p.cls == FP_CLASS_ZERO) {
        fp_raise(s, FP_FLAG_DIVBYZERO);
        p = fp_infinity(p.sign);
    } else if (p.sign) {
        p = fp_invalid(s);
    } else if (p.cls == FP_CLASS_INF) {
        p = fp_zero(false);
    } else {
        /* An even exponent puts the number in 0.25..0.5, an odd one in 0.5..1. */
        bool odd = p.exp & 1;
        unsigned scaled = (unsigned)(p.frac >> (odd ? 119 : 120));
        int32_t exp = (-1 - p.exp - !odd) / 2; /* exact */
        p = estimate_parts(false, recip_sqrt_estimate(scaled), exp);
    }
    return fp_pack(f, p, s->rounding, s);
}

static uint64_t fp_recpx(const FpFormat *f, uint64_t a, FpStatus *s)
{
    FpParts p = fp_unpack(f, a, s);
    if (fp_is_nan(&p)) {
        return fp_pack(f, fp_process_nan(p, s), s->rounding, s);
    }
    uint64_t exp = bits_get(a, f->frac_bits, f->exp_bits);
    uint64_t result_exp = exp ? ~exp : bit_mask(f->exp_bits) - 1;
    return bits_set(a & ~bit_mask(f->frac_bits), f->frac_bits, f->exp_bits, result_exp);
}

uint32_t u32_recpe(uint32_t a)
{
    return a >> 31 ? recip_estimate(a >> 23) << 23 : UINT32_MAX;
}

uint32_t u32_rsqrte(uint32_t a)
{
    return a >> 30 ? recip_sqrt_estimate(a >> 23) << 23 : UINT32_MAX;
}

#define DEFINE_ESTIMATES(f, Bits)                          \
    Bits f##_recpe(Bits a, FpStatus *s)                    \
    {                                                      \
        return (Bits)fp_recpe(&fp_format_##f, a, s);       \
    }                                                      \
    Bits f##_rsqrte(Bits a, FpStatus *s)                   \
    {                                                      \
        return (Bits)fp_rsqrte(&fp_format_##f, a, s);      \
    }                                                      \
    Bits f##_recpx(Bits a, FpStatus *s)                    \
    {                                                      \
        return (Bits)fp_recpx(&fp_format_##f, a, s);       \
    }

DEFINE_ESTIMATES(f16, uint16_t)
DEFINE_ESTIMATES(f32, uint32_t)
DEFINE_ESTIMATES(f64, uint64_t)
