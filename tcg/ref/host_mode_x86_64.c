// SPDX-License-Identifier: MIT
//
// Rounding mode from MXCSR (Intel SDM 1, 10.2.3). fegetround() would tell the x87's.
#include <xmmintrin.h>
#include "tcg/ref/host_mode.h"

IrRound ref_host_round(void)
{
    static const uint8_t modes[4] = {
        IR_ROUND_NEAREST, IR_ROUND_DOWN, IR_ROUND_UP, IR_ROUND_ZERO,
    };
    return modes[_mm_getcsr() >> 13 & 3];
}

void ref_host_set_round(IrRound mode)
{
    static const uint8_t rc[] = {
        [IR_ROUND_NEAREST] = 0, [IR_ROUND_DOWN] = 1, [IR_ROUND_UP] = 2, [IR_ROUND_ZERO] = 3,
    };
    _mm_setcsr((_mm_getcsr() & ~(3u << 13)) | (unsigned)rc[mode] << 13);
}
