// SPDX-License-Identifier: MIT
//
// Soft-float conversions: between formats (FPConvert), to and from fixed point and integers
// (FPToFixed, FixedToFP, FPToFixedJS), to integral values (FPRoundInt, FPRoundIntN). Arm ARM
// (DDI 0487, J1).
#include "util/fpu/parts.h"

#include "util/bitops.h"

/* Half precision as the far side of a conversion: FZ16 does not apply. */
static const FpFormat format_f16_ieee = { .exp_bits = 5, .frac_bits = 10, .bias = 15,
                                          .flush = FP_FLUSH_NEVER };
static const FpFormat format_f16_ahp = { .exp_bits = 5, .frac_bits = 10, .bias = 15,
                                         .flush = FP_FLUSH_NEVER, .no_special = true };

static const FpFormat *half_format(const FpStatus *s)
{
    return s->ahp ? &format_f16_ahp : &format_f16_ieee;
}

static uint64_t fp_convert(const FpFormat *from, const FpFormat *to, uint64_t a,
                           FpRounding rounding, FpStatus *s)
{
    FpParts p = fp_unpack(from, a, s);
    if (fp_is_nan(&p)) {
        /* A format without NaNs gets a zero of the operand's sign, not of the default NaN's. */
        bool sign = p.sign;
        p = fp_process_nan(p, s);
        if (to->no_special) {
            p.sign = sign;
        }
    }
    return fp_pack(to, p, rounding, s);
}

uint32_t f16_to_f32(uint16_t a, FpStatus *s)
{
    return (uint32_t)fp_convert(half_format(s), &fp_format_f32, a, s->rounding, s);
}

uint64_t f16_to_f64(uint16_t a, FpStatus *s)
{
    return fp_convert(half_format(s), &fp_format_f64, a, s->rounding, s);
}

uint16_t f32_to_f16(uint32_t a, FpStatus *s)
{
    return (uint16_t)fp_convert(&fp_format_f32, half_format(s), a, s->rounding, s);
}

uint64_t f32_to_f64(uint32_t a, FpStatus *s)
{
    return fp_convert(&fp_format_f32, &fp_format_f64, a, s->rounding, s);
}

uint16_t f64_to_f16(uint64_t a, FpStatus *s)
{
    return (uint16_t)fp_convert(&fp_format_f64, half_format(s), a, s->rounding, s);
}

uint32_t f64_to_f32(uint64_t a, FpStatus *s)
{
    return (uint32_t)fp_convert(&fp_format_f64, &fp_format_f32, a, s->rounding, s);
}

uint32_t f64_to_f32_odd(uint64_t a, FpStatus *s)
{
    return (uint32_t)fp_convert(&fp_format_f64, &fp_format_f32, a, FP_ROUND_ODD, s);
}

uint16_t f32_to_bf16(uint32_t a, FpStatus *s)
{
    static const FpFormat format_bf16 = { .exp_bits = 8, .frac_bits = 7, .bias = 127,
                                          .flush = FP_FLUSH_FZ };
    return (uint16_t)fp_convert(&fp_format_f32, &format_bf16, a, s->rounding, s);
}

static uint64_t fp_round_int(const FpFormat *f, uint64_t a, FpRounding rounding, bool exact,
                             FpStatus *s)
{
    FpParts p = fp_unpack(f, a, s);
    if (fp_is_nan(&p)) {
        p = fp_process_nan(p, s);
    } else if (p.cls == FP_CLASS_NORMAL && p.exp < f->frac_bits) {
        bool inexact;
        FpFrac magnitude = fp_round_magnitude(p, 0, rounding, &inexact);
        p = fp_number(p.sign, (uint64_t)magnitude, 0);
        if (inexact && exact) {
            fp_raise(s, FP_FLAG_INEXACT);
        }
    }
    return fp_pack(f, p, FP_ROUND_ZERO, s);
}

static uint64_t fp_round_int_n(const FpFormat *f, uint64_t a, FpRounding rounding, unsigned bits,
                               FpStatus *s)
{
    FpParts p = fp_unpack(f, a, s);
    if (p.cls == FP_CLASS_ZERO) {
        return fp_pack(f, p, FP_ROUND_ZERO, s);
    }
    bool inexact = false;
    FpFrac limit = (FpFrac)1 << (bits - 1);
    FpFrac magnitude = limit + 1;
    if (!fp_is_nan(&p)) {
        magnitude = fp_round_magnitude(p, 0, rounding, &inexact);
    }
    if (magnitude > limit || (magnitude == limit && !p.sign)) {
        fp_raise(s, FP_FLAG_INVALID);
        p.sign = true;
        magnitude = limit;
    } else if (inexact) {
        fp_raise(s, FP_FLAG_INEXACT);
    }
    return fp_pack(f, fp_number(p.sign, (uint64_t)magnitude, 0), FP_ROUND_ZERO, s);
}

uint32_t f32_round_int_n(uint32_t a, FpRounding rounding, unsigned bits, FpStatus *s)
{
    return (uint32_t)fp_round_int_n(&fp_format_f32, a, rounding, bits, s);
}

uint64_t f64_round_int_n(uint64_t a, FpRounding rounding, unsigned bits, FpStatus *s)
{
    return fp_round_int_n(&fp_format_f64, a, rounding, bits, s);
}

/* To an integer in the range -negative_limit..positive_limit, in two's complement. */
static uint64_t fp_to_fixed(const FpFormat *f, uint64_t a, unsigned fbits, FpRounding rounding,
                            uint64_t negative_limit, uint64_t positive_limit, FpStatus *s)
{
    FpParts p = fp_unpack(f, a, s);
    if (fp_is_nan(&p)) {
        fp_raise(s, FP_FLAG_INVALID);
        return 0;
    }
    bool inexact;
    uint64_t limit = p.sign ? negative_limit : positive_limit;
    FpFrac magnitude = fp_round_magnitude(p, (int32_t)fbits, rounding, &inexact);
    if (magnitude > limit) {
        fp_raise(s, FP_FLAG_INVALID);
        magnitude = limit;
    } else if (inexact) {
        fp_raise(s, FP_FLAG_INEXACT);
    }
    return p.sign ? -(uint64_t)magnitude : (uint64_t)magnitude;
}

static uint64_t fp_to_signed(const FpFormat *f, uint64_t a, unsigned bits, unsigned fbits,
                             FpRounding rounding, FpStatus *s)
{
    return fp_to_fixed(f, a, fbits, rounding, BIT(bits - 1), BIT(bits - 1) - 1, s);
}

static uint64_t fp_to_unsigned(const FpFormat *f, uint64_t a, unsigned bits, unsigned fbits,
                               FpRounding rounding, FpStatus *s)
{
    return fp_to_fixed(f, a, fbits, rounding, 0, bit_mask(bits), s);
}

int32_t f64_to_i32_js(uint64_t a, bool *exact, FpStatus *s)
{
    FpParts p = fp_unpack(&fp_format_f64, a, s);
    *exact = false;
    if (fp_is_nan(&p) || p.cls == FP_CLASS_INF) {
        fp_raise(s, FP_FLAG_INVALID);
        return 0;
    }
    if (p.cls == FP_CLASS_ZERO) {
        *exact = a == 0; /* neither minus zero nor a flushed denormal */
        return 0;
    }
    if (p.exp >= 53 + 32) {
        fp_raise(s, FP_FLAG_INVALID); /* a multiple of 2^32 */
        return 0;
    }
    bool inexact;
    FpFrac magnitude = fp_round_magnitude(p, 0, FP_ROUND_ZERO, &inexact);
    if (magnitude > BIT(31) - !p.sign) {
        fp_raise(s, FP_FLAG_INVALID);
    } else if (inexact) {
        fp_raise(s, FP_FLAG_INEXACT);
    } else {
        *exact = true;
    }
    uint32_t low = (uint32_t)magnitude;
    return (int32_t)(p.sign ? -low : low);
}

static uint64_t fp_from_fixed(const FpFormat *f, bool sign, uint64_t magnitude, unsigned fbits,
                              FpStatus *s)
{
    return fp_pack(f, fp_number(sign, magnitude, -(int32_t)fbits), s->rounding, s);
}

#define DEFINE_TO_INTEGER(f, Bits, Integer, name, kind, bits)                               \
    Integer f##_to_##name(Bits a, unsigned fbits, FpRounding rounding, FpStatus *s)         \
    {                                                                                       \
        return (Integer)fp_to_##kind(&fp_format_##f, a, bits, fbits, rounding, s);          \
    }

#define DEFINE_CONVERSIONS(f, Bits)                                                         \
    DEFINE_TO_INTEGER(f, Bits, int16_t, i16, signed, 16)                                    \
    DEFINE_TO_INTEGER(f, Bits, int32_t, i32, signed, 32)                                    \
    DEFINE_TO_INTEGER(f, Bits, int64_t, i64, signed, 64)                                    \
    DEFINE_TO_INTEGER(f, Bits, uint16_t, u16, unsigned, 16)                                 \
    DEFINE_TO_INTEGER(f, Bits, uint32_t, u32, unsigned, 32)                                 \
    DEFINE_TO_INTEGER(f, Bits, uint64_t, u64, unsigned, 64)                                 \
    Bits f##_from_i64(int64_t v, unsigned fbits, FpStatus *s)                               \
    {                                                                                       \
        uint64_t magnitude = v < 0 ? -(uint64_t)v : (uint64_t)v;                            \
        return (Bits)fp_from_fixed(&fp_format_##f, v < 0, magnitude, fbits, s);             \
    }                                                                                       \
    Bits f##_from_u64(uint64_t v, unsigned fbits, FpStatus *s)                              \
    {                                                                                       \
        return (Bits)fp_from_fixed(&fp_format_##f, false, v, fbits, s);                     \
    }                                                                                       \
    Bits f##_round_int(Bits a, FpRounding rounding, bool exact, FpStatus *s)                \
    {                                                                                       \
        return (Bits)fp_round_int(&fp_format_##f, a, rounding, exact, s);                   \
    }

DEFINE_CONVERSIONS(f16, uint16_t)
DEFINE_CONVERSIONS(f32, uint32_t)
DEFINE_CONVERSIONS(f64, uint64_t)
