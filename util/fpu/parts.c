// SPDX-License-Identifier: MIT
//
// Soft-float, the parts that all operations share: formats, unpacking, rounding and packing, NaN
// selection. Follows FPUnpackBase, FPRoundBase, FPProcessNaN* of the Arm ARM (DDI 0487, J1), with
// SSE's rules (Intel SDM vol. 1, 4.8.3 and 11.5) where FpStatus asks for them.
#include "util/fpu/parts.h"

#include "util/bitops.h"

const FpFormat fp_format_f16 = { .exp_bits = 5, .frac_bits = 10, .bias = 15,
                                 .flush = FP_FLUSH_FZ16 };
const FpFormat fp_format_f32 = { .exp_bits = 8, .frac_bits = 23, .bias = 127,
                                 .flush = FP_FLUSH_FZ };
const FpFormat fp_format_f64 = { .exp_bits = 11, .frac_bits = 52, .bias = 1023,
                                 .flush = FP_FLUSH_FZ };

FpFrac fp_shift_right_sticky(FpFrac v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    if (n >= 128) {
        return v != 0;
    }
    return v >> n | (v << (128 - n) != 0);
}

bool fp_rounds_up(FpRounding rounding, bool sign, bool odd, bool half, bool rest)
{
    switch (rounding) {
    case FP_ROUND_NEAREST_EVEN:
        return half && (rest || odd);
    case FP_ROUND_NEAREST_AWAY:
        return half;
    case FP_ROUND_PLUS_INF:
        return !sign && (half || rest);
    case FP_ROUND_MINUS_INF:
        return sign && (half || rest);
    case FP_ROUND_ODD:
        return !odd && (half || rest);
    case FP_ROUND_ZERO:
        break;
    }
    return false;
}

/* Whether a result too large for the format becomes infinite, or the largest finite number. */
static bool overflows_to_infinity(FpRounding rounding, bool sign)
{
    switch (rounding) {
    case FP_ROUND_NEAREST_EVEN:
    case FP_ROUND_NEAREST_AWAY:
        return true;
    case FP_ROUND_PLUS_INF:
        return !sign;
    case FP_ROUND_MINUS_INF:
        return sign;
    case FP_ROUND_ZERO:
    case FP_ROUND_ODD:
        break;
    }
    return false;
}

FpParts fp_zero(bool sign)
{
    return (FpParts){ .cls = FP_CLASS_ZERO, .sign = sign };
}

FpParts fp_infinity(bool sign)
{
    return (FpParts){ .cls = FP_CLASS_INF, .sign = sign };
}

FpParts fp_number(bool sign, uint64_t significand, int32_t exp)
{
    if (!significand) {
        return fp_zero(sign);
    }
    unsigned shift = clz128(significand);
    return (FpParts){ .cls = FP_CLASS_NORMAL, .sign = sign, .exp = exp + 127 - (int32_t)shift,
                      .frac = (FpFrac)significand << shift };
}

FpParts fp_unpack(const FpFormat *f, uint64_t bits, FpStatus *s)
{
    bool sign = bits >> (f->frac_bits + f->exp_bits) & 1;
    unsigned exp = (unsigned)bits_get(bits, f->frac_bits, f->exp_bits);
    uint64_t frac = bits_get(bits, 0, f->frac_bits);

    if (exp == 0) {
        bool flush = (f->flush == FP_FLUSH_FZ && s->flush_inputs) ||
                     (f->flush == FP_FLUSH_FZ16 && s->flush_f16);
        if (!flush || !frac) {
            return fp_number(sign, frac, 1 - f->bias - f->frac_bits);
        }
        /* Half precision flushes without a flag. */
        if (f->flush == FP_FLUSH_FZ && !s->flush_input_silent) {
            fp_raise(s, FP_FLAG_INPUT_DENORMAL);
        }
        return fp_zero(sign);
    }
    if (exp == bit_mask(f->exp_bits) && !f->no_special) {
        FpParts p = { .sign = sign, .cls = FP_CLASS_INF };
        if (frac) {
            p.frac = (FpFrac)frac << (127 - f->frac_bits);
            p.cls = p.frac & FP_FRAC_QUIET ? FP_CLASS_QNAN : FP_CLASS_SNAN;
        }
        return p;
    }
    return (FpParts){ .cls = FP_CLASS_NORMAL, .sign = sign, .exp = (int32_t)exp - f->bias,
                      .frac = FP_FRAC_TOP | (FpFrac)frac << (127 - f->frac_bits) };
}

static uint64_t pack_fields(const FpFormat *f, bool sign, uint64_t magnitude)
{
    return (uint64_t)sign << (f->frac_bits + f->exp_bits) | magnitude;
}

static uint64_t infinity_magnitude(const FpFormat *f)
{
    return bit_mask(f->exp_bits) << f->frac_bits;
}

/* The largest magnitude of a format without infinities, where there was no room. */
static uint64_t pack_no_special(const FpFormat *f, bool sign, FpStatus *s)
{
    fp_raise(s, FP_FLAG_INVALID);
    return pack_fields(f, sign, bit_mask(f->exp_bits + f->frac_bits));
}

static uint64_t pack_overflow(const FpFormat *f, bool sign, FpRounding rounding, FpStatus *s)
{
    if (f->no_special) {
        return pack_no_special(f, sign, s);
    }
    fp_raise(s, FP_FLAG_OVERFLOW | FP_FLAG_INEXACT);
    return pack_fields(f, sign, infinity_magnitude(f) - !overflows_to_infinity(rounding, sign));
}

/* `frac` without its low `drop` (2..127) bits, rounded. */
static FpFrac round_off(FpFrac frac, unsigned drop, bool sign, FpRounding rounding)
{
    FpFrac half = (FpFrac)1 << (drop - 1);
    FpFrac kept = frac >> drop;
    return kept + fp_rounds_up(rounding, sign, kept & 1, frac & half, frac & (half - 1));
}

/* Whether a number whose biased exponent is `biased` counts as tiny. */
static bool is_tiny(const FpFormat *f, const FpParts *p, int32_t biased, FpRounding rounding,
                    const FpStatus *s)
{
    if (biased >= 1) {
        return false;
    }
    if (s->tininess_before || biased < 0) {
        return true;
    }
    /* After rounding, as if the exponent range were unbounded: it may reach the next power of 2. */
    return !(round_off(p->frac, 127 - f->frac_bits, p->sign, rounding) >> (f->frac_bits + 1));
}

static bool flushes_output(const FpFormat *f, const FpStatus *s)
{
    return (f->flush == FP_FLUSH_FZ && s->flush_outputs) ||
           (f->flush == FP_FLUSH_FZ16 && s->flush_f16);
}

static uint64_t pack_normal(const FpFormat *f, FpParts p, FpRounding rounding, FpStatus *s)
{
    int32_t biased = p.exp + f->bias;
    int32_t limit = (1 << f->exp_bits) - !f->no_special;
    if (biased >= limit) {
        return pack_overflow(f, p.sign, rounding, s);
    }
    bool tiny = is_tiny(f, &p, biased, rounding, s);
    if (tiny && flushes_output(f, s)) {
        fp_raise(s, FP_FLAG_UNDERFLOW | (s->flush_output_inexact ? FP_FLAG_INEXACT : 0));
        return pack_fields(f, p.sign, 0);
    }
    if (biased < 1) {
        p.frac = fp_shift_right_sticky(p.frac, (unsigned)(1 - biased));
        biased = 1;
    }
    unsigned drop = 127 - f->frac_bits;
    bool inexact = p.frac << (128 - drop) != 0;
    /*
     * The integer bit, added rather than masked, makes exponent field 1 out of 0: denormals lack
     * it, and a carry out of the fraction goes where it belongs.
     */
    uint64_t magnitude = ((uint64_t)(biased - 1) << f->frac_bits) +
                         (uint64_t)round_off(p.frac, drop, p.sign, rounding);
    if ((int32_t)(magnitude >> f->frac_bits) >= limit) {
        return pack_overflow(f, p.sign, rounding, s);
    }
    if (inexact) {
        fp_raise(s, FP_FLAG_INEXACT | (tiny ? FP_FLAG_UNDERFLOW : 0));
    }
    return pack_fields(f, p.sign, magnitude);
}

uint64_t fp_pack(const FpFormat *f, FpParts p, FpRounding rounding, FpStatus *s)
{
    switch (p.cls) {
    case FP_CLASS_ZERO:
        break;
    case FP_CLASS_NORMAL:
        return pack_normal(f, p, rounding, s);
    case FP_CLASS_INF:
        return f->no_special ? pack_no_special(f, p.sign, s)
                             : pack_fields(f, p.sign, infinity_magnitude(f));
    case FP_CLASS_QNAN:
    case FP_CLASS_SNAN:
        if (f->no_special) {
            fp_raise(s, FP_FLAG_INVALID);
            break;
        }
        return pack_fields(f, p.sign, infinity_magnitude(f) |
                           (uint64_t)(p.frac >> (127 - f->frac_bits)));
    }
    return pack_fields(f, p.sign, 0);
}

static FpParts default_nan(const FpStatus *s)
{
    return (FpParts){ .cls = FP_CLASS_QNAN, .sign = s->default_nan_negative,
                      .frac = FP_FRAC_QUIET };
}

FpParts fp_invalid(FpStatus *s)
{
    fp_raise(s, FP_FLAG_INVALID);
    return default_nan(s);
}

FpParts fp_process_nan(FpParts a, FpStatus *s)
{
    if (a.cls == FP_CLASS_SNAN) {
        fp_raise(s, FP_FLAG_INVALID);
        a.cls = FP_CLASS_QNAN;
        a.frac |= FP_FRAC_QUIET;
    }
    return s->default_nan ? default_nan(s) : a;
}

/* The NaN among `n` operands in order of precedence; at least one is a NaN. */
static FpParts choose_nan(const FpParts *const *op, unsigned n, FpStatus *s)
{
    const FpParts *first = NULL, *signalling = NULL;
    for (unsigned i = 0; i < n; i++) {
        if (!first && fp_is_nan(op[i])) {
            first = op[i];
        }
        if (!signalling && op[i]->cls == FP_CLASS_SNAN) {
            signalling = op[i];
        }
    }
    if (signalling) {
        fp_raise(s, FP_FLAG_INVALID);
    }
    return fp_process_nan(signalling && s->nan_rule == FP_NAN_ARM ? *signalling : *first, s);
}

FpParts fp_process_nans(FpParts a, FpParts b, FpStatus *s)
{
    return choose_nan((const FpParts *[]){ &a, &b }, 2, s);
}

FpParts fp_process_nans_muladd(FpParts a, FpParts b, FpParts c, FpStatus *s)
{
    if (s->nan_rule == FP_NAN_SSE) {
        return choose_nan((const FpParts *[]){ &a, &b, &c }, 3, s);
    }
    bool invalid_product = (a.cls == FP_CLASS_INF && b.cls == FP_CLASS_ZERO) ||
                           (a.cls == FP_CLASS_ZERO && b.cls == FP_CLASS_INF);
    if (invalid_product && c.cls == FP_CLASS_QNAN) {
        return fp_invalid(s);
    }
    return choose_nan((const FpParts *[]){ &c, &a, &b }, 3, s);
}

FpFrac fp_round_magnitude(FpParts a, int32_t scale, FpRounding rounding, bool *inexact)
{
    *inexact = false;
    if (a.cls == FP_CLASS_ZERO) {
        return 0;
    }
    int32_t exp = a.exp + scale;
    if (a.cls == FP_CLASS_INF || exp >= 126) {
        return (FpFrac)1 << 127;
    }
    /* The unit is bit 127 - exp of frac; make it bit 127 at most. */
    FpFrac frac = a.frac;
    if (exp < 0) {
        frac = fp_shift_right_sticky(frac, (unsigned)-exp);
        exp = 0;
    }
    unsigned drop = (unsigned)(127 - exp);
    *inexact = frac << (128 - drop) != 0;
    return round_off(frac, drop, a.sign, rounding);
}
