// SPDX-License-Identifier: MIT
//
// MXCSR (Intel SDM 1, 10.2.3): sticky flags in bits 5..0 (IE DE ZE OE UE PE), their masks in
// 12..7, rounding in 14..13 (nearest, down, up, zero). DE is no Arm flag: IDC means flushed.
#include <immintrin.h>
#include "target/arm/fp-host.h"

#define MXCSR_FLAGS 0x3fu
#define MXCSR_MASKS 0x1f80u
#define MXCSR_RC_SHIFT 13

unsigned arm_fp_host_flags_of(uint32_t csr)
{
    return (csr & FP_FLAG_INVALID) | (csr >> 1 & 0x1e);
}

unsigned arm_fp_host_flags(void)
{
    return arm_fp_host_flags_of(_mm_getcsr());
}

void arm_fp_host_clear_flags(void)
{
    _mm_setcsr(_mm_getcsr() & ~MXCSR_FLAGS);
}

void arm_fp_host_set_rounding(FpRounding mode)
{
    static const uint8_t rc[4] = {
        [FP_ROUND_NEAREST_EVEN] = 0,
        [FP_ROUND_MINUS_INF] = 1,
        [FP_ROUND_PLUS_INF] = 2,
        [FP_ROUND_ZERO] = 3,
    };
    unsigned flags = _mm_getcsr() & MXCSR_FLAGS;
    _mm_setcsr(flags | MXCSR_MASKS | (unsigned)rc[mode & 3] << MXCSR_RC_SHIFT);
}

uint32_t arm_fp_host_reset_value(void)
{
    return MXCSR_MASKS;
}

uint32_t arm_fp_host_exchange(uint32_t saved)
{
    uint32_t old = _mm_getcsr();
    _mm_setcsr(saved);
    return old;
}

/* ---- Half precision by lanes: F16C converts to single and back
 *
 * Single precision has enough bits (more than twice eleven, and two) for a second rounding to be
 * innocuous after any operation but a fused one; there, in the mode to nearest, a result in the
 * middle between two numbers may come from one that is not quite there. */

#define HALF_TARGET __attribute__((target("avx2,fma,f16c")))

static bool has_f16c(void)
{
    /* whatever has the two has F16C (x86-64-v3) */
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool all_ones(__m128i v)
{
    return _mm_movemask_epi8(v) == 0xffff;
}

/* Every lane is zero, or normal. */
static bool halves_ordinary(__m128i v)
{
    __m128i magnitude = _mm_and_si128(v, _mm_set1_epi16(0x7fff));
    __m128i normal = _mm_and_si128(_mm_cmpgt_epi16(magnitude, _mm_set1_epi16(0x03ff)),
                                   _mm_cmplt_epi16(magnitude, _mm_set1_epi16(0x7c00)));
    return all_ones(_mm_or_si128(normal, _mm_cmpeq_epi16(magnitude, _mm_setzero_si128())));
}

/* Numbers as integers of the same order, and back; -0 is below +0. */
static __m128i halves_order(__m128i v)
{
    return _mm_xor_si128(v, _mm_srli_epi16(_mm_srai_epi16(v, 15), 1));
}

/* Neither tiny nor, after a fused operation, in the middle between two halves. */
static bool singles_ordinary(__m128 v, bool fused)
{
    __m128i bits = _mm_castps_si128(v);
    __m128i magnitude = _mm_and_si128(bits, _mm_set1_epi32(0x7fffffff));
    __m128i good = _mm_or_si128(_mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x387fffff)),
                                _mm_cmpeq_epi32(magnitude, _mm_setzero_si128()));
    if (fused) {
        __m128i rest = _mm_and_si128(bits, _mm_set1_epi32(0x1fff));
        good = _mm_andnot_si128(_mm_cmpeq_epi32(rest, _mm_set1_epi32(0x1000)), good);
    }
    return all_ones(good);
}

HALF_TARGET static __m128 half_arithmetic(ArmFpOp op, __m128 x, __m128 y, __m128 z)
{
    switch (op) {
    case ARM_FP_ADD: return _mm_add_ps(x, y);
    case ARM_FP_SUB: return _mm_sub_ps(x, y);
    case ARM_FP_DIV: return _mm_div_ps(x, y);
    case ARM_FP_SQRT: return _mm_sqrt_ps(x);
    case ARM_FP_MULADD: return _mm_fmadd_ps(x, y, z);
    case ARM_FP_RECPS: return _mm_fnmadd_ps(x, y, _mm_set1_ps(2));
    case ARM_FP_RSQRTS:
        return _mm_mul_ps(_mm_fnmadd_ps(x, y, _mm_set1_ps(3)), _mm_set1_ps(0.5f));
    case ARM_FP_CMPEQ: return _mm_cmpeq_ps(x, y);
    case ARM_FP_CMPGE: return _mm_cmpge_ps(x, y);
    case ARM_FP_CMPGT: return _mm_cmpgt_ps(x, y);
    default: return _mm_mul_ps(x, y);
    }
}

/* Operands are ordinary. */
HALF_TARGET static bool half_operation(ArmFpOp op, __m128i a, __m128i b, __m128i c, __m128i *r)
{
    uint32_t before = _mm_getcsr();
    __m128 low = half_arithmetic(op, _mm_cvtph_ps(a), _mm_cvtph_ps(b), _mm_cvtph_ps(c));
    a = _mm_srli_si128(a, 8);
    b = _mm_srli_si128(b, 8);
    c = _mm_srli_si128(c, 8);
    __m128 high = half_arithmetic(op, _mm_cvtph_ps(a), _mm_cvtph_ps(b), _mm_cvtph_ps(c));
    if (op == ARM_FP_CMPEQ || op == ARM_FP_CMPGE || op == ARM_FP_CMPGT) {
        *r = _mm_packs_epi32(_mm_castps_si128(low), _mm_castps_si128(high));
        return true;
    }
    bool fused = op == ARM_FP_MULADD || op == ARM_FP_RECPS || op == ARM_FP_RSQRTS;
    if (!singles_ordinary(low, fused) || !singles_ordinary(high, fused)) {
        _mm_setcsr(before);
        return false;
    }
    *r = _mm_unpacklo_epi64(_mm_cvtps_ph(low, _MM_FROUND_CUR_DIRECTION),
                            _mm_cvtps_ph(high, _MM_FROUND_CUR_DIRECTION));
    return true;
}

static bool half_extreme(ArmFpOp op, __m128i a, __m128i b, __m128i *r)
{
    bool greater = op == ARM_FP_MAX || op == ARM_FP_MAXNM;
    a = halves_order(a);
    b = halves_order(b);
    *r = halves_order(greater ? _mm_max_epi16(a, b) : _mm_min_epi16(a, b));
    return true;
}

static bool half_by_kind(ArmFpOp op, __m128i a, __m128i b, __m128i c, __m128i *r)
{
    const __m128i zero = _mm_setzero_si128();
    switch (op) {
    case ARM_FP_MAX:
    case ARM_FP_MIN:
    case ARM_FP_MAXNM:
    case ARM_FP_MINNM:
        return half_extreme(op, a, b, r);
    case ARM_FP_DIV:
        if (_mm_movemask_epi8(_mm_cmpeq_epi16(_mm_slli_epi16(b, 1), zero))) {
            return false;
        }
        return half_operation(op, a, b, c, r);
    case ARM_FP_SQRT: /* only minus zero may be below zero */
        if (_mm_movemask_epi8(_mm_andnot_si128(_mm_cmpeq_epi16(_mm_slli_epi16(a, 1), zero),
                                               _mm_cmplt_epi16(a, zero)))) {
            return false;
        }
        return half_operation(op, a, b, c, r);
    case ARM_FP_ADD:
    case ARM_FP_SUB:
    case ARM_FP_MUL:
    case ARM_FP_MULX:
    case ARM_FP_MULADD:
    case ARM_FP_RECPS:
    case ARM_FP_RSQRTS:
    case ARM_FP_CMPEQ:
    case ARM_FP_CMPGE:
    case ARM_FP_CMPGT:
        return half_operation(op, a, b, c, r);
    default:
        return false;
    }
}

/* The lanes that are used, 1 in the others. */
static __m128i lanes_or_one(const V128 *v, __m128i used)
{
    return _mm_or_si128(_mm_and_si128(used, _mm_loadu_si128((const __m128i *)v)),
                        _mm_andnot_si128(used, _mm_set1_epi16(0x3c00)));
}

bool arm_fp_host_half(ArmFpOp op, unsigned lanes, const V128 v[3], V128 *r)
{
    const __m128i number = _mm_set_epi16(7, 6, 5, 4, 3, 2, 1, 0);
    __m128i used = _mm_cmplt_epi16(number, _mm_set1_epi16((short)lanes)), result;
    __m128i a = lanes_or_one(&v[0], used), b = a, c = a;
    if (op != ARM_FP_SQRT) {
        b = lanes_or_one(&v[1], used);
    }
    if (op == ARM_FP_MULADD) {
        c = lanes_or_one(&v[2], used);
    }
    if (!has_f16c() || !halves_ordinary(a) || !halves_ordinary(b) || !halves_ordinary(c) ||
        !half_by_kind(op, a, b, c, &result)) {
        return false;
    }
    _mm_storeu_si128((__m128i *)r, _mm_and_si128(result, used));
    return true;
}

HALF_TARGET bool arm_fp_host_to_half(unsigned lanes, const V128 *v, V128 *r)
{
    const __m128i number = _mm_set_epi32(3, 2, 1, 0);
    __m128i used = _mm_cmplt_epi32(number, _mm_set1_epi32((int)lanes));
    __m128i bits = _mm_and_si128(_mm_loadu_si128((const __m128i *)v), used);
    __m128i magnitude = _mm_and_si128(bits, _mm_set1_epi32(0x7fffffff));
    __m128i finite = _mm_cmplt_epi32(magnitude, _mm_set1_epi32(0x477fe000)); /* 65504 */
    if (!has_f16c() || !all_ones(finite) || !singles_ordinary(_mm_castsi128_ps(bits), false)) {
        return false;
    }
    __m128i half = _mm_cvtps_ph(_mm_castsi128_ps(bits), _MM_FROUND_CUR_DIRECTION);
    _mm_storeu_si128((__m128i *)r, half);
    return true;
}
