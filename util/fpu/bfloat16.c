// SPDX-License-Identifier: MIT
//
// BFloat16 products and sums as Arm's dot products want them: BFDotAdd, BFMulH, FPAdd_BF16, BFRound
// of the Arm ARM (DDI 0487, J1). They know no modes and no flags: denormals are zeros on the way in
// and out, every step rounds to odd, overflow gives infinity, every NaN is the default NaN.
//
// Numbers are single-precision bit patterns. This does without FpParts because a vector takes
// sixteen or more of these operations.
#include "util/bitops.h"
#include "util/fpu/softfloat.h"

enum { EXP_BIAS = 127, EXP_TOP = 255, FRAC_BITS = 23, GUARD_BITS = 32 };
#define SIGN (UINT32_C(1) << 31)
#define UPPER_HALF UINT32_C(0xffff0000)
#define INFINITE ((uint32_t)EXP_TOP << FRAC_BITS)
#define DEFAULT_NAN (INFINITE | UINT32_C(1) << (FRAC_BITS - 1))

static uint32_t magnitude(uint32_t v)
{
    return v & ~SIGN;
}

static int32_t exponent(uint32_t v)
{
    return (int32_t)(v >> FRAC_BITS & EXP_TOP);
}

static bool is_nan(uint32_t v)
{
    return magnitude(v) > INFINITE;
}

/* The number with the biased exponent and a 24-bit significand; the range is checked. */
static uint32_t pack(uint32_t sign, int32_t exp, uint32_t significand)
{
    if (exp <= 0) {
        return sign;
    }
    if (exp >= EXP_TOP) {
        return sign | INFINITE;
    }
    return sign | (((uint32_t)exp << FRAC_BITS) + (significand & (uint32_t)bit_mask(FRAC_BITS)));
}

/* The product of two BFloat16 numbers in the upper halves of words; it is exact but for range. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t sign = (a ^ b) & SIGN;
    int32_t ea = exponent(a), eb = exponent(b);
    if (ea == EXP_TOP || eb == EXP_TOP) {
        return is_nan(a) || is_nan(b) || !ea || !eb ? DEFAULT_NAN : sign | INFINITE;
    }
    if (!ea || !eb) {
        return sign;
    }
    uint32_t product = (0x80 | (a >> 16 & 0x7f)) * (0x80 | (b >> 16 & 0x7f)); /* 15 or 16 bits */
    unsigned carry = product >> 15;
    return pack(sign, ea + eb - EXP_BIAS + (int32_t)carry, product << (9 - carry));
}

/* x + y where x is not the smaller one by magnitude and neither is zero, infinite or a NaN. */
static uint32_t add_ordered(uint32_t x, uint32_t y)
{
    const uint64_t one = UINT64_C(1) << (FRAC_BITS + GUARD_BITS);
    uint64_t big = one | ((uint64_t)x << GUARD_BITS & (one - 1));
    uint64_t small = one | ((uint64_t)y << GUARD_BITS & (one - 1));
    unsigned distance = (unsigned)(exponent(x) - exponent(y));
    small = distance < 64 ? small >> distance | ((small & bit_mask(distance)) != 0) : 1;
    uint64_t sum = (x ^ y) & SIGN ? big - small : big + small;
    if (!sum) {
        return 0;
    }
    /* the leading one goes to bit 62, where nothing has been lost yet */
    int shift = __builtin_clzll(sum) - 1;
    sum <<= shift;
    unsigned drop = 62 - FRAC_BITS;
    uint32_t significand = (uint32_t)(sum >> drop) | ((sum & bit_mask(drop)) != 0);
    int32_t exp = exponent(x) + (62 - shift) - (FRAC_BITS + GUARD_BITS);
    return pack(x & SIGN, exp, significand);
}

static uint32_t add(uint32_t x, uint32_t y)
{
    int32_t ex = exponent(x), ey = exponent(y);
    if (ex == EXP_TOP || ey == EXP_TOP) {
        bool opposite = ex == ey && ((x ^ y) & SIGN);
        return is_nan(x) || is_nan(y) || opposite ? DEFAULT_NAN : ex == EXP_TOP ? x : y;
    }
    if (!ex || !ey) {
        return ex ? x : ey ? y : x & y & SIGN;
    }
    return magnitude(x) < magnitude(y) ? add_ordered(y, x) : add_ordered(x, y);
}

uint32_t bf16_dot_add(uint32_t addend, uint32_t a, uint32_t b)
{
    uint32_t even = multiply(a << 16, b << 16);
    uint32_t odd = multiply(a & UPPER_HALF, b & UPPER_HALF);
    return add(addend, add(even, odd));
}
