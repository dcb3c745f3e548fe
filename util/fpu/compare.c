// SPDX-License-Identifier: MIT
//
// Soft-float comparisons, maximum and minimum: FPCompare, FPMax, FPMin, FPMaxNum, FPMinNum of the
// Arm ARM (DDI 0487, J1).
#include "util/fpu/parts.h"

/* The order of two magnitudes, neither a NaN. */
static FpOrder order_magnitudes(const FpParts *a, const FpParts *b)
{
    if (a->cls != b->cls) {
        return a->cls < b->cls ? FP_LESS : FP_GREATER; /* zero, normal, infinite */
    }
    if (a->cls != FP_CLASS_NORMAL) {
        return FP_EQUAL;
    }
    if (a->exp != b->exp) {
        return a->exp < b->exp ? FP_LESS : FP_GREATER;
    }
    return a->frac == b->frac ? FP_EQUAL : a->frac < b->frac ? FP_LESS : FP_GREATER;
}

/* The order of two numbers, neither a NaN; zeros are equal. */
static FpOrder order_parts(const FpParts *a, const FpParts *b)
{
    if (a->cls == FP_CLASS_ZERO && b->cls == FP_CLASS_ZERO) {
        return FP_EQUAL;
    }
    if (a->sign != b->sign) {
        return a->sign ? FP_LESS : FP_GREATER;
    }
    return a->sign ? order_magnitudes(b, a) : order_magnitudes(a, b);
}

static FpOrder fp_compare(const FpFormat *f, uint64_t a, uint64_t b, bool signal_quiet,
                          FpStatus *s)
{
    FpParts pa = fp_unpack(f, a, s);
    FpParts pb = fp_unpack(f, b, s);
    if (fp_is_nan(&pa) || fp_is_nan(&pb)) {
        if (signal_quiet || pa.cls == FP_CLASS_SNAN || pb.cls == FP_CLASS_SNAN) {
            fp_raise(s, FP_FLAG_INVALID);
        }
        return FP_UNORDERED;
    }
    return order_parts(&pa, &pb);
}

/* `wanted` is FP_GREATER for a maximum, FP_LESS for a minimum. */
static uint64_t fp_maxmin(const FpFormat *f, uint64_t a, uint64_t b, FpOrder wanted, bool numeric,
                          FpStatus *s)
{
    FpParts pa = fp_unpack(f, a, s);
    FpParts pb = fp_unpack(f, b, s);
    if (numeric && (pa.cls == FP_CLASS_QNAN) != (pb.cls == FP_CLASS_QNAN)) {
        /* A quiet NaN loses against a number (and against a signalling NaN). */
        *(pa.cls == FP_CLASS_QNAN ? &pa : &pb) = fp_infinity(wanted == FP_GREATER);
    }
    FpParts r;
    if (fp_is_nan(&pa) || fp_is_nan(&pb)) {
        r = fp_process_nans(pa, pb, s);
    } else {
        r = order_parts(&pa, &pb) == wanted ? pa : pb;
        if (pa.cls == FP_CLASS_ZERO && pb.cls == FP_CLASS_ZERO) {
            r.sign = wanted == FP_GREATER ? pa.sign && pb.sign : pa.sign || pb.sign;
        }
    }
    return fp_pack(f, r, s->rounding, s);
}

#define DEFINE_COMPARE(f, Bits)                                                  \
    FpOrder f##_compare(Bits a, Bits b, FpStatus *s)                             \
    {                                                                            \
        return fp_compare(&fp_format_##f, a, b, false, s);                       \
    }                                                                            \
    FpOrder f##_compare_signal(Bits a, Bits b, FpStatus *s)                      \
    {                                                                            \
        return fp_compare(&fp_format_##f, a, b, true, s);                        \
    }                                                                            \
    Bits f##_max(Bits a, Bits b, FpStatus *s)                                    \
    {                                                                            \
        return (Bits)fp_maxmin(&fp_format_##f, a, b, FP_GREATER, false, s);      \
    }                                                                            \
    Bits f##_min(Bits a, Bits b, FpStatus *s)                                    \
    {                                                                            \
        return (Bits)fp_maxmin(&fp_format_##f, a, b, FP_LESS, false, s);         \
    }                                                                            \
    Bits f##_maxnm(Bits a, Bits b, FpStatus *s)                                  \
    {                                                                            \
        return (Bits)fp_maxmin(&fp_format_##f, a, b, FP_GREATER, true, s);       \
    }                                                                            \
    Bits f##_minnm(Bits a, Bits b, FpStatus *s)                                  \
    {                                                                            \
        return (Bits)fp_maxmin(&fp_format_##f, a, b, FP_LESS, true, s);          \
    }

DEFINE_COMPARE(f16, uint16_t)
DEFINE_COMPARE(f32, uint32_t)
DEFINE_COMPARE(f64, uint64_t)
