// SPDX-License-Identifier: MIT
//
// MXCSR (Intel SDM 1, 10.2.3): sticky flags in bits 5..0 (IE DE ZE OE UE PE), their masks in
// 12..7, rounding in 14..13 (nearest, down, up, zero). DE is no Arm flag: IDC means flushed.
#include <xmmintrin.h>
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
