// SPDX-License-Identifier: MIT
//
// Operands for floating-point tests: a fixed-seed generator that favours what goes wrong (zeros,
// denormals, powers of two and their neighbours, infinities, NaNs, exponents close together).
#ifndef TESTS_UNIT_FPU_OPERANDS_H
#define TESTS_UNIT_FPU_OPERANDS_H

#include <stdint.h>

typedef struct FpuRandom {
    uint64_t state; /* not zero */
} FpuRandom;

static inline uint64_t fpu_random(FpuRandom *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* A fraction of `bits` bits: empty, full, few bits set or cleared, or anything. */
static inline uint64_t fpu_random_fraction(FpuRandom *r, unsigned bits)
{
    uint64_t all = (UINT64_C(1) << bits) - 1;
    uint64_t v = fpu_random(r);
    switch (v >> 61) {
    case 0:
        return 0;
    case 1:
        return all;
    case 2:
        return UINT64_C(1) << (v >> 8) % bits;
    case 3:
        return all ^ UINT64_C(1) << (v >> 8) % bits;
    case 4:
        return v & 3;
    default:
        return (v >> 3) & all;
    }
}

/* A number of `width` 16, 32 or 64; 0 stands for an integer of 64 bits. */
static inline uint64_t fpu_random_operand(FpuRandom *r, unsigned width)
{
    unsigned exp_bits = width == 16 ? 5 : width == 32 ? 8 : 11;
    uint64_t v = fpu_random(r);
    if (width == 0) {
        return (v & 1 ? -fpu_random(r) : fpu_random(r)) >> (v >> 8) % 64;
    }
    unsigned frac_bits = width - 1 - exp_bits;
    uint64_t exp_max = (UINT64_C(1) << exp_bits) - 1, bias = exp_max >> 1, exp;
    switch (v >> 60) {
    case 0:
    case 1:
        exp = 0;
        break;
    case 2:
        exp = exp_max;
        break;
    case 3:
        exp = 1 + ((v >> 8) & 1);
        break;
    case 4:
        exp = exp_max - 1 - ((v >> 8) & 1);
        break;
    case 5: /* products and quotients near the smallest normal number */
        exp = bias / 2 + 1 - (v >> 8) % 4;
        break;
    case 6: /* and near the largest */
        exp = bias + bias / 2 - 1 + (v >> 8) % 4;
        break;
    case 7: /* where the fraction ends, and integers */
        exp = bias + (v >> 8) % (width == 16 ? 16 : 66);
        break;
    case 8:
    case 9:
    case 10:
        exp = bias - 3 + (v >> 8) % 7;
        break;
    default:
        exp = (v >> 8) & exp_max;
        break;
    }
    return (v & 1) << (width - 1) | exp << frac_bits | fpu_random_fraction(r, frac_bits);
}

#endif
