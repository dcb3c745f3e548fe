// SPDX-License-Identifier: MIT
//
// The reference functions of floating-point and vector opcodes against values from the manuals,
// and at random against oracles that share no code with them: the soft-float of util/fpu for
// every scalar and lane, rounding mode, and sticky flag.
#include <criterion/criterion.h>
#include <stdio.h>
#include <xmmintrin.h>
#include "tcg/ref/ref.h"
#include "util/bitops.h"
#include "util/fpu/softfloat.h"

#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_FLAGS 0x3fu
#define MXCSR_DENORMAL 0x02u
#define MXCSR_DAZ_FTZ 0x8040u

static V128 run(IrOp op, IrRefCtl ctl, V128 a, V128 b, V128 c)
{
    V128 d;
    cr_assert(ir_ref_fns[op], "no reference function for %s", ir_op_info[op].name);
    ir_ref_fns[op](&d, &a, &b, &c, &ctl);
    return d;
}

static V128 v2(uint64_t lo, uint64_t hi)
{
    return (V128){ .d = { lo, hi } };
}

static void expect(V128 got, uint64_t lo, uint64_t hi, const char *what)
{
    cr_expect(got.d[0] == lo && got.d[1] == hi, "%s: got %016llx:%016llx, want %016llx:%016llx",
              what, (unsigned long long)got.d[1], (unsigned long long)got.d[0],
              (unsigned long long)hi, (unsigned long long)lo);
}

Test(ref, every_vector_and_fp_opcode_has_one)
{
    for (int op = 0; op < IR_OP_COUNT; op++) {
        bool wanted = (op >= IR_OP_FADD && op < IR_OP_COUNT) || op == IR_OP_NZCV_FCMP;
        cr_expect(!wanted || ir_ref_fns[op], "%s", ir_op_info[op].name);
    }
}

/* One row: op, sub, imm, operands, result. */
typedef struct Directed {
    IrOp op;
    unsigned sub;
    uint64_t imm;
    uint64_t a[2], b[2], c[2], want[2];
} Directed;

static const Directed directed[] = {
    { IR_OP_VADD, 0, 0, { 0xff01, 0 }, { 0x0101, 0 }, { 0 }, { 0x0002, 0 } },
    { IR_OP_VSQADD, 0, 0, { 0x7f80, 0 }, { 0x01ff, 0 }, { 0 }, { 0x7f80, 0 } },
    { IR_OP_VSQADD, 3, 0, { INT64_MAX, 1 }, { 1, 1 }, { 0 }, { INT64_MAX, 2 } },
    { IR_OP_VUQSUB, 3, 0, { 1, 3 }, { 2, 1 }, { 0 }, { 0, 2 } },
    { IR_OP_VSQDMULH, 1, 0, { 0x80004000, 0 }, { 0x80004000, 0 }, { 0 }, { 0x7fff2000, 0 } },
    { IR_OP_VSQDMULH, 2, 1, { 0x80000000, 0 }, { 0x80000000, 0 }, { 0 }, { 0x7fffffff, 0 } },
    { IR_OP_VSRHADD, 3, 0, { INT64_MAX, -1ull }, { INT64_MAX, 0 }, { 0 }, { INT64_MAX, 0 } },
    { IR_OP_VUHADD, 3, 0, { -1ull, 0 }, { -1ull, 1 }, { 0 }, { -1ull, 0 } },
    { IR_OP_VABS, 0, 0, { 0x80ff, 0 }, { 0 }, { 0 }, { 0x8001, 0 } },
    { IR_OP_VSHRI, 3, 64, { -1ull, -1ull }, { 0 }, { 0 }, { 0, 0 } },
    { IR_OP_VSARI, 3, 64, { 1ull << 63, 1 }, { 0 }, { 0 }, { -1ull, 0 } },
    { IR_OP_VRSHRI, 3, 64, { 1ull << 63, 1 }, { 0 }, { 0 }, { 1, 0 } },
    { IR_OP_VRSARI, 3, 64, { 1ull << 63, 1 }, { 0 }, { 0 }, { 0, 0 } },
    { IR_OP_VUSHL, 3, 0, { 3, 3 }, { 0x1ff, 64 }, { 0 }, { 1, 0 } },
    { IR_OP_VSSHL, 3, 0, { -8ull, -8ull }, { 0x80, 0xfe }, { 0 }, { -1ull, -2ull } },
    { IR_OP_VURSHL, 3, 0, { 1ull << 63, 1ull << 63 }, { 0xc0, 0xbf }, { 0 }, { 1, 0 } },
    { IR_OP_VSQSHL, 3, 0, { 1, -1ull }, { 63, 127 }, { 0 }, { INT64_MAX, 1ull << 63 } },
    { IR_OP_VUQSHL, 3, 0, { 1, 2 }, { 63, 63 }, { 0 }, { 1ull << 63, -1ull } },
    { IR_OP_VSQSHLU, 3, 0, { -1ull, 1 }, { 1, 63 }, { 0 }, { 0, 1ull << 63 } },
    { IR_OP_VEXT, 0, 3, { 0x0706050403020100, 0x0f0e0d0c0b0a0908 },
      { 0x1716151413121110, 0x1f1e1d1c1b1a1918 }, { 0 },
      { 0x0a09080706050403, 0x1211100f0e0d0c0b } },
    { IR_OP_VREV, 0, 8, { 0x0706050403020100, 0x0f0e0d0c0b0a0908 }, { 0 }, { 0 },
      { 0x0001020304050607, 0x08090a0b0c0d0e0f } },
    { IR_OP_VREV, 1, 4, { 0x0706050403020100, 0 }, { 0 }, { 0 }, { 0x0504070601000302, 0 } },
    { IR_OP_VUZP2, 2, 0, { 1ull << 32, 3ull << 32 }, { 5ull << 32, 7ull << 32 }, { 0 },
      { 3ull << 32 | 1, 7ull << 32 | 5 } },
    { IR_OP_VTBX, 0, 16, { 0xaaaa, 0 }, { 0x2211, 0 }, { 0x010f11, 0 }, { 0x00aa22, 0 } },
    { IR_OP_VSQXTUN, 1, 0, { 0xffff01000080007f, 0 }, { 0 }, { 0 }, { 0x00ff807f, 0 } },
    { IR_OP_VSQXTN, 1, 0, { 0xff7f01000080007f, 0 }, { 0 }, { 0 }, { 0x807f7f7f, 0 } },
    { IR_OP_VCLS, 0, 0, { 0x0040ff80, 0 }, { 0 }, { 0 },
      { 0x0707070707000700, 0x0707070707070707 } },
    { IR_OP_VCLZ, 1, 0, { 0x80000001, 0 }, { 0 }, { 0 },
      { 0x001000100000000f, 0x0010001000100010 } },
    { IR_OP_VPMULL64, 0, 0, { -1ull, 9 }, { -1ull, 9 }, { 0 },
      { 0x5555555555555555, 0x5555555555555555 } },
    { IR_OP_VTEST, 0, 0, { 0, 1ull << 40 }, { 0 }, { 0 }, { 1, 0 } },
    { IR_OP_VGET, 0, 0x101, { 0x8000, 0 }, { 0 }, { 0 }, { (uint64_t)-128, 0 } },
};

Test(ref, directed_vectors)
{
    for (size_t i = 0; i < ARRAY_SIZE(directed); i++) {
        const Directed *t = &directed[i];
        IrRefCtl ctl = { .sub = (uint16_t)t->sub, .imm = t->imm, .type = IR_V128,
                         .arg_type = IR_V128 };
        if (t->op == IR_OP_VGET) {
            ctl.type = IR_I64;
        }
        expect(run(t->op, ctl, v2(t->a[0], t->a[1]), v2(t->b[0], t->b[1]), v2(t->c[0], t->c[1])),
               t->want[0], t->want[1], ir_op_info[t->op].name);
    }
}

static V128 bytes(const char *hex)
{
    V128 v;
    for (unsigned i = 0; i < 16; i++) {
        unsigned x;
        cr_assert(sscanf(hex + 2 * i, "%2x", &x) == 1);
        v.b[i] = (uint8_t)x;
    }
    return v;
}

/* FIPS 197, appendix B: the state in round 1. */
Test(ref, aes_round)
{
    V128 zero = { { 0 } };
    V128 start = bytes("193de3bea0f4e22b9ac68d2ae9f84808");
    V128 shifted = bytes("d4bf5d30e0b452aeb84111f11e2798e5");
    V128 mixed = bytes("046681e5e0cb199a48f8d37a2806264c");
    IrRefCtl ctl = { .type = IR_V128 };

    expect(run(IR_OP_VAESENC, ctl, start, zero, zero), shifted.d[0], shifted.d[1], "vaesenc");
    expect(run(IR_OP_VAESDEC, ctl, shifted, zero, zero), start.d[0], start.d[1], "vaesdec");
    expect(run(IR_OP_VAESMC, ctl, shifted, zero, zero), mixed.d[0], mixed.d[1], "vaesmc");
    expect(run(IR_OP_VAESIMC, ctl, mixed, zero, zero), shifted.d[0], shifted.d[1], "vaesimc");
}

/* The padded block of "abc" (FIPS 180-4). */
static const V128 abc_block[4] = {
    { .s = { 0x61626380, 0, 0, 0 } }, { { 0 } }, { { 0 } }, { .s = { 0, 0, 0, 24 } },
};

Test(ref, sha1_of_abc)
{
    static const uint32_t k[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    V128 abcd = { .s = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } }, zero = { { 0 } };
    V128 w[20], first = abcd, e = { .s = { 0xc3d2e1f0 } };
    IrRefCtl ctl = { .type = IR_V128 };

    memcpy(w, abc_block, sizeof(abc_block));
    for (int i = 4; i < 20; i++) {
        w[i] = run(IR_OP_VSHA1SU1, ctl,
                   run(IR_OP_VSHA1SU0, ctl, w[i - 4], w[i - 3], w[i - 2]), w[i - 1], zero);
    }
    for (int i = 0; i < 20; i++) {
        V128 wk, next = run(IR_OP_VSHA1H, ctl, abcd, zero, zero);
        for (int lane = 0; lane < 4; lane++) {
            wk.s[lane] = w[i].s[lane] + k[i / 5];
        }
        ctl.imm = i / 5 == 0 ? 0 : i / 5 == 2 ? 2 : 1;
        abcd = run(IR_OP_VSHA1, ctl, abcd, e, wk);
        e = next;
    }
    for (int lane = 0; lane < 4; lane++) {
        abcd.s[lane] += first.s[lane];
    }
    expect(abcd, 0x4706816aa9993e36, 0x7850c26cba3e2571, "SHA-1");
    cr_expect_eq(e.s[0] + 0xc3d2e1f0, 0x9cd0d89d);
}

Test(ref, sha256_of_abc)
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2,
    };
    V128 x = { .s = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a } };
    V128 y = { .s = { 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
    V128 w[16], first = x, zero = { { 0 } };
    IrRefCtl h = { .type = IR_V128 }, h2 = { .type = IR_V128, .imm = 1 };

    memcpy(w, abc_block, sizeof(abc_block));
    for (int i = 0; i < 16; i++) {
        V128 wk;
        if (i >= 4) {
            w[i] = run(IR_OP_VSHA256SU1, h,
                       run(IR_OP_VSHA256SU0, h, w[i - 4], w[i - 3], zero), w[i - 2], w[i - 1]);
        }
        for (int lane = 0; lane < 4; lane++) {
            wk.s[lane] = w[i].s[lane] + k[4 * i + lane];
        }
        V128 old = x;
        x = run(IR_OP_VSHA256H, h, x, y, wk);
        y = run(IR_OP_VSHA256H, h2, y, old, wk);
    }
    for (int lane = 0; lane < 4; lane++) {
        x.s[lane] += first.s[lane];
    }
    expect(x, 0x8f01cfeaba7816bf, 0x5dae2223414140de, "SHA-256");
}

/* ---- Floating point against soft-float */

static uint64_t rng_state = 0x9e3779b97f4a7c15;

static uint64_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return rng_state;
}

/* A double or float: special values, near powers of two, integers and their halves, any bits. */
static uint64_t random_fp(bool dbl)
{
    static const uint64_t special64[] = {
        0, 1, 0x000fffffffffffff, 0x0010000000000000, 0x3ff0000000000000, 0x3fe0000000000000,
        0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff0000000000001, 0x7ff8000000000000,
        0x7ff8000000001234, 0x7ff4000000000000, 0x43e0000000000000, 0x43f0000000000000,
        0x41e0000000000000, 0x41f0000000000000, 0x41dfffffffe00000, 0x41efffffffe00000,
        0x36a0000000000000, 0x380fffffffffffff, 0x47efffffefffffff, 0x3ff8000000000000,
    };
    static const uint32_t special32[] = {
        0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x3f000000, 0x7f7fffff, 0x7f800000, 0x7f800001,
        0x7fc00000, 0x7fc01234, 0x7fa00000, 0x5f000000, 0x5f800000, 0x4f000000, 0x4f800000,
        0x4effffff, 0x4f7fffff, 0x3fc00000, 0x40200000, 0xcf000000, 0xcf000001,
    };
    uint64_t r = rng(), sign = dbl ? r & BIT(63) : r & BIT(31);
    switch (r >> 32 & 7) {
    case 0:
    case 1:
        return sign | (dbl ? special64[r % ARRAY_SIZE(special64)]
                           : special32[r % ARRAY_SIZE(special32)]);
    case 2: { /* half integers */
        double v = (double)(int64_t)(rng() >> (r >> 40 & 63)) / 2;
        float f = (float)v;
        uint64_t out = 0;
        memcpy(&out, dbl ? (void *)&v : (void *)&f, dbl ? 8 : 4);
        return out ^ sign;
    }
    case 3:
    case 4: /* moderate exponents, few fraction bits */
        return dbl ? sign | (0x3c0 + (r >> 40 & 0x7f)) << 52 | (rng() & (rng() << 32) & bit_mask(52))
                   : sign | (0x60 + (r >> 40 & 0x3f)) << 23 | (rng() & (rng() << 12) & bit_mask(23));
    case 5: /* tiny */
        return sign | (rng() & (dbl ? bit_mask(54) : bit_mask(25)));
    default:
        return rng() & (dbl ? UINT64_MAX : UINT32_MAX);
    }
}

/* One mode of the host and the same of soft-float. */
typedef struct Mode {
    unsigned mxcsr;
    IrNanRule rule;
    FpStatus status;
} Mode;

static Mode mode_of(unsigned rounding, bool flush, IrNanRule rule)
{
    /* MXCSR.RC: nearest, down, up, zero */
    static const uint8_t soft[4] = {
        FP_ROUND_NEAREST_EVEN, FP_ROUND_MINUS_INF, FP_ROUND_PLUS_INF, FP_ROUND_ZERO,
    };
    return (Mode){
        .mxcsr = MXCSR_DEFAULT | rounding << 13 | (flush ? MXCSR_DAZ_FTZ : 0),
        .rule = rule,
        .status = { .rounding = soft[rounding], .nan_rule = FP_NAN_ARM,
                    .tininess_before = !flush, .default_nan = rule == IR_NAN_ARM_DEFAULT, .flush_inputs = flush,
                    .flush_outputs = flush, .flush_input_silent = true,
                    .flush_output_inexact = true },
    };
}

/* Sticky flags of MXCSR in soft-float's terms. */
static unsigned host_flags(void)
{
    unsigned x = _mm_getcsr() & MXCSR_FLAGS & ~MXCSR_DENORMAL;
    return (x & 1) | x >> 1;
}

static FpRounding soft_rounding(unsigned round, const FpStatus *s)
{
    static const uint8_t soft[] = {
        FP_ROUND_NEAREST_EVEN, FP_ROUND_PLUS_INF, FP_ROUND_MINUS_INF, FP_ROUND_ZERO,
        FP_ROUND_NEAREST_AWAY,
    };
    return round < ARRAY_SIZE(soft) ? soft[round] : s->rounding;
}

static uint32_t nzcv_of(FpOrder order)
{
    switch (order) {
    case FP_LESS: return IR_NZCV_N | IR_NZCV_NOT_C;
    case FP_EQUAL: return IR_NZCV_Z;
    case FP_GREATER: return 0;
    default: return IR_NZCV_V;
    }
}

#define SOFT2(fn) (dbl ? f64_##fn(a, b, s) : f32_##fn((uint32_t)a, (uint32_t)b, s))
#define SOFT1(fn) (dbl ? f64_##fn(a, s) : f32_##fn((uint32_t)a, s))
#define SOFT_TO(type) \
    (dbl ? f64_to_##type(a, 0, round, s) : f32_to_##type((uint32_t)a, 0, round, s))

static uint64_t soft(IrOp op, const IrRefCtl *ctl, bool dbl, uint64_t a, uint64_t b, uint64_t c,
                     FpStatus *s)
{
    FpRounding round = soft_rounding(ctl->sub, s);
    switch (op) {
    case IR_OP_FADD: return SOFT2(add);
    case IR_OP_FSUB: return SOFT2(sub);
    case IR_OP_FMUL: return SOFT2(mul);
    case IR_OP_FDIV: return SOFT2(div);
    case IR_OP_FSQRT: return SOFT1(sqrt);
    case IR_OP_FMADD:
        return dbl ? f64_muladd(a, b, c, s)
                   : f32_muladd((uint32_t)a, (uint32_t)b, (uint32_t)c, s);
    case IR_OP_FMIN: return SOFT2(min);
    case IR_OP_FMAX: return SOFT2(max);
    case IR_OP_FMINNM: return SOFT2(minnm);
    case IR_OP_FMAXNM: return SOFT2(maxnm);
    case IR_OP_FROUND:
        return dbl ? f64_round_int(a, round, ctl->imm, s)
                   : f32_round_int((uint32_t)a, round, ctl->imm, s);
    case IR_OP_FTOI:
        if (ctl->type == IR_I32) {
            return ctl->imm ? (uint32_t)SOFT_TO(i32) : SOFT_TO(u32);
        }
        return ctl->imm ? (uint64_t)SOFT_TO(i64) : SOFT_TO(u64);
    case IR_OP_ITOF:
        if (ctl->arg_type == IR_I32) {
            a = ctl->imm ? (uint64_t)(int32_t)a : (uint32_t)a;
        }
        if (ctl->imm) {
            return dbl ? f64_from_i64((int64_t)a, 0, s) : f32_from_i64((int64_t)a, 0, s);
        }
        return dbl ? f64_from_u64(a, 0, s) : f32_from_u64(a, 0, s);
    case IR_OP_FCVT_F64: return f32_to_f64((uint32_t)a, s);
    case IR_OP_FCVT_F32: return f64_to_f32(a, s);
    case IR_OP_NZCV_FCMP:
        return nzcv_of(ctl->imm ? (FpOrder)(int)SOFT2(compare_signal) : (FpOrder)(int)SOFT2(compare));
    default: cr_assert_fail("no soft-float for %s", ir_op_info[op].name);
    }
    return 0;
}

static void check_scalar(IrOp op, Mode m, IrRefCtl ctl, bool dbl)
{
    bool from_int = op == IR_OP_ITOF;
    uint64_t a = from_int ? rng() >> (rng() & 63) : random_fp(dbl), b = random_fp(dbl);
    uint64_t c = random_fp(dbl), junk = rng() << 32;
    V128 d, va = v2(a | (dbl ? 0 : junk), rng()), vb = v2(b | (dbl ? 0 : junk), rng());
    V128 vc = v2(c | (dbl ? 0 : junk), rng());
    FpStatus s = m.status;

    if (from_int) {
        a = rng() & 1 ? a : (uint64_t)-(int64_t)a;
        va.d[0] = a;
    }
    ctl.nan_rule = m.rule;
    _mm_setcsr(m.mxcsr);
    ir_ref_fns[op](&d, &va, &vb, &vc, &ctl);
    unsigned flags = host_flags();
    _mm_setcsr(MXCSR_DEFAULT);
    uint64_t want = soft(op, &ctl, dbl, a, b, c, &s);
    unsigned want_flags = s.flags & 0x1f;
    if (s.flush_outputs) { /* a mode of the host that no guest runs in */
        flags &= ~FP_FLAG_UNDERFLOW;
        want_flags &= ~FP_FLAG_UNDERFLOW;
    }
    cr_assert(d.d[0] == want && d.d[1] == 0 && flags == want_flags,
              "%s %s sub %u imm %u type %u mxcsr %x rule %u: %llx %llx %llx gives %llx flags %x, "
              "soft-float %llx flags %x", ir_op_info[op].name, dbl ? "f64" : "f32", ctl.sub,
              (unsigned)ctl.imm, ctl.type, m.mxcsr, m.rule, (unsigned long long)a,
              (unsigned long long)b, (unsigned long long)c, (unsigned long long)d.d[0], flags,
              (unsigned long long)want, want_flags);
}

static void check_all_modes(IrOp op, unsigned rounds, IrRefCtl ctl, bool dbl)
{
    for (unsigned mode = 0; mode < 16; mode++) {
        Mode m = mode_of(mode & 3, mode & 4, mode & 8 ? IR_NAN_ARM_DEFAULT : IR_NAN_ARM);
        for (unsigned i = 0; i < rounds; i++) {
            check_scalar(op, m, ctl, dbl);
        }
    }
}

Test(ref, scalar_fp_is_soft_float)
{
    static const IrOp ops[] = {
        IR_OP_FADD, IR_OP_FSUB, IR_OP_FMUL, IR_OP_FDIV, IR_OP_FSQRT, IR_OP_FMADD, IR_OP_FMIN,
        IR_OP_FMAX, IR_OP_FMINNM, IR_OP_FMAXNM,
    };
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        check_all_modes(ops[i], 3000, (IrRefCtl){ .type = IR_F64, .arg_type = IR_F64 }, true);
        check_all_modes(ops[i], 3000, (IrRefCtl){ .type = IR_F32, .arg_type = IR_F32 }, false);
    }
    for (unsigned signal = 0; signal < 2; signal++) {
        IrRefCtl ctl = { .type = IR_F64, .arg_type = IR_F64, .imm = signal };
        check_all_modes(IR_OP_NZCV_FCMP, 3000, ctl, true);
        ctl.type = ctl.arg_type = IR_F32;
        check_all_modes(IR_OP_NZCV_FCMP, 3000, ctl, false);
    }
}

Test(ref, conversions_are_soft_float)
{
    static const uint8_t ints[] = { IR_I32, IR_I64 }, floats[] = { IR_F32, IR_F64 };

    check_all_modes(IR_OP_FCVT_F64, 3000, (IrRefCtl){ .arg_type = IR_F32 }, false);
    check_all_modes(IR_OP_FCVT_F32, 3000, (IrRefCtl){ .arg_type = IR_F64 }, true);
    for (unsigned i = 0; i < 8; i++) {
        uint8_t integer = ints[i & 1], fp = floats[i >> 1 & 1];
        check_all_modes(IR_OP_ITOF, 2000,
                        (IrRefCtl){ .type = fp, .arg_type = integer, .imm = i >> 2 & 1 },
                        fp == IR_F64);
        for (uint16_t round = 0; round <= IR_ROUND_CURRENT; round++) {
            IrRefCtl ctl = { .type = integer, .arg_type = fp, .imm = i >> 2 & 1, .sub = round };
            check_all_modes(IR_OP_FTOI, 1000, ctl, fp == IR_F64);
            ctl.type = fp;
            check_all_modes(IR_OP_FROUND, 500, ctl, fp == IR_F64);
        }
    }
}

/* A vector operation is the scalar one in each of the low lanes, and zero above. */
Test(ref, vector_fp_is_scalar_by_lane)
{
    static const IrOp ops[][2] = {
        { IR_OP_VFADD, IR_OP_FADD }, { IR_OP_VFSUB, IR_OP_FSUB }, { IR_OP_VFMUL, IR_OP_FMUL },
        { IR_OP_VFDIV, IR_OP_FDIV }, { IR_OP_VFSQRT, IR_OP_FSQRT },
        { IR_OP_VFMADD, IR_OP_FMADD }, { IR_OP_VFMIN, IR_OP_FMIN }, { IR_OP_VFMAX, IR_OP_FMAX },
        { IR_OP_VFMINNM, IR_OP_FMINNM }, { IR_OP_VFMAXNM, IR_OP_FMAXNM },
    };
    for (unsigned n = 0; n < 20000; n++) {
        const IrOp *op = ops[n % ARRAY_SIZE(ops)];
        bool dbl = n & 1;
        unsigned lanes = dbl ? 1 + (n >> 4) % 2 : 1 + (n >> 4) % 4, es = dbl ? 3 : 2;
        V128 v[3], got, lane, want = { { 0 } };
        for (unsigned i = 0; i < 12; i++) {
            if (dbl) {
                v[i / 4].d[i % 2] = random_fp(true);
            } else {
                v[i / 4].s[i % 4] = (uint32_t)random_fp(false);
            }
        }
        IrRefCtl ctl = { .type = IR_V128, .sub = (uint16_t)es, .imm = lanes, .nan_rule = n % 2 };
        _mm_setcsr(MXCSR_DEFAULT | (n >> 3 & 3) << 13);
        ir_ref_fns[op[0]](&got, &v[0], &v[1], &v[2], &ctl);
        unsigned flags = _mm_getcsr() & MXCSR_FLAGS;
        _mm_setcsr(MXCSR_DEFAULT | (n >> 3 & 3) << 13);
        ctl.type = ctl.arg_type = dbl ? IR_F64 : IR_F32;
        for (unsigned i = 0; i < lanes; i++) {
            V128 x[3];
            for (unsigned k = 0; k < 3; k++) {
                x[k] = dbl ? v2(v[k].d[i], 0) : v2(v[k].s[i], 0);
            }
            ir_ref_fns[op[1]](&lane, &x[0], &x[1], &x[2], &ctl);
            memcpy(dbl ? (void *)&want.d[i] : (void *)&want.s[i], &lane, dbl ? 8 : 4);
        }
        cr_assert_eq(flags, _mm_getcsr() & MXCSR_FLAGS, "%s flags", ir_op_info[op[0]].name);
        _mm_setcsr(MXCSR_DEFAULT);
        cr_assert(!memcmp(&got, &want, 16), "%s lanes %u", ir_op_info[op[0]].name, lanes);
    }
}

/* Likewise the conversions, whose mode and flag stand in imm. */
Test(ref, vector_conversions_are_scalar_by_lane)
{
    static const IrOp ops[][2] = {
        { IR_OP_VFROUND, IR_OP_FROUND }, { IR_OP_VFTOI, IR_OP_FTOI }, { IR_OP_VITOF, IR_OP_ITOF },
    };
    for (unsigned n = 0; n < 20000; n++) {
        const IrOp *op = ops[n % ARRAY_SIZE(ops)];
        bool dbl = rng() & 1, flag = rng() & 1;
        unsigned lanes = 1 + rng() % (dbl ? 2 : 4), mode = rng() % (IR_ROUND_CURRENT + 1);
        uint8_t fp = dbl ? IR_F64 : IR_F32, integer = dbl ? IR_I64 : IR_I32;
        V128 v, got, lane, want = { { 0 } };
        for (unsigned i = 0; i < 4; i++) {
            v.d[i / 2] = dbl ? random_fp(true) : v.d[i / 2];
            v.s[i] = dbl ? v.s[i] : (uint32_t)random_fp(false);
        }
        IrRefCtl vec = { .type = IR_V128, .sub = dbl ? 3 : 2, .nan_rule = n % 2,
                         .imm = IR_LANES_MODE(lanes, mode, flag) };
        IrRefCtl one = { .type = op[1] == IR_OP_FTOI ? integer : fp, .nan_rule = n % 2,
                         .arg_type = op[1] == IR_OP_ITOF ? integer : fp, .imm = flag,
                         .sub = op[1] == IR_OP_ITOF ? 0 : (uint16_t)mode };
        ir_ref_fns[op[0]](&got, &v, NULL, NULL, &vec);
        for (unsigned i = 0; i < lanes; i++) {
            V128 x = dbl ? v2(v.d[i], 0) : v2(v.s[i], 0);
            ir_ref_fns[op[1]](&lane, &x, NULL, NULL, &one);
            memcpy(dbl ? (void *)&want.d[i] : (void *)&want.s[i], &lane, dbl ? 8 : 4);
        }
        cr_assert(!memcmp(&got, &want, 16), "%s lanes %u", ir_op_info[op[0]].name, lanes);
    }
}
