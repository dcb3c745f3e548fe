// SPDX-License-Identifier: MIT
//
// Soft-float by itself. Half precision against an oracle that rounds by searching the ordered list
// of all halfs, comparing in exact integer arithmetic: exhaustive where there is one operand, a
// grid where there are two. The Arm rules on NaNs, flags and modes by directed vectors.
#include <criterion/criterion.h>

#include "tests/unit/fpu_operands.h"
#include "util/bitops.h"
#include "util/fpu/softfloat.h"

typedef unsigned __int128 Wide;

enum {
    H_ONE = 0x3c00, H_INF = 0x7c00, H_QNAN = 0x7e00, H_MIN_NORMAL = 0x0400,
    H_UNIT_LOG2 = 24, /* every half is a multiple of 2^-24 */
};

/* A non-negative number: num / den in units of 2^-24, or the square root of that. */
typedef struct Exact {
    Wide num, den;
    bool root;
} Exact;

static const FpRounding modes[] = {
    FP_ROUND_NEAREST_EVEN, FP_ROUND_PLUS_INF, FP_ROUND_MINUS_INF, FP_ROUND_ZERO,
    FP_ROUND_NEAREST_AWAY, FP_ROUND_ODD,
};

/* A half's magnitude in units of 2^-24; infinity counts as 2^16, where the next half would be. */
static uint64_t half_units(uint16_t h)
{
    unsigned exp = h >> 10 & 31;
    uint64_t frac = h & 0x3ff;
    return exp ? (frac | 0x400) << (exp - 1) : frac;
}

/* Whether units / 2 is less than (-1), equal to (0) or greater than (1) `e`. */
static int compare_half_units(uint64_t units, const Exact *e)
{
    Wide l = e->root ? (Wide)units * units * e->den : units * e->den;
    Wide r = e->num << (e->root ? 2 : 1);
    return (l > r) - (l < r);
}

/* `e` with a sign, rounded to half precision as Arm does with FZ16 = 0; ORs in the flags. */
static uint16_t oracle_round(bool sign, const Exact *e, FpRounding mode, uint8_t *flags)
{
    uint16_t low = 0, high = H_INF; /* the last half <= e (or the largest), and the next */
    while (high - low > 1) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (compare_half_units(2 * half_units(middle), e) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if (compare_half_units(2 * half_units(low), e) == 0) {
        return (uint16_t)(sign << 15 | low);
    }
    int midpoint = -compare_half_units(half_units(low) + half_units(high), e);
    bool away = mode == FP_ROUND_NEAREST_EVEN ? midpoint > 0 || (midpoint == 0 && (low & 1))
              : mode == FP_ROUND_NEAREST_AWAY ? midpoint >= 0
              : mode == FP_ROUND_PLUS_INF     ? !sign
              : mode == FP_ROUND_MINUS_INF    ? sign
              : mode == FP_ROUND_ODD          ? !(low & 1)
                                              : false;
    bool beyond = compare_half_units(2 * half_units(H_INF), e) <= 0;
    *flags |= FP_FLAG_INEXACT;
    if (beyond || (away && high == H_INF)) {
        *flags |= FP_FLAG_OVERFLOW;
    }
    if (low < H_MIN_NORMAL) {
        *flags |= FP_FLAG_UNDERFLOW;
    }
    return (uint16_t)(sign << 15 | (away ? high : low));
}

static bool half_is_finite(uint16_t h)
{
    return (h & H_INF) != H_INF;
}

typedef enum HalfOp { HALF_ADD, HALF_MUL, HALF_DIV, HALF_FMA, HALF_SQRT } HalfOp;

static int64_t signed_units(uint16_t h)
{
    return h >> 15 ? -(int64_t)half_units(h) : (int64_t)half_units(h);
}

/* The exact result on finite operands that give no infinity by themselves. */
static uint16_t oracle_half(HalfOp op, uint16_t a, uint16_t b, uint16_t c, FpRounding mode,
                            uint8_t *flags)
{
    Exact e = { .den = 1 };
    bool sign = (a ^ b) >> 15, sum = false;
    __int128 value = 0;
    switch (op) {
    case HALF_ADD:
        sum = true;
        sign = a >> 15 && b >> 15;
        value = signed_units(a) + signed_units(b);
        break;
    case HALF_FMA:
        sum = true;
        sign = sign && c >> 15;
        value = (__int128)signed_units(a) * signed_units(b) +
                (__int128)signed_units(c) * ((int64_t)1 << H_UNIT_LOG2);
        e.den = (Wide)1 << H_UNIT_LOG2;
        break;
    case HALF_MUL:
        e.num = (Wide)half_units(a) * half_units(b);
        e.den = (Wide)1 << H_UNIT_LOG2;
        break;
    case HALF_DIV:
        e.num = (Wide)half_units(a) << H_UNIT_LOG2;
        e.den = half_units(b);
        break;
    case HALF_SQRT:
        sign = a >> 15;
        e.root = true;
        e.num = (Wide)half_units(a) << H_UNIT_LOG2;
        break;
    }
    if (sum) {
        e.num = value < 0 ? (Wide)-value : (Wide)value;
        /* An exact zero is positive but for minus plus minus, or rounding down. */
        bool same_zero = op == HALF_ADD ? (a >> 15) == (b >> 15)
                       : (!half_units(a) || !half_units(b)) && (a ^ b) >> 15 == c >> 15;
        sign = value ? value < 0 : same_zero ? sign : mode == FP_ROUND_MINUS_INF;
    }
    return oracle_round(sign, &e, mode, flags);
}

static void check_half(HalfOp op, uint16_t a, uint16_t b, uint16_t c, FpRounding mode)
{
    FpStatus s = FP_STATUS_ARM;
    s.rounding = mode;
    uint8_t flags = 0;
    uint16_t expected = oracle_half(op, a, b, c, mode, &flags);
    uint16_t result = op == HALF_ADD ? f16_add(a, b, &s)
                    : op == HALF_MUL ? f16_mul(a, b, &s)
                    : op == HALF_DIV ? f16_div(a, b, &s)
                    : op == HALF_FMA ? f16_muladd(a, b, c, &s)
                                     : f16_sqrt(a, &s);
    if (result != expected || s.flags != flags) {
        cr_assert_fail("op %d mode %d on %04x %04x %04x: %04x flags %02x, expected %04x %02x", op,
                       mode, a, b, c, result, s.flags, expected, flags);
    }
    if (op == HALF_ADD) {
        FpStatus t = { .rounding = mode, .tininess_before = true };
        cr_assert_eq(f16_sub(a, b ^ 0x8000, &t), expected);
        cr_assert_eq(t.flags, flags);
    }
}

Test(fpu_half, arithmetic_rounds_like_exact_arithmetic, .timeout = 300)
{
    FpuRandom r = { 0xb7e151628aed2a6a };
    for (uint32_t i = 0; i <= UINT16_MAX; i++) {
        uint16_t a = (uint16_t)i;
        for (unsigned k = 0; half_is_finite(a) && k < 6; k++) {
            uint16_t b = (uint16_t)fpu_random_operand(&r, 16);
            uint16_t c = (uint16_t)fpu_random_operand(&r, 16);
            if (!half_is_finite(b) || !half_is_finite(c)) {
                continue;
            }
            FpRounding mode = modes[fpu_random(&r) % ARRAY_SIZE(modes)];
            check_half(HALF_ADD, a, b, 0, mode);
            check_half(HALF_MUL, a, b, 0, mode);
            check_half(HALF_FMA, a, b, c, mode);
            if (half_units(b)) {
                check_half(HALF_DIV, a, b, 0, mode);
            }
        }
    }
}

Test(fpu_half, every_square_root)
{
    for (uint16_t a = 0; a < H_INF; a++) {
        for (size_t m = 0; m < ARRAY_SIZE(modes); m++) {
            check_half(HALF_SQRT, a, 0, 0, modes[m]);
        }
    }
}

/* Rounds units / 2^24 to an integer. */
static int64_t oracle_integer(int64_t units, FpRounding mode)
{
    int64_t one = (int64_t)1 << H_UNIT_LOG2;
    int64_t low = units >> H_UNIT_LOG2, rest = units & (one - 1);
    switch (mode) {
    case FP_ROUND_NEAREST_EVEN:
        return low + (rest > one / 2 || (rest == one / 2 && (low & 1)));
    case FP_ROUND_NEAREST_AWAY:
        return low + (rest > one / 2 || (rest == one / 2 && units >= 0));
    case FP_ROUND_PLUS_INF:
        return low + (rest != 0);
    case FP_ROUND_MINUS_INF:
        return low;
    default:
        return low + (rest && units < 0);
    }
}

Test(fpu_half, every_conversion_to_integers_and_back)
{
    for (uint32_t i = 0; i <= UINT16_MAX; i++) {
        uint16_t a = (uint16_t)i;
        for (size_t m = 0; half_is_finite(a) && m < ARRAY_SIZE(modes) - 1; m++) {
            FpStatus s = FP_STATUS_ARM, t = FP_STATUS_ARM, u = FP_STATUS_ARM, v = FP_STATUS_ARM;
            int64_t n = oracle_integer(signed_units(a), modes[m]);
            bool exact = n * (1 << H_UNIT_LOG2) == signed_units(a);
            uint8_t inexact = exact ? 0 : FP_FLAG_INEXACT;
            cr_assert_eq(f16_to_i64(a, 0, modes[m], &s), n, "%04x", a);
            cr_assert_eq(s.flags, inexact);
            cr_assert_eq(f16_to_u16(a, 0, modes[m], &t), n < 0 ? 0 : n, "%04x", a);
            cr_assert_eq(t.flags, n < 0 ? FP_FLAG_INVALID : inexact);
            int64_t n16 = n > INT16_MAX ? INT16_MAX : n < INT16_MIN ? INT16_MIN : n;
            cr_assert_eq(f16_to_i16(a, 0, modes[m], &u), n16, "%04x", a);
            cr_assert_eq(u.flags, n16 != n ? FP_FLAG_INVALID : inexact);
            uint16_t integral = f16_round_int(a, modes[m], true, &v);
            cr_assert_eq(v.flags, inexact);
            cr_assert_eq(signed_units(integral), n * (1 << H_UNIT_LOG2), "%04x", a);
            cr_assert_eq(integral >> 15, a >> 15);
            cr_assert_eq(f16_from_i64(n, 0, &v), n ? integral : 0);
        }
    }
}

Test(fpu_half, every_half_survives_the_wider_formats)
{
    for (unsigned ahp = 0; ahp < 2; ahp++) {
        for (uint32_t i = 0; i <= UINT16_MAX; i++) {
            uint16_t a = (uint16_t)i;
            FpStatus s = { .ahp = ahp, .tininess_before = true };
            uint16_t expected = ahp || half_is_finite(a) || !(a & 0x3ff) ? a : a | 0x200;
            cr_assert_eq(f32_to_f16(f16_to_f32(a, &s), &s), expected);
            cr_assert_eq(f64_to_f16(f16_to_f64(a, &s), &s), expected);
            cr_assert_eq(s.flags, expected == a ? 0 : FP_FLAG_INVALID);
        }
    }
}

Test(fpu_half, every_reciprocal_estimate_is_good_to_eight_bits)
{
    for (uint16_t a = 0x0400; a < 0x7400; a++) {
        FpStatus s = FP_STATUS_ARM;
        /* x * estimate, in units of 2^-48, is 1 within 2^-8. */
        Wide product = (Wide)half_units(a) * half_units(f16_recpe(a, &s));
        Wide one = (Wide)1 << 2 * H_UNIT_LOG2;
        cr_assert(product > one - (one >> 8) && product < one + (one >> 8), "%04x", a);
        uint64_t root = half_units(f16_rsqrte(a, &s));
        Wide square = (Wide)root * root * half_units(a);
        one <<= H_UNIT_LOG2;
        cr_assert(square > one - (one >> 7) && square < one + (one >> 7), "%04x", a);
        cr_assert_eq(s.flags, 0);
    }
}

/* Directed vectors: a row is an operation, its modes, and the result and flags it must have. */

enum {
    FZ = 1, FZ16 = 2, DN = 4, AHP = 8, /* modes */
    IOC = FP_FLAG_INVALID, DZC = FP_FLAG_DIVBYZERO, OFC = FP_FLAG_OVERFLOW,
    UFC = FP_FLAG_UNDERFLOW, IXC = FP_FLAG_INEXACT, IDC = FP_FLAG_INPUT_DENORMAL,
};

static FpStatus status_of(unsigned mode, FpRounding rounding)
{
    FpStatus s = FP_STATUS_ARM;
    s.rounding = (uint8_t)rounding;
    s.flush_inputs = s.flush_outputs = mode & FZ;
    s.flush_f16 = mode & FZ16;
    s.default_nan = mode & DN;
    s.ahp = mode & AHP;
    return s;
}

#define EXPECT(call, modes, round, bits, expected_flags)                                    \
    do {                                                                                    \
        FpStatus st = status_of(modes, round), *s = &st;                                    \
        uint64_t got = (uint64_t)(call);                                                    \
        cr_expect(got == (uint64_t)(bits) && st.flags == (expected_flags),                  \
                  "%s gives %llx flags %02x", #call, (unsigned long long)got, st.flags);    \
    } while (0)
#define RN FP_ROUND_NEAREST_EVEN
#define RP FP_ROUND_PLUS_INF
#define RM FP_ROUND_MINUS_INF
#define RZ FP_ROUND_ZERO

enum {
    S_ONE = 0x3f800000, S_TWO = 0x40000000, S_MIN = 0x00800000, S_MAX = 0x7f7fffff,
    S_INF = 0x7f800000, S_DEFAULT = 0x7fc00000, S_QNAN1 = 0x7fc00001, S_QNAN2 = 0x7fc00002,
    S_SNAN1 = 0x7f800001, S_SNAN2 = 0x7f800002,
};
#define S_NEG(x) ((uint32_t)(x) ^ 0x80000000u)

Test(fpu_arm, nan_choice_prefers_signalling_then_operand_order)
{
    EXPECT(f32_add(S_QNAN1, S_QNAN2, s), 0, RN, S_QNAN1, 0);
    EXPECT(f32_add(S_ONE, S_QNAN2, s), 0, RN, S_QNAN2, 0);
    EXPECT(f32_add(S_QNAN1, S_SNAN2, s), 0, RN, S_QNAN2, IOC);
    EXPECT(f32_add(S_SNAN1, S_SNAN2, s), 0, RN, S_QNAN1, IOC);
    EXPECT(f32_add(S_QNAN1, S_SNAN2, s), DN, RN, S_DEFAULT, IOC);
    EXPECT(f32_sub(S_ONE, S_QNAN2, s), 0, RN, S_QNAN2, 0); /* the sign stays */
    EXPECT(f32_sqrt(S_NEG(S_SNAN1), s), 0, RN, S_NEG(S_QNAN1), IOC);
    EXPECT(f64_to_f32(UINT64_C(0xfff0000020000000), s), 0, RN, S_NEG(S_QNAN1), IOC);
    EXPECT(f32_to_f64(S_SNAN1, s), 0, RN, UINT64_C(0x7ff8000020000000), IOC);
    EXPECT(f32_to_f16(S_QNAN1, s), 0, RN, H_QNAN, 0);
}

Test(fpu_arm, fused_nan_choice_begins_with_the_addend)
{
    EXPECT(f32_muladd(S_QNAN1, S_ONE, S_QNAN2, s), 0, RN, S_QNAN2, 0);
    EXPECT(f32_muladd(S_SNAN1, S_ONE, S_QNAN2, s), 0, RN, S_QNAN1, IOC);
    EXPECT(f32_muladd(S_SNAN1, S_ONE, S_SNAN2, s), 0, RN, S_QNAN2, IOC);
    EXPECT(f32_muladd(S_INF, 0, S_QNAN2, s), 0, RN, S_DEFAULT, IOC);
    EXPECT(f32_muladd(S_INF, 0, S_SNAN2, s), 0, RN, S_QNAN2, IOC);
    EXPECT(f32_muladd(S_INF, 0, S_ONE, s), 0, RN, S_DEFAULT, IOC);
    EXPECT(f32_muladd(S_INF, S_ONE, S_NEG(S_INF), s), 0, RN, S_DEFAULT, IOC);
}

Test(fpu_arm, invalid_operations_give_the_positive_default_nan)
{
    EXPECT(f32_sub(S_INF, S_INF, s), 0, RN, S_DEFAULT, IOC);
    EXPECT(f32_mul(S_NEG(S_INF), 0, s), 0, RN, S_DEFAULT, IOC);
    EXPECT(f32_div(0, 0, s), 0, RN, S_DEFAULT, IOC);
    EXPECT(f32_div(S_INF, S_INF, s), 0, RN, S_DEFAULT, IOC);
    EXPECT(f32_sqrt(S_NEG(S_ONE), s), 0, RN, S_DEFAULT, IOC);
    EXPECT(f32_sqrt(S_NEG(0), s), 0, RN, S_NEG(0), 0);
    EXPECT(f32_div(S_NEG(S_ONE), 0, s), 0, RN, S_NEG(S_INF), DZC);
    EXPECT(f32_div(S_INF, 0, s), 0, RN, S_INF, 0);
    EXPECT(f32_mulx(S_NEG(S_INF), 0, s), 0, RN, S_NEG(S_TWO), 0);
}

Test(fpu_arm, tininess_is_detected_before_rounding)
{
    /* 2^-126 - 2^-150 has 24 bits: tiny by both rules. */
    EXPECT(f32_mul(S_MIN | 0x7fffff, 0x3f000000, s), 0, RN, S_MIN, UFC | IXC);
    EXPECT(f32_mul(S_MIN | 0x7fffff, 0x3f000000, s), FZ, RN, 0, UFC);
    FpStatus after = { 0 };
    cr_expect_eq(f32_mul(S_MIN | 0x7fffff, 0x3f000000, &after), S_MIN);
    cr_expect_eq(after.flags, UFC | IXC);
    /* With more bits it rounds to 2^-126, and then it was not tiny. */
    after.flags = 0;
    cr_expect_eq(f64_to_f32(UINT64_C(0x380fffffffffffff), &after), S_MIN);
    cr_expect_eq(after.flags, IXC);
    EXPECT(f64_to_f32(UINT64_C(0x380fffffffffffff), s), 0, RN, S_MIN, UFC | IXC);
    EXPECT(f64_to_f32(UINT64_C(0x380fffffffffffff), s), FZ, RN, 0, UFC);
    EXPECT(f32_mul(S_MIN, 0x3f000000, s), 0, RN, 0x00400000, 0); /* tiny, but exact */
}

Test(fpu_arm, flushing_to_zero_has_flags_of_its_own)
{
    EXPECT(f32_add(1, S_ONE, s), FZ, RN, S_ONE, IDC);
    EXPECT(f32_add(S_NEG(1), S_NEG(0), s), FZ, RN, S_NEG(0), IDC);
    EXPECT(f32_add(1, S_QNAN1, s), FZ, RN, S_QNAN1, IDC);
    EXPECT(f32_mul(S_MIN, 0x3f000000, s), FZ, RN, 0, UFC);
    EXPECT(f32_max(1, S_NEG(S_ONE), s), FZ, RN, 0, IDC);
    EXPECT(f32_compare(1, 0, s), FZ, RN, FP_EQUAL, IDC);
    EXPECT(f32_round_int(1, RP, true, s), FZ, RN, 0, IDC);
    EXPECT(f32_to_i32(1, 0, RP, s), FZ, RN, 0, IDC);
    EXPECT(f32_to_i32(1, 0, RP, s), 0, RN, 1, IXC);
    EXPECT(f16_add(1, 0, s), FZ16, RN, 0, 0); /* halfs are flushed silently */
    EXPECT(f16_mul(H_MIN_NORMAL, 0x3800, s), FZ16, RN, 0, UFC);
    EXPECT(f16_add(1, 0, s), FZ, RN, 1, 0);
    EXPECT(f16_to_f32(1, s), FZ | FZ16, RN, 0x33800000, 0); /* and not in conversions */
    EXPECT(f32_to_f16(0x33800000, s), FZ | FZ16, RN, 1, 0);
    EXPECT(f32_to_f16(1, s), FZ, RN, 0, IDC);
    EXPECT(f64_to_f32(UINT64_C(0x3800000000000000), s), FZ, RN, 0, UFC);
}

Test(fpu_arm, overflow_follows_the_rounding_mode)
{
    EXPECT(f32_add(S_MAX, S_MAX, s), 0, RN, S_INF, OFC | IXC);
    EXPECT(f32_add(S_MAX, S_MAX, s), 0, RZ, S_MAX, OFC | IXC);
    EXPECT(f32_add(S_MAX, S_MAX, s), 0, RM, S_MAX, OFC | IXC);
    EXPECT(f32_sub(S_NEG(S_MAX), S_MAX, s), 0, RM, S_NEG(S_INF), OFC | IXC);
    EXPECT(f64_to_f32_odd(UINT64_C(0x7fefffffffffffff), s), 0, RN, S_MAX, OFC | IXC);
    EXPECT(f64_to_f32_odd(UINT64_C(0x3ff0000000000001), s), 0, RN, S_ONE | 1, IXC);
    EXPECT(f64_to_f32_odd(1, s), 0, RN, 1, UFC | IXC);
    EXPECT(f64_to_f16(UINT64_C(0x3ff0020000000001), s), 0, RN, H_ONE | 1, IXC); /* rounds once */
}

Test(fpu_arm, signs_of_exact_zeros)
{
    EXPECT(f32_sub(S_ONE, S_ONE, s), 0, RN, 0, 0);
    EXPECT(f32_sub(S_ONE, S_ONE, s), 0, RM, S_NEG(0), 0);
    EXPECT(f32_muladd(S_ONE, S_ONE, S_NEG(S_ONE), s), 0, RM, S_NEG(0), 0);
    EXPECT(f32_recps(S_ONE, S_TWO, s), 0, RM, S_NEG(0), 0);
    EXPECT(f32_round_int(0xbe800000, RN, true, s), 0, RN, S_NEG(0), IXC);
    EXPECT(f32_from_i64(0, 0, s), 0, RM, 0, 0);
}

Test(fpu_arm, maximum_and_minimum)
{
    EXPECT(f32_max(0, S_NEG(0), s), 0, RN, 0, 0);
    EXPECT(f32_min(0, S_NEG(0), s), 0, RN, S_NEG(0), 0);
    EXPECT(f32_max(S_QNAN1, S_ONE, s), 0, RN, S_QNAN1, 0);
    EXPECT(f32_maxnm(S_QNAN1, S_ONE, s), 0, RN, S_ONE, 0);
    EXPECT(f32_minnm(S_ONE, S_QNAN1, s), 0, RN, S_ONE, 0);
    EXPECT(f32_maxnm(S_QNAN1, S_QNAN2, s), 0, RN, S_QNAN1, 0);
    EXPECT(f32_maxnm(S_ONE, S_SNAN2, s), 0, RN, S_QNAN2, IOC);
    EXPECT(f32_maxnm(S_QNAN1, S_NEG(S_INF), s), 0, RN, S_NEG(S_INF), 0);
}

Test(fpu_arm, comparisons)
{
    EXPECT(f32_compare(0, S_NEG(0), s), 0, RN, FP_EQUAL, 0);
    EXPECT(f32_compare(S_NEG(S_INF), S_INF, s), 0, RN, FP_LESS, 0);
    EXPECT(f32_compare(S_NEG(S_ONE), S_NEG(S_TWO), s), 0, RN, FP_GREATER, 0);
    EXPECT(f32_compare(S_ONE, S_QNAN1, s), 0, RN, FP_UNORDERED, 0);
    EXPECT(f32_compare(S_ONE, S_SNAN1, s), 0, RN, FP_UNORDERED, IOC);
    EXPECT(f32_compare_signal(S_ONE, S_QNAN1, s), 0, RN, FP_UNORDERED, IOC);
}

Test(fpu_arm, newton_steps_and_estimates)
{
    EXPECT(f32_recps(S_INF, S_NEG(0), s), 0, RN, S_TWO, 0);
    EXPECT(f32_rsqrts(S_INF, 0, s), 0, RN, 0x3fc00000, 0);
    EXPECT(f32_recps(S_QNAN1, S_ONE, s), 0, RN, S_NEG(S_QNAN1), 0); /* a is negated first */
    EXPECT(f32_rsqrts(S_ONE, S_ONE, s), 0, RN, S_ONE, 0);
    EXPECT(f32_recpe(S_ONE, s), 0, RN, 0x3f7f8000, 0);
    EXPECT(f32_recpe(0, s), 0, RN, S_INF, DZC);
    EXPECT(f32_recpe(S_NEG(S_INF), s), 0, RN, S_NEG(0), 0);
    EXPECT(f32_recpe(0x001fffff, s), 0, RN, S_INF, OFC | IXC);
    EXPECT(f32_recpe(0x001fffff, s), 0, RZ, S_MAX, OFC | IXC);
    EXPECT(f32_recpe(0x7e800000, s), FZ, RN, 0, UFC);
    EXPECT(f32_rsqrte(S_NEG(0), s), 0, RN, S_NEG(S_INF), DZC);
    EXPECT(f32_rsqrte(S_NEG(S_ONE), s), 0, RN, S_DEFAULT, IOC);
    EXPECT(f32_recpx(S_NEG(0), s), 0, RN, 0xff000000, 0);
    EXPECT(f32_recpx(S_TWO | 1, s), 0, RN, 0x3f800000, 0);
    cr_expect_eq(u32_recpe(0x7fffffff), 0xffffffff);
    cr_expect_eq(u32_recpe(0x80000000), 0xff800000);
    cr_expect_eq(u32_rsqrte(0x3fffffff), 0xffffffff);
    cr_expect_eq(u32_rsqrte(0xffffffff), 0x80000000);
}

Test(fpu_arm, integers_saturate)
{
    EXPECT(f32_to_i32(S_QNAN1, 0, RZ, s), 0, RN, 0, IOC);
    EXPECT((uint32_t)f32_to_i32(S_NEG(S_INF), 0, RZ, s), 0, RN, 0x80000000, IOC);
    EXPECT(f32_to_u32(S_NEG(S_ONE), 0, RZ, s), 0, RN, 0, IOC);
    EXPECT(f32_to_u32(0xbf000000, 0, RZ, s), 0, RN, 0, IXC);
    EXPECT(f32_to_i32(S_ONE, 31, RZ, s), 0, RN, INT32_MAX, IOC);
    EXPECT(f32_to_u64(S_ONE, 63, RZ, s), 0, RN, UINT64_C(1) << 63, 0);
    EXPECT(f32_from_u64(1, 64, s), 0, RN, 0x1f800000, 0);
    EXPECT(f16_from_u64(UINT64_MAX, 0, s), 0, RN, H_INF, OFC | IXC);
    EXPECT(f64_from_i64(INT64_MIN, 0, s), 0, RN, UINT64_C(0xc3e0000000000000), 0);
    EXPECT(f32_round_int_n(0x4f000000, RZ, 32, s), 0, RN, 0xcf000000, IOC);
    EXPECT(f32_round_int_n(S_QNAN1, RZ, 64, s), 0, RN, 0xdf000000, IOC);
}

Test(fpu_arm, alternative_half_precision)
{
    EXPECT(f16_to_f32(0x7fff, s), AHP, RN, 0x47ffe000, 0); /* 131008 */
    EXPECT(f32_to_f16(0x47ffe000, s), AHP, RN, 0x7fff, 0);
    EXPECT(f32_to_f16(S_NEG(S_INF), s), AHP, RN, 0xffff, IOC);
    EXPECT(f32_to_f16(S_MAX, s), AHP, RN, 0x7fff, IOC);
    EXPECT(f32_to_f16(S_NEG(S_QNAN1), s), AHP, RN, 0x8000, IOC);
    EXPECT(f32_to_f16(S_NEG(S_QNAN1), s), AHP | DN, RN, 0x8000, IOC);
    EXPECT(f16_add(H_INF, 0, s), AHP, RN, H_INF, 0); /* arithmetic stays IEEE */
}

Test(fpu_arm, javascript_conversion_wraps)
{
    bool exact;
    EXPECT((uint32_t)f64_to_i32_js(UINT64_C(0x41f0000000100000), &exact, s), 0, RN, 1, IOC);
    cr_expect(!exact);
    EXPECT((uint32_t)f64_to_i32_js(UINT64_C(0xbff0000000000000), &exact, s), 0, RN, UINT32_MAX, 0);
    cr_expect(exact);
    EXPECT(f64_to_i32_js(BIT(63), &exact, s), 0, RN, 0, 0);
    cr_expect(!exact, "minus zero");
    EXPECT(f64_to_i32_js(0xfcff00, &exact, s), FZ, RN, 0, IDC);
    cr_expect(!exact, "a flushed denormal");
}

Test(fpu_sse_rules, differ_where_the_status_says)
{
    FpStatus s = FP_STATUS_SSE;
    cr_expect_eq(f32_add(S_QNAN1, S_SNAN2, &s), S_QNAN1);
    cr_expect_eq(f32_sub(S_INF, S_INF, &s), S_NEG(S_DEFAULT));
    s.flags = 0;
    cr_expect_eq(f32_muladd(S_INF, 0, S_QNAN2, &s), S_QNAN2);
    cr_expect_eq(s.flags, 0);
}
