// SPDX-License-Identifier: MIT
//
// Number types whose confusion would be a bug: guest physical and guest virtual addresses.
#ifndef UTIL_TYPES_H
#define UTIL_TYPES_H

#include <stdint.h>

typedef uint64_t Hwaddr; /* guest physical address (gpa) */
typedef uint64_t Vaddr;  /* guest virtual address (gva) */

/* 128 bits of a vector register, lane 0 at the lowest address (hosts are little-endian). */
typedef union V128 {
    uint8_t b[16];
    uint16_t h[8];
    uint32_t s[4];
    uint64_t d[2];
    float f32[4];
    double f64[2];
} __attribute__((aligned(16))) V128;

#endif
