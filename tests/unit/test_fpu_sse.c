// SPDX-License-Identifier: MIT
//
// Soft-float under SSE's rules against the host's own SSE2, SSE4.1, F16C and FMA3 instructions:
// results bit for bit (NaNs included) and exception flags, in all rounding modes, with and without
// DAZ and FTZ. The arithmetic under the rules is the same as Arm's. x86-64 hosts only.
#include <cpuid.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/fpu_operands.h"
#include "util/bitops.h"
#include "util/fpu/softfloat.h"

#define ROUNDS 100000

enum { MXCSR_MASKED = 0x1f80, MXCSR_DAZ = 1 << 6, MXCSR_FTZ = 1 << 15 };

/* CPUID leaf 1, bits of ECX. */
typedef enum HostFeature {
    SSE2 = -1, /* always there */
    FMA = 12,
    SSE4_1 = 19,
    OSXSAVE = 27,
    F16C = 29,
} HostFeature;

typedef struct HostCall {
    uint32_t mxcsr; /* in: modes; out: with the flags raised */
    uint64_t a, b, c;
    uint64_t result;
} HostCall;

/* Instructions work on xmm0 = a, xmm1 = b, xmm2 = c, rax = a; result in xmm0 or rax. */
#define HOST(name, insn, from)                                                              \
    static void host_##name(HostCall *h)                                                    \
    {                                                                                       \
        uint32_t normal = MXCSR_MASKED;                                                     \
        __asm__ volatile("movq %2, %%xmm0\n movq %3, %%xmm1\n movq %4, %%xmm2\n"            \
                         "mov %2, %%rax\n ldmxcsr %1\n" insn "\n stmxcsr %1\n ldmxcsr %5\n" \
                         "movq %%" from ", %0"                                              \
                         : "=&r"(h->result), "+m"(h->mxcsr)                                 \
                         : "r"(h->a), "r"(h->b), "r"(h->c), "m"(normal)                     \
                         : "xmm0", "xmm1", "xmm2", "rax", "cc");                            \
    }

/*
 * name, operand width, result width, needed feature, instruction, result register, soft-float.
 * VFMADD213 multiplies its second operand by its first, in this order where both are NaNs.
 */
#define ARITH(OP, t, f, w)                                                                  \
    OP(add_##f, w, w, SSE2, "adds" #t " %%xmm1, %%xmm0", "xmm0", f##_add(a, b, s))        \
    OP(sub_##f, w, w, SSE2, "subs" #t " %%xmm1, %%xmm0", "xmm0", f##_sub(a, b, s))        \
    OP(mul_##f, w, w, SSE2, "muls" #t " %%xmm1, %%xmm0", "xmm0", f##_mul(a, b, s))        \
    OP(div_##f, w, w, SSE2, "divs" #t " %%xmm1, %%xmm0", "xmm0", f##_div(a, b, s))        \
    OP(sqrt_##f, w, w, SSE2, "sqrts" #t " %%xmm0, %%xmm0", "xmm0", f##_sqrt(a, s))        \
    OP(fma_##f, w, w, FMA, "vfmadd213s" #t " %%xmm2, %%xmm1, %%xmm0", "xmm0",             \
       f##_muladd(b, a, c, s))                                                              \
    OP(ucomi_##f, w, 64, SSE2, "ucomis" #t " %%xmm1, %%xmm0\n lahf\n" FLAGS_TO_RAX, "rax", \
       eflags(f##_compare(a, b, s)))                                                        \
    OP(comi_##f, w, 64, SSE2, "comis" #t " %%xmm1, %%xmm0\n lahf\n" FLAGS_TO_RAX, "rax",  \
       eflags(f##_compare_signal(a, b, s)))                                                 \
    OP(round_x_##f, w, w, SSE4_1, "rounds" #t " $4, %%xmm0, %%xmm0", "xmm0",              \
       f##_round_int(a, s->rounding, true, s))                                              \
    OP(round_n_##f, w, w, SSE4_1, "rounds" #t " $8, %%xmm0, %%xmm0", "xmm0",              \
       f##_round_int(a, FP_ROUND_NEAREST_EVEN, false, s))                                   \
    OP(round_z_##f, w, w, SSE4_1, "rounds" #t " $11, %%xmm0, %%xmm0", "xmm0",             \
       f##_round_int(a, FP_ROUND_ZERO, false, s))                                           \
    OP(to_i32_##f, w, 32, SSE2, "cvts" #t "2si %%xmm0, %%eax", "rax",                     \
       indefinite(f##_to_i32(a, 0, s->rounding, s), INT32_MIN, s))                          \
    OP(to_i64_##f, w, 64, SSE2, "cvts" #t "2si %%xmm0, %%rax", "rax",                     \
       indefinite(f##_to_i64(a, 0, s->rounding, s), INT64_MIN, s))                          \
    OP(to_i64_z_##f, w, 64, SSE2, "cvtts" #t "2si %%xmm0, %%rax", "rax",                  \
       indefinite(f##_to_i64(a, 0, FP_ROUND_ZERO, s), INT64_MIN, s))                        \
    OP(from_i64_##f, 0, w, SSE2, "cvtsi2s" #t " %%rax, %%xmm0", "xmm0",                   \
       f##_from_i64((int64_t)a, 0, s))                                                      \
    OP(from_i32_##f, 0, w, SSE2, "cvtsi2s" #t " %%eax, %%xmm0", "xmm0",                   \
       f##_from_i64((int32_t)a, 0, s))

#define FLAGS_TO_RAX "shr $8, %%eax\n and $0x45, %%eax\n"

#define OPS(OP)                                                                             \
    ARITH(OP, s, f32, 32)                                                                   \
    ARITH(OP, d, f64, 64)                                                                   \
    OP(f32_to_f64, 32, 64, SSE2, "cvtss2sd %%xmm0, %%xmm0", "xmm0", f32_to_f64(a, s))     \
    OP(f64_to_f32, 64, 32, SSE2, "cvtsd2ss %%xmm0, %%xmm0", "xmm0", f64_to_f32(a, s))     \
    OP(f16_to_f32, 16, 32, F16C, "vcvtph2ps %%xmm0, %%xmm0", "xmm0", f16_to_f32(a, s))    \
    OP(f32_to_f16, 32, 16, F16C, "vcvtps2ph $4, %%xmm0, %%xmm0", "xmm0", f32_to_f16(a, s))

/* CF, PF, ZF as COMISS sets them. */
static uint64_t eflags(FpOrder order)
{
    static const uint8_t flags[] = { 0x01, 0x40, 0x00, 0x45 };
    return flags[order + 1];
}

/* What x86 gives where Arm saturates. */
static uint64_t indefinite(int64_t v, int64_t integer_indefinite, const FpStatus *s)
{
    return (uint64_t)(s->flags & FP_FLAG_INVALID ? integer_indefinite : v);
}

/* Few instructions use all of a, b, c and s. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define SOFT(name, insn_result)                                                             \
    static uint64_t soft_##name(uint64_t a, uint64_t b, uint64_t c, FpStatus *s)            \
    {                                                                                       \
        return (uint64_t)(insn_result);                                                     \
    }
#define DEFINE(name, in, out, feature, insn, from, expression) \
    HOST(name, insn, from)                                     \
    SOFT(name, expression)
OPS(DEFINE)

typedef struct Op {
    const char *name;
    HostFeature feature;
    void (*host)(HostCall *h);
    uint64_t (*soft)(uint64_t a, uint64_t b, uint64_t c, FpStatus *s);
    uint8_t in_width, out_width;
} Op;

#define ENTRY(name, in, out, feature, insn, from, expression) \
    { #name, feature, host_##name, soft_##name, in, out },
static const Op ops[] = { OPS(ENTRY) };

static bool host_has(HostFeature feature)
{
    unsigned eax, ebx, ecx, edx;
    if (feature == SSE2) {
        return true;
    }
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        return false;
    }
    /* VEX-encoded instructions need the operating system's consent. */
    bool vex = feature != SSE4_1;
    return ecx >> feature & 1 && (!vex || ecx >> OSXSAVE & 1);
}

/* MXCSR.RC counts nearest, down, up, zero. */
static FpStatus status_of_mxcsr(uint32_t mxcsr)
{
    static const uint8_t rounding[] = { FP_ROUND_NEAREST_EVEN, FP_ROUND_MINUS_INF,
                                        FP_ROUND_PLUS_INF, FP_ROUND_ZERO };
    FpStatus s = FP_STATUS_SSE;
    s.rounding = rounding[mxcsr >> 13 & 3];
    s.flush_inputs = mxcsr & MXCSR_DAZ;
    s.flush_outputs = mxcsr & MXCSR_FTZ;
    return s;
}

/* IE, ZE, OE, UE, PE at Arm's places; DE has no counterpart. */
static uint8_t flags_of_mxcsr(uint32_t mxcsr)
{
    return (uint8_t)((mxcsr & 1) | (mxcsr >> 1 & 0x1e));
}

/* An addend that cancels most of a * b, which chance hardly ever finds. */
static uint64_t near_minus_product(const Op *op, const HostCall *h, uint64_t random)
{
    FpStatus s = FP_STATUS_SSE;
    uint64_t c = op->in_width == 32 ? f32_mul((uint32_t)h->a, (uint32_t)h->b, &s)
                                    : f64_mul(h->a, h->b, &s);
    c ^= BIT(op->in_width == 32 ? 31 : 63);
    return c + (random >> 8 & 3) - 1;
}

static unsigned count_differences(const Op *op, FpuRandom *r)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t mode = fpu_random(r);
        HostCall h = { .mxcsr = MXCSR_MASKED | ((uint32_t)(mode & 3) << 13) |
                                (mode & 4 ? MXCSR_DAZ : 0) | (mode & 8 ? MXCSR_FTZ : 0) };
        h.a = fpu_random_operand(r, op->in_width);
        h.b = fpu_random_operand(r, op->in_width);
        h.c = mode & 0x30 ? fpu_random_operand(r, op->in_width) : near_minus_product(op, &h, mode);
        FpStatus s = status_of_mxcsr(h.mxcsr);
        uint64_t result = op->soft(h.a, h.b, h.c, &s) & bit_mask(op->out_width);
        uint32_t mxcsr = h.mxcsr;
        op->host(&h);
        h.result &= bit_mask(op->out_width);
        if (result == h.result && s.flags == flags_of_mxcsr(h.mxcsr)) {
            continue;
        }
        if (wrong++ < 3) {
            fprintf(stderr, "%s mxcsr %04x a %" PRIx64 " b %" PRIx64 " c %" PRIx64 ": %" PRIx64
                    " flags %02x, host %" PRIx64 " flags %02x\n", op->name, mxcsr, h.a, h.b, h.c,
                    result, s.flags, h.result, flags_of_mxcsr(h.mxcsr));
        }
    }
    return wrong;
}

Test(fpu_sse, same_result_and_flags_as_host, .timeout = 300)
{
    FpuRandom r = { 0x243f6a8885a308d3 };
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        if (!host_has(ops[i].feature)) {
            cr_log_warn("%s not compared: the host lacks its instruction", ops[i].name);
            continue;
        }
        unsigned wrong = count_differences(&ops[i], &r);
        cr_expect_eq(wrong, 0, "%s: %u of %u differ", ops[i].name, wrong, ROUNDS);
    }
}

Test(fpu_sse, every_half_converts_as_on_the_host)
{
    if (!host_has(F16C)) {
        cr_skip("this host lacks F16C");
    }
    for (uint32_t a = 0; a <= UINT16_MAX; a++) {
        FpStatus s = FP_STATUS_SSE;
        HostCall h = { .mxcsr = MXCSR_MASKED, .a = a };
        host_f16_to_f32(&h);
        cr_assert_eq(f16_to_f32((uint16_t)a, &s), (uint32_t)h.result, "%04x", a);
        cr_assert_eq(s.flags, flags_of_mxcsr(h.mxcsr), "%04x", a);
    }
}
