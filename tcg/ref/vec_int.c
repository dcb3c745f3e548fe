// SPDX-License-Identifier: MIT
//
// Reference semantics: integer arithmetic, comparison and shifts of lanes (Arm ARM C7.2). Each
// operation is one expression over a lane, `x` and `y` the operands (signed or unsigned),
// `bits` the lane's width; the low bits of its value become the result's lane.
#include "tcg/ref/internal.h"

/* Operations of one and two operands on lanes read as `type` by `get`. */
#define LANES1(name, get, type, expr)                                                     \
    REF_FN(name)                                                                          \
    {                                                                                     \
        unsigned es = ref_esize(ctl), bits = ref_lane_bits(es);                           \
        V128 r;                                                                           \
        for (unsigned i = 0; i < ref_lane_count(es); i++) {                               \
            type x = get(a, es, i);                                                       \
            (void)bits;                                                                   \
            ref_lane_set(&r, es, i, (uint64_t)(expr));                                    \
        }                                                                                 \
        *d = r;                                                                           \
    }
#define LANES2(name, get, type, expr)                                                     \
    REF_FN(name)                                                                          \
    {                                                                                     \
        unsigned es = ref_esize(ctl), bits = ref_lane_bits(es);                           \
        V128 r;                                                                           \
        for (unsigned i = 0; i < ref_lane_count(es); i++) {                               \
            type x = get(a, es, i), y = get(b, es, i);                                    \
            (void)bits;                                                                   \
            ref_lane_set(&r, es, i, (uint64_t)(expr));                                    \
        }                                                                                 \
        *d = r;                                                                           \
    }
/* The same, the values being wide enough for any carry. */
#define SIGNED1(name, expr) LANES1(name, ref_lane_s, RefWide, expr)
#define SIGNED2(name, expr) LANES2(name, ref_lane_s, RefWide, expr)
#define UNSIGNED1(name, expr) LANES1(name, ref_lane_u, RefWide, expr)
#define UNSIGNED2(name, expr) LANES2(name, ref_lane_u, RefWide, expr)

/* Wrapping arithmetic. */
LANES2(vadd, ref_lane_u, uint64_t, x + y)
LANES2(vsub, ref_lane_u, uint64_t, x - y)
LANES2(vmul, ref_lane_u, uint64_t, x * y)
LANES1(vneg, ref_lane_u, uint64_t, 0 - x)
SIGNED1(vabs, x < 0 ? -x : x)

SIGNED2(vsmin, x < y ? x : y)
SIGNED2(vsmax, x > y ? x : y)
UNSIGNED2(vumin, x < y ? x : y)
UNSIGNED2(vumax, x > y ? x : y)
SIGNED2(vsabd, x < y ? y - x : x - y)
UNSIGNED2(vuabd, x < y ? y - x : x - y)

/* Saturating arithmetic. */
SIGNED2(vsqadd, ref_saturate_s(x + y, bits))
UNSIGNED2(vuqadd, ref_saturate_u(x + y, bits))
SIGNED2(vsqsub, ref_saturate_s(x - y, bits))
UNSIGNED2(vuqsub, ref_saturate_u(x - y, bits))

/* 2xy >> bits is xy >> (bits - 1), which fits even for 64-bit lanes. */
static uint64_t sqdmulh(RefWide x, RefWide y, unsigned bits, bool round)
{
    RefWide half = round ? (RefWide)1 << (bits - 2) : 0;
    return ref_saturate_s((x * y + half) >> (bits - 1), bits);
}

SIGNED2(vsqdmulh, sqdmulh(x, y, bits, ctl->imm & 1))

/* Halving arithmetic. */
SIGNED2(vshadd, (x + y) >> 1)
UNSIGNED2(vuhadd, (x + y) >> 1)
SIGNED2(vsrhadd, (x + y + 1) >> 1)
UNSIGNED2(vurhadd, (x + y + 1) >> 1)
SIGNED2(vshsub, (x - y) >> 1)
UNSIGNED2(vuhsub, (x - y) >> 1)

/* Comparison: 0 or all ones. */
UNSIGNED2(vcmpeq, -(RefWide)(x == y))
SIGNED2(vcmpgt, -(RefWide)(x > y))
SIGNED2(vcmpge, -(RefWide)(x >= y))
UNSIGNED2(vcmphi, -(RefWide)(x > y))
UNSIGNED2(vcmphs, -(RefWide)(x >= y))
UNSIGNED2(vtst, -(RefWide)((x & y) != 0))

/* `x` shifted right by n (1 and up), rounded to nearest, ties up, when `round`. Beyond the
 * width of any lane nothing but the sign is left; 64 zeros or signs more change nothing. */
static RefWide shift_right(RefWide x, unsigned n, bool round)
{
    n = MIN(n, 65);
    return (x + (round ? (RefWide)1 << (n - 1) : 0)) >> n;
}

/* A right shift that an instruction names: 1 .. bits. */
static unsigned right_count(const IrRefCtl *ctl, unsigned bits)
{
    return ctl->imm == 0 ? 1 : ctl->imm > bits ? bits : (unsigned)ctl->imm;
}

LANES1(vshli, ref_lane_u, uint64_t, x << (ctl->imm & (bits - 1)))
UNSIGNED1(vshri, shift_right(x, right_count(ctl, bits), false))
SIGNED1(vsari, shift_right(x, right_count(ctl, bits), false))
UNSIGNED1(vrshri, shift_right(x, right_count(ctl, bits), true))
SIGNED1(vrsari, shift_right(x, right_count(ctl, bits), true))

/* How a shift by a signed count treats the bits that leave. */
typedef enum ShiftKind { WRAP, SATURATE_S, SATURATE_U } ShiftKind;

/* `x` shifted left by the signed low byte of `count`, right when that is negative (USHL, SSHL and
 * kin, Arm ARM C7.2). A zero stays zero however far it goes. */
static uint64_t shift_signed(RefWide x, RefWide count, unsigned bits, bool round, ShiftKind kind)
{
    int n = (int8_t)(uint8_t)count;

    if (n < 0) {
        x = shift_right(x, (unsigned)-n, round);
    } else if (x != 0) {
        /* 63 places and 64 bits just fit; what leaves a narrower lane by then has left */
        bool gone = n >= (int)bits;
        if (gone && kind == WRAP) {
            return 0;
        }
        RefWide beyond = (RefWide)1 << 100;
        x = gone ? (x < 0 ? -beyond : beyond) : x * ((RefWide)1 << n);
    }
    switch (kind) {
    case SATURATE_S: return ref_saturate_s(x, bits);
    case SATURATE_U: return ref_saturate_u(x, bits);
    default: return (uint64_t)x;
    }
}

SIGNED2(vsshl, shift_signed(x, y, bits, false, WRAP))
UNSIGNED2(vushl, shift_signed(x, y, bits, false, WRAP))
SIGNED2(vsrshl, shift_signed(x, y, bits, true, WRAP))
UNSIGNED2(vurshl, shift_signed(x, y, bits, true, WRAP))
SIGNED2(vsqshl, shift_signed(x, y, bits, ctl->imm & 1, SATURATE_S))
UNSIGNED2(vuqshl, shift_signed(x, y, bits, ctl->imm & 1, SATURATE_U))
SIGNED2(vsqshlu, shift_signed(x, y, bits, false, SATURATE_U))

/* Bit counting. */
UNSIGNED1(vclz, x == 0 ? bits : bits - 1 - (63 - (unsigned)__builtin_clzll((uint64_t)x)))
SIGNED1(vcls, (unsigned)__builtin_clrsbll((int64_t)x) - (64 - bits))

REF_FN(vpopcnt)
{
    V128 r;
    for (unsigned i = 0; i < 16; i++) {
        r.b[i] = (uint8_t)__builtin_popcount(a->b[i]);
    }
    *d = r;
}

REF_FN(vbitrev)
{
    V128 r = { { 0 } };
    for (unsigned i = 0; i < 128; i++) {
        r.b[i / 8] |= (a->b[i / 8] >> (i % 8) & 1) << (7 - i % 8);
    }
    *d = r;
}

/* Bitwise. */
#define BITWISE(name, expr)                                                               \
    REF_FN(name)                                                                          \
    {                                                                                     \
        V128 r;                                                                           \
        for (unsigned i = 0; i < 2; i++) {                                                \
            r.d[i] = expr;                                                                \
        }                                                                                 \
        *d = r;                                                                           \
    }

BITWISE(vand, a->d[i] & b->d[i])
BITWISE(vor, a->d[i] | b->d[i])
BITWISE(vxor, a->d[i] ^ b->d[i])
BITWISE(vandn, a->d[i] & ~b->d[i])
BITWISE(vorn, a->d[i] | ~b->d[i])
BITWISE(vnot, ~a->d[i])
BITWISE(vbsl, (a->d[i] & b->d[i]) | (~a->d[i] & c->d[i]))

REF_FN(vtest)
{
    *d = (V128){ .d = { (a->d[0] | a->d[1]) != 0, 0 } };
}

/* Adjacent lanes of arg0, then of arg1. */
#define PAIRS(name, get, expr)                                                            \
    REF_FN(name)                                                                          \
    {                                                                                     \
        unsigned es = ref_esize(ctl), half = ref_lane_count(es) / 2;                      \
        V128 r;                                                                           \
        for (unsigned i = 0; i < 2 * half; i++) {                                         \
            const V128 *v = i < half ? a : b;                                             \
            RefWide x = get(v, es, 2 * (i % half)), y = get(v, es, 2 * (i % half) + 1);   \
            ref_lane_set(&r, es, i, (uint64_t)(expr));                                    \
        }                                                                                 \
        *d = r;                                                                           \
    }

PAIRS(vaddp, ref_lane_u, x + y)
PAIRS(vsmaxp, ref_lane_s, x > y ? x : y)
PAIRS(vsminp, ref_lane_s, x < y ? x : y)
PAIRS(vumaxp, ref_lane_u, x > y ? x : y)
PAIRS(vuminp, ref_lane_u, x < y ? x : y)

/* Results of double width. The lanes' size stays below 8 bytes. */
static unsigned narrow_esize(const IrRefCtl *ctl)
{
    return MIN(ref_esize(ctl), 2);
}

#define WIDE(name, expr)                                                                  \
    REF_FN(name)                                                                          \
    {                                                                                     \
        unsigned es = narrow_esize(ctl);                                                  \
        V128 r;                                                                           \
        for (unsigned i = 0; i < ref_lane_count(es) / 2; i++) {                           \
            ref_lane_set(&r, es + 1, i, (uint64_t)(expr));                                \
        }                                                                                 \
        *d = r;                                                                           \
    }

WIDE(vsmull, ref_lane_s(a, es, i) * ref_lane_s(b, es, i))
WIDE(vumull, ref_lane_u(a, es, i) * ref_lane_u(b, es, i))
WIDE(vsaddlp, ref_lane_s(a, es, 2 * i) + ref_lane_s(a, es, 2 * i + 1))
WIDE(vuaddlp, ref_lane_u(a, es, 2 * i) + ref_lane_u(a, es, 2 * i + 1))
WIDE(vuxtl, ref_lane_u(a, es, i))
WIDE(vsxtl, ref_lane_s(a, es, i))

/* Byte `i` as the operand's signedness has it. */
static int32_t dot_byte(const V128 *v, unsigned i, bool is_signed)
{
    return is_signed ? (int8_t)v->b[i] : v->b[i];
}

REF_FN(vdot)
{
    V128 r = *c;
    for (unsigned i = 0; i < 16; i++) {
        r.s[i / 4] += (uint32_t)(dot_byte(a, i, ctl->imm & 1) * dot_byte(b, i, ctl->imm & 2));
    }
    *d = r;
}

/* Results of half width, from lanes of at least 2 bytes, into the low half. */
#define NARROW(name, expr)                                                                \
    REF_FN(name)                                                                          \
    {                                                                                     \
        unsigned es = MAX(ref_esize(ctl), 1), bits = ref_lane_bits(es - 1);               \
        V128 r = { { 0 } };                                                               \
        for (unsigned i = 0; i < ref_lane_count(es); i++) {                               \
            (void)bits;                                                                   \
            ref_lane_set(&r, es - 1, i, (uint64_t)(expr));                                \
        }                                                                                 \
        *d = r;                                                                           \
    }

NARROW(vxtn, ref_lane_u(a, es, i))
NARROW(vsqxtn, ref_saturate_s(ref_lane_s(a, es, i), bits))
NARROW(vuqxtn, ref_saturate_u(ref_lane_u(a, es, i), bits))
NARROW(vsqxtun, ref_saturate_u(ref_lane_s(a, es, i), bits))

/* Products of polynomials over {0, 1}. */
static RefWide poly_mul(uint64_t x, uint64_t y, unsigned bits)
{
    unsigned __int128 r = 0;
    for (unsigned i = 0; i < bits; i++) {
        r ^= y >> i & 1 ? (unsigned __int128)x << i : 0;
    }
    return (RefWide)r;
}

REF_FN(vpmul)
{
    V128 r;
    for (unsigned i = 0; i < 16; i++) {
        r.b[i] = (uint8_t)poly_mul(a->b[i], b->b[i], 8);
    }
    *d = r;
}

REF_FN(vpmull8)
{
    V128 r;
    for (unsigned i = 0; i < 8; i++) {
        r.h[i] = (uint16_t)poly_mul(a->b[i], b->b[i], 8);
    }
    *d = r;
}

REF_FN(vpmull64)
{
    unsigned __int128 p = (unsigned __int128)poly_mul(a->d[0], b->d[0], 64);
    *d = (V128){ .d = { (uint64_t)p, (uint64_t)(p >> 64) } };
}
