// SPDX-License-Identifier: MIT
//
// The ordinary cases of what soft-float computes, by the host's arithmetic: see fp-fast.h.
//
// An operand is ordinary when it is zero, or normal and so large that the operation's result is
// zero, or normal before it is rounded. Then nothing is flushed, no NaN comes out, and the host's
// sticky flags are Arm's: inexact and overflow only. Each operation's bound follows from where the
// last bit of its result can be.
//
// Everything but fused operations is computed in double and rounded to the format afterwards. For
// sums and products of half precision double is exact; in other cases the second rounding is
// innocuous, since there are more than twice the bits in between.
#include "target/arm/fp-fast.h"

#include <math.h>
#include <string.h>
#include "util/bitops.h"

/* What an operation demands: how many operands, and their least biased exponents by format. */
static const struct {
    uint8_t operands;
    uint16_t least[4];
} demands[ARM_FP_OP_COUNT] = {
    /* the last bit of a sum is one of an operand's */
    [ARM_FP_ADD] = { 2, { [1] = 1, 25, 54 } }, [ARM_FP_SUB] = { 2, { [1] = 1, 25, 54 } },
    [ARM_FP_MUL] = { 2, { [1] = 1, 65, 513 } }, [ARM_FP_MULX] = { 2, { [1] = 1, 65, 513 } },
    [ARM_FP_DIV] = { 2, { [1] = 9, 65, 513 } },
    /* of a fused one, the product of two last bits */
    [ARM_FP_MULADD] = { 3, { [1] = 1, 90, 640 } }, [ARM_FP_RECPS] = { 2, { [1] = 1, 90, 640 } },
    [ARM_FP_RSQRTS] = { 2, { [1] = 1, 90, 640 } },
    [ARM_FP_SQRT] = { 1, { [1] = 1, 1, 1 } }, [ARM_FP_MAX] = { 2, { [1] = 1, 1, 1 } },
    [ARM_FP_MIN] = { 2, { [1] = 1, 1, 1 } }, [ARM_FP_MAXNM] = { 2, { [1] = 1, 1, 1 } },
    [ARM_FP_MINNM] = { 2, { [1] = 1, 1, 1 } }, [ARM_FP_CMPEQ] = { 2, { [1] = 1, 1, 1 } },
    [ARM_FP_CMPGE] = { 2, { [1] = 1, 1, 1 } }, [ARM_FP_CMPGT] = { 2, { [1] = 1, 1, 1 } },
    [ARM_FP_FLAGS] = { 2, { [1] = 1, 1, 1 } }, [ARM_FP_FLAGS_SIGNAL] = { 2, { [1] = 1, 1, 1 } },
    [ARM_FP_TO_INT] = { 1, { [1] = 1, 1, 1 } },
    [ARM_FP_CONVERT] = { 1, { [1] = 1, 1, 1023 - 126 } }, /* a double may become a single */
};

static const struct {
    uint8_t frac_bits;
    uint64_t infinity, magnitude; /* bits: of infinity, all but the sign */
} formats[4] = {
    [1] = { 10, 0x7c00, 0x7fff },
    [2] = { 23, 0x7f800000, 0x7fffffff },
    [3] = { 52, UINT64_C(0x7ff) << 52, INT64_MAX },
};

static uint64_t double_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

static double double_of(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static float single_of(uint64_t bits)
{
    uint32_t b = (uint32_t)bits;
    float v;
    memcpy(&v, &b, sizeof(v));
    return v;
}

static uint32_t single_bits(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

/* `v`, at a place in the program: a compiler may compute early what it sees no harm in, but the
 * host's flags would tell. */
static double here(double v)
{
    volatile double w = v;
    return w;
}

/* Zero, or an exponent from `least` to the largest finite one. */
static bool is_ordinary(unsigned esz, uint64_t bits, unsigned least)
{
    uint64_t magnitude = bits & formats[esz].magnitude;
    uint64_t low = (uint64_t)least << formats[esz].frac_bits;
    return !magnitude || magnitude - low < formats[esz].infinity - low;
}

static unsigned exponent(unsigned esz, uint64_t bits)
{
    return (unsigned)((bits & formats[esz].magnitude) >> formats[esz].frac_bits);
}

/* An ordinary operand's value. */
static double value_of(unsigned esz, uint64_t bits)
{
    switch (esz) {
    case 1: {
        uint64_t magnitude = bits & 0x7fff;
        uint64_t wide = magnitude ? (magnitude << 42) + ((uint64_t)(1023 - 15) << 52) : 0;
        return double_of((bits & 0x8000) << 48 | wide);
    }
    case 2: return single_of(bits);
    default: return double_of(bits);
    }
}

/* `v` rounded to half precision; false if it is tiny or too large. */
static bool round_half(double v, FpStatus *s, uint64_t *r)
{
    uint64_t bits = double_bits(v), sign = bits >> 48 & 0x8000;
    uint64_t magnitude = bits & ~BIT(63);
    if (!magnitude) {
        *r = sign;
        return true;
    }
    const uint64_t half = BIT(41), rest = magnitude & (2 * half - 1);
    uint64_t up = 0;
    switch (s->rounding) {
    case FP_ROUND_NEAREST_EVEN: up = half - 1 + (magnitude >> 42 & 1); break;
    case FP_ROUND_PLUS_INF: up = sign ? 0 : 2 * half - 1; break;
    case FP_ROUND_MINUS_INF: up = sign ? 2 * half - 1 : 0; break;
    default: break;
    }
    uint64_t rounded = (magnitude + up) >> 42;
    const uint64_t rebias = (uint64_t)(1023 - 15) << 10;
    if (magnitude >> 42 < rebias + (1 << 10) || rounded >= rebias + (31 << 10)) {
        return false;
    }
    s->flags |= rest ? FP_FLAG_INEXACT : 0;
    *r = sign | (rounded - rebias);
    return true;
}

static bool result_of(unsigned esz, double v, FpStatus *s, uint64_t *r)
{
    switch (esz) {
    case 1: return round_half(v, s, r);
    case 2: *r = single_bits((float)here(v)); return true;
    default: *r = double_bits(v); return true;
    }
}

/* x * y + z. In half precision product and sum are exact if neither is far from the other. */
static bool muladd(unsigned esz, double x, double y, double z, double *r)
{
    if (esz == 3) {
        *r = fma(x, y, z);
        return true;
    }
    if (esz == 2) {
        *r = fmaf((float)x, (float)y, (float)z);
        return true;
    }
    double product = x * y;
    int distance = (int)exponent(3, double_bits(product)) - (int)exponent(3, double_bits(z));
    if (product != 0 && z != 0 && (distance < -28 || distance > 28)) {
        return false;
    }
    *r = product + here(z);
    return true;
}

/* (3 - x * y) / 2, where x * y does not overflow. */
static bool rsqrts(unsigned esz, double x, double y, double *r)
{
    static const double most[4] = { [1] = 0x1p15, 0x1p63, 0x1p511 };
    if (fabs(x) > most[esz] || fabs(y) > most[esz] || !muladd(esz, -x, y, 3, r)) {
        return false;
    }
    *r /= 2;
    return true;
}

/* A value truncated to an integer. */
static bool to_int(const ArmFpDesc *d, double v, uint64_t *r)
{
    double scale = (double)(UINT64_C(1) << (d->fbits & 63));
    double limit = (d->to == 3 ? 0x1p63 : d->to == 2 ? 0x1p31 : 0x1p15) / scale;
    if (d->mode != FP_ROUND_ZERO || d->fbits > 63 || !(fabs(v) < limit) || (!d->flag && v < 0)) {
        return false;
    }
    *r = (uint64_t)(int64_t)(here(v) * scale) & bit_mask(8u << d->to);
    return true;
}

static bool order(unsigned op, double x, double y, uint64_t ones, uint64_t *r)
{
    switch (op) {
    case ARM_FP_CMPEQ: *r = x == y ? ones : 0; break;
    case ARM_FP_CMPGE: *r = x >= y ? ones : 0; break;
    case ARM_FP_CMPGT: *r = x > y ? ones : 0; break;
    default: *r = x < y ? IR_NZCV_N | IR_NZCV_NOT_C : x == y ? IR_NZCV_Z : 0; break;
    }
    return true;
}

unsigned arm_fp_least_exponent(ArmFpOp op, unsigned esz)
{
    unsigned least = demands[op].least[esz];
    return least ? least : 1;
}

unsigned arm_fp_most_divisor(unsigned esz)
{
    static const uint16_t most[4] = { [1] = 21, 190, 1534 };
    return most[esz];
}

static bool divides(const ArmFpDesc *d, uint64_t b)
{
    unsigned e = exponent(d->esz, b);
    return e != 0 && e <= arm_fp_most_divisor(d->esz);
}

/* Operands are ordinary. */
static bool compute(const ArmFpDesc *d, uint64_t a, uint64_t b, uint64_t c, FpStatus *s, uint64_t *r)
{
    double x = value_of(d->esz, a), y = value_of(d->esz, b), v;
    switch ((ArmFpOp)d->op) {
    case ARM_FP_ADD: v = x + y; break;
    case ARM_FP_SUB: v = x - y; break;
    case ARM_FP_MUL:
    case ARM_FP_MULX: v = x * y; break;
    case ARM_FP_DIV:
        if (!divides(d, b)) {
            return false;
        }
        v = x / here(y);
        break;
    case ARM_FP_SQRT:
        if (x < 0) {
            return false;
        }
        v = sqrt(here(x));
        break;
    case ARM_FP_MULADD:
        if (!muladd(d->esz, x, y, value_of(d->esz, c), &v)) {
            return false;
        }
        break;
    case ARM_FP_RECPS:
        if (!muladd(d->esz, -x, y, 2, &v)) {
            return false;
        }
        break;
    case ARM_FP_RSQRTS:
        if (!rsqrts(d->esz, x, y, &v)) {
            return false;
        }
        break;
    case ARM_FP_MAX:
    case ARM_FP_MAXNM: *r = x > y ? a : b; return x != 0 || y != 0;
    case ARM_FP_MIN:
    case ARM_FP_MINNM: *r = x < y ? a : b; return x != 0 || y != 0;
    case ARM_FP_TO_INT: return to_int(d, x, r);
    case ARM_FP_CONVERT: v = x; break;
    default: return order(d->op, x, y, bit_mask(8u << d->esz), r);
    }
    return result_of(d->to, v, s, r);
}

/* An integer that a double holds, to half precision. */
static bool half_from_int(const ArmFpDesc *d, uint64_t a, FpStatus *s, uint64_t *r)
{
    unsigned bits = 8u << d->esz;
    int64_t i = d->flag ? sign_extend(a, bits) : (int64_t)(a & bit_mask(bits));
    double scale = d->fbits == 64 ? 0x1p64 : (double)BIT(d->fbits);
    return i >> 52 == (d->flag ? i >> 63 : 0) && round_half((double)i / scale, s, r);
}

bool arm_fp_fast(const ArmFpDesc *d, uint64_t a, uint64_t b, uint64_t c, FpStatus *s, uint64_t *r)
{
    if (d->op == ARM_FP_FROM_INT) {
        return d->to == 1 && half_from_int(d, a, s, r);
    }
    const uint64_t operand[3] = { a, b, c };
    unsigned count = demands[d->op].operands, least = demands[d->op].least[d->esz];
    for (unsigned i = 0; i < count; i++) {
        if (!is_ordinary(d->esz, operand[i], least)) {
            return false;
        }
    }
    /* operands that the operation does not have may be anything, signalling NaNs even */
    return count && compute(d, a, count > 1 ? b : 0, count > 2 ? c : 0, s, r);
}
